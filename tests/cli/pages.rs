//! Help, completions, manual pages, and waiting.

use super::client;
use predicates::{prelude::*, str::contains};
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let mut words = contains("Exit codes:").boxed();
    for command in [
        "reserve",
        "search",
        "delete",
        "seats",
        "status",
        "tui",
        "bench",
        "chaos",
        "override",
        "completions",
        "man",
    ] {
        words = words.and(contains(format!("\n  {command} "))).boxed();
    }
    client().arg("--help").assert().code(0).stdout(words).stderr("");
    client().args(["reserve", "--help"]).assert().code(0).stdout(contains("Usage: client reserve [OPTIONS]"));
    client().arg("--version").assert().code(0).stdout(contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let assert = client().args(["completions", shell]).assert();
        assert.code(0).stdout(contains("reserve").and(contains("seats"))).stderr("");
    }
    client().args(["completions", "tcsh"]).assert().code(2).stderr(contains("bash"));
}

#[test]
fn manual_pages_are_written_for_every_command() {
    client().arg("man").assert().code(0).stdout(contains(".TH client").and(contains("Exit codes")));
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man/man1");
    client().args(["man", pages.to_str().unwrap()]).assert().code(0).stdout("").stderr("");
    for page in ["client.1", "client-reserve.1", "client-status.1", "client-bench.1"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
    let assert = client().args(["man", "/proc/man"]).assert();
    assert.code(2).stderr(contains("cannot write manual pages to /proc/man"));
}

#[test]
fn waiting_ends_with_the_signal() {
    for signal in ["TERM", "INT"] {
        let mut waiting = Command::new(env!("CARGO_BIN_EXE_client"))
            .args(["wait", "-v"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(waiting.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("waiting for a signal"), "{line}");
        let pid = rustix::process::Pid::from_child(&waiting);
        let signal = match signal {
            "TERM" => rustix::process::Signal::TERM,
            _ => rustix::process::Signal::INT,
        };
        rustix::process::kill_process(pid, signal).unwrap();
        assert_eq!(waiting.wait().unwrap().code(), Some(0));
    }
}
