//! What people write: the cluster's description, and lines for the client.

use super::Verdict;
use boxoffice::client::{args::PromptLine, values, words};
use boxoffice::config::{CONFIG_BYTES_MAX, ClusterConfig, SERVERS_MAX};
use boxoffice::domain::ids::{NAME_CHARS_MAX, Name, SEATS_MAX};
use boxoffice::transport::peer::settings_difference;
use boxoffice::verify::check::{Limits, check};
use boxoffice::verify::line;
use clap::Parser as _;
use std::path::Path;

/// A description is refused with a line that exists (or the end of the text, behind the last), or everything in it is within its range.
pub fn configuration(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Verdict::Refused;
    }
    let parsed = ClusterConfig::parse(text, Path::new("cluster.yaml"));
    match &parsed {
        Err(error) => {
            assert!(error.to_string().starts_with("cluster.yaml"), "{error}");
            assert!(error.line.is_none_or(|line| line <= breaks(text) + 2), "{error}");
        }
        Ok(config) => {
            assert!((1..=SERVERS_MAX).contains(&config.servers.len()));
            assert!((1..=SEATS_MAX).contains(&config.seats));
            assert!(config.servers.is_sorted_by(|a, b| a.id < b.id), "each id once, in order");
            for server in &config.servers {
                assert!(server.peer_port > 0 && server.client_port > 0);
                assert_eq!(config.server(server.id), Some(server));
                drop((server.peer_address(), server.client_address()));
            }
            let text = config.shared_text();
            assert_eq!(settings_difference(&text, &text), None, "it is like itself");
        }
    }
    Verdict::of(&parsed)
}

/// Ends of lines as YAML counts them.
fn breaks(text: &str) -> usize {
    text.chars().filter(|c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')).count()
}

/// A line of the prompt: its words, and the command that they are.
pub fn command_line(bytes: &[u8]) -> Verdict {
    let Ok(line) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let Ok(split) = words::split(line) else { return Verdict::Refused };
    assert!(split.iter().map(String::len).sum::<usize>() <= line.len(), "no word is made up");
    for word in split.iter().map(String::as_str).chain([line]) {
        if let Ok(name) = word.parse::<Name>() {
            assert!((1..=NAME_CHARS_MAX).contains(&name.as_str().chars().count()));
            assert_eq!(name.as_str().parse().as_ref(), Ok(&name), "a name is its own name");
            let bytes = postcard::to_stdvec(&name).expect("a name is plain data");
            assert_eq!(postcard::from_bytes(&bytes).as_ref(), Ok(&name));
        }
        if let Ok(picked) = values::picked_seats(word) {
            assert!(picked.0.len() <= values::PICKED_SEATS_MAX && picked.0.is_sorted_by(|a, b| a < b));
        }
        drop((values::count(word), values::seconds(word), values::mix(word)));
    }
    Verdict::of(&PromptLine::try_parse_from(split))
}

/// A history that some other program may have written: read, written again, and judged within limits.
pub fn history(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let parsed = line::parse(text);
    match &parsed {
        Err(error) => assert!((1..=text.lines().count()).contains(&error.number), "{error}"),
        Ok(calls) => {
            let again: String = calls.iter().map(|call| line::write_line(call) + "\n").collect();
            assert_eq!(&line::parse(&again).expect("it was written just now"), calls);
            let limits = Limits { configurations_max: 200, trials_max: 2_000 };
            drop((check(calls, Some(20), limits), check(calls, None, limits)));
        }
    }
    Verdict::of(&parsed)
}
