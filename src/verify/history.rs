//! One call of a client: what it asked, what it was told, when.

use crate::domain::command::{Operation, Query};
use crate::domain::ids::{Name, Seat};
use crate::domain::outcome::{Answer, Outcome, SeatList, SeatMap};
use std::fmt;

/// The event of calls that name none: the theatre of the configuration.
pub const DEFAULT_EVENT: &str = "theatre";

/// One call, from its first sending to its final answer, however often it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who asked.
    pub client: u64,
    /// Which seats it is about. Events have nothing to do with each other.
    pub event: String,
    /// What was asked.
    pub ask: Ask,
    /// When it was sent first, on the clock of whoever records.
    pub call_ns: u64,
    /// What came back; `None` when that is unknown: it may have been executed, may be later, or never.
    pub end: Option<End>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When, on the same clock; not before the call.
    pub return_ns: u64,
    /// With what.
    pub reply: Reply,
}

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Any `count` seats: the lowest run of adjacent free ones that is long enough, else the lowest free ones.
    Reserve {
        /// For whom.
        name: Name,
        /// How many.
        count: u32,
    },
    /// Exactly these seats, all or none.
    Pick {
        /// For whom.
        name: Name,
        /// Ascending, no duplicates, not empty.
        seats: Vec<Seat>,
    },
    /// Which seats a name holds.
    Search {
        /// Whose.
        name: Name,
    },
    /// Gives the seats of a name back.
    Delete {
        /// Whose.
        name: Name,
    },
    /// The seat map.
    Seats,
}

/// What clients are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// To a reservation: these seats are the name's now.
    Reserved(Vec<Seat>),
    /// To a reservation: no more seats than these are free.
    NotEnough {
        /// How many are free.
        left: u32,
    },
    /// To a reservation: the name holds these already.
    AlreadyBooked(Vec<Seat>),
    /// To a choice of seats: these of them are taken.
    Taken(Vec<Seat>),
    /// To a choice of seats: these of them do not exist.
    NoSuchSeats {
        /// Which ones.
        seats: Vec<Seat>,
        /// How many seats there are.
        capacity: u32,
    },
    /// To a search: the name holds these.
    Found(Vec<Seat>),
    /// To a deletion: the seats are free again.
    Released {
        /// How many.
        count: u32,
        /// How many are free now.
        left: u32,
    },
    /// To a search or a deletion: the name holds nothing.
    NoReservation,
    /// The seat map.
    Map {
        /// The seats that are taken, ascending.
        taken: Vec<Seat>,
        /// How many are free.
        left: u32,
    },
}

/// Why something cannot be part of a client's history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Servers offer these to each other; no client sends them.
    #[error("no client sends this operation")]
    NotAClients,
    /// Histories are of the theatre; events have their own oracle (`tests/sim`).
    #[error("this is about an event, and the history is of the theatre")]
    OtherEvent,
    /// The answer belongs to another question.
    #[error("{0:?} is no answer to {1}")]
    WrongAnswer(String, Ask),
    /// Nothing is known of the outcome: the call stays open.
    #[error("this leaves the outcome unknown: {0}")]
    Unknown(String),
}

impl Ask {
    /// A client's operation.
    ///
    /// # Errors
    /// For the operations that no client sends.
    pub fn operation(operation: &Operation) -> Result<Ask, RecordError> {
        match operation.clone() {
            Operation::Reserve { name, count } => Ok(Ask::Reserve { name, count }),
            Operation::ReserveSeats { name, seats } => Ok(Ask::Pick { name, seats }),
            Operation::Delete { name } => Ok(Ask::Delete { name }),
            Operation::Events(_) => Err(RecordError::OtherEvent),
            Operation::Restore { .. }
            | Operation::Withdraw { .. }
            | Operation::Expire
            | Operation::Offer(_) => Err(RecordError::NotAClients),
        }
    }

    /// A client's query.
    ///
    /// # Errors
    /// For those about other events.
    pub fn query(query: &Query) -> Result<Ask, RecordError> {
        match query.clone() {
            Query::Search { name } => Ok(Ask::Search { name }),
            Query::Seats => Ok(Ask::Seats),
            Query::Events(_) => Err(RecordError::OtherEvent),
        }
    }

    /// Whose seats it is about; `None` for the seat map.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Ask::Reserve { name, .. }
            | Ask::Pick { name, .. }
            | Ask::Search { name }
            | Ask::Delete { name } => Some(name),
            Ask::Seats => None,
        }
    }

    /// Whether it cannot change anything, whatever comes of it.
    pub fn is_query(&self) -> bool {
        match self {
            Ask::Search { .. } | Ask::Seats => true,
            Ask::Reserve { .. } | Ask::Pick { .. } | Ask::Delete { .. } => false,
        }
    }
}

impl Reply {
    /// The outcome of what was asked.
    ///
    /// # Errors
    /// When it answers another question, or tells nothing of the outcome.
    pub fn outcome(ask: &Ask, outcome: &Outcome) -> Result<Reply, RecordError> {
        let wrong = || RecordError::WrongAnswer(outcome.to_string(), ask.clone());
        let is_reserve = matches!(ask, Ask::Reserve { .. } | Ask::Pick { .. });
        let is_pick = matches!(ask, Ask::Pick { .. });
        let is_of = |name: &Name| ask.name() == Some(name);
        let is_delete = matches!(ask, Ask::Delete { .. });
        match outcome.clone() {
            Outcome::Reserved { name, seats } if is_reserve && is_of(&name) => Ok(Reply::Reserved(seats)),
            Outcome::NotEnough { left, count } => match ask {
                Ask::Reserve { count: asked, .. } if *asked == count => Ok(Reply::NotEnough { left }),
                Ask::Reserve { .. }
                | Ask::Pick { .. }
                | Ask::Search { .. }
                | Ask::Delete { .. }
                | Ask::Seats => Err(wrong()),
            },
            Outcome::AlreadyBooked { name, seats } if is_reserve && is_of(&name) => {
                Ok(Reply::AlreadyBooked(seats))
            }
            Outcome::Taken { seats } if is_pick => Ok(Reply::Taken(seats)),
            Outcome::NoSuchSeats { seats, capacity } if is_pick => Ok(Reply::NoSuchSeats { seats, capacity }),
            Outcome::Released { count, left } if is_delete => Ok(Reply::Released { count, left }),
            Outcome::NoReservation { name } if is_delete && is_of(&name) => Ok(Reply::NoReservation),
            Outcome::SessionExpired | Outcome::SequenceForgotten => {
                Err(RecordError::Unknown(outcome.to_string()))
            }
            Outcome::Reserved { .. }
            | Outcome::AlreadyBooked { .. }
            | Outcome::Taken { .. }
            | Outcome::NoSuchSeats { .. }
            | Outcome::Released { .. }
            | Outcome::NoReservation { .. }
            | Outcome::SequenceReused
            | Outcome::Malformed
            | Outcome::KeyReused
            | Outcome::KeysFull
            | Outcome::Events(_) => Err(wrong()),
        }
    }

    /// The answer to what was asked.
    ///
    /// # Errors
    /// When it answers another question.
    pub fn answer(ask: &Ask, answer: &Answer) -> Result<Reply, RecordError> {
        match (ask, answer) {
            (Ask::Search { name }, Answer::Search { name: whose, seats }) if name == whose => {
                Ok(seats.clone().map_or(Reply::NoReservation, Reply::Found))
            }
            (Ask::Seats, Answer::Seats(map)) => Ok(Reply::Map { taken: taken(map), left: map.left }),
            (
                Ask::Reserve { .. } | Ask::Pick { .. } | Ask::Search { .. } | Ask::Delete { .. } | Ask::Seats,
                Answer::Search { .. } | Answer::Seats(_) | Answer::Events(_),
            ) => Err(RecordError::WrongAnswer(format!("{answer:?}"), ask.clone())),
        }
    }

    /// Whether it tells of a change that the call made.
    pub fn is_change(&self) -> bool {
        match self {
            Reply::Reserved(_) | Reply::Released { .. } => true,
            Reply::NotEnough { .. }
            | Reply::AlreadyBooked(_)
            | Reply::Taken(_)
            | Reply::NoSuchSeats { .. }
            | Reply::Found(_)
            | Reply::NoReservation
            | Reply::Map { .. } => false,
        }
    }

    /// Whether a call that asked this can be told this.
    pub fn is_reply_to(&self, ask: &Ask) -> bool {
        match self {
            Reply::Reserved(_) | Reply::AlreadyBooked(_) => {
                matches!(ask, Ask::Reserve { .. } | Ask::Pick { .. })
            }
            Reply::NotEnough { .. } => matches!(ask, Ask::Reserve { .. }),
            Reply::Taken(_) | Reply::NoSuchSeats { .. } => matches!(ask, Ask::Pick { .. }),
            Reply::Found(_) => matches!(ask, Ask::Search { .. }),
            Reply::Released { .. } => matches!(ask, Ask::Delete { .. }),
            Reply::NoReservation => matches!(ask, Ask::Search { .. } | Ask::Delete { .. }),
            Reply::Map { .. } => matches!(ask, Ask::Seats),
        }
    }

    /// The seats it names.
    pub fn seats(&self) -> &[Seat] {
        match self {
            Reply::Reserved(seats)
            | Reply::AlreadyBooked(seats)
            | Reply::Taken(seats)
            | Reply::NoSuchSeats { seats, .. }
            | Reply::Found(seats)
            | Reply::Map { taken: seats, .. } => seats,
            Reply::NotEnough { .. } | Reply::Released { .. } | Reply::NoReservation => &[],
        }
    }
}

/// What one side of a cut network can know of the calls at the other: those that were sent before the cut was
/// whole, and only the answers from before it began. A call without its answer may have been executed on both sides.
pub fn across_a_cut(calls: &[Call], began_ns: u64, whole_ns: u64) -> Vec<Call> {
    let sent = calls.iter().filter(|call| call.call_ns <= whole_ns).cloned();
    let forget = |call: Call| {
        let end = call.end.filter(|end| end.return_ns < began_ns);
        Call { end, ..call }
    };
    sent.map(forget).collect()
}

/// The seats of a map that are taken, ascending.
pub fn taken(map: &SeatMap) -> Vec<Seat> {
    let is_free = |seat: u32| {
        let word = map.free.get((seat as usize - 1) / 64).copied().unwrap_or(0);
        word >> ((seat - 1) % 64) & 1 == 1
    };
    (1..=map.capacity).filter(|&seat| !is_free(seat)).map(Seat).collect()
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Reserve { name, count } => write!(f, "reserve {name} {count}"),
            Ask::Pick { name, seats } => write!(f, "reserve {name} --seats {}", SeatList(seats)),
            Ask::Search { name } => write!(f, "search {name}"),
            Ask::Delete { name } => write!(f, "delete {name}"),
            Ask::Seats => f.write_str("seats"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Reserved(seats) => write!(f, "reserved {}", SeatList(seats)),
            Reply::NotEnough { left } => write!(f, "refused, only {left} left"),
            Reply::AlreadyBooked(seats) => write!(f, "refused, it holds {}", SeatList(seats)),
            Reply::Taken(seats) => write!(f, "refused, taken are {}", SeatList(seats)),
            Reply::NoSuchSeats { seats, capacity } => {
                write!(f, "refused, there are no seats {} of {capacity}", SeatList(seats))
            }
            Reply::Found(seats) => write!(f, "it holds {}", SeatList(seats)),
            Reply::Released { count, left } => write!(f, "{count} released, {left} left"),
            Reply::NoReservation => f.write_str("it holds nothing"),
            Reply::Map { taken, left } => write!(f, "{left} left, taken are {}", SeatList(taken)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn answers_to_other_questions_are_not_recorded() {
        let reserve = Ask::Reserve { name: name("a"), count: 2 };
        let delete = Ask::Delete { name: name("a") };
        let wrong = [
            (&reserve, Outcome::Reserved { name: name("b"), seats: vec![Seat(1)] }),
            (&reserve, Outcome::NotEnough { left: 0, count: 3 }),
            (&reserve, Outcome::Released { count: 1, left: 1 }),
            (&reserve, Outcome::Taken { seats: vec![Seat(1)] }),
            (&delete, Outcome::NoReservation { name: name("b") }),
            (&delete, Outcome::SequenceReused),
        ];
        for (ask, outcome) in wrong {
            let result = Reply::outcome(ask, &outcome);
            assert!(matches!(result, Err(RecordError::WrongAnswer(..))), "{ask}: {outcome}: {result:?}");
        }
        let other = Answer::Search { name: name("b"), seats: None };
        assert!(Reply::answer(&Ask::Search { name: name("a") }, &other).is_err());
        assert!(Reply::answer(&Ask::Seats, &other).is_err());
    }

    #[test]
    fn a_forgotten_outcome_stays_unknown() {
        let ask = Ask::Delete { name: name("a") };
        for outcome in [Outcome::SessionExpired, Outcome::SequenceForgotten] {
            assert!(matches!(Reply::outcome(&ask, &outcome), Err(RecordError::Unknown(_))));
        }
    }

    #[test]
    fn a_seat_map_is_told_by_its_taken_seats() {
        let map = SeatMap { capacity: 70, left: 67, free: vec![!0b101, 0b1_1111] };
        assert_eq!(
            Reply::answer(&Ask::Seats, &Answer::Seats(map)),
            Ok(Reply::Map { taken: vec![Seat(1), Seat(3), Seat(70)], left: 67 })
        );
    }

    #[test]
    fn of_the_calls_across_a_cut_only_what_was_sent_and_told_before_it_is_known() {
        let call = |call_ns, return_ns| Call {
            client: 1,
            event: DEFAULT_EVENT.to_owned(),
            ask: Ask::Delete { name: name("a") },
            call_ns,
            end: Some(End { return_ns, reply: Reply::NoReservation }),
        };
        let calls = [call(1, 9), call(5, 10), call(12, 14), call(13, 15)];
        let known = across_a_cut(&calls, 10, 12);
        assert_eq!(
            known,
            [call(1, 9), Call { end: None, ..call(5, 10) }, Call { end: None, ..call(12, 14) }]
        );
    }

    #[test]
    fn what_servers_offer_each_other_is_no_call() {
        let restore = Operation::Restore { name: name("a"), seats: vec![Seat(1)] };
        assert_eq!(Ask::operation(&restore), Err(RecordError::NotAClients));
    }
}
