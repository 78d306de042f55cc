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
        /// A client asks another server when one says nothing for so long. One that says that it lives may be waiting for
        /// another server itself: it is left after `suspect_ms` and two `lease_ms`, if that is longer. Default 5000.
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
        /// Idempotency keys that are kept; while there are so many, a command with another one is refused and not
        /// executed. Default 1000000.
        keys_max: u32 = 1_000_000 in 1..=10_000_000;
        /// How long a key is kept after its first use, so that asking again is told the same. Default 900 (a quarter of
        /// an hour).
        key_age_s: u64 = 900 in 10..=31_536_000;
        /// Bytes in a server's data directory; at the limit the server ends with exit code 1 and says why, and
        /// the others go on. Default 8589934592 (8 GiB); at least four times `snapshot_log_bytes`.
        disk_bytes_max: u64 = 8_589_934_592 in 65_536..=1_125_899_906_842_624;
        /// A snapshot is begun when the log behind the last one has grown by so much, or by up to a quarter more, when the log file
        /// that it needs is ready. Default 67108864 (64 MiB).
        snapshot_log_bytes: u64 = 67_108_864 in 4_096..=1_099_511_627_776;
        /// Bytes that wait for one peer; when it is reached its link starts anew in a new view, and a peer that is far
        /// behind is left out until it has caught up. Default 134217728 (128 MiB); at least four times `batch_bytes_max`.
        peer_queue_bytes_max: usize = 134_217_728 in 65_536..=17_179_869_184;
        /// How far one command may move the state's time forward, so that one wrong clock cannot end all
        /// sessions. Default 600000 (ten minutes); at most `session_age_s` and `key_age_s`.
        time_step_ms_max: u64 = 600_000 in 1_000..=31_536_000_000;
        /// Events at a time, beside the theatre; one more is refused. Default 200000.
        events_max: u32 = 200_000 in 1..=1_048_576;
        /// Bookings of all events at a time; one more is refused. Default 20000000.
        bookings_max: u32 = 20_000_000 in 1..=67_108_864;
        /// Places on the waiting list of one event; one more is refused. Default 1000.
        waiting_list_max: u32 = 1_000 in 1..=10_000;
        /// Bookings of one customer in one month outside of the own branch; one more is refused. Default 3.
        outside_per_month_max: u8 = 3 in 0..=255;
    }
}

section! {
    /// The audit log of each server.
    "audit" Audit RawAudit {
        /// A file is renamed when it is larger, in MiB; 0 for no audit log. Default 64.
        file_mib: u64 = 64 in 0..=4_096;
        /// Older files that are kept; the oldest go. Default 8.
        files: u32 = 8 in 1..=1_000;
    }
}

section! {
    /// Seats that are set aside.
    "holds" Holds RawHolds {
        /// For how long, in the state's own time. Default 300 (five minutes).
        seconds: u64 = 300 in 1..=2_592_000;
        /// For how long freed seats are offered to somebody who waited for them. Default 300.
        offer_seconds: u64 = 300 in 1..=2_592_000;
        /// Holds of one customer at a time; one more is refused. Default 5.
        per_customer_max: u32 = 5 in 0..=65_536;
    }
}

section! {
    /// How much of what on the HTTP port, and what is answered when it is reached.
    "http" Http RawHttp {
        /// Requests that one server works on at a time; one more is answered 429. Health, status and metrics have a
        /// lane of their own. Default 64.
        requests_max: usize = 64 in 1..=65_536;
        /// Requests of managers, by their tokens, that one server works on at a time beside those; one more is answered
        /// 429. No rate is asked of them. Default 8.
        manager_requests_max: usize = 8 in 1..=65_536;
        /// Requests of one client address a second, on the average; more are answered 429. Default 500.
        rate_per_s: u64 = 500 in 1..=1_000_000;
        /// Requests of one client address at once, before the average counts. Default 1000.
        rate_burst: u64 = 1_000 in 1..=1_000_000;
        /// Connections to one server; one more is answered 503 and closed. Default 1024.
        connections_max: usize = 1_024 in 1..=65_536;
        /// Event streams of one server; one more is answered 503. Default 256; less than `connections_max`.
        streams_max: usize = 256 in 0..=65_535;
        /// Longest request head; a longer one is answered 431. Default 16384 (16 KiB).
        head_bytes_max: usize = 16_384 in 8_192..=1_048_576;
        /// Longest request body; a longer one is answered 413. Default 262144 (256 KiB).
        body_bytes_max: usize = 262_144 in 1_024..=8_388_608;
        /// A request's head must be there so long after the connection was made or the last answer was given; else
        /// the connection is closed, after a 408 if a head was begun. Default 15000.
        head_ms: u64 = 15_000 in 50..=600_000;
        /// A request's body must be there so long after its head; else it is answered 408. Default 10000.
        body_ms: u64 = 10_000 in 50..=600_000;
        /// What is written to a client must be taken within this; else the connection is closed. Default 10000.
        write_ms: u64 = 10_000 in 50..=600_000;
        /// A command without an outcome for so long is answered 504: nobody knows. A read likewise 503. Default 10000.
        answer_ms: u64 = 10_000 in 50..=600_000;
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

impl Http {
    /// What must hold between two of them.
    pub(super) fn check_relations(&self) -> Result<(), Problem> {
        require(
            "http.streams_max",
            self.streams_max as u64 + 1,
            "<=",
            self.connections_max as u64,
            "connections_max",
            "event streams could take every connection",
        )
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
        )?;
        require(
            "limits.time_step_ms_max",
            self.time_step_ms_max,
            "<=",
            1_000 * self.session_age_s,
            "session_age_s in milliseconds",
            "one command from a server with a wrong clock could end every session",
        )?;
        require(
            "limits.time_step_ms_max",
            self.time_step_ms_max,
            "<=",
            1_000 * self.key_age_s,
            "key_age_s in milliseconds",
            "one command from a server with a wrong clock could end every key",
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
