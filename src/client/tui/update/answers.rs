//! What becomes of an answer.

use super::super::super::answers::outcome_exit;
use super::super::super::exit::Exit;
use super::super::input::{Intent, Overlay, Wish};
use super::super::log::Level;
use super::super::state::*;
use super::{Answered, ask_status, events, poll_now, seats};
use crate::api::wire::ServerReply;
use crate::client::exchange::Failure;
use crate::domain::{
    events::{
        answer::{Claimed, EventAnswer},
        outcome::{EventOutcome, Refusal},
    },
    outcome::{Answer, Outcome},
    runs::SeatRuns,
};

/// Takes an answer. One that nobody waits for any more is not looked at.
pub fn take(state: &mut State, number: u64, answered: Answered, effects: &mut Vec<Effect>) {
    let Some(purpose) = state.asked.remove(&number) else { return };
    let Answered { result, server, took_ms, tries } = answered;
    match result {
        Ok(reply) => {
            note_server(state, server);
            match purpose {
                Purpose::Command => {
                    state.note(
                        Level::Debug,
                        format!("server {server} answered after {took_ms} ms, try {tries}"),
                    );
                    told(state, &reply, effects);
                }
                purpose => found(state, purpose, reply, server, took_ms, effects),
            }
        }
        Err(failure) => failed(state, &purpose, &failure, effects),
    }
}

/// Whether another server goes on is worth a message, and no error.
fn note_server(state: &mut State, server: u8) {
    let before = state.server.replace(server);
    let troubles = std::mem::take(&mut state.troubles);
    match before {
        Some(before) if before != server => {
            let reason = troubles.get(&before).map_or_else(String::new, |reason| format!(" ({reason})"));
            let words = format!("Server {server} goes on: server {before} does not answer any more{reason}.");
            state.note(Level::Info, words.clone());
            state.notice = Some((words, state.now.ms + NOTICE_MS));
        }
        Some(_) | None => {
            // Answered again, whatever was the matter.
            if !troubles.is_empty() && state.waiting.is_none() {
                state.notice = None;
            }
        }
    }
}

/// A command was answered.
fn told(state: &mut State, reply: &ServerReply, effects: &mut Vec<Effect>) {
    state.waiting = None;
    let (tone, words) = match reply {
        ServerReply::Outcome(outcome) => {
            let tone = match outcome_exit(outcome) {
                Exit::Done => Tone::Done,
                Exit::Refused | Exit::NotAllowed | Exit::Usage | Exit::Unknown => Tone::Refused,
            };
            if tone == Tone::Done {
                carried_out(state, outcome);
            }
            (tone, outcome.to_string())
        }
        ServerReply::Answer(_)
        | ServerReply::Status(_)
        | ServerReply::Trace(_)
        | ServerReply::Done
        | ServerReply::Error(_) => unreachable!("an exchange ends no command with these"),
    };
    state.note(if tone == Tone::Done { Level::Info } else { Level::Warn }, words.clone());
    state.say(tone, words);
    poll_now(state, effects);
}

/// What the screen can tell from an outcome before it has asked anew.
fn carried_out(state: &mut State, outcome: &Outcome) {
    if let Outcome::Events(outcome) = outcome {
        match &**outcome {
            // The state's time is that of the last command, and this was it.
            EventOutcome::Held { until_ms, .. } | EventOutcome::Extended { until_ms, .. } => {
                let state_ms = until_ms.saturating_sub(state.hold_ms);
                state.skew_ms = state_ms.cast_signed() - state.now.wall_ms.cast_signed();
            }
            EventOutcome::EventAdded { .. } => state.form = Default::default(),
            EventOutcome::Exchanged { .. } => state.exchange = None,
            _ => {}
        }
    }
    // A form is filled in and nothing is picked, or the other way round.
    if state.screen == Screen::Seats
        && let Some(seats) = &mut state.seats
    {
        seats.picked.clear();
    }
}

/// Nobody answered, or it may not be asked.
fn failed(state: &mut State, purpose: &Purpose, failure: &Failure, effects: &mut Vec<Effect>) {
    let mut words = failure.to_string();
    if *purpose == Purpose::Command && *failure == Failure::Unknown {
        words.push_str(". Look at My bookings before you try again");
    }
    for (server, reason) in &state.troubles {
        words.push_str(&format!("; server {server}: {reason}"));
    }
    let level = if matches!(failure, Failure::NotAllowed(_)) { Level::Warn } else { Level::Error };
    if *purpose == Purpose::Command {
        state.note(level, words.clone());
    } else {
        state.note_new(level, words.clone());
    }
    match purpose {
        Purpose::Command => {
            state.waiting = None;
            let tone = match failure {
                Failure::Unknown => Tone::Unknown,
                Failure::NotExecuted | Failure::NotAllowed(_) | Failure::Rejected(_) => Tone::Refused,
            };
            state.say(tone, words);
            poll_now(state, effects);
        }
        _ if state.screen == Screen::Loading => {
            state.loading.failed = Some(words);
            state.loading.is_denied = matches!(failure, Failure::NotAllowed(_));
        }
        Purpose::Schedule(_) | Purpose::Search(_) => state.bookings.refuse(words),
        Purpose::Connect | Purpose::Theatre | Purpose::Page { .. } | Purpose::Map(_) | Purpose::Mine(..) => {
            let words = match failure {
                Failure::NotAllowed(reason) | Failure::Rejected(reason) => reason.clone(),
                Failure::NotExecuted | Failure::Unknown => {
                    "No server answers: what is shown is what was known last.".to_owned()
                }
            };
            state.notice = Some((words, state.now.ms + NOTICE_MS));
        }
    }
}

/// A question was answered.
fn found(
    state: &mut State,
    purpose: Purpose,
    reply: ServerReply,
    server: u8,
    took_ms: u64,
    effects: &mut Vec<Effect>,
) {
    let ServerReply::Answer(answer) = reply else { return };
    if let (Purpose::Connect | Purpose::Theatre | Purpose::Map(Hall::Theatre), Answer::Seats(map)) =
        (&purpose, &answer)
    {
        state.theatre = Some((map.capacity, map.left));
    }
    match (purpose, answer) {
        (Purpose::Connect, _) => {
            state.loading.done.push(format!("server {server} answered after {took_ms} ms"));
            state.loading.since_ms = state.now.ms;
            ask_status(state, effects);
        }
        (Purpose::Page { after, generation }, Answer::Events(answer)) => {
            if let EventAnswer::Events { events, more } = *answer {
                events::page(state, after, generation, events, more);
            }
            if state.screen == Screen::Loading {
                let count: usize = state.events.pages.iter().map(|page| page.events.len()).sum();
                state.loading.done.push(format!("{count} events beside the theatre"));
                state.screen = Screen::Menu;
            }
        }
        (Purpose::Map(hall), Answer::Seats(map)) => seats::map(state, &hall, map),
        (Purpose::Map(hall), Answer::Events(answer)) => match *answer {
            EventAnswer::SeatMap { map, .. } => seats::map(state, &hall, map),
            EventAnswer::Refused(refusal) => seats::refused(state, &hall, refusal.to_string()),
            _ => {}
        },
        (Purpose::Mine(hall, who), answer) => {
            if state.who.as_ref() == Some(&who) {
                seats::mine(state, &hall, owned(answer));
            }
        }
        (Purpose::Schedule(who) | Purpose::Search(who), answer) => {
            if state.who.as_ref() == Some(&who) {
                bookings(state, answer);
            }
        }
        (Purpose::Theatre | Purpose::Page { .. } | Purpose::Map(_) | Purpose::Command, _) => {}
    }
}

/// What somebody has of one hall; nothing if it is not told.
fn owned(answer: Answer) -> Option<Mine> {
    match answer {
        Answer::Search { seats, .. } => Some(theatre_mine(seats.as_deref())),
        Answer::Events(answer) => match *answer {
            EventAnswer::Claim(claim) => Some(mine_of(claim.what)),
            EventAnswer::Refused(Refusal::NotBooked { .. }) => Some(Mine::Nothing),
            _ => None,
        },
        Answer::Seats(_) => None,
    }
}

fn theatre_mine(seats: Option<&[crate::domain::ids::Seat]>) -> Mine {
    seats.and_then(SeatRuns::from_seats).map_or(Mine::Nothing, |seats| Mine::Booked { seats, stem: None })
}

fn mine_of(what: Claimed) -> Mine {
    match what {
        Claimed::Booking { seats, stem } => Mine::Booked { seats, stem: Some(stem) },
        Claimed::Hold { seats, until_ms, extended, .. } => Mine::Held { seats, until_ms, extended },
        Claimed::Place { count, place } => Mine::Waits { count, place },
    }
}

/// What one has was told anew. The cursor stays on its row, and a question about what is gone is closed.
fn bookings(state: &mut State, answer: Answer) {
    let chosen = state.bookings.chosen().cloned();
    listed(state, answer);
    state.bookings.is_told |= state.bookings.theatre.is_some() && state.bookings.events.is_some();
    if let Some(chosen) = chosen {
        state.bookings.follow(&chosen);
    }
    if let Some(Overlay::Confirm { intent: Some(Intent::At(hall, Wish::Cancel)), .. }) = &state.overlay
        && state.screen == Screen::Bookings
        && state.bookings.is_gone(hall)
    {
        let words = format!("You have nothing of {hall} any more.");
        state.overlay = None;
        state.say(Tone::Info, words);
    }
}

fn listed(state: &mut State, answer: Answer) {
    let bookings = &mut state.bookings;
    match answer {
        Answer::Search { seats, .. } => {
            let has = |mine| Booking::Has { hall: Hall::Theatre, date: None, mine };
            let mine = theatre_mine(seats.as_deref());
            bookings.theatre = Some(if mine == Mine::Nothing { Vec::new() } else { vec![has(mine)] });
        }
        Answer::Events(answer) => match *answer {
            EventAnswer::Schedule { claims, cancelled, more, .. } => {
                let has = |claim: crate::domain::events::answer::Claim| Booking::Has {
                    hall: Hall::Event(claim.event),
                    date: Some(claim.date),
                    mine: mine_of(claim.what),
                };
                let rows = claims.into_iter().map(has).chain(cancelled.into_iter().map(Booking::Gone));
                bookings.events = Some(rows.collect());
                bookings.more = more.is_some();
                bookings.refused = None;
            }
            EventAnswer::Refused(refusal) => bookings.refuse(refusal.to_string()),
            _ => {}
        },
        Answer::Seats(_) => {}
    }
}
