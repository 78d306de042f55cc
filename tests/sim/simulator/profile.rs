//! What one seed's world is like: each seed draws a few faults and how often they come, so that rare ones meet.

use super::world::WorldKind;
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::keys::KeyLimits;
use boxoffice::domain::state::Config;
use boxoffice::protocol::engine::Limits;
use fastrand::Rng;

/// Simulated time is counted in microseconds.
pub const MS: u64 = 1_000;
/// Seats of the theatre; few, so that clients are in each other's way. A bit each must fit into 64.
pub const CAPACITY: u32 = 40;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A process is killed.
    Kill,
    /// A machine loses power: what was not synced is lost or torn.
    PowerCut,
    /// Power goes between two effects of a server, some effects later.
    PowerCutBetweenEffects,
    /// Power goes between two effects of the next change of view.
    PowerCutInViewChange,
    /// Power goes between two operations of a disk.
    PowerCutInDisk,
    /// Most or all servers end, one way or another.
    Outage,
    /// A process stands still.
    Pause,
    /// A server works in fits and starts.
    SlowServer,
    /// A disk takes its time.
    SlowDisk,
    /// A disk does not answer for long.
    HungDisk,
    /// A sync fails.
    SyncError,
    /// A device has no more room.
    FullDisk,
    /// Bytes of a file are not what they were.
    Damage,
    /// A disk is replaced by an empty one.
    Wipe,
    /// A server is told to leave.
    Leave,
    /// All servers are restarted one after the other.
    RollingRestart,
    /// Connections break and cannot be set up again for a while.
    Break,
    /// Nothing gets through in some directions for a while.
    Partition,
    /// A wall clock jumps.
    ClockJump,
}

impl Fault {
    /// Whether it stays inside what this world promises.
    fn belongs_to(self, kind: WorldKind) -> bool {
        match self {
            Fault::Partition => kind != WorldKind::Any,
            Fault::Kill
            | Fault::PowerCut
            | Fault::PowerCutBetweenEffects
            | Fault::PowerCutInViewChange
            | Fault::PowerCutInDisk
            | Fault::Outage
            | Fault::Pause
            | Fault::HungDisk
            | Fault::SyncError
            | Fault::FullDisk
            | Fault::Damage
            | Fault::Wipe
            | Fault::Leave
            | Fault::RollingRestart => kind != WorldKind::Partition,
            Fault::SlowServer | Fault::SlowDisk | Fault::Break | Fault::ClockJump => true,
        }
    }
}

const FAULTS: [Fault; 19] = [
    Fault::Kill,
    Fault::PowerCut,
    Fault::PowerCutBetweenEffects,
    Fault::PowerCutInViewChange,
    Fault::PowerCutInDisk,
    Fault::Outage,
    Fault::Pause,
    Fault::SlowServer,
    Fault::SlowDisk,
    Fault::HungDisk,
    Fault::SyncError,
    Fault::FullDisk,
    Fault::Damage,
    Fault::Wipe,
    Fault::Leave,
    Fault::RollingRestart,
    Fault::Break,
    Fault::Partition,
    Fault::ClockJump,
];

/// What one seed draws.
pub struct Profile {
    pub servers: u8,
    pub clients: usize,
    /// Commands that one client has under way at once.
    pub window: usize,
    /// Longest pause of a client between two operations.
    pub think_us: u64,
    /// Of ten operations so many are reads.
    pub reads_in_ten: u32,
    pub limits: Limits,
    pub config: Config,
    pub snapshot_log_bytes: u64,
    /// Bytes that may wait for one peer.
    pub peer_queue_bytes_max: usize,
    pub disk_bytes_max: u64,
    /// A message takes at least and usually at most so long.
    pub latency_us: (u64, u64),
    /// Faults with their weights.
    pub faults: Vec<(Fault, u32)>,
    /// Longest time between two faults.
    pub fault_pause_us: u64,
    /// For how long faults come.
    pub faults_us: u64,
    /// Fastest and slowest clock differ by no more than this, in millionths either way.
    pub clock_rate_ppm: u64,
    /// Of twelve commands so many are about events and not the theatre: in half of the worlds none, where more is seen of
    /// stale reads.
    pub errands_in_twelve: u32,
}

impl Profile {
    pub fn draw(kind: WorldKind, rng: &mut Rng) -> Self {
        let servers = *pick(
            rng,
            match kind {
                WorldKind::Any => &[1, 2, 2, 3, 3, 3, 3, 4, 5, 7],
                WorldKind::Majority => &[1, 2, 3, 3, 3, 3, 4, 5, 5, 7],
                WorldKind::Partition => &[2, 3, 3, 4, 5, 7],
            },
        );
        let limits = Limits {
            tick_ms: 25,
            heartbeat_ms: 100,
            suspect_ms: 1500,
            probe_ms: 500,
            lease_ms: 400,
            requests_outstanding_max: rng.usize(1..5),
            batch_bytes_max: *pick(rng, &[120, 400, 4_000]),
            pending_commands_max: *pick(rng, &[5, 100, 1_000]),
            tail_bytes_max: *pick(rng, &[30_000, 60_000, 1_000_000]),
            entries_bytes_max: 1_000,
            install_bytes_max: 10_000,
            chunk_bytes_max: 700,
        };
        let roomy = rng.u32(0..4) > 0;
        let config = Config {
            capacity: CAPACITY,
            sessions_max: if roomy { 1_000 } else { rng.u32(4..20) },
            session_age_ms: if roomy { 3_600_000 } else { 120_000 },
            outcomes_per_session_max: if roomy { 64 } else { rng.u32(2..6) },
            time_step_ms_max: 60_000,
            keys: KeyLimits { keys_max: 20, age_ms: 10_000 },
            events: EventsConfig {
                events_max: 8,
                bookings_max: if kind == WorldKind::Partition { 10_000 } else { 20 },
                waiting_list_max: 4,
                hold_ms: 3_000,
                offer_ms: 1_500,
                ..EventsConfig::default()
            }
            .into(),
        };
        let faults = FAULTS.into_iter().filter(|fault| fault.belongs_to(kind) && rng.bool());
        let faults: Vec<Fault> = faults.collect();
        let busy = rng.u32(0..4) == 0;
        Profile {
            servers,
            clients: if busy { rng.usize(6..12) } else { rng.usize(1..6) },
            window: if rng.bool() { 1 } else { rng.usize(2..5) },
            think_us: if busy { 2 * MS } else { *pick(rng, &[5, 60, 300]) * MS },
            reads_in_ten: *pick(rng, &[0, 2, 2, 5]),
            limits,
            config,
            snapshot_log_bytes: *pick(rng, &[4_000, 12_000, 60_000]),
            peer_queue_bytes_max: *pick(rng, &[20_000, 200_000, 1 << 20]),
            disk_bytes_max: *pick(rng, &[256 << 10, 64 << 20]),
            latency_us: *pick(rng, &[(30, 2_000), (30, 300), (500, 8_000)]),
            faults: faults.into_iter().map(|fault| (fault, rng.u32(1..9))).collect(),
            fault_pause_us: *pick(rng, &[400, 1_500, 4_000]) * MS,
            faults_us: rng.u64(4_000..20_000) * MS,
            errands_in_twelve: *pick(rng, &[0, 4]),
            clock_rate_ppm: if kind == WorldKind::Any { 0 } else { *pick(rng, &[0, 1_000, 30_000]) },
        }
    }

    /// The next fault, by weight.
    pub fn draw_fault(&self, rng: &mut Rng) -> Option<Fault> {
        let total: u32 = self.faults.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return None;
        }
        let mut at = rng.u32(0..total);
        let found = self.faults.iter().find(|(_, weight)| {
            let hit = at < *weight;
            at = at.saturating_sub(*weight);
            hit
        });
        found.map(|(fault, _)| *fault)
    }
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(0..from.len())]
}
