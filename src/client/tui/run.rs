//! The terminal, the clock and the tasks: carries out what [`update`] decides.

#![expect(
    clippy::disallowed_methods,
    reason = "the one clock of the screen; what terminals say of themselves"
)]

use super::super::{
    args::Global,
    connection::{Connection, ConnectionOptions, News},
    exchange::{Completion, Failure, Wanted},
    exit::Exit,
    output::note,
    shell::{connection_options, random},
    status, user_log,
};
use super::keeper::Keeper;
use super::log::{LOG_LINES_MAX, Level, Line};
use super::state::*;
use super::terminal::Taken;
use super::update::{Answered, Message, update};
use super::view;
use super::watching::watch;
use crate::{audit::record::AuditResult, auth, config::ClusterConfig, domain::events::ids::Actor};
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use ratatui::{Terminal, backend::CrosstermBackend};
use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufWriter, IsTerminal as _},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{self, Receiver, Sender, error::TrySendError},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

/// How often spinners turn and countdowns count.
const TICK: Duration = Duration::from_millis(100);
/// Requests that may have no answer yet. One more is not sent, and ends as "not executed".
const REQUESTS_MAX: usize = 64;
/// Things that may wait to be told. One more trouble is left out: the next one says the same.
const NEWS_MAX: usize = 256;

/// What the screen is made of.
pub struct Options {
    /// The cluster.
    pub config: Arc<ClusterConfig>,
    /// What applies to every command.
    pub global: Global,
    /// Whether colours may be used.
    pub color: bool,
}

/// Shows the screen until somebody leaves it, or a signal says so.
pub async fn run(options: Options) -> Exit {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        note("tui needs a terminal for its input and its output; nothing was sent");
        return Exit::Usage;
    }
    if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        note(
            "tui needs a terminal with a cursor that can be moved (TERM says there is none); nothing was sent",
        );
        return Exit::Usage;
    }
    let result = match Taken::new() {
        Ok(taken) => {
            let mut keeper = Keeper::new();
            let result = show(options, &mut keeper).await;
            // The disk may be slow: the terminal does not wait for it.
            drop(taken);
            keeper.finish().await;
            result
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(Left { is_unknown: true, .. }) => {
            note("a request had no answer yet: it may have been executed");
            Exit::Unknown
        }
        Ok(Left { failed: Some((words, is_denied)), .. }) => {
            note(words);
            if is_denied { Exit::NotAllowed } else { Exit::Unknown }
        }
        Ok(Left { .. }) => Exit::Done,
        Err(error) => {
            note(format_args!("the terminal cannot be used: {error}"));
            Exit::Unknown
        }
    }
}

/// How the screen was left.
struct Left {
    /// While a command had no answer.
    is_unknown: bool,
    /// Before anything could be shown: why, and whether that was because of who asked.
    failed: Option<(String, bool)>,
}

/// What carries out effects.
struct Hands<'a> {
    config: Arc<ClusterConfig>,
    token: Option<String>,
    requests: Sender<(u64, Wanted)>,
    /// Status and logs that are being read.
    errands: JoinSet<Message>,
    /// What the servers say to each other is asked for here while somebody looks.
    watching: JoinSet<()>,
    news: Sender<Message>,
    /// Writes what was asked into the user's log.
    keeper: &'a mut Keeper,
    /// What is known at once.
    inbox: VecDeque<Message>,
}

async fn show(options: Options, keeper: &mut Keeper) -> io::Result<Left> {
    let Options { config, global, color } = options;
    let began = Instant::now();
    let now = || Now {
        ms: began.elapsed().as_millis() as u64,
        wall_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
    };
    let mut terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout())))?;
    let mut state = State::new(setting(&config, &global, color, crossterm::terminal::size()?));
    let (news, mut told) = mpsc::channel(NEWS_MAX);
    let (requests, wanted) = mpsc::channel(REQUESTS_MAX);
    // Ends with this function: what it asked is over then.
    let mut talker = JoinSet::new();
    let connection = connection(&config, &global, news.clone());
    talker.spawn(talk(connection, wanted, news.clone()));
    let (errands, watching, inbox) = (JoinSet::new(), JoinSet::new(), VecDeque::new());
    let mut hands = Hands { config, token: global.token, requests, errands, watching, news, keeper, inbox };
    let mut keys = EventStream::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut signals =
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    hands.inbox.push_back(Message::Started(configured(&hands.config)));
    let left = loop {
        if let Some(is_unknown) = hands.work(&mut state, now()) {
            break is_unknown;
        }
        terminal.draw(|frame| view::draw(&state, frame.buffer_mut()))?;
        let message = tokio::select! {
            key = keys.next() => match key {
                Some(Ok(Event::Key(key))) => Message::Key(key),
                Some(Ok(Event::Mouse(mouse))) => Message::Mouse(mouse),
                Some(Ok(Event::Resize(width, height))) => Message::Resized(width, height),
                Some(Ok(Event::FocusGained | Event::FocusLost | Event::Paste(_))) => continue,
                // The terminal is gone.
                Some(Err(_)) | None => break state.waiting.is_some(),
            },
            Some(message) = told.recv() => message,
            Some(errand) = hands.errands.join_next() => match errand {
                Ok(message) => message,
                Err(panicked) => return Err(io::Error::other(panicked)),
            },
            Some(ended) = talker.join_next() => {
                let reason = ended.err().map_or_else(|| "the connection's task has ended".to_owned(), |e| e.to_string());
                return Err(io::Error::other(reason));
            }
            _ = ticks.tick() => Message::Tick,
            () = any(&mut signals) => break state.waiting.is_some(),
        };
        hands.inbox.push_back(message);
    };
    let Loading { failed, is_denied, .. } = state.loading;
    Ok(Left { is_unknown: left, failed: failed.map(|words| (words, is_denied)) })
}

/// What is known before anything has happened.
fn setting(config: &ClusterConfig, global: &Global, color: bool, size: (u16, u16)) -> Setting {
    let proved = global.token.as_deref().and_then(auth::subject).map(Actor::User);
    Setting {
        cluster: config.cluster.clone(),
        servers: config.servers.iter().map(|server| server.id).collect(),
        hold_ms: config.holds.seconds * 1_000,
        deadline_ms: global.deadline.as_millis() as u64,
        is_proved: proved.is_some() && global.acting.is_none(),
        who: global.acting.clone().or(proved),
        color,
        size,
        seed: random(),
    }
}

fn configured(config: &ClusterConfig) -> String {
    format!("{}: {} servers, {} seats", config.cluster, config.servers.len(), config.seats)
}

impl Hands<'_> {
    /// Takes all messages and does what follows; whether a command was under way when that meant to leave.
    fn work(&mut self, state: &mut State, now: Now) -> Option<bool> {
        while let Some(message) = self.inbox.pop_front() {
            if let Message::Answered(number, answered) = &message {
                self.keeper.answered(*number, answered);
            }
            for effect in update(state, now, message) {
                match effect {
                    Effect::Ask(number, wanted) => self.ask(number, wanted),
                    Effect::AskStatus => {
                        let config = self.config.clone();
                        self.errands.spawn(async move {
                            let replies = status::ask_all(&config).await;
                            Message::Status(status::Overview::merge(&config, &replies))
                        });
                    }
                    // The tasks of before end here.
                    Effect::Watch(None) => self.watching = JoinSet::new(),
                    Effect::Watch(Some(number)) => {
                        self.watching = watch(&self.config, self.token.as_deref(), number, &self.news);
                    }
                    Effect::ReadUserLog(who) => {
                        self.errands.spawn_blocking(move || Message::UserLog(user_lines(&who)));
                    }
                    Effect::Leave { is_unknown } => return Some(is_unknown),
                }
            }
        }
        None
    }

    fn ask(&mut self, number: u64, wanted: Wanted) {
        self.keeper.asked(number, &wanted);
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = self.requests.try_send((number, wanted))
        {
            let result = Err(Failure::NotExecuted);
            let answered = Answered { result, server: 0, took_ms: 0, tries: 0 };
            self.inbox.push_back(Message::Answered(number, answered));
        }
    }
}

fn connection(config: &Arc<ClusterConfig>, global: &Global, news: Sender<Message>) -> Connection {
    let ids: Vec<u8> = config.servers.iter().map(|server| server.id).collect();
    let listener = move |heard: News<'_>| {
        let message = match heard {
            News::Trouble(trouble) => Message::Trouble(ids[trouble.server], trouble.reason.clone()),
            News::NobodyAnswers => Message::NobodyAnswers,
        };
        // Left out when too many wait.
        let _ = news.try_send(message);
    };
    let options = ConnectionOptions { listener: Box::new(listener), ..connection_options(config, global, 0) };
    Connection::new(options)
}

/// Owns the connection: takes requests, tells how they end. Ends when nobody asks any more.
async fn talk(mut connection: Connection, mut wanted: Receiver<(u64, Wanted)>, told: Sender<Message>) {
    let mut numbers: BTreeMap<u64, u64> = BTreeMap::new();
    loop {
        // Not those of the connection: several answers of one read have ended there, and only one is told at a time.
        let waiting = numbers.len();
        let done = tokio::select! {
            // A request that comes in ends a dial half-way, which begins anew: requests come a second apart.
            request = wanted.recv(), if waiting < REQUESTS_MAX => {
                let Some((number, wanted)) = request else { return };
                if waiting == 0 {
                    connection.drop_closed_link().await;
                }
                numbers.insert(connection.submit(wanted), number);
                continue;
            }
            done = connection.next(), if waiting > 0 => done,
        };
        let Some(Completion { ticket, result, server, tries, took, .. }) = done else { continue };
        let Some(number) = numbers.remove(&ticket) else { continue };
        let (server, took_ms) = (connection.server_id(server), took.as_millis() as u64);
        let answered = Answered { result, server, took_ms, tries };
        if told.send(Message::Answered(number, answered)).await.is_err() {
            return;
        }
    }
}

/// What this person asked, as lines for the screen.
fn user_lines(who: &str) -> Result<Vec<Line>, String> {
    let records = user_log::tail(who, LOG_LINES_MAX)?;
    let line = |record: crate::audit::record::AuditRecord| {
        let level = match record.result {
            AuditResult::Done => Level::Info,
            AuditResult::Failed => Level::Warn,
            AuditResult::Unknown => Level::Error,
        };
        let at = record.at.get(..19).unwrap_or_default().replace('T', " ");
        let answer: String = record.answer.replace('\n', "; ").chars().take(WORDS_MAX).collect();
        Line { at, level, text: format!("{}: {answer}", record.request) }
    };
    Ok(records.into_iter().map(line).collect())
}

async fn any(signals: &mut [Signal; 3]) {
    let [a, b, c] = signals;
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
        _ = c.recv() => {}
    }
}
