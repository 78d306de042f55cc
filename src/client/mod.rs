//! The client: one command, a prompt, a screen, or a load.
//!
//! [`exchange`] decides, purely, who is asked what and what is known afterwards; [`connection`] carries that
//! out over a [`link`]. [`args`] defines the command line, [`answers`], [`seat_map`] and [`status`] the words and
//! pictures, [`exit`] the exit codes. Start with [`run`].
//!
//! Absent on purpose: a cache (every answer comes from a server), and a retry with a new number after an
//! unknown outcome (that is how seats are sold twice).

pub mod answers;
pub mod args;
pub mod bench;
pub mod chaos;
pub mod connection;
pub mod diagram;
pub mod events;
pub mod exchange;
pub mod exit;
pub mod link;
pub mod operator;
pub mod output;
pub mod pages;
pub mod prompt;
pub mod rotation;
pub mod seat_map;
pub mod session;
mod shell;
pub mod status;
pub mod table;
mod token;
pub mod trace;
mod tui;
mod user_log;
pub mod values;
pub mod words;

use crate::config::ClusterConfig;
use args::{Action, ChaosArgs, Cli, TraceArgs};
use clap::{CommandFactory as _, FromArgMatches as _};
use exit::Exit;
use output::{Output, note};
use shell::Shell;
use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

/// Where the cluster's description is looked for when it is not named.
const CONFIG_FILES: [&str; 2] = ["cluster.yaml", "/etc/boxoffice/cluster.yaml"];

/// Runs the program with these arguments, the first of which is its own name.
pub fn run(arguments: Vec<OsString>) -> Exit {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // To stderr, or to stdout when help was asked for; there is nobody to tell if that fails.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let mut output = Output::new(cli.global.output, cli.global.verbose);
    let exit = match cli.action {
        Some(Action::Completions { shell }) => pages::completions(&mut output, shell),
        Some(Action::Man { dir }) => pages::man(&mut output, dir.as_deref()),
        Some(Action::Wait) => shell::wait_for_signal(cli.global.verbose),
        Some(Action::Audit(args)) => user_log::show(&mut output, args),
        Some(Action::Token { action }) => token::run(&mut output, &cli.global, action, load),
        Some(Action::Chaos(ChaosArgs { check: Some(file), seats, .. })) => {
            chaos::judge_file(&file, seats, &mut output)
        }
        Some(Action::Trace(TraceArgs { from: Some(file), last, .. })) => {
            trace::draw_file(&file, last as usize, &mut output)
        }
        action => {
            let config = match load(&cli.global) {
                Ok(config) => config,
                Err(words) => {
                    note(words);
                    return Exit::Usage;
                }
            };
            let mut shell = match Shell::new(config, cli.global, output) {
                Ok(shell) => shell,
                Err(error) => {
                    note(format_args!("cannot start: {error}"));
                    return Exit::Unknown;
                }
            };
            return shell.run(action);
        }
    };
    output.finish(exit)
}

/// Arguments to what is wanted. A program called `reserve` is `client reserve`.
fn parse(mut arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let program = arguments.first().map(Path::new).and_then(Path::file_stem).and_then(|stem| stem.to_str());
    let mut command = args::with_usage(Cli::command(), "client ");
    if let Some(name) = args::program_names().find(|&name| Some(name) == program) {
        arguments.insert(1, name.into());
        // "Usage: reserve <NAME> ..." and not "client reserve".
        command = args::as_program(command, name);
    }
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// The cluster's description, and whether the server that was named is in it.
fn load(global: &args::Global) -> Result<ClusterConfig, String> {
    let file = match &global.config {
        Some(file) => file.clone(),
        None => CONFIG_FILES.map(PathBuf::from).into_iter().find(|file| file.exists()).ok_or_else(|| {
            format!(
                "there is no {}; name the cluster's description with --config",
                CONFIG_FILES.join(" and no ")
            )
        })?,
    };
    let config = ClusterConfig::load(&file).map_err(|error| error.to_string())?;
    match global.server {
        Some(id) if config.server(id).is_none() => {
            Err(format!("--server {id}: there is no such server; the servers are {}", config.ids()))
        }
        Some(_) | None => Ok(config),
    }
}

/// Whether commands come from a person.
fn is_interactive() -> bool {
    io::stdin().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use args::Ask;

    fn parse_words(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn a_program_of_a_commands_name_is_that_command() {
        let cli = parse_words("/bin/reserve bob 2").unwrap();
        assert!(matches!(cli.action, Some(Action::Ask(Ask::Reserve { count: Some(2), .. }))));
        let cli = parse_words("status -o json").unwrap();
        assert!(matches!(cli.action, Some(Action::Ask(Ask::Status))));
        let usage = parse_words("reserve").unwrap_err().to_string();
        assert!(usage.contains("Usage: reserve "), "{usage}");
        for name in args::program_names() {
            let usage = parse_words(&format!("{name} --help")).unwrap_err().to_string();
            assert!(usage.contains(&format!("Usage: {name} [OPTIONS]")), "{usage}");
        }
        let usage = parse_words("search").unwrap_err().to_string();
        assert!(usage.contains("Usage: search ") && !usage.contains("client"), "{usage}");
    }

    #[test]
    fn negative_counts_and_wrong_seats_are_met_with_what_to_write() {
        for line in ["client reserve bob -3", "client reserve bob 0", "reserve bob -1.5", "reserve bob x"] {
            let words = parse_words(line).unwrap_err().to_string();
            assert!(words.contains("a whole number from 1 to 1000000"), "{line}: {words}");
        }
        for line in ["reserve bob --seats -4", "reserve bob --seats=0", "reserve bob --seats 1,1"] {
            let words = parse_words(line).unwrap_err().to_string();
            assert!(words.contains("seats are whole numbers") || words.contains("given twice"), "{words}");
        }
    }

    #[test]
    fn options_may_stand_anywhere() {
        for line in ["client -o json reserve bob 2 -v", "client reserve -v bob 2 -o json"] {
            let cli = parse_words(line).unwrap();
            assert!(cli.global.verbose && cli.global.output == args::Format::Json, "{line}");
        }
    }

    #[test]
    fn a_count_and_a_choice_of_seats_exclude_each_other() {
        assert!(parse_words("client reserve bob 2 --seats 4").is_err());
        assert!(parse_words("client reserve bob").is_err());
        assert!(parse_words("client reserve bob --seats 4,5").is_ok());
    }
}
