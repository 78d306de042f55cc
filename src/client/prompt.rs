//! The prompt on a terminal, and the same commands one a line from a pipe.

#![expect(clippy::disallowed_methods, reason = "the place of a history file is in the environment")]

use super::{
    args::{Ask, PromptAction, PromptLine, with_usage},
    exit::Exit,
    output::note,
    words,
};
use clap::{CommandFactory as _, FromArgMatches as _};
use rustyline::{
    Editor, Helper,
    completion::{Completer, Pair},
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::FileHistory,
    validate::Validator,
};
use std::{
    io::{self, BufRead, Read as _},
    path::PathBuf,
};

/// Longest line that is taken from a pipe, in bytes: picking 100,000 seats by number fits.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Most lines of history that are kept.
const HISTORY_LINES_MAX: usize = 1_000;

/// What one line came to.
#[derive(Debug)]
enum Line {
    Nothing,
    Ask(Ask),
    /// Text for stdout.
    Help(String),
    /// Text for stderr.
    Wrong(String),
    Quit,
}

/// Who carries out what the lines say.
pub trait Teller {
    /// One command.
    fn ask(&mut self, ask: Ask) -> Exit;
    /// A text that was asked for.
    fn show(&mut self, text: &str);
}

/// Reads from a terminal until `quit` or Ctrl-D. What was refused on the way was said then.
pub fn interactive(teller: &mut impl Teller) -> Exit {
    let mut editor = match editor() {
        Ok(editor) => editor,
        Err(error) => {
            note(format_args!("cannot use this terminal for a prompt: {error}"));
            return Exit::Usage;
        }
    };
    let history = history_file();
    if let Some(file) = &history {
        // There is none at the first time.
        let _ = editor.load_history(file);
    }
    teller.show("Type help for the commands, quit to leave.");
    loop {
        let line = match editor.readline("boxoffice> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                note(format_args!("cannot read from this terminal: {error}"));
                return Exit::Usage;
            }
        };
        let _ = editor.add_history_entry(line.as_str());
        match parse(&line) {
            Line::Nothing => {}
            Line::Ask(ask) => {
                teller.ask(ask);
            }
            Line::Help(text) => teller.show(&text),
            Line::Wrong(text) => note(text),
            Line::Quit => break,
        }
    }
    if let Some(file) = &history
        && let Err(error) = save_history(&mut editor, file)
    {
        note(format_args!("cannot keep the history in {}: {error}", file.display()));
    }
    Exit::Done
}

/// Reads a command a line until the end or `quit`; a wrong line does not end it. The exit code is the largest
/// of all lines.
pub fn piped(mut input: impl BufRead, teller: &mut impl Teller) -> Exit {
    let mut worst = Exit::Done;
    for number in 1.. {
        let exit = match read_line(&mut input) {
            Ok(None) => break,
            Ok(Some(Ok(line))) => match parse(&line) {
                Line::Nothing => Exit::Done,
                Line::Ask(ask) => teller.ask(ask),
                Line::Help(text) => {
                    teller.show(&text);
                    Exit::Done
                }
                Line::Wrong(text) => {
                    note(format_args!("line {number}: {text}"));
                    Exit::Usage
                }
                Line::Quit => break,
            },
            Ok(Some(Err(reason))) => {
                note(format_args!("line {number}: {reason}"));
                Exit::Usage
            }
            Err(error) => {
                note(format_args!("cannot read commands: {error}"));
                return worst.max(Exit::Usage);
            }
        };
        worst = worst.max(exit);
    }
    worst
}

/// The next line, or what is wrong with it; its rest is skipped then.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Result<String, String>>> {
    let mut bytes = Vec::new();
    if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(format!("is longer than {LINE_BYTES_MAX} bytes; nothing was sent"))));
    }
    let line = String::from_utf8(bytes).map_err(|_| "is not UTF-8; nothing was sent".to_owned());
    Ok(Some(line))
}

fn parse(line: &str) -> Line {
    let words = match words::split(line) {
        Ok(words) if words.is_empty() => return Line::Nothing,
        Ok(words) => words,
        Err(error) => return Line::Wrong(format!("{error}; nothing was sent")),
    };
    let matches = with_usage(PromptLine::command(), "").try_get_matches_from(&words);
    match matches.and_then(|matches| PromptLine::from_arg_matches(&matches)) {
        Ok(PromptLine { action: PromptAction::Ask(ask) }) => Line::Ask(ask),
        Ok(PromptLine { action: PromptAction::Quit }) => Line::Quit,
        Ok(PromptLine { action: PromptAction::Help { command } }) => help(command.as_deref()),
        // `reserve --help`
        Err(error) if !error.use_stderr() => Line::Help(error.to_string().trim_end().to_owned()),
        Err(error) if error.kind() == clap::error::ErrorKind::InvalidSubcommand => {
            Line::Wrong(format!("there is no command {:?}; type help for the commands", words[0]))
        }
        Err(error) => {
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let text = text.replace("\n\nFor more information, try '--help'.", "");
            Line::Wrong(text.trim_end().to_owned())
        }
    }
}

fn help(command: Option<&str>) -> Line {
    let mut all = with_usage(PromptLine::command(), "");
    all.build();
    match command {
        None => {
            let mut text = String::from("Commands:");
            for command in PromptLine::command().get_subcommands() {
                let about = command.get_about().map(ToString::to_string).unwrap_or_default();
                text.push_str(&format!("\n  {:<8} {about}", command.get_name()));
            }
            text.push_str("\n\nNames with blanks go in quotes: reserve \"Ann Lee\" 2\n");
            text.push_str("More about one: help reserve");
            Line::Help(text)
        }
        Some(name) => match all.find_subcommand_mut(name) {
            Some(command) => Line::Help(command.render_help().to_string().trim_end().to_owned()),
            None => Line::Wrong(format!("there is no command {name:?}; type help for the commands")),
        },
    }
}

/// Completes the first word of a line with a command.
struct CommandCompleter {
    names: Vec<String>,
}

impl Helper for CommandCompleter {}
impl Highlighter for CommandCompleter {}
impl Validator for CommandCompleter {}
impl Hinter for CommandCompleter {
    type Hint = String;
}

impl Completer for CommandCompleter {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _ctx: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line[..pos].trim_start();
        let is_help = typed.strip_prefix("help ").map(str::trim_start);
        let word = is_help.unwrap_or(typed);
        if word.contains(char::is_whitespace) {
            return Ok((pos, Vec::new()));
        }
        let fits = |name: &&String| name.starts_with(word);
        let pair = |name: &String| Pair { display: name.clone(), replacement: format!("{name} ") };
        Ok((pos - word.len(), self.names.iter().filter(fits).map(pair).collect()))
    }
}

fn editor() -> rustyline::Result<Editor<CommandCompleter, FileHistory>> {
    let config = rustyline::Config::builder()
        .max_history_size(HISTORY_LINES_MAX)?
        .history_ignore_space(true)
        .completion_type(rustyline::CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    let names =
        PromptLine::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    editor.set_helper(Some(CommandCompleter { names }));
    Ok(editor)
}

/// `$XDG_STATE_HOME/boxoffice/history`, if there is a home at all.
fn history_file() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("boxoffice/history"))
}

fn save_history(
    editor: &mut Editor<CommandCompleter, FileHistory>,
    file: &std::path::Path,
) -> rustyline::Result<()> {
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    editor.save_history(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers what it was told to do.
    #[derive(Default)]
    struct Log(Vec<String>);

    impl Teller for Log {
        fn ask(&mut self, ask: Ask) -> Exit {
            self.0.push(format!("{ask:?}"));
            if matches!(ask, Ask::Search { .. }) { Exit::Refused } else { Exit::Done }
        }

        fn show(&mut self, text: &str) {
            self.0.push(format!("show {text}"));
        }
    }

    fn run(input: &[u8]) -> (Exit, Vec<String>) {
        let mut log = Log::default();
        (piped(input, &mut log), log.0)
    }

    #[test]
    fn lines_are_commands_and_quit_ends_them() {
        let (exit, log) = run(b"\n# a comment\nreserve 'Ann Lee' 2\nseats\nquit\nseats\n");
        assert_eq!(exit, Exit::Done);
        assert_eq!(log.len(), 2);
        assert!(log[0].contains("\"Ann Lee\"") && log[0].contains("Some(2)"), "{log:?}");
        assert!(log[1].starts_with("Seats"), "{log:?}");
    }

    #[test]
    fn a_wrong_line_does_not_end_the_session_and_the_largest_code_counts() {
        let (exit, log) = run(b"reserve bob none\nbuy bob\nsearch bob\n\xff\xff\nsearch 'x\nseats");
        assert_eq!(exit, Exit::Usage);
        assert_eq!(log.len(), 2);
        assert_eq!(run(b"search bob\nseats\n").0, Exit::Refused);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_as_a_whole() {
        let mut input = b"search ".to_vec();
        input.resize(3 * LINE_BYTES_MAX as usize, b'x');
        input.extend_from_slice(b"\nseats\n");
        let (exit, log) = run(&input);
        assert_eq!((exit, log.len()), (Exit::Usage, 1));
        assert!(log[0].starts_with("Seats"), "{log:?}");
    }

    #[test]
    fn a_negative_count_is_met_with_what_to_write() {
        let Line::Wrong(text) = parse("reserve bob -3") else { panic!("it must be refused") };
        assert!(text.contains("a whole number from 1 to 1000000"), "{text}");
        assert!(!text.contains("unexpected"), "{text}");
    }

    #[test]
    fn help_lists_all_commands_and_explains_each() {
        let Line::Help(text) = parse("help") else { panic!() };
        for name in ["reserve", "search", "delete", "seats", "status", "help", "quit"] {
            assert!(text.contains(&format!("\n  {name} ")), "{text}");
            assert!(matches!(parse(&format!("help {name}")), Line::Help(_)));
        }
        let Line::Help(text) = parse("help reserve") else { panic!() };
        assert!(text.contains("--seats <LIST>"), "{text}");
        assert!(matches!(parse("reserve --help"), Line::Help(_)));
        assert!(matches!(parse("help fly"), Line::Wrong(_)));
        assert!(matches!(parse("exit"), Line::Quit));
    }

    #[test]
    fn commands_are_completed() {
        let names = ["reserve", "search", "seats"].map(str::to_owned).to_vec();
        let completer = CommandCompleter { names };
        let history = rustyline::history::MemHistory::new();
        let context = rustyline::Context::new(&history);
        let complete = |line: &str| {
            let (at, pairs) = completer.complete(line, line.len(), &context).unwrap();
            (at, pairs.into_iter().map(|pair| pair.replacement).collect::<Vec<_>>())
        };
        assert_eq!(complete("se"), (0, vec!["search ".to_owned(), "seats ".to_owned()]));
        assert_eq!(complete("help r"), (5, vec!["reserve ".to_owned()]));
        assert_eq!(complete("search b").1, Vec::<String>::new());
    }
}
