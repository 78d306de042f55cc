//! Where words go: data to stdout, everything else to stderr.

#![expect(clippy::disallowed_methods, reason = "what terminals say of themselves is in the environment")]

use super::{args::Format, exit::Exit};
use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// Both outputs, and how people want to have them.
#[derive(Debug)]
pub struct Output {
    /// Sentences or JSON.
    pub format: Format,
    /// Whether colours may be used on stdout.
    pub color: bool,
    /// Whether `-v` was given.
    pub verbose: bool,
    /// Columns of the terminal.
    pub width: usize,
    stdout: Pipe,
}

/// What is known of stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Open,
    /// Its reader has gone (`| head`): nobody wants to hear of it.
    Gone,
    /// It cannot be written, for instance on a full disk.
    Failed,
}

impl Output {
    /// Looks at the terminal and the environment (`NO_COLOR`, `COLUMNS`).
    pub fn new(format: Format, verbose: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let color = io::stdout().is_terminal() && !no_color && !dumb;
        Self { format, color, verbose, width: terminal_width(), stdout: Pipe::Open }
    }

    /// A line (or several) of data.
    pub fn data(&mut self, text: impl Display) {
        if self.stdout != Pipe::Open {
            return;
        }
        let mut stdout = io::stdout().lock();
        if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            self.stdout = match error.kind() {
                io::ErrorKind::BrokenPipe => Pipe::Gone,
                _ => Pipe::Failed,
            };
            if self.stdout == Pipe::Failed {
                note(format_args!("cannot write to stdout: {error}; the answer was: {text}"));
            }
        }
    }

    /// One JSON object on a line of its own, when that format is wanted.
    pub fn json(&mut self, object: &serde_json::Value) {
        if self.format == Format::Json {
            self.data(object);
        }
    }

    /// Data for people, when that format is wanted.
    pub fn text(&mut self, text: impl Display) {
        if self.format == Format::Text {
            self.data(text);
        }
    }

    /// The exit code, once everything is written: an answer that could not be told is not "done".
    pub fn finish(&self, exit: Exit) -> Exit {
        if self.stdout == Pipe::Failed { exit.max(Exit::Unknown) } else { exit }
    }
}

/// A line for people, on stderr. Nobody can be told when that fails.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "client: {text}");
}

/// A line that belongs to the note before it.
pub fn detail(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "  {text}");
}

fn terminal_width() -> usize {
    let from_terminal = || {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
    };
    let from_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
    from_terminal().or_else(from_environment).unwrap_or(80).clamp(20, 1000)
}
