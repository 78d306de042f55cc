//! The world: time, messages, faults, and what must hold after every step.

use crate::client::{Client, OpKind};
use crate::model::Model;
use crate::net::{Net, Pair, pair};
use crate::node::{CAPACITY, Node, Running};
use boxoffice::domain::command::{Operation, Query};
use boxoffice::domain::ids::{Name, Seat};
use boxoffice::domain::outcome::{Answer, Outcome};
use boxoffice::domain::state::State;
use boxoffice::domain::{batch, digest::Digest};
use boxoffice::protocol::engine::{Availability, Effect, Engine, Input, Limits, Restart, Settings};
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::{Incarnation, Member, Now, ServerId};
use boxoffice::replication::persister::{CONFLICTS_FILE, Carried, Job};
use boxoffice::storage::{Disk, SimDisk};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

mod checks;
mod clients;
mod faults;
mod links;
mod servers;

const MS: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldKind {
    /// One survivor suffices; every silent server has really stopped, or is only paused.
    Any,
    /// A majority is needed; links are cut at will.
    Majority,
    /// One survivor suffices, and the promise is broken: links are cut.
    Partition,
}

impl WorldKind {
    pub fn name(self) -> &'static str {
        match self {
            WorldKind::Any => "any",
            WorldKind::Majority => "majority",
            WorldKind::Partition => "partition",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub answered: u64,
    pub retries: u64,
    pub reads: u64,
    pub crashes: u64,
    pub pauses: u64,
    pub cuts: u64,
    pub restarts: u64,
    pub views: u64,
    pub snapshots: u64,
    pub steps: u64,
    pub trace: u64,
}

impl Report {
    pub fn add(&mut self, other: &Report) {
        self.answered += other.answered;
        self.retries += other.retries;
        self.reads += other.reads;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.cuts += other.cuts;
        self.restarts += other.restarts;
        self.views += other.views;
        self.snapshots += other.snapshots;
        self.steps += other.steps;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            answered,
            retries,
            reads,
            crashes,
            pauses,
            cuts,
            restarts,
            views,
            snapshots,
            steps,
            trace,
        } = self;
        write!(
            f,
            "{answered} commands answered ({retries} retries), {reads} reads, {crashes} crashes, {pauses} pauses, {cuts} cuts, \
             {restarts} rejoins, {views} views, {snapshots} snapshots adopted, {steps} steps, trace {trace:x}"
        )
    }
}

enum Event {
    Input(u8, Member, Box<Input<State>>),
    Deliver { to: u8, from: u8, connection: u64, sequence: Option<u64>, message: Box<Message> },
    Down(u8, Member, Member),
    Tick(u8, Member),
    Sync(u8, Member),
    Job(u8, Member, Box<Job<SimDisk, State>>),
    Connect(Pair),
    Start(u8),
    Resume(u8),
    Send(usize),
    Timeout(usize, u64),
    Answer(usize, u64, Reply),
    Fault,
}

enum Reply {
    Outcome(Outcome),
    Read(u64, Vec<u32>),
    Refused,
}

pub struct World {
    kind: WorldKind,
    rng: fastrand::Rng,
    now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    settings: Settings,
    nodes: BTreeMap<u8, Node>,
    net: Net,
    clients: Vec<Client>,
    tokens: BTreeMap<u64, (usize, u64)>,
    next_token: u64,
    model: Model,
    history: Vec<(Digest, Vec<u32>)>,
    floor: u64,
    faults: bool,
    healed: bool,
    crash_soon: u32,
    report: Report,
    traced: bool,
    promised_names: BTreeMap<Name, Vec<Seat>>,
}

type Checked = Result<(), String>;

impl World {
    pub fn run(seed: u64, kind: WorldKind) -> Result<Report, String> {
        World::new(seed, kind, false).play()
    }

    pub fn run_traced(seed: u64, kind: WorldKind) -> Result<Report, String> {
        World::new(seed, kind, true).play()
    }

    fn new(seed: u64, kind: WorldKind, traced: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let servers = match kind {
            WorldKind::Any => [1, 2, 3, 3, 3, 4, 5][rng.usize(0..7)],
            WorldKind::Majority => [3, 3, 3, 5][rng.usize(0..4)],
            WorldKind::Partition => [2, 3, 5][rng.usize(0..3)],
        };
        let limits = Limits {
            tick_ms: 25,
            heartbeat_ms: 100,
            suspect_ms: 1500,
            probe_ms: 500,
            lease_ms: 400,
            requests_outstanding_max: rng.usize(1..5),
            batch_bytes_max: 400,
            pending_commands_max: 100,
            tail_bytes_max: [2_000, 20_000, 1_000_000][rng.usize(0..3)],
            entries_bytes_max: 1_000,
            install_bytes_max: 10_000,
            chunk_bytes_max: 700,
        };
        let settings = Settings {
            me: Member { server: ServerId(0), incarnation: Incarnation(0) },
            servers: (1..=servers).map(ServerId).collect(),
            availability: if kind == WorldKind::Majority {
                Availability::Majority
            } else {
                Availability::Any
            },
            limits,
            seed,
            bootstrap: false,
            version: "sim".into(),
        };
        let clients = (0..rng.u64(2..6)).map(|id| Client::new(id, &mut rng)).collect();
        World {
            kind,
            rng,
            now: 0,
            queue: BTreeMap::new(),
            number: 0,
            settings,
            nodes: (1..=servers).map(|id| (id, Node::new(id))).collect(),
            net: Net::default(),
            clients,
            tokens: BTreeMap::new(),
            next_token: 0,
            model: Model::new(CAPACITY as usize),
            history: vec![(Digest::default(), (1..=CAPACITY).collect())],
            floor: 0,
            faults: true,
            healed: false,
            crash_soon: 0,
            report: Report::default(),
            traced,
            promised_names: BTreeMap::new(),
        }
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.number += 1;
        self.queue.insert((self.now + delay, self.number), event);
    }

    fn play(mut self) -> Result<Report, String> {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            let delay = self.rng.u64(0..500 * MS);
            self.at(delay, Event::Start(id));
        }
        for client in 0..self.clients.len() {
            let delay = self.rng.u64(0..1000 * MS);
            self.at(delay, Event::Send(client));
        }
        let first = self.rng.u64(500 * MS..3000 * MS);
        self.at(first, Event::Fault);
        let faults_end = self.rng.u64(8_000..25_000) * MS;
        let end = faults_end + 60_000 * MS;
        while let Some(((time, _), event)) = self.queue.pop_first() {
            self.now = time;
            if self.faults && self.now >= faults_end {
                self.heal();
            }
            if self.healed && self.is_settled() {
                return self.finish();
            }
            if self.now > end {
                return Err(format!("not settled 60 s after the last fault: {}", self.picture()));
            }
            self.report.steps += 1;
            self.report.trace =
                self.report.trace.rotate_left(5) ^ time.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ event.number();
            self.handle(event)?;
        }
        Err("nothing left to do".into())
    }

    fn handle(&mut self, event: Event) -> Checked {
        match event {
            Event::Input(id, life, input) => self.input(id, life, *input),
            Event::Deliver { to, from, connection, sequence, message } => {
                self.deliver(to, from, connection, sequence, *message)
            }
            Event::Down(id, life, peer) => {
                // A link that stands again has told so itself.
                if self.net.connected.contains_key(&pair(id, peer.server.0)) {
                    return Ok(());
                }
                self.input(id, life, Input::LinkDown { peer })
            }
            Event::Tick(id, life) => {
                if self.is_life(id, life) && self.nodes[&id].paused_until <= self.now {
                    let ms = self.settings.limits.tick_ms;
                    let delay = self.rng.u64(ms * MS * 9 / 10..ms * MS * 12 / 10);
                    self.at(delay, Event::Tick(id, life));
                    return self.input(id, life, Input::Tick);
                }
                Ok(())
            }
            Event::Sync(id, life) => self.sync(id, life),
            Event::Job(id, life, job) => self.job(id, life, *job),
            Event::Connect(pair) => self.connect(pair),
            Event::Start(id) => self.start(id),
            Event::Resume(id) => self.resume(id),
            Event::Send(client) => self.client_sends(client),
            Event::Timeout(client, attempt) => {
                if self.clients[client].attempts == attempt && self.clients[client].current.is_some() {
                    self.report.retries += 1;
                    self.client_sends(client)?;
                }
                Ok(())
            }
            Event::Answer(client, op, reply) => self.client_hears(client, op, reply),
            Event::Fault => self.fault(),
        }
    }

    fn is_life(&self, id: u8, life: Member) -> bool {
        self.nodes[&id].running.as_ref().is_some_and(|r| r.life == life)
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if self.traced {
            println!("{:>9.3} {}", self.now as f64 / 1e6, text());
        }
    }
}

impl Event {
    fn number(&self) -> u64 {
        match self {
            Event::Input(id, ..) => 100 + u64::from(*id),
            Event::Down(id, ..) => 150 + u64::from(*id),
            Event::Deliver { to, from, .. } => 200 + u64::from(*to) * 10 + u64::from(*from),
            Event::Tick(id, _) => 400 + u64::from(*id),
            Event::Sync(id, _) => 500 + u64::from(*id),
            Event::Job(id, ..) => 600 + u64::from(*id),
            Event::Connect(_) => 700,
            Event::Start(id) => 800 + u64::from(*id),
            Event::Resume(id) => 900 + u64::from(*id),
            Event::Send(_) => 1000,
            Event::Timeout(..) => 1001,
            Event::Answer(..) => 1002,
            Event::Fault => 1003,
        }
    }
}

fn free_seats(state: &State) -> Vec<u32> {
    let Answer::Seats(map) = state.query(&Query::Seats) else { unreachable!("a seat map was asked for") };
    (1..=map.capacity).filter(|s| map.free[(*s as usize - 1) / 64] >> ((s - 1) % 64) & 1 == 1).collect()
}
