//! What the feed tells, against what was executed and what the state answers.

use super::*;
use crate::domain::batch::BatchBuilder;
use crate::domain::command::{Command, Operation, Query};
use crate::domain::events::answer::EventAnswer;
use crate::domain::events::command::{
    Action, Count, EventOperation, EventQuery, NewEvent, Offer, Place, Question, Seating,
};
use crate::domain::events::config::EventsConfig;
use crate::domain::events::ids::{Actor, EventId};
use crate::domain::ids::{Seat, SessionId};
use crate::domain::outcome::Answer;
use crate::domain::runs::SeatRuns;
use crate::domain::state::Config;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};

/// Position, seats left, taken, freed.
type TheatreRow = (u64, u32, Vec<Run>, Vec<Run>);

/// A replica's machine, and what follows it.
struct Server {
    feed: Feed,
    state: State,
    now_ms: u64,
}

impl Server {
    fn new(capacity: u32) -> Server {
        let events = EventsConfig { hold_ms: 5_000, offer_ms: 3_000, ..EventsConfig::default() };
        let state = State::new(Config {
            capacity,
            sessions_max: 1_000,
            session_age_ms: 1_000_000,
            outcomes_per_session_max: 100,
            time_step_ms_max: 10_000,
            keys: Default::default(),
            events: events.into(),
        });
        Server { feed: Feed::default(), state, now_ms: 1_000 }
    }

    /// One that is followed from the start.
    fn live(capacity: u32) -> Server {
        let server = Server::new(capacity);
        server.feed.begin(0, &server.state);
        server
    }

    /// Executes as the machine of a replica does; tells whether all of it succeeded.
    fn execute(&mut self, operations: Vec<Operation>) -> bool {
        let session = SessionId { birth_ms: self.state.time_ms(), random: self.state.position() };
        self.execute_as(session, operations)
    }

    fn execute_as(&mut self, session: SessionId, operations: Vec<Operation>) -> bool {
        let before = self.state.position();
        let mut batch = BatchBuilder::new();
        for (sequence, operation) in (1..).zip(operations) {
            batch.push(&Command { session, sequence, answered_until: 0, operation, key: None }).unwrap();
        }
        let mut outcomes = Vec::new();
        self.state.apply(before + 1, self.now_ms, &batch.finish(), &mut outcomes);
        self.feed.follow((0, before), &self.state, &outcomes);
        outcomes.iter().all(Outcome::is_success)
    }

    fn act(&mut self, actor: &str, action: Action) {
        assert!(self.execute(vec![act(actor, action)]));
    }

    fn cursor(&self, position: u64) -> Cursor {
        Cursor { epoch: self.feed.executed().epoch, position, parts: 0 }
    }

    /// Everything of a scope after a position.
    fn after(&self, position: u64, scope: &Scope) -> Option<Vec<News>> {
        match self.feed.since(self.cursor(position), scope, usize::MAX) {
            Since::News { news, .. } => Some(news),
            Since::Unknown => None,
        }
    }

    /// The same of the theatre.
    fn theatre(&self, position: u64) -> Option<Vec<TheatreRow>> {
        let news = self.after(position, &Scope::Theatre)?;
        let row = |news: &News| {
            let Part { event, left, taken, freed, .. } = news.part();
            assert!(event.is_none());
            (news.position(), *left, taken.clone(), freed.clone())
        };
        Some(news.iter().map(row).collect())
    }

    /// What is told of an event, one line a part.
    fn told(&self, position: u64, scope: &Scope) -> Vec<String> {
        let line = |news: News| {
            let Part { event, what, capacity, left, held, waiting, taken, freed } = news.part();
            let event = event.as_ref().map_or("theatre".to_owned(), |event| event.to_string());
            let seen = news.seen;
            format!("{seen} {event} {what:?} {left}/{capacity} {held} {waiting} +{taken:?} -{freed:?}")
        };
        self.after(position, scope).expect("it is known").into_iter().map(line).collect()
    }
}

fn reserve(name: &str, count: u32) -> Operation {
    Operation::Reserve { name: name.parse().unwrap(), count }
}

fn delete(name: &str) -> Operation {
    Operation::Delete { name: name.parse().unwrap() }
}

fn act(actor: &str, action: Action) -> Operation {
    Operation::Events(Box::new(EventOperation { actor: who(actor), action }))
}

fn who(text: &str) -> Actor {
    text.parse().map_or_else(|_| Actor::Guest(text.parse().unwrap()), Actor::User)
}

fn key(id: &str) -> EventKey {
    EventKey { id: id.parse().unwrap(), kind: "Seminars".parse().unwrap() }
}

fn scope(id: &str) -> Scope {
    Scope::Event(key(id))
}

fn add(id: &str, capacity: u32) -> Action {
    let EventKey { id: EventId::Slot(id), kind } = key(id) else { panic!("{id} says where it is") };
    Action::AddEvent { event: NewEvent { place: Place::Slot(id), kind, name: None, theatre: None }, capacity }
}

fn any(count: u32) -> Seating {
    Seating::Any(Count::new(count).unwrap())
}

fn book(holder: &str, id: &str, count: u32) -> Action {
    Action::Book { holder: who(holder), event: key(id), seating: any(count) }
}

fn hold(holder: &str, id: &str, count: u32) -> Action {
    Action::Hold { holder: who(holder), event: key(id), seating: any(count) }
}

fn join(holder: &str, id: &str, count: u32) -> Action {
    Action::Join { holder: who(holder), event: key(id), count: Count::new(count).unwrap() }
}

const BOSS: &str = "TORM0001";
const E: &str = "TORM100519";
const F: &str = "TORA100519";

#[test]
fn each_position_that_changes_seats_is_told() {
    let mut server = Server::new(200);
    assert!(server.feed.picture().is_none(), "nothing is known before the log is read");
    server.feed.begin(0, &server.state);
    server.execute(vec![reserve("ann", 3), reserve("bob", 70)]);
    server.execute(vec![reserve("ann", 1)]);
    server.execute(vec![delete("ann"), reserve("cid", 1), delete("cid")]);
    let first = (1, 127, vec![(1, 73)], vec![]);
    let third = (3, 130, vec![], vec![(1, 3)]);
    assert_eq!(server.theatre(0), Some(vec![first, third.clone()]));
    assert_eq!(server.theatre(1), Some(vec![third.clone()]));
    assert_eq!(server.theatre(2), Some(vec![third]), "a refusal has a position too");
    assert_eq!(server.theatre(3), Some(vec![]));
    assert_eq!(server.theatre(4), None, "it has not happened yet");
    let picture = server.feed.picture().unwrap();
    assert_eq!((picture.mark.position, picture.changed, picture.seats.left), (3, 3, 130));
}

#[test]
fn an_event_is_told_from_its_beginning_to_its_end() {
    let mut server = Server::live(10);
    server.act(BOSS, add(E, 5));
    server.act("ann", book("ann", E, 2));
    server.act("bob", hold("bob", E, 3));
    server.act("cid", join("cid", E, 2));
    server.now_ms += 5_000;
    // What bob held falls back, and cid, who waited, gets some of it.
    server.execute(vec![Operation::Expire]);
    server.act("dan", join("dan", E, 2));
    server.act("dan", Action::Leave { holder: who("dan"), event: key(E) });
    server.act(BOSS, add(E, 70));
    server.act(BOSS, Action::RemoveEvent { event: key(E) });
    let told = [
        "1 TORM100519 (Seminars) Added 5/5 0 0 +[] -[]",
        "2 TORM100519 (Seminars) Changed 3/5 0 0 +[(1, 2)] -[]",
        "3 TORM100519 (Seminars) Changed 0/5 3 0 +[(3, 5)] -[]",
        "4 TORM100519 (Seminars) Changed 0/5 3 1 +[] -[]",
        "5 TORM100519 (Seminars) Changed 1/5 2 0 +[] -[(5, 5)]",
        "6 TORM100519 (Seminars) Changed 1/5 2 1 +[] -[]",
        "7 TORM100519 (Seminars) Changed 1/5 2 0 +[] -[]",
        "8 TORM100519 (Seminars) Resized 66/70 2 0 +[] -[]",
        "9 TORM100519 (Seminars) Removed 0/0 0 0 +[] -[]",
    ];
    assert_eq!(server.told(0, &scope(E)), told);
    assert_eq!(server.told(0, &Scope::All), told);
    assert!(server.told(0, &scope(F)).is_empty() && server.told(0, &Scope::Theatre).is_empty());
    assert!(server.feed.event(&key(E)).is_none());
    assert_eq!(server.feed.picture().unwrap().changed, 0, "nobody touched the theatre");
}

#[test]
fn a_retry_changes_nothing() {
    let mut server = Server::live(10);
    server.act(BOSS, add(E, 5));
    let session = SessionId { birth_ms: server.state.time_ms(), random: 77 };
    let commands = || vec![act("ann", book("ann", E, 2)), reserve("bob", 2)];
    assert!(server.execute_as(session, commands()) && server.execute_as(session, commands()));
    assert_eq!(server.feed.executed().position, 3);
    let positions: Vec<u64> = server.after(0, &Scope::All).unwrap().iter().map(News::position).collect();
    assert_eq!(positions, [1, 2, 2]);
    assert_eq!(server.feed.event(&key(E)).unwrap().mark.position, 2);
}

#[test]
fn what_one_position_did_to_several_is_told_once_wherever_it_breaks_off() {
    let mut server = Server::live(10);
    server.act(BOSS, add(E, 5));
    server.act(BOSS, add(F, 5));
    server.act("ann", book("ann", E, 2));
    let exchange = Action::Exchange { holder: who("ann"), from: key(E), to: key(F), seating: any(3) };
    server.execute(vec![act("ann", exchange), reserve("bob", 1)]);
    let all = server.told(3, &Scope::All);
    assert_eq!(
        all,
        [
            "4.1 theatre Changed 9/10 0 0 +[(1, 1)] -[]",
            "4.2 TORM100519 (Seminars) Changed 5/5 0 0 +[] -[(1, 2)]",
            "4 TORA100519 (Seminars) Changed 2/5 0 0 +[(1, 3)] -[]",
        ]
    );
    assert_eq!(server.told(3, &scope(E)), ["4 TORM100519 (Seminars) Changed 5/5 0 0 +[] -[(1, 2)]"]);
    let mut seen = server.cursor(3);
    for (count, parts) in [(2, 1), (1, 2), (0, 0)] {
        let Since::News { news, until } = server.feed.since(seen, &Scope::All, 1) else { panic!("{seen}") };
        (seen, _) = (until, assert_eq!((news.len(), until.parts, until), (1, parts, news[0].seen)));
        let Since::News { news, .. } = server.feed.since(seen, &Scope::All, 9) else { panic!("{seen}") };
        assert_eq!(news.len(), count);
    }
    assert_eq!(seen, server.cursor(4));
}

#[test]
fn an_event_that_comes_back_is_another_one() {
    let mut server = Server::live(10);
    server.act(BOSS, add(F, 5));
    server.act(BOSS, add(E, 5));
    server.act("ann", book("ann", E, 2));
    let remove = |id| act(BOSS, Action::RemoveEvent { event: key(id) });
    // It gets the number of the other one, which is lower.
    assert!(server.execute(vec![remove(F), remove(E), act(BOSS, add(E, 7)), act("bob", book("bob", E, 1))]));
    assert_eq!(
        server.told(3, &Scope::All),
        [
            "4.1 TORA100519 (Seminars) Removed 0/0 0 0 +[] -[]",
            "4.2 TORM100519 (Seminars) Removed 0/0 0 0 +[] -[]",
            "4 TORM100519 (Seminars) Added 6/7 0 0 +[(1, 1)] -[]",
        ]
    );
    assert_eq!(server.told(3, &scope(E)).len(), 2);
    assert_eq!(server.feed.event(&key(E)).unwrap().seats.capacity, 7);
    // One that came and went within a position was never there.
    assert!(server.execute(vec![act(BOSS, add(F, 3)), remove(F)]));
    assert!(server.told(4, &Scope::All).is_empty());
}

#[test]
fn all_events_are_shown_in_numbers_while_they_are_few() {
    let mut server = Server::live(10);
    for id in [E, F] {
        server.act(BOSS, add(id, 5));
    }
    server.act("ann", hold("ann", E, 2));
    let overview = server.feed.overview(2).unwrap();
    let row = |id: &str, left, held| Row { event: key(id).into(), capacity: 5, left, held, waiting: 0 };
    assert_eq!(overview.events, Some(vec![row(E, 3, 2), row(F, 5, 0)]));
    assert_eq!((overview.mark.position, overview.theatre, overview.total), (3, (10, 10), 2));
    assert_eq!(server.feed.overview(1).unwrap().events, None);
}

#[test]
fn another_state_is_another_epoch() {
    let mut mine = Server::live(10);
    mine.execute(vec![reserve("ann", 1)]);
    let before = mine.feed.executed();
    let mut theirs = Server::new(10);
    for operation in [reserve("a", 1), act(BOSS, add(E, 5)), act("bob", book("bob", E, 2))] {
        assert!(theirs.execute(vec![operation]));
    }
    mine.feed.align(0, &mine.state);
    assert_eq!(mine.feed.executed(), before);
    mine.feed.align(1, &theirs.state);
    assert!(!mine.feed.knows(before.into()));
    assert!(matches!(mine.feed.since(before.into(), &Scope::All, 1), Since::Unknown));
    assert_eq!((mine.feed.executed().position, mine.feed.picture().unwrap().seats.left), (3, 9));
    assert_eq!(mine.feed.event(&key(E)).unwrap().seats.left, 3);
    assert_eq!(mine.theatre(3), Some(vec![]));
}

#[test]
fn another_state_of_the_same_position_is_another_epoch() {
    let mut mine = Server::live(10);
    mine.execute(vec![reserve("ann", 1)]);
    let before = mine.feed.executed();
    let mut theirs = Server::new(10);
    theirs.execute(vec![reserve("bob", 3)]);
    mine.feed.align(7, &theirs.state);
    assert_eq!(mine.feed.executed().position, before.position);
    assert!(!mine.feed.knows(before.into()));
    assert_eq!(mine.feed.picture().unwrap().seats.left, 7);
}

#[test]
fn the_oldest_changes_go_and_are_unknown_then() {
    let mut server = Server::live(10);
    let mut watching = server.feed.subscribe();
    for _ in 0..CHANGES_MAX / 2 + 5 {
        server.execute(vec![reserve("ann", 1)]);
        server.execute(vec![delete("ann")]);
    }
    assert_eq!(server.theatre(9), None);
    assert_eq!(server.theatre(10).map(|changes| changes.len()), Some(CHANGES_MAX));
    assert!(!server.feed.knows(Cursor { parts: 1, ..server.cursor(10) }), "a part of what is gone");
    assert!(server.feed.knows(Cursor { parts: 1, ..server.cursor(11) }));
    assert!(watching.has_changed().unwrap());
    assert_eq!(*watching.borrow_and_update(), server.feed.executed());
    let since = server.feed.since(server.cursor(10), &Scope::Theatre, 3);
    assert!(matches!(since, Since::News { news, .. } if news.len() == 3));
    // Who wants something else is past all of it at once.
    let Since::News { news, until } = server.feed.since(server.cursor(10), &scope(E), 3) else { panic!() };
    assert!(news.is_empty() && until == server.feed.executed().into());
}

#[test]
fn many_events_at_one_position_have_a_limit_too() {
    let mut server = Server::live(10);
    let days = (1..=28).flat_map(|day| (1..=12).map(move |month| (day, month)));
    let ids: Vec<String> = days
        .flat_map(|(day, month)| (10..30).map(move |year| format!("TORM{day:02}{month:02}{year}")))
        .collect();
    let mut positions = 0;
    for capacity in 1..=6 {
        for ids in ids.chunks(500) {
            assert!(server.execute(ids.iter().map(|id| act(BOSS, add(id, capacity))).collect()));
            positions += 1;
        }
    }
    let ring = server.feed.lock();
    let weight: usize = ring.changes.iter().map(|change| change.weight()).sum();
    assert!(ring.weight == weight && weight <= RUNS_MAX, "{weight}");
    assert!(ring.changes.len() < positions && ring.start > 0);
    assert_eq!(ring.halls.as_ref().unwrap().len(), ids.len());
}

#[test]
fn runs_are_those_of_the_bits() {
    let seats = |words: &[u64]| runs(words.iter().copied());
    assert_eq!(seats(&[0]), []);
    assert_eq!(seats(&[u64::MAX, 1]), [(1, 65)]);
    assert_eq!(seats(&[0b1101, 0, 1 << 63]), [(1, 1), (3, 4), (192, 192)]);
}

#[test]
fn what_a_log_repeats_is_no_news() {
    let mut server = Server::new(10);
    let seats = vec![Seat(4)];
    server.execute(vec![Operation::ReserveSeats { name: "ann".parse().unwrap(), seats }]);
    assert!(server.feed.picture().is_none());
    server.feed.begin(0, &server.state);
    server.feed.end();
    server.execute(vec![delete("ann")]);
    assert_eq!(server.feed.picture().unwrap().seats.left, 9);
}

/// Somebody who has nothing but what the feed tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Board {
    capacity: u32,
    left: u32,
    held: u32,
    waiting: u32,
    taken: BTreeSet<u32>,
}

/// Boards of the theatre and all events.
type Boards = BTreeMap<Option<EventKey>, Board>;

fn seats_of(runs: &[Run]) -> impl Iterator<Item = u32> {
    runs.iter().flat_map(|(first, last)| *first..=*last)
}

impl Board {
    fn of(map: &SeatMap, held: u32, waiting: u32) -> Board {
        let taken = seats_of(&taken(map)).collect();
        Board { capacity: map.capacity, left: map.left, held, waiting, taken }
    }
}

/// What a client makes of a part.
fn show(boards: &mut Boards, part: &Part) {
    let event = part.event.as_deref().cloned();
    match part.what {
        What::Removed => {
            assert!(boards.remove(&event).is_some(), "what goes was there");
            return;
        }
        What::Added => assert!(boards.insert(event.clone(), Board::default()).is_none(), "what comes is new"),
        What::Changed | What::Resized => {}
    }
    let board = boards.get_mut(&event).expect("what changes is there");
    if part.what != What::Changed {
        assert_ne!(board.capacity, part.capacity);
        board.capacity = part.capacity;
    }
    for seat in seats_of(&part.taken) {
        assert!(board.taken.insert(seat), "a seat is taken once");
    }
    for seat in seats_of(&part.freed) {
        assert!(board.taken.remove(&seat), "a taken seat is freed");
    }
    (board.left, board.held, board.waiting) = (part.left, part.held, part.waiting);
}

/// What the feed shows now.
fn pictures(feed: &Feed) -> Boards {
    let of = |picture: Picture| Board::of(&picture.seats, picture.held, picture.waiting);
    let rows = feed.overview(usize::MAX).unwrap().events.unwrap();
    let events = rows.iter().map(|row| {
        let board = of(feed.event(&row.event).unwrap());
        assert_eq!(
            (row.capacity, row.left, row.held, row.waiting),
            (board.capacity, board.left, board.held, board.waiting)
        );
        (Some((*row.event).clone()), board)
    });
    events.chain([(None, of(feed.picture().unwrap()))]).collect()
}

/// What the state answers now.
fn answers(state: &State) -> Boards {
    let ask = |question: Question| {
        let query = Query::Events(Box::new(EventQuery { actor: None, question }));
        let Answer::Events(answer) = state.query(&query) else { panic!("it is about events") };
        *answer
    };
    let filter = Default::default();
    let EventAnswer::Events { events, more: None } =
        ask(Question::Events { filter, after: None, limit: 100 })
    else {
        panic!("there are few events")
    };
    let events = events.into_iter().map(|view| {
        let EventAnswer::SeatMap { map, .. } = ask(Question::SeatMap(view.event.clone())) else { panic!() };
        (Some(view.event), Board::of(&map, view.held, view.waiting))
    });
    let Answer::Seats(theatre) = state.query(&Query::Seats) else { panic!("it is about seats") };
    events.chain([(None, Board::of(&theatre, 0, 0))]).collect()
}

fn any_key() -> impl Strategy<Value = EventKey> {
    let ids = prop_oneof![6 => Just(E), 3 => Just(F), 1 => Just("MTLM100519")];
    (ids, prop_oneof![8 => Just("Seminars"), 1 => Just("Conferences")])
        .prop_map(|(id, kind)| EventKey { id: id.parse().unwrap(), kind: kind.parse().unwrap() })
}

fn any_seating() -> impl Strategy<Value = Seating> {
    prop_oneof![
        6 => (1u32..5).prop_map(any),
        1 => (1u32..40).prop_map(any),
        1 => (1u32..70).prop_map(|seat| Seating::Seats(SeatRuns::one(Seat(seat)))),
    ]
}

fn any_action() -> BoxedStrategy<Operation> {
    let holder = || select(&["ann", "bob", "cid", "TORC0001"][..]).prop_map(who);
    let boss = |event: EventKey| match event.id {
        EventId::Slot(id) => who(&format!("{}M0001", id.branch)),
        EventId::Uuid(_) => panic!("none has such an id"),
    };
    let new = |event: EventKey| {
        let EventKey { id: EventId::Slot(id), kind } = event else { panic!("none has such an id") };
        NewEvent { place: Place::Slot(id), kind, name: None, theatre: None }
    };
    let act = |actor: Actor, action| Operation::Events(Box::new(EventOperation { actor, action }));
    let own = move |action: fn(Actor, EventKey) -> Action| {
        (holder(), any_key()).prop_map(move |(holder, event)| act(holder.clone(), action(holder, event)))
    };
    prop_oneof![
        6 => (any_key(), prop_oneof![20 => 2u32..6, 1 => 60u32..131]).prop_map(move |(event, capacity)| {
            act(boss(event.clone()), Action::AddEvent { event: new(event), capacity })
        }),
        1 => any_key().prop_map(move |event| act(boss(event.clone()), Action::RemoveEvent { event })),
        8 => (holder(), any_key(), any_seating()).prop_map(move |(holder, event, seating)| {
            act(holder.clone(), Action::Book { holder, event, seating })
        }),
        5 => (holder(), any_key(), any_seating()).prop_map(move |(holder, event, seating)| {
            act(holder.clone(), Action::Hold { holder, event, seating })
        }),
        8 => (holder(), any_key(), 1u32..5).prop_map(move |(holder, event, count)| {
            let count = Count::new(count).unwrap();
            act(holder.clone(), Action::Join { holder, event, count })
        }),
        4 => own(|holder, event| Action::Cancel { holder, event: event.id, kind: Some(event.kind) }),
        2 => own(|holder, event| Action::Confirm { holder, event }),
        1 => own(|holder, event| Action::Extend { holder, event }),
        2 => own(|holder, event| Action::Release { holder, event }),
        4 => own(|holder, event| Action::Leave { holder, event }),
        3 => (holder(), any_key(), any_key(), any_seating()).prop_map(move |(holder, from, to, seating)| {
            act(holder.clone(), Action::Exchange { holder, from, to, seating })
        }),
        1 => Just(Operation::Expire),
        1 => (any_key(), 0u64..60).prop_map(|(event, made_until)| {
            Operation::Offer(Box::new(Offer::EventRemoved { event, made_until }))
        }),
        2 => (holder(), any_key(), 0u64..60).prop_map(|(holder, event, made_until)| {
            Operation::Offer(Box::new(Offer::Left { holder, event, made_until }))
        }),
        1 => (holder(), any_key(), 0u64..60).prop_map(|(holder, event, made_until)| {
            Operation::Offer(Box::new(Offer::Cancelled { holder, event, made_until }))
        }),
        3 => (select(&["ann", "bob"][..]), 1u32..5).prop_map(|(name, count)| reserve(name, count)),
        2 => select(&["ann", "bob"][..]).prop_map(delete),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever begins with a picture and takes each part once, in any portions, sees what the state answers: for
    /// everything, for each event by itself, and going on at another server, which began to be followed later.
    #[test]
    fn changes_over_a_picture_are_the_state(
        batches in proptest::collection::vec(
            (proptest::collection::vec(any_action(), 1..5), 0u64..4_000), 1..60,
        ),
        begin in 0usize..30,
        portion in 1usize..4,
    ) {
        let (mut here, mut there) = (Server::live(20), Server::new(20));
        let mut seen = Cursor::from(here.feed.executed());
        let mut boards = pictures(&here.feed);
        let mut own: BTreeMap<EventKey, Cursor> = BTreeMap::new();
        let mut own_boards = Boards::new();
        for (index, (operations, later_ms)) in batches.into_iter().enumerate() {
            for server in [&mut here, &mut there] {
                server.now_ms += later_ms;
                server.execute(operations.clone());
            }
            if index == begin {
                there.feed.begin(0, &there.state);
            }
            here.state.check().unwrap();
            let truth = answers(&here.state);
            prop_assert_eq!(&pictures(&here.feed), &truth);
            let mut servers = [&here, &there].into_iter().filter(|server| server.feed.is_live()).cycle();
            loop {
                let server = servers.next().unwrap();
                let after = Cursor { epoch: server.feed.executed().epoch, ..seen };
                let server = if server.feed.knows(after) { server } else { &here };
                let after = Cursor { epoch: server.feed.executed().epoch, ..seen };
                let Since::News { news, until } = server.feed.since(after, &Scope::All, portion) else {
                    panic!("the ring is large enough")
                };
                news.iter().for_each(|news| show(&mut boards, news.part()));
                seen = until;
                if news.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(&boards, &truth);
            // Each event by itself: from the picture when it is first seen, until it is gone.
            for event in truth.keys().flatten() {
                if !own.contains_key(event) {
                    let picture = here.feed.event(event).unwrap();
                    own.insert(event.clone(), picture.mark.into());
                    let board = Board::of(&picture.seats, picture.held, picture.waiting);
                    own_boards.insert(Some(event.clone()), board);
                }
            }
            for (event, seen) in &mut own {
                let scope = Scope::Event(event.clone());
                let Since::News { news, until } = here.feed.since(*seen, &scope, usize::MAX) else { panic!() };
                news.iter().for_each(|news| show(&mut own_boards, news.part()));
                *seen = until;
                let event = Some(event.clone());
                prop_assert_eq!(own_boards.get(&event), truth.get(&event));
            }
        }
    }
}
