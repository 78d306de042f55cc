//! A cluster that a test works by hand: nothing is delivered, flushed or late unless the test says so.
//!
//! Every step is checked: what two servers execute at one position is the same, no seat has two holders, and no read
//! misses what had been answered before it came.

use crate::disk::Disk;
use crate::links::Links;
use crate::words;
use boxoffice::domain::digest::Digest;
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::{Availability, Effect, Engine as _, Input, Limits, Settings};
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::message::Message;
use boxoffice::protocol::record::Record;
use boxoffice::protocol::types::{Incarnation, Member, Now, Position, ServerId, Token};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// The time at which every story begins.
const WALL_MS: u64 = 1_700_000_000_000;
/// Longest that [`World::form`] and [`World::run_until`] wait.
const PATIENCE_MS: u64 = 60_000;

/// One server: its disk outlives it.
#[derive(Default)]
pub struct Server {
    pub disk: Disk,
    pub running: Option<Running>,
    /// Stopped by the system: it gets nothing, and does not know.
    pub paused: bool,
    /// Its disk does not flush unless a test says so.
    pub stalled: bool,
    /// Its engine asked to be started again.
    pub wants_restart: bool,
    /// It has finished; its links stand until the others have its farewell.
    exiting: bool,
}

pub struct Running {
    pub engine: Lamport<State>,
    pub life: Member,
    checked: Position,
}

pub struct World {
    settings: Settings,
    pub servers: BTreeMap<u8, Server>,
    pub links: Links,
    pub now_ms: u64,
    pub wall_offset_ms: u64,
    /// What happened since the last command, each with its time.
    said: Vec<(u64, String)>,
    pub show_heartbeats: bool,
    /// The last question of a server that catches up, by direction: it is shown when it changes.
    asked: BTreeMap<(u8, u8), Position>,
    /// What was executed, by position; the same everywhere.
    history: BTreeMap<Position, Digest>,
    /// A partition under `any` may make two histories: then that is not checked.
    pub may_fork: bool,
    labels: BTreeMap<Token, String>,
    /// The last position that was executed in the effects at hand.
    executed: Position,
    /// The last position of which a client was told, and what that was when each read came.
    answered: Position,
    floors: BTreeMap<Token, Position>,
    /// What clients were told.
    pub answers: Vec<(String, Outcome)>,
    pub commands: BTreeMap<String, Bytes>,
}

impl World {
    pub fn new(servers: u8, availability: Availability, limits: Limits) -> Self {
        let settings = Settings {
            me: Member { server: ServerId(0), incarnation: Incarnation(0) },
            servers: (1..=servers).map(ServerId).collect(),
            availability,
            limits,
            seed: 1,
            bootstrap: false,
            version: "test".into(),
        };
        World {
            settings,
            servers: (1..=servers).map(|id| (id, Server::default())).collect(),
            links: Links::default(),
            now_ms: 0,
            wall_offset_ms: 0,
            said: Vec::new(),
            show_heartbeats: false,
            asked: BTreeMap::new(),
            history: BTreeMap::new(),
            may_fork: false,
            labels: BTreeMap::new(),
            executed: 0,
            answered: 0,
            floors: BTreeMap::new(),
            answers: Vec::new(),
            commands: BTreeMap::new(),
        }
    }

    pub fn ids(&self) -> Vec<u8> {
        self.servers.keys().copied().collect()
    }

    fn server(&mut self, id: u8) -> &mut Server {
        self.servers.get_mut(&id).unwrap_or_else(|| panic!("there is no server {id}"))
    }

    /// The engine of a server that runs.
    pub fn engine(&self, id: u8) -> &Lamport<State> {
        &self.servers[&id].running.as_ref().unwrap_or_else(|| panic!("server {id} is down")).engine
    }

    pub fn life(&self, id: u8) -> Option<Member> {
        self.servers[&id].running.as_ref().map(|r| r.life)
    }

    fn say(&mut self, text: String) {
        self.said.push((self.now_ms, text));
    }

    /// What happened since this was last asked.
    pub fn take_said(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.said)
    }

    // --- servers

    /// Builds the engine of a new life, and links it to whoever it can reach.
    pub fn start(&mut self, id: u8) {
        let mut settings = self.settings.clone();
        let server = self.server(id);
        assert!(server.running.is_none(), "server {id} runs already");
        let recovered = server.disk.open();
        let life = Member { server: ServerId(id), incarnation: Incarnation(server.disk.incarnation) };
        (settings.me, settings.seed) = (life, u64::from(id));
        let engine = Lamport::new(settings, recovered).unwrap_or_else(|error| panic!("server {id}: {error}"));
        let checked = engine.position();
        server.running = Some(Running { engine, life, checked });
        (server.paused, server.wants_restart) = (false, false);
        for other in self.ids() {
            // A link is set up by hellos in both directions.
            let hellos = !self.links.is_held(id, other) && !self.links.is_held(other, id);
            if other != id && self.life(other).is_some() && !self.links.is_cut(id, other) && hellos {
                self.link(id, other);
            }
        }
    }

    /// Ends a server: what it had not flushed is lost with all that it sent and nobody received.
    pub fn crash(&mut self, id: u8) {
        self.server(id).disk.crash();
        self.take_down(id);
    }

    fn take_down(&mut self, id: u8) {
        self.server(id).running = None;
        self.server(id).exiting = false;
        for other in self.ids() {
            if other != id && self.break_link(id, other) {
                self.links.forget(id, other);
            }
        }
    }

    /// Hands a server an input, and the ones that come of it at once. Nothing else waits afterwards.
    pub fn input(&mut self, id: u8, input: Input<State>) {
        self.inputs(id, VecDeque::from([input, Input::Drained]));
    }

    /// The same, but more is waiting: what has collected is no batch yet.
    pub fn input_before_others(&mut self, id: u8, input: Input<State>) {
        self.inputs(id, VecDeque::from([input]));
    }

    fn inputs(&mut self, id: u8, mut inputs: VecDeque<Input<State>>) {
        assert!(!self.servers[&id].paused, "server {id} is paused");
        let now = Now { tick_ms: self.now_ms, wall_ms: WALL_MS + self.now_ms + self.wall_offset_ms };
        while let Some(input) = inputs.pop_front() {
            let Some(running) = self.server(id).running.as_mut() else { return };
            let mut effects = Vec::new();
            running.engine.step(now, input, &mut effects);
            self.check(id);
            for effect in effects {
                inputs.extend(self.carry(id, effect));
            }
        }
    }

    fn carry(&mut self, id: u8, effect: Effect<State>) -> Option<Input<State>> {
        let life = self.life(id)?;
        match effect {
            Effect::Send { to, message } => self.send(life, to, message),
            Effect::Append { lsn, record } => {
                self.say(format!("{id} logs {}", words::record(&record)));
                self.server(id).disk.append(lsn, &record);
                if let Record::Executed { position, .. } = record {
                    self.executed = position;
                }
            }
            Effect::Answer { token, outcome } => {
                let label = self.labels[&token].clone();
                self.say(format!("{id} answers {label}: {outcome}"));
                self.answers.push((label, outcome));
                self.answered = self.answered.max(self.executed);
            }
            Effect::ServeRead { token } => {
                let text = format!("{id} serves {}: {} seats left", self.labels[&token], self.left(id));
                self.say(text);
                let (floor, position) = (self.floors[&token], self.engine(id).position());
                let fresh = floor <= position || self.may_fork;
                assert!(fresh, "server {id} serves a read at {position} that came when {floor} was answered");
            }
            Effect::Refuse { token, refusal } => {
                self.say(format!("{id} refuses {}: {refusal:?}", self.labels[&token]));
            }
            Effect::Restart { why } => {
                self.say(format!("{id} {}", words::restart(why)));
                self.server(id).disk.close();
                self.server(id).wants_restart = true;
                self.take_down(id);
            }
            Effect::Exit => {
                self.say(format!("{id} exits"));
                self.server(id).disk.close();
                self.server(id).running = None;
                self.server(id).exiting = true;
            }
            Effect::Note(note) => self.say(format!("{id} {}", words::note(&note))),
            Effect::Report { shared, lost_view, offers } => {
                self.say(format!("{id} {}", words::report(shared, lost_view, &offers)));
            }
            Effect::ReportOutcome { offer, outcome } => {
                self.say(format!("{id} REPORTS [{}]: {outcome}", words::command(&offer)));
            }
            Effect::Snapshot { .. }
            | Effect::ReadSnapshot { .. }
            | Effect::StoreChunk { .. }
            | Effect::Adopt { .. } => return self.carry_snapshot(id, effect),
        }
        None
    }

    fn carry_snapshot(&mut self, id: u8, effect: Effect<State>) -> Option<Input<State>> {
        let disk = &mut self.server(id).disk;
        match effect {
            Effect::Snapshot { header, image, lsn, checkpoint } => {
                let text = format!("{id} writes a snapshot at {}", header.position);
                disk.begin_snapshot(header, &image, lsn, &checkpoint);
                self.say(text);
            }
            Effect::ReadSnapshot { peer, position, offset } => {
                let (total, bytes) = disk.read_snapshot(position, offset);
                return Some(Input::SnapshotRead { peer, position, offset, total, bytes });
            }
            Effect::StoreChunk { position, offset, total, bytes } => {
                let stored = disk.store_chunk(offset, &bytes);
                if stored < total {
                    return Some(Input::ChunkStored { position, bytes: stored });
                }
                let (header, machine) = disk.received();
                return Some(Input::SnapshotReceived { header, machine: Box::new(machine) });
            }
            Effect::Adopt { position, lsn, checkpoint } => {
                disk.adopt(lsn, &checkpoint);
                self.say(format!("{id} adopts the snapshot at {position}"));
            }
            _ => unreachable!("only effects that concern snapshots come here"),
        }
        None
    }

    fn send(&mut self, from: Member, to: Member, message: Message) {
        let news = words::heartbeat(&message).filter(|_| self.show_heartbeats);
        let shown = words::message(&message).or(news).filter(|_| self.is_new(from, to, &message));
        if let Some(text) = shown {
            self.say(format!("{} -> {} {text}", from.server, words::member(to)));
        }
        self.links.send(from, to, message);
    }

    /// Whether a message is no repetition of a question that brought nothing.
    fn is_new(&mut self, from: Member, to: Member, message: &Message) -> bool {
        match message {
            Message::Fetch { position, .. } => {
                self.asked.insert((from.server.0, to.server.0), *position) != Some(*position)
            }
            Message::Entries { entries, .. } => !entries.is_empty(),
            _ => true,
        }
    }

    /// Flushes so many records of a server.
    pub fn flush(&mut self, id: u8, count: usize) {
        let disk = &mut self.server(id).disk;
        let lsn = disk.flush(count);
        let written = if disk.unflushed() == 0 { disk.end_snapshot() } else { None };
        self.input(id, Input::Durable { lsn });
        if let Some((position, bytes)) = written {
            self.input(id, Input::SnapshotWritten { position, bytes });
        }
    }

    pub fn submit(&mut self, id: u8, label: &str, command: Bytes) -> Input<State> {
        let token = self.token(label);
        assert!(self.life(id).is_some(), "server {id} is down");
        Input::Submit { token, command }
    }

    pub fn read(&mut self, id: u8, label: &str) {
        let token = self.token(label);
        self.floors.insert(token, self.answered);
        self.input(id, Input::Read { token });
    }

    fn token(&mut self, label: &str) -> Token {
        let token = self.labels.len() as Token + 1;
        self.labels.insert(token, label.to_owned());
        token
    }

    // --- links

    /// Links two servers, as the same link as before if it can be.
    pub fn link(&mut self, a: u8, b: u8) {
        let (Some(life_a), Some(life_b)) = (self.life(a), self.life(b)) else {
            panic!("{a} and {b} must run to be linked");
        };
        let resumed = self.links.connect(life_a, life_b);
        self.input(a, Input::LinkUp { peer: life_b, resumed });
        self.input(b, Input::LinkUp { peer: life_a, resumed });
    }

    /// The link breaks and is set up anew at once: whatever was on its way is lost.
    pub fn relink(&mut self, a: u8, b: u8) {
        self.break_link(a, b);
        self.links.forget(a, b);
        let (Some(life_a), Some(life_b)) = (self.life(a), self.life(b)) else {
            panic!("{a} and {b} must run to be linked");
        };
        self.links.connect(life_a, life_b);
        self.input(a, Input::LinkUp { peer: life_b, resumed: false });
        self.input(b, Input::LinkUp { peer: life_a, resumed: false });
    }

    /// Breaks a link until it is linked again.
    pub fn cut(&mut self, a: u8, b: u8) {
        self.break_link(a, b);
        self.links.cut(a, b);
    }

    fn break_link(&mut self, a: u8, b: u8) -> bool {
        if !self.links.is_up(a, b) {
            return false;
        }
        self.links.break_up(a, b);
        for (id, other) in [(a, b), (b, a)] {
            let lives = (self.life(id), self.servers[&other].disk.incarnation);
            if let (Some(_), incarnation) = lives {
                let peer = Member { server: ServerId(other), incarnation: Incarnation(incarnation) };
                let was_paused = std::mem::replace(&mut self.server(id).paused, false);
                self.input(id, Input::LinkDown { peer });
                self.server(id).paused = was_paused;
            }
        }
        true
    }

    /// Whether the next message of a direction could be received now.
    fn is_open(&self, from: u8, to: u8) -> bool {
        let receiver = &self.servers[&to];
        receiver.running.is_some() && !receiver.paused && !self.links.is_held(from, to)
    }

    /// Delivers the next sequenced message, and whatever goes before it. False when there is none.
    pub fn deliver(&mut self, from: u8, to: u8) -> bool {
        if !self.links.queue(from, to).any(|m| words::message(m).is_some()) {
            return false;
        }
        while let Some((from, to, message)) = self.links.take(from, to) {
            let counts = words::message(&message).is_some();
            self.receive(from, to, message);
            if counts {
                return true;
            }
        }
        false
    }

    fn receive(&mut self, from: Member, to: Member, message: Message) {
        // Through the codec, as on a real link.
        let bytes = postcard::to_stdvec(&message).expect("a message can be encoded");
        let message = postcard::from_bytes(&bytes).expect("a message can be decoded");
        self.input(to.server.0, Input::Message { from, message });
        let sender = from.server.0;
        if self.servers[&sender].exiting
            && self.ids().iter().all(|&id| self.links.queue(sender, id).next().is_none())
        {
            self.take_down(sender);
        }
    }

    // --- time

    /// Time passes in steps of a tick, and news flow between servers; whatever is sequenced stays where it is.
    pub fn tick(&mut self, ms: u64) {
        for _ in 0..ms / self.settings.limits.tick_ms {
            self.tick_once();
            while self.flow(|message| !message.is_sequenced()) {}
        }
    }

    /// Time passes, and everything flows: messages, flushes, and servers that ask for it start again.
    pub fn run(&mut self, ms: u64) {
        self.settle();
        for _ in 0..ms / self.settings.limits.tick_ms {
            self.tick_once();
            self.settle();
        }
    }

    /// Everything that can be received or flushed is.
    pub fn settle(&mut self) {
        loop {
            let moved = self.flow(|_| true);
            let flushed = self.flush_all();
            if !moved && !flushed {
                return;
            }
        }
    }

    fn flush_all(&mut self) -> bool {
        let mut flushed = false;
        for id in self.ids() {
            let server = &self.servers[&id];
            if server.running.is_some() && !server.paused && !server.stalled && server.disk.unflushed() > 0 {
                self.flush(id, usize::MAX);
                flushed = true;
            }
        }
        flushed
    }

    /// One message in each direction, if it may pass.
    fn flow(&mut self, may_pass: impl Fn(&Message) -> bool) -> bool {
        let mut moved = false;
        for from in self.ids() {
            for to in self.ids() {
                let passes = self.is_open(from, to) && self.links.peek(from, to).is_some_and(&may_pass);
                if let Some((from, to, message)) = passes.then(|| self.links.take(from, to)).flatten() {
                    self.receive(from, to, message);
                    moved = true;
                }
            }
        }
        moved
    }

    fn tick_once(&mut self) {
        self.now_ms += self.settings.limits.tick_ms;
        for id in self.ids() {
            if self.servers[&id].wants_restart {
                self.start(id);
            }
            if self.life(id).is_some() && !self.servers[&id].paused {
                self.input(id, Input::Tick);
            }
        }
    }

    /// Runs until something holds.
    pub fn run_until(&mut self, what: &str, holds: impl Fn(&World) -> bool) {
        let end = self.now_ms + PATIENCE_MS;
        while !holds(self) {
            assert!(self.now_ms < end, "not within {PATIENCE_MS} ms: {what}; {}", self.picture());
            self.run(self.settings.limits.tick_ms);
        }
    }

    /// Starts all servers, and waits until they are in a view.
    pub fn form(&mut self) {
        for id in self.ids() {
            self.start(id);
        }
        let all = self.ids();
        self.run_until("the first view", |w| w.are_together(&all));
    }

    // --- what is so

    /// Whether exactly these servers are active, in one view, at one position.
    pub fn are_together(&self, ids: &[u8]) -> bool {
        let engines: Vec<_> =
            ids.iter().filter_map(|id| self.servers[id].running.as_ref()).map(|r| &r.engine).collect();
        engines.len() == ids.len()
            && engines.iter().all(|e| {
                e.active_view().is_some_and(|v| {
                    v.view == engines[0].status().view
                        && v.members.iter().map(|m| m.server.0).eq(ids.iter().copied())
                }) && e.position() == engines[0].position()
            })
    }

    pub fn left(&self, id: u8) -> u32 {
        self.engine(id).machine().left()
    }

    /// The servers that take commands.
    pub fn active(&self) -> Vec<u8> {
        let active =
            self.servers.iter().filter(|(_, s)| s.running.as_ref().is_some_and(|r| r.engine.is_active()));
        active.map(|(&id, _)| id).collect()
    }

    pub fn picture(&self) -> String {
        let mut lines = Vec::new();
        for (id, server) in &self.servers {
            lines.push(match &server.running {
                None => format!("{id} is down"),
                Some(running) => {
                    let status = running.engine.status();
                    let waiting =
                        status.waiting_for.map_or(String::new(), |what| format!(", waits for {what}"));
                    format!(
                        "{id} is {:?} in {} {} at {}, {} seats left{waiting}",
                        status.standing,
                        words::view(status.view),
                        words::members(&status.members),
                        status.position,
                        status.seats_left,
                    )
                }
            });
        }
        lines.join("\n")
    }

    /// Whatever a server executes at a position is what every other one executes there.
    fn check(&mut self, id: u8) {
        let Some(running) = self.servers.get_mut(&id).and_then(|s| s.running.as_mut()) else { return };
        running.engine.machine().check().unwrap_or_else(|why| panic!("server {id}: {why}"));
        let new = running.checked + 1..=running.engine.position();
        running.checked = running.engine.position();
        for position in new {
            let Some(digest) = running.engine.digest_at(position) else { continue };
            let known = *self.history.entry(position).or_insert(digest);
            assert!(known == digest || self.may_fork, "server {id} executed something else at {position}");
        }
    }
}
