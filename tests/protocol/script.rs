//! Stories told to a world, a command a line.

use crate::words;
use crate::world::World;
use boxoffice::domain::batch;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::ids::{Name, Seat, SessionId};
use boxoffice::protocol::engine::{Availability, Input, Limits};
use bytes::Bytes;

/// The world that the first line of a story asks for: `servers 3`, then any of `majority`, `tail=<bytes>`,
/// `install=<bytes>`, `outstanding=<count>`, `lease=<ms>`, `probe=<ms>`, `may-fork`.
pub fn world(line: &str) -> World {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("servers"), "a story begins with `servers <count>`");
    let servers = number(words.next()) as u8;
    let (mut availability, mut limits, mut may_fork) = (Availability::Any, Limits::default(), false);
    for word in words {
        match word.split_once('=') {
            None if word == "majority" => availability = Availability::Majority,
            None if word == "may-fork" => may_fork = true,
            Some(("tail", bytes)) => limits.tail_bytes_max = number(Some(bytes)) as usize,
            Some(("install", bytes)) => limits.install_bytes_max = number(Some(bytes)) as usize,
            Some(("lease", ms)) => limits.lease_ms = number(Some(ms)),
            Some(("probe", ms)) => limits.probe_ms = number(Some(ms)),
            Some(("outstanding", count)) => limits.requests_outstanding_max = number(Some(count)) as usize,
            _ => panic!("what is {word:?}?"),
        }
    }
    let mut world = World::new(servers, availability, limits);
    world.may_fork = may_fork;
    world
}

fn number(word: Option<&str>) -> u64 {
    let word = word.expect("a number is missing");
    word.parse().unwrap_or_else(|_| panic!("{word:?} is no number"))
}

impl World {
    /// Plays commands, one a line; what happened, with the time since the line began where time passed.
    pub fn play(&mut self, lines: &str) -> Vec<String> {
        let mut happened = Vec::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            happened.extend(self.play_line(line));
        }
        happened
    }

    fn play_line(&mut self, line: &str) -> Vec<String> {
        let began = self.now_ms;
        self.take_said();
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let told = self.play_verb(verb, &rest);
        let timed = |(at, text): (u64, String)| match at - began {
            0 => text,
            passed => format!("+{passed} ms: {text}"),
        };
        let said = self.take_said().into_iter().map(timed);
        said.chain(told.lines().map(str::to_owned)).collect()
    }

    fn play_verb(&mut self, verb: &str, rest: &[&str]) -> String {
        let first = || number(rest.first().copied());
        let id = || first() as u8;
        let two = || (id(), number(rest.get(1).copied()) as u8);
        match verb {
            "form" => {
                self.form();
                self.take_said();
                return self.picture();
            }
            "start" | "restart" => self.start(id()),
            "crash" => self.crash(id()),
            "wipe" => self.servers.get_mut(&id()).expect("a server").disk.wipe(),
            "damage" => self.servers.get_mut(&id()).expect("a server").disk.damage(),
            "pause" => self.servers.get_mut(&id()).expect("a server").paused = true,
            "wake" => self.servers.get_mut(&id()).expect("a server").paused = false,
            "stall" => self.servers.get_mut(&id()).expect("a server").stalled = true,
            "unstall" => self.servers.get_mut(&id()).expect("a server").stalled = false,
            "leave" => self.input(id(), Input::Leave),
            "override" => self.input(id(), Input::Override),
            "snapshot" => self.input(id(), Input::SnapshotDue),
            "submit" | "collect" | "again" => self.play_command(verb, rest),
            "read" => {
                let label = rest.get(1).copied().unwrap_or("the read").to_owned();
                self.read(id(), &label);
            }
            "flush" => self.flush(id(), rest.get(1).map_or(usize::MAX, |n| number(Some(n)) as usize)),
            "deliver" => {
                let (from, to) = two();
                let count = rest.get(2).map_or(1, |n| number(Some(n)));
                for _ in 0..count {
                    assert!(self.deliver(from, to), "nothing is on its way from {from} to {to}");
                }
            }
            "tick" => self.tick(first()),
            "run" => self.run(first()),
            "settle" => self.settle(),
            "wall" => self.wall_offset_ms += first(),
            "cut" | "link" | "relink" | "hold" | "flow" => self.play_link(verb, two()),
            "heartbeats" => self.show_heartbeats = true,
            "status" => return self.picture(),
            "queues" => return self.queues(),
            _ => panic!("what is {verb:?}?"),
        }
        String::new()
    }

    fn play_link(&mut self, verb: &str, (a, b): (u8, u8)) {
        match verb {
            "cut" => self.cut(a, b),
            "link" => self.link(a, b),
            "relink" => self.relink(a, b),
            "hold" => self.links.hold(a, b),
            _ => self.links.flow(a, b),
        }
    }

    /// `submit 1 reserve bob 2`, `collect 1 ...` when more is waiting, `again 2 bob` for a retry.
    fn play_command(&mut self, verb: &str, rest: &[&str]) {
        let id = number(rest.first().copied()) as u8;
        let (name, command) = if verb == "again" {
            let name = rest[1];
            (name.to_owned(), self.commands[name].clone())
        } else {
            self.command(&rest[1..])
        };
        let input = self.submit(id, &name, command);
        match verb {
            "collect" => self.input_before_others(id, input),
            _ => self.input(id, input),
        }
    }

    /// Each command has a session of its own, which begins with the state's time.
    fn command(&mut self, words: &[&str]) -> (String, Bytes) {
        let name: Name = words[1].parse().expect("a name");
        let operation = match words[0] {
            "reserve" => Operation::Reserve { name, count: number(words.get(2).copied()) as u32 },
            "seats" => {
                let seats = words[2].split(',').map(|seat| Seat(number(Some(seat)) as u32)).collect();
                Operation::ReserveSeats { name, seats }
            }
            "delete" => Operation::Delete { name },
            other => panic!("what is {other:?}?"),
        };
        let session = SessionId { birth_ms: self.birth_ms(), random: self.commands.len() as u64 };
        let command = Command { session, sequence: 1, answered_until: 0, operation, key: None };
        let encoded: Bytes = batch::encode(&command).into();
        self.commands.insert(words[1].to_owned(), encoded.clone());
        (words[1].to_owned(), encoded)
    }

    /// The state's time, as any server that is at work tells a client in its hello.
    fn birth_ms(&self) -> u64 {
        self.active().first().map_or(0, |&id| self.engine(id).machine().time_ms())
    }

    /// What is on its way, and what is not flushed.
    pub fn queues(&self) -> String {
        let mut lines = Vec::new();
        for from in self.ids() {
            for to in self.ids() {
                let waiting: Vec<_> = self.links.queue(from, to).filter_map(words::message).collect();
                if !waiting.is_empty() {
                    lines.push(format!("on the way {from} -> {to}: {}", waiting.join("; ")));
                }
            }
        }
        for (id, server) in &self.servers {
            if server.disk.unflushed() > 0 {
                lines.push(format!("{id} has not flushed {} records", server.disk.unflushed()));
            }
        }
        lines.join("\n")
    }
}
