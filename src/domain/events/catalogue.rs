//! The events that there are, with their seats.
//!
//! Memory: about 540 bytes an event of 250 seats. An event is a record in a copy-on-write map, three index
//! entries, and a hall: one bit a seat with a tree over the bits, and 4 bytes for each booking.

use super::command::Place;
use super::config::ALL_SEATS_MAX;
use super::ids::EventId;
use super::numbers::Numbers;
use super::parties::{Party, Spot};
use super::written::Written as _;
use crate::domain::ids::{Name, SEATS_MAX};
use crate::domain::seats::SeatSet;
use crate::domain::shards::{ShardKey, Shards};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use xxhash_rust::xxh3::xxh3_64;

/// Events in one shard of a full catalogue.
const SHARD_LEN: usize = 64;

/// So far apart are the hashes of two kinds of one id (Knuth, TAOCP 3, 6.4: multiplicative hashing).
const KIND_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// An event as snapshots have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Event {
    pub(super) place: Place,
    /// As the kinds are numbered.
    pub(super) kind: u16,
    pub(super) capacity: u32,
    /// Position of the request that added it.
    pub(super) made_at: u64,
    /// Position of the request that last changed its capacity; at first the same.
    pub(super) changed_at: u64,
    pub(super) name: Option<Name>,
    pub(super) theatre: Option<Name>,
}

/// Its seats. All of it follows from bookings and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hall {
    pub(super) seats: SeatSet,
    pub(super) bookers: BTreeSet<Party>,
    pub(super) holders: BTreeSet<Party>,
    /// Seats that are held and not booked.
    pub(super) held: u32,
}

impl Hall {
    fn new(capacity: u32) -> Hall {
        Hall { seats: SeatSet::new(capacity), bookers: BTreeSet::new(), holders: BTreeSet::new(), held: 0 }
    }
}

impl ShardKey for (EventId, u16) {
    fn shard_hash(&self) -> u64 {
        let (id, kind) = self;
        let hash = match id {
            EventId::Uuid(uuid) => xxh3_64(&uuid.0),
            EventId::Slot(slot) => slot.with_text(|text| xxh3_64(text.as_bytes())),
        };
        // Kinds are few, and one id has few of them.
        hash.wrapping_add(u64::from(*kind).wrapping_mul(KIND_STEP))
    }
}

/// All events.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    events: Shards<u32, Event>,
    /// By number. All below follows from the events.
    halls: Vec<Option<Hall>>,
    /// In order.
    by_id: BTreeMap<(EventId, u16), u32>,
    /// The same, to find one: a step where that takes six.
    by_key: Shards<(EventId, u16), u32>,
    by_kind: BTreeMap<(u16, EventId), u32>,
    free: Numbers,
    /// Of all events together.
    seats: u64,
    /// Numbers of events that the request may have changed, for whoever looks on, in order when it has been executed. No
    /// part of the state: it is in no image, and nothing is decided by it.
    touched: Vec<u32>,
}

impl Catalogue {
    pub(super) fn new(events_max: u32) -> Catalogue {
        Catalogue {
            events: Shards::new(events_max as usize, SHARD_LEN),
            halls: Vec::new(),
            by_id: BTreeMap::new(),
            by_key: Shards::new(events_max as usize, SHARD_LEN),
            by_kind: BTreeMap::new(),
            free: Numbers::default(),
            seats: 0,
            touched: Vec::new(),
        }
    }

    /// Events that were added, removed or changed by the last request, ascending.
    pub(super) fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// A request was executed.
    pub(super) fn settle_touched(&mut self) {
        self.touched.sort_unstable();
        self.touched.dedup();
    }

    pub(super) fn forget_touched(&mut self) {
        for number in self.touched.drain(..) {
            if let Some(Some(hall)) = self.halls.get_mut(number as usize) {
                hall.seats.forget_touched();
            }
        }
    }

    /// Notes that something about an event may have changed which is not in the catalogue.
    pub(super) fn touch(&mut self, number: u32) {
        if self.touched.last() != Some(&number) {
            self.touched.push(number);
        }
    }

    /// One past the highest number that an event can have now.
    pub(super) fn numbers_end(&self) -> u32 {
        self.halls.len() as u32
    }

    pub(super) fn events(&self) -> &Shards<u32, Event> {
        &self.events
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Seats of all events together.
    pub(super) fn seats(&self) -> u64 {
        self.seats
    }

    pub(super) fn by_id(&self) -> &BTreeMap<(EventId, u16), u32> {
        &self.by_id
    }

    pub(super) fn by_kind(&self) -> &BTreeMap<(u16, EventId), u32> {
        &self.by_kind
    }

    pub(super) fn find(&self, id: EventId, kind: u16) -> Option<u32> {
        self.by_key.get(&(id, kind)).copied()
    }

    /// Every kind of an id with the event's number.
    pub(super) fn kinds_of(&self, id: EventId) -> impl Iterator<Item = (u16, u32)> {
        self.by_id.range((id, 0)..=(id, u16::MAX)).map(|(&(_, kind), &number)| (kind, number))
    }

    pub(super) fn get(&self, number: u32) -> &Event {
        self.events.get(&number).expect("numbers of events come from the catalogue")
    }

    pub(super) fn try_get(&self, number: u32) -> Option<&Event> {
        self.events.get(&number)
    }

    pub(super) fn hall(&self, number: u32) -> &Hall {
        self.halls[number as usize].as_ref().expect("every event has a hall")
    }

    pub(super) fn hall_mut(&mut self, number: u32) -> &mut Hall {
        self.touch(number);
        self.halls[number as usize].as_mut().expect("every event has a hall")
    }

    /// The same while a snapshot is read: nobody follows it, and there may be no such event.
    pub(super) fn admit_hall(&mut self, number: u32) -> Option<&mut Hall> {
        self.halls.get_mut(number as usize)?.as_mut()
    }

    /// Reads what events are looked for in.
    pub(super) fn approach_keys(&self, keys: &[(EventId, u16)]) {
        self.by_key.approach(keys.iter());
    }

    /// Reads what is looked at when somebody gets or loses seats there.
    pub(super) fn approach(&self, spots: &[Spot]) {
        let hall = |spot: &Spot| self.halls.get(spot.event as usize).and_then(Option::as_ref);
        let halls: Vec<(Party, &Hall)> =
            spots.iter().filter_map(|spot| Some((spot.party, hall(spot)?))).collect();
        black_box(halls.iter().map(|(_, hall)| hall.seats.left() as usize).sum::<usize>());
        black_box(halls.iter().filter(|(_, hall)| hall.seats.approach()).count());
        black_box(halls.iter().filter(|(party, hall)| hall.bookers.contains(party)).count());
        self.events.approach(spots.iter().map(|spot| &spot.event));
    }

    pub(super) fn add(&mut self, event: Event) -> u32 {
        let number = self.free.take();
        self.touch(number);
        self.insert(number, event);
        number
    }

    fn insert(&mut self, number: u32, event: Event) {
        let id = event.place.id();
        self.by_id.insert((id, event.kind), number);
        self.by_key.insert((id, event.kind), number);
        self.by_kind.insert((event.kind, id), number);
        if self.halls.len() <= number as usize {
            self.halls.resize(number as usize + 1, None);
        }
        self.halls[number as usize] = Some(Hall::new(event.capacity));
        self.seats += u64::from(event.capacity);
        let before = self.events.insert(number, event);
        assert!(before.is_none(), "an event's number is free");
    }

    /// An event of whose seats none is taken goes.
    pub(super) fn remove(&mut self, number: u32) {
        let event = self.events.remove(&number).expect("numbers of events come from the catalogue");
        self.by_id.remove(&(event.place.id(), event.kind));
        self.by_key.remove(&(event.place.id(), event.kind));
        self.by_kind.remove(&(event.kind, event.place.id()));
        let hall = self.halls[number as usize].take().expect("every event has a hall");
        assert!(hall.seats.left() == event.capacity, "nobody has a seat of an event that goes");
        self.seats -= u64::from(event.capacity);
        self.free.give_back(number);
        self.touch(number);
    }

    /// All taken seats must be among the first `capacity`.
    pub(super) fn resize(&mut self, number: u32, capacity: u32, position: u64) {
        self.hall_mut(number).seats.resize(capacity);
        let event = self.events.get_mut(&number).expect("numbers of events come from the catalogue");
        self.seats = self.seats - u64::from(event.capacity) + u64::from(capacity);
        (event.capacity, event.changed_at) = (capacity, position);
    }

    /// Puts back an event of a snapshot.
    pub(super) fn admit(&mut self, number: u32, event: Event) -> Result<(), &'static str> {
        if self.events.get(&number).is_some() || self.find(event.place.id(), event.kind).is_some() {
            return Err("an event twice");
        }
        if !(1..=SEATS_MAX).contains(&event.capacity) {
            return Err("an event without seats");
        }
        if self.seats + u64::from(event.capacity) > ALL_SEATS_MAX {
            return Err("more seats than there can be");
        }
        self.insert(number, event);
        Ok(())
    }

    /// Works out the rest when all events of a snapshot are there, and all who have seats.
    pub(super) fn admitted(&mut self) {
        self.free = self.given();
        self.halls.iter_mut().flatten().for_each(|hall| hall.seats.admitted());
    }

    /// `halls` is what follows from bookings and holds, by event.
    pub(super) fn check(&self, halls: &BTreeMap<u32, Hall>) -> Result<(), String> {
        self.events.check()?;
        self.by_key.check()?;
        let all = [self.by_id.len(), self.by_key.len(), self.by_kind.len(), halls.len()];
        let sizes = all.into_iter().chain([self.halls.iter().flatten().count()]);
        if { sizes }.any(|len| len != self.events.len()) {
            return Err("events are not all in the indexes".into());
        }
        for (number, event) in self.events.iter() {
            let id = event.place.id();
            let in_order = [self.by_id.get(&(id, event.kind)), self.by_kind.get(&(event.kind, id))];
            if self.find(id, event.kind) != Some(*number) || in_order != [Some(number); 2] {
                return Err(format!("event {id} is not where it is looked for"));
            }
            let hall = self.hall(*number);
            hall.seats.check()?;
            if halls.get(number) != Some(hall) || hall.seats.capacity() != event.capacity {
                return Err(format!("the taken seats of {id} are not those with a holder"));
            }
        }
        let seats: u64 = self.events.iter().map(|(_, event)| u64::from(event.capacity)).sum();
        if seats != self.seats || seats > ALL_SEATS_MAX {
            return Err("the seats of all events are counted wrong, or too many".into());
        }
        if self.free != self.given() {
            return Err("numbers of events are not those given".into());
        }
        Ok(())
    }

    fn given(&self) -> Numbers {
        let is_used = |(number, hall): (u32, &Option<Hall>)| hall.is_some().then_some(number);
        Numbers::with((0..).zip(&self.halls).filter_map(is_used))
    }

    /// The halls as they are without bookings and holds, for [`check`](Self::check).
    pub(super) fn empty_halls(&self) -> BTreeMap<u32, Hall> {
        self.events.iter().map(|(number, event)| (*number, Hall::new(event.capacity))).collect()
    }
}
