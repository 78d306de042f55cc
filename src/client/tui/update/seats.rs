//! The seats of one hall: what is asked of the cluster for each wish, and what the answers change.

use super::super::input::{Asks, Field, Intent, Overlay, Tickets};
use super::super::state::*;
use super::super::view::tickets_height;
use super::keys::moves;
use super::{ask, command, go};
use crate::client::{
    events::{operation, question, seat_map},
    exchange::Wanted,
    seat_map::is_free,
};
use crate::domain::{
    command::{Operation, Query},
    events::{
        command::{Action, Count, Question, Seating},
        ids::{Actor, EventKey},
        tickets::TicketStem,
    },
    ids::{Name, Seat},
    outcome::SeatMap,
    runs::SeatRuns,
};
use crossterm::event::{KeyCode, KeyEvent};

/// Opens a hall.
pub fn open(state: &mut State, hall: Hall, effects: &mut Vec<Effect>) {
    let view = state.events.pages.iter().flat_map(|page| &page.events);
    let view = view.into_iter().find(|view| Hall::Event(view.event.clone()) == hall).cloned();
    state.seats = Some(Seats::of(hall, view, state.screen));
    state.message = None;
    go(state, Screen::Seats, effects);
}

/// Asks anew for the seats and for what is one's own of them.
pub fn refresh(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(hall) = state.seats.as_ref().map(|seats| seats.hall.clone()) else { return };
    let map = match &hall {
        Hall::Theatre => Wanted::Query(Query::Seats),
        Hall::Event(event) => seat_map(event.clone()),
    };
    ask(state, Purpose::Map(hall.clone()), map, effects);
    let (Some(who), Some(name)) = (state.who.clone(), state.name()) else { return };
    let mine = match &hall {
        Hall::Theatre => Wanted::Query(Query::Search { name }),
        Hall::Event(event) => {
            question(Some(&who), Question::Claim { holder: who.clone(), event: event.clone() })
        }
    };
    ask(state, Purpose::Mine(hall, who), mine, effects);
}

/// The seats as they are now. Seats that somebody else has taken are no longer picked.
pub fn map(state: &mut State, hall: &Hall, map: SeatMap) {
    let is_waiting = state.waiting.is_some();
    let Some(seats) = state.seats.as_mut().filter(|seats| seats.hall == *hall) else { return };
    let lost: Vec<Seat> =
        seats.picked.iter().filter(|&&seat| !is_free(&map, seat)).map(|&n| Seat(n)).collect();
    if seats.map.is_none() {
        // Where people would begin to look.
        seats.cursor = (1..=map.capacity).find(|&seat| is_free(&map, seat)).unwrap_or(1);
    }
    seats.map = Some(map);
    seats.refused = None;
    // While one's own command is under way it may be the reason.
    if is_waiting || lost.is_empty() {
        return;
    }
    seats.picked.retain(|&seat| !lost.contains(&Seat(seat)));
    if let Some(lost) = SeatRuns::from_seats(&lost) {
        let words = format!("Taken by somebody else just now, and picked no longer: {}.", brief(&lost, 40));
        state.say(Tone::Info, words);
    }
}

/// There are no such seats to be seen.
pub fn refused(state: &mut State, hall: &Hall, words: String) {
    if let Some(seats) = state.seats.as_mut().filter(|seats| seats.hall == *hall) {
        seats.map = None;
        seats.refused = Some(words);
    }
}

/// What is one's own.
pub fn mine(state: &mut State, hall: &Hall, mine: Option<Mine>) {
    if let (Some(seats), Some(mine)) = (state.seats.as_mut().filter(|seats| seats.hall == *hall), mine) {
        seats.mine = mine;
    }
}

/// Does what somebody wants, once it is known who that is.
pub fn act(state: &mut State, intent: Intent, effects: &mut Vec<Effect>) {
    let (Some(who), Some(name)) = (state.who.clone(), state.name()) else {
        let (asks, field, wrong) = (Asks::Who(Some(intent)), Field::default(), None);
        state.overlay = Some(Overlay::Input { asks, field, wrong });
        return;
    };
    let (hall, wanted) = match intent.clone() {
        Intent::Bookings => {
            (state.bookings, state.exchange) = (Bookings::default(), None);
            return go(state, Screen::Bookings, effects);
        }
        // These say themselves where it is.
        Intent::RemoveEvent(event) => {
            (Hall::Event(event.clone()), Some(operation(who, Action::RemoveEvent { event })))
        }
        Intent::DeleteTicket(ticket) => {
            let wanted = operation(who, Action::DeleteTicket { ticket });
            return command(state, format!("Giving back the seat of ticket {ticket}"), wanted, effects);
        }
        Intent::Exchange(from, to, seating) => {
            let hall = Hall::Event(to.clone());
            (hall, Some(operation(who.clone(), Action::Exchange { holder: who, from, to, seating })))
        }
        _ => {
            let Some(hall) = chosen_hall(state) else { return };
            let picked = picked(state);
            if let (Some(from), Hall::Event(to), Some(seating)) =
                (state.exchange.clone(), &hall, seating(&intent, picked.as_ref()))
            {
                return confirm_exchange(state, from, to.clone(), seating);
            }
            let wanted = match &hall {
                Hall::Theatre => theatre(&intent, name, picked.as_ref()),
                Hall::Event(event) => at_event(&intent, who, event.clone(), picked.as_ref()),
            };
            (hall, wanted)
        }
    };
    let words = words(&intent, &hall, picked(state).as_ref());
    match wanted {
        Some(wanted) => command(state, words, wanted, effects),
        None if hall == Hall::Theatre => {
            let words = "The theatre sells at once, a number of seats or those that are picked: it has no holds and no waiting list.";
            state.say(Tone::Info, words);
        }
        None => state.say(Tone::Info, "Pick seats with Space first, or press n for a number of seats."),
    }
}

/// The hall that a wish is about.
fn chosen_hall(state: &State) -> Option<Hall> {
    if state.screen != Screen::Bookings {
        return state.seats.as_ref().map(|seats| seats.hall.clone());
    }
    match state.bookings.rows().nth(state.bookings.place.at)? {
        Booking::Has { hall, .. } => Some(hall.clone()),
        Booking::Gone(_) => None,
    }
}

/// The seats that are picked where seats are seen.
fn picked(state: &State) -> Option<SeatRuns> {
    let seats = state.seats.as_ref().filter(|_| state.screen == Screen::Seats)?;
    SeatRuns::from_seats(&seats.picked.iter().copied().map(Seat).collect::<Vec<_>>())
}

/// What one has where the cursor is.
fn chosen_booking(state: &State) -> Option<(EventKey, SeatRuns, TicketStem)> {
    let (hall, mine) = match (state.screen, &state.seats) {
        (Screen::Bookings, _) => match state.bookings.rows().nth(state.bookings.place.at)? {
            Booking::Has { hall, mine, .. } => (hall, mine),
            Booking::Gone(_) => return None,
        },
        (_, seats) => seats.as_ref().map(|seats| (&seats.hall, &seats.mine))?,
    };
    match (hall, mine) {
        (Hall::Event(event), Mine::Booked { seats, stem: Some(stem) }) => {
            Some((event.clone(), seats.clone(), *stem))
        }
        _ => None,
    }
}

/// Shows the tickets of a booking.
pub fn tickets(state: &mut State) {
    match chosen_booking(state) {
        Some((event, seats, stem)) => {
            let place = Place::default();
            state.overlay = Some(Overlay::Tickets(Tickets { event, seats, stem, place }));
        }
        None => state.say(Tone::Info, "Only what is booked of an event has tickets."),
    }
}

/// A key while tickets are seen.
pub fn press_tickets(state: &mut State, mut tickets: Tickets, key: KeyEvent) {
    if key.code == KeyCode::Esc {
        return;
    }
    if let (KeyCode::Char('x'), Some((seat, ticket))) = (key.code, tickets.row(tickets.place.at)) {
        let question = format!("Give seat {seat} of {} back, and its ticket?", tickets.event);
        state.overlay = Some(Overlay::Confirm { question, intent: Some(Intent::DeleteTicket(ticket)) });
        return;
    }
    let height = tickets_height(state.size.1);
    moves(&mut tickets.place, key.code, state.size.1);
    tickets.place.settle(tickets.seats.count() as usize, height);
    state.overlay = Some(Overlay::Tickets(tickets));
}

/// Begins to exchange a booking: the other event is chosen next.
pub fn exchange(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((event, ..)) = chosen_booking(state) else {
        return state.say(Tone::Info, "Only what is booked of an event can be exchanged.");
    };
    state.exchange = Some(event.clone());
    go(state, Screen::Events, effects);
    state.say(Tone::Info, format!("Choose the event to exchange {event} for. Esc keeps what you have."));
}

/// Asks before a booking is exchanged: both or nothing.
fn confirm_exchange(state: &mut State, from: EventKey, to: EventKey, seating: Seating) {
    let what = match &seating {
        Seating::Seats(seats) => format!("seats {}", brief(seats, 40)),
        Seating::Any(count) => format!("{} seats", count.get()),
        Seating::Best(count) => format!("{} adjacent seats", count.get()),
    };
    let question = format!("Exchange your seats of {from} for {what} of {to}? Both or nothing.");
    state.overlay = Some(Overlay::Confirm { question, intent: Some(Intent::Exchange(from, to, seating)) });
}

/// Which seats of an event a wish to book means.
fn seating(intent: &Intent, picked: Option<&SeatRuns>) -> Option<Seating> {
    match intent {
        Intent::Book => Some(Seating::Seats(picked?.clone())),
        Intent::BookCount(count) => Count::new(*count).map(Seating::Any),
        Intent::BookBest(count) => Count::new(*count).map(Seating::Best),
        _ => None,
    }
}

fn theatre(intent: &Intent, name: Name, picked: Option<&SeatRuns>) -> Option<Wanted> {
    let operation = match intent {
        Intent::Book => Operation::ReserveSeats { name, seats: picked?.to_vec() },
        Intent::BookCount(count) => Operation::Reserve { name, count: *count },
        Intent::Cancel => Operation::Delete { name },
        Intent::BookBest(_)
        | Intent::Exchange(..)
        | Intent::DeleteTicket(_)
        | Intent::RemoveEvent(_)
        | Intent::Hold
        | Intent::Confirm
        | Intent::Extend
        | Intent::Release
        | Intent::Join(_)
        | Intent::Leave
        | Intent::Bookings => return None,
    };
    Some(Wanted::Operation(operation))
}

fn at_event(intent: &Intent, who: Actor, event: EventKey, picked: Option<&SeatRuns>) -> Option<Wanted> {
    let holder = who.clone();
    let action = match intent {
        Intent::Book | Intent::BookCount(_) | Intent::BookBest(_) => {
            Action::Book { holder, event, seating: seating(intent, picked)? }
        }
        Intent::Hold => Action::Hold { holder, event, seating: Seating::Seats(picked?.clone()) },
        Intent::Confirm => Action::Confirm { holder, event },
        Intent::Extend => Action::Extend { holder, event },
        Intent::Release => Action::Release { holder, event },
        Intent::Cancel => Action::Cancel { holder, event: event.id, kind: Some(event.kind) },
        Intent::Join(count) => Action::Join { holder, event, count: Count::new(*count)? },
        Intent::Leave => Action::Leave { holder, event },
        Intent::Exchange(..) | Intent::DeleteTicket(_) | Intent::RemoveEvent(_) | Intent::Bookings => {
            return None;
        }
    };
    Some(operation(who, action))
}

/// What is being done, while it is.
fn words(intent: &Intent, hall: &Hall, picked: Option<&SeatRuns>) -> String {
    let picked = picked.map_or_else(String::new, |picked| brief(picked, 30));
    match intent {
        Intent::Book => format!("Booking {picked} of {hall}"),
        Intent::Hold => format!("Holding {picked} of {hall}"),
        Intent::BookCount(count) => format!("Booking {count} seats of {hall}"),
        Intent::BookBest(count) => format!("Booking {count} adjacent seats of {hall}"),
        Intent::Exchange(from, ..) => format!("Exchanging {from} for {hall}"),
        Intent::DeleteTicket(ticket) => format!("Giving back the seat of ticket {ticket}"),
        Intent::RemoveEvent(_) => format!("Removing {hall}"),
        Intent::Confirm => format!("Confirming the hold at {hall}"),
        Intent::Extend => format!("Extending the hold at {hall}"),
        Intent::Release => format!("Releasing the hold at {hall}"),
        Intent::Cancel => format!("Giving back the seats of {hall}"),
        Intent::Join(count) => format!("Joining the waiting list of {hall} for {count} seats"),
        Intent::Leave => format!("Leaving the waiting list of {hall}"),
        Intent::Bookings => "Looking".to_owned(),
    }
}

/// Seats for people, on little room: `1-3,7` and how many there are where they do not fit.
pub fn brief(seats: &SeatRuns, chars_max: usize) -> String {
    let mut text = String::new();
    for run in seats.runs() {
        let comma = if text.is_empty() { "" } else { "," };
        let next = match run.count {
            1 => format!("{comma}{}", run.first),
            2 => format!("{comma}{},{}", run.first, run.last()),
            _ => format!("{comma}{}-{}", run.first, run.last()),
        };
        if text.len() + next.len() > chars_max {
            return format!("{text}{comma}... ({} seats)", seats.count());
        }
        text.push_str(&next);
    }
    text
}
