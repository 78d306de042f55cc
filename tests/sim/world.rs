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

    // --- servers

    fn start(&mut self, id: u8) -> Checked {
        let settings = self.settings.clone();
        let seed = self.rng.u64(..);
        let node = self.nodes.get_mut(&id).expect("configured");
        if node.running.is_some() {
            return Ok(());
        }
        node.start(&settings, seed)?;
        let life = node.running.as_ref().expect("started").life;
        self.say(|| format!("server {life} starts"));
        self.at(1, Event::Tick(id, life));
        let others: Vec<u8> = self.nodes.keys().copied().filter(|&other| other != id).collect();
        for other in others {
            self.dial_soon(pair(id, other));
        }
        Ok(())
    }

    fn input(&mut self, id: u8, life: Member, input: Input<State>) -> Checked {
        if !self.is_life(id, life) {
            return Ok(());
        }
        let node = self.nodes.get_mut(&id).expect("configured");
        // What came during the pause is read first.
        if node.paused_until > self.now || !node.backlog.is_empty() {
            node.backlog.push(input);
            return Ok(());
        }
        self.step(id, input)?;
        if self.is_life(id, life) && self.rng.u32(0..10) < 7 {
            self.step(id, Input::Drained)?;
        }
        Ok(())
    }

    fn step(&mut self, id: u8, input: Input<State>) -> Checked {
        let now = Now { tick_ms: self.now / MS, wall_ms: 1_700_000_000_000 + self.now / MS };
        let mut effects = Vec::new();
        let Some(running) = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()) else { return Ok(()) };
        running.engine.step(now, input, &mut effects);
        self.check_execution(id)?;
        for effect in effects {
            if self.crash_soon > 0 {
                self.crash_soon -= 1;
                if self.crash_soon == 0 && self.may_crash(id) {
                    return self.crash(id);
                }
            }
            self.carry(id, effect)?;
            if self.nodes[&id].running.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn carry(&mut self, id: u8, effect: Effect<State>) -> Checked {
        let life = self.nodes[&id].running.as_ref().expect("running").life;
        match effect {
            Effect::Send { to, message } => self.send(life, to, message),
            Effect::Answer { token, outcome } => {
                self.say(|| format!("server {life} answers {outcome:?}"));
                self.reply(token, Reply::Outcome(outcome));
            }
            Effect::Refuse { token, .. } => self.reply(token, Reply::Refused),
            Effect::ServeRead { token } => {
                let running = self.nodes[&id].running.as_ref().expect("running");
                let free = free_seats(running.engine.machine());
                let position = running.engine.position();
                self.reply(token, Reply::Read(position, free));
            }
            Effect::Restart { why } => {
                self.report.restarts += 1;
                self.say(|| format!("server {life} restarts: {why:?}"));
                if let Restart::Diverged { .. } = why {
                    return Err(format!("server {life} diverged"));
                }
                self.stop(id);
                self.at(MS, Event::Start(id));
            }
            Effect::Exit => {
                self.say(|| format!("server {life} leaves"));
                self.stop(id);
                self.nodes.get_mut(&id).expect("configured").left = true;
                let delay = self.rng.u64(10..3000) * MS;
                self.at(delay, Event::Start(id));
            }
            Effect::Note(note) => {
                if matches!(note, boxoffice::protocol::engine::Note::Activated { .. }) {
                    self.report.views += 1;
                }
                if let boxoffice::protocol::engine::Note::Nonsense { from, what } = &note {
                    return Err(format!("server {life} takes what {from} says for nonsense: {what}"));
                }
                self.say(|| format!("server {life}: {note:?}"));
            }
            effect => {
                if let Effect::Report { shared, lost_view, offers } = &effect {
                    self.say(|| {
                        format!(
                            "server {life} gives up {} changes of {lost_view} after {shared}",
                            offers.len()
                        )
                    });
                }
                return self.carry_to_disk(id, life, effect);
            }
        }
        Ok(())
    }

    fn carry_to_disk(&mut self, id: u8, life: Member, effect: Effect<State>) -> Checked {
        if matches!(effect, Effect::Adopt { .. }) {
            self.report.snapshots += 1;
        }
        let slow = self.nodes[&id].slow_disk;
        let running = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()).expect("running");
        let carried = running.persister.carry(effect).map_err(|error| format!("server {life}: {error}"))?;
        let sync_needed = !running.sync_pending;
        running.sync_pending = true;
        let due = running.persister.log_bytes_since_snapshot() > 12_000;
        match carried {
            Carried::Done => {}
            Carried::Input(input) => self.at(50, Event::Input(id, life, Box::new(input))),
            Carried::Job(job) => {
                let delay = self.rng.u64(1..30) * MS;
                self.at(delay, Event::Job(id, life, Box::new(job)));
            }
        }
        if sync_needed {
            let delay = if slow { self.rng.u64(1..800) * MS } else { self.rng.u64(50..3 * MS) };
            self.at(delay, Event::Sync(id, life));
        }
        if due && self.rng.u32(0..20) == 0 {
            self.at(10, Event::Input(id, life, Box::new(Input::SnapshotDue)));
        }
        Ok(())
    }

    fn sync(&mut self, id: u8, life: Member) -> Checked {
        if !self.is_life(id, life) {
            return Ok(());
        }
        let running = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()).expect("running");
        running.sync_pending = false;
        let lsn = running.persister.sync().map_err(|error| format!("server {life}: {error}"))?;
        let more = running.persister.prepare().map_err(|error| format!("server {life}: {error}"))?;
        let _ = more;
        self.input(id, life, Input::Durable { lsn })
    }

    fn job(&mut self, id: u8, life: Member, job: Job<SimDisk, State>) -> Checked {
        if !self.is_life(id, life) {
            return Ok(());
        }
        let result = job.run().map_err(|error| format!("server {life}: {error}"))?;
        let running = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()).expect("running");
        let input = running.persister.finish(result).map_err(|error| format!("server {life}: {error}"))?;
        self.input(id, life, input)
    }

    /// The process ends in an orderly way, or starts over: what it wrote is the system's, what it held is gone.
    fn stop(&mut self, id: u8) {
        self.nodes.get_mut(&id).expect("configured").running = None;
        let pairs: Vec<Pair> =
            self.net.connected.keys().copied().filter(|p| p.0 == id || p.1 == id).collect();
        for pair in pairs {
            self.disconnect(pair);
        }
    }

    fn crash(&mut self, id: u8) -> Checked {
        self.say(|| format!("server {id} crashes"));
        self.report.crashes += 1;
        self.stop(id);
        let mut rng = self.rng.fork();
        self.nodes[&id].disk.crash(&mut rng);
        let delay = self.rng.u64(10..6000) * MS;
        self.at(delay, Event::Start(id));
        Ok(())
    }

    fn resume(&mut self, id: u8) -> Checked {
        let node = self.nodes.get_mut(&id).expect("configured");
        if node.paused_until > self.now {
            return Ok(());
        }
        let backlog = std::mem::take(&mut node.backlog);
        let Some(life) = node.running.as_ref().map(|r| r.life) else { return Ok(()) };
        self.say(|| format!("server {life} resumes with {} inputs", backlog.len()));
        self.at(0, Event::Tick(id, life));
        for input in backlog {
            self.input(id, life, input)?;
        }
        Ok(())
    }

    // --- links

    fn dial_soon(&mut self, pair: Pair) {
        if self.net.dialing.insert(pair) {
            let delay = self.rng.u64(200..60 * MS);
            self.at(delay, Event::Connect(pair));
        }
    }

    fn connect(&mut self, pair: Pair) -> Checked {
        self.net.dialing.remove(&pair);
        if self.net.connected.contains_key(&pair) {
            return Ok(());
        }
        let life = |id: u8| self.nodes[&id].running.as_ref().map(|r| r.life);
        let paused =
            self.nodes[&pair.0].paused_until > self.now || self.nodes[&pair.1].paused_until > self.now;
        let (Some(a), Some(b)) = (life(pair.0), life(pair.1)) else { return Ok(()) };
        if self.net.is_cut(pair, self.now) || paused {
            self.dial_soon(pair);
            return Ok(());
        }
        let mut resumed = self.net.lives.insert(pair, (a, b)) == Some((a, b));
        if resumed && self.faults && self.kind != WorldKind::Any && self.rng.u32(0..20) == 0 {
            // The buffers of one side were too small.
            resumed = false;
        }
        if !resumed {
            self.net.reset(pair);
        }
        self.say(|| format!("{a} and {b} are linked, resumed {resumed}"));
        self.net.connections += 1;
        let connection = self.net.connections;
        self.net.connected.insert(pair, connection);
        for (from, to) in [(pair.0, pair.1), (pair.1, pair.0)] {
            let resend: Vec<_> = self.net.unacked.get(&(from, to)).into_iter().flatten().cloned().collect();
            for (sequence, message) in resend {
                self.transmit(from, to, connection, Some(sequence), message);
            }
        }
        self.input(pair.0, a, Input::LinkUp { peer: b, resumed })?;
        self.input(pair.1, b, Input::LinkUp { peer: a, resumed })?;
        Ok(())
    }

    fn disconnect(&mut self, pair: Pair) {
        if self.net.connected.remove(&pair).is_none() {
            return;
        }
        let (a, b) = self.net.lives[&pair];
        for (id, me, peer) in [(pair.0, a, b), (pair.1, b, a)] {
            let delay = self.rng.u64(10..2 * MS);
            self.at(delay, Event::Down(id, me, peer));
        }
        self.dial_soon(pair);
    }

    fn send(&mut self, from: Member, to: Member, message: Message) {
        let pair = pair(from.server.0, to.server.0);
        let lives = if from.server < to.server { (from, to) } else { (to, from) };
        if self.net.lives.get(&pair) != Some(&lives) {
            return;
        }
        let direction = (from.server.0, to.server.0);
        let mut sequence = None;
        if message.is_sequenced() {
            let next = self.net.next.entry(direction).or_default();
            *next += 1;
            sequence = Some(*next);
            self.net.unacked.entry(direction).or_default().push_back((*next, message.clone()));
        }
        if let Some(&connection) = self.net.connected.get(&pair) {
            self.transmit(direction.0, direction.1, connection, sequence, message);
        }
    }

    fn transmit(&mut self, from: u8, to: u8, connection: u64, sequence: Option<u64>, message: Message) {
        let delay =
            if self.rng.u32(0..50) == 0 { self.rng.u64(0..40 * MS) } else { self.rng.u64(30..2 * MS) };
        let last = self.net.last_arrival.entry((from, to)).or_default();
        let arrival = (self.now + delay).max(*last + 1);
        *last = arrival;
        let delay = arrival - self.now;
        self.at(delay, Event::Deliver { to, from, connection, sequence, message: Box::new(message) });
    }

    fn deliver(
        &mut self,
        to: u8,
        from: u8,
        connection: u64,
        sequence: Option<u64>,
        message: Message,
    ) -> Checked {
        let pair = pair(from, to);
        if self.net.connected.get(&pair) != Some(&connection) {
            return Ok(());
        }
        if let Some(sequence) = sequence {
            let expected = self.net.expected.entry((from, to)).or_default();
            if sequence <= *expected {
                return Ok(());
            }
            assert_eq!(sequence, *expected + 1, "the simulated link keeps order");
            *expected = sequence;
            if let Some(unacked) = self.net.unacked.get_mut(&(from, to)) {
                unacked.retain(|(number, _)| *number > sequence);
            }
        }
        let (a, b) = self.net.lives[&pair];
        let (me, peer) = if a.server.0 == to { (a, b) } else { (b, a) };
        // Through the codec, as on a real link.
        let bytes = postcard::to_stdvec(&message).map_err(|e| e.to_string())?;
        let message = postcard::from_bytes(&bytes).map_err(|e| e.to_string())?;
        self.input(to, me, Input::Message { from: peer, message })
    }

    // --- clients

    fn client_sends(&mut self, client: usize) -> Checked {
        let (number, floor, now) = (self.next_token, self.floor, self.now);
        self.next_token += 1;
        let servers = self.nodes.len() as u8;
        let done = self.healed;
        let unique = self.kind == WorldKind::Partition;
        let rng = &mut self.rng;
        let state = &mut self.clients[client];
        if state.current.is_none() {
            if done {
                return Ok(());
            }
            let mut op = state.next_op(rng, number, floor, now);
            if let (true, OpKind::Command(command)) = (unique, &mut op.kind) {
                let name: Name = format!("u{}-{}", state.id, state.sequence).parse().expect("a name");
                command.operation = match &command.operation {
                    Operation::ReserveSeats { seats, .. } => {
                        Operation::ReserveSeats { name, seats: seats.clone() }
                    }
                    _ => Operation::Reserve { name, count: 1 },
                };
            }
            state.current = Some(op);
        }
        state.server = if state.attempts == 0 || rng.u32(0..3) == 0 {
            rng.u8(1..=servers)
        } else {
            state.server % servers + 1
        };
        state.attempts += 1;
        let (attempt, server) = (state.attempts, state.server);
        let op = state.current.clone().expect("set above");
        let token = self.next_token;
        self.next_token += 1;
        self.tokens.insert(token, (client, op.number));
        let delay = self.rng.u64(30..2 * MS);
        if let Some(life) = self.nodes[&server].running.as_ref().map(|r| r.life) {
            let input = match &op.kind {
                OpKind::Command(command) => Input::Submit { token, command: batch::encode(command).into() },
                OpKind::Read => Input::Read { token },
            };
            self.at(delay, Event::Input(server, life, Box::new(input)));
        }
        let patience = self.rng.u64(300..2500) * MS;
        self.at(patience, Event::Timeout(client, attempt));
        Ok(())
    }

    fn reply(&mut self, token: u64, reply: Reply) {
        let Some((client, op)) = self.tokens.remove(&token) else { return };
        let delay = self.rng.u64(30..2 * MS);
        self.at(delay, Event::Answer(client, op, reply));
    }

    fn client_hears(&mut self, client: usize, number: u64, reply: Reply) -> Checked {
        let Some(op) = self.clients[client].current.clone().filter(|op| op.number == number) else {
            return Ok(());
        };
        if let Reply::Refused = reply {
            return Ok(());
        }
        let position = match (&op.kind, reply) {
            (OpKind::Command(command), Reply::Outcome(outcome)) => {
                self.report.answered += 1;
                self.say(|| format!("client {client} is told {outcome:?} for {command:?}"));
                if let Outcome::Reserved { name, seats } = &outcome {
                    self.promised_names.insert(name.clone(), seats.clone());
                }
                if self.kind == WorldKind::Partition {
                    0
                } else {
                    let known = self.model.outcomes.get(&(command.session, command.sequence));
                    let (expected, position) = known
                        .ok_or_else(|| format!("{command:?} was answered {outcome:?} and never executed"))?;
                    if *expected != outcome {
                        return Err(format!(
                            "{command:?} was answered {outcome:?}, its execution gave {expected:?}"
                        ));
                    }
                    *position
                }
            }
            (OpKind::Read, Reply::Read(position, free)) => {
                self.report.reads += 1;
                if self.kind == WorldKind::Partition {
                    0
                } else {
                    let known = self
                        .history
                        .get(position as usize)
                        .ok_or("a read saw a position that nobody executed")?;
                    if known.1 != free {
                        return Err(format!(
                            "a read at {position} saw {free:?}, the model has {:?}",
                            known.1
                        ));
                    }
                    position
                }
            }
            _ => return Err("an answer of the wrong kind".into()),
        };
        if position < op.floor {
            return Err(format!(
                "client {client}: an operation sent after position {} was answered took effect at {position}",
                op.floor
            ));
        }
        self.floor = self.floor.max(position);
        let state = &mut self.clients[client];
        state.current = None;
        state.attempts = 0;
        let pause = self.rng.u64(0..60 * MS);
        self.at(pause, Event::Send(client));
        Ok(())
    }

    // --- faults

    fn may_crash(&self, id: u8) -> bool {
        self.faults && self.kind != WorldKind::Partition && self.nodes[&id].running.is_some()
    }

    fn fault(&mut self) -> Checked {
        if !self.faults {
            return Ok(());
        }
        let delay = self.rng.u64(100..4000) * MS;
        self.at(delay, Event::Fault);
        let ids: Vec<u8> = self.nodes.keys().copied().collect();
        let id = ids[self.rng.usize(0..ids.len())];
        match self.rng.u32(0..14) {
            0..=2 if self.may_crash(id) => self.crash(id)?,
            3..=4 => self.crash_soon = self.rng.u32(1..200),
            5 if self.kind != WorldKind::Partition && self.rng.bool() => {
                for id in ids {
                    if self.may_crash(id) && self.rng.u32(0..5) > 0 {
                        self.crash(id)?;
                    }
                }
            }
            6..=7 if self.kind != WorldKind::Partition => self.pause(id),
            8 => {
                let node = self.nodes.get_mut(&id).expect("configured");
                node.slow_disk = !node.slow_disk;
            }
            9 if self.kind != WorldKind::Partition => {
                if let Some(life) = self.nodes[&id].running.as_ref().map(|r| r.life) {
                    self.say(|| format!("server {life} is told to leave"));
                    self.input(id, life, Input::Leave)?;
                }
            }
            10..=13 => self.cut(),
            _ => {}
        }
        Ok(())
    }

    fn pause(&mut self, id: u8) {
        let length = if self.rng.bool() { self.rng.u64(100..1000) } else { self.rng.u64(1000..5000) } * MS;
        self.say(|| format!("server {id} is paused for {} ms", length / MS));
        self.report.pauses += 1;
        self.nodes.get_mut(&id).expect("configured").paused_until = self.now + length;
        self.at(length, Event::Resume(id));
    }

    fn cut(&mut self) {
        self.report.cuts += 1;
        let ids: Vec<u8> = self.nodes.keys().copied().collect();
        let long = self.kind != WorldKind::Any;
        let length = if long { self.rng.u64(100..8000) } else { self.rng.u64(5..250) } * MS;
        let side: BTreeSet<u8> = ids.iter().copied().filter(|_| self.rng.bool()).collect();
        let single = self.rng.bool();
        let mut pairs: Vec<Pair> = Vec::new();
        for &a in &ids {
            for &b in ids.iter().filter(|&&b| b > a) {
                if side.contains(&a) != side.contains(&b) {
                    pairs.push((a, b));
                }
            }
        }
        if single && self.kind != WorldKind::Partition {
            self.rng.shuffle(&mut pairs);
            pairs.truncate(1);
        }
        self.say(|| format!("{pairs:?} are cut for {} ms", length / MS));
        for pair in pairs {
            self.net.cut_until.insert(pair, self.now + length);
            self.disconnect(pair);
        }
    }

    fn heal(&mut self) {
        self.say(|| "all is healed".into());
        self.faults = false;
        self.healed = true;
        self.crash_soon = 0;
        self.net.cut_until.clear();
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            let node = self.nodes.get_mut(&id).expect("configured");
            node.slow_disk = false;
            if node.paused_until > self.now {
                node.paused_until = self.now;
                self.at(0, Event::Resume(id));
            }
            if self.nodes[&id].running.is_none() {
                self.at(MS, Event::Start(id));
            }
        }
    }

    // --- what must hold

    /// Whatever a server executes at a position is what every other one executes there.
    fn check_execution(&mut self, id: u8) -> Checked {
        let Some(Running { engine, checked, life, .. }) =
            self.nodes.get_mut(&id).and_then(|n| n.running.as_mut())
        else {
            return Ok(());
        };
        if self.kind == WorldKind::Partition {
            return Ok(());
        }
        for position in *checked + 1..=engine.position() {
            let digest = engine.digest_at(position);
            match (self.history.get(position as usize), digest) {
                (Some((known, _)), Some(digest)) if *known != digest => {
                    return Err(format!("server {life} executed something else at {position}"));
                }
                (Some(_), _) => {}
                (None, Some(digest)) => {
                    let request = engine.request_at(position).expect("as recent as its digest");
                    for command in batch::commands(&request.batch) {
                        self.model.execute(&command.map_err(|e| e.to_string())?, position);
                    }
                    self.history.push((digest, self.model.free()));
                }
                (None, None) => {
                    return Err(format!(
                        "server {life} jumped to position {position}, which nobody executed"
                    ));
                }
            }
        }
        *checked = engine.position();
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let idle = self.clients.iter().all(|c| c.current.is_none());
        let mut digests = BTreeSet::new();
        for node in self.nodes.values() {
            let Some(running) = &node.running else { return false };
            let Some(view) = running.engine.active_view() else { return false };
            if view.members.len() != self.nodes.len() || running.engine.status().offers > 0 {
                return false;
            }
            digests.insert((running.engine.position(), running.engine.digest()));
        }
        idle && digests.len() == 1
    }

    fn finish(mut self) -> Result<Report, String> {
        let mut unsettled = String::new();
        for node in self.nodes.values() {
            unsettled += &String::from_utf8_lossy(&node.disk.read(CONFLICTS_FILE).unwrap_or_default());
        }
        let names = std::mem::take(&mut self.promised_names);
        for node in self.nodes.values() {
            let machine = node.running.as_ref().expect("settled").engine.machine();
            machine.check()?;
            if self.kind == WorldKind::Partition {
                for (name, seats) in &names {
                    let Answer::Search { seats: held, .. } =
                        machine.query(&Query::Search { name: name.clone() })
                    else {
                        return Err("an answer of the wrong kind".into());
                    };
                    if held.as_ref() != Some(seats) && !unsettled.contains(&format!("\"{name}\"")) {
                        return Err(format!(
                            "{name} was told {seats:?}, has {held:?}, and no report says so"
                        ));
                    }
                }
            } else if free_seats(machine) != self.model.free() {
                return Err("the seat map is not the model's".into());
            }
        }
        Ok(self.report)
    }

    fn picture(&self) -> String {
        let mut text = String::new();
        for node in self.nodes.values() {
            match &node.running {
                None => text += &format!("\n  server {}: down", node.id),
                Some(r) => {
                    let status = r.engine.status();
                    let members: Vec<String> = status.members.iter().map(|m| m.to_string()).collect();
                    let peers: Vec<String> = status
                        .peers
                        .iter()
                        .map(|p| {
                            format!(
                                "{}:{}{}",
                                p.server,
                                if p.linked { "linked" } else { "-" },
                                if p.suspected { ",suspected" } else { "" }
                            )
                        })
                        .collect();
                    text += &format!(
                        "\n  server {}: {:?} view {} {members:?} position {} {peers:?} {:?}",
                        r.life, status.standing, status.view, status.position, status.waiting_for
                    );
                }
            }
        }
        for client in &self.clients {
            text += &format!(
                "\n  client {}: {} attempts at {:?}",
                client.id,
                client.attempts,
                client.current.as_ref().map(|op| op.sent_at)
            );
        }
        text
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
