//! Commands from a pipe.

use super::{Cluster, fake::*};
use predicates::{prelude::*, str::contains};

#[test]
fn a_command_a_line_over_one_connection_and_one_session() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    let input = "reserve bob 2\n\n# a comment\nreserve 'Ann Lee' 1\nsearch bob\ndelete bob\n";
    let output = "The seats have been reserved for bob: 1,2.\n\
                  The seats have been reserved for Ann Lee: 3.\n\
                  1,2\n\
                  2 seats have been released. 99 seats are now available.\n";
    cluster.client(&[]).write_stdin(input).assert().code(0).stdout(output).stderr("");
    let commands = server.commands();
    assert!(commands.iter().all(|command| command.session == commands[0].session));
    let numbers: Vec<(u64, u64)> = commands.iter().map(|c| (c.sequence, c.answered_until)).collect();
    assert_eq!(numbers, [(1, 0), (2, 1), (3, 2)]);
}

#[test]
fn a_wrong_line_does_not_end_it_and_the_largest_code_counts() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    let input = "reserve bob -1\nsearch bob\nfly\nreserve bob 2\n";
    let assert = cluster.client(&[]).write_stdin(input).assert().code(2);
    let words = contains("line 1: ").and(contains("a whole number from 1 to 1000000"));
    assert
        .stdout("Failed: no reservation is made by bob.\nThe seats have been reserved for bob: 1,2.\n")
        .stderr(words.and(contains("line 3: there is no command \"fly\"")));
    cluster.client(&[]).write_stdin("search eve\nsearch bob").assert().code(1);
    cluster.client(&[]).write_stdin("").assert().code(0).stdout("");
}

#[test]
fn help_is_there_and_quit_ends_it() {
    let cluster = Cluster::on_ports(&[dead_port()]);
    let assert = cluster.client(&[]).write_stdin("help\nhelp reserve\nquit\nsearch bob\n").assert();
    assert.code(0).stdout(contains("reserve  Reserve seats for a name").and(contains("--seats <LIST>")));
}

#[test]
fn a_server_that_stops_between_two_lines_is_passed_over() {
    let theatre = theatre(100);
    let first = Fake::start(1, &theatre, &[Act::Serve, Act::ExecuteThenClose]);
    let second = Fake::start(2, &theatre, &[]);
    let cluster = Cluster::of(&[&first, &second]);
    let input = "reserve bob 1\nreserve eve 1\nsearch eve\n";
    let assert = cluster.client(&["--server", "1"]).write_stdin(input).assert();
    assert.code(0).stdout(contains("reserved for bob: 1.").and(contains("reserved for eve: 2.\n2\n")));
    assert_eq!(theatre.lock().unwrap().executed, 2);
    assert_eq!(first.commands()[1], second.commands()[0]);
}

#[test]
fn json_is_an_object_a_line() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    let assert = cluster.client(&["-o", "json"]).write_stdin("reserve bob 1\nsearch bob\nseats\n").assert();
    let text = String::from_utf8(assert.code(0).get_output().stdout.clone()).unwrap();
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let commands: Vec<&str> = objects.iter().map(|object| object["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["reserve", "search", "seats"]);
}
