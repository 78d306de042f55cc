//! What is known after each way in which a try can end. No sockets, no clock.

use super::*;
use crate::api::wire::StatusReport;
use crate::domain::{
    command::{Operation, Query},
    ids::{Name, Seat},
    outcome::Answer,
};

const PATIENCE: Patience = Patience { silent: Duration::from_secs(5), alive: Duration::from_secs(7) };
const DEADLINE: Duration = Duration::from_secs(30);

fn at(ms: u64) -> Now {
    Duration::from_millis(ms)
}

fn bob() -> Name {
    "bob".parse().unwrap()
}

fn reserve() -> Wanted {
    Wanted::Operation(Operation::Reserve { name: bob(), count: 2 })
}

fn search() -> Wanted {
    Wanted::Query(Query::Search { name: bob() })
}

fn booked() -> ServerReply {
    ServerReply::Outcome(Outcome::Reserved { name: bob(), seats: vec![Seat(1), Seat(2)] })
}

fn not_ready() -> ServerReply {
    ServerReply::Error(ServerError::NotReady { state: "catching up".into() })
}

/// Three servers, asked in the order 0, then the two others.
fn exchange() -> Exchange {
    let mut chance = fastrand::Rng::with_seed(3);
    Exchange::new(Rotation::new(3, Some(0), &mut chance), chance, PATIENCE)
}

/// Dials and gets a welcome; the server dialled.
#[track_caller]
fn connect(exchange: &mut Exchange, now: Now) -> usize {
    let Step::Dial(server, _) = exchange.step(now) else {
        panic!("it must want a link, not {:?}", exchange.step(now))
    };
    exchange.connected(1_000, 100);
    server
}

/// The one command that is sent now.
#[track_caller]
fn sent(exchange: &mut Exchange, now: Now) -> (u64, Command) {
    let frames = exchange.frames(now);
    let [ClientFrame { id, body: ClientRequest::Command(command) }] = &frames[..] else {
        panic!("one command must be sent, not {frames:?}")
    };
    (*id, command.clone())
}

/// Whether it lives is all that is sent now.
#[track_caller]
fn assert_question(exchange: &mut Exchange, now: Now) {
    assert_eq!(exchange.frames(now), [ClientFrame { id: 0, body: ClientRequest::Status }]);
}

fn alive() -> ServerReply {
    ServerReply::Status(StatusReport {
        server: 1,
        cluster: "boxoffice".into(),
        availability: "any".into(),
        durability: "fsync".into(),
        servers: Vec::new(),
        conflicts: 0,
        waiting_for: None,
    })
}

fn answer(exchange: &mut Exchange, now: Now, id: u64, body: ServerReply) {
    exchange.received(now, ServerFrame { id, body });
}

/// One `reserve`, sent once to the first server.
fn reserve_sent() -> (Exchange, u64, Command) {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    assert_eq!(connect(&mut exchange, at(0)), 0);
    let (id, command) = sent(&mut exchange, at(1));
    (exchange, id, command)
}

#[track_caller]
fn failure(exchange: &mut Exchange) -> Failure {
    exchange.take_done().expect("it must have ended").result.expect_err("it must have failed")
}

#[test]
fn an_answer_ends_the_request_and_keeps_the_link() {
    let (mut exchange, id, _) = reserve_sent();
    answer(&mut exchange, at(9), id, booked());
    let done = exchange.take_done().unwrap();
    assert_eq!((done.result, done.tries, done.server), (Ok(booked()), 1, 0));
    assert_eq!(exchange.step(at(10)), Step::Rest);
    exchange.submit(at(20), search(), at(50_000));
    assert!(matches!(exchange.step(at(20)), Step::Talk(_)), "the link is used again");
}

#[test]
fn every_way_of_losing_a_try_sends_the_same_command_to_the_next_server() {
    let ways: [fn(&mut Exchange, u64); 5] = [
        |exchange, _| exchange.lost(at(2), "closed".into()),
        |exchange, id| answer(exchange, at(2), id, ServerReply::Error(ServerError::Leaving)),
        |exchange, id| answer(exchange, at(2), id, not_ready()),
        |exchange, id| {
            answer(exchange, at(2), id, ServerReply::Error(ServerError::Overloaded { pending: 9 }));
        },
        |exchange, id| answer(exchange, at(2), id, ServerReply::Done),
    ];
    for way in ways {
        let (mut exchange, id, command) = reserve_sent();
        way(&mut exchange, id);
        assert_ne!(connect(&mut exchange, at(3)), 0, "another server");
        let (_, again) = sent(&mut exchange, at(4));
        assert_eq!(again, command, "session, number, content: all the same");
        let id = id.max(1);
        answer(&mut exchange, at(5), id, booked());
        assert_eq!(exchange.take_done().unwrap().tries, 2);
    }
}

#[test]
fn a_silent_server_is_asked_whether_it_lives_and_left_after_the_timeout() {
    let (mut exchange, _, command) = reserve_sent();
    assert_eq!(exchange.step(at(2)), Step::Talk(at(2_501)));
    assert_eq!(exchange.frames(at(2_500)), []);
    assert_question(&mut exchange, at(2_501));
    assert_eq!(exchange.step(at(2_502)), Step::Talk(at(5_001)));
    assert_eq!(exchange.frames(at(5_000)), [], "once");
    assert!(matches!(exchange.step(at(5_001)), Step::Dial(server, _) if server != 0));
    exchange.connected(1_000, 100);
    assert_eq!(sent(&mut exchange, at(5_002)).1, command);
    assert_eq!(exchange.step(at(5_002)), Step::Talk(at(7_502)), "the next one has its own time");
}

#[test]
fn a_server_that_says_that_it_lives_may_owe_an_answer_for_longer() {
    let (mut exchange, id, _) = reserve_sent();
    exchange.step(at(2_501));
    assert_question(&mut exchange, at(2_501));
    answer(&mut exchange, at(2_600), 0, alive());
    assert!(!exchange.has_done(), "it is no answer to the command");
    assert_eq!(exchange.step(at(2_600)), Step::Talk(at(5_100)), "it is asked again");
    assert_question(&mut exchange, at(5_100));
    assert_eq!(exchange.step(at(5_100)), Step::Talk(at(7_001)), "but not for ever");
    answer(&mut exchange, at(5_101), id, booked());
    let done = exchange.take_done().unwrap();
    assert_eq!((done.result, done.tries), (Ok(booked()), 1), "it was not asked for anywhere else");
}

#[test]
fn a_server_that_lives_and_does_not_answer_is_left_in_the_end() {
    let (mut exchange, _, _) = reserve_sent();
    for ms in (1..7_000).step_by(1_000) {
        assert!(matches!(exchange.step(at(ms)), Step::Talk(_)));
        exchange.frames(at(ms));
        answer(&mut exchange, at(ms), 0, alive());
    }
    assert!(matches!(exchange.step(at(7_001)), Step::Dial(server, _) if server != 0));
    assert_eq!(exchange.troubles().next().unwrap().reason, "it lives, but gave no answer within 7s");
}

#[test]
fn answers_to_others_say_that_it_lives_and_silence_begins_after_them() {
    let (mut exchange, _, _) = reserve_sent();
    let other = exchange.submit(at(100), search(), DEADLINE);
    exchange.step(at(100));
    assert_eq!(exchange.frames(at(100)).len(), 1);
    let found = ServerReply::Answer(Answer::Search { name: bob(), seats: None });
    answer(&mut exchange, at(400), other, found);
    assert_eq!(exchange.step(at(400)), Step::Talk(at(2_900)));
    assert_question(&mut exchange, at(2_900));
    assert_eq!(exchange.step(at(2_900)), Step::Talk(at(5_400)));
    assert!(matches!(exchange.step(at(5_400)), Step::Dial(server, _) if server != 0));
}

#[test]
fn a_link_that_is_drained_is_given_no_question() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    exchange.submit(at(0), reserve(), DEADLINE);
    connect(&mut exchange, at(0));
    let ids: Vec<u64> = exchange.frames(at(0)).iter().map(|frame| frame.id).collect();
    answer(&mut exchange, at(1), ids[0], ServerReply::Outcome(Outcome::SessionExpired));
    assert_eq!(exchange.step(at(3_000)), Step::Talk(at(5_001)), "it would be due");
    assert_eq!(exchange.frames(at(3_000)), []);
}

#[test]
fn patience_follows_the_servers_own() {
    let config = crate::config::Timeouts::default();
    let patience = Patience::of(&config);
    assert_eq!(patience, PATIENCE, "by default");
    let slow = crate::config::Timeouts { client_ms: 60_000, ..config };
    assert_eq!(Patience::of(&slow).alive, Duration::from_secs(60), "never less than for one that is silent");
}

#[test]
fn the_time_of_a_request_begins_before_it_is_sent() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    connect(&mut exchange, at(0));
    assert_eq!(exchange.step(at(7)), Step::Talk(at(2_507)), "and not at the deadline");
}

#[test]
fn what_may_have_been_accepted_once_stays_unknown_whatever_comes_after() {
    let (mut exchange, id, _) = reserve_sent();
    exchange.lost(at(2), "closed".into());
    let mut now = at(3);
    // From now on every server says that it did not accept it. The first one may have.
    while exchange.waiting() > 0 {
        match exchange.step(now) {
            Step::Dial(..) => {
                exchange.connected(1_000, 100);
                sent(&mut exchange, now);
                answer(&mut exchange, now, id, not_ready());
                now += at(1);
            }
            Step::Pause(until) => now = until,
            Step::Talk(_) | Step::Rest => break,
        }
    }
    assert_eq!(failure(&mut exchange), Failure::Unknown);
    assert!(now >= DEADLINE);
}

#[test]
fn what_was_never_accepted_is_known_not_to_be_executed() {
    let (mut exchange, id, _) = reserve_sent();
    answer(&mut exchange, at(2), id, not_ready());
    exchange.step(DEADLINE);
    assert_eq!(failure(&mut exchange), Failure::NotExecuted);
    assert_eq!(exchange.troubles().count(), 1);
}

#[test]
fn what_was_never_sent_is_known_not_to_be_executed() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    let (mut now, mut dials) = (at(0), 0);
    loop {
        match exchange.step(now) {
            Step::Dial(..) => {
                dials += 1;
                exchange.lost(now, "refused".into());
            }
            Step::Pause(until) => {
                assert!(until > now);
                now = until;
            }
            Step::Rest => break,
            Step::Talk(_) => panic!("there is no link"),
        }
    }
    assert_eq!(failure(&mut exchange), Failure::NotExecuted);
    assert!((30..300).contains(&dials), "bounded rests between rounds, {dials} dials in 30 s");
    assert_eq!(now, DEADLINE, "not a moment longer");
}

#[test]
fn a_command_on_its_way_at_the_deadline_is_unknown_and_a_query_is_not() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), at(100));
    exchange.submit(at(0), search(), at(100));
    connect(&mut exchange, at(0));
    assert_eq!(exchange.frames(at(0)).len(), 2);
    assert_eq!(exchange.step(at(100)), Step::Rest);
    assert_eq!(failure(&mut exchange), Failure::Unknown);
    assert_eq!(failure(&mut exchange), Failure::NotExecuted);
}

#[test]
fn an_answer_after_the_deadline_is_ignored() {
    let (mut exchange, id, _) = reserve_sent();
    exchange.step(DEADLINE);
    exchange.take_done();
    answer(&mut exchange, at(30_001), id, booked());
    assert!(exchange.take_done().is_none());
}

#[test]
fn an_expired_session_at_the_first_try_is_replaced() {
    let (mut exchange, id, old) = reserve_sent();
    answer(&mut exchange, at(2), id, ServerReply::Outcome(Outcome::SessionExpired));
    let Step::Dial(server, _) = exchange.step(at(3)) else { panic!("it needs a new birth time") };
    assert_eq!(server, 0, "the server is not to blame");
    exchange.connected(7_777, 100);
    let (id, new) = sent(&mut exchange, at(4));
    assert_eq!((new.session.birth_ms, new.sequence), (7_777, 1));
    assert_ne!(new.session.random, old.session.random);
    answer(&mut exchange, at(5), id, booked());
    assert!(exchange.take_done().unwrap().result.is_ok());
}

#[test]
fn an_expired_session_at_a_retry_is_unknown() {
    for outcome in [Outcome::SessionExpired, Outcome::SequenceForgotten, Outcome::SequenceReused] {
        let (mut exchange, id, _) = reserve_sent();
        exchange.lost(at(2), "closed".into());
        connect(&mut exchange, at(3));
        sent(&mut exchange, at(4));
        answer(&mut exchange, at(5), id, ServerReply::Outcome(outcome));
        assert_eq!(failure(&mut exchange), Failure::Unknown);
    }
}

#[test]
fn an_expired_session_at_a_retry_after_a_certain_refusal_is_replaced() {
    let (mut exchange, id, old) = reserve_sent();
    answer(&mut exchange, at(2), id, not_ready());
    connect(&mut exchange, at(3));
    sent(&mut exchange, at(4));
    answer(&mut exchange, at(5), id, ServerReply::Outcome(Outcome::SessionExpired));
    connect(&mut exchange, at(6));
    assert_ne!(sent(&mut exchange, at(7)).1.session, old.session);
}

#[test]
fn commands_beside_one_whose_session_expired_lose_no_answer() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    exchange.submit(at(0), reserve(), DEADLINE);
    connect(&mut exchange, at(0));
    assert_eq!(exchange.frames(at(0)).len(), 2);
    answer(&mut exchange, at(1), 1, ServerReply::Outcome(Outcome::SessionExpired));
    assert!(exchange.frames(at(1)).is_empty(), "nothing more on the old session");
    assert!(matches!(exchange.step(at(1)), Step::Talk(_)), "the other answer is waited for");
    answer(&mut exchange, at(2), 2, booked());
    assert!(exchange.take_done().unwrap().result.is_ok());
    connect(&mut exchange, at(3));
    assert_eq!(sent(&mut exchange, at(3)).0, 1);
}

#[test]
fn a_server_that_knows_no_session_is_not_asked_in_a_tight_loop() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    let (mut now, mut tries) = (at(0), 0);
    while exchange.waiting() > 0 {
        match exchange.step(now) {
            Step::Dial(..) => exchange.connected(1, 100),
            Step::Talk(_) => {
                tries += 1;
                let (id, _) = sent(&mut exchange, now);
                answer(&mut exchange, now, id, ServerReply::Outcome(Outcome::SessionExpired));
            }
            Step::Pause(until) => now = until,
            Step::Rest => break,
        }
        now += at(1);
        assert!(tries < 2_000, "after {now:?}");
    }
    assert_eq!(failure(&mut exchange), Failure::NotExecuted);
}

#[test]
fn servers_of_another_cluster_end_the_request_at_once() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    let error = ServerError::WrongCluster { server: "a".into(), client: "b".into() };
    for _ in 0..3 {
        assert!(matches!(exchange.step(at(0)), Step::Dial(..)));
        exchange.refused(at(0), &error);
    }
    assert_eq!(failure(&mut exchange), Failure::NotExecuted);
    assert!(exchange.troubles().all(|trouble| trouble.reason.contains("belongs to cluster")));
}

#[test]
fn one_server_of_another_cluster_is_passed_over() {
    let mut exchange = exchange();
    exchange.submit(at(0), reserve(), DEADLINE);
    exchange.step(at(0));
    exchange.refused(at(0), &ServerError::WrongVersion { server: 2, client: 1 });
    assert_ne!(connect(&mut exchange, at(1)), 0);
    let (id, _) = sent(&mut exchange, at(1));
    answer(&mut exchange, at(2), id, booked());
    assert!(exchange.take_done().unwrap().result.is_ok());
}

#[test]
fn an_override_is_sent_once_and_never_again() {
    let mut exchange = exchange();
    exchange.submit(at(0), Wanted::Override, DEADLINE);
    connect(&mut exchange, at(0));
    assert_eq!(exchange.frames(at(0)).len(), 1);
    exchange.lost(at(1), "closed".into());
    assert_eq!(failure(&mut exchange), Failure::Unknown);
    exchange.submit(at(2), Wanted::Override, DEADLINE);
    while matches!(exchange.step(at(2_000)), Step::Dial(..)) {
        exchange.connected(1, 1);
    }
    exchange.frames(at(2_000));
    let reason = "no outage".to_owned();
    answer(&mut exchange, at(2_001), 2, ServerReply::Error(ServerError::BadRequest { reason }));
    assert!(matches!(failure(&mut exchange), Failure::Rejected(words) if words.contains("no outage")));
}

#[test]
fn no_more_is_sent_than_the_server_takes() {
    let mut exchange = exchange();
    for _ in 0..5 {
        exchange.submit(at(0), search(), DEADLINE);
    }
    exchange.step(at(0));
    exchange.connected(1, 2);
    assert_eq!(exchange.frames(at(0)).len(), 2);
    assert_eq!(exchange.frames(at(0)).len(), 0);
    let answer_to_search = ServerReply::Answer(Answer::Search { name: bob(), seats: None });
    answer(&mut exchange, at(1), 1, answer_to_search);
    assert_eq!(exchange.frames(at(1)).len(), 1);
}

#[test]
fn pipelined_commands_are_all_sent_again_with_their_numbers() {
    let mut exchange = exchange();
    for _ in 0..3 {
        exchange.submit(at(0), reserve(), DEADLINE);
    }
    connect(&mut exchange, at(0));
    let first = exchange.frames(at(0));
    answer(&mut exchange, at(1), 2, booked());
    exchange.lost(at(2), "closed".into());
    connect(&mut exchange, at(3));
    let again = exchange.frames(at(3));
    assert_eq!(again, [first[0].clone(), first[2].clone()]);
}

#[test]
fn an_answer_to_another_question_is_not_taken() {
    let mut exchange = exchange();
    exchange.submit(at(0), search(), DEADLINE);
    connect(&mut exchange, at(0));
    exchange.frames(at(0));
    let eve = ServerReply::Answer(Answer::Search { name: "eve".parse().unwrap(), seats: None });
    answer(&mut exchange, at(1), 1, eve);
    assert!(exchange.take_done().is_none());
    assert!(matches!(exchange.step(at(2)), Step::Dial(..)), "another server is asked");
}

#[test]
fn a_leaving_server_may_have_accepted_it_and_one_that_is_not_ready_has_not() {
    let overloaded = ServerError::Overloaded { pending: 1 };
    for (error, expected) in [(ServerError::Leaving, Failure::Unknown), (overloaded, Failure::NotExecuted)] {
        let (mut exchange, id, _) = reserve_sent();
        answer(&mut exchange, at(2), id, ServerReply::Error(error));
        exchange.step(DEADLINE);
        assert_eq!(failure(&mut exchange), expected);
    }
}

#[test]
fn a_bad_request_at_a_retry_says_nothing_about_the_first_try() {
    let (mut exchange, id, _) = reserve_sent();
    exchange.lost(at(2), "closed".into());
    connect(&mut exchange, at(3));
    sent(&mut exchange, at(4));
    let reason = "too odd".to_owned();
    answer(&mut exchange, at(5), id, ServerReply::Error(ServerError::BadRequest { reason }));
    assert_eq!(failure(&mut exchange), Failure::Unknown);
}
