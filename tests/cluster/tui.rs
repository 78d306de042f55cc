//! The screen in a real terminal (tmux), against real servers, with the keyboard alone.

use crate::harness::{Cluster, until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A terminal in which the screen was started. Ends with it.
struct Terminal {
    dir: PathBuf,
    /// No other terminal of this program has it: one that ends takes its time.
    number: u32,
}

static TERMINALS: AtomicU32 = AtomicU32::new(0);

impl Terminal {
    /// Starts `client tui` with these arguments before it, and then says how it ended and what the terminal is like.
    fn start(cluster: &Cluster, (width, height): (u16, u16), arguments: &str) -> Terminal {
        let dir = cluster.dir.path().to_owned();
        let terminal = Terminal { dir, number: TERMINALS.fetch_add(1, Ordering::Relaxed) };
        // The shell becomes the client, so that its number is the client's.
        let script = format!(
            "sh -c 'echo $$ >{pid}; exec {client} --config {config} {arguments} tui'; echo \"ended with $?\"; \
             stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e echo -e isig | tr '\\n' ' '; exec sleep 600",
            pid = terminal.pid_file().display(),
            client = assert_cmd::cargo::cargo_bin!("client").display(),
            config = cluster.config.display(),
        );
        let size = (width.to_string(), height.to_string());
        terminal.tmux(&["new-session", "-d", "-x", &size.0, "-y", &size.1, &script]);
        terminal
    }

    fn pid_file(&self) -> PathBuf {
        self.dir.join(format!("tui{}.pid", self.number))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        // A server of its own, which reads nobody's settings.
        command.arg("-S").arg(self.dir.join(format!("tmux{}", self.number))).args(["-u", "-f", "/dev/null"]);
        command.env("HOME", &self.dir).env_remove("TMUX").env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8");
        for name in ["BOXOFFICE_CONFIG", "BOXOFFICE_AS", "BOXOFFICE_TOKEN", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        command
    }

    #[track_caller]
    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().expect("tmux is there (ci/prepare installs it)");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys, as tmux calls them.
    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn picture(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until all of this is seen.
    #[track_caller]
    fn shows(&self, texts: &[&str]) -> String {
        let seen = std::cell::RefCell::new(String::new());
        let all = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("the screen shows it", || {
                *seen.borrow_mut() = self.picture();
                texts.iter().all(|text| seen.borrow().contains(text)).then(|| seen.borrow().clone())
            })
        }));
        all.unwrap_or_else(|_| panic!("{texts:?} is not seen, but\n{}", seen.borrow()))
    }

    /// Waits until the screen was left with this code and everything is as it was before.
    #[track_caller]
    fn is_restored(&self, code: i32) {
        let picture = self.shows(&[&format!("ended with {code}"), "isig icanon echo"]);
        assert!(!picture.contains("boxoffice") && !picture.contains("Esc back"), "{picture}");
        let format = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}";
        assert_eq!(self.tmux(&["display-message", "-p", format]).trim(), "0 1 0");
    }

    fn signal(&self, signal: Signal) {
        let pid = fs::read_to_string(self.pid_file()).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").output();
    }
}

/// The server that the title names.
fn server_of(picture: &str) -> u8 {
    let title = picture.lines().next().unwrap();
    let at = title.find("server ").unwrap_or_else(|| panic!("no server in {title:?}"));
    title[at + 7..].trim().parse().unwrap()
}

#[test]
fn seats_are_booked_with_the_keyboard_alone_and_another_server_goes_on() {
    let mut cluster = Cluster::started(3, "");
    let terminal = Terminal::start(&cluster, (80, 24), "");
    terminal.shows(&["> 1 Events", "3 of 3 servers ready", "nobody yet"]);
    terminal.keys(&["Enter"]);
    terminal.shows(&["> The theatre", "100 / 100"]);
    terminal.keys(&["Enter"]);
    terminal.shows(&["The theatre: 100 of 100 seats are free.", "1 [.]"]);
    terminal.keys(&["Space", "Right", "Space"]);
    terminal.shows(&["Picked: 1,2."]);
    terminal.keys(&["Enter"]);
    terminal.shows(&["Who are you?"]);
    terminal.keys(&["b", "o", "b", "Enter"]);
    let picture =
        terminal.shows(&["+ The seats have been reserved for bob: 1,2.", "Yours: 1,2.", "1  @ [@]"]);

    // Others are watched.
    let first = server_of(&picture);
    let other = (1..=3).find(|&id| id != first).unwrap();
    cluster.reserve(&[other], "ann", 3);
    terminal.shows(&["1  @ [@] #  #  #  ."]);

    cluster.stop(first);
    let picture = terminal.shows(&["goes on: server"]);
    let second = server_of(&picture);
    assert_ne!(second, first);
    assert!(
        picture.contains(&format!("Server {second} goes on: server {first} does not answer")),
        "{picture}"
    );

    terminal.keys(&["x"]);
    terminal.shows(&["Give your seats of the theatre back?"]);
    terminal.keys(&["y"]);
    terminal.shows(&["+ 2 seats have been released. 97 seats are now available."]);
    terminal.keys(&["n"]);
    terminal.shows(&["How many seats?"]);
    terminal.keys(&["4", "Enter"]);
    terminal.shows(&["+ The seats have been reserved for bob: 6,7,8,9.", "Yours: 6-9."]);
    assert_eq!(cluster.search(second, "bob"), [6, 7, 8, 9]);

    terminal.keys(&["q"]);
    terminal.is_restored(0);
}

#[test]
fn a_manager_adds_an_event_and_holds_seats_of_it() {
    let cluster = Cluster::started(1, "holds: {seconds: 60}\n");
    let terminal = Terminal::start(&cluster, (120, 40), "--as TORM2345");
    terminal.shows(&["3 Add event"]);
    terminal.keys(&["3"]);
    terminal.shows(&["> kind"]);
    terminal.keys(&["-l", "Seminars"]);
    terminal.keys(&["Tab", "1", "2", "Tab"]);
    terminal.keys(&["-l", "TORM100519"]);
    terminal.keys(&["Enter"]);
    terminal.shows(&["+ TORM100519 (Seminars) has been added with 12 seats."]);
    terminal.keys(&["Escape"]);
    terminal.shows(&["> 3 Add event"]);
    terminal.keys(&["1"]);
    terminal.shows(&["> The theatre", "12 / "]);
    terminal.keys(&["Down", "Enter"]);
    terminal.shows(&["TORM100519 (Seminars): 12 of 12 seats are free."]);
    terminal.keys(&["Space", "h"]);
    terminal.shows(&["+ The seats are held for TORM2345", "Held for you: 1 (0:5", "[+]"]);
    terminal.keys(&["Enter"]);
    terminal.shows(&["The seats have been reserved for TORM2345 at TORM100519 (Seminars): 1.", "Yours: 1."]);
    terminal.keys(&["C-c"]);
    terminal.is_restored(0);
}

#[test]
fn the_diagram_shows_the_algorithm_at_work_and_goes_on_when_a_server_stops_and_returns() {
    let mut cluster = Cluster::started(3, "");
    let terminal = Terminal::start(&cluster, (80, 24), "");
    terminal.shows(&["> 1 Events"]);
    terminal.keys(&["3"]);
    terminal.shows(&["3 of 3 servers ready", "d what they say"]);
    terminal.keys(&["d"]);
    terminal.shows(&["Diagram", "following", "Nothing is said at present"]);
    cluster.reserve(&[2], "bob", 2);
    // Server 2 asked, so it was its turn; the others do the same after it.
    let picture =
        terminal.shows(&["server 1 ", "[## 1: 1 command ##]", "[== 1: 1 command ==]", "release .."]);
    for words in ["request ", "reply .."] {
        assert!(picture.contains(words), "{picture}");
    }
    terminal.tmux(&["resize-window", "-x", "120", "-y", "40"]);
    terminal.shows(&["[## 1: 1 command ##]"]);

    cluster.kill(3);
    terminal.shows(&["Server 3 does not answer", "! suspects 3", " of 1,2 ="]);
    cluster.start(3);
    cluster.wait_ready(&[1, 2, 3]);
    terminal.shows(&[" of 1,2,3 ="]);
    until("the server answers again", || (!terminal.picture().contains("does not answer")).then_some(()));
    terminal.keys(&["v", "v"]);
    terminal.shows(&["Shown: views", " of 1,2,3 ="]);
    terminal.keys(&["Escape"]);
    terminal.shows(&["Last seen in the critical section: server 2,"]);
    terminal.keys(&["d"]);
    terminal.shows(&["Diagram"]);
    terminal.signal(Signal::TERM);
    terminal.is_restored(0);
}

#[test]
fn signals_and_dead_clusters_leave_the_terminal_as_it_was() {
    let mut cluster = Cluster::started(1, "");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let terminal = Terminal::start(&cluster, (80, 24), "");
        terminal.shows(&["> 1 Events"]);
        terminal.signal(signal);
        terminal.is_restored(0);
    }
    cluster.kill(1);
    let terminal = Terminal::start(&cluster, (80, 24), "--deadline 1");
    terminal.shows(&["[!] connect to a server", "Connection refused", "r try again"]);
    cluster.start(1);
    cluster.wait_ready(&[1]);
    terminal.keys(&["r"]);
    terminal.shows(&["> 1 Events"]);
    terminal.tmux(&["resize-window", "-x", "30", "-y", "10"]);
    terminal.shows(&["30x10 is too small"]);
    terminal.tmux(&["resize-window", "-x", "100", "-y", "30"]);
    terminal.shows(&["> 1 Events"]);
    terminal.keys(&["q"]);
    terminal.is_restored(0);
}
