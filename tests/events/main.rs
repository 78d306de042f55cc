//! The state machine of events against lists that are searched from front to back: any operations in any order come to
//! the same, outcome by outcome and claim by claim, also when the state is written and read back in between.

#[path = "../sim/simulator/model/events/mod.rs"]
mod events;

use boxoffice::domain::batch::BatchBuilder;
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::divergence::Divergence;
use boxoffice::domain::events::answer::{Claim, Claimed, EventAnswer};
use boxoffice::domain::events::command::{
    Action, Count, EventOperation, EventQuery, MinuteOfDay, NewEvent, Offer, Place, Question, Seating,
};
use boxoffice::domain::events::config::EventsConfig;
use boxoffice::domain::events::ids::{Actor, EventId, EventKey, Kind};
use boxoffice::domain::events::outcome::EventOutcome;
use boxoffice::domain::events::tickets::{TicketId, TicketStem};
use boxoffice::domain::ids::{Seat, SessionId};
use boxoffice::domain::outcome::{Answer, Outcome};
use boxoffice::domain::runs::SeatRuns;
use boxoffice::domain::state::{Config, State};
use events::{Events, Now};
use proptest::prelude::*;
use proptest::sample::select;

fn who() -> BoxedStrategy<Actor> {
    const PEOPLE: [&str; 6] = ["TORC0001", "TORC0002", "MTLC0001", "TORM0001", "MTLM0001", "XYZC0001"];
    prop_oneof![
        12 => select(&PEOPLE[..5]).prop_map(|id| Actor::User(id.parse().unwrap())),
        1 => select(&PEOPLE[5..]).prop_map(|id| Actor::User(id.parse().unwrap())),
        6 => select(&["ann", "bob", "cleo"][..]).prop_map(|name| Actor::Guest(name.parse().unwrap())),
    ]
    .boxed()
}

fn kind() -> BoxedStrategy<Kind> {
    prop_oneof![40 => Just("Seminars"), 8 => Just("Conferences"), 1 => Just("Films")]
        .prop_map(|kind| kind.parse().unwrap())
        .boxed()
}

const SLOTS: [&str; 6] = ["TORM100519", "TORA100519", "TORE310519", "MTLM200519", "MTLE010619", "OTWA100519"];

fn place() -> BoxedStrategy<Place> {
    const SLOTS: [&str; 6] =
        ["TORM100519", "TORA100519", "TORE310519", "MTLM200519", "MTLE010619", "OTWA100519"];
    let free = || Place::Free {
        id: "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap(),
        branch: "TOR".parse().unwrap(),
        date: "2019-05-31".parse().unwrap(),
        minute: MinuteOfDay::new(600).unwrap(),
    };
    prop_oneof![
        10 => select(&SLOTS[..]).prop_map(|id| Place::Slot(id.parse().unwrap())),
        1 => Just(free()),
    ]
    .boxed()
}

fn key() -> BoxedStrategy<EventKey> {
    (place(), kind()).prop_map(|(place, kind)| EventKey { id: place.id(), kind }).boxed()
}

fn count() -> BoxedStrategy<Count> {
    prop_oneof![16 => 1u32..4, 1 => 1u32..1_000_000].prop_map(|count| Count::new(count).unwrap()).boxed()
}

fn seats() -> BoxedStrategy<SeatRuns> {
    proptest::collection::btree_set(prop_oneof![20 => 1u32..9, 1 => 0u32..20], 1..5)
        .prop_map(|seats| SeatRuns::from_seats(&seats.into_iter().map(Seat).collect::<Vec<_>>()).unwrap())
        .boxed()
}

fn seating() -> BoxedStrategy<Seating> {
    prop_oneof![
        3 => count().prop_map(Seating::Any),
        2 => count().prop_map(Seating::Best),
        2 => seats().prop_map(Seating::Seats),
    ]
    .boxed()
}

fn new_event() -> BoxedStrategy<NewEvent> {
    (place(), kind(), prop::option::weighted(0.1, Just("Apollo")))
        .prop_map(|(place, kind, theatre)| NewEvent {
            place,
            kind,
            name: None,
            theatre: theatre.map(|theatre| theatre.parse().unwrap()),
        })
        .boxed()
}

/// What is done, but for tickets, which depend on what was told before.
#[derive(Clone, Debug)]
enum Step {
    /// By whom, or by the holder.
    Act(Option<Actor>, Action),
    /// The n-th ticket that anybody was told, if there is one.
    DeleteTicket(Actor, usize),
    /// Somebody does something with the n-th thing that anybody has, and perhaps with another event.
    Own(usize, u8, EventKey, Seating),
    Expire,
    Offer(Offer),
    /// The state is written and read back.
    Restart,
    Pass(u64),
}

fn action() -> BoxedStrategy<(Action, Option<Actor>)> {
    let managing = prop_oneof![
        4 => (new_event(), prop_oneof![12 => 1u32..7, 1 => 0u32..2_000_000])
            .prop_map(|(event, capacity)| Action::AddEvent { event, capacity }),
        1 => key().prop_map(|event| Action::RemoveEvent { event }),
        1 => Just(Action::AddKind { kind: "Films".parse().unwrap() }),
        1 => Just(Action::AddTheatre { theatre: "Apollo".parse().unwrap() }),
        1 => Just(Action::AddBranch { branch: "XYZ".parse().unwrap(), name: "Xyz".parse().unwrap() }),
    ]
    .boxed();
    let for_whom = || (who(), key());
    let booking = prop_oneof![
        8 => (for_whom(), seating())
            .prop_map(|((holder, event), seating)| (Action::Book { holder: holder.clone(), event, seating }, holder)),
        2 => (for_whom(), prop::bool::weighted(0.3)).prop_map(|((holder, EventKey { id, kind }), said)| {
            let kind = said.then_some(kind);
            (Action::Cancel { holder: holder.clone(), event: id, kind }, holder)
        }),
        2 => (for_whom(), key(), seating()).prop_map(|((holder, from), to, seating)| {
            (Action::Exchange { holder: holder.clone(), from, to, seating }, holder)
        }),
        4 => (for_whom(), seating())
            .prop_map(|((holder, event), seating)| (Action::Hold { holder: holder.clone(), event, seating }, holder)),
        3 => for_whom().prop_map(|(holder, event)| (Action::Confirm { holder: holder.clone(), event }, holder)),
        1 => for_whom().prop_map(|(holder, event)| (Action::Extend { holder: holder.clone(), event }, holder)),
        1 => for_whom().prop_map(|(holder, event)| (Action::Release { holder: holder.clone(), event }, holder)),
        8 => (for_whom(), count())
            .prop_map(|((holder, event), count)| (Action::Join { holder: holder.clone(), event, count }, holder)),
        1 => for_whom().prop_map(|(holder, event)| (Action::Leave { holder: holder.clone(), event }, holder)),
    ].boxed();
    prop_oneof![
        1 => managing.prop_map(|action| (action, None)),
        9 => booking.prop_map(|(action, holder)| (action, Some(holder))),
    ]
    .boxed()
}

fn offer() -> BoxedStrategy<Offer> {
    let for_whom = || (who(), key());
    prop_oneof![
        1 => Just(Offer::Branch {
            branch: "MTL".parse().unwrap(),
            name: "M".parse().unwrap(),
            theatres: vec!["Apollo".parse().unwrap()]
        }),
        1 => Just(Offer::Kind("Films".parse().unwrap())),
        1 => (key(), 0u64..60).prop_map(|(event, made_until)| Offer::EventRemoved { event, made_until }),
        1 => (new_event(), 1u32..10).prop_map(|(NewEvent { place, kind, name, theatre }, capacity)| {
            Offer::EventAdded { place, kind, name, theatre, capacity }
        }),
        1 => (for_whom(), 0u64..60).prop_map(|((holder, event), made_until)| Offer::Cancelled {
            holder,
            event,
            made_until
        }),
        2 => (for_whom(), seats(), 0u64..200, 0u64..3).prop_map(|((holder, event), seats, made_until, mark)| {
            Offer::Changed { holder, event, made_until, seats, mark }
        }),
        1 => (for_whom(), seats(), 0u64..3).prop_map(|((holder, event), seats, mark)| Offer::Booked {
            holder,
            event,
            seats,
            mark
        }),
        1 => (for_whom(), 0u64..60).prop_map(|((holder, event), made_until)| Offer::Left {
            holder,
            event,
            made_until
        }),
        1 => (for_whom(), count()).prop_map(|((holder, event), count)| Offer::Joined { holder, event, count }),
    ]
    .boxed()
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        30 => (action(), who(), prop::bool::weighted(0.15)).prop_map(|((action, holder), other, is_other)| {
            let actor = if is_other { Some(other) } else { holder };
            Step::Act(actor, action)
        }),
        2 => (who(), 0usize..40).prop_map(|(actor, number)| Step::DeleteTicket(actor, number)),
        8 => (0usize..1_000, 0u8..6, key(), seating())
            .prop_map(|(number, what, event, seating)| Step::Own(number, what, event, seating)),
        1 => Just(Step::Expire),
        2 => offer().prop_map(Step::Offer),
        1 => Just(Step::Restart),
        3 => (0u64..4_000).prop_map(Step::Pass),
    ]
    .boxed()
}

/// A manager of the place, for operations that nobody in particular asks for.
fn manager_of(action: &Action) -> Actor {
    let branch = match action {
        Action::AddEvent { event, .. } => event.place.branch().to_string(),
        Action::RemoveEvent { event: EventKey { id: EventId::Slot(id), .. } } => id.branch.to_string(),
        _ => "TOR".to_owned(),
    };
    Actor::User(format!("{branch}M0001").parse().unwrap())
}

fn config(events_max: u32, bookings_max: u32, waiting_list_max: u32, outside_per_month_max: u8) -> Config {
    let events = EventsConfig {
        events_max,
        bookings_max,
        waiting_list_max,
        outside_per_month_max,
        holds_per_customer_max: 2,
        hold_ms: 5_000,
        offer_ms: 3_000,
        ..EventsConfig::default()
    };
    Config {
        capacity: 1,
        sessions_max: 10,
        session_age_ms: 3_600_000,
        outcomes_per_session_max: 10,
        time_step_ms_max: 60_000,
        keys: Default::default(),
        events: events.into(),
    }
}

/// Both of them.
struct Pair {
    state: State,
    model: Events,
    position: u64,
    now_ms: u64,
    stems: Vec<(TicketStem, SeatRuns)>,
}

impl Pair {
    /// With an event for each of the ids that are used most.
    fn selling(config: Config) -> Result<Pair, TestCaseError> {
        let mut pair = Pair {
            model: Events::new(&config.events),
            state: State::new(config),
            position: 0,
            now_ms: 1_000,
            stems: Vec::new(),
        };
        let conferences = (4, (SLOTS[0], "Conferences"));
        for (capacity, (id, kind)) in (2..).zip(SLOTS.map(|id| (id, "Seminars"))).chain([conferences]) {
            let place = Place::Slot(id.parse().unwrap());
            let event = NewEvent { place, kind: kind.parse().unwrap(), name: None, theatre: None };
            pair.step(Step::Act(None, Action::AddEvent { event, capacity }))?;
        }
        Ok(pair)
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let events = |actor, action| Operation::Events(Box::new(EventOperation { actor, action }));
        let operation = match step {
            Step::Act(actor, action) => events(actor.unwrap_or_else(|| manager_of(&action)), action),
            Step::DeleteTicket(actor, number) => match self.ticket(number) {
                Some(ticket) => events(actor, Action::DeleteTicket { ticket }),
                None => return Ok(()),
            },
            Step::Own(number, what, event, seating) => match self.own(number, what, event, seating) {
                Some((actor, action)) => events(actor, action),
                None => return Ok(()),
            },
            Step::Expire => Operation::Expire,
            Step::Offer(offer) => Operation::Offer(Box::new(offer)),
            Step::Restart => return self.restart(),
            Step::Pass(ms) => {
                self.now_ms += ms;
                return Ok(());
            }
        };
        self.operate(operation)
    }

    fn own(&self, number: usize, what: u8, other: EventKey, seating: Seating) -> Option<(Actor, Action)> {
        let people = self.model.people().into_iter();
        let all: Vec<(Actor, Claim)> = people
            .flat_map(|who| self.model.schedule(&who).0.into_iter().map(move |claim| (who.clone(), claim)))
            .collect();
        let (holder, Claim { event, what: claim, .. }) = all.get(number % all.len().max(1))?.clone();
        let actor = holder.clone();
        let action = match (claim, what) {
            (Claimed::Booking { .. }, 0) => {
                Action::Cancel { holder, event: event.id, kind: Some(event.kind) }
            }
            (Claimed::Booking { .. }, 1) => Action::Cancel { holder, event: event.id, kind: None },
            (Claimed::Booking { .. }, 2) => {
                Action::Exchange { holder, from: event.clone(), to: event, seating }
            }
            (Claimed::Booking { .. }, 3) => Action::Exchange { holder, from: event, to: other, seating },
            (Claimed::Booking { .. }, _) => Action::Book { holder, event: other, seating },
            (Claimed::Hold { .. }, 0) => Action::Extend { holder, event },
            (Claimed::Hold { .. }, 1) => Action::Release { holder, event },
            (Claimed::Hold { .. }, _) => Action::Confirm { holder, event },
            (Claimed::Place { .. }, 0) => Action::Leave { holder, event },
            (Claimed::Place { .. }, 1) => Action::Join { holder, event, count: Count::new(1)? },
            (Claimed::Place { .. }, _) => Action::Book { holder, event, seating },
        };
        Some((actor, action))
    }

    fn ticket(&self, number: usize) -> Option<TicketId> {
        let mut tickets =
            self.stems.iter().flat_map(|(stem, seats)| seats.seats().map(|seat| stem.ticket(seat)));
        tickets.nth(number)
    }

    fn operate(&mut self, operation: Operation) -> Result<(), TestCaseError> {
        self.position += 1;
        let session = SessionId { birth_ms: 0, random: 1 };
        let sequence = self.position;
        let command = Command { session, sequence, answered_until: sequence - 1, operation, key: None };
        let mut batch = BatchBuilder::new();
        batch.push(&command).unwrap();
        let mut outcomes = Vec::new();
        self.state.apply(self.position, self.now_ms, &batch.finish(), &mut outcomes);
        let mark = events::mark(0, 1, sequence);
        let now = Now { position: self.position, time_ms: self.state.time_ms(), mark };
        let expected = self.model.operate(&command.operation, now);
        if let EventOutcome::Booked { stem, seats, .. } | EventOutcome::Exchanged { stem, seats, .. } =
            &expected
        {
            self.stems.push((*stem, seats.clone()));
        }
        prop_assert_eq!(&outcomes, &[Outcome::Events(expected.into())], "{:?}", command.operation);
        prop_assert_eq!(self.state.check(), Ok(()), "{:?}", command.operation);
        prop_assert_eq!(self.state.next_expiry_ms(), self.model.next_expiry_ms());
        Ok(())
    }

    fn ask(&self, actor: Option<Actor>, question: Question) -> EventAnswer {
        let query = Query::Events(Box::new(EventQuery { actor, question }));
        let Answer::Events(answer) = self.state.query(&query) else { unreachable!("it is about events") };
        *answer
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.ask(None, Question::Kinds), EventAnswer::Kinds(self.model.kinds().to_vec()));
        let EventAnswer::Branches { branches, more: None } =
            self.ask(None, Question::Branches { after: None, limit: 1_000 })
        else {
            return Err(TestCaseError::fail("no branches"));
        };
        let theatres = branches.into_iter().map(|(code, branch)| (code, branch.theatres));
        prop_assert!(theatres.eq(self.model.branches()));
        for (event, free) in self.model.free() {
            let EventAnswer::SeatMap { map, .. } = self.ask(None, Question::SeatMap(event.clone())) else {
                return Err(TestCaseError::fail(format!("{event} is not there")));
            };
            let bits = (1..=map.capacity)
                .filter(|seat| map.free[(seat - 1) as usize / 64] >> ((seat - 1) % 64) & 1 == 1);
            prop_assert_eq!(bits.collect::<Vec<_>>(), free);
        }
        for holder in self.model.people() {
            let question = Question::Schedule { holder: holder.clone(), after: None, limit: 1_000 };
            let (claims, cancelled) = self.model.schedule(&holder);
            let expected = EventAnswer::Schedule { holder: holder.clone(), claims, cancelled, more: None };
            prop_assert_eq!(self.ask(Some(holder), question), expected);
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), TestCaseError> {
        let mut bytes = Vec::new();
        self.state.freeze().write(&mut bytes).unwrap();
        self.state = State::read(self.state.config().clone(), &mut &bytes[..]).unwrap();
        let mut again = Vec::new();
        self.state.freeze().write(&mut again).unwrap();
        prop_assert_eq!(bytes, again);
        prop_assert_eq!(self.state.check(), Ok(()));
        self.compare()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_do_what_plain_lists_do(
        limits in (7u32..10, 4u32..20, 1u32..5, 1u8..4),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let config = config(limits.0, limits.1, limits.2, limits.3);
        let mut pair = Pair::selling(config)?;
        for step in steps {
            pair.step(step)?;
        }
        pair.compare()?;
    }

    #[test]
    fn a_lost_side_has_nothing_left_to_offer_once_its_offers_are_accepted(
        shared in proptest::collection::vec(step(), 1..60),
        own in proptest::collection::vec(step(), 1..40),
    ) {
        let config = config(8, 100, 5, 3);
        let mut pair = Pair::selling(config)?;
        let is_own = |step: &Step| !matches!(step, Step::Offer(_) | Step::Restart);
        for step in shared.into_iter().filter(is_own) {
            pair.step(step)?;
        }
        let (position, winner, model) = (pair.position, pair.state.clone(), pair.model.clone());
        for step in own.into_iter().filter(is_own) {
            pair.step(step)?;
        }
        let lost = std::mem::replace(&mut pair.state, winner);
        (pair.model, pair.position) = (model, 1_000);
        let mut refused = 0;
        for divergence in State::divergence(&lost, &pair.state, position) {
            let before = pair.stems.len();
            pair.operate(divergence.operation(position))?;
            if let Divergence::Events(Offer::Changed { holder, event, .. }) = &divergence {
                let (claims, _) = pair.model.schedule(holder);
                let keeps = |claim: &Claim| {
                    claim.event == *event && matches!(claim.what, Claimed::Booking { .. })
                };
                prop_assert!(claims.iter().any(keeps), "{holder} lost a booking: {divergence:?}");
            }
            refused += usize::from(before == pair.stems.len());
        }
        pair.compare()?;
        // What is left is what the winner would not have: seats whose holders had fallen back there, or not yet here.
        let again = State::divergence(&lost, &pair.state, position);
        prop_assert!(again.len() <= refused, "{again:?}");
    }
}
