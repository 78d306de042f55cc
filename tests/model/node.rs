//! One server: the shipping engine, and a list of records for its disk.

use crate::bugs::Bug;
use crate::theatre::{Theatre, WALL_MS, command};
use boxoffice::domain::digest::Digest;
use boxoffice::protocol::engine::{Availability, Effect, Engine as _, Input, Limits, Note, Settings};
use boxoffice::protocol::lamport::{Lamport, Recovered};
use boxoffice::protocol::message::{About, Heartbeat, History, Message, Standing};
use boxoffice::protocol::record::Record;
use boxoffice::protocol::types::{Incarnation, Lsn, Member, Now, Position, ServerId, Timestamp, ViewId};
use std::hash::Hash;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Between two ticks, and between two heartbeats. `probe_ms` and the wait for a lease are shorter, so that one tick is
/// long enough for each, and for both together: what may be late is late at the next tick.
pub const TICK_MS: u64 = 10;
/// What is never over in a search that is exhaustive: no path has so many ticks in a row. "Heal and finish" has them.
pub const SUSPECT_TICKS: u64 = 100;
/// Servers of the cluster.
pub const SERVERS: usize = 3;

/// What can happen to a server.
#[derive(Clone, Debug)]
pub enum Event {
    Tick,
    /// The server stood still for as long as others need to take it for crashed, and now looks at its clock.
    LateTick,
    LinkUp {
        peer: Member,
        resumed: bool,
    },
    LinkDown {
        peer: Member,
    },
    Message {
        from: Member,
        message: Message,
    },
    /// So many of the records that are not durable reach the disk, and the engine is told.
    Flush {
        records: usize,
    },
    Submit {
        client: u8,
    },
    Leave,
    /// The process ends. So many of the records that were not known to be durable are on the disk.
    Crash {
        kept: usize,
    },
    Start,
}

/// What a server does that others, or the checks, see.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    pub sends: Vec<(Member, Message)>,
    pub executed: Vec<Executed>,
    pub answered: Vec<(u8, String)>,
    pub refused: Vec<u8>,
    /// The highest view it proposed.
    pub proposed: Option<u64>,
    /// It started over, or left.
    pub ended: bool,
    /// It gave up what it may have answered in a view that nobody knows, which is reported (`docs/protocol.md`).
    pub gives_up: bool,
    /// It did what has no place in these models.
    pub strange: Option<String>,
}

/// A request was executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Executed {
    pub position: Position,
    pub digest: Digest,
    /// The request's own name.
    pub request: (ViewId, Timestamp),
    /// The view that the server was in.
    pub view: ViewId,
}

/// What all servers have in common.
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub availability: Availability,
    pub bug: Option<Bug>,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub life: Member,
    pub engine: Option<Lamport<Theatre>>,
    /// What a new life would find.
    pub durable: Log,
    /// Records behind that.
    pub unsynced: Vec<Record>,
    last_lsn: Lsn,
    now_ms: u64,
}

/// Durable records, shared with the servers that this one is a later state of.
#[derive(Clone, Debug, Default)]
pub struct Log(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    before: Log,
    record: Record,
    /// What an engine that starts from this log is like.
    recovered: u128,
}

impl Log {
    fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut at = self;
        while let Log(Some(link)) = at {
            records.push(link.record.clone());
            at = &link.before;
        }
        records.reverse();
        records
    }

    /// Two logs from which equal engines start are the same to everything that comes after: replaying goes record by
    /// record.
    pub fn fingerprint(&self) -> u128 {
        self.0.as_ref().map_or(0, |link| link.recovered)
    }

    fn lose_last(&mut self) {
        *self = self.0.as_ref().map_or_else(Log::default, |link| link.before.clone());
    }

    fn push(&mut self, record: Record, server: ServerId, availability: Availability) {
        let mut records = self.records();
        records.push(record.clone());
        let life = Member { server, incarnation: Incarnation(0) };
        let mut hash = Xxh3::new();
        engine(life, availability, records).fingerprint(0, &mut hash);
        *self = Log(Some(Arc::new(Link { before: self.clone(), record, recovered: hash.digest128() })));
    }
}

impl Drop for Link {
    /// One after the other: a chain that drops itself would go as deep as it is long.
    fn drop(&mut self) {
        let mut next = self.before.0.take();
        while let Some(link) = next {
            next = Arc::into_inner(link).and_then(|mut link| link.before.0.take());
        }
    }
}

fn engine(me: Member, availability: Availability, records: Vec<Record>) -> Lamport<Theatre> {
    let limits = Limits {
        tick_ms: 1,
        heartbeat_ms: TICK_MS,
        suspect_ms: SUSPECT_TICKS * TICK_MS,
        probe_ms: TICK_MS - 1,
        lease_ms: 0,
        ..Limits::default()
    };
    let settings = Settings {
        me,
        servers: (1..=SERVERS as u8).map(ServerId).collect(),
        availability,
        limits,
        seed: u64::from(me.server.0),
        bootstrap: false,
        version: String::new(),
    };
    let history = if records.is_empty() { History::First } else { History::Kept };
    let recovered = Recovered { machine: Theatre::new(), snapshot: None, records, history };
    Lamport::new(settings, recovered)
        .unwrap_or_else(|error| panic!("server {me} cannot read its log: {error}"))
}

impl Node {
    pub fn blank(server: u8) -> Self {
        let life = Member { server: ServerId(server), incarnation: Incarnation(0) };
        Node { life, engine: None, durable: Log::default(), unsynced: Vec::new(), last_lsn: 0, now_ms: 0 }
    }

    /// Everything that decides how this server goes on. Counters are read next after at least `gap_ms`.
    pub fn fingerprint(&self, gap_ms: u64) -> u128 {
        let Node { life, engine, durable, unsynced, last_lsn: _, now_ms: _ } = self;
        let mut hash = Xxh3::new();
        (life, durable.fingerprint(), unsynced, engine.is_some()).hash(&mut hash);
        if let Some(engine) = engine {
            engine.fingerprint(gap_ms, &mut hash);
        }
        hash.digest128()
    }

    /// What the server has become, and what it did. `say` is told everything in words.
    pub fn step(&self, event: Event, world: World, say: &mut dyn FnMut(&Effect<Theatre>)) -> (Node, Deeds) {
        let mut node = self.clone();
        let mut deeds = Deeds::default();
        let input = match event {
            Event::Tick => {
                node.now_ms += TICK_MS;
                Input::Tick
            }
            Event::LateTick => {
                node.now_ms += SUSPECT_TICKS * TICK_MS;
                Input::Tick
            }
            Event::LinkUp { peer, resumed } => Input::LinkUp { peer, resumed },
            Event::LinkDown { peer } => Input::LinkDown { peer },
            Event::Message { from, message } => {
                let question = node.engine.as_ref().map_or(0, Lamport::question);
                Input::Message { from, message: numbered(message, question) }
            }
            Event::Flush { records } => {
                node.flush(records, world);
                Input::Durable { lsn: node.last_lsn - node.unsynced.len() as Lsn }
            }
            Event::Submit { client } => Input::Submit { token: u64::from(client), command: command(client) },
            Event::Leave => Input::Leave,
            Event::Crash { kept } => {
                node.flush(kept, world);
                if world.bug == Some(Bug::DiskLies) {
                    node.durable.lose_last();
                }
                node.end();
                return (node, deeds);
            }
            Event::Start => {
                node.start(world);
                return (node, deeds);
            }
        };
        node.feed(input, world, &mut deeds, say);
        node.feed(Input::Drained, world, &mut deeds, say);
        (node, deeds)
    }

    fn flush(&mut self, records: usize, world: World) {
        for record in self.unsynced.drain(..records) {
            self.durable.push(record, self.life.server, world.availability);
        }
    }

    /// The process is gone, and with it what had not been written.
    fn end(&mut self) {
        self.engine = None;
        self.unsynced.clear();
        self.last_lsn = 0;
    }

    fn start(&mut self, world: World) {
        assert!(self.engine.is_none(), "server {} runs already", self.life);
        self.life.incarnation.0 += 1;
        let mut engine = engine(self.life, world.availability, self.durable.records());
        // The first tick of a life counts no time, and without links there is nothing to do in it.
        let (now, mut effects) = (Now { tick_ms: self.now_ms, wall_ms: WALL_MS }, Vec::new());
        engine.step(now, Input::Tick, &mut effects);
        assert!(effects.is_empty(), "server {} does something before it is linked: {effects:?}", self.life);
        self.engine = Some(engine);
    }

    fn feed(
        &mut self,
        input: Input<Theatre>,
        world: World,
        deeds: &mut Deeds,
        say: &mut dyn FnMut(&Effect<Theatre>),
    ) {
        let Some(engine) = self.engine.as_mut() else { return };
        let now = Now { tick_ms: self.now_ms, wall_ms: WALL_MS };
        let before = engine.position();
        let was_recovering = engine.status().standing == Standing::Recovering;
        let mut effects = Vec::new();
        engine.step(now, input, &mut effects);
        for position in before + 1..=engine.position() {
            let digest = engine.digest_at(position).expect("what was just executed is in the tail");
            let request = engine.request_at(position).expect("what was just executed is in the tail");
            let request = (request.view, request.timestamp);
            let view = engine.accepted().map_or(ViewId::ZERO, |install| install.view);
            deeds.executed.push(Executed { position, digest, request, view });
        }
        let forged = world.bug.and_then(|bug| bug.forged(&effects));
        let is_recovering = engine.status().standing == Standing::Recovering;
        for effect in effects {
            let executes = matches!(effect, Effect::Append { record: Record::Executed { .. }, .. });
            deeds.gives_up |= executes && was_recovering && is_recovering;
            say(&effect);
            self.carry(effect, world, deeds);
            if deeds.ended {
                // What an engine wants after its end nobody carries out.
                return;
            }
        }
        if let Some(input) = forged {
            self.feed(input, world, deeds, say);
        }
    }

    fn carry(&mut self, effect: Effect<Theatre>, world: World, deeds: &mut Deeds) {
        match effect {
            Effect::Append { lsn, record } => {
                self.last_lsn = lsn;
                self.unsynced.push(record);
            }
            Effect::Send { to, message } => {
                let message = match world.bug {
                    Some(bug) => bug.sent(message),
                    None => message,
                };
                deeds.sends.push((to, message));
            }
            Effect::Answer { token, outcome } => deeds.answered.push((token as u8, outcome.to_string())),
            Effect::Refuse { token, .. } => deeds.refused.push(token as u8),
            Effect::Note(Note::Proposing { view, .. }) => {
                deeds.proposed = deeds.proposed.max(Some(view.number))
            }
            Effect::Note(_) => {}
            // An orderly end: the log is written. The next life begins at once, which is as good as later.
            Effect::Restart { .. } => {
                self.flush(self.unsynced.len(), world);
                self.end();
                self.start(world);
                deeds.ended = true;
            }
            Effect::Exit => {
                self.flush(self.unsynced.len(), world);
                self.end();
                deeds.ended = true;
            }
            Effect::ServeRead { .. }
            | Effect::Snapshot { .. }
            | Effect::ReadSnapshot { .. }
            | Effect::StoreChunk { .. }
            | Effect::Adopt { .. }
            | Effect::Report { .. }
            | Effect::ReportOutcome { .. } => {
                deeds.strange = Some(format!(
                    "nobody reads, no log grows long, and nothing forks, but {} wants {effect:?}",
                    self.life
                ));
            }
        }
    }
}

/// A heartbeat as the model delivers it. What only people see is left out, and so are numbers that only leases need.
///
/// Where an active server is, with which digest, is compared and never used otherwise; the checks compare it
/// themselves, over all servers and times, so it is left out too: every executed request would make every peer's
/// knowledge of it a state of its own.
pub fn news(heartbeat: &Heartbeat) -> Message {
    let shows_position = !matches!(heartbeat.standing, Standing::Active | Standing::Leaving);
    let (position, digest) =
        if shows_position { (heartbeat.position, heartbeat.digest) } else { (0, Digest::default()) };
    Message::Heartbeat(Arc::new(Heartbeat {
        sequence: 0,
        disk_stalled_ms: 0,
        about: About::default(),
        position,
        digest,
        ..heartbeat.clone()
    }))
}

/// A question or answer of catching up as the model keeps it: without its number, which would count for ever. They are
/// delivered at once, so an answer is always to the last question.
pub fn numbered(mut message: Message, number: u64) -> Message {
    if let Message::Fetch { question, .. }
    | Message::Entries { question, .. }
    | Message::Offer { question, .. } = &mut message
    {
        *question = number;
    }
    message
}

/// For hashing what has no fingerprint of its own.
pub fn hash128(value: &impl Hash) -> u128 {
    let mut hash = Xxh3::new();
    value.hash(&mut hash);
    hash.digest128()
}
