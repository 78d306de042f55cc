//! What a message changes, and what is to be done about it. Pure: time is a part of the message, what is to be
//! done is a list of [`Effect`]s.
//!
//! No rule of selling is here: what may be booked is decided by the servers, whose words are shown. What is here
//! is which question stands for which key, and what becomes of the answer.

mod answers;
mod events;
mod keys;
mod overlay;
mod seats;

pub use events::loaded;
pub use seats::brief;

use super::super::status::Overview;
use super::grid::Grid;
use super::log::{LOG_LINES_MAX, Level, Line, Source};
use super::state::*;
use super::watch::Silence;
use crate::client::diagram::tail::Taken;
use crate::client::exchange::{Failure, Wanted};
use crate::{
    api::wire::ServerReply,
    domain::{command::Query, events::words::Time},
};
use crossterm::event::{KeyEvent, MouseEvent};

/// The screen asks anew so long after it asked last.
const POLL_MS: u64 = 1_000;
/// The servers are asked how they are so often where that is not what is looked at.
const STATUS_MS: u64 = 5_000;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// The program has begun; says what the configuration came to.
    Started(String),
    /// Time passes.
    Tick,
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// The window has another size.
    Resized(u16, u16),
    /// A request has ended.
    Answered(u64, Answered),
    /// A server was of no use, for this reason; the next one is asked.
    Trouble(u8, String),
    /// A whole round of servers was of no use.
    NobodyAnswers,
    /// How the servers are.
    Status(Overview),
    /// What a server says to the others, or why it does not tell.
    Told {
        /// Which time of asking this belongs to.
        number: u64,
        /// Who told.
        server: u8,
        /// What.
        result: Result<Taken, Silence>,
    },
    /// The user's own log, or why it cannot be read.
    UserLog(Result<Vec<Line>, String>),
}

/// How a request ended.
#[derive(Debug)]
pub struct Answered {
    /// The answer, or what is known instead.
    pub result: Result<ServerReply, Failure>,
    /// Who answered, by id.
    pub server: u8,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How often it was sent.
    pub tries: u32,
}

/// Takes a message.
pub fn update(state: &mut State, now: Now, message: Message) -> Vec<Effect> {
    state.now = now;
    let mut effects = Vec::new();
    match message {
        Message::Started(words) => start(state, words, &mut effects),
        Message::Tick => tick(state, &mut effects),
        Message::Key(key) => keys::press(state, key, &mut effects),
        Message::Mouse(mouse) => keys::mouse(state, mouse, &mut effects),
        Message::Resized(width, height) => state.size = (width, height),
        Message::Answered(number, answered) => answers::take(state, number, answered, &mut effects),
        Message::Trouble(server, reason) => {
            state.note(Level::Warn, format!("server {server}: {reason}"));
            if state.server == Some(server) {
                let words = format!("Server {server}: {reason}; another one is asked.");
                state.notice = Some((words, state.now.ms + NOTICE_MS));
            }
            state.troubles.insert(server, reason);
        }
        Message::NobodyAnswers => nobody_answers(state),
        Message::Status(overview) => status(state, overview, &mut effects),
        // What comes after the screen was left is not kept.
        Message::Told { number, .. } if state.screen != Screen::Diagram || number != state.watch.number => {}
        Message::Told { server, result: Ok(taken), .. } => state.watch.take(server, taken),
        Message::Told { server, result: Err(silence), .. } => state.watch.silence(server, silence),
        Message::UserLog(Ok(mut lines)) => {
            lines.drain(..lines.len().saturating_sub(LOG_LINES_MAX));
            state.log.user = Some(lines);
        }
        Message::UserLog(Err(words)) => {
            state.log.user = Some(Vec::new());
            state.say(Tone::Info, words);
        }
    }
    settle(state);
    events::want_more(state, &mut effects);
    effects
}

/// Reading the configuration is done; the rest begins. Also begins it again after a failure.
fn start(state: &mut State, words: String, effects: &mut Vec<Effect>) {
    state.note(Level::Info, words.clone());
    state.loading = Loading { done: vec![words], since_ms: state.now.ms, ..Loading::default() };
    ask(state, Purpose::Connect, Wanted::Query(Query::Seats), effects);
}

/// Asks for something.
fn ask(state: &mut State, purpose: Purpose, wanted: Wanted, effects: &mut Vec<Effect>) {
    state.last_number += 1;
    state.asked.insert(state.last_number, purpose);
    effects.push(Effect::Ask(state.last_number, wanted));
}

/// Asks for something that people wait for. One at a time: it is seen what came of the last one first.
fn command(state: &mut State, words: String, wanted: Wanted, effects: &mut Vec<Effect>) {
    if state.waiting.is_some() {
        return state.say(Tone::Info, "The last request has no answer yet.");
    }
    state.note(Level::Info, words.clone());
    state.message = None;
    state.waiting = Some(Waiting { words, since_ms: state.now.ms, nobody: false });
    ask(state, Purpose::Command, wanted, effects);
}

fn tick(state: &mut State, effects: &mut Vec<Effect>) {
    if state.notice.as_ref().is_some_and(|(_, until_ms)| *until_ms <= state.now.ms) {
        state.notice = None;
    }
    if state.screen == Screen::Loading {
        return;
    }
    let every_ms = match state.screen {
        Screen::Cluster | Screen::Menu => POLL_MS,
        Screen::Loading
        | Screen::Diagram
        | Screen::Events
        | Screen::Seats
        | Screen::Bookings
        | Screen::AddEvent
        | Screen::Logs => STATUS_MS,
    };
    if !state.is_status_asked && state.now.ms >= state.status_ms + every_ms {
        ask_status(state, effects);
    }
    // The menu shows next to nothing of the servers', and servers write down every question.
    let every_ms = if state.screen == Screen::Menu { STATUS_MS } else { POLL_MS };
    if state.now.ms >= state.polled_ms + every_ms {
        poll(state, effects);
    }
}

fn ask_status(state: &mut State, effects: &mut Vec<Effect>) {
    state.is_status_asked = true;
    state.status_ms = state.now.ms;
    effects.push(Effect::AskStatus);
}

/// Asks anew for what is seen, unless that was asked and not answered yet.
fn poll(state: &mut State, effects: &mut Vec<Effect>) {
    if state.asked.values().any(|purpose| *purpose != Purpose::Command) {
        return;
    }
    state.polled_ms = state.now.ms;
    match state.screen {
        Screen::Events => events::refresh(state, effects),
        Screen::Seats => seats::refresh(state, effects),
        Screen::Bookings => events::refresh_bookings(state, effects),
        // Nothing is shown that the servers could change; asked so that a server that stopped is noticed.
        Screen::Menu => ask(state, Purpose::Theatre, Wanted::Query(Query::Seats), effects),
        Screen::Logs if state.log.source == Source::User && state.log.follows => {
            effects.push(Effect::ReadUserLog(state.log_name()));
        }
        Screen::Loading | Screen::AddEvent | Screen::Cluster | Screen::Diagram | Screen::Logs => {}
    }
}

/// Asks anew for what is seen at once, whatever was asked before something changed.
fn poll_now(state: &mut State, effects: &mut Vec<Effect>) {
    state.asked.retain(|_, purpose| *purpose == Purpose::Command);
    poll(state, effects);
}

fn status(state: &mut State, overview: Overview, effects: &mut Vec<Effect>) {
    state.is_status_asked = false;
    if state.screen == Screen::Loading && state.loading.done.len() == 2 {
        state.loading.done.push(overview.headline());
        state.loading.since_ms = state.now.ms;
        events::load(state, effects);
    }
    state.overview = Some(overview);
}

fn nobody_answers(state: &mut State) {
    state.note_new(Level::Warn, "no server could help yet");
    if let Some(waiting) = &mut state.waiting {
        waiting.nobody = true;
    }
    let words = format!("No server could help yet; trying on for at most {} s.", state.deadline_ms / 1_000);
    state.notice = Some((words, state.now.ms + NOTICE_MS));
}

/// Goes to a screen.
fn go(state: &mut State, screen: Screen, effects: &mut Vec<Effect>) {
    if state.screen == Screen::Diagram {
        state.watch.close();
        effects.push(Effect::Watch(None));
    }
    state.screen = screen;
    if screen == Screen::Diagram {
        state.watch.open();
        effects.push(Effect::Watch(Some(state.watch.number)));
    }
    if screen == Screen::Cluster && !state.is_status_asked {
        ask_status(state, effects);
    }
    poll_now(state, effects);
}

/// Keeps every cursor where something is, whatever has changed.
fn settle(state: &mut State) {
    let (_, height) = state.size;
    let rows = super::view::list_height(height);
    state.events.place.settle(state.events.rows.len(), rows);
    let bookings = state.bookings.rows().count();
    state.bookings.place.settle(bookings, rows);
    if state.screen == Screen::Diagram {
        state.watch.tick(state.now.ms, super::view::diagram_height(height));
    }
    state.menu = state.menu.min(state.entries().len() - 1);
    if let Some(seats) = &mut state.seats
        && let Some(map) = &seats.map
    {
        seats.cursor = seats.cursor.clamp(1, map.capacity.max(1));
        seats.first_row = Grid::new(state.size, map.capacity).scrolled(seats.first_row, seats.cursor);
    }
}

impl State {
    /// One more line of what this client did.
    pub fn note(&mut self, level: Level, text: impl Into<String>) {
        // Only the time of the day: nobody looks at one screen for days.
        let at = Time(self.now.wall_ms).to_string();
        let at = at.get(11..19).unwrap_or_default().to_owned();
        self.log.push(Line { at, level, text: short(text.into()) });
    }

    /// The same, unless it is what the last line says: what is asked each second is not told each second.
    pub fn note_new(&mut self, level: Level, text: impl Into<String>) {
        let text = short(text.into());
        if self.log.client.back().is_none_or(|line| line.text != text) {
            self.note(level, text);
        }
    }

    /// The line below the screen.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some((tone, short(text.into())));
    }

    /// Whose log is meant by "mine".
    pub fn log_name(&self) -> String {
        self.who.as_ref().map_or_else(String::new, ToString::to_string)
    }
}

/// The answer that names a million seats, on one line, cut.
fn short(text: String) -> String {
    let text = text.replace('\n', "; ");
    match text.char_indices().nth(WORDS_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
