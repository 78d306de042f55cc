//! What people type, and what lies over a screen until they have.

use super::state::{Hall, Place};
use crate::domain::{
    events::{
        command::Seating,
        ids::EventKey,
        tickets::{TicketId, TicketStem},
    },
    ids::Seat,
    runs::SeatRuns,
};

/// Longest text of one field, in characters.
pub const FIELD_CHARS_MAX: usize = 200;

/// A line that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// What was typed.
    pub text: String,
}

impl Field {
    /// One more character, unless it is none or the field is full.
    pub fn push(&mut self, c: char) {
        if !c.is_control() && self.text.chars().count() < FIELD_CHARS_MAX {
            self.text.push(c);
        }
    }
}

/// What somebody wants; kept while a question about it is open. It says itself what it is about: the list under the
/// question goes on changing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Something of one hall.
    At(Hall, Wish),
    /// A booking of the first event for one of the second.
    Exchange(EventKey, EventKey, Seating),
    /// Give the seat of one ticket back.
    DeleteTicket(TicketId),
    /// Remove an event with all its bookings.
    RemoveEvent(EventKey),
    /// See what one has.
    Bookings,
}

/// What somebody wants of a hall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The seats that are picked.
    Book,
    /// Set them aside.
    Hold,
    /// So many seats, wherever they are.
    BookCount(u32),
    /// So many adjacent seats that leave no single free seat beside them.
    BookBest(u32),
    /// Book what is held.
    Confirm,
    /// Hold it for longer.
    Extend,
    /// Give it back.
    Release,
    /// Give a booking back.
    Cancel,
    /// Wait for so many seats.
    Join(u32),
    /// Wait no longer.
    Leave,
}

/// What a typed line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Who sits there, and what they wanted when that was asked.
    Who(Option<Intent>),
    /// How many seats.
    Count,
    /// How many seats side by side.
    Best,
    /// For how many seats to wait.
    Join,
    /// To which seat to go.
    Seat,
    /// Which events to show.
    Filter,
}

/// What lies over a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// A line is typed.
    Input {
        /// What for.
        asks: Asks,
        /// The line.
        field: Field,
        /// What is wrong with it.
        wrong: Option<String>,
    },
    /// Yes or no.
    Confirm {
        /// To what.
        question: String,
        /// What happens with yes; leaving the program if it is nothing.
        intent: Option<Intent>,
    },
    /// The tickets of a booking.
    Tickets(Tickets),
    /// All keys of the screen.
    Help,
}

/// The tickets of a booking, one for each seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tickets {
    /// Of which event.
    pub event: EventKey,
    /// Which seats.
    pub seats: SeatRuns,
    /// What they have in common.
    pub stem: TicketStem,
    /// The chosen one.
    pub place: Place,
}

impl Tickets {
    /// The seat of a row and its ticket.
    pub fn row(&self, nth: usize) -> Option<(Seat, TicketId)> {
        let mut before = 0;
        for run in self.seats.runs() {
            let count = run.count as usize;
            if nth < before + count {
                let seat = Seat(run.first + (nth - before) as u32);
                return Some((seat, self.stem.ticket(seat)));
            }
            before += count;
        }
        None
    }
}

/// Names and explanations of the fields of a new event.
pub const FORM_FIELDS: [(&str, &str); 8] = [
    ("kind", "such as Seminars, or the title of a film"),
    ("seats", "how many: 1 to 1000000"),
    ("id", "such as TORM100519; or empty, and these:"),
    ("branch", "three letters, such as TOR"),
    ("date", "such as 2026-12-24"),
    ("time", "such as 19:30"),
    ("name", "what people call it; may be empty"),
    ("theatre", "one of the branch's; may be empty"),
];

/// A new event, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// One for each of [`FORM_FIELDS`].
    pub fields: [Field; FORM_FIELDS.len()],
    /// The one that is typed into.
    pub at: usize,
    /// What is wrong.
    pub wrong: Option<String>,
}

impl Form {
    /// The words of the command that it stands for: what the command line would be given.
    pub fn words(&self) -> Vec<String> {
        let [kind, seats, options @ ..] = &self.fields;
        let mut words = vec!["add-event".to_owned()];
        for ((name, _), field) in FORM_FIELDS[2..].iter().zip(options) {
            if !field.text.trim().is_empty() {
                words.push(format!("--{name}={}", field.text.trim()));
            }
        }
        words.push("--".to_owned());
        words.extend([kind, seats].map(|field| field.text.trim().to_owned()));
        words
    }
}
