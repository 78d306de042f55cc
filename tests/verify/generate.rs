//! Histories from runs of the shipping state machine, with calls that overlap at random: right by construction.

use crate::brute::Server;
use crate::builder::{name, seats};
use boxoffice::verify::history::{Ask, Call, DEFAULT_EVENT, End, Reply};
use std::collections::BTreeSet;

/// Time between two calls taking effect.
const STEP_NS: u64 = 1000;

/// What kind of history.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub calls: usize,
    /// Most calls that are open at a time, about.
    pub clients: u64,
    pub names: u32,
    pub capacity: u32,
    /// Of a thousand calls, so many are never answered.
    pub unknown_per_mille: u32,
}

/// The history of a seed.
pub fn history(plan: Plan, seed: u64) -> Vec<Call> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut server = Server::new(plan.capacity);
    let mut returned: Vec<u64> = vec![0; plan.clients as usize];
    let mut calls = Vec::new();
    for n in 1..=plan.calls as u64 {
        let effect_ns = n * STEP_NS * 2;
        let free: Vec<usize> = (0..returned.len()).filter(|&client| returned[client] < effect_ns).collect();
        let client = match free.len() {
            // Everyone is busy: one more joins.
            0 => {
                returned.push(0);
                returned.len() - 1
            }
            len => free[chance.usize(0..len)],
        };
        let spread_ns = plan.clients * STEP_NS * 2;
        let earliest_ns = (returned[client] + 1).max(effect_ns.saturating_sub(spread_ns));
        let call_ns = chance.u64(earliest_ns..=effect_ns);
        let return_ns = effect_ns + chance.u64(0..spread_ns);
        returned[client] = return_ns;
        let ask = ask(plan, &mut chance);
        let is_unknown = chance.u32(0..1000) < plan.unknown_per_mille;
        let is_lost = is_unknown && chance.bool();
        let reply = (!is_lost).then(|| server.carry_out(&ask));
        let end = reply.filter(|_| !is_unknown).map(|reply| End { return_ns, reply });
        calls.push(Call { client: client as u64, event: DEFAULT_EVENT.to_owned(), ask, call_ns, end });
    }
    calls
}

fn ask(plan: Plan, chance: &mut fastrand::Rng) -> Ask {
    let name = name(&format!("n{}", chance.u32(0..plan.names)));
    match chance.u32(0..100) {
        0..40 => Ask::Reserve { name, count: chance.u32(1..4) },
        40..50 => {
            let picked: BTreeSet<u32> =
                (0..chance.u32(1..4)).map(|_| chance.u32(1..=plan.capacity + 1)).collect();
            Ask::Pick { name, seats: seats(&picked.into_iter().collect::<Vec<_>>()) }
        }
        50..80 => Ask::Delete { name },
        80..98 => Ask::Search { name },
        _ => Ask::Seats,
    }
}

/// Changes one thing, which may or may not make it wrong.
pub fn spoil(history: &mut Vec<Call>, chance: &mut fastrand::Rng) {
    if history.is_empty() {
        return;
    }
    let at = chance.usize(0..history.len());
    let other = chance.usize(0..history.len());
    match chance.u32(0..7) {
        // It never happened, or nobody wrote it down.
        0 => drop(history.remove(at)),
        // Its answer got lost.
        1 => history[at].end = None,
        // It was told what another call was told.
        2 => {
            let reply = history[other].end.as_ref().map(|end| end.reply.clone());
            let Call { ask, end, .. } = &mut history[at];
            if let (Some(end), Some(reply)) = (end, reply)
                && reply.is_reply_to(ask)
            {
                end.reply = reply;
            }
        }
        // It returned earlier, or was called later.
        3 => {
            let call_ns = history[at].call_ns;
            if let Some(end) = &mut history[at].end {
                end.return_ns = chance.u64(call_ns..=end.return_ns);
            }
        }
        4 => {
            let call_ns = history[at].call_ns;
            if let Some(return_ns) = history[at].end.as_ref().map(|end| end.return_ns) {
                history[at].call_ns = chance.u64(call_ns..=return_ns);
            }
        }
        // A number is off by one.
        5 => {
            if let Some(end) = &mut history[at].end {
                end.reply = off_by_one(&end.reply);
            }
        }
        // Two calls were told each other's answers.
        _ => {
            let (one, two) = (history[at].clone(), history[other].clone());
            if let (Some(mut first), Some(mut second)) = (one.end, two.end)
                && second.reply.is_reply_to(&one.ask)
                && first.reply.is_reply_to(&two.ask)
            {
                std::mem::swap(&mut first.reply, &mut second.reply);
                history[at].end = Some(first);
                history[other].end = Some(second);
            }
        }
    }
}

fn off_by_one(reply: &Reply) -> Reply {
    let shift =
        |list: &[boxoffice::domain::ids::Seat]| seats(&list.iter().map(|s| s.0 + 1).collect::<Vec<_>>());
    match reply {
        Reply::Reserved(list) => Reply::Reserved(shift(list)),
        Reply::NotEnough { left } => Reply::NotEnough { left: left + 1 },
        Reply::AlreadyBooked(list) => Reply::AlreadyBooked(shift(list)),
        Reply::Taken(list) => Reply::Taken(shift(list)),
        Reply::NoSuchSeats { seats, capacity } => {
            Reply::NoSuchSeats { seats: seats.clone(), capacity: capacity + 1 }
        }
        Reply::Found(list) => Reply::Found(shift(list)),
        Reply::Released { count, left } => Reply::Released { count: *count, left: left + 1 },
        Reply::NoReservation => Reply::NoReservation,
        Reply::Map { taken, left } => Reply::Map { taken: shift(taken), left: *left },
    }
}
