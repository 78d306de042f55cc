//! One server: its disk outlives it, its engine and persister do not.

use boxoffice::domain::state::{Config, State};
use boxoffice::protocol::engine::{Input, Settings};
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::types::{Incarnation, Member, ServerId};
use boxoffice::replication::persister::{Opened, Persister};
use boxoffice::storage::{Identity, Options, SimDisk};

pub struct Node {
    pub id: u8,
    pub disk: SimDisk,
    pub running: Option<Running>,
    pub paused_until: u64,
    /// Inputs that wait for the end of the pause.
    pub backlog: Vec<Input<State>>,
    pub starts: u64,
    pub slow_disk: bool,
    pub left: bool,
}

pub struct Running {
    pub engine: Lamport<State>,
    pub persister: Persister<SimDisk, State>,
    pub life: Member,
    pub sync_pending: bool,
    pub checked: u64,
}

pub const CAPACITY: u32 = 40;

pub fn config() -> Config {
    Config {
        capacity: CAPACITY,
        sessions_max: 1000,
        session_age_ms: 3_600_000,
        outcomes_per_session_max: 64,
        time_step_ms_max: 60_000,
    }
}

impl Node {
    pub fn new(id: u8) -> Self {
        Node {
            id,
            disk: SimDisk::new(),
            running: None,
            paused_until: 0,
            backlog: Vec::new(),
            starts: 0,
            slow_disk: false,
            left: false,
        }
    }

    /// Opens the disk and builds an engine of a new life.
    pub fn start(&mut self, settings: &Settings, seed: u64) -> Result<(), String> {
        self.starts += 1;
        let identity = Identity { cluster: "sim".into(), server: self.id, seats: CAPACITY };
        let options = Options { segment_bytes: 8 << 10, disk_bytes_max: 64 << 20, ..Options::default() };
        let chunk_bytes = settings.limits.chunk_bytes_max;
        let open =
            |disk: &SimDisk| Persister::open(disk.clone(), &identity, &options, &config(), chunk_bytes);
        let Opened { persister, recovered, incarnation, .. } = match open(&self.disk) {
            Ok(opened) => opened,
            Err(error) => return Err(format!("server {} cannot open its disk: {error}", self.id)),
        };
        let life = Member { server: ServerId(self.id), incarnation: Incarnation(incarnation.0) };
        let settings = Settings { me: life, seed: seed ^ self.starts, ..settings.clone() };
        let engine = Lamport::new(settings, recovered).map_err(|e| format!("server {}: {e}", self.id))?;
        let checked = engine.position();
        self.running = Some(Running { engine, persister, life, sync_pending: false, checked });
        self.backlog.clear();
        self.left = false;
        Ok(())
    }
}
