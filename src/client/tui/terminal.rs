//! The terminal, taken over and given back: on every way out, and before a panic says what happened.

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableMouseCapture, EnableMouseCapture},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use std::io::{self, Write};

/// The terminal is ours as long as this lives.
pub struct Taken;

impl Taken {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If it cannot be; then it is as it was.
    pub fn new() -> io::Result<Taken> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        enable_raw_mode()?;
        // From here on the terminal is given back, also if the rest fails.
        let taken = Taken;
        enter(&mut io::stdout())?;
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// May be done twice. Nobody can be told when it fails: the terminal is gone then.
fn give_back() {
    let _ = leave(&mut io::stdout());
    let _ = disable_raw_mode();
}

fn enter(out: &mut impl Write) -> io::Result<()> {
    execute!(out, EnterAlternateScreen, EnableMouseCapture, Hide)
}

fn leave(out: &mut impl Write) -> io::Result<()> {
    execute!(out, DisableMouseCapture, LeaveAlternateScreen, Show)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "waits for another process, with a limit; finds itself in the environment"
)]
mod tests {
    use super::*;
    use std::{
        process::Command,
        time::{Duration, Instant},
    };

    /// Set where the test below runs itself in a terminal.
    const PANIC: &str = "BOXOFFICE_TEST_PANIC";

    #[test]
    fn a_panic_gives_the_terminal_back_and_then_says_what_happened() {
        if std::env::var_os(PANIC).is_some() {
            let _taken = Taken::new().unwrap();
            panic!("so it goes");
        }
        let dir = tempfile::tempdir().unwrap();
        let tmux = |arguments: &[&str]| {
            let mut command = Command::new("tmux");
            command.arg("-S").arg(dir.path().join("tmux")).args(["-f", "/dev/null"]).args(arguments);
            let output = command.env_remove("TMUX").output().expect("tmux is there (ci/prepare installs it)");
            String::from_utf8(output.stdout).unwrap()
        };
        let itself = std::env::current_exe().unwrap();
        let name =
            "client::tui::terminal::tests::a_panic_gives_the_terminal_back_and_then_says_what_happened";
        let script = format!(
            "RUST_BACKTRACE=0 {PANIC}=1 {} --exact {name} --nocapture; stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e echo; \
             echo given back; exec sleep 60",
            itself.display()
        );
        tmux(&["new-session", "-d", "-x", "120", "-y", "40", &script]);
        let began = Instant::now();
        let mut picture = String::new();
        while !picture.contains("given back") && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
            picture = tmux(&["capture-pane", "-p"]);
        }
        let modes = tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}"]);
        tmux(&["kill-server"]);
        assert!(picture.contains("so it goes") && picture.contains("icanon\necho"), "{picture}");
        assert_eq!(modes.trim(), "0 1 0");
    }

    #[test]
    fn whatever_is_switched_on_is_switched_off_again() {
        let (mut on, mut off) = (Vec::new(), Vec::new());
        enter(&mut on).unwrap();
        leave(&mut off).unwrap();
        let modes = |bytes: &[u8], end: char| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let mut modes: Vec<String> = text
                .split("\x1b[?")
                .filter(|mode| mode.ends_with(end))
                .map(|mode| mode.trim_end_matches(end).to_owned())
                .collect();
            modes.sort();
            modes
        };
        // The cursor is hidden with `l` and shown with `h`, the others the other way round.
        assert_eq!((modes(&on, 'l'), modes(&off, 'h')), (vec!["25".to_owned()], vec!["25".to_owned()]));
        assert_eq!(modes(&on, 'h'), modes(&off, 'l'));
        assert!(modes(&on, 'h').contains(&"1049".to_owned()));
    }
}
