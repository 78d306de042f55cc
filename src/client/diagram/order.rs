//! An order of what all servers tell, in which nothing comes in before it was sent.
//!
//! What was sent on a link is paired with what came in from it: in order, each with the next one that says the same.
//! Clocks of different machines differ, so they are moved by as little as is needed for no message to be received before
//! it was sent; where that is impossible (a clock was set meanwhile) they are left as they are. In either case each
//! server's own events keep their order, and a message comes in after it was sent.

use super::{Event, What, label};
use crate::api::wire::{Said, Traced};
use std::collections::{BTreeMap, VecDeque};

/// What all servers tell, in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ordered {
    /// The events, in order.
    pub events: Vec<Placed>,
    /// Clocks that had to be moved, and by how many microseconds.
    pub moved: BTreeMap<u8, u64>,
}

/// An event in the order of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What happened, when by the server's own clock.
    pub event: Event,
    /// When, by clocks that agree; never less than that of the event before it.
    pub at_us: u64,
    /// Of what was sent, where it came in; of what came in, where it was sent. A place in this order.
    pub other: Option<usize>,
}

/// A message that went over a link.
struct Pair {
    sent: usize,
    received: usize,
}

/// Puts events in order. Each server's own are in its order already, whatever its clock says.
pub fn order(events: Vec<Event>) -> Ordered {
    let mut lines: BTreeMap<u8, VecDeque<usize>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        lines.entry(event.server).or_default().push_back(at);
    }
    let pairs = pair(&events);
    let moved = moves(&events, &lines, &pairs);
    let mut times: Vec<u64> = Vec::with_capacity(events.len());
    let mut latest: BTreeMap<u8, u64> = BTreeMap::new();
    for event in &events {
        let own = event.at_us + moved.get(&event.server).unwrap_or(&0);
        // A clock that is set back does not turn a server's own order round.
        let time = own.max(*latest.get(&event.server).unwrap_or(&0));
        latest.insert(event.server, time);
        times.push(time);
    }
    let mut others: Vec<Option<usize>> = vec![None; events.len()];
    for Pair { sent, received } in pairs {
        (others[sent], others[received]) = (Some(received), Some(sent));
    }
    sort(events, &times, lines, others, moved)
}

/// Takes from each server's line what is earliest, and what came in only after it was sent.
fn sort(
    events: Vec<Event>,
    times: &[u64],
    mut lines: BTreeMap<u8, VecDeque<usize>>,
    mut others: Vec<Option<usize>>,
    moved: BTreeMap<u8, u64>,
) -> Ordered {
    let mut places: Vec<Option<usize>> = vec![None; events.len()];
    let mut order: Vec<usize> = Vec::with_capacity(events.len());
    while order.len() < events.len() {
        let heads = || lines.values().filter_map(|line| line.front().copied());
        let is_free = |at: &usize| match (&events[*at].what, others[*at]) {
            (What::Traced(Traced::Received { .. }), Some(sent)) => places[sent].is_some(),
            _ => true,
        };
        let earliest = |at: &usize| (times[*at], events[*at].server);
        let next = heads().filter(is_free).min_by_key(earliest).unwrap_or_else(|| {
            // No run of servers is like that, but a file can be: each waits for another one. What comes in here
            // is taken for something that was sent before.
            heads().min_by_key(earliest).expect("not all events have a place yet")
        });
        if let Some(sent) = others[next].filter(|_| !is_free(&next)) {
            (others[next], others[sent]) = (None, None);
        }
        places[next] = Some(order.len());
        order.push(next);
        if let Some(line) = lines.get_mut(&events[next].server) {
            line.pop_front();
        }
    }
    let mut events: Vec<Option<Event>> = events.into_iter().map(Some).collect();
    let mut latest = 0;
    let placed = order.into_iter().map(|at| {
        latest = latest.max(times[at]);
        let event = events[at].take().expect("every event has one place");
        Placed { event, at_us: latest, other: others[at].and_then(|other| places[other]) }
    });
    Ordered { events: placed.collect(), moved }
}

/// Links deliver in order, each message once; some may be missing on either side.
fn pair(events: &[Event]) -> Vec<Pair> {
    let mut sent: BTreeMap<(u8, u8), Vec<(usize, &Said)>> = BTreeMap::new();
    let mut received: BTreeMap<(u8, u8), Vec<(usize, &Said)>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        match &event.what {
            What::Traced(Traced::Sent { to, said }) => {
                sent.entry((event.server, to.0)).or_default().push((at, said));
            }
            What::Traced(Traced::Received { from, said }) => {
                received.entry((from.0, event.server)).or_default().push((at, said));
            }
            _ => {}
        }
    }
    let mut pairs = Vec::new();
    for (link, came) in received {
        let Some(went) = sent.get(&link).filter(|_| link.0 != link.1) else { continue };
        // Where each thing was said, so that one that was never sent is not looked for over and over.
        let mut said: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
        for (nth, (_, what)) in went.iter().enumerate() {
            said.entry(label(what)).or_default().push_back(nth);
        }
        let mut next = 0;
        for (at, what) in came {
            let Some(places) = said.get_mut(&label(what)) else { continue };
            while places.front().is_some_and(|&nth| nth < next) {
                places.pop_front();
            }
            if let Some(nth) = places.pop_front() {
                pairs.push(Pair { sent: went[nth].0, received: at });
                next = nth + 1;
            }
        }
    }
    pairs
}

/// By how much each clock has to be moved.
fn moves(events: &[Event], lines: &BTreeMap<u8, VecDeque<usize>>, pairs: &[Pair]) -> BTreeMap<u8, u64> {
    // By how much the clock of the receiver has to be moved more than that of the sender.
    let mut needs: BTreeMap<(u8, u8), i64> = BTreeMap::new();
    for Pair { sent, received } in pairs {
        let (from, to) = (&events[*sent], &events[*received]);
        if !is_unlike_others(from) {
            continue;
        }
        let need = from.at_us.cast_signed() - to.at_us.cast_signed();
        let most = needs.entry((from.server, to.server)).or_insert(need);
        *most = need.max(*most);
    }
    let mut moved: BTreeMap<u8, i128> = lines.keys().map(|&server| (server, 0)).collect();
    // One round for each server is enough if there is an answer at all.
    for _ in 0..=moved.len() {
        let mut is_settled = true;
        for (&(from, to), need) in &needs {
            let least = moved[&from] + i128::from(*need);
            if moved[&to] < least {
                moved.insert(to, least);
                is_settled = false;
            }
        }
        if is_settled {
            let by = |(server, us)| Some((server, u64::try_from(us).ok().filter(|&us| us > 0)?));
            return moved.into_iter().filter_map(by).collect();
        }
    }
    BTreeMap::new()
}

/// Whether what was sent is told from everything else that was. Of others an earlier one may have been meant.
fn is_unlike_others(sent: &Event) -> bool {
    match &sent.what {
        What::Traced(Traced::Sent { said, .. }) => match said {
            Said::Request { .. } | Said::Reply { .. } | Said::Release { .. } | Said::View { .. } => true,
            Said::Leave | Said::CatchUp => false,
        },
        _ => false,
    }
}
