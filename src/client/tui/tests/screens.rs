//! Pictures of every screen, kept as text: `ci/screens` writes them anew, to be looked at before they are kept.
#![expect(
    clippy::disallowed_methods,
    reason = "whether pictures are compared or written is in the environment"
)]

use super::keys::every_screen;
use super::*;

/// The sizes that pictures are taken at.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// Compares with the picture that is kept, or keeps this one.
#[track_caller]
fn keep(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/client/tui/snapshots/{name}.txt"));
    if std::env::var_os("BOXOFFICE_WRITE_SCREENS").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "{} is another picture (ci/screens takes it anew):\n{text}", file.display());
}

/// The same screen at all sizes, each under its size.
#[track_caller]
fn keep_all(name: &str, desk: impl Fn((u16, u16)) -> Desk) {
    let sized = |size: (u16, u16)| format!("== {}x{}\n{}", size.0, size.1, desk(size).picture());
    keep(name, &SIZES.map(sized).concat());
}

#[test]
fn every_screen_is_as_it_was_looked_at() {
    let names: Vec<&str> = every_screen(SIZES[0]).into_iter().map(|(name, _)| name).collect();
    for wanted in names {
        keep_all(wanted, |size| every_screen(size).into_iter().find(|(name, _)| *name == wanted).unwrap().1);
    }
}

#[test]
fn loading_that_failed() {
    keep_all("loading_failed", |size| {
        let mut desk = Desk::started(size, None);
        for server in 1..=3 {
            desk.send(Message::Trouble(server, "cannot connect: Connection refused".to_owned()));
        }
        let (number, _) = desk.open.pop().unwrap();
        desk.answer(number, Err(Failure::NotExecuted));
        desk
    });
}

#[test]
fn bookings_of_all_sorts() {
    keep_all("bookings_full", |size| {
        let mut desk = Desk::loaded(size, Some("TORC2345"));
        desk.world.own = Some(seats(&[4, 5, 6, 9]));
        let fair = desk.world.events[2].event.clone();
        let full = desk.world.events[0].event.clone();
        let place = Claimed::Place { count: 2, place: 3 };
        let waits = Claim { event: full, date: "2019-05-13".parse().unwrap(), what: place };
        desk.world.claims =
            vec![booking(seminars(), &[1, 2]), hold(fair, &[700, 701, 702], WALL_MS + 200_000), waits];
        desk.world.gone = vec![Notice { event: key("OTWA060519", "Seminars"), seats: 3 }];
        desk.type_in("2");
        desk.serve();
        desk.press(KeyCode::Down);
        desk
    });
}

#[test]
fn a_server_that_is_down() {
    keep_all("cluster_degraded", |size| {
        let mut desk = Desk::loaded(size, None);
        desk.world.up = vec![2, 3];
        desk.type_in("3");
        desk.serve();
        desk
    });
}

#[test]
fn a_booking_while_another_server_goes_on() {
    keep_all("failover", |size| {
        let mut desk = Desk::at_seats(size, Some("bob"), 0);
        desk.type_in(" ");
        desk.press(KeyCode::Right);
        desk.type_in(" \n");
        desk.send(Message::Trouble(2, "the server closed the connection".to_owned()));
        desk.server = 3;
        desk.world.taken.extend([8, 9]);
        desk.world.own = Some(seats(&[8, 9]));
        desk.end(Ok(Outcome::Reserved { name: "bob".parse().unwrap(), seats: seats(&[8, 9]) }));
        desk.serve();
        desk
    });
}

#[test]
fn waiting_and_questions() {
    keep_all("waiting", |size| {
        let mut desk = Desk::at_seats(size, Some("bob"), 0);
        desk.type_in(" \n");
        desk.wait(1_300);
        desk
    });
    keep_all("who", |size| {
        let mut desk = Desk::at_seats(size, None, 0);
        desk.type_in(" \nTORC");
        desk
    });
    keep_all("give_back", |size| {
        let mut desk = Desk::at_seats(size, Some("bob"), 0);
        desk.type_in("x");
        desk
    });
    keep_all("help", |size| {
        let mut desk = Desk::at_seats(size, Some("bob"), 0);
        desk.type_in("?");
        desk
    });
    keep_all("add_wrong", |size| {
        let mut desk = Desk::loaded(size, Some("TORM2345"));
        desk.type_in("3Seminars");
        desk.press(KeyCode::Tab);
        desk.type_in("12");
        desk.press(KeyCode::Tab);
        desk.type_in("TORM310219\n");
        desk
    });
}

#[test]
fn narrow_and_tiny_windows() {
    let mut text = String::new();
    for size in [(40, 14), (36, 14), (60, 18)] {
        for (name, desk) in every_screen(size) {
            text += &format!("== {name} {}x{}\n{}", size.0, size.1, desk.picture());
        }
    }
    for size in [(20, 5), (35, 24), (3, 1)] {
        let desk = Desk::loaded(size, None);
        text += &format!("== {}x{}\n{}", size.0, size.1, desk.picture());
    }
    keep("narrow", &text);
}

#[test]
fn the_picture_in_the_readme_is_the_one_that_is_drawn() {
    let mut desk = Desk::at_seats((80, 16), Some("TORC2345"), 2);
    desk.type_in("g5\n ");
    desk.press(KeyCode::Right);
    desk.type_in(" h");
    let until_ms = WALL_MS + 300_000;
    desk.world.event_taken.extend([5, 6]);
    desk.world.claims = vec![hold(seminars(), &[5, 6], until_ms)];
    let (holder, event, held) = (actor("TORC2345"), seminars(), runs(&[5, 6]));
    desk.end_event(EventOutcome::Held { holder, event, seats: held, until_ms });
    desk.wait(28_000);
    is_in_the_readme("readme", &desk.picture());
}

#[test]
fn the_diagram_in_the_readme_is_the_one_that_is_drawn() {
    is_in_the_readme("readme_diagram", &Desk::with_story((80, 38)).picture());
}

/// Keeps the picture, which `ci/screens` puts into the README.
#[track_caller]
fn is_in_the_readme(name: &str, picture: &str) {
    keep(name, picture);
    if std::env::var_os("BOXOFFICE_WRITE_SCREENS").is_none() {
        let readme =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        assert!(readme.contains(picture), "ci/screens puts it there:\n{picture}");
    }
}
