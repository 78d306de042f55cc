//! What the screen knows: plain data. Whatever changes it is in [`update`](super::update), whatever shows it in
//! [`view`](super::view).

use super::super::{exchange::Wanted, status::Overview};
use super::input::{Form, Overlay};
use super::log::Log;
use super::watch::Watch;
use crate::domain::{
    events::{
        answer::{EventView, Notice},
        calendar::Date,
        command::Filter,
        ids::{Actor, EventKey, Role},
        tickets::TicketStem,
    },
    ids::Name,
    outcome::SeatMap,
    runs::SeatRuns,
};
use std::collections::{BTreeMap, BTreeSet};

/// Events of one page of the list.
pub const EVENTS_PAGE: u32 = 100;
/// Most events that are kept; with more, a filter has to find them.
pub const EVENTS_MAX: usize = 5_000;
/// Entries of a schedule that are asked for.
pub const SCHEDULE_LEN: u32 = 1_000;
/// Most characters of an answer that are shown and kept.
pub const WORDS_MAX: usize = 2_000;
/// How long it is said that another server goes on, in milliseconds.
pub const NOTICE_MS: u64 = 12_000;

/// What the clocks say: time is an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since the program was started.
    pub ms: u64,
    /// Since 1970, as this machine has it.
    pub wall_ms: u64,
}

/// What seats are sold of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hall {
    /// The classic theatre.
    Theatre,
    /// An event.
    Event(EventKey),
}

impl std::fmt::Display for Hall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Hall::Theatre => f.write_str("the theatre"),
            Hall::Event(event) => event.fmt(f),
        }
    }
}

/// One of the screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Until the cluster has answered.
    Loading,
    /// Where to go.
    Menu,
    /// What is sold.
    Events,
    /// The seats of one of them.
    Seats,
    /// What one has.
    Bookings,
    /// A form for managers.
    AddEvent,
    /// The servers.
    Cluster,
    /// What they say to each other.
    Diagram,
    /// What happened.
    Logs,
}

/// What has to be done before anything can be sold, in this order.
pub const STEPS: [&str; 4] =
    ["read the configuration", "connect to a server", "ask all servers how they are", "load the events"];

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// What each step that is done came to.
    pub done: Vec<String>,
    /// Why it does not go on.
    pub failed: Option<String>,
    /// Whether that is because of who asks.
    pub is_denied: bool,
    /// When the step was begun that is under way.
    pub since_ms: u64,
}

/// An entry of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// To [`Screen::Events`].
    Events,
    /// To [`Screen::Bookings`].
    Bookings,
    /// To [`Screen::AddEvent`].
    AddEvent,
    /// To [`Screen::Cluster`].
    Cluster,
    /// To [`Screen::Logs`].
    Logs,
    /// Leaves.
    Quit,
}

/// A row of a list that is chosen, and the first one that is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The chosen one.
    pub at: usize,
    /// The first that is seen.
    pub first: usize,
}

impl Place {
    /// Within a list of so many rows, of which so many are seen.
    pub fn settle(&mut self, len: usize, height: usize) {
        let height = height.max(1);
        self.at = self.at.min(len.saturating_sub(1));
        self.first = self.first.min(self.at).max((self.at + 1).saturating_sub(height));
        self.first = self.first.min(len.saturating_sub(height));
    }

    /// So many rows on, or back.
    pub fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by);
    }
}

/// A part of the list of events, as a server gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it comes after.
    pub after: Option<EventKey>,
    /// Its events.
    pub events: Vec<EventView>,
}

/// The list of events, as far as it is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventList {
    /// In order.
    pub pages: Vec<Page>,
    /// Where the next page begins; nothing when all are here.
    pub more: Option<EventKey>,
    /// What was typed to find events.
    pub filter: String,
    /// What the servers filter by.
    pub asked: Filter,
    /// What this client filters by, in small letters.
    pub words: Vec<String>,
    /// What is shown: the theatre, or the place of an event in the pages.
    pub rows: Vec<Option<(usize, usize)>>,
    /// The chosen row.
    pub place: Place,
    /// The event that was chosen, while the page that has it now is not loaded.
    pub sought: Option<EventKey>,
    /// Counts filters, so that pages of an old one are not taken for the new one's.
    pub generation: u64,
}

/// What somebody has of one hall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mine {
    /// Not asked yet.
    NotKnown,
    /// Nothing.
    Nothing,
    /// A booking.
    Booked {
        /// Which seats.
        seats: SeatRuns,
        /// Of their tickets; the theatre has none.
        stem: Option<TicketStem>,
    },
    /// Seats that are set aside.
    Held {
        /// Which.
        seats: SeatRuns,
        /// Until when, in the state's own time.
        until_ms: u64,
        /// Whether it cannot be extended any more.
        extended: bool,
    },
    /// A place on the waiting list.
    Waits {
        /// For so many seats.
        count: u32,
        /// How many are served first, plus one.
        place: u32,
    },
}

/// The seats of one hall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats {
    /// Where.
    pub hall: Hall,
    /// The event, as it was listed.
    pub view: Option<EventView>,
    /// Which seats are free.
    pub map: Option<SeatMap>,
    /// Why there is no map.
    pub refused: Option<String>,
    /// What is one's own.
    pub mine: Mine,
    /// The seat under the cursor, from 1.
    pub cursor: u32,
    /// Seats that are picked.
    pub picked: BTreeSet<u32>,
    /// The first row that is seen.
    pub first_row: u32,
    /// Where Esc leads.
    pub back: Screen,
}

impl Seats {
    /// Nothing is known yet.
    pub fn of(hall: Hall, view: Option<EventView>, back: Screen) -> Seats {
        let (map, refused, mine) = (None, None, Mine::NotKnown);
        Seats { hall, view, map, refused, mine, cursor: 1, picked: BTreeSet::new(), first_row: 0, back }
    }
}

/// Something that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Booking {
    /// A booking, a hold or a place.
    Has {
        /// Where.
        hall: Hall,
        /// On which day; the theatre has none.
        date: Option<Date>,
        /// What.
        mine: Mine,
    },
    /// The organiser removed the event.
    Gone(Notice),
}

/// What one has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookings {
    /// Of the theatre; nothing when it was not answered yet.
    pub theatre: Option<Vec<Booking>>,
    /// Of events; likewise.
    pub events: Option<Vec<Booking>>,
    /// Whether there is more than was asked for.
    pub more: bool,
    /// Why it is not told.
    pub refused: Option<String>,
    /// The chosen row.
    pub place: Place,
    /// Whether each part was told or refused since the screen was opened. Rows that are shown one part after the other
    /// would move away from under the cursor.
    pub is_told: bool,
    /// Whether the chosen row went away, and no other was chosen since: no key acts on what moved to its place.
    pub is_lost: bool,
}

impl Booking {
    /// Whether both are about the same: seats that were held and are booked now are.
    fn is_same(&self, other: &Booking) -> bool {
        match (self, other) {
            (Booking::Has { hall, .. }, Booking::Has { hall: other, .. }) => hall == other,
            (Booking::Gone(notice), Booking::Gone(other)) => notice == other,
            (Booking::Has { .. }, Booking::Gone(_)) | (Booking::Gone(_), Booking::Has { .. }) => false,
        }
    }
}

impl Bookings {
    /// All rows; none before there is no more to wait for.
    pub fn rows(&self) -> impl Iterator<Item = &Booking> {
        self.theatre.iter().chain(&self.events).flatten().filter(|_| self.is_told)
    }

    /// A part of it is not told.
    pub fn refuse(&mut self, words: String) {
        self.refused = Some(words);
        self.is_told = true;
    }

    /// The chosen row.
    pub fn chosen(&self) -> Option<&Booking> {
        self.rows().nth(self.place.at).filter(|_| !self.is_lost)
    }

    /// Puts the cursor where the row is now that was chosen before.
    pub fn follow(&mut self, before: &Booking) {
        let at = self.rows().position(|row| row.is_same(before));
        match at {
            Some(at) => self.place.at = at,
            None => self.is_lost = true,
        }
    }

    /// Whether nothing is had of a hall any more, as far as is told.
    pub fn is_gone(&self, hall: &Hall) -> bool {
        let rows = if *hall == Hall::Theatre { &self.theatre } else { &self.events };
        let is_it = |row: &Booking| matches!(row, Booking::Has { hall: other, .. } if other == hall);
        !self.more && rows.as_ref().is_some_and(|rows| !rows.iter().any(is_it))
    }
}

/// How good a message is. It is said with a sign and a colour, never with the colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It was carried out.
    Done,
    /// It was refused.
    Refused,
    /// It is not known whether it was carried out.
    Unknown,
    /// Just so that one knows.
    Info,
}

/// A command that has no answer yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it is.
    pub words: String,
    /// Since when.
    pub since_ms: u64,
    /// Whether a whole round of servers was of no use.
    pub nobody: bool,
}

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first answer of all.
    Connect,
    /// Where seats of the theatre are only counted.
    Theatre,
    /// A page of the events.
    Page {
        /// What it comes after.
        after: Option<EventKey>,
        /// Of which filter.
        generation: u64,
    },
    /// The seats of a hall.
    Map(Hall),
    /// What one has of a hall.
    Mine(Hall, Actor),
    /// What one has of events.
    Schedule(Actor),
    /// What one has of the theatre.
    Search(Actor),
    /// A command that somebody waits for.
    Command,
}

/// What is known before anything has happened.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The cluster's name.
    pub cluster: String,
    /// Its servers, by id.
    pub servers: Vec<u8>,
    /// How long holds last, in milliseconds.
    pub hold_ms: u64,
    /// How long one request may take, in milliseconds.
    pub deadline_ms: u64,
    /// Who sits there, if it was said.
    pub who: Option<Actor>,
    /// Whether a token says it, so that it cannot be changed.
    pub is_proved: bool,
    /// Whether colours may be used.
    pub color: bool,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Of the ids that new events get.
    pub seed: u64,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    /// The cluster's name.
    pub cluster: String,
    /// Its servers, by id.
    pub servers: Vec<u8>,
    /// How long holds last, in milliseconds.
    pub hold_ms: u64,
    /// How long one request may take, in milliseconds.
    pub deadline_ms: u64,
    /// Who sits there; nobody has said it yet.
    pub who: Option<Actor>,
    /// Whether a token says it, so that it cannot be changed.
    pub is_proved: bool,
    /// Whether colours may be used.
    pub color: bool,
    /// Makes ids of events.
    pub chance: fastrand::Rng,
    /// Columns and rows.
    pub size: (u16, u16),
    /// When the last message came.
    pub now: Now,
    /// What is seen.
    pub screen: Screen,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// What the first screen shows.
    pub loading: Loading,
    /// The chosen entry of the menu.
    pub menu: usize,
    /// Seats of the theatre and how many of them are free.
    pub theatre: Option<(u32, u32)>,
    /// What is sold.
    pub events: EventList,
    /// The hall that was opened last.
    pub seats: Option<Seats>,
    /// What one has.
    pub bookings: Bookings,
    /// The event whose booking is to be exchanged for one of another event.
    pub exchange: Option<EventKey>,
    /// The form for a new event: what is typed into each field.
    pub form: Form,
    /// What happened.
    pub log: Log,
    /// The servers.
    pub overview: Option<Overview>,
    /// What they say to each other.
    pub watch: Watch,
    /// Whether they are being asked.
    pub is_status_asked: bool,
    /// When they were asked last.
    pub status_ms: u64,
    /// When the screen was last asked for anew.
    pub polled_ms: u64,
    /// Which server answered last, by id.
    pub server: Option<u8>,
    /// The servers that were of no use since one answered, with the reason.
    pub troubles: BTreeMap<u8, String>,
    /// What has no answer yet, by number.
    pub asked: BTreeMap<u64, Purpose>,
    /// The last number.
    pub last_number: u64,
    /// The command that has no answer yet.
    pub waiting: Option<Waiting>,
    /// What came of the last one.
    pub message: Option<(Tone, String)>,
    /// That another server goes on, and until when it is said.
    pub notice: Option<(String, u64)>,
    /// How far the state's time is ahead of this machine's, as far as it is known.
    pub skew_ms: i64,
}

impl State {
    /// Nothing has happened.
    pub fn new(setting: Setting) -> State {
        let Setting { cluster, servers, hold_ms, deadline_ms, who, is_proved, color, size, seed } = setting;
        State {
            cluster,
            servers,
            hold_ms,
            deadline_ms,
            who,
            is_proved,
            color,
            chance: fastrand::Rng::with_seed(seed),
            size,
            now: Now::default(),
            screen: Screen::Loading,
            overlay: None,
            loading: Loading::default(),
            menu: 0,
            theatre: None,
            events: EventList::default(),
            seats: None,
            bookings: Bookings::default(),
            exchange: None,
            form: Form::default(),
            log: Log::default(),
            overview: None,
            watch: Watch::default(),
            is_status_asked: false,
            status_ms: 0,
            polled_ms: 0,
            server: None,
            troubles: BTreeMap::new(),
            asked: BTreeMap::new(),
            last_number: 0,
            waiting: None,
            message: None,
            notice: None,
            skew_ms: 0,
        }
    }

    /// The entries of the menu.
    pub fn entries(&self) -> Vec<Entry> {
        let all = [Entry::Events, Entry::Bookings, Entry::AddEvent, Entry::Cluster, Entry::Logs, Entry::Quit];
        all.into_iter().filter(|entry| *entry != Entry::AddEvent || self.is_manager()).collect()
    }

    /// Whether somebody sits there who manages events.
    pub fn is_manager(&self) -> bool {
        matches!(&self.who, Some(Actor::User(user)) if user.role == Role::Manager)
    }

    /// Who it is, as a name for the theatre.
    pub fn name(&self) -> Option<Name> {
        self.who.as_ref()?.to_string().parse().ok()
    }

    /// How long a hold lasts from now on, in milliseconds; 0 when it is over.
    pub fn remaining_ms(&self, until_ms: u64) -> u64 {
        until_ms.saturating_sub(self.now.wall_ms.saturating_add_signed(self.skew_ms))
    }

    /// The event of a row of the list; nothing for the theatre.
    pub fn event_at(&self, row: Option<(usize, usize)>) -> Option<&EventView> {
        let (page, at) = row?;
        self.events.pages.get(page)?.events.get(at)
    }
}

/// What the world is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the cluster; the answer comes with this number.
    Ask(u64, Wanted),
    /// Ask every server how it is.
    AskStatus,
    /// Ask every server again and again what it says to the others, and tell it with this number; or no longer.
    Watch(Option<u64>),
    /// Read the log of what this person asked.
    ReadUserLog(String),
    /// Leave; whether something was asked whose outcome nobody will see.
    Leave {
        /// That something.
        is_unknown: bool,
    },
}
