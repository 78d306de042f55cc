//! What happened, in a bounded list, and the part of it that is seen.

use std::collections::VecDeque;

/// Most lines that are kept; the oldest go first.
pub const LOG_LINES_MAX: usize = 1_000;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Who answered what, and how fast.
    Debug,
    /// What was asked and done.
    Info,
    /// What was refused; a server that was of no use.
    Warn,
    /// What nobody answered.
    Error,
}

impl Level {
    /// All of them, from the least.
    pub const ALL: [Level; 4] = [Level::Debug, Level::Info, Level::Warn, Level::Error];

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, in UTC.
    pub at: String,
    /// How much it matters.
    pub level: Level,
    /// What.
    pub text: String,
}

/// Which log is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What this client did since it was started.
    Client,
    /// What this user asked, also earlier, as it is in the user's own log.
    User,
}

/// Both logs, and what is seen of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// What this client did.
    pub client: VecDeque<Line>,
    /// What the user asked; nothing when it was not read yet.
    pub user: Option<Vec<Line>>,
    /// Which one is seen.
    pub source: Source,
    /// Lines that matter less are not shown.
    pub level: Level,
    /// Whether the newest line is always seen.
    pub follows: bool,
    /// How many lines are below what is seen.
    pub below: usize,
    /// How many characters are left of what is seen.
    pub left: usize,
}

impl Default for Log {
    fn default() -> Self {
        let (source, level) = (Source::Client, Level::Info);
        Log { client: VecDeque::new(), user: None, source, level, follows: true, below: 0, left: 0 }
    }
}

impl Log {
    /// One more line of what this client did. Whoever reads older ones keeps them in sight.
    pub fn push(&mut self, line: Line) {
        if self.client.len() == LOG_LINES_MAX {
            self.client.pop_front();
        }
        if !self.follows && self.source == Source::Client && line.level >= self.level {
            self.below += 1;
        }
        self.client.push_back(line);
    }

    /// The lines that matter enough, the oldest first.
    pub fn lines(&self) -> Vec<&Line> {
        let enough = |line: &&Line| line.level >= self.level;
        match self.source {
            Source::Client => self.client.iter().filter(enough).collect(),
            Source::User => self.user.iter().flatten().filter(enough).collect(),
        }
    }

    /// The same, as far as it is seen in so many rows.
    pub fn seen(&self, height: usize) -> Vec<&Line> {
        let lines = self.lines();
        let end = lines.len() - self.below.min(lines.len());
        lines[end.saturating_sub(height)..end].to_vec()
    }

    /// So many lines up, or down. Whoever comes to the end follows again.
    pub fn scroll(&mut self, up: isize, height: usize) {
        let most = self.lines().len().saturating_sub(height);
        self.below = self.below.saturating_add_signed(up).min(most);
        self.follows = self.below == 0;
    }

    /// The newest lines from now on, or no longer.
    pub fn follow(&mut self, follows: bool) {
        self.follows = follows;
        if follows {
            self.below = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize, level: Level) -> Line {
        Line { at: String::new(), level, text: n.to_string() }
    }

    #[test]
    fn the_oldest_lines_go_when_there_are_too_many() {
        let mut log = Log::default();
        (0..LOG_LINES_MAX + 5).for_each(|n| log.push(line(n, Level::Info)));
        assert_eq!((log.client.len(), log.client[0].text.as_str()), (LOG_LINES_MAX, "5"));
    }

    #[test]
    fn whoever_scrolled_up_keeps_the_lines_in_sight_and_follows_again_at_the_end() {
        let mut log = Log::default();
        (0..20).for_each(|n| log.push(line(n, Level::Info)));
        let texts = |log: &Log| log.seen(3).iter().map(|line| line.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&log), ["17", "18", "19"]);
        log.scroll(2, 3);
        assert_eq!((texts(&log), log.follows), (vec!["15".into(), "16".into(), "17".into()], false));
        log.push(line(20, Level::Info));
        log.push(line(21, Level::Debug));
        assert_eq!(texts(&log), ["15", "16", "17"]);
        log.scroll(-100, 3);
        assert_eq!((texts(&log), log.follows), (vec!["18".into(), "19".into(), "20".into()], true));
        log.scroll(1_000, 3);
        assert_eq!(texts(&log), ["0", "1", "2"]);
    }

    #[test]
    fn lines_that_matter_less_are_not_shown() {
        let mut log = Log::default();
        for (n, level) in Level::ALL.into_iter().enumerate() {
            log.push(line(n, level));
        }
        let count = |log: &mut Log, level| {
            log.level = level;
            log.lines().len()
        };
        assert_eq!(Level::ALL.map(|level| count(&mut log, level)), [4, 3, 2, 1]);
    }
}
