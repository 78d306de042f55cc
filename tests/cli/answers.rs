//! The exact words, the exit codes, and the JSON of each answer.

use super::{Cluster, fake::*, program};
use predicates::{prelude::*, str::contains};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

fn cluster() -> (Fake, Cluster) {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    (server, cluster)
}

#[test]
fn the_classic_commands_have_the_classic_words() {
    let (_server, cluster) = cluster();
    let rows: [(&[&str], i32, &str); 10] = [
        (&["reserve", "bob", "2"], 0, "The seats have been reserved for bob: 1,2."),
        (&["reserve", "bob", "1"], 1, "Failed: bob has booked the following seats: 1,2."),
        (&["reserve", "bob", "99"], 1, "Failed: only 98 seats left but 99 seats are requested."),
        (&["search", "bob"], 0, "1,2"),
        (&["reserve", "Ann Lee", "--seats", "5,4"], 0, "The seats have been reserved for Ann Lee: 4,5."),
        (&["reserve", "eve", "--seats", "5-6"], 1, "Failed: the following seats are taken already: 5."),
        (&["delete", "bob"], 0, "2 seats have been released. 98 seats are now available."),
        (&["delete", "bob"], 1, "Failed: no reservation is made by bob."),
        (&["search", "bob"], 1, "Failed: no reservation is made by bob."),
        (&["search", "Ann Lee"], 0, "4,5"),
    ];
    for (arguments, code, words) in rows {
        cluster.client(arguments).assert().code(code).stdout(format!("{words}\n")).stderr("");
    }
}

#[test]
fn names_are_one_person_in_every_unicode_form() {
    let (_server, cluster) = cluster();
    cluster.client(&["reserve", "Zoe\u{301}", "1"]).assert().code(0);
    cluster.client(&["search", " Zo\u{e9} "]).assert().code(0).stdout("1\n");
}

#[test]
fn verbose_says_which_server_answered() {
    let (server, cluster) = cluster();
    let words = format!("server 1 (127.0.0.1:{}) answered after", server.port);
    cluster.client(&["-v", "reserve", "bob", "1"]).assert().code(0).stderr(contains(words));
}

#[test]
fn the_seat_map_is_drawn() {
    let (_server, cluster) = cluster();
    cluster.client(&["reserve", "bob", "2"]).assert().code(0);
    let row = "  1 ##........ .......... .......... .......... ..........\n";
    let sum = "100 seats: 98 free, 2 taken";
    let assert = cluster.client(&["seats"]).env("COLUMNS", "80").assert().code(0);
    assert.stdout(contains(row).and(contains(sum)).and(contains("\x1b").not()));
}

#[test]
fn json_has_the_same_shape_for_every_command() {
    let (_server, cluster) = cluster();
    let run = |arguments: &[&str], code: i32| -> Value {
        let output = cluster.client(arguments).args(["-o", "json"]).assert().code(code).get_output().clone();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 1, "one object, one line: {text}");
        let mut object: Value = serde_json::from_str(&text).unwrap();
        let id = object.as_object_mut().unwrap().remove("id");
        assert_eq!(id.is_some(), ["reserve", "delete"].contains(&arguments[0]));
        object
    };
    assert_eq!(
        run(&["reserve", "bob", "2"], 0),
        json!({ "command": "reserve", "result": "done", "server": 1, "name": "bob", "seats": [1, 2],
            "message": "The seats have been reserved for bob: 1,2." })
    );
    assert_eq!(
        run(&["reserve", "eve", "200"], 1),
        json!({ "command": "reserve", "result": "refused", "server": 1, "reason": "not_enough", "left": 98,
            "count": 200, "message": "Failed: only 98 seats left but 200 seats are requested." })
    );
    assert_eq!(
        run(&["search", "bob"], 0),
        json!({ "command": "search", "result": "done", "server": 1, "name": "bob", "seats": [1, 2],
            "message": "1,2" })
    );
    assert_eq!(
        run(&["seats"], 0),
        json!({ "command": "seats", "result": "done", "server": 1, "capacity": 100, "left": 98,
            "taken": [[1, 2]] })
    );
    assert_eq!(
        run(&["delete", "bob"], 0),
        json!({ "command": "delete", "result": "done", "server": 1, "released": 2, "left": 100,
            "message": "2 seats have been released. 100 seats are now available." })
    );
}

#[test]
fn a_program_of_a_commands_name_is_that_command() {
    let (_server, cluster) = cluster();
    let link = |name: &str| {
        let path = cluster.dir.path().join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_client"), &path).unwrap();
        let mut command = program(path.to_str().unwrap());
        command.env("BOXOFFICE_CONFIG", cluster.config());
        command
    };
    link("reserve").args(["bob", "2"]).assert().code(0).stdout(contains("reserved for bob: 1,2."));
    link("search").arg("bob").assert().code(0).stdout("1,2\n");
    link("seats").assert().code(0).stdout(contains("98 free"));
    link("status").assert().code(0).stdout(contains("1 of 1 servers ready"));
    link("delete").args(["-o", "json", "bob"]).assert().code(0).stdout(contains("\"released\":2"));
    link("bench").arg("--help").assert().code(0).stdout(contains("Usage: bench "));
    link("delete2").arg("bob").assert().code(2);
}

#[test]
fn a_closed_stdout_ends_quietly_with_the_commands_own_code() {
    let (server, cluster) = cluster();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_client"))
        .env("BOXOFFICE_CONFIG", cluster.config())
        .args(["reserve", "bob", "2"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert_eq!(server.commands().len(), 1);
}

#[test]
fn a_full_stdout_is_not_done_and_the_answer_is_told_elsewhere() {
    let (_server, cluster) = cluster();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_client"))
        .env("BOXOFFICE_CONFIG", cluster.config())
        .args(["reserve", "bob", "2"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("cannot write to stdout") && words.contains("reserved for bob: 1,2."), "{words}");
}
