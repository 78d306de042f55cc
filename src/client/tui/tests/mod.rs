//! The screen without a terminal: keys in, questions and pictures out.

mod commands;
mod diagram;
mod keys;
mod lists;
mod more;
mod screens;
mod shifts;

use super::input::Overlay;
use super::state::*;
use super::update::{Answered, Message, update};
use super::view;
use crate::api::wire::{ServerReply, ServerState, ServerStatus, StatusReport};
use crate::client::exchange::{Failure, Wanted};
use crate::client::status::Overview;
use crate::config::ClusterConfig;
use crate::domain::{
    command::{Operation, Query},
    events::{
        answer::{Claim, Claimed, EventAnswer, EventView, Notice},
        command::{Action, EventOperation, Question},
        ids::{Actor, EventKey},
        outcome::{EventOutcome, Refusal},
        tickets::TicketStem,
    },
    ids::Seat,
    outcome::{Answer, Outcome, SeatMap},
    runs::SeatRuns,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// 2026-11-21 17:00:00 UTC.
const WALL_MS: u64 = 1_795_280_400_000;
const CONFIG: &str = "cluster: boxoffice\nseats: 100\nservers:\n  - {id: 1, host: server1, peer_port: 1, client_port: 7200}\n  \
                      - {id: 2, host: server2, peer_port: 1, client_port: 7200}\n  \
                      - {id: 3, host: server3, peer_port: 1, client_port: 7200}\n";

/// What the servers would say.
#[derive(Default)]
struct World {
    capacity: u32,
    taken: BTreeSet<u32>,
    /// What the one who asks has of the theatre.
    own: Option<Vec<Seat>>,
    events: Vec<EventView>,
    event_taken: BTreeSet<u32>,
    /// What the one who asks has of events.
    claims: Vec<Claim>,
    gone: Vec<Notice>,
    /// Servers that are up.
    up: Vec<u8>,
}

/// Somebody at the screen.
struct Desk {
    state: State,
    now: Now,
    /// Questions and commands without an answer.
    open: Vec<(u64, Wanted)>,
    /// Everything else that was to be done.
    effects: Vec<Effect>,
    world: World,
    /// Who answers.
    server: u8,
}

fn key(id: &str, kind: &str) -> EventKey {
    EventKey { id: id.parse().unwrap(), kind: kind.parse().unwrap() }
}

fn seminars() -> EventKey {
    key("TORM100519", "Seminars")
}

fn event(event: EventKey, name: Option<&str>, date: &str, capacity: u32, left: u32) -> EventView {
    EventView {
        event,
        branch: "TOR".parse().unwrap(),
        date: date.parse().unwrap(),
        minute: None,
        name: name.map(|name| name.parse().unwrap()),
        theatre: None,
        capacity,
        left,
        held: 0,
        waiting: 0,
    }
}

fn seats(numbers: &[u32]) -> Vec<Seat> {
    numbers.iter().copied().map(Seat).collect()
}

fn runs(numbers: &[u32]) -> SeatRuns {
    SeatRuns::from_seats(&seats(numbers)).unwrap()
}

fn actor(text: &str) -> Actor {
    crate::client::events::args::actor(text).unwrap()
}

fn map(capacity: u32, taken: &BTreeSet<u32>) -> SeatMap {
    let mut free = vec![0u64; capacity.div_ceil(64) as usize];
    for seat in (1..=capacity).filter(|seat| !taken.contains(seat)) {
        free[(seat as usize - 1) / 64] |= 1 << ((seat - 1) % 64);
    }
    SeatMap { capacity, left: capacity - taken.len() as u32, free }
}

fn booking(event: EventKey, numbers: &[u32]) -> Claim {
    let stem = TicketStem { party: 1, event: 2, mark: 3 };
    Claim {
        event,
        date: "2019-05-10".parse().unwrap(),
        what: Claimed::Booking { seats: runs(numbers), stem },
    }
}

fn hold(event: EventKey, numbers: &[u32], until_ms: u64) -> Claim {
    let what = Claimed::Hold { seats: runs(numbers), until_ms, offered: false, extended: false };
    Claim { event, date: "2019-05-10".parse().unwrap(), what }
}

fn overview(up: &[u8]) -> Overview {
    let config = ClusterConfig::parse(CONFIG, Path::new("x")).unwrap();
    let row = |id: u8| ServerStatus {
        id,
        address: config.server(id).unwrap().client_address(),
        state: if up.contains(&id) { ServerState::Ready } else { ServerState::Down },
        view: "0.1.1".into(),
        position: 42,
        lag: 0,
        digest: 0x00ab_f85c_72b4_493e,
        seats_left: 91,
        uptime_ms: 3_723_000,
        version: "0.1.0".into(),
        reason: if up.contains(&id) { String::new() } else { "no link to it".into() },
    };
    let report = |id: u8| StatusReport {
        server: id,
        cluster: "boxoffice".into(),
        availability: "any".into(),
        durability: "fsync".into(),
        servers: (1..=3).map(row).collect(),
        conflicts: 0,
        waiting_for: None,
    };
    let silent = || "cannot connect: Connection refused".to_owned();
    let reply = |id: u8| (id, if up.contains(&id) { Ok(report(id)) } else { Err(silent()) });
    Overview::merge(&config, &(1..=3).map(reply).collect::<BTreeMap<_, _>>())
}

impl World {
    fn new() -> World {
        let fair = key("0190163d-8694-739b-aea5-966c26f8ad91", "Trade shows");
        World {
            capacity: 100,
            taken: (1..=7).chain([30, 31, 55]).collect(),
            events: vec![
                event(key("MTLE130519", "Conferences"), None, "2019-05-13", 40, 0),
                event(seminars(), Some("Lamport clocks"), "2019-05-10", 30, 26),
                event(fair, Some("Winter fair"), "2026-12-24", 1_200, 1_200),
            ],
            event_taken: [1, 2, 12, 13].into(),
            up: vec![1, 2, 3],
            ..World::default()
        }
    }

    fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Seats => Answer::Seats(map(self.capacity, &self.taken)),
            Query::Search { name } => Answer::Search { name: name.clone(), seats: self.own.clone() },
            Query::Events(query) => Answer::Events(Box::new(self.event_answer(&query.question))),
        }
    }

    fn event_answer(&self, question: &Question) -> EventAnswer {
        match question {
            Question::Events { after, limit, filter } => {
                let rest = self.events.iter().filter(|view| filter.branch.is_none_or(|b| b == view.branch));
                let mut rest =
                    rest.skip_while(|view| after.as_ref().is_some_and(|after| view.event != *after));
                if after.is_some() {
                    rest.next();
                }
                let mut events: Vec<EventView> = rest.cloned().collect();
                let is_all = events.len() <= *limit as usize;
                events.truncate(*limit as usize);
                let more = if is_all { None } else { events.last().map(|view| view.event.clone()) };
                EventAnswer::Events { events, more }
            }
            Question::SeatMap(event) => {
                let view = self.events.iter().find(|view| view.event == *event);
                match view {
                    Some(view) => EventAnswer::SeatMap {
                        event: event.clone(),
                        map: map(view.capacity, &self.event_taken),
                    },
                    None => EventAnswer::Refused(Refusal::NoSuchEvent { event: event.clone() }),
                }
            }
            Question::Claim { holder, event } => {
                let claim = self.claims.iter().find(|claim| claim.event == *event).cloned();
                let (holder, id, kind) = (holder.clone(), event.id, Some(event.kind.clone()));
                claim
                    .map_or(EventAnswer::Refused(Refusal::NotBooked { holder, id, kind }), EventAnswer::Claim)
            }
            Question::Schedule { holder, .. } => EventAnswer::Schedule {
                holder: holder.clone(),
                claims: self.claims.clone(),
                cancelled: self.gone.clone(),
                more: None,
            },
            other => panic!("nobody asks for {other:?}"),
        }
    }
}

impl Desk {
    /// The program was started and has no answer yet.
    fn started(size: (u16, u16), who: Option<&str>) -> Desk {
        let state = State::new(Setting {
            cluster: "boxoffice".to_owned(),
            servers: vec![1, 2, 3],
            hold_ms: 300_000,
            deadline_ms: 30_000,
            who: who.map(actor),
            is_proved: false,
            color: true,
            size,
            seed: 7,
        });
        let now = Now { ms: 0, wall_ms: WALL_MS };
        let (open, effects, world) = (Vec::new(), Vec::new(), World::new());
        let mut desk = Desk { state, now, open, effects, world, server: 2 };
        desk.send(Message::Started("boxoffice: 3 servers, 100 seats".to_owned()));
        desk
    }

    /// The menu is seen.
    fn loaded(size: (u16, u16), who: Option<&str>) -> Desk {
        let mut desk = Desk::started(size, who);
        desk.serve();
        assert_eq!(desk.state.screen, Screen::Menu);
        desk
    }

    fn send(&mut self, message: Message) {
        for effect in update(&mut self.state, self.now, message) {
            match effect {
                Effect::Ask(number, wanted) => self.open.push((number, wanted)),
                other => self.effects.push(other),
            }
        }
    }

    /// Answers all questions; commands stay open.
    fn serve(&mut self) {
        loop {
            let is_status_asked = self.effects.contains(&Effect::AskStatus);
            self.effects.retain(|effect| *effect != Effect::AskStatus);
            if is_status_asked {
                self.send(Message::Status(overview(&self.world.up.clone())));
            }
            let at = self.open.iter().position(|(_, wanted)| matches!(wanted, Wanted::Query(_)));
            let Some(at) = at else {
                if is_status_asked {
                    continue;
                }
                return;
            };
            let (number, wanted) = self.open.remove(at);
            let Wanted::Query(query) = wanted else { unreachable!("it is one") };
            let answer = self.world.answer(&query);
            self.answer(number, Ok(ServerReply::Answer(answer)));
        }
    }

    fn answer(&mut self, number: u64, result: Result<ServerReply, Failure>) {
        let answered = Answered { result, server: self.server, took_ms: 3, tries: 1 };
        self.send(Message::Answered(number, answered));
    }

    /// The command that waits.
    #[track_caller]
    fn command(&self) -> Operation {
        let mut commands = self.open.iter().filter_map(|(_, wanted)| match wanted {
            Wanted::Operation(operation) => Some(operation.clone()),
            Wanted::Query(_) | Wanted::Override => None,
        });
        let command = commands.next().expect("a command was sent");
        assert_eq!(commands.next(), None, "one at a time");
        command
    }

    #[track_caller]
    fn action(&self) -> (Actor, Action) {
        let Operation::Events(operation) = self.command() else { panic!("about an event") };
        let EventOperation { actor, action } = *operation;
        (actor, action)
    }

    fn has_command(&self) -> bool {
        self.open.iter().any(|(_, wanted)| matches!(wanted, Wanted::Operation(_)))
    }

    /// Ends the command that waits.
    fn end(&mut self, result: Result<Outcome, Failure>) {
        let at = self.open.iter().position(|(_, wanted)| matches!(wanted, Wanted::Operation(_)));
        let (number, _) = self.open.remove(at.expect("a command was sent"));
        self.answer(number, result.map(ServerReply::Outcome));
    }

    fn end_event(&mut self, outcome: EventOutcome) {
        self.end(Ok(Outcome::Events(outcome.into())));
    }

    fn press(&mut self, code: KeyCode) {
        self.send(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// Types letters; `\n` is Enter.
    fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            self.press(if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) });
        }
    }

    /// Time passes, and questions are answered.
    fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.now.ms += 100;
            self.now.wall_ms += 100;
            self.send(Message::Tick);
            self.serve();
        }
    }

    /// Opens a hall from the menu: 0 is the theatre.
    fn at_seats(size: (u16, u16), who: Option<&str>, row: usize) -> Desk {
        let mut desk = Desk::loaded(size, who);
        desk.open_seats(row);
        desk
    }

    fn open_seats(&mut self, row: usize) {
        self.press(KeyCode::Enter);
        self.serve();
        (0..row).for_each(|_| self.press(KeyCode::Down));
        self.press(KeyCode::Enter);
        self.serve();
        assert_eq!(self.state.screen, Screen::Seats);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.send(Message::Resized(width, height));
    }

    fn buffer(&self) -> Buffer {
        let (width, height) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&self.state, frame.buffer_mut())).unwrap();
        terminal.backend().buffer().clone()
    }

    /// What is seen, a line a row.
    fn picture(&self) -> String {
        let buffer = self.buffer();
        let rows = buffer.content.chunks(usize::from(buffer.area.width.max(1)));
        let line = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
        rows.map(|row| line(row).trim_end().to_owned() + "\n").collect()
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let picture = self.picture();
        assert!(picture.contains(text), "{text:?} is not in\n{picture}");
    }

    #[track_caller]
    fn shows_not(&self, text: &str) {
        let picture = self.picture();
        assert!(!picture.contains(text), "{text:?} is in\n{picture}");
    }

    fn overlay(&self) -> &Overlay {
        self.state.overlay.as_ref().expect("something lies over the screen")
    }
}
