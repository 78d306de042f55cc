//! Wrong usage: exit 2, nothing on stdout, a sentence on stderr that says what to write, nothing sent.

use super::{Cluster, client, fake::*};
use predicates::{prelude::*, str::contains};

#[test]
fn wrong_values_are_met_with_what_to_write_and_nothing_is_sent() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    let long = "x".repeat(65);
    let rows: [(&[&str], &str); 16] = [
        (&["reserve", "bob", "0"], "a whole number from 1 to 1000000"),
        (&["reserve", "bob", "-2"], "a whole number from 1 to 1000000"),
        (&["reserve", "bob", "two"], "a whole number from 1 to 1000000"),
        (&["reserve", "bob", "1.5"], "a whole number from 1 to 1000000"),
        (&["reserve", "bob", "1000001"], "a whole number from 1 to 1000000"),
        (&["reserve", "bob", "99999999999999999999999"], "a whole number from 1 to 1000000"),
        (&["reserve", "bob"], "<COUNT>"),
        (&["reserve", "bob", "2", "--seats", "1"], "cannot be used with"),
        (&["reserve", "bob", "--seats", "4,4"], "seat 4 is given twice"),
        (&["reserve", "bob", "--seats", "0"], "seats are whole numbers from 1"),
        (&["reserve", "bob", "--seats", "-4"], "seats are whole numbers from 1"),
        (&["reserve", "bob", "--seats", "1000001"], "seats are whole numbers from 1 to 1000000"),
        (&["reserve", "", "2"], "at least 1 character"),
        (&["search", &long], "at most 64 characters, this one has 65"),
        (&["delete", "a\nFailed: b"], "must not contain control characters"),
        (&["reserve", "bob", "2", "--deadline", "never"], "a number of seconds"),
    ];
    for (arguments, words) in rows {
        cluster.client(arguments).assert().code(2).stdout("").stderr(contains(words));
    }
    assert_eq!(server.seen(), []);
}

#[test]
fn an_unknown_command_is_met_with_the_nearest_one() {
    client().arg("reserv").assert().code(2).stdout("").stderr(contains("'reserve'"));
}

#[test]
fn a_missing_configuration_names_the_places_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let assert = client().current_dir(dir.path()).args(["search", "bob"]).assert();
    assert.code(2).stdout("").stderr(contains("cluster.yaml").and(contains("--config")));
    let assert = client().args(["--config", "/nowhere/c.yaml", "search", "bob"]).assert();
    assert.code(2).stderr(contains("/nowhere/c.yaml: cannot be read: No such file"));
}

#[test]
fn a_wrong_configuration_names_file_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cluster.yaml");
    std::fs::write(&file, "cluster: test\nseats: 0\nservers: []\n").unwrap();
    let assert = client().current_dir(dir.path()).args(["search", "bob"]).assert();
    assert.code(2).stdout("").stderr(contains("cluster.yaml:2: seats: 0 is out of range; write a number"));
}

#[test]
fn the_configurations_that_are_shipped_are_sound() {
    for (file, ids) in [("cluster.yaml", "1, 2, 3"), ("cluster.5.yaml", "1, 2, 3, 4, 5")] {
        let file = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let assert = client().args(["--config", &file, "--server", "9", "seats"]).assert();
        assert.code(2).stderr(contains(format!("no such server; the servers are {ids}")));
    }
}

#[test]
fn a_server_that_is_not_configured_is_refused() {
    let cluster = Cluster::on_ports(&[dead_port(), dead_port()]);
    let assert = cluster.client(&["search", "bob", "--server", "7"]).assert();
    assert.code(2).stderr(contains("no such server; the servers are 1, 2"));
}

#[test]
fn an_override_needs_a_server_and_a_yes_and_says_what_can_be_lost() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    for arguments in [&["override"][..], &["override", "--yes"], &["override", "--server", "1"]] {
        let assert = cluster.client(arguments).assert();
        assert.code(2).stdout("").stderr(contains("nothing was sent").and(contains("What can be lost")));
    }
    assert_eq!(server.seen(), []);
    let assert = cluster.client(&["override", "--server", "1", "--yes"]).assert();
    assert.code(0).stdout("Server 1 goes on without the missing servers.\n");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_screen_needs_a_terminal_and_sends_nothing_without_one() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    cluster.client(&["tui"]).assert().code(2).stdout("").stderr(contains("tui needs a terminal"));
    assert_eq!(server.seen(), []);
}
