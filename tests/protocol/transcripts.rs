//! Stories with what happened under each command, recorded: a change in what servers do shows as a difference that a
//! person can read. `UPDATE_TRANSCRIPTS=1 cargo test --test protocol` records anew; then read what changed.
#![expect(clippy::disallowed_methods, reason = "the one setting of these tests is an environment variable")]

use crate::script;
use std::fmt::Write as _;
use std::path::PathBuf;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "protocol", "transcripts"].iter().collect()
}

/// Plays the commands of a transcript (lines with `> `), keeps its comments, and writes what happens now.
fn replay(text: &str) -> String {
    let mut world = None;
    let mut out = String::new();
    for line in text.lines() {
        let Some(command) = line.strip_prefix("> ") else {
            if line.is_empty() || line.starts_with('#') {
                out += line;
                out.push('\n');
            }
            continue;
        };
        writeln!(out, "> {command}").expect("writing to memory succeeds");
        let Some(world) = world.as_mut() else {
            world = Some(script::world(command));
            continue;
        };
        for happened in world.play(command) {
            writeln!(out, "  {happened}").expect("writing to memory succeeds");
        }
    }
    out
}

fn check(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let recorded =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let now = replay(&recorded);
    if now == recorded {
        return;
    }
    if std::env::var("UPDATE_TRANSCRIPTS").is_ok() {
        std::fs::write(&path, now).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let same = recorded.lines().zip(now.lines()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| text.lines().skip(same).take(12).collect::<Vec<_>>().join("\n");
    panic!(
        "{name}, line {}: recorded\n{}\n\nbut now\n{}\n\nUPDATE_TRANSCRIPTS=1 records anew; read what changed",
        same + 1,
        from(&recorded),
        from(&now)
    );
}

/// Plays a story of your own: `STORY=<file> cargo test --test protocol story` writes what happens into it.
#[test]
fn story() {
    let Some(path) = std::env::var_os("STORY") else { return };
    let text = std::fs::read_to_string(&path).expect("the story can be read");
    std::fs::write(&path, replay(&text)).expect("the story can be written");
}

macro_rules! transcripts {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_transcript_is_played() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .expect("the folder can be read")
                .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
                .collect();
            files.sort();
            let mut played: Vec<String> = [$(stringify!($name)),*].map(|name| format!("{name}.txt")).to_vec();
            played.sort();
            assert_eq!(files, played);
        }
    };
}

transcripts! {
    a_lone_command_is_answered_after_one_round_trip
}
