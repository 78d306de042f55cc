//! One real server alone, on a simulated disk: what it leaves in its directory, and what it makes of a directory
//! that somebody has changed.

use boxoffice::domain::batch;
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::digest::Digest;
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::ids::{Seat, SessionId};
use boxoffice::domain::state::{Config, State};
use boxoffice::protocol::engine::{Availability, Effect, Engine as _, Input, Limits, Settings};
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::message::History;
use boxoffice::protocol::types::{Incarnation, Member, Now, Position, ServerId};
use boxoffice::replication::persister::{Carried, Opened, Persister};
use boxoffice::replication::stoppable::Stop;
use boxoffice::storage::{Identity, Options, SimDisk};
use std::collections::VecDeque;

/// Time goes on by so much when nothing else happens.
const TICK_MS: u64 = 50;
/// A lone server is at work after so many ticks, or something is wrong.
const TICKS_MAX: u64 = 200;

pub fn state_config() -> Config {
    Config {
        capacity: 20,
        sessions_max: 4,
        session_age_ms: 60_000,
        outcomes_per_session_max: 3,
        time_step_ms_max: 10_000,
        keys: Default::default(),
        events: EventsConfig { events_max: 10, bookings_max: 100, ..EventsConfig::default() }.into(),
    }
}

pub fn identity() -> Identity {
    Identity { cluster: "test".to_owned(), server: 1, seats: state_config().capacity }
}

pub fn options() -> Options {
    Options { segment_bytes: 8 << 10, disk_bytes_max: 1 << 20, incarnation_min: 0 }
}

pub fn settings() -> Settings {
    Settings {
        me: Member { server: ServerId(1), incarnation: Incarnation(1) },
        servers: vec![ServerId(1)],
        availability: Availability::Any,
        limits: Limits::default(),
        seed: 1,
        bootstrap: false,
        version: "test".to_owned(),
    }
}

/// What a server found in its directory.
#[derive(Debug)]
pub struct Found {
    pub position: Position,
    pub digest: Digest,
    pub history: History,
    /// It told people about something: an unfinished write that it cut off, or a file that it did without.
    pub said: bool,
}

type Started = (Lamport<State>, Persister<SimDisk, State>, Found);

/// Starts a server on this directory as the program does: storage is opened, the log read, the engine built from
/// it. The error is what is logged for people.
pub fn start(disk: &SimDisk) -> Result<Found, String> {
    let (engine, _, found) = open(disk)?;
    engine.machine().check().expect("the state is sound");
    assert_eq!(engine.machine().position(), found.position, "engine and state agree on what was executed");
    Ok(found)
}

fn open(disk: &SimDisk) -> Result<Started, String> {
    let opened = Persister::open(disk.clone(), &identity(), &options(), &state_config(), 4_096);
    let opened: Opened<SimDisk, State> = opened.map_err(|error| error.to_string())?;
    let me = Member { server: ServerId(1), incarnation: opened.incarnation };
    let history = opened.recovered.history;
    let said = opened.torn.is_some() || !opened.warnings.is_empty();
    let engine = Lamport::new(Settings { me, ..settings() }, opened.recovered);
    let engine = engine.map_err(|error| error.to_string())?;
    let found = Found { position: engine.position(), digest: engine.digest(), history, said };
    Ok((engine, opened.persister, found))
}

/// A directory that a server has left, with what it had executed.
#[derive(Clone)]
pub struct Directory {
    pub disk: SimDisk,
    /// The digest at each position from 0 on.
    pub digests: Vec<Digest>,
    /// What the newest snapshot holds can be lost only with it.
    pub snapshot_at: Position,
}

impl Directory {
    /// Several lives of a server: seats are reserved and given back, two snapshots are taken, more follows.
    pub fn used() -> Directory {
        let mut directory = Directory::ending_with_a_snapshot();
        directory.live(3, false);
        directory
    }

    /// The same, but the last thing in the log is what a snapshot needs besides the state.
    pub fn ending_with_a_snapshot() -> Directory {
        let mut directory = Directory { disk: SimDisk::new(), digests: vec![Digest(0)], snapshot_at: 0 };
        directory.live(4, false);
        directory.live(4, true);
        directory.live(4, true);
        directory
    }

    /// Starts the server, lets it execute so many requests, and kills it.
    fn live(&mut self, requests: u64, snapshot: bool) {
        let (engine, persister, found) = open(&self.disk).expect("nothing is wrong with it");
        let mut server = Server { engine, persister, now_ms: 0, inputs: VecDeque::new() };
        let ticks = (0..TICKS_MAX).find(|_| server.tick());
        assert!(ticks.is_some(), "a lone server goes to work");
        for number in found.position + 1..=found.position + requests {
            let token = number;
            server.input(Input::Submit { token, command: batch::encode(&command(number)).into() });
            server.input(Input::Drained);
            assert_eq!(server.engine.position(), number, "a lone server executes at once");
            self.digests.push(server.engine.digest());
        }
        if snapshot {
            server.input(Input::SnapshotDue);
            self.snapshot_at = server.engine.position();
        }
    }

    /// All files, in order.
    pub fn files(&self) -> Vec<String> {
        boxoffice::storage::Disk::list(&self.disk, "").expect("a simulated disk")
    }

    /// Whether a server that found this may have found it here: it never invents.
    pub fn has(&self, found: &Found) -> bool {
        usize::try_from(found.position).is_ok_and(|at| self.digests.get(at) == Some(&found.digest))
    }

    pub fn last(&self) -> Position {
        self.digests.len() as Position - 1
    }
}

/// The commands of a life: reservations by count and by seat, and one in four is given back.
fn command(number: u64) -> Command {
    let name = |number: u64| format!("guest {number}").parse().expect("it is a name");
    let operation = match number % 4 {
        0 => Operation::Delete { name: name(number - 2) },
        1 => Operation::ReserveSeats { name: name(number), seats: vec![Seat(number as u32), Seat(20)] },
        _ => Operation::Reserve { name: name(number), count: 2 },
    };
    let session = SessionId { birth_ms: 0, random: number % 3 };
    Command { session, sequence: number, answered_until: number.saturating_sub(6), operation, key: None }
}

struct Server {
    engine: Lamport<State>,
    persister: Persister<SimDisk, State>,
    now_ms: u64,
    inputs: VecDeque<Input<State>>,
}

impl Server {
    /// Lets time pass; whether the server is at work.
    fn tick(&mut self) -> bool {
        self.now_ms += TICK_MS;
        self.input(Input::Tick);
        self.engine.is_active()
    }

    /// Takes an input and everything that follows from it.
    fn input(&mut self, input: Input<State>) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            let now = Now { tick_ms: self.now_ms, wall_ms: 1_000 + self.now_ms };
            let mut effects = Vec::new();
            self.engine.step(now, input, &mut effects);
            effects.into_iter().for_each(|effect| self.carry(effect));
        }
    }

    fn carry(&mut self, effect: Effect<State>) {
        match effect {
            Effect::Append { .. } | Effect::Snapshot { .. } => {
                match self.persister.carry(effect).expect("the disk is whole") {
                    Carried::Done => {}
                    Carried::Input(input) => self.inputs.push_back(input),
                    Carried::Job(job) => {
                        let result = job.run(&Stop::default()).expect("the disk is whole");
                        self.inputs.push_back(self.persister.finish(result).expect("the disk is whole"));
                    }
                }
                let lsn = self.persister.sync().expect("the disk is whole");
                self.inputs.push_back(Input::Durable { lsn });
            }
            Effect::Answer { .. } | Effect::Note(_) => {}
            other => panic!("a lone server does not do this: {other:?}"),
        }
    }
}
