//! Why no order explains a history, in words.

use super::history::{Call, Reply};
use std::collections::BTreeSet;
use std::fmt;

/// Most earlier calls that are told.
const EARLIER_MAX: usize = 8;
/// Most calls at the same time that are told.
const BESIDE_MAX: usize = 24;

/// The shortest beginning of a history that cannot be ordered: up to the return of one call, and the calls that
/// matter to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Of which event.
    pub event: String,
    /// How many of the event's calls had begun: the beginning up to there cannot be ordered, a shorter one can.
    pub begun: usize,
    /// The call with which it ends.
    pub culprit: Place,
    /// What it would have had to be told in the orders that explain all before; not always all of them.
    pub alternatives: Vec<Reply>,
    /// Calls that were open at the same time, by their beginning.
    pub beside: Vec<Place>,
    /// The last calls before it that changed its name or the seats in question, by their beginning.
    pub earlier: Vec<Place>,
    /// How many calls were left out above.
    pub omitted: usize,
}

/// A call with its place in the history, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is; the line of a file is one more.
    pub index: usize,
    /// Which one.
    pub call: Call,
}

impl Violation {
    /// `culprit` is the place of the call that cannot be told what it was told.
    pub(super) fn new(
        history: &[Call],
        places: &[usize],
        culprit: usize,
        alternatives: BTreeSet<Reply>,
    ) -> Violation {
        let at = |index: usize| Place { index, call: history[index].clone() };
        let call = &history[culprit];
        let end = call.end.as_ref().expect("only an answer can be wrong");
        let begun = |place: usize| history[place].call_ns <= end.return_ns;
        let is_over =
            |place: usize| history[place].end.as_ref().is_some_and(|other| other.return_ns < call.call_ns);
        // What is said to be and what would have to be differ in these seats.
        let mut seats: BTreeSet<_> = end.reply.seats().iter().copied().collect();
        seats.extend(alternatives.iter().flat_map(|reply| reply.seats()).copied());
        let matters = |place: usize| {
            let other = &history[place];
            let is_change = other.end.as_ref().is_none_or(|end| end.reply.is_change());
            let is_seats =
                other.end.iter().any(|end| end.reply.seats().iter().any(|seat| seats.contains(seat)));
            is_change && (call.ask.name().is_none() || other.ask.name() == call.ask.name() || is_seats)
        };
        let others = || places.iter().copied().filter(|&place| place != culprit && begun(place));
        let sorted = |mut places: Vec<usize>| {
            places.sort_by_key(|&place| history[place].call_ns);
            places
        };
        // A query that nobody answered matters to nobody.
        let is_blank = |place: usize| history[place].end.is_none() && history[place].ask.is_query();
        let beside = sorted(others().filter(|&place| !is_over(place) && !is_blank(place)).collect());
        let earlier = sorted(others().filter(|&place| is_over(place) && matters(place)).collect());
        let omitted = beside.len().saturating_sub(BESIDE_MAX) + earlier.len().saturating_sub(EARLIER_MAX);
        let last = |places: Vec<usize>, max: usize| {
            places[places.len().saturating_sub(max)..].iter().map(|&place| at(place)).collect()
        };
        Violation {
            event: call.event.clone(),
            begun: others().count() + 1,
            culprit: at(culprit),
            alternatives: alternatives.into_iter().collect(),
            beside: last(beside, BESIDE_MAX),
            earlier: last(earlier, EARLIER_MAX),
            omitted,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { event, begun, culprit, alternatives, beside, earlier, omitted } = self;
        writeln!(
            f,
            "no order of the first {begun} calls of {event:?} explains what they were told; without the answer of the last to return there is one."
        )?;
        writeln!(f, "It was told:\n  {culprit}")?;
        let possible: Vec<String> = alternatives.iter().map(Reply::to_string).collect();
        write!(f, "It had to be told: {}.", possible.join("; or: "))?;
        for (words, places) in [("At the same time:", beside), ("Before it, about the same:", earlier)] {
            if !places.is_empty() {
                write!(f, "\n{words}")?;
                places.iter().try_for_each(|place| write!(f, "\n  {place}"))?;
            }
        }
        if *omitted > 0 {
            write!(f, "\n({omitted} earlier ones are left out.)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { index, call } = self;
        let ms = |ns: u64| format!("{}.{:06}", ns / 1_000_000, ns % 1_000_000);
        write!(f, "call {}, client {}, from {} ms ", index + 1, call.client, ms(call.call_ns))?;
        match &call.end {
            Some(end) => write!(f, "to {} ms: {}: {}", ms(end.return_ns), call.ask, end.reply),
            None => write!(f, "on, without an answer: {}", call.ask),
        }
    }
}
