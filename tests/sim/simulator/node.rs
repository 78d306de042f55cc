//! One server: its machine outlives it, its process does not.

use super::event::Event;
use super::mutants::{Mutant, Mutation};
use super::profile::{CAPACITY, Profile};
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::{Effect, Engine as _, Input, Settings};
use boxoffice::protocol::lamport::{Lamport, RecoverError};
use boxoffice::protocol::types::{Lsn, Member, Now, ServerId, Timestamp, ViewId};
use boxoffice::replication::persister::{Job, OpenFailure, Opened, Persister};
use boxoffice::storage::{Identity, Options, SimDisk, Store};
use boxoffice::transport::session::Session;
use std::collections::BTreeMap;
use std::fmt;

/// A server's machine: the disk, the clocks, and what is wrong with them.
pub struct Node {
    pub id: u8,
    pub disk: SimDisk,
    pub running: Option<Running>,
    /// The process stands still until then.
    pub paused_until: u64,
    /// What waits for the end of the pause.
    pub backlog: Vec<Event>,
    /// Counts plans to start it; only the latest one counts.
    pub start_plan: u64,
    pub starts: u64,
    pub slow_disk: bool,
    /// Nothing is synced before then.
    pub disk_hangs_until: u64,
    pub slow: bool,
    /// What the disk was ordered to do: an error of it is no surprise.
    pub trouble: Trouble,
    /// Somebody damaged a file since the last start.
    pub damaged: bool,
    /// The disk was lost, and no view has taken the server in since.
    pub lost: bool,
    /// The operator has raised the limit on disk use.
    pub disk_bytes_max: u64,
    pub incarnation: u64,
    pub wall_offset_ms: i64,
    pub clock_rate_ppm: i64,
    /// What is wrong with the program that it runs, if it is a mutant.
    pub mutant: Option<Mutant>,
    /// At most so many records at the end of the log have nothing behind them that vouches for them: the last commit,
    /// and what was written since. One copy cannot prove them.
    pub unproven: u64,
}

/// What a disk was ordered to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    Power,
    Sync,
    Space,
}

/// One life.
pub struct Running {
    engine: Lamport<State>,
    mutation: Option<Mutation>,
    pub persister: Persister<SimDisk, State>,
    pub life: Member,
    /// The limit that it was started with.
    pub disk_bytes_max: u64,
    pub links: BTreeMap<u8, Link>,
    pub jobs: BTreeMap<u64, Job<SimDisk, State>>,
    pub next_job: u64,
    /// Carried out and not synced.
    pub unsynced: bool,
    /// A sync is on its way, at the latest in a moment.
    pub sync_soon: bool,
    pub sync_planned: bool,
    pub durable: Lsn,
    pub snapshot_asked: u64,
    /// Requests that were logged in this life, for invariant 3.
    pub logged: BTreeMap<(ViewId, Timestamp), Lsn>,
    /// Up to where executions were checked.
    pub checked: (u64, boxoffice::domain::digest::Digest),
}

/// One side of the stream to another server.
pub struct Link {
    pub session: Session,
    pub wire: Option<Wire>,
    /// A connection that this side has dialled and that has not ended.
    pub dialing: Option<u64>,
    pub dial_pause_us: u64,
}

/// The connection that a link uses.
#[derive(Clone, Copy)]
pub struct Wire {
    pub connection: u64,
    pub peer: Member,
    pub heard_at: u64,
}

/// What a life is made of.
pub type Parts = (Lamport<State>, Persister<SimDisk, State>, Member);

/// Why a server does not start.
pub enum NotStarted {
    /// Its files are damaged; the sentence that its operator reads.
    Damaged(String),
    /// The disk failed, or refused.
    Failed(String),
    /// The log makes no engine, although nothing shows that it was damaged.
    Nonsense(RecoverError),
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotStarted::Damaged(why) | NotStarted::Failed(why) => f.write_str(why),
            NotStarted::Nonsense(error) => write!(f, "the log makes no engine: {error}"),
        }
    }
}

impl Running {
    pub fn engine(&self) -> &Lamport<State> {
        &self.engine
    }

    /// The one place where a server's engine is stepped: what it hears and what it does pass here.
    pub fn step(&mut self, now: Now, input: Input<State>, effects: &mut Vec<Effect<State>>) {
        match &mut self.mutation {
            None => self.engine.step(now, input, effects),
            Some(mutation) => mutation.step(&mut self.engine, now, input, effects),
        }
    }
}

impl Node {
    pub fn new(id: u8, profile: &Profile) -> Self {
        Node {
            id,
            disk: SimDisk::new(),
            running: None,
            paused_until: 0,
            backlog: Vec::new(),
            start_plan: 0,
            starts: 0,
            slow_disk: false,
            disk_hangs_until: 0,
            slow: false,
            trouble: Trouble::None,
            damaged: false,
            lost: false,
            disk_bytes_max: profile.disk_bytes_max,
            incarnation: 0,
            wall_offset_ms: 0,
            clock_rate_ppm: 0,
            mutant: None,
            unproven: 0,
        }
    }

    pub fn identity(&self) -> Identity {
        Identity { cluster: "sim".into(), server: self.id, seats: CAPACITY }
    }

    /// Opens a disk as a start of this server would, and builds the engine.
    pub fn open(
        &self,
        disk: &SimDisk,
        settings: &Settings,
        profile: &Profile,
        incarnation_min: u64,
    ) -> Result<Parts, NotStarted> {
        if let Some(mutant) = self.mutant {
            mutant.spoil(disk);
        }
        let disk_bytes_max = self.disk_bytes_max;
        let options = Options { segment_bytes: 8 << 10, disk_bytes_max, incarnation_min };
        let chunk_bytes = settings.limits.chunk_bytes_max;
        let opened = Persister::open(disk.clone(), &self.identity(), &options, &profile.config, chunk_bytes);
        let Opened { persister, recovered, incarnation, .. } = match opened {
            Ok(opened) => opened,
            Err(failure) if failure.is_damage() => return Err(NotStarted::Damaged(failure.to_string())),
            Err(failure @ (OpenFailure::Open(_) | OpenFailure::Content { .. })) => {
                return Err(NotStarted::Failed(failure.to_string()));
            }
        };
        let incarnation =
            self.mutant.map_or(incarnation, |mutant| mutant.incarnation(self.incarnation, incarnation));
        let me = Member { server: ServerId(self.id), incarnation };
        let settings = Settings { me, ..settings.clone() };
        let engine = Lamport::new(settings, recovered).map_err(NotStarted::Nonsense)?;
        Ok((engine, persister, me))
    }

    /// Moves a damaged log out of the way, as a starting server does.
    pub fn set_aside(&self, why: &str) -> Result<(), String> {
        Store::set_aside(self.disk.clone(), &self.identity(), why).map_err(|error| error.to_string())
    }

    /// Begins a life.
    pub fn run(&mut self, (engine, persister, life): Parts, others: &[u8], peer_queue_bytes_max: usize) {
        let link = || Link {
            session: Session::new(life.incarnation, peer_queue_bytes_max),
            wire: None,
            dialing: None,
            dial_pause_us: 0,
        };
        let checked = (engine.position(), engine.digest());
        self.incarnation = life.incarnation.0;
        self.starts += 1;
        self.backlog.clear();
        self.running = Some(Running {
            engine,
            mutation: self.mutant.map(|mutant| Mutation::new(mutant, life)),
            persister,
            life,
            disk_bytes_max: self.disk_bytes_max,
            links: others.iter().map(|&other| (other, link())).collect(),
            jobs: BTreeMap::new(),
            next_job: 0,
            unsynced: false,
            sync_soon: false,
            sync_planned: false,
            durable: 0,
            snapshot_asked: 0,
            logged: BTreeMap::new(),
            checked,
        });
    }

    /// The machine's clocks.
    pub fn clock(&self, now_us: u64) -> Now {
        let elapsed_ms = now_us / 1_000;
        let drift_ms = elapsed_ms as i64 * self.clock_rate_ppm / 1_000_000;
        let tick_ms = elapsed_ms.saturating_add_signed(drift_ms) + u64::from(self.id) * 1_000_000;
        Now { tick_ms, wall_ms: wall_ms(now_us).saturating_add_signed(self.wall_offset_ms) }
    }

    pub fn life(&self) -> Option<Member> {
        self.running.as_ref().map(|running| running.life)
    }

    pub fn is_paused(&self, now: u64) -> bool {
        self.paused_until > now || !self.backlog.is_empty()
    }
}

/// The true time.
pub fn wall_ms(now_us: u64) -> u64 {
    1_700_000_000_000 + now_us / 1_000
}
