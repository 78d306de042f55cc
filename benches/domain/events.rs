//! Events, bookings and the sessions that made them: bytes of each, and how long one operation takes among so many.

use super::{Times, batch, config, resident_bytes};
use boxoffice::domain::command::{Command, Operation};
use boxoffice::domain::events::command::{Action, Count, EventOperation, NewEvent, Place, Seating};
use boxoffice::domain::events::config::{Branch, EventsConfig};
use boxoffice::domain::events::ids::{Actor, BranchCode, EventId, EventKey, Kind, SlotId};
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::state::{Config, State};
use std::time::Instant;

const BRANCHES: u64 = 10;
/// Customers of a branch: four digits.
const CUSTOMERS: u64 = 10_000;
const CAPACITY: u32 = 250;
const COMMANDS_PER_BATCH: u64 = 1_000;

/// So many events, and bookings of two seats each.
pub struct Size {
    pub events: u64,
    pub bookings: u64,
    /// Every booking is another guest's, instead of customers' who have many.
    pub guests: bool,
}

struct Desk {
    state: State,
    kind: Kind,
    sequence: u64,
    position: u64,
    events_per_branch: u64,
    guests: bool,
}

/// Lives through it and prints what it takes.
pub fn run(size: Size) {
    let branch = |n: u64| {
        let name = "A branch".parse().expect("a name");
        (code(n), Branch { name, theatres: Vec::new() })
    };
    let events = EventsConfig {
        branches: (0..BRANCHES).map(branch).collect(),
        outside_per_month_max: 255,
        waiting_list_max: CUSTOMERS as u32,
        ..EventsConfig::default()
    };
    let mut desk = Desk {
        state: State::new(Config { events: events.into(), ..config() }),
        kind: "Seminars".parse().expect("a kind"),
        sequence: 0,
        position: 0,
        events_per_branch: size.events / BRANCHES,
        guests: size.guests,
    };
    let before = resident_bytes();
    desk.fill(size.events, |desk, n| desk.add(n));
    let with_events = resident_bytes();
    println!(
        "{} events of {CAPACITY} seats: {} bytes an event",
        desk.state.events_len(),
        (with_events - before) / desk.state.events_len()
    );
    let start = Instant::now();
    desk.fill(size.bookings, |desk, n| desk.book(n));
    let took = start.elapsed();
    let bookings = desk.state.bookings_len();
    let used = resident_bytes() - with_events;
    println!("{bookings} bookings of 2 seats: {} bytes a booking, {took:.1?} in all", used / bookings);
    println!("everything together: {} MB", (resident_bytes() - before) / 1_000_000);
    desk.one_by_one(bookings as u64);
    if !size.guests {
        desk.waiting();
        desk.sessions();
    }
    desk.pictures();
}

fn code(branch: u64) -> BranchCode {
    format!("AA{}", char::from(b'A' + branch as u8)).parse().expect("a branch")
}

impl Desk {
    fn fill(&mut self, count: u64, command: impl Fn(&mut Desk, u64) -> Command) {
        let mut outcomes = Vec::new();
        for from in (0..count).step_by(COMMANDS_PER_BATCH as usize) {
            let until = (from + COMMANDS_PER_BATCH).min(count);
            let commands: Vec<Command> = (from..until).map(|n| command(self, n)).collect();
            self.position += 1;
            outcomes.clear();
            self.state.apply(self.position, self.position, &batch(commands.into_iter()), &mut outcomes);
            let failed = outcomes.iter().find(|outcome| !outcome.is_success());
            assert!(failed.is_none(), "{failed:?}");
        }
    }

    fn command(&mut self, actor: Actor, action: Action) -> Command {
        self.sequence += 1;
        let (session, sequence) = (SessionId { birth_ms: 0, random: 7 }, self.sequence);
        let operation = Operation::Events(Box::new(EventOperation { actor, action }));
        Command { session, sequence, answered_until: sequence - 1, operation, key: None }
    }

    fn slot(&self, branch: u64, n: u64) -> SlotId {
        let (slot, day, month, year) = (n % 3, n / 3 % 28 + 1, n / 84 % 12 + 1, n / 1_008 % 100);
        let slot = ["M", "A", "E"][slot as usize];
        format!("{}{slot}{day:02}{month:02}{year:02}", code(branch)).parse().expect("an event")
    }

    fn add(&mut self, n: u64) -> Command {
        let branch = n % BRANCHES;
        self.set(branch, n / BRANCHES, CAPACITY)
    }

    fn set(&mut self, branch: u64, n: u64, capacity: u32) -> Command {
        let place = Place::Slot(self.slot(branch, n));
        let manager = Actor::User(format!("{}M0001", code(branch)).parse().expect("a manager"));
        let event = NewEvent { place, kind: self.kind.clone(), name: None, theatre: None };
        self.command(manager, Action::AddEvent { event, capacity })
    }

    /// Who books which event in the n-th booking: each customer goes from event to event, every tenth time in the
    /// next branch.
    fn who_and_where(&self, n: u64) -> (Actor, EventKey) {
        let (branch, customer) = (n % BRANCHES, n / BRANCHES % CUSTOMERS);
        let round = n / BRANCHES / CUSTOMERS;
        let at = if round % 10 == 9 { (branch + 1) % BRANCHES } else { branch };
        let event = (customer + round * 7_919) % self.events_per_branch;
        let key = EventKey { id: EventId::Slot(self.slot(at, event)), kind: self.kind.clone() };
        let who = match self.guests {
            true => Actor::Guest(format!("guest {n}").parse().expect("a name")),
            false => Actor::User(format!("{}C{customer:04}", code(branch)).parse().expect("a customer")),
        };
        (who, key)
    }

    fn book(&mut self, n: u64) -> Command {
        let (holder, event) = self.who_and_where(n);
        let seating = Seating::Any(Count::new(2).expect("a number"));
        self.command(holder.clone(), Action::Book { holder, event, seating })
    }

    fn cancel(&mut self, n: u64) -> Command {
        let (holder, EventKey { id, .. }) = self.who_and_where(n);
        self.command(holder.clone(), Action::Cancel { holder, event: id, kind: None })
    }

    fn timed(&mut self, times: &mut Times, command: Command) {
        let batch = batch([command].into_iter());
        self.position += 1;
        let mut outcomes = Vec::new();
        times.of(|| self.state.apply(self.position, self.position, &batch, &mut outcomes));
        assert!(outcomes[0].is_success(), "{}", outcomes[0]);
    }

    /// Cancels and books again all over the place.
    fn one_by_one(&mut self, bookings: u64) {
        let (mut cancelled, mut booked) = (Times::default(), Times::default());
        for n in (0..50_000).map(|n| n * 7_919 % bookings) {
            let command = self.cancel(n);
            self.timed(&mut cancelled, command);
            let command = self.book(n);
            self.timed(&mut booked, command);
        }
        cancelled.print("events: cancel, one a batch");
        booked.print("events: book 2 of 250, one a batch");
    }

    /// Everybody of a branch waits for one seat, and there are seats for all at once.
    fn waiting(&mut self) {
        let n = self.events_per_branch;
        let event = EventKey { id: EventId::Slot(self.slot(0, n)), kind: self.kind.clone() };
        let one = Count::new(1).expect("a number");
        self.fill(1, |desk, _| desk.set(0, n, 1));
        self.fill(1, |desk, _| {
            let holder = Actor::Guest("bob".parse().expect("a name"));
            let (event, seating) = (event.clone(), Seating::Any(one));
            desk.command(holder.clone(), Action::Book { holder, event, seating })
        });
        self.fill(CUSTOMERS, |desk, customer| {
            let who = format!("{}C{customer:04}", code(0)).parse().expect("a customer");
            let holder = Actor::User(who);
            desk.command(holder.clone(), Action::Join { holder, event: event.clone(), count: one })
        });
        let mut served = Times::default();
        let command = self.set(0, n, CUSTOMERS as u32 + 1);
        self.timed(&mut served, command);
        served.print("events: 10,000 who wait are served at once");
    }

    /// A session each that keeps the outcome of one refused booking.
    fn sessions(&mut self) {
        let before = (resident_bytes(), self.state.sessions_len());
        for n in 0..100_000 {
            let command = self.book(n % 10_000);
            let session = SessionId { birth_ms: self.position, random: n };
            let command = Command { session, sequence: 1, answered_until: 0, ..command };
            self.position += 1;
            self.state.apply(self.position, self.position, &batch([command].into_iter()), &mut Vec::new());
        }
        let (bytes, sessions) = (resident_bytes() - before.0, self.state.sessions_len() - before.1);
        println!("{sessions} sessions of 1 outcome about an event: {} bytes a session", bytes / sessions);
    }

    fn pictures(&mut self) {
        let (mut frozen, mut touched) = (Times::default(), Times::default());
        for n in 0..100 {
            let image = frozen.of(|| self.state.freeze());
            let command = self.cancel(n);
            self.timed(&mut touched, command);
            drop(image);
        }
        frozen.print("events: freeze");
        touched.print("events: cancel, right after a freeze");
        let mut bytes = Vec::new();
        let start = Instant::now();
        self.state.freeze().write(&mut bytes).expect("memory");
        println!("events: image of {} MB written in {:.2?}", bytes.len() / 1_000_000, start.elapsed());
        let start = Instant::now();
        let back = State::read(self.state.config().clone(), &mut &bytes[..]).expect("what was written");
        println!("events: image read in {:.2?}", start.elapsed());
        assert_eq!(back.bookings_len(), self.state.bookings_len());
    }
}
