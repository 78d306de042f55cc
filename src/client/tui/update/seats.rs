//! The seats of one hall: what is asked of the cluster for each wish, and what the answers change.

use super::super::input::{Asks, Field, Intent, Overlay, Tickets, Wish};
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
    let (words, wanted) = match intent {
        Intent::Bookings => {
            (state.bookings, state.exchange) = (Bookings::default(), None);
            return go(state, Screen::Bookings, effects);
        }
        Intent::RemoveEvent(event) => {
            (format!("Removing {event}"), operation(who, Action::RemoveEvent { event }))
        }
        Intent::DeleteTicket(ticket) => {
            let words = format!("Giving back the seat of ticket {ticket}");
            (words, operation(who, Action::DeleteTicket { ticket }))
        }
        Intent::Exchange(from, to, seating) => {
            let words = format!("Exchanging {from} for {to}");
            (words, operation(who.clone(), Action::Exchange { holder: who, from, to, seating }))
        }
        Intent::At(hall, wish) => {
            let picked = picked(state);
            if let (Some(from), Hall::Event(to), Some(seating)) =
                (state.exchange.clone(), &hall, seating(&wish, picked.as_ref()))
            {
                return confirm_exchange(state, from, to.clone(), seating);
            }
            let wanted = match &hall {
                Hall::Theatre => theatre(&wish, name, picked.as_ref()),
                Hall::Event(event) => at_event(&wish, who, event.clone(), picked.as_ref()),
            };
            match wanted {
                Some(wanted) => (words(&wish, &hall, picked.as_ref()), wanted),
                None if hall == Hall::Theatre => {
                    let words = "The theatre sells at once, a number of seats or those that are picked: it has no holds and no waiting list.";
                    return state.say(Tone::Info, words);
                }
                None => {
                    let words = "Pick seats with Space first, or press n for a number of seats.";
                    return state.say(Tone::Info, words);
                }
            }
        }
    };
    command(state, words, wanted, effects);
}

/// Does what somebody wants of the hall that they look at, or whose row is chosen.
pub fn wish(state: &mut State, wish: Wish, effects: &mut Vec<Effect>) {
    if let Some(hall) = chosen_hall(state) {
        act(state, Intent::At(hall, wish), effects);
    }
}

/// The hall that a key is about.
pub fn chosen_hall(state: &State) -> Option<Hall> {
    if state.screen != Screen::Bookings {
        return state.seats.as_ref().map(|seats| seats.hall.clone());
    }
    match state.bookings.chosen()? {
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
        (Screen::Bookings, _) => match state.bookings.chosen()? {
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
fn seating(wish: &Wish, picked: Option<&SeatRuns>) -> Option<Seating> {
    match wish {
        Wish::Book => Some(Seating::Seats(picked?.clone())),
        Wish::BookCount(count) => Count::new(*count).map(Seating::Any),
        Wish::BookBest(count) => Count::new(*count).map(Seating::Best),
        _ => None,
    }
}

fn theatre(wish: &Wish, name: Name, picked: Option<&SeatRuns>) -> Option<Wanted> {
    let operation = match wish {
        Wish::Book => Operation::ReserveSeats { name, seats: picked?.to_vec() },
        Wish::BookCount(count) => Operation::Reserve { name, count: *count },
        Wish::Cancel => Operation::Delete { name },
        Wish::BookBest(_)
        | Wish::Hold
        | Wish::Confirm
        | Wish::Extend
        | Wish::Release
        | Wish::Join(_)
        | Wish::Leave => return None,
    };
    Some(Wanted::Operation(operation))
}

fn at_event(wish: &Wish, who: Actor, event: EventKey, picked: Option<&SeatRuns>) -> Option<Wanted> {
    let holder = who.clone();
    let action = match wish {
        Wish::Book | Wish::BookCount(_) | Wish::BookBest(_) => {
            Action::Book { holder, event, seating: seating(wish, picked)? }
        }
        Wish::Hold => Action::Hold { holder, event, seating: Seating::Seats(picked?.clone()) },
        Wish::Confirm => Action::Confirm { holder, event },
        Wish::Extend => Action::Extend { holder, event },
        Wish::Release => Action::Release { holder, event },
        Wish::Cancel => Action::Cancel { holder, event: event.id, kind: Some(event.kind) },
        Wish::Join(count) => Action::Join { holder, event, count: Count::new(*count)? },
        Wish::Leave => Action::Leave { holder, event },
    };
    Some(operation(who, action))
}

/// What is being done, while it is.
fn words(wish: &Wish, hall: &Hall, picked: Option<&SeatRuns>) -> String {
    let picked = picked.map_or_else(String::new, |picked| brief(picked, 30));
    match wish {
        Wish::Book => format!("Booking {picked} of {hall}"),
        Wish::Hold => format!("Holding {picked} of {hall}"),
        Wish::BookCount(count) => format!("Booking {count} seats of {hall}"),
        Wish::BookBest(count) => format!("Booking {count} adjacent seats of {hall}"),
        Wish::Confirm => format!("Confirming the hold at {hall}"),
        Wish::Extend => format!("Extending the hold at {hall}"),
        Wish::Release => format!("Releasing the hold at {hall}"),
        Wish::Cancel => format!("Giving back the seats of {hall}"),
        Wish::Join(count) => format!("Joining the waiting list of {hall} for {count} seats"),
        Wish::Leave => format!("Leaving the waiting list of {hall}"),
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
