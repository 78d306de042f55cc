//! The diagram of what the servers say to each other: asked for while it is seen, bounded, and quiet about servers that
//! stop.

use super::*;
use crate::client::diagram::tests::{request, story};
use crate::client::diagram::{Event, tail::Taken};
use crate::client::tui::watch::Silence;

const SIZE: (u16, u16) = (80, 24);

impl Desk {
    /// The diagram is open.
    fn at_diagram(size: (u16, u16)) -> Desk {
        let mut desk = Desk::loaded(size, Some("TORM2345"));
        desk.type_in("4");
        desk.serve();
        desk.type_in("d");
        assert_eq!(desk.state.screen, Screen::Diagram);
        assert_eq!(desk.effects.pop(), Some(Effect::Watch(Some(desk.state.watch.number))));
        desk
    }

    /// All servers tell their part of it.
    fn told(&mut self, events: &[Event]) {
        for server in 1..=3 {
            let events = events.iter().filter(|event| event.server == server).cloned().collect();
            self.tells(server, Ok(Taken { events, is_all: true }));
        }
        self.wait(300);
    }

    fn tells(&mut self, server: u8, result: Result<Taken, Silence>) {
        let number = self.state.watch.number;
        self.send(Message::Told { number, server, result });
    }

    /// The diagram with a run on it.
    pub fn with_story(size: (u16, u16)) -> Desk {
        let mut desk = Desk::at_diagram(size);
        desk.told(&story());
        desk
    }
}

#[test]
fn servers_are_asked_only_while_the_diagram_is_seen() {
    let mut desk = Desk::at_diagram(SIZE);
    desk.shows("Asking the servers...");
    desk.told(&[]);
    desk.shows("Nothing is said at present");
    desk.told(&request(3));
    desk.shows("o-----request 2.1----->|");
    desk.shows("[## 1: 1 command ##]");
    let number = desk.state.watch.number;
    desk.press(KeyCode::Esc);
    assert_eq!(desk.state.screen, Screen::Cluster);
    assert!(desk.effects.contains(&Effect::Watch(None)));
    desk.serve();
    desk.shows("Last seen in the critical section: server 1, with request 2.1 at position 1.");
    let taken = || Taken { events: request(3), is_all: true };
    desk.send(Message::Told { number, server: 1, result: Ok(taken()) });
    desk.type_in("d");
    desk.send(Message::Told { number, server: 1, result: Ok(taken()) });
    desk.wait(300);
    desk.shows_not("request 2.1");
}

#[test]
fn it_is_paused_moved_and_goes_on() {
    let mut desk = Desk::with_story((80, 14));
    desk.shows("following");
    let end = desk.picture();
    desk.press(KeyCode::Home);
    desk.shows("paused");
    desk.shows("request 2.3");
    desk.told(&[Event { at_us: story().last().unwrap().at_us + 1, ..story().remove(0) }]);
    desk.press(KeyCode::PageDown);
    desk.shows("paused");
    desk.press(KeyCode::End);
    desk.shows("following");
    assert_ne!(desk.picture(), end, "what came meanwhile is seen");
    desk.type_in("f");
    desk.shows("f follow");
    desk.type_in("f");
    desk.shows("f pause");
}

#[test]
fn others_are_shown_one_after_the_other() {
    let mut desk = Desk::with_story((80, 60));
    desk.shows("Shown: all");
    desk.type_in("v");
    desk.shows("Shown: requests, replies and releases");
    desk.shows_not("prepare");
    desk.shows("[## 2: 1 command ##]");
    desk.type_in("v");
    desk.shows("Shown: views");
    desk.shows("! suspects 3");
    desk.shows_not("request");
    desk.type_in("v");
    desk.shows("Shown: all");
}

#[test]
fn a_server_that_stops_is_a_remark_and_no_error() {
    let mut desk = Desk::with_story(SIZE);
    desk.tells(3, Err(Silence::NoAnswer("cannot connect: Connection refused".to_owned())));
    desk.shows("Server 3 does not answer (cannot connect");
    assert!(desk.state.message.is_none() && desk.state.notice.is_none());
    desk.tells(3, Ok(Taken { events: Vec::new(), is_all: true }));
    desk.shows_not("does not answer");
}

#[test]
fn whoever_may_not_see_it_is_told_who_may() {
    let mut desk = Desk::at_diagram(SIZE);
    for server in 1..=3 {
        let words = "TORC2345 is no manager; only managers may do that".to_owned();
        desk.tells(server, Err(Silence::Denied(words)));
    }
    desk.shows("TORC2345 is no manager; only managers may do that");
    desk.shows("servers tell this to managers only");
    desk.press(KeyCode::Esc);
    assert_eq!(desk.state.screen, Screen::Cluster);
}
