//! Loading, lists, logs: what is asked for, and what stays where it is.

use super::super::log::{Level, Line, Source};
use super::*;

const SIZE: (u16, u16) = (80, 24);

#[test]
fn loading_goes_step_by_step() {
    let mut desk = Desk::started(SIZE, None);
    desk.shows("1 of 4");
    desk.shows("[x] read the configuration");
    let (number, wanted) = desk.open.pop().unwrap();
    assert_eq!(wanted, Wanted::Query(Query::Seats));
    desk.answer(number, Ok(ServerReply::Answer(desk.world.answer(&Query::Seats))));
    desk.shows("2 of 4");
    desk.shows("server 2 answered after 3 ms");
    assert_eq!(desk.effects, [Effect::AskStatus]);
    desk.send(Message::Status(overview(&[1, 2, 3])));
    desk.shows("3 of 3 servers ready");
    desk.serve();
    assert_eq!(desk.state.screen, Screen::Menu);
    assert_eq!(desk.state.loading.done.len(), STEPS.len());
}

#[test]
fn loading_that_failed_says_why_and_is_tried_again() {
    let mut desk = Desk::started(SIZE, None);
    desk.send(Message::Trouble(1, "cannot connect: Connection refused".to_owned()));
    desk.shows("server 1: cannot connect: Connection refused");
    let (number, _) = desk.open.pop().unwrap();
    desk.answer(number, Err(Failure::NotExecuted));
    desk.shows("no server could serve the request");
    desk.shows("r try again");
    desk.type_in("r");
    desk.serve();
    assert_eq!(desk.state.screen, Screen::Menu);
}

#[test]
fn only_managers_are_offered_to_add_events() {
    Desk::loaded(SIZE, Some("TORM2345")).shows("Add event");
    Desk::loaded(SIZE, Some("TORC2345")).shows_not("Add event");
    let mut desk = Desk::loaded(SIZE, None);
    desk.shows_not("Add event");
    desk.type_in("iTORM2345\n");
    desk.shows("Add event");
}

#[test]
fn a_token_says_who_somebody_is_and_cannot_be_talked_over() {
    let mut desk = Desk::loaded(SIZE, Some("TORC2345"));
    desk.state.is_proved = true;
    desk.type_in("i");
    assert!(desk.state.overlay.is_none());
    desk.shows("TORC2345 (token)");
}

#[test]
fn what_may_not_be_told_is_said_in_the_servers_words_and_logged_once() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    let before = desk.state.log.client.len();
    for _ in 0..5 {
        desk.now.ms += 1_000;
        desk.send(Message::Tick);
        for (number, wanted) in std::mem::take(&mut desk.open) {
            match wanted {
                Wanted::Query(Query::Search { .. }) => {
                    desk.answer(number, Err(Failure::NotAllowed("show a token".to_owned())));
                }
                Wanted::Query(query) => {
                    let answer = desk.world.answer(&query);
                    desk.answer(number, Ok(ServerReply::Answer(answer)));
                }
                Wanted::Operation(_) | Wanted::Override => panic!("nobody asked for that"),
            }
        }
        desk.effects.clear();
    }
    desk.shows("~ show a token");
    assert_eq!(desk.state.log.client.len(), before + 1);
}

fn many(count: u32) -> Vec<EventView> {
    let id = |n: u32| format!("0190163d-8694-739b-aea5-{n:012x}");
    (0..count)
        .map(|n| event(key(&id(n), "Films"), Some(&format!("Film {n}")), "2026-12-24", 50, 50))
        .collect()
}

#[test]
fn events_come_by_the_page_as_they_are_looked_at() {
    let mut desk = Desk::loaded(SIZE, None);
    desk.world.events = many(250);
    desk.type_in("1");
    desk.serve();
    assert_eq!(desk.state.events.rows.len(), 101, "the theatre and a page");
    desk.shows("100 events so far; further down there are more.");
    desk.press(KeyCode::End);
    desk.serve();
    assert_eq!(desk.state.events.rows.len(), 201);
    desk.press(KeyCode::End);
    desk.serve();
    assert_eq!(desk.state.events.rows.len(), 251);
    desk.press(KeyCode::End);
    desk.shows("> 0190163d  Films: Film 249");
    desk.shows("250 events beside the theatre.");
}

#[test]
fn no_more_events_are_kept_than_there_is_room_for() {
    let mut desk = Desk::loaded(SIZE, None);
    desk.world.events = many(EVENTS_MAX as u32 + 500);
    desk.type_in("1/nothing like it\n");
    desk.serve();
    assert_eq!(super::super::update::loaded(&desk.state.events), EVENTS_MAX);
    desk.shows("only the first 5000 were looked at");
    assert_eq!(desk.open, []);
}

#[test]
fn a_filter_asks_the_servers_for_branch_and_day_and_looks_for_words_itself() {
    let mut desk = Desk::loaded(SIZE, None);
    desk.type_in("1");
    desk.serve();
    desk.type_in("/TOR 2026-01-01 winter\n");
    let asked = desk.open.iter().find_map(|(_, wanted)| match wanted {
        Wanted::Query(Query::Events(query)) => match &query.question {
            Question::Events { filter, .. } => Some(filter.clone()),
            _ => None,
        },
        _ => None,
    });
    let asked = asked.unwrap();
    assert_eq!(asked.branch, Some("TOR".parse().unwrap()));
    assert_eq!(asked.from, Some("2026-01-01".parse().unwrap()));
    desk.serve();
    desk.shows("Winter fair");
    desk.shows_not("Lamport clocks");
    desk.type_in("/");
    for _ in 0.."TOR 2026-01-01 winter".len() {
        desk.press(KeyCode::Backspace);
    }
    desk.type_in("theat\n");
    desk.serve();
    desk.shows("> The theatre");
    assert_eq!(desk.state.events.rows.len(), 1);
}

#[test]
fn the_chosen_event_stays_chosen_when_others_come_and_go() {
    let mut desk = Desk::loaded(SIZE, None);
    desk.type_in("1");
    desk.serve();
    desk.press(KeyCode::Down);
    desk.press(KeyCode::Down);
    desk.shows("> TORM100519");
    desk.world.events.insert(0, event(key("MTLA010119", "Films"), None, "2019-01-01", 5, 5));
    desk.wait(1_000);
    desk.shows("> TORM100519");
    desk.shows("MTLA010119");
    desk.world.events.clear();
    desk.wait(1_000);
    desk.shows("> The theatre");
}

#[test]
fn the_screen_asks_anew_each_second_and_not_before_it_was_answered() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    let asked = |desk: &mut Desk, ms: u64| {
        desk.open.clear();
        for _ in 0..ms / 100 {
            desk.now.ms += 100;
            desk.send(Message::Tick);
        }
        desk.open.len()
    };
    desk.wait(1_000);
    assert_eq!(asked(&mut desk, 900), 0);
    assert_eq!(asked(&mut desk, 100), 2, "the seats, and one's own");
    assert_eq!(asked(&mut desk, 5_000), 0, "nobody has answered yet");
}

#[test]
fn an_answer_about_another_hall_changes_nothing() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.wait(1_000);
    desk.now.ms += 1_000;
    desk.send(Message::Tick);
    let late = std::mem::take(&mut desk.open);
    assert!(!late.is_empty());
    desk.press(KeyCode::Esc);
    desk.serve();
    desk.press(KeyCode::Down);
    desk.press(KeyCode::Down);
    desk.press(KeyCode::Enter);
    desk.open.extend(late);
    desk.serve();
    desk.shows("TORM100519 (Seminars): 26 of 30 seats are free.");
}

#[test]
fn an_event_that_is_gone_is_told_in_the_servers_words() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 2);
    desk.world.events.clear();
    desk.wait(1_000);
    desk.shows("TORM100519 (Seminars)");
    desk.shows("Failed: there is no event");
    desk.type_in(" \n");
    assert!(!desk.has_command());
}

#[test]
fn bookings_are_all_that_one_has_and_can_be_acted_upon() {
    let mut desk = Desk::loaded(SIZE, Some("TORC2345"));
    desk.world.own = Some(seats(&[4, 5, 6]));
    desk.world.claims = vec![booking(seminars(), &[1, 2])];
    desk.world.gone = vec![Notice { event: key("OTWA060519", "Seminars"), seats: 3 }];
    desk.type_in("2");
    desk.serve();
    desk.shows("TORC2345: 3.");
    desk.shows("> booked: 4-6                          The theatre");
    desk.shows("  booked: 1,2                          TORM100519 (Seminars), 2019-05-10");
    desk.shows("  cancelled by the organiser: 3        OTWA060519 (Seminars)");
    desk.press(KeyCode::Down);
    desk.type_in("xy");
    assert!(matches!(desk.action().1, Action::Cancel { event, .. } if event == seminars().id));
    desk.end(Err(Failure::NotExecuted));
    desk.press(KeyCode::End);
    desk.type_in("x\n");
    assert!(desk.state.overlay.is_none() && !desk.has_command(), "what is gone cannot be given back");
    desk.press(KeyCode::Home);
    desk.press(KeyCode::Enter);
    desk.serve();
    desk.shows("Yours: 4-6.");
    desk.press(KeyCode::Esc);
    assert_eq!(desk.state.screen, Screen::Bookings);
}

#[test]
fn somebody_without_a_name_is_asked_for_it_before_their_bookings_are_shown() {
    let mut desk = Desk::loaded(SIZE, None);
    desk.type_in("2");
    assert!(matches!(desk.overlay(), Overlay::Input { .. }));
    desk.type_in("bob\n");
    desk.serve();
    desk.shows("bob has no reservations.");
}

#[test]
fn the_logs_show_what_matters_and_the_users_own() {
    let mut desk = Desk::loaded(SIZE, Some("bob"));
    desk.type_in("4");
    desk.shows("boxoffice: 3 servers, 100 seats");
    desk.send(Message::Trouble(1, "no answer within 5s".to_owned()));
    desk.shows("17:00:00 warn  server 1: no answer within 5s");
    desk.type_in("vv");
    desk.shows("error and up");
    desk.shows("Nothing that matters so much happened.");
    desk.type_in("vv");
    desk.press(KeyCode::Tab);
    assert_eq!(desk.effects, [Effect::ReadUserLog("bob".to_owned())]);
    let line =
        Line { at: "2026-11-20 09:00:00".into(), level: Level::Warn, text: "book: Failed: so.".into() };
    desk.send(Message::UserLog(Ok(vec![line])));
    desk.shows("What bob asked: 1 lines, info and up, following");
    desk.shows("2026-11-20 09:00:00 warn  book: Failed: so.");
    desk.type_in("f");
    desk.shows("not following");
    desk.press(KeyCode::Tab);
    assert_eq!(desk.state.log.source, Source::Client);
}

#[test]
fn a_long_answer_is_kept_and_shown_in_part() {
    let mut desk = Desk::at_seats(SIZE, Some("bob"), 0);
    desk.type_in(" \n");
    let all: Vec<u32> = (1..=100_000).collect();
    desk.end(Ok(Outcome::Reserved { name: "bob".parse().unwrap(), seats: seats(&all) }));
    let (_, words) = desk.state.message.as_ref().unwrap();
    assert!(words.chars().count() <= WORDS_MAX + 3);
    desk.shows("…");
}
