//! Recordings that are none.

use super::super::recording::{FILE_BYTES_MAX, FORMAT, Recording, RecordingError};
use super::*;

fn file(events: &str) -> String {
    format!(
        r#"{{"cluster":"boxoffice","format":"{FORMAT}","servers":[{{"id":2,"missing":0,"trouble":null}},{{"id":1,"missing":4,"trouble":"it broke"}}],"events":[{events}]}}"#
    )
}

fn read(text: &str) -> Result<Recording, RecordingError> {
    Recording::read(text.as_bytes())
}

const LEFT: &str = r#"{"at_us":1795280400000000,"server":1,"what":"left"}"#;

#[test]
fn a_recording_is_read_with_what_was_said_about_it() {
    let recording = read(&file(LEFT)).unwrap();
    assert_eq!((recording.cluster.as_str(), &recording.servers[..]), ("boxoffice", &[1, 2][..]));
    assert_eq!(
        recording.remarks,
        ["server 1: 4 events are missing, there were too many", "server 1: it broke"]
    );
    assert_eq!(recording.events, [at(1, 0, json!("left"))]);
    assert_eq!(read(&file("")).unwrap().events, []);
}

#[test]
fn what_is_no_recording_is_met_with_a_sentence() {
    let other = |from: &str, to: &str| file(LEFT).replace(from, to);
    let sent = |to: &str, said: &str| {
        file(&format!(r#"{{"at_us":1,"server":1,"what":{{"sent":{{"to":{to},"said":{said}}}}}}}"#))
    };
    for (text, words) in [
        (String::new(), "EOF while parsing"),
        ("not JSON".to_owned(), "expected"),
        ("[]".to_owned(), "invalid length"),
        ("{}".to_owned(), "missing field"),
        (file(LEFT)[..150].to_owned(), "EOF while parsing"),
        (file(LEFT) + "more", "trailing characters"),
        (other(FORMAT, "boxoffice-trace-9"), r#"it is of format "boxoffice-trace-9", and only"#),
        (other("\"left\"", "\"danced\""), "unknown variant `danced`"),
        (other("1795280400000000", "-1"), "invalid value"),
        (other("1795280400000000", "\"now\""), "invalid type"),
        (other("1795280400000000", "18446744073709551615"), "is no time of this age"),
        (other("\"server\":1", "\"server\":7"), "names server 7, which the recording does not list"),
        (other("\"server\":1", "\"server\":700"), "invalid value"),
        (other("\"id\":2", "\"id\":0"), "its list of servers is wrong"),
        (other("\"id\":2", "\"id\":1"), "its list of servers is wrong"),
        (other("[{\"id\"", "[],\"x\":[{\"id\""), "its list of servers is wrong"),
        (sent("3", "\"leave\""), "names server 3"),
        (sent("2", r#"{"view":{"step":"prepare","view":"\u001b[2J"}}"#), "is no view"),
        (sent("2", r#"{"view":{"step":"dance","view":"0.1.1"}}"#), "unknown variant `dance`"),
        (sent("2", r#"{"reply":{"until":{"clock":-3,"server":1}}}"#), "invalid value"),
        (sent("2", r#""\u001b[31mred""#), "unknown variant"),
        ("[".repeat(10_000), "expected"),
    ] {
        let error = read(&text).expect_err(&text).to_string();
        assert!(error.contains(words), "{words:?} is not in {error:?}");
        assert!(!error.contains(char::is_control), "{error:?}");
        assert!(error.len() < 1_000);
    }
}

#[test]
fn control_characters_and_endless_texts_are_not_shown() {
    let text = file(LEFT).replace("boxoffice\"", r#"\u001b[2Jx\u0007""#);
    assert_eq!(read(&text).unwrap().cluster, "\u{fffd}[2Jx\u{fffd}");
    for obeyed in ["\u{2028}", "\u{2029}", "\u{202a}", "\u{202e}", "\u{2066}", "\u{2069}", "\u{85}"] {
        let text = file(LEFT).replace("boxoffice\"", &format!("x{obeyed}y\"")).replace("it broke", obeyed);
        let recording = read(&text).unwrap();
        assert_eq!(recording.cluster, "x\u{fffd}y", "{obeyed:?}");
        assert_eq!(recording.remarks[1], "server 1: \u{fffd}");
        let text = file(LEFT).replace(FORMAT, &format!("x{obeyed}y"));
        assert!(!read(&text).unwrap_err().to_string().contains(obeyed), "{obeyed:?}");
    }
    for kept in ["\u{2027}", "\u{202f}", "\u{2065}", "\u{206a}", "\u{5e2d}"] {
        let text = file(LEFT).replace("boxoffice\"", &format!("{kept}\""));
        assert_eq!(read(&text).unwrap().cluster, kept);
    }
    let text = file(LEFT).replace("it broke", &"b".repeat(100_000));
    assert!(read(&text).unwrap().remarks[1].len() < 300);
}

#[test]
fn an_endless_file_is_read_no_further_than_to_the_limit() {
    let error = Recording::read_some(std::io::repeat(b' '), 1 << 16).unwrap_err();
    assert!(matches!(error, RecordingError::TooLarge));
    assert!(error.to_string().contains(&(FILE_BYTES_MAX >> 20).to_string()));
    let text = file(LEFT);
    let length = text.len() as u64;
    assert!(Recording::read_some(text.as_bytes(), length).is_ok());
    assert!(matches!(Recording::read_some(text.as_bytes(), length - 1), Err(RecordingError::TooLarge)));
}
