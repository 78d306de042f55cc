//! Everything that was ever met, each under a small number: servers, messages, queues, memories of what was executed.
//!
//! A cluster is then a few dozen bytes, and a step of an engine is computed once for each (server, event): what the
//! engines of millions of clusters do is looked up. The same servers meet in many clusters.

use crate::cluster::Bounds;
use crate::node::{Deeds, Event, Executed, Node, TICK_MS, World, hash128, news, numbered};
use boxoffice::protocol::engine::Availability;
use boxoffice::protocol::message::{Message, Standing};
use boxoffice::protocol::types::{Member, Position, Timestamp, ViewId};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

pub type Id = u32;

/// A table whose keys are spread well enough by a multiplication.
type Table<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

/// Multiplies and folds: the keys are small numbers, or hashes already.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}

/// [`Event`] with numbers for what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Tick,
    LateTick,
    LinkUp { peer: Member, resumed: bool },
    LinkDown { peer: Member },
    Message(Id),
    Flush(u8),
    Submit(u8),
    Leave,
    Crash(u8),
    Start,
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sequenced,
    /// Catching up: asked again if it is lost.
    Loose,
    Heartbeat,
    /// Only leases need it.
    Answer,
}

/// What a step came to.
pub struct Done {
    pub node: Id,
    pub sends: Vec<(Member, Id)>,
    pub executed: Vec<Executed>,
    pub answered: Vec<(u8, String)>,
    pub is_refused: bool,
    pub proposed: u64,
    pub ended: bool,
    pub is_news: bool,
    pub gives_up: bool,
}

/// What the checks and the world must know of a server.
pub struct Facts {
    pub life: Member,
    pub running: bool,
    pub standing: Option<Standing>,
    pub unsynced: u8,
    /// Something waits for those records.
    pub waits_for_disk: bool,
    /// The accepted view and how many others belong to it.
    pub view: ViewId,
    pub others: usize,
    pub position: Position,
    pub waiting: bool,
    queued: Vec<(ViewId, Timestamp)>,
    kept: Vec<(Position, (ViewId, Timestamp))>,
}

impl Facts {
    pub fn active(&self) -> bool {
        matches!(self.standing, Some(Standing::Active | Standing::Leaving))
    }

    /// Whether the server executed, or will execute, this request at this position.
    pub fn has(&self, executed: &Executed) -> bool {
        self.position >= executed.position
            || self.queued.contains(&executed.request)
            || self.kept.contains(&(executed.position, executed.request))
    }

    fn of(node: &Node) -> Facts {
        let Node { life, engine, unsynced, .. } = node;
        let mut facts = Facts {
            life: *life,
            running: engine.is_some(),
            standing: None,
            unsynced: u8::try_from(unsynced.len()).expect("few records wait"),
            waits_for_disk: engine.as_ref().is_some_and(|engine| engine.waits_for_disk()),
            view: ViewId::ZERO,
            others: 0,
            position: 0,
            waiting: false,
            queued: Vec::new(),
            kept: Vec::new(),
        };
        let Some(engine) = engine else { return facts };
        let status = engine.status();
        facts.standing = Some(status.standing);
        facts.position = engine.position();
        facts.waiting = status.pending > 0;
        if let Some(install) = engine.accepted() {
            facts.view = install.view;
            facts.others = install.members.len() - 1;
            facts.queued = engine.queued().map(|timestamp| (install.view, timestamp)).collect();
            let kept = install.kept.iter();
            facts.kept =
                kept.map(|entry| (entry.position, (entry.request.view, entry.request.timestamp))).collect();
        }
        facts
    }
}

/// What was executed and told so far, by anyone, whether or not the server still knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    pub executed: Vec<Executed>,
    pub answered: BTreeMap<u8, String>,
}

pub struct Space {
    pub world: World,
    /// What passes before counters are read: the time of a tick, unless farewells may come.
    gap_ms: u64,
    /// Set while long times pass: from where on servers are not compared with others, whose counters may be lower.
    exact_from: Option<usize>,
    nodes: Vec<Node>,
    facts: Vec<Rc<Facts>>,
    node_ids: Table<u128, Id>,
    messages: Vec<(Member, Message, Kind)>,
    message_ids: Table<u128, Id>,
    queues: Vec<Box<[Id]>>,
    queue_ids: Table<Box<[Id]>, Id>,
    pushes: Table<(Id, Id), Id>,
    /// What a server will do something on, of a queue.
    sifted: Table<(Id, Id), Id>,
    memories: Vec<Rc<Memory>>,
    memory_ids: Table<u128, Id>,
    steps: Table<(Id, Step), Rc<Done>>,
}

/// The queue without messages, and the memory of nothing.
pub const EMPTY: Id = 0;

impl Space {
    pub fn new(availability: Availability, bounds: &Bounds) -> Self {
        let mut space = Space {
            world: World { availability, bug: bounds.bug },
            gap_ms: if bounds.leaves > 0 || bounds.is_literal { 0 } else { TICK_MS },
            exact_from: None,
            nodes: Vec::new(),
            facts: Vec::new(),
            node_ids: Table::default(),
            messages: Vec::new(),
            message_ids: Table::default(),
            queues: Vec::new(),
            queue_ids: Table::default(),
            pushes: Table::default(),
            sifted: Table::default(),
            memories: Vec::new(),
            memory_ids: Table::default(),
            steps: Table::default(),
        };
        assert_eq!(space.queue(Vec::new()), EMPTY);
        assert_eq!(space.memory_id(Memory::default()), EMPTY);
        space
    }

    /// Servers, messages and steps that were met.
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.nodes.len(), self.messages.len(), self.steps.len())
    }

    /// From here on counters count, one by one, until [`Space::forget_exact`].
    pub fn be_exact(&mut self) {
        self.exact_from.get_or_insert(self.nodes.len());
    }

    /// Servers that were met while counters counted are forgotten.
    pub fn forget_exact(&mut self) {
        if let Some(from) = self.exact_from.take() {
            self.nodes.truncate(from);
            self.facts.truncate(from);
        }
    }

    pub fn node_id(&mut self, node: Node) -> Result<Id, String> {
        let fingerprint = node.fingerprint(self.gap_ms);
        if let Some(&id) = self.node_ids.get(&fingerprint).filter(|_| self.exact_from.is_none()) {
            return Ok(id);
        }
        if let Some(engine) = &node.engine {
            engine.machine().check().map_err(|why| format!("server {}: {why}", node.life))?;
        }
        let id = self.nodes.len() as Id;
        self.facts.push(Rc::new(Facts::of(&node)));
        self.nodes.push(node);
        if self.exact_from.is_none() {
            self.node_ids.insert(fingerprint, id);
        }
        Ok(id)
    }

    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub fn facts(&self, id: Id) -> &Rc<Facts> {
        &self.facts[id as usize]
    }

    /// The message with the life that sent it.
    pub fn message(&self, id: Id) -> (Member, &Message) {
        let (from, message, _) = &self.messages[id as usize];
        (*from, message)
    }

    pub fn kind(&self, id: Id) -> Kind {
        self.messages[id as usize].2
    }

    fn message_id(&mut self, from: Member, message: Message) -> Id {
        let message =
            if let Message::Heartbeat(heartbeat) = &message { news(heartbeat) } else { numbered(message, 0) };
        let fingerprint = hash128(&(from, &message));
        if let Some(&id) = self.message_ids.get(&fingerprint) {
            return id;
        }
        let id = self.messages.len() as Id;
        let kind = kind(&message);
        self.messages.push((from, message, kind));
        self.message_ids.insert(fingerprint, id);
        id
    }

    fn queue(&mut self, ids: Vec<Id>) -> Id {
        let ids = ids.into_boxed_slice();
        if let Some(&id) = self.queue_ids.get(&ids) {
            return id;
        }
        let id = self.queues.len() as Id;
        self.queues.push(ids.clone());
        self.queue_ids.insert(ids, id);
        id
    }

    /// Messages that wait in a queue, the next one first.
    pub fn queued(&self, queue: Id) -> &[Id] {
        &self.queues[queue as usize]
    }

    pub fn push(&mut self, queue: Id, message: Id) -> Id {
        if let Some(&id) = self.pushes.get(&(queue, message)) {
            return id;
        }
        let mut ids = self.queued(queue).to_vec();
        ids.push(message);
        let id = self.queue(ids);
        self.pushes.insert((queue, message), id);
        id
    }

    pub fn pop(&mut self, queue: Id) -> Id {
        let rest = self.queued(queue)[1..].to_vec();
        self.queue(rest)
    }

    /// The queue without what its receiver will do nothing on, whenever it comes.
    pub fn sift(&mut self, queue: Id, receiver: Id) -> Id {
        if queue == EMPTY {
            return EMPTY;
        }
        if let Some(&sifted) = self.sifted.get(&(queue, receiver)) {
            return sifted;
        }
        let Some(engine) = &self.nodes[receiver as usize].engine else { return queue };
        let messages = self.queued(queue).iter().copied();
        let rest = messages.filter(|&id| !engine.is_past(self.message(id).1)).collect();
        let sifted = self.queue(rest);
        if self.exact_from.is_none() {
            self.sifted.insert((queue, receiver), sifted);
        }
        sifted
    }

    /// Whether the next message in a queue is an answer that its receiver only counts: others are missing.
    pub fn only_counts(&self, queue: Id, receiver: Id) -> bool {
        let Some(&next) = self.queued(queue).first() else { return false };
        let (from, message) = self.message(next);
        self.node(receiver).engine.as_ref().is_some_and(|engine| engine.only_counts(from, message))
    }

    pub fn memory(&self, id: Id) -> &Rc<Memory> {
        &self.memories[id as usize]
    }

    pub fn memory_id(&mut self, memory: Memory) -> Id {
        let fingerprint = hash128(&memory);
        if let Some(&id) = self.memory_ids.get(&fingerprint) {
            return id;
        }
        let id = self.memories.len() as Id;
        self.memories.push(Rc::new(memory));
        self.memory_ids.insert(fingerprint, id);
        id
    }

    /// What becomes of a server. An assertion of the engine that fails is an error.
    pub fn step(&mut self, node: Id, step: Step) -> Result<Rc<Done>, String> {
        if let Some(done) = self.steps.get(&(node, step)).filter(|_| self.exact_from.is_none()) {
            return Ok(done.clone());
        }
        let (from, event) = (self.node(node).life, self.event(step));
        let stepped = catch_unwind(AssertUnwindSafe(|| self.node(node).step(event, self.world, &mut |_| ())));
        let (next, deeds) = stepped.map_err(|_| format!("server {from} fails an assertion in {step:?}"))?;
        let done = Rc::new(self.done(from, next, deeds)?);
        if self.exact_from.is_none() {
            self.steps.insert((node, step), done.clone());
        }
        Ok(done)
    }

    fn done(&mut self, from: Member, next: Node, deeds: Deeds) -> Result<Done, String> {
        let Deeds { sends, executed, answered, refused, proposed, ended, gives_up, strange } = deeds;
        if let Some(strange) = strange {
            return Err(strange);
        }
        let sends: Vec<_> =
            sends.into_iter().map(|(to, message)| (to, self.message_id(from, message))).collect();
        Ok(Done {
            node: self.node_id(next)?,
            is_news: sends.iter().any(|&(_, message)| self.kind(message) == Kind::Heartbeat),
            sends,
            executed,
            answered,
            is_refused: !refused.is_empty(),
            gives_up,
            proposed: proposed.unwrap_or(0),
            ended,
        })
    }

    pub fn event(&self, step: Step) -> Event {
        match step {
            Step::Tick => Event::Tick,
            Step::LateTick => Event::LateTick,
            Step::LinkUp { peer, resumed } => Event::LinkUp { peer, resumed },
            Step::LinkDown { peer } => Event::LinkDown { peer },
            Step::Message(id) => {
                let (from, message) = self.message(id);
                Event::Message { from, message: message.clone() }
            }
            Step::Flush(records) => Event::Flush { records: records.into() },
            Step::Submit(client) => Event::Submit { client },
            Step::Leave => Event::Leave,
            Step::Crash(kept) => Event::Crash { kept: kept.into() },
            Step::Start => Event::Start,
        }
    }
}

fn kind(message: &Message) -> Kind {
    match message {
        Message::Heartbeat(_) => Kind::Heartbeat,
        Message::HeartbeatAck { .. } => Kind::Answer,
        Message::Fetch { .. }
        | Message::Entries { .. }
        | Message::Offer { .. }
        | Message::FetchSnapshot { .. }
        | Message::SnapshotChunk { .. } => Kind::Loose,
        Message::Request(_)
        | Message::Reply { .. }
        | Message::Release { .. }
        | Message::Prepare { .. }
        | Message::Promise { .. }
        | Message::Refused { .. }
        | Message::Install(_)
        | Message::Installed { .. }
        | Message::Activate { .. }
        | Message::Leave => Kind::Sequenced,
    }
}
