//! Who and what: branches, people, kinds and events, parsed at the edge and valid ever after.

use super::calendar::Date;
use super::uuid::UUID_LEN;
use super::written::{Written, as_text, ascii, two_digits};
use crate::domain::ids::{Name, NameError};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

pub use super::uuid::Uuid;

as_text!(BranchCode, UserId, Kind, SlotId, EventId);

/// A branch's acronym: three letters `A` to `Z`, such as `TOR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchCode([u8; 3]);

/// A manager or a customer: the branch, `M` or `C`, and four digits, such as `TORM2345`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId {
    /// The own branch.
    pub branch: BranchCode,
    /// What they may do.
    pub role: Role,
    /// 0 to 9999.
    number: u16,
}

/// What somebody with an id may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Books, for themselves.
    Customer,
    /// Manages the events of the own branch, and does what customers do.
    Manager,
}

/// Who acts, or for whom. That it is really them is checked before a command is ordered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawActor")]
pub enum Actor {
    /// Somebody with an id.
    User(UserId),
    /// Somebody with a name only: has no branch, so no month is ever full, and can do nothing but book.
    Guest(Name),
}

/// As it comes over a wire: nobody may look like somebody with an id without being that person.
#[derive(Deserialize)]
#[serde(rename = "Actor")]
enum RawActor {
    User(UserId),
    Guest(Name),
}

impl TryFrom<RawActor> for Actor {
    type Error = &'static str;

    fn try_from(raw: RawActor) -> Result<Actor, &'static str> {
        match raw {
            RawActor::User(user) => Ok(Actor::User(user)),
            RawActor::Guest(name) if name.as_str().parse::<UserId>().is_ok() => {
                Err("a guest has no id for a name")
            }
            RawActor::Guest(name) => Ok(Actor::Guest(name)),
        }
    }
}

/// What sort of event: a conference, or the title of a film. As free as a [`Name`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Name);

/// When on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// `M`
    Morning,
    /// `A`
    Afternoon,
    /// `E`
    Evening,
}

/// An event's id that says where and when: branch, slot, date, such as `TORM100519`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId {
    /// Where.
    pub branch: BranchCode,
    /// On which day.
    pub date: Date,
    /// When on that day.
    pub slot: Slot,
}

/// What an event is called by. With its [`Kind`] it names one event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventId {
    /// Says where and when.
    Slot(SlotId),
    /// Says nothing; made by whoever added the event, before the command was ordered.
    Uuid(Uuid),
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// Several kinds may have the same id.
    pub id: EventId,
    /// What sort.
    pub kind: Kind,
}

/// Why a text is none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// No branch.
    #[error("a branch has three letters, such as TOR")]
    Branch,
    /// No manager or customer.
    #[error("an id of a manager or customer is a branch, M or C, and four digits, such as TORM2345")]
    User,
    /// No event.
    #[error(
        "an event's id is a branch, a slot (M, A or E) and a date (DDMMYY), such as TORM100519, or a UUID"
    )]
    Event,
    /// An event's id but for the date.
    #[error("an event's id ends in a date that exists, as DDMMYY; {0} is none")]
    EventDate(String),
    /// Not a UUID.
    #[error("not a UUID, such as 0190163d-8694-739b-aea5-966c26f8ad91")]
    Uuid,
    /// No kind.
    #[error("{0}, and so has a kind of events")]
    Kind(NameError),
}

impl BranchCode {
    /// 0 to 17575.
    pub(super) fn index(self) -> u32 {
        self.0.iter().fold(0, |index, letter| index * 26 + u32::from(letter - b'A'))
    }

    /// The branch of an index.
    pub(super) fn of_index(index: u32) -> Option<BranchCode> {
        let letter = |index: u32| b'A' + (index % 26) as u8;
        (index < 26 * 26 * 26).then(|| BranchCode([letter(index / 676), letter(index / 26), letter(index)]))
    }

    fn of_bytes(bytes: &[u8]) -> Option<BranchCode> {
        let letters = <[u8; 3]>::try_from(bytes).ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(BranchCode(letters))
    }
}

impl FromStr for BranchCode {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        BranchCode::of_bytes(text.as_bytes()).ok_or(IdError::Branch)
    }
}

impl Written for BranchCode {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        read(ascii(&self.0))
    }
}

impl UserId {
    /// That person, if the number has at most four digits.
    pub fn new(branch: BranchCode, role: Role, number: u16) -> Option<UserId> {
        (number <= 9_999).then_some(UserId { branch, role, number })
    }

    /// 0 to 9999.
    pub fn number(self) -> u16 {
        self.number
    }
}

impl FromStr for UserId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (branch, rest) = text.as_bytes().split_at_checked(3).ok_or(IdError::User)?;
        let branch = BranchCode::of_bytes(branch).ok_or(IdError::User)?;
        let (role, digits) = match rest {
            [b'M', digits @ ..] => (Role::Manager, digits),
            [b'C', digits @ ..] => (Role::Customer, digits),
            _ => return Err(IdError::User),
        };
        if digits.len() != 4 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(IdError::User);
        }
        let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
        Ok(UserId { branch, role, number })
    }
}

impl Written for UserId {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        let role = match self.role {
            Role::Customer => b'C',
            Role::Manager => b'M',
        };
        let ([a, b, c], [h, i]) = (self.branch.0, two_digits(self.number / 100));
        let [j, k] = two_digits(self.number);
        read(ascii(&[a, b, c, role, h, i, j, k]))
    }
}

impl Actor {
    /// The own branch; guests have none.
    pub fn branch(&self) -> Option<BranchCode> {
        match self {
            Actor::User(user) => Some(user.branch),
            Actor::Guest(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::User(user) => user.fmt(f),
            Actor::Guest(name) => name.fmt(f),
        }
    }
}

impl Kind {
    /// The text, in NFC.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Kind {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Kind).map_err(IdError::Kind)
    }
}

impl Written for Kind {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        read(self.as_str())
    }
}

impl FromStr for SlotId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || !bytes[4..].iter().all(u8::is_ascii_digit) {
            return Err(IdError::Event);
        }
        let branch = BranchCode::of_bytes(&bytes[..3]).ok_or(IdError::Event)?;
        let slot = match bytes[3] {
            b'M' => Slot::Morning,
            b'A' => Slot::Afternoon,
            b'E' => Slot::Evening,
            _ => return Err(IdError::Event),
        };
        let pair = |at: usize| (bytes[at] - b'0') * 10 + (bytes[at + 1] - b'0');
        let date = Date::new(super::calendar::YEAR_MIN + u16::from(pair(8)), pair(6), pair(4));
        let date = date.map_err(|_| IdError::EventDate(text[4..].to_owned()))?;
        Ok(SlotId { branch, date, slot })
    }
}

impl Written for SlotId {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        let slot = match self.slot {
            Slot::Morning => b'M',
            Slot::Afternoon => b'A',
            Slot::Evening => b'E',
        };
        let ([a, b, c], date) = (self.branch.0, self.date);
        let ([d, e], [m, n]) = (two_digits(date.day().into()), two_digits(date.month_of_year().into()));
        let [y, z] = two_digits(date.year());
        read(ascii(&[a, b, c, slot, d, e, m, n, y, z]))
    }
}

impl EventId {
    /// No id comes before this one.
    pub(super) const FIRST: EventId =
        EventId::Slot(SlotId { branch: BranchCode(*b"AAA"), date: Date::FIRST, slot: Slot::Morning });
}

impl FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() == UUID_LEN {
            return text.parse().map(EventId::Uuid).map_err(|_| IdError::Event);
        }
        text.parse().map(EventId::Slot)
    }
}

impl Written for EventId {
    fn with_text<R>(&self, read: impl FnOnce(&str) -> R) -> R {
        match self {
            EventId::Slot(id) => id.with_text(read),
            EventId::Uuid(id) => id.with_text(read),
        }
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same<T: FromStr<Err = IdError> + fmt::Display>(text: &str) -> T {
        let value: T = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value.to_string(), text);
        value
    }

    #[test]
    fn a_guest_cannot_look_like_somebody_with_an_id() {
        let bytes = |name: &str| postcard::to_stdvec(&Actor::Guest(name.parse().unwrap())).unwrap();
        assert!(postcard::from_bytes::<Actor>(&bytes("bob")).is_ok());
        assert!(postcard::from_bytes::<Actor>(&bytes("TORC2345")).is_err());
    }

    #[test]
    fn ids_are_read_and_written_alike() {
        assert_eq!(same::<UserId>("TORM2345").role, Role::Manager);
        assert_eq!(same::<UserId>("MTLC0007").number(), 7);
        let id = same::<SlotId>("TORM100519");
        assert_eq!((id.slot, id.date), (Slot::Morning, "2019-05-10".parse().unwrap()));
        same::<EventId>("MTLE290224");
        same::<EventId>("0190163d-8694-739b-aea5-966c26f8ad91");
        let bytes = postcard::to_stdvec(&Actor::User(same("OTWC9999"))).unwrap();
        assert_eq!(bytes.len(), 10, "one for the role of guest or user, one for the length");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"TORM100519\"");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "TO", "tor", "T0R", "TORO", "TÖR"] {
            assert_eq!(text.parse::<BranchCode>(), Err(IdError::Branch), "{text}");
        }
        for text in
            ["", "TORM234", "TORM23456", "TORX2345", "torm2345", "TORM23x5", "TORM+345", "TO\u{e9}C234"]
        {
            assert_eq!(text.parse::<UserId>(), Err(IdError::User), "{text}");
        }
        for text in ["", "TORM10051", "TORX100519", "T1RM100519", "TORM10051x", "TORM+10519", "TORM1005199"] {
            assert_eq!(text.parse::<EventId>(), Err(IdError::Event), "{text}");
        }
        for date in ["310219", "290223", "000119", "320119", "011319", "010019"] {
            let expected = Err(IdError::EventDate(date.to_owned()));
            assert_eq!(format!("TORM{date}").parse::<EventId>(), expected);
        }
        assert!("\u{7}".parse::<Kind>().is_err());
        assert!(postcard::from_bytes::<UserId>(b"\x08torc2345").is_err());
    }

    #[test]
    fn branches_have_numbers() {
        for (text, index) in [("AAA", 0), ("AAB", 1), ("ABA", 26), ("ZZZ", 17_575)] {
            let branch: BranchCode = text.parse().unwrap();
            assert_eq!(branch.index(), index);
            assert_eq!(BranchCode::of_index(index), Some(branch));
        }
        assert_eq!(BranchCode::of_index(17_576), None);
    }

    #[test]
    fn ids_of_a_branch_lie_together_in_order_of_days() {
        let mut ids: Vec<EventId> =
            ["TORE100519", "TORM110519", "MTLA310519", "TORM100519", "TORA010620", "TORM100518"]
                .map(|text| text.parse().unwrap())
                .to_vec();
        ids.sort();
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["MTLA310519", "TORM100518", "TORM100519", "TORE100519", "TORM110519", "TORA010620"]
        );
    }
}
