//! The command line, once, for the program, its completions, its man pages and the prompt.

use super::{
    diagram::EVENTS_DRAWN,
    events::args::{AtEvent, EVENT_PROGRAMS, EventAsk, actor},
    exit::EXIT_CODES_HELP,
    values::{self, Mix, PickedSeats},
};
use crate::domain::{
    events::ids::{Actor, UserId},
    ids::Name,
};
use clap::{ArgAction, Args, Command, Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// Sub-commands that the program also answers to as its own name.
const PROGRAM_NAMES: [&str; 7] = ["reserve", "search", "delete", "seats", "status", "tui", "bench"];

/// All of them.
pub fn program_names() -> impl Iterator<Item = &'static str> {
    PROGRAM_NAMES.into_iter().chain(EVENT_PROGRAMS)
}

/// Reserve seats on a cluster of servers that looks like one server that never dies.
#[derive(Debug, Parser)]
#[command(
    name = "client",
    version,
    subcommand_required = false,
    disable_help_subcommand = true,
    after_help = EXIT_CODES_HELP,
    long_about = "Reserve seats on a cluster of servers that looks like one server that never dies.\n\n\
        Starts with a random server and goes on to the next one when it does not answer. A command that is \
        sent again is the same command: it is never carried out twice. Without a command, reads commands \
        from a prompt, or one a line from a pipe.",
)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; the prompt when absent.
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// Options that every command has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The cluster's description [default: $BOXOFFICE_CONFIG, ./cluster.yaml, /etc/boxoffice/cluster.yaml]
    #[arg(long, global = true, env = "BOXOFFICE_CONFIG", value_name = "FILE", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Start with this server instead of a random one
    #[arg(long, global = true, value_name = "ID")]
    pub server: Option<u8>,
    /// How long one command may take in seconds, all servers and tries together
    #[arg(long, global = true, value_name = "TIME", default_value = "30", value_parser = values::seconds)]
    pub deadline: Duration,
    /// Say on stderr which server answered, and which ones did not
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub verbose: bool,
    /// How answers are written: text for people, or json, one object a line
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub output: Format,
    /// Who you are: an id such as TORC2345, or a name [default: $BOXOFFICE_AS]
    #[arg(long = "as", global = true, env = "BOXOFFICE_AS", value_name = "ID", value_parser = actor, hide_env = true)]
    pub acting: Option<Actor>,
    /// Who you are, proved: a token from the operator [default: $BOXOFFICE_TOKEN]
    #[arg(
        long,
        global = true,
        env = "BOXOFFICE_TOKEN",
        value_name = "TOKEN",
        hide_env = true,
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// Seed for the order in which servers are asked and for what `chaos` asks
    #[arg(long, global = true, hide = true)]
    pub seed: Option<u64>,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Sentences and pictures for people
    Text,
    /// One JSON object a command, on one line
    Json,
}

/// Everything the client can do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// What the prompt understands too.
    #[command(flatten)]
    Ask(Ask),
    /// Show events, seats, bookings and servers on one screen of the terminal, and book with the keyboard
    #[command(after_help = "Examples:\n  client tui\n  client --as TORC2345 tui\n\n\
            Every screen says its keys below, and all of them with \"?\". Without --as and without a token it asks who you are \
            when it has to know. Needs a terminal of 36x14 at the least, better 80x24; NO_COLOR is honoured.")]
    Tui,
    /// Measure the cluster under load, and check that no seat was sold twice
    Bench(BenchArgs),
    /// Ask while servers fail, record every answer, and check that one server could have told all of it
    #[command(
        after_help = "Examples:\n  client chaos --seconds 60 --history history.jsonl\n  client chaos --check history.jsonl\n\n\
            Every client asks at most 100 times a second. A request that is not answered is sent again, to the next \
            server, with its id, until --deadline. What was taken before stays as it is; a check fails when somebody \
            else changes something meanwhile. --seed N asks for the same again, as far as answers allow."
    )]
    Chaos(ChaosArgs),
    /// Record what the servers say to each other for a while, and print it as JSON or as a diagram
    #[command(
        after_help = "Examples:\n  client trace --seconds 5 > run.json\n  client trace --from run.json | less\n  \
            client trace --seconds 2 --draw\n\nServers record only while they are asked. Where tokens are required, they \
            tell managers only. A file that is no recording: exit code 2."
    )]
    Trace(TraceArgs),
    /// Find lines of an audit log again: a server's, or of what was asked from this account
    #[command(
        after_help = "Examples:\n  client audit --who TORC2345 --result failed\n  client audit /data/audit.jsonl --from 2026-11-21 --until 2026-11-22"
    )]
    Audit(AuditArgs),
    /// Make keys and tokens: the operator's part in who may do what
    Token {
        /// What to make.
        #[command(subcommand)]
        action: TokenAction,
    },
    /// Let a server go on after an outage without the servers it waits for; data can be lost
    #[command(long_about = super::operator::ABOUT)]
    Override(OverrideArgs),
    /// Print the shell's completion script
    Completions {
        /// For this shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands into a directory
    Man {
        /// The directory; it is created if it does not exist
        dir: Option<PathBuf>,
    },
    /// Do nothing until a signal says stop (keeps a container running)
    #[command(hide = true)]
    Wait,
}

/// What the prompt understands as well.
#[derive(Debug, Clone, Subcommand)]
pub enum Ask {
    /// Reserve seats for a name: a number of them, or those picked with --seats
    #[command(
        after_help = "Examples:\n  reserve bob 2\n  reserve \"Ann Lee\" --seats 4,5\n  reserve eve --seats 10-14"
    )]
    Reserve {
        /// Who the seats are for: 1 to 64 characters
        #[arg(value_parser = values::name)]
        name: Name,
        /// How many seats, adjacent ones if there are: 1 to 1000000
        #[arg(
            value_parser = values::count,
            allow_negative_numbers = true,
            required_unless_present = "seats",
            conflicts_with = "seats"
        )]
        count: Option<u32>,
        /// Exactly these seats, all or none: 4,5 or 4-7
        #[arg(long, value_name = "LIST", value_parser = values::picked_seats, allow_hyphen_values = true)]
        seats: Option<PickedSeats>,
        /// Where.
        #[command(flatten)]
        at: AtEvent,
    },
    /// Print the seats that are reserved for a name
    Search {
        /// Who holds the seats
        #[arg(value_parser = values::name)]
        name: Name,
        /// Where.
        #[command(flatten)]
        at: AtEvent,
    },
    /// Give the seats of a name back
    Delete {
        /// Who holds the seats
        #[arg(value_parser = values::name)]
        name: Name,
        /// Where.
        #[command(flatten)]
        at: AtEvent,
    },
    /// Show which seats are free
    Seats(AtEvent),
    /// Show how the servers are doing; exits with 1 when the cluster is degraded
    Status,
    /// Everything about events.
    #[command(flatten)]
    Events(EventAsk),
}

/// Options of `bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Clients at the same time, each with a connection of its own
    #[arg(long, default_value = "64", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub clients: u16,
    /// How long to measure
    #[arg(long, default_value = "10", value_name = "TIME", value_parser = values::seconds)]
    pub seconds: Duration,
    /// Unanswered requests of each client
    #[arg(long, default_value = "1", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub in_flight: u16,
    /// Shares of reserve/search/delete
    #[arg(long, default_value = "80/10/10", value_parser = values::mix)]
    pub mix: Mix,
    /// Seats of each reservation
    #[arg(long, default_value = "2", value_name = "COUNT", value_parser = values::count)]
    pub count: u32,
    /// Leave the reservations instead of deleting them at the end
    #[arg(long)]
    pub keep: bool,
}

/// Options of `chaos`.
#[derive(Debug, Clone, Args)]
pub struct ChaosArgs {
    /// Write what was asked and told into this file, one JSON object a request
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Clients at the same time, each with a connection of its own
    #[arg(long, default_value = "8", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub clients: u16,
    /// How long to ask
    #[arg(long, default_value = "10", value_name = "TIME", value_parser = values::seconds)]
    pub seconds: Duration,
    /// Names that all clients share: the fewer, the more they meet
    #[arg(long, default_value = "24", value_name = "K", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub names: u16,
    /// Leave the reservations instead of deleting them at the end
    #[arg(long)]
    pub keep: bool,
    /// Ask nothing: judge the history in this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["history", "clients", "seconds", "names", "keep"])]
    pub check: Option<PathBuf>,
    /// How many seats there are, for a file that does not show it
    #[arg(long, value_name = "COUNT", value_parser = values::count, requires = "check")]
    pub seats: Option<u32>,
}

/// Options of `trace`.
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// How long to watch
    #[arg(long, default_value = "5", value_name = "TIME", value_parser = values::seconds)]
    pub seconds: Duration,
    /// Draw what was recorded instead of printing it
    #[arg(long)]
    pub draw: bool,
    /// Ask nothing: draw the run that is recorded in this file ("-": standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seconds", "draw"])]
    pub from: Option<PathBuf>,
    /// Draw so many of the last events
    #[arg(long, value_name = "N", default_value_t = EVENTS_DRAWN as u32, value_parser = clap::value_parser!(u32).range(1..))]
    pub last: u32,
}

/// Options of `audit`.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// The log, with the older ones beside it [default: one for each user, as this client wrote them]
    pub file: Option<PathBuf>,
    /// Of this person: an id, or the name on a reservation
    #[arg(long, value_name = "ID")]
    pub who: Option<String>,
    /// Of this sort, such as reserve or book
    #[arg(long, value_name = "WHAT")]
    pub request: Option<String>,
    /// With this result
    #[arg(long, value_enum)]
    pub result: Option<AuditResultArg>,
    /// That came then or later, in UTC: 2026-11-21 or 2026-11-21T17:00
    #[arg(long, value_name = "TIME", value_parser = values::time_prefix)]
    pub from: Option<String>,
    /// That came before
    #[arg(long, value_name = "TIME", value_parser = values::time_prefix)]
    pub until: Option<String>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditResultArg {
    /// It was carried out
    Done,
    /// It was refused
    Failed,
    /// It is not known
    Unknown,
}

/// What the operator makes.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenAction {
    /// Make a secret key, write it into a file, and print the public one for cluster.yaml
    NewKey {
        /// The file for the secret key; it must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print a token for somebody, good for some time
    #[command(
        after_help = "Example:\n  client token issue --role manager --id TORM2345 --days 90 --key operator.key"
    )]
    Issue {
        /// Who it is for, such as TORM2345
        #[arg(long)]
        id: UserId,
        /// What they are; must agree with the id
        #[arg(long, value_enum)]
        role: TokenRole,
        /// How many days it is good
        #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
        /// The file with the secret key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// Manages the events of a branch
    Manager,
    /// Books
    Customer,
}

/// Options of `override`.
#[derive(Debug, Clone, Args)]
pub struct OverrideArgs {
    /// Yes, go on without the others
    #[arg(long)]
    pub yes: bool,
}

/// Says how `reserve` is used, which has two forms; `program` is what people typed before it.
pub fn with_usage(command: Command, program: &str) -> Command {
    let usage = format!(
        "{program}reserve [OPTIONS] <NAME> <COUNT>\n       {program}reserve [OPTIONS] <NAME> --seats <LIST>"
    );
    command.mut_subcommand("reserve", |reserve| reserve.override_usage(usage))
}

/// Says how a command is used that is a program of its own: the parser would put the program's name before it.
pub fn as_program(command: Command, name: &'static str) -> Command {
    let command = with_usage(command, "").mut_subcommand(name, |sub| sub.bin_name(name));
    if name == "reserve" {
        return command;
    }
    command.mut_subcommand(name, |sub| {
        let values = sub.get_positionals().map(|arg| format!(" <{}>", arg.get_id().as_str().to_uppercase()));
        let usage = format!("{name} [OPTIONS]{}", values.collect::<String>());
        sub.override_usage(usage)
    })
}

/// One line of the prompt.
#[derive(Debug, Parser)]
#[command(name = "boxoffice", multicall = true, disable_help_subcommand = true)]
pub struct PromptLine {
    /// What to do.
    #[command(subcommand)]
    pub action: PromptAction,
}

/// What the prompt understands.
#[derive(Debug, Subcommand)]
pub enum PromptAction {
    /// What the command line understands too.
    #[command(flatten)]
    Ask(Ask),
    /// Explain the commands, or one of them
    Help {
        /// Which one
        command: Option<String>,
    },
    /// Leave (also: exit, Ctrl-D)
    #[command(alias = "exit")]
    Quit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
        PromptLine::command().debug_assert();
    }

    #[test]
    fn every_program_name_is_a_command() {
        let cli = Cli::command();
        for name in program_names() {
            assert!(cli.find_subcommand(name).is_some(), "{name}");
        }
    }
}
