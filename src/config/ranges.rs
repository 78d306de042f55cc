//! The numbers of the configuration: name, default, smallest and largest value, and what each one means.

use super::error::Problem;
use serde::Deserialize;

/// Declares a section of numbers once: the raw form (all optional, any integer), the checked form, its
/// defaults, and the check of each range.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $section:literal $name:ident $raw:ident {
            $( $(#[$doc:meta])* $field:ident: $type:ty = $default:literal in $min:literal ..= $max:literal; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$doc])* pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        /// The section as it is written: every key optional, every integer accepted, checked afterwards so
        /// that the message can name the range.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $raw {
            $( $field: Option<i64>, )*
        }

        impl $raw {
            /// Each number within its own range; relations between numbers come later.
            pub(super) fn check(self) -> Result<$name, Problem> {
                Ok($name {
                    $( $field: match self.$field {
                        None => $default,
                        Some(value) => in_range(concat!($section, ".", stringify!($field)), value, $min, $max)?
                            as $type,
                    }, )*
                })
            }
        }
    };
}

section! {
    /// How long to wait for what, in milliseconds.
    "timeouts" Timeouts RawTimeouts {
        /// A server tells the others that it lives this often. Default 200.
        heartbeat_ms: u64 = 200 in 10..=60_000;
        /// A peer that is silent, or owes an answer or a disk write, for so long counts as crashed. Default 5000;
        /// at least three heartbeats.
        suspect_ms: u64 = 5_000 in 100..=600_000;
        /// A closed link that cannot be set up again within this counts as a crash. Default 1000; at most
        /// `suspect_ms`.
        probe_ms: u64 = 1_000 in 10..=600_000;
        /// A client asks another server when one does not answer for so long. Default 5000.
        client_ms: u64 = 5_000 in 50..=600_000;
        /// A server answers reads from its own state for so long after a heartbeat that all answered.
        /// Default 1000; at least two heartbeats, at most half of `suspect_ms`.
        lease_ms: u64 = 1_000 in 10..=300_000;
        /// A server closes a client's connection on which nothing was asked for so long; the client opens
        /// another one when it needs it. Default 600000.
        idle_ms: u64 = 600_000 in 1_000..=86_400_000;
    }
}

section! {
    /// How much of what, and what happens when it is reached. Nothing in a server grows without one of these.
    "limits" Limits RawLimits {
        /// Bytes of commands in one request to the other servers; more commands go into the next one. A
        /// single larger command still travels, alone. Default 262144 (256 KiB).
        batch_bytes_max: usize = 262_144 in 1_024..=8_388_608;
        /// Requests of one server on their way at a time; commands wait for the next one. Default 4.
        requests_outstanding_max: usize = 4 in 1..=64;
        /// Commands that wait in one server; a client whose command comes on top is told "overloaded" and
        /// asks another server. Default 65536.
        pending_commands_max: usize = 65_536 in 1..=1_048_576;
        /// Connections of clients to one server; one more is refused with the reason. Default 4096.
        client_connections_max: usize = 4_096 in 1..=65_536;
        /// Unanswered requests on one connection; more are left unread until some are answered. Default 1024;
        /// at most `outcomes_per_session_max`.
        client_in_flight_max: usize = 1_024 in 1..=65_536;
        /// Sessions whose outcomes are kept; the one that was silent longest is forgotten for a new one, and
        /// a late retry of its commands is refused, never executed twice. Default 100000.
        sessions_max: usize = 100_000 in 1..=10_000_000;
        /// A session silent for so long is forgotten. Default 3600.
        session_age_s: u64 = 3_600 in 10..=31_536_000;
        /// Outcomes kept for one session; the oldest is forgotten, a retry of it is refused. Default 1024.
        outcomes_per_session_max: usize = 1_024 in 1..=1_048_576;
        /// Bytes in a server's data directory; at the limit the server ends with exit code 1 and says why, and
        /// the others go on. Default 8589934592 (8 GiB); at least four times `snapshot_log_bytes`.
        disk_bytes_max: u64 = 8_589_934_592 in 65_536..=1_125_899_906_842_624;
        /// A snapshot is begun when the log behind the last one has grown by so much. Default 67108864 (64 MiB).
        snapshot_log_bytes: u64 = 67_108_864 in 4_096..=1_099_511_627_776;
        /// Bytes that wait for one peer; a peer that does not take them in time counts as crashed when it is
        /// reached. Default 134217728 (128 MiB); at least four times `batch_bytes_max`.
        peer_queue_bytes_max: usize = 134_217_728 in 65_536..=17_179_869_184;
        /// How far one command may move the state's time forward, so that one wrong clock cannot end all
        /// sessions. Default 3600000 (one hour).
        time_step_ms_max: u64 = 600_000 in 1_000..=31_536_000_000;
    }
}

/// The value when it is within the range, else the sentence about it.
pub(super) fn in_range(key: &str, value: i64, min: i64, max: i64) -> Result<i64, Problem> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(Problem::OutOfRange { key: key.to_owned(), value, min, max })
    }
}

impl Timeouts {
    /// What must hold between two of them.
    pub(super) fn check_relations(&self) -> Result<(), Problem> {
        let Timeouts { heartbeat_ms, suspect_ms, probe_ms, client_ms: _, lease_ms, idle_ms: _ } = *self;
        require("timeouts.suspect_ms", suspect_ms, ">=", 3 * heartbeat_ms, "three times heartbeat_ms", {
            "one lost heartbeat would be taken for a crash"
        })?;
        require("timeouts.probe_ms", probe_ms, "<=", suspect_ms, "suspect_ms", {
            "a closed link would be noticed later than a silent one"
        })?;
        require("timeouts.lease_ms", lease_ms, "<=", suspect_ms / 2, "half of suspect_ms", {
            "a server could still answer reads after the others went on without it"
        })?;
        require("timeouts.lease_ms", lease_ms, ">=", 2 * heartbeat_ms, "twice heartbeat_ms", {
            "the lease would run out between two heartbeats"
        })
    }
}

impl Limits {
    /// What must hold between two of them.
    pub(super) fn check_relations(&self) -> Result<(), Problem> {
        let outcomes = self.outcomes_per_session_max as u64;
        require(
            "limits.client_in_flight_max",
            self.client_in_flight_max as u64,
            "<=",
            outcomes,
            "outcomes_per_session_max",
            "the outcome of a command could be forgotten before its client has it",
        )?;
        let snapshots = 4 * self.snapshot_log_bytes;
        require(
            "limits.disk_bytes_max",
            self.disk_bytes_max,
            ">=",
            snapshots,
            "four times snapshot_log_bytes",
            "two snapshots and the logs between them must fit",
        )?;
        let batches = 4 * self.batch_bytes_max as u64;
        require(
            "limits.peer_queue_bytes_max",
            self.peer_queue_bytes_max as u64,
            ">=",
            batches,
            "four times batch_bytes_max",
            "a peer that is only slow would be taken for crashed",
        )
    }
}

fn require(
    key: &'static str,
    value: u64,
    relation: &'static str,
    bound: u64,
    bound_name: &'static str,
    otherwise: &'static str,
) -> Result<(), Problem> {
    let holds = match relation {
        ">=" => value >= bound,
        _ => value <= bound,
    };
    if holds {
        return Ok(());
    }
    let most = if relation == ">=" { "at least" } else { "at most" };
    Err(Problem::Relation { key, value, most, bound, bound_name, otherwise })
}
