//! The server: arguments to configuration to [`boxoffice::node`] to an exit code.

use boxoffice::config::{Availability, ClusterConfig, Durability};
use boxoffice::node::{self, NodeArgs, dev, health};
use boxoffice::telemetry::{self, LogFormat};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::fmt::Display;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One server of a cluster that sells seats.
///
/// Starts with its id, the cluster's description and a data directory of its own, and sells as soon as it has
/// caught up with the others. SIGTERM and Ctrl-C make it finish what is in flight, leave the cluster and exit.
///
/// Exit codes: 0 done, 1 the server failed, 2 something is configured wrong.
#[derive(Debug, Parser)]
#[command(name = "server", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Which server this is, of which cluster.
#[derive(Debug, Args)]
struct Which {
    /// Which server of the cluster this is
    #[arg(long, env = "SERVER_ID", value_parser = clap::value_parser!(u8).range(1..=9))]
    id: Option<u8>,
    /// The description of the cluster
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE", default_value = "cluster.yaml")]
    config: PathBuf,
}

impl Which {
    fn load(&self) -> Result<ClusterConfig, Failure> {
        ClusterConfig::load(&self.config).map_err(|error| failed(2)(&error))
    }

    fn id(&self) -> Result<u8, Failure> {
        self.id.ok_or_else(|| ("which server is this? Add --id ID, or set SERVER_ID".to_owned(), 2))
    }
}

#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// Where the server keeps its data, alone; made if it does not exist
    #[arg(long, env = "BOXOFFICE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Check the configuration, say what it means, and exit (0 valid, 2 not)
    #[arg(long)]
    check: bool,
    /// First start only: begin with the servers that are there, though others have never been
    #[arg(long)]
    bootstrap: bool,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    log_format: Format,
    /// What is logged: error, warn, info, debug, trace, or a filter like info,boxoffice::transport=debug
    #[arg(long, global = true, env = "BOXOFFICE_LOG", value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// End when this process is gone (for `server dev`)
    #[arg(long, hide = true, value_name = "PID")]
    parent: Option<i32>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask the server on this machine whether it serves clients (exit 0) or not (exit 1)
    Health {
        #[command(flatten)]
        which: Which,
    },
    /// Run a whole cluster on this machine, in a temporary directory, until Ctrl-C
    Dev {
        /// How many servers
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
        servers: u8,
        /// How many seats
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        seats: u32,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object a line
    Json,
}

/// An end other than success: what to say, and the exit code.
type Failure = (String, u8);

fn main() -> ExitCode {
    let Cli { options, command } = Cli::parse();
    let result = match command {
        _ if options.check => check(&options),
        Some(Command::Health { which }) => ask_health(&which),
        Some(Command::Dev { servers, seats }) => run_dev(&options, servers, seats),
        None => run(options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((text, code)) => {
            // Nobody may be reading.
            let _ = writeln!(io::stderr(), "server: {text}");
            ExitCode::from(code)
        }
    }
}

fn failed(code: u8) -> impl Fn(&dyn Display) -> Failure {
    move |error| (error.to_string(), code)
}

fn run(options: Options) -> Result<(), Failure> {
    let config = options.which.load()?;
    let id = options.which.id()?;
    let format = match options.log_format {
        Format::Text => LogFormat::Text,
        Format::Json => LogFormat::Json,
    };
    let started = telemetry::start(format, &options.log_level, io::stderr().is_terminal());
    started.map_err(|error| (format!("--log-level {:?}: {error}", options.log_level), 2))?;
    if let Some(parent) = options.parent {
        node::end_with_parent(parent).map_err(|error| failed(1)(&error))?;
    }
    let Options { data, bootstrap, .. } = options;
    block_on(node::run(NodeArgs { config, id, data, bootstrap }))?
        .map_err(|error| (error.to_string(), error.exit_code()))
}

fn run_dev(options: &Options, servers: u8, seats: u32) -> Result<(), Failure> {
    let format = options.log_format.to_possible_value().map(|value| value.get_name().to_owned());
    let log_args = vec![
        format!("--log-format={}", format.unwrap_or_default()),
        format!("--log-level={}", options.log_level),
    ];
    let args = dev::DevArgs { servers, seats, log_args };
    block_on(dev::run(args, &mut io::stdout()))?.map_err(|error| failed(1)(&error))
}

/// Everything of a server but its log runs on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(1)(&error))?;
    let result = runtime.block_on(future);
    // A disk that hangs must not keep the process.
    runtime.shutdown_background();
    Ok(result)
}

fn ask_health(which: &Which) -> Result<(), Failure> {
    let config = which.load()?;
    health::check(&config, which.id()?).map_err(|error| failed(1)(&error))
}

/// Says what a configuration means.
fn check(options: &Options) -> Result<(), Failure> {
    let Which { id, config: file } = &options.which;
    let config = options.which.load()?;
    if let Some(id) = id.filter(|&id| config.server(id).is_none()) {
        return Err((
            format!("server {id} is not in the configuration, which has servers {}", config.ids()),
            2,
        ));
    }
    let survivors = match config.availability {
        Availability::Any => "one survivor goes on selling".to_owned(),
        Availability::Majority => format!("{} of them must be up", config.servers.len() / 2 + 1),
    };
    let kept = match config.durability {
        Durability::Fsync => "on the disk of every server before it is answered",
        Durability::Memory => "in memory only: gone when all servers stop",
    };
    let mut text = format!(
        "{} is valid.\ncluster {}: {} seats, {} servers, {survivors}\na reservation is {kept}\n",
        file.display(),
        config.cluster,
        config.seats,
        config.servers.len(),
    );
    for server in &config.servers {
        let me = if *id == Some(server.id) { " (this one)" } else { "" };
        text += &format!(
            "server {}{me}: clients at {}, HTTP at {}, servers at {}, listens on {}\n",
            server.id,
            server.client_address(),
            server.http_address().unwrap_or_else(|| "no port".to_owned()),
            server.peer_address(),
            server.listen,
        );
    }
    let t = &config.timeouts;
    text += &format!(
        "a silent server is taken for crashed after {} ms, a closed link after {} ms\n",
        t.suspect_ms, t.probe_ms
    );
    // A closed pipe is the reader's affair.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}
