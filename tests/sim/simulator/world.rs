//! The world: time, servers, the network between them, clients, and faults.

use super::client::{Client, Reply};
use super::event::{Agenda, Event, Harm};
use super::history::History;
use super::invariants::Judge;
use super::model::Key;
use super::mutants::Mutant;
use super::net::{End, Net, Pair};
use super::node::{Node, Running, wall_ms};
use super::profile::{MS, Profile};
use super::report::Report;
use boxoffice::domain::ids::Name;
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::{Availability, Effect, Input, Settings};
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::{Incarnation, Member, ServerId};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;

mod clients;
mod disks;
mod faults;
mod harm;
mod healing;
mod links;
mod servers;

pub use clients::free_bits;

/// So long after the last fault everything must be answered and alike.
const SETTLE_MAX_US: u64 = 40_000 * MS;

/// What a world promises, and so which faults it has.
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
    pub const ALL: [WorldKind; 3] = [WorldKind::Any, WorldKind::Majority, WorldKind::Partition];

    pub fn name(self) -> &'static str {
        match self {
            WorldKind::Any => "any",
            WorldKind::Majority => "majority",
            WorldKind::Partition => "partition",
        }
    }
}

impl fmt::Display for WorldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a client asked, by the token it was asked with.
struct Asked {
    client: usize,
    slot: usize,
    number: u64,
    what: AskedFor,
}

#[derive(Clone)]
enum AskedFor {
    Command(Key),
    Free,
    Name(Name),
}

/// A simulated cluster with everything around it.
pub struct World {
    kind: WorldKind,
    profile: Profile,
    rng: fastrand::Rng,
    now: u64,
    agenda: Agenda,
    settings: Settings,
    nodes: Vec<Node>,
    net: Net,
    clients: Vec<Client>,
    asked: Vec<Asked>,
    next_op: u64,
    judge: Judge,
    /// Faults come until then.
    faults_end: u64,
    healed: bool,
    /// Servers that must serve in the end; the others stay down.
    viable: BTreeSet<u8>,
    /// Power goes after so many effects of whichever server.
    crash_after: Option<u32>,
    /// Power goes in a step of a change of view, after so many other such steps.
    crash_in_change: Option<u32>,
    rolling: VecDeque<u8>,
    report: Report,
    traced: bool,
    pub history: Option<History>,
    effects: Vec<Effect<State>>,
    /// The last message that was encoded: usually the same one goes to every peer.
    encoded: Option<(Message, Bytes)>,
}

/// A breach, as a sentence.
pub type Checked = Result<(), String>;

impl World {
    pub fn new(seed: u64, kind: WorldKind) -> Self {
        World::shaped(seed, kind, |_| ())
    }

    /// The same, but `shape` changes what the seed has drawn.
    pub fn shaped(seed: u64, kind: WorldKind, shape: impl FnOnce(&mut Profile)) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut profile = Profile::draw(kind, &mut rng);
        shape(&mut profile);
        let settings = Settings {
            me: Member { server: ServerId(0), incarnation: Incarnation(0) },
            servers: (1..=profile.servers).map(ServerId).collect(),
            availability: match kind {
                WorldKind::Any | WorldKind::Partition => Availability::Any,
                WorldKind::Majority => Availability::Majority,
            },
            limits: profile.limits.clone(),
            seed,
            bootstrap: false,
            version: "sim".into(),
        };
        let mut nodes: Vec<Node> = (1..=profile.servers).map(|id| Node::new(id, &profile)).collect();
        for node in &mut nodes {
            let rate_ppm = profile.clock_rate_ppm;
            node.clock_rate_ppm = rng.i64(-(rate_ppm as i64)..=rate_ppm as i64);
        }
        World {
            kind,
            now: 0,
            agenda: Agenda::default(),
            settings,
            nodes,
            net: Net::default(),
            clients: (0..profile.clients).map(|_| Client::new(profile.window)).collect(),
            asked: Vec::new(),
            next_op: 0,
            judge: Judge::new(kind, profile.config.clone()),
            faults_end: profile.faults_us,
            healed: false,
            viable: (1..=profile.servers).collect(),
            crash_after: None,
            crash_in_change: None,
            rolling: VecDeque::new(),
            report: Report::default(),
            traced: false,
            history: None,
            effects: Vec::new(),
            encoded: None,
            profile,
            rng,
        }
    }

    /// All servers run a program with this bug.
    pub fn mutated(mut self, mutant: Mutant) -> Self {
        self.nodes.iter_mut().for_each(|node| node.mutant = Some(mutant));
        self
    }

    /// Prints what happens.
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Remembers what clients asked and were told.
    pub fn recorded(mut self) -> Self {
        self.history = Some(History::default());
        self
    }

    /// Lives from the first start of the servers to the last answer. An error is a breach of an invariant.
    pub fn play(&mut self) -> Result<Report, String> {
        self.begin();
        let end = self.faults_end + SETTLE_MAX_US;
        while let Some((time, event)) = self.agenda.next() {
            self.now = time;
            if !self.healed && self.now >= self.faults_end {
                self.heal()?;
            }
            self.report.steps += 1;
            self.mark(time.rotate_left(17) ^ event.code());
            self.handle(event)?;
            if self.healed && self.report.steps.is_multiple_of(64) && self.is_settled() {
                return self.finish();
            }
            if self.now > end {
                return Err(format!(
                    "invariant 7: not settled {} s after the last fault: {}",
                    SETTLE_MAX_US / (1_000 * MS),
                    self.picture()
                ));
            }
        }
        Err("nothing left to do".into())
    }

    fn begin(&mut self) {
        self.say(|world| {
            let Profile { servers, clients, window, faults, .. } = &world.profile;
            format!("{servers} servers, {clients} clients with {window} commands at once, faults {faults:?}")
        });
        for id in self.ids() {
            let delay = self.rng.u64(0..500 * MS);
            self.plan_start(id, delay);
        }
        for client in 0..self.clients.len() {
            for slot in 0..self.clients[client].slots.len() {
                let delay = self.rng.u64(0..1000 * MS);
                self.at(delay, Event::Send { client, slot });
            }
        }
        let first = self.rng.u64(500 * MS..3000 * MS);
        self.at(first, Event::Fault);
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.agenda.plan(self.now + delay, event);
    }

    fn handle(&mut self, event: Event) -> Checked {
        if let Some(id) = self.paused_addressee(&event) {
            self.node_mut(id).backlog.push(event);
            return Ok(());
        }
        match event {
            // Nobody tells a server to leave any more.
            Event::Input(_, _, input) if self.healed && matches!(*input, Input::Leave) => Ok(()),
            Event::Input(id, life, input) => self.input(id, life, *input),
            Event::Tick(id, life) => self.tick(id, life),
            Event::Sync(id, life) => self.sync(id, life),
            Event::Job(id, life, job) => self.job(id, life, job),
            Event::Start(id, plan) => self.start(id, plan),
            Event::Resume(id) => self.resume(id),
            Event::Dial(pair, life) => self.dial(pair, life),
            Event::HelloLate(connection) => self.hello_late(connection),
            Event::Arrive(connection, from) => self.arrive(connection, from),
            Event::Broken(connection, end) => self.close(connection, end, false),
            Event::Overflow(connection, end) => self.close(connection, end, true),
            Event::Send { client, slot } => self.client_sends(client, slot),
            Event::Timeout { client, slot, attempt } => self.client_times_out(client, slot, attempt),
            Event::Answer { client, slot, number, reply } => self.client_hears(client, slot, number, *reply),
            Event::Fault => self.fault(),
            Event::Harm(id, plan, harm) => self.harm(id, plan, harm),
            Event::Roll => self.roll(),
            Event::Operator => self.operate(),
        }
    }

    /// A server that stands still and whose affair this is.
    fn paused_addressee(&self, event: &Event) -> Option<u8> {
        let life = match event {
            Event::Input(_, life, _)
            | Event::Sync(_, life)
            | Event::Job(_, life, _)
            | Event::Dial(_, life) => *life,
            Event::Arrive(connection, from) => self.net.connections.get(connection)?.side(from.other()).life,
            Event::Broken(connection, end) | Event::Overflow(connection, end) => {
                self.net.connections.get(connection)?.side(*end).life
            }
            Event::HelloLate(connection) => self.net.connections.get(connection)?.dialer.life,
            Event::Tick(..)
            | Event::Start(..)
            | Event::Resume(_)
            | Event::Send { .. }
            | Event::Timeout { .. }
            | Event::Answer { .. }
            | Event::Fault
            | Event::Harm(..)
            | Event::Roll
            | Event::Operator => return None,
        };
        let node = self.node(life.server.0);
        (node.life() == Some(life) && node.is_paused(self.now)).then_some(node.id)
    }

    fn ids(&self) -> Vec<u8> {
        (1..=self.profile.servers).collect()
    }

    fn node(&self, id: u8) -> &Node {
        &self.nodes[usize::from(id) - 1]
    }

    fn node_mut(&mut self, id: u8) -> &mut Node {
        &mut self.nodes[usize::from(id) - 1]
    }

    /// The server's process, if it is this life.
    fn running(&self, life: Member) -> Option<&Running> {
        self.node(life.server.0).running.as_ref().filter(|running| running.life == life)
    }

    fn running_mut(&mut self, life: Member) -> Option<&mut Running> {
        self.node_mut(life.server.0).running.as_mut().filter(|running| running.life == life)
    }

    fn mark(&mut self, value: u64) {
        let trace = self.report.trace.rotate_left(5) ^ value;
        self.report.trace = trace.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    #[expect(clippy::disallowed_macros, reason = "a replayed run tells what happens")]
    fn say(&self, text: impl FnOnce(&Self) -> String) {
        if self.traced {
            println!("{:>10.4} {}", self.now as f64 / 1e6, text(self));
        }
    }
}
