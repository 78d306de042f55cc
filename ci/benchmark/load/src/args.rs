//! The command line. Only `ci/bench` writes it.

use crate::mix::Mix;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// The load of `ci/bench`.
#[derive(Debug, Parser)]
#[command(name = "bench-load")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure a system that runs already
    Load {
        /// Which system
        #[command(subcommand)]
        system: System,
        /// With what
        #[command(flatten)]
        load: LoadArgs,
    },
    /// When answers came, until standard input ends: boxoffice's own clients, while others stop and start its servers
    Timeline(TimelineArgs),
    /// Hold more and more reservations, as standard input says; a line of JSON for each thing done
    Grow {
        /// Which cluster
        #[command(flatten)]
        target: GrowTarget,
        /// With what
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Be one of the three processes of `ceiling`
    CeilingNode(CeilingArgs),
}

/// What all systems are asked alike.
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// Clients, each with one operation outstanding
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub clients: u16,
    /// Connections that they share; as many as clients when not given
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub connections: Option<u16>,
    /// Measured for so long
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub seconds: Duration,
    /// Not measured before that
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub warm_up_seconds: Duration,
    /// What is asked, in parts of a hundred: RESERVE,SEARCH,DELETE
    #[arg(long, default_value = "80,10,10")]
    pub mix: Mix,
    /// Reservations that each client makes before anything is measured
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub reserved_before: u32,
    /// Of every choice that the load makes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Process numbers of the system's servers, for their CPU time
    #[arg(long, value_delimiter = ',')]
    pub server_pids: Vec<i32>,
    /// A directory on the servers' disk, where a flush is timed before the run
    #[arg(long)]
    pub dir: PathBuf,
}

impl LoadArgs {
    /// How many connections there are, never more than clients.
    pub fn connections(&self) -> usize {
        usize::from(self.connections.unwrap_or(self.clients).min(self.clients))
    }
}

/// Clients that outlive their servers.
#[derive(Clone, Debug, Args)]
pub struct TimelineArgs {
    /// The cluster's description
    #[arg(long)]
    pub config: PathBuf,
    /// Clients, each with one operation outstanding
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub clients: u16,
    /// Answers are counted in stretches of so many milliseconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub bucket_ms: u64,
    /// What is asked, in parts of a hundred: RESERVE,SEARCH,DELETE
    #[arg(long, default_value = "80,10,10")]
    pub mix: Mix,
    /// Of every choice that the clients make
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// An end, should standard input have none
    #[arg(long, default_value = "120", value_parser = seconds)]
    pub seconds_max: Duration,
}

/// Which system, and where it is.
#[derive(Clone, Debug, Subcommand)]
pub enum System {
    /// Boxoffice, over its client protocol
    Boxoffice {
        /// Client ports; connections go round them
        #[arg(long, value_delimiter = ',', required = true)]
        servers: Vec<String>,
        /// Name of the cluster
        #[arg(long)]
        cluster: String,
        /// Seats of each event
        #[arg(long)]
        seats: u32,
        /// How many events are added first and asked about instead of the theatre
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=200_000))]
        events: u32,
        /// How fresh reads are
        #[arg(long, value_enum, default_value_t = Freshness::Linearizable)]
        reads: Freshness,
    },
    /// The bare replicator of this program
    Ceiling {
        /// Where the leader listens
        #[arg(long)]
        leader: String,
        /// Seats of the theatre
        #[arg(long)]
        seats: u32,
    },
    /// Redis: a script for each operation, then WAIT
    Redis {
        /// The primary
        #[arg(long)]
        primary: String,
        /// Replicas that must have said that they have it
        #[arg(long)]
        replicas: u8,
        /// Seats of the theatre, which is made first
        #[arg(long)]
        seats: u32,
    },
    /// etcd by its transactions
    #[cfg(feature = "etcd")]
    Etcd {
        /// The leader
        #[arg(long)]
        leader: String,
        /// How a reservation is made
        #[arg(long, value_enum, default_value_t = EtcdSeats::SeatKeys)]
        way: EtcdSeats,
    },
    /// PostgreSQL, by pgbench and three scripts of it: reserve.sql, search.sql, delete.sql
    Postgres {
        /// The program
        #[arg(long)]
        pgbench: PathBuf,
        /// Where the scripts are, and its log is written
        #[arg(long)]
        scripts: PathBuf,
        /// The primary's port on 127.0.0.1
        #[arg(long)]
        port: u16,
    },
}

/// Boxoffice, as `grow` finds it.
#[derive(Clone, Debug, Args)]
pub struct GrowTarget {
    /// Client ports; connections go round them
    #[arg(long, value_delimiter = ',', required = true)]
    pub servers: Vec<String>,
    /// Name of the cluster
    #[arg(long)]
    pub cluster: String,
    /// Seats of each event
    #[arg(long)]
    pub seats: u32,
    /// How many events are added first and asked about instead of the theatre
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pub events: u32,
    /// Operations outstanding on each connection while reservations are made to be held
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub fill_depth: u16,
}

/// How fresh the answer to a search must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Freshness {
    /// Every command that was answered is seen
    Linearizable,
    /// Whatever that server has
    Local,
}

/// How a reservation is made of what etcd has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EtcdSeats {
    /// A key for each seat; the client picks two that it takes for free
    SeatKeys,
    /// One key for the event, by compare-and-swap
    OneEvent,
}

/// One process of `ceiling`.
#[derive(Clone, Debug, Args)]
pub struct CeilingArgs {
    /// Where it listens
    #[arg(long)]
    pub listen: String,
    /// The leader is given its two followers
    #[arg(long, value_delimiter = ',')]
    pub followers: Vec<String>,
    /// Its log
    #[arg(long)]
    pub log: PathBuf,
    /// Seats of the theatre
    #[arg(long, default_value_t = 8_000_000)]
    pub seats: u32,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match seconds.is_finite() && (0.0..=3600.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("0 to 3600 seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn connections_are_never_more_than_clients() {
        let line = "bench-load load --dir . --clients 3 --connections 8 ceiling --leader a:1 --seats 9";
        let Command::Load { load, .. } = Cli::parse_from(line.split(' ')).command else { panic!("a load") };
        assert_eq!(load.connections(), 3);
    }
}
