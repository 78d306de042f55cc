//! What the client does when servers misbehave: the same command to the next one, booked once, and never a
//! wrong word about what is not known.

use super::{Cluster, fake::*};
use boxoffice::api::wire::{ClientRequest, ServerError, ServerReply};
use boxoffice::domain::outcome::Outcome;
use predicates::{prelude::*, str::contains};
use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

const BOOKED: &str = "The seats have been reserved for bob: 1,2.\n";

fn error(error: ServerError) -> Act {
    Act::Say(ServerReply::Error(error))
}

/// Server 1 misbehaves, is asked first, and server 2 must get the same command.
#[track_caller]
fn fails_over(act: Act) {
    let theatre = theatre(100);
    let first = Fake::start(1, &theatre, &[act]);
    let second = Fake::start(2, &theatre, &[]);
    let cluster = Cluster::of(&[&first, &second]);
    let assert = cluster.client(&["--server", "1", "reserve", "bob", "2"]).assert();
    assert.code(0).stdout(BOOKED).stderr("");
    assert_eq!(first.commands(), second.commands(), "session, number and content are the same");
    assert_eq!(theatre.lock().unwrap().executed, 1, "booked once");
}

#[test]
fn executed_and_closed_books_once() {
    fails_over(Act::ExecuteThenClose);
}

#[test]
fn executed_and_cut_in_mid_frame_books_once() {
    fails_over(Act::ExecuteThenCut);
}

#[test]
fn closed_without_executing_books_once() {
    fails_over(Act::Close);
}

#[test]
fn a_silent_server_is_left_and_books_once() {
    fails_over(Act::Silent);
}

#[test]
fn garbage_is_left_and_books_once() {
    fails_over(Act::Garbage);
}

#[test]
fn an_answer_of_another_kind_is_left_and_books_once() {
    fails_over(Act::Say(ServerReply::Done));
}

#[test]
fn a_leaving_server_hands_the_same_command_to_the_next() {
    fails_over(error(ServerError::Leaving));
}

#[test]
fn a_server_that_is_not_ready_hands_the_same_command_to_the_next() {
    fails_over(error(ServerError::NotReady { state: "catching up".into() }));
}

#[test]
fn an_overloaded_server_hands_the_same_command_to_the_next() {
    fails_over(error(ServerError::Overloaded { pending: 65_536 }));
}

#[test]
fn servers_that_do_not_even_say_hello_are_left() {
    let refusals = [
        Act::SilentHello,
        Act::Refuse(ServerError::TooManyConnections { connections: 4096 }),
        Act::Refuse(ServerError::WrongCluster { server: "other".into(), client: "test".into() }),
    ];
    for act in refusals {
        let theatre = theatre(100);
        let first = Fake::start(1, &theatre, &[act]);
        let second = Fake::start(2, &theatre, &[]);
        let cluster = Cluster::of(&[&first, &second]);
        cluster.client(&["--server", "1", "reserve", "bob", "2"]).assert().code(0).stdout(BOOKED);
        assert_eq!((first.seen().len(), second.seen().len()), (0, 1));
    }
}

#[test]
fn a_dead_server_is_left_at_once_and_verbose_says_so() {
    let second = Fake::start(2, &theatre(100), &[]);
    let cluster = Cluster::on_ports(&[dead_port(), second.port]);
    let assert = cluster.client(&["-v", "--server", "1", "reserve", "bob", "2"]).assert();
    let words = contains("server 1 (127.0.0.1:").and(contains("cannot connect: Connection refused"));
    assert.code(0).stdout(BOOKED).stderr(words.and(contains("server 2 (127.0.0.1:")));
}

#[test]
fn an_answer_in_single_bytes_is_an_answer() {
    let server = Fake::start(1, &theatre(100), &[Act::Dribble]);
    let cluster = Cluster::of(&[&server]);
    cluster.client(&["reserve", "bob", "2"]).assert().code(0).stdout(BOOKED);
}

#[test]
fn a_lone_server_is_asked_again_and_books_once() {
    let theatre = theatre(100);
    let server = Fake::start(1, &theatre, &[Act::ExecuteThenClose, Act::ExecuteThenCut]);
    let cluster = Cluster::of(&[&server]);
    cluster.client(&["reserve", "bob", "2"]).assert().code(0).stdout(BOOKED);
    assert_eq!((server.commands().len(), theatre.lock().unwrap().executed), (3, 1));
}

#[test]
fn no_server_at_all_is_not_executed_and_names_each_reason() {
    let cluster = Cluster::on_ports(&[dead_port(), dead_port()]);
    let assert = cluster.client(&["--deadline", "0.3", "reserve", "bob", "2"]).assert();
    let words = contains("it was not executed").and(contains("server 1 (")).and(contains("server 2 ("));
    assert.code(3).stdout("").stderr(words.and(contains("Connection refused")));
    let assert = cluster.client(&["--deadline", "0.3", "-o", "json", "search", "bob"]).assert();
    assert.code(3).stdout(contains("\"result\":\"not_executed\""));
}

#[test]
fn servers_of_other_clusters_are_not_asked_until_the_deadline() {
    let wrong = Act::Refuse(ServerError::WrongCluster { server: "other".into(), client: "test".into() });
    let server = Fake::start(1, &theatre(100), &[wrong]);
    let cluster = Cluster::of(&[&server]);
    let assert = cluster.client(&["--deadline", "3600", "reserve", "bob", "2"]).assert();
    assert.code(3).stdout("").stderr(contains("belongs to cluster \"other\""));
}

#[test]
fn an_unknown_outcome_is_said_to_be_unknown() {
    let theatre = theatre(100);
    let silent = vec![Act::Silent; 20];
    let server = Fake::start(1, &theatre, &silent);
    let cluster = Cluster::of(&[&server]);
    let assert = cluster.client(&["--deadline", "0.5", "reserve", "bob", "2"]).assert();
    let words = contains("the outcome is unknown: it may have been executed").and(contains("search bob"));
    assert.code(3).stdout("").stderr(words.and(contains("not executed").not()));
    let assert = cluster.client(&["--deadline", "0.5", "-o", "json", "delete", "bob"]).assert();
    assert.code(3).stdout(contains("\"result\":\"unknown\""));
}

#[test]
fn a_maybe_stays_a_maybe_when_all_others_say_no() {
    let theatre = theatre(100);
    let not_ready = error(ServerError::NotReady { state: "waiting".into() });
    let first = Fake::start(1, &theatre, &[&[Act::Close][..], &vec![not_ready.clone(); 50]].concat());
    let second = Fake::start(2, &theatre, &vec![not_ready; 50]);
    let cluster = Cluster::of(&[&first, &second]);
    let assert = cluster.client(&["--deadline", "0.5", "--server", "1", "reserve", "bob", "2"]).assert();
    assert.code(3).stderr(contains("may have been executed").and(contains("not executed").not()));
}

#[test]
fn an_expired_session_at_the_first_try_is_replaced_silently() {
    let theatre = theatre(100);
    let expired = Act::Say(ServerReply::Outcome(Outcome::SessionExpired));
    let server = Fake::start(1, &theatre, &[expired]);
    let cluster = Cluster::of(&[&server]);
    cluster.client(&["reserve", "bob", "2"]).assert().code(0).stdout(BOOKED).stderr("");
    let commands = server.commands();
    assert_ne!(commands[0].session, commands[1].session);
}

#[test]
fn an_expired_session_at_a_retry_is_unknown() {
    let expired = Act::Say(ServerReply::Outcome(Outcome::SessionExpired));
    let server = Fake::start(1, &theatre(100), &[Act::Close, expired]);
    let cluster = Cluster::of(&[&server]);
    let assert = cluster.client(&["reserve", "bob", "2"]).assert();
    assert.code(3).stdout("").stderr(contains("may have been executed"));
}

#[test]
fn a_bad_request_is_not_sent_to_anybody_else() {
    let theatre = theatre(100);
    let first = Fake::start(1, &theatre, &[error(ServerError::BadRequest { reason: "too odd".into() })]);
    let second = Fake::start(2, &theatre, &[]);
    let cluster = Cluster::of(&[&first, &second]);
    let assert = cluster.client(&["--server", "1", "reserve", "bob", "2"]).assert();
    assert.code(2).stdout("").stderr(contains("too odd; it was not executed"));
    assert_eq!(second.seen(), []);
}

#[test]
fn an_override_that_is_refused_is_not_allowed_and_one_that_is_lost_is_unknown() {
    let theatre = theatre(100);
    let refused = error(ServerError::BadRequest { reason: "there is no outage".into() });
    let server = Fake::start(1, &theatre, &[refused, Act::Close]);
    let other = Fake::start(2, &theatre, &[]);
    let cluster = Cluster::of(&[&server, &other]);
    let arguments = ["override", "--server", "1", "--yes"];
    let assert = cluster.client(&arguments).assert();
    assert.code(4).stdout("").stderr(contains("not allowed: bad request: there is no outage"));
    cluster.client(&arguments).assert().code(3).stderr(contains("unknown"));
    assert_eq!(server.seen(), [ClientRequest::Override, ClientRequest::Override]);
    assert_eq!(other.seen(), []);
}

#[test]
fn an_interrupt_ends_it_at_once_and_says_what_is_known() {
    let server = Fake::start(1, &theatre(100), &vec![Act::Silent; 50]);
    let rows = [
        (server.port, "no answer within", "may have been executed"),
        (dead_port(), "refused", "not executed"),
    ];
    for (port, trouble, words) in rows {
        let cluster = Cluster::on_ports(&[port]);
        let mut running = std::process::Command::new(env!("CARGO_BIN_EXE_client"))
            .env("BOXOFFICE_CONFIG", cluster.config())
            .args(["-v", "--deadline", "600", "reserve", "bob", "2"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
        // The next try is on its way when the trouble with the first one is told.
        assert!(lines.by_ref().any(|line| line.contains(trouble)));
        let pid = rustix::process::Pid::from_child(&running);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert!(lines.by_ref().any(|line| line.contains(words)), "it must say: {words}");
        assert_eq!(running.wait().unwrap().code(), Some(3));
    }
}

#[test]
fn the_largest_choice_of_seats_fits_into_a_frame() {
    let server = Fake::start(1, &theatre(100), &[]);
    let cluster = Cluster::of(&[&server]);
    let assert = cluster.client(&["reserve", "bob", "--seats", "900001-1000000"]).assert();
    assert.code(1).stdout(contains("Failed: there are no seats"));
}
