//! Whoever can have seats, as 32 bits.
//!
//! An id of a manager or customer *is* 30 bits (branch, role, four digits), so nobody who has one is ever looked
//! up or remembered. Guests have names instead; each gets the lowest free number for as long as they have
//! anything, and gives it back after that.

use super::config::{HOLDS_MAX, WAITING_MAX};
use super::ids::{Actor, BranchCode, Role, UserId};
use super::name_index::NameIndex;
use super::numbers::Numbers;
use super::uses::Uses;
use crate::domain::ids::Name;
use crate::domain::image::ReadError;
use crate::domain::shards::{Filling, ShardKey, Shards};
use std::collections::BTreeMap;
use std::hint::black_box;
use xxhash_rust::xxh3::xxh3_64;

/// Set for guests; the rest is their number.
const GUEST: u32 = 1 << 31;
/// Set for managers.
const MANAGER: u32 = 1 << 14;
const BRANCH_SHIFT: u32 = 15;
/// Guests in one shard of a full table, unless it is very large.
const SHARD_LEN: usize = 256;

/// What is read from a snapshot in one order and belongs in another is gathered, so much of it, and sorted: then it is put
/// down in places that lie close together, one after the other. A place anywhere costs half a microsecond.
#[cfg(not(test))]
pub(super) const GATHERED_MAX: usize = 1 << 20;
#[cfg(test)]
pub(super) const GATHERED_MAX: usize = 3;

/// Somebody who can have seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain) struct Party(pub(super) u32);

/// What somebody has at one event: the key of bookings and holds. Everything of one party lies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain) struct Spot {
    pub(super) party: Party,
    /// As the catalogue numbers them.
    pub(super) event: u32,
}

impl ShardKey for Party {
    fn shard_hash(&self) -> u64 {
        xxh3_64(&self.0.to_le_bytes())
    }
}

impl ShardKey for Spot {
    fn shard_hash(&self) -> u64 {
        self.party.shard_hash()
    }

    fn tag(&self, shard_hash: u64) -> u8 {
        // What one party has lies together and is told apart, too.
        (shard_hash >> 56) as u8 ^ number_tag(self.event)
    }
}

impl ShardKey for u32 {
    fn shard_hash(&self) -> u64 {
        // Numbers that are given from the lowest on spread evenly by themselves.
        u64::from(*self)
    }

    fn tag(&self, _: u64) -> u8 {
        number_tag(*self)
    }
}

/// Spreads numbers that lie close together, or a power of two apart (Knuth, TAOCP 3, 6.4: multiplicative hashing).
fn number_tag(number: u32) -> u8 {
    (number.wrapping_mul(0x9E37_79B1) >> 24) as u8
}

impl Spot {
    /// The first and the last spot that a party can have.
    pub(super) fn all_of(party: Party) -> (Spot, Spot) {
        (Spot { party, event: 0 }, Spot { party, event: u32::MAX })
    }
}

impl Party {
    /// Somebody with an id.
    pub(super) fn user(user: UserId) -> Party {
        let role = match user.role {
            Role::Customer => 0,
            Role::Manager => MANAGER,
        };
        Party(user.branch.index() << BRANCH_SHIFT | role | u32::from(user.number()))
    }

    /// Their id; guests have none.
    pub(super) fn as_user(self) -> Option<UserId> {
        if self.0 & GUEST != 0 {
            return None;
        }
        let role = if self.0 & MANAGER == 0 { Role::Customer } else { Role::Manager };
        let branch = BranchCode::of_index(self.0 >> BRANCH_SHIFT)?;
        UserId::new(branch, role, (self.0 & (MANAGER - 1)) as u16)
    }

    fn as_guest(self) -> Option<u32> {
        (self.0 & GUEST != 0).then_some(self.0 & !GUEST)
    }
}

/// The guests who have anything.
#[derive(Clone, Debug)]
pub(super) struct Guests {
    names: Shards<u32, Name>,
    /// All below follows from the names, and from what they have.
    numbers: NameIndex,
    free: Numbers,
    /// How many bookings, holds and places each has.
    uses: Uses,
    /// Above every number that is ever given: each guest has something, and there are not more things.
    numbers_max: u32,
}

impl Guests {
    pub(super) fn new(bookings_max: u32) -> Guests {
        Guests {
            names: Shards::new(bookings_max as usize, SHARD_LEN),
            numbers: NameIndex::new(bookings_max as usize),
            free: Numbers::default(),
            uses: Uses::default(),
            numbers_max: bookings_max.saturating_add((HOLDS_MAX + WAITING_MAX) as u32 + 1).min(GUEST),
        }
    }

    pub(super) fn names(&self) -> &Shards<u32, Name> {
        &self.names
    }

    /// Somebody, if they can have anything: a guest without a number has nothing.
    pub(super) fn find(&self, actor: &Actor) -> Option<Party> {
        match actor {
            Actor::User(user) => Some(Party::user(*user)),
            Actor::Guest(name) => self.number(name).map(|number| Party(GUEST | number)),
        }
    }

    fn number(&self, name: &Name) -> Option<u32> {
        self.numbers.find(name, |number| self.names.get(&number) == Some(name))
    }

    /// Reads where somebody is looked for; gives something that depends on it.
    pub(super) fn approach(&self, actor: &Actor) -> usize {
        match actor {
            Actor::User(_) => 0,
            Actor::Guest(name) => self.numbers.approach(name),
        }
    }

    /// Most probably somebody, told by the hash of their name.
    pub(super) fn foresee(&self, actor: &Actor) -> Option<Party> {
        match actor {
            Actor::User(user) => Some(Party::user(*user)),
            Actor::Guest(name) => self.numbers.find(name, |_| true).map(|number| Party(GUEST | number)),
        }
    }

    /// Who the next new guests are, if nobody gives a number back meanwhile.
    pub(super) fn unused(&self) -> impl Iterator<Item = Party> {
        self.free.unused().map(|number| Party(GUEST | number))
    }

    /// Reads what is looked at when these get or lose something.
    pub(super) fn approach_names(&self, parties: impl Iterator<Item = Party>) {
        let numbers: Vec<u32> = parties.filter_map(Party::as_guest).collect();
        black_box(numbers.iter().filter(|number| self.uses.has(**number)).count());
        self.names.approach(numbers.iter());
    }

    /// Somebody who is about to have one thing more.
    pub(super) fn hold(&mut self, actor: &Actor) -> Party {
        let party = self.find(actor).unwrap_or_else(|| {
            let Actor::Guest(name) = actor else { unreachable!("everybody with an id is found") };
            let number = self.free.take();
            self.names.insert(number, name.clone());
            self.numbers.insert(name, number);
            Party(GUEST | number)
        });
        self.keep(party);
        party
    }

    /// Notes that somebody has one thing more.
    pub(super) fn keep(&mut self, party: Party) {
        if let Some(number) = party.as_guest() {
            self.uses.add(number);
        }
    }

    /// Somebody has one thing less; a guest without anything is forgotten.
    pub(super) fn let_go(&mut self, party: Party) {
        let Some(number) = party.as_guest() else { return };
        if self.uses.remove(number) {
            let name = self.names.remove(&number).expect("a number has a name");
            self.numbers.remove(&name, number);
            self.free.give_back(number);
        }
    }

    /// Who that is; nobody for a number that no guest has.
    pub(super) fn actor(&self, party: Party) -> Option<Actor> {
        match party.as_guest() {
            Some(number) => self.names.get(&number).cloned().map(Actor::Guest),
            None => party.as_user().map(Actor::User),
        }
    }

    /// Puts back the guests of a snapshot, in the order of their map. What they have comes later.
    pub(super) fn admit(
        &mut self,
        guests: impl Iterator<Item = Result<(u32, Name), ReadError>>,
    ) -> Result<(), ReadError> {
        let (mut names, mut gathered) = (Filling::new(self.names.clone()), Vec::new());
        for guest in guests {
            let (number, name) = guest?;
            self.must_be_given(number).map_err(ReadError::Damaged)?;
            gathered.push(self.numbers.entry(&name, number));
            if gathered.len() == GATHERED_MAX {
                self.numbers.append(&mut gathered);
            }
            names.push(number, name)?;
        }
        self.numbers.append(&mut gathered);
        self.names = names.finish();
        match self.numbers.settle(|a, b| self.names.get(&a) == self.names.get(&b)) {
            true => Ok(()),
            false => Err(ReadError::Damaged("a guest with two numbers")),
        }
    }

    /// A party without an id has one thing more in a snapshot.
    pub(super) fn admit_use(&mut self, party: Party) -> Result<(), &'static str> {
        let number = party.as_guest().ok_or("seats of nobody")?;
        self.must_be_given(number)?;
        self.uses.add(number);
        Ok(())
    }

    fn must_be_given(&self, number: u32) -> Result<(), &'static str> {
        if number < self.numbers_max { Ok(()) } else { Err("a guest with a number that is never given") }
    }

    /// Works out the rest when all guests of a snapshot and all they have are there.
    pub(super) fn admitted(&mut self) -> Result<(), &'static str> {
        if self.uses.len() > self.names.len() {
            return Err("seats of nobody");
        }
        if !self.names.keys().all(|number| self.uses.has(*number)) {
            return Err("a guest who has nothing");
        }
        self.free = self.given();
        Ok(())
    }

    pub(super) fn check(&self, uses: &BTreeMap<u32, u32>) -> Result<(), String> {
        self.names.check()?;
        let is_counted = self.uses.iter().eq(uses.iter().map(|(number, uses)| (*number, *uses)));
        if !is_counted || uses.len() != self.names.len() || uses.len() != self.numbers.len() {
            return Err("guests do not have what they are counted to have".into());
        }
        let known = |(number, name): (&u32, &Name)| self.number(name) == Some(*number);
        if !self.names.iter().all(known) {
            return Err("a guest has another number".into());
        }
        if self.free != self.given() {
            return Err("numbers of guests are not those given".into());
        }
        Ok(())
    }

    fn given(&self) -> Numbers {
        Numbers::with(self.uses.iter().map(|(number, _)| number))
    }

    /// Counts one thing that a party has, for [`check`](Self::check).
    pub(super) fn count(uses: &mut BTreeMap<u32, u32>, party: Party) {
        if let Some(number) = party.as_guest() {
            *uses.entry(number).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_with_an_id_is_a_number_and_back() {
        for text in ["AAAC0000", "ZZZM9999", "TORM2345", "TORC2345", "OTWC0001"] {
            let user: UserId = text.parse().unwrap();
            let party = Party::user(user);
            assert!(party.0 < GUEST);
            assert_eq!(party.as_user(), Some(user));
        }
        for number in [10_000, GUEST - 1, 17_576 << BRANCH_SHIFT] {
            assert_eq!(Party(number).as_user(), None, "{number}");
        }
    }

    #[test]
    fn guests_get_the_lowest_number_and_give_it_back() {
        let mut guests = Guests::new(100);
        let guest = |name: &str| Actor::Guest(name.parse().unwrap());
        let parties = ["ann", "bob", "cleo"].map(|name| guests.hold(&guest(name)));
        assert_eq!(parties, [Party(GUEST), Party(GUEST + 1), Party(GUEST + 2)]);
        assert_eq!(guests.hold(&guest("bob")), parties[1]);
        guests.let_go(parties[1]);
        assert_eq!(guests.find(&guest("bob")), Some(parties[1]), "has one thing left");
        guests.let_go(parties[1]);
        assert_eq!((guests.find(&guest("bob")), guests.actor(parties[1])), (None, None));
        assert_eq!(guests.hold(&guest("dan")), parties[1]);
        assert_eq!(guests.actor(parties[1]), Some(guest("dan")));
    }
}
