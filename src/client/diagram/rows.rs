//! What stands on which row of the diagram.
//!
//! A message is one arrow on one row where that is possible: where nothing else happens at its sender before it comes in
//! (but other messages), and where it does not take long. Otherwise it is two halves, one where it was sent and one
//! where it came in: so messages that cross are seen to cross.

use super::order::{Ordered, Placed};
use super::{Event, Filter, What, label};
use crate::api::wire::Traced;
use std::collections::{BTreeMap, BTreeSet};

/// A message that takes so long is drawn as two halves, in microseconds.
const SLOW_US: u64 = 20_000;
/// Nothing for so long is a row of its own, in microseconds.
const GAP_US: u64 = 50_000;

/// A diagram, as far as it does not depend on how wide it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// From the top.
    pub rows: Vec<Row>,
    /// Earlier events that are left out.
    pub left_out: usize,
    /// Clocks that had to be moved, and by how many microseconds.
    pub moved: BTreeMap<u8, u64>,
    /// Who was in the critical section last, of all that is known.
    pub last_turn: Option<Turn>,
}

/// A turn in the critical section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose turn it was.
    pub server: u8,
    /// With which request.
    pub request: String,
    /// Where in the order of all.
    pub position: u64,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When, in microseconds since 1970, by clocks that agree.
    pub at_us: u64,
    /// What is on it.
    pub mark: Mark,
    /// Servers that have left and were not heard of since.
    pub gone: BTreeSet<u8>,
}

/// What is on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A message.
    Arrow {
        /// Who sent it.
        from: u8,
        /// Whom to.
        to: u8,
        /// What it says.
        label: String,
        /// How much of it is on this row.
        part: Part,
    },
    /// The critical section.
    Bar {
        /// Who executes.
        server: u8,
        /// Where in the order of all.
        position: u64,
        /// How many commands.
        commands: u32,
        /// Whether it is this server's turn; the others do the same after it.
        is_own: bool,
    },
    /// A server works in a view from here on.
    View {
        /// Which server.
        server: u8,
        /// Which view.
        view: String,
        /// Who is in it.
        members: Vec<u8>,
        /// Whether it is the first server that is seen to.
        is_first: bool,
    },
    /// One server takes another one for crashed.
    Suspects {
        /// Who.
        server: u8,
        /// Whom.
        whom: u8,
    },
    /// It has left.
    Leaves(u8),
    /// It was started again.
    StartedAgain(u8),
    /// Events of a server are missing.
    Missing {
        /// Of which one.
        server: u8,
        /// How many.
        count: u64,
    },
    /// Nothing happened for so long, in microseconds.
    Gap(u64),
}

/// How much of an arrow is on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Where it was sent; it comes in further down.
    Start,
    /// Where it came in; it was sent further up.
    End,
    /// Where it was sent. Nobody has seen it come in: it is on its way, or lost, or its receiver is not watched.
    NotSeenToArrive,
    /// Where it came in. Nobody has seen it being sent.
    NotSeenToBeSent,
}

impl Mark {
    /// The servers that do something on this row.
    fn servers(&self) -> Vec<u8> {
        match self {
            Mark::Arrow { from, to, part, .. } => match part {
                Part::Whole => vec![*from, *to],
                Part::Start | Part::NotSeenToArrive => vec![*from],
                Part::End | Part::NotSeenToBeSent => vec![*to],
            },
            Mark::Bar { server, .. }
            | Mark::View { server, .. }
            | Mark::Suspects { server, .. }
            | Mark::Leaves(server)
            | Mark::StartedAgain(server) => vec![*server],
            Mark::Missing { .. } | Mark::Gap(_) => Vec::new(),
        }
    }
}

/// Lays out the last of the events that are wanted.
pub fn rows(ordered: &Ordered, filter: Filter, events_max: usize) -> Diagram {
    let wanted: Vec<usize> =
        (0..ordered.events.len()).filter(|&at| filter.takes(&ordered.events[at].event.what)).collect();
    let left_out = wanted.len().saturating_sub(events_max);
    let mut desk = Desk { events: &ordered.events, ..Desk::default() };
    // A view is new once, also when that was further up.
    for &at in &wanted[..left_out] {
        if let What::Traced(Traced::Activated { view, .. }) = &ordered.events[at].event.what {
            desk.views.insert(view.clone());
        }
    }
    desk.seen = wanted[left_out..].iter().copied().collect();
    for &at in &wanted[left_out..] {
        desk.take(at);
    }
    let last_turn = ordered.events.iter().filter_map(|placed| turn(&placed.event)).max_by_key(|t| t.position);
    Diagram { rows: desk.rows, left_out, moved: ordered.moved.clone(), last_turn }
}

/// The turn that this is a part of.
fn turn(event: &Event) -> Option<Turn> {
    let What::Traced(Traced::Executed { position, request, .. }) = &event.what else { return None };
    Some(Turn { server: request.server.0, request: request.to_string(), position: *position })
}

/// Rows as they are laid out.
#[derive(Default)]
struct Desk<'a> {
    events: &'a [Placed],
    /// Events that are drawn.
    seen: BTreeSet<usize>,
    /// What each server has sent last, and is not drawn yet because all of it may fit on one row.
    sending: BTreeMap<u8, Vec<usize>>,
    /// Messages whose first half is drawn.
    started: BTreeSet<usize>,
    views: BTreeSet<String>,
    gone: BTreeSet<u8>,
    rows: Vec<Row>,
}

impl Desk<'_> {
    fn take(&mut self, at: usize) {
        let Placed { event: Event { server, what, .. }, at_us, other } = &self.events[at];
        let (server, at_us) = (*server, *at_us);
        let other = other.filter(|other| self.seen.contains(other));
        if let What::Traced(Traced::Sent { to, said }) = what {
            let part = match other {
                None => Part::NotSeenToArrive,
                Some(other) if self.events[other].at_us - at_us < SLOW_US => {
                    return self.sending.entry(server).or_default().push(at);
                }
                Some(_) => Part::Start,
            };
            self.started.insert(at);
            return self.push(at_us, Mark::Arrow { from: server, to: to.0, label: label(said), part });
        }
        self.start(server);
        let mark = match what {
            What::Traced(Traced::Received { from, said }) => {
                let part = match other {
                    None => Part::NotSeenToBeSent,
                    Some(sent) if self.started.contains(&sent) => Part::End,
                    Some(sent) => {
                        self.sending.entry(from.0).or_default().retain(|&other| other != sent);
                        Part::Whole
                    }
                };
                Mark::Arrow { from: from.0, to: server, label: label(said), part }
            }
            What::Traced(Traced::Executed { position, request, commands }) => Mark::Bar {
                server,
                position: *position,
                commands: *commands,
                is_own: request.server.0 == server,
            },
            What::Traced(Traced::Activated { view, members }) => {
                let members = members.iter().map(|member| member.0).collect();
                Mark::View { server, view: view.clone(), members, is_first: self.views.insert(view.clone()) }
            }
            What::Traced(Traced::Suspected { server: whom }) => Mark::Suspects { server, whom: whom.0 },
            What::Traced(Traced::Left) => Mark::Leaves(server),
            What::StartedAgain => Mark::StartedAgain(server),
            What::Missing(count) => Mark::Missing { server, count: *count },
            What::Traced(Traced::Sent { .. }) => unreachable!("it was taken above"),
        };
        self.push(at_us, mark);
    }

    /// Something else happens at the server: whatever it has sent and is still on its way was sent before.
    fn start(&mut self, server: u8) {
        for at in self.sending.remove(&server).unwrap_or_default() {
            let Placed { event, at_us, .. } = &self.events[at];
            if let What::Traced(Traced::Sent { to, said }) = &event.what {
                self.started.insert(at);
                let mark = Mark::Arrow { from: server, to: to.0, label: label(said), part: Part::Start };
                self.push(*at_us, mark);
            }
        }
    }

    fn push(&mut self, at_us: u64, mark: Mark) {
        let before_us = self.rows.last().map_or(at_us, |row| row.at_us);
        // The first half of an arrow may stand below what happened elsewhere meanwhile.
        let at_us = at_us.max(before_us);
        if at_us - before_us >= GAP_US {
            self.rows.push(Row { at_us, mark: Mark::Gap(at_us - before_us), gone: self.gone.clone() });
        }
        for server in mark.servers() {
            self.gone.remove(&server);
        }
        let gone = self.gone.clone();
        if let Mark::Leaves(server) = mark {
            self.gone.insert(server);
        }
        self.rows.push(Row { at_us, mark, gone });
    }
}
