//! Recorded runs are drawn without a server; files that are no recording are refused with a sentence.

use super::client;
use predicates::{prelude::*, str::contains};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const RUN: &str = r#"{"cluster":"test","format":"boxoffice-trace-1","servers":[{"id":1,"missing":0,"trouble":null},{"id":2,"missing":7,"trouble":null}],"events":[
{"at_us":1795304704749563,"server":2,"what":{"sent":{"said":{"request":{"request":{"clock":2,"server":2}}},"to":1}}},
{"at_us":1795304704749877,"server":1,"what":{"received":{"from":2,"said":{"request":{"request":{"clock":2,"server":2}}}}}},
{"at_us":1795304704750621,"server":2,"what":{"executed":{"commands":3,"position":1,"request":{"clock":2,"server":2}}}}
]}"#;

fn file(dir: &TempDir, text: &str) -> PathBuf {
    let file = dir.path().join("run.json");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_recorded_run_is_drawn_from_a_file_or_from_a_pipe_without_a_configuration() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir, RUN);
    let drawn = || contains("|<---------request 2.2----------o").and(contains("[## 1: 3 commands ##]"));
    let run = || {
        let mut client = client();
        client.current_dir(dir.path()).env("COLUMNS", "80").args(["trace", "--from"]);
        client
    };
    let words = contains("test: 3 events of 2 servers").and(contains("server 2: 7 events are missing"));
    run().arg(&file).assert().code(0).stdout(drawn()).stderr(words);
    run().arg("-").write_stdin(RUN).assert().code(0).stdout(drawn());
    let cut = contains("2 earlier events are left out; --last shows more");
    run().arg(&file).args(["--last", "1"]).assert().code(0).stdout(contains("request").not()).stderr(cut);
}

#[test]
fn a_file_that_is_no_recording_is_refused_and_nothing_is_drawn() {
    let dir = TempDir::new().unwrap();
    for (text, words) in [
        ("", "EOF while parsing"),
        ("not JSON", "expected"),
        ("{}", "missing field"),
        (&RUN.replace("trace-1", "trace-2"), "it is of format \"boxoffice-trace-2\""),
        (&RUN.replace("\"to\":1", "\"to\":5"), "names server 5, which the recording does not list"),
        (&RUN.replace("executed", "\\u001b[31mexecuted"), "unknown variant"),
    ] {
        let assert = client().args(["trace", "--from"]).arg(file(&dir, text)).assert();
        let no_escape = contains("\u{1b}").not();
        assert.code(2).stdout("").stderr(contains("run.json: ").and(contains(words)).and(no_escape));
    }
    client().args(["trace", "--from", "/nowhere/run.json"]).assert().code(2).stderr(contains("No such file"));
    client()
        .args(["trace", "--from", "x", "--seconds", "3"])
        .assert()
        .code(2)
        .stderr(contains("cannot be used"));
    // As large as one that is too large, but not on the disk.
    let large = file(&dir, "");
    fs::File::options().write(true).open(&large).unwrap().set_len((400 << 20) + 1).unwrap();
    client().args(["trace", "--from"]).arg(&large).assert().code(2).stderr(contains("larger than 400 MiB"));
}
