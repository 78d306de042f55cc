//! Who asks what of whom: fail-over, retries, and exact book-keeping of what may have been executed. Pure.
//!
//! A [`Connection`](super::connection::Connection) carries out what this module decides. The one rule that
//! everything here serves: **an unknown outcome is never reported as "not executed"**, and a command is only
//! ever sent again with the same session and number.
//!
//! What each event says about a command that was sent:
//!
//! | event | executed? | then |
//! |---|---|---|
//! | its outcome or answer | as it says | done |
//! | link lost, cut frame, garbage, no answer in time ([`silence`]), `Leaving` | maybe | the same command at the next server |
//! | `NotReady`, `Overloaded` | not by this try | the same command at the next server |
//! | `SessionExpired`, and no earlier try may have been accepted | no | a new session, then again |
//! | `SessionExpired` otherwise | maybe | given up as unknown |
//! | `BadRequest` | not by this try | given up |
//! | its deadline | maybe, if any try may have been accepted | given up |

pub mod silence;
#[cfg(test)]
mod tests;
mod types;

pub use types::{Completion, Failure, Now, Step, Trouble, Wanted};

use self::silence::{Patience, Silence};
use super::{rotation::Rotation, session::Session};
use crate::{
    api::wire::{ClientFrame, ClientRequest, Consistency, ServerError, ServerFrame, ServerReply},
    domain::{command::Command, outcome::Outcome},
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// One request that waits for its answer.
#[derive(Debug)]
struct Pending {
    wanted: Wanted,
    /// Chosen at the first try, the same at all later ones.
    command: Option<Command>,
    /// Whether a try that is over may have been accepted.
    maybe: bool,
    /// When it was sent on the link that is up.
    sent: Option<Now>,
    submitted: Now,
    deadline: Now,
    tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down {
        /// Earliest time of the next dial.
        until: Now,
    },
    Up {
        in_flight_max: usize,
        /// The session is gone: send nothing more, and dial again when all that was sent is answered.
        draining: bool,
    },
}

/// All requests of one client, over one link at a time.
#[derive(Debug)]
pub struct Exchange {
    rotation: Rotation,
    chance: fastrand::Rng,
    link: Link,
    session: Option<Session>,
    silence: Silence,
    next_ticket: u64,
    waiting: BTreeMap<u64, Pending>,
    done: VecDeque<Completion>,
    /// The last trouble with each server since it last answered.
    troubles: BTreeMap<usize, Trouble>,
    /// Troubles in the order they came, for whoever wants to tell; bounded.
    news: VecDeque<Trouble>,
    renewals: u32,
}

/// Most troubles that wait to be told.
const NEWS_MAX: usize = 64;
/// Longest wait for a connection and a server's hello. A server that lives says hello in every state; one that is
/// paused accepts the connection all the same, and must not cost a whole answer's time.
const HELLO_TIMEOUT: Duration = Duration::from_secs(2);

impl Exchange {
    /// `chance` is also the source of session numbers and must not be predictable outside of tests.
    pub fn new(rotation: Rotation, chance: fastrand::Rng, patience: Patience) -> Self {
        Self {
            rotation,
            chance,
            link: Link::Down { until: Now::ZERO },
            session: None,
            silence: Silence::new(patience),
            next_ticket: 0,
            waiting: BTreeMap::new(),
            done: VecDeque::new(),
            troubles: BTreeMap::new(),
            news: VecDeque::new(),
            renewals: 0,
        }
    }

    /// Takes a request that must end by `deadline`.
    pub fn submit(&mut self, now: Now, wanted: Wanted, deadline: Now) -> u64 {
        self.next_ticket += 1;
        let pending =
            Pending { wanted, command: None, maybe: false, sent: None, submitted: now, deadline, tries: 0 };
        self.waiting.insert(self.next_ticket, pending);
        self.next_ticket
    }

    /// How many requests wait for an answer.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a request has ended that was not taken yet.
    pub fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    /// The next request that has ended.
    pub fn take_done(&mut self) -> Option<Completion> {
        self.done.pop_front()
    }

    /// Troubles since the last call, for `-v`.
    pub fn take_news(&mut self) -> VecDeque<Trouble> {
        std::mem::take(&mut self.news)
    }

    /// The last trouble with each server that has not answered since, in server order.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.troubles.values()
    }

    /// Whether no server has answered for at least one whole round.
    pub fn is_round_failed(&self) -> bool {
        self.rotation.is_round_failed()
    }

    /// What to do now. Ends requests whose deadline has passed and gives up a server that owes an answer.
    pub fn step(&mut self, now: Now) -> Step {
        self.end_overdue(now);
        if let Some((until, words)) = self.owed_since().map(|since| self.silence.ends(since))
            && now >= until
        {
            self.lost(now, words);
        }
        if let Link::Up { draining: true, .. } = self.link
            && self.in_flight() == 0
        {
            self.link = Link::Down { until: now };
        }
        let Some(deadline) = self.waiting.values().map(|pending| pending.deadline).min() else {
            return Step::Rest;
        };
        match self.link {
            Link::Down { until } if now < until => Step::Pause(until.min(deadline)),
            Link::Down { .. } => {
                let hello = self.silence.patience().silent.min(HELLO_TIMEOUT);
                Step::Dial(self.rotation.current(), deadline.min(now + hello))
            }
            Link::Up { draining, .. } => {
                // What is not sent yet is sent now, and its time begins.
                let since = self.owed_since().unwrap_or(now);
                let until = deadline.min(self.silence.ends(since).0);
                // Nothing is sent on a link that is drained, no question either.
                let asks = self.silence.asks(since).filter(|_| !draining);
                Step::Talk(asks.map_or(until, |asks| until.min(asks)))
            }
        }
    }

    /// The server said welcome; `state_time_ms` is the birth of a session that is begun now.
    pub fn connected(&mut self, state_time_ms: u64, in_flight_max: u32) {
        if self.session.is_none() {
            self.session = Some(Session::new(state_time_ms, self.chance.u64(..)));
        }
        self.silence.begins();
        self.link = Link::Up { in_flight_max: in_flight_max.max(1) as usize, draining: false };
    }

    /// The server said in its hello why it does not take us.
    pub fn refused(&mut self, now: Now, error: &ServerError) {
        if let ServerError::NotAllowed { reason } = error {
            // Every server has the same key: another one would say the same.
            return self.not_allowed(now, reason);
        }
        let is_permanent =
            matches!(error, ServerError::WrongCluster { .. } | ServerError::WrongVersion { .. });
        self.leave(now, error.to_string(), is_permanent);
        // When every server is of no use for good, waiting for the deadline is of none either.
        let hopeless = self.troubles.values().filter(|trouble| trouble.is_permanent).count();
        if hopeless == self.rotation.count() {
            self.end_all(now);
        }
    }

    /// No link could be had, or the one there was is gone, or damaged, or silent.
    pub fn lost(&mut self, now: Now, reason: String) {
        self.leave(now, reason, false);
    }

    /// The link was closed while nothing was asked (servers close idle ones): no trouble at all.
    pub fn closed_idle(&mut self, now: Now) {
        assert_eq!(self.in_flight(), 0, "a link with requests on it is lost, not idle");
        self.link = Link::Down { until: now };
    }

    /// Everything that is to be sent on the link now.
    pub fn frames(&mut self, now: Now) -> Vec<ClientFrame> {
        let (Link::Up { in_flight_max, draining: false }, Some(session)) = (self.link, &mut self.session)
        else {
            return Vec::new();
        };
        let room = in_flight_max.saturating_sub(self.waiting.values().filter(|p| p.sent.is_some()).count());
        let unsent = self.waiting.iter_mut().filter(|(_, pending)| pending.sent.is_none());
        let send = |(&id, pending): (&u64, &mut Pending)| {
            pending.sent = Some(now);
            pending.tries += 1;
            let body = match &pending.wanted {
                Wanted::Operation(operation) => {
                    let command = &mut pending.command;
                    let command = command.get_or_insert_with(|| session.command(operation.clone()));
                    ClientRequest::Command(command.clone())
                }
                Wanted::Query(query) => {
                    ClientRequest::Query { query: query.clone(), consistency: Consistency::Linearizable }
                }
                Wanted::Override => ClientRequest::Override,
            };
            ClientFrame { id, body }
        };
        let mut frames: Vec<ClientFrame> = unsent.take(room).map(send).collect();
        frames.extend(self.owed_since().and_then(|since| self.silence.question(now, since)));
        frames
    }

    /// A frame came in. One that answers nothing (its request ran into its deadline) is ignored.
    pub fn received(&mut self, now: Now, frame: ServerFrame) {
        self.silence.is_broken(now);
        let Some(pending) = self.waiting.get_mut(&frame.id).filter(|pending| pending.sent.is_some()) else {
            return;
        };
        let maybe = pending.maybe;
        match (frame.body, &pending.wanted) {
            (ServerReply::Outcome(outcome), Wanted::Operation(_)) => {
                self.outcome(now, frame.id, outcome, maybe);
            }
            (ServerReply::Error(error), wanted) => {
                let is_override = *wanted == Wanted::Override;
                self.error(now, frame.id, error, maybe, is_override);
            }
            (ServerReply::Answer(answer), Wanted::Query(query)) if types::is_answer_to(&answer, query) => {
                self.answered();
                self.end(now, frame.id, Ok(ServerReply::Answer(answer)));
            }
            (ServerReply::Done, Wanted::Override) => {
                self.answered();
                self.end(now, frame.id, Ok(ServerReply::Done));
            }
            (_, Wanted::Operation(_) | Wanted::Query(_) | Wanted::Override) => {
                self.lost(now, "it answered something else than was asked".to_owned());
            }
        }
    }

    /// The request cannot be sent at all.
    pub fn reject(&mut self, now: Now, ticket: u64, reason: String) {
        self.end(now, ticket, Err(Failure::Rejected(reason)));
    }

    /// Gives up everything that waits, as at its deadline.
    pub fn end_all(&mut self, now: Now) {
        let tickets: Vec<u64> = self.waiting.keys().copied().collect();
        for ticket in tickets {
            self.give_up(now, ticket);
        }
    }

    /// Ends everything that waits, as far as it was never sent: what was may have been executed.
    fn not_allowed(&mut self, now: Now, reason: &str) {
        self.leave(now, reason.to_owned(), true);
        let waiting: Vec<(u64, bool)> = self.waiting.iter().map(|(&ticket, p)| (ticket, p.maybe)).collect();
        for (ticket, maybe) in waiting {
            let failure = if maybe { Failure::Unknown } else { Failure::NotAllowed(reason.to_owned()) };
            self.end(now, ticket, Err(failure));
        }
    }

    fn outcome(&mut self, now: Now, ticket: u64, outcome: Outcome, maybe: bool) {
        if matches!(outcome, Outcome::SessionExpired | Outcome::SequenceForgotten) && !maybe {
            // Not yet an answer that shows that this server is of use.
            return self.renew_session(now, ticket);
        }
        self.answered();
        match outcome {
            Outcome::SessionExpired | Outcome::SequenceForgotten => {
                self.end(now, ticket, Err(Failure::Unknown));
            }
            Outcome::SequenceReused if maybe => self.end(now, ticket, Err(Failure::Unknown)),
            Outcome::SequenceReused | Outcome::Malformed | Outcome::KeyReused | Outcome::KeysFull => {
                self.end(now, ticket, Err(Failure::Rejected(outcome.to_string())));
            }
            Outcome::Reserved { .. }
            | Outcome::NotEnough { .. }
            | Outcome::AlreadyBooked { .. }
            | Outcome::Taken { .. }
            | Outcome::NoSuchSeats { .. }
            | Outcome::Released { .. }
            | Outcome::NoReservation { .. }
            | Outcome::Events(_) => {
                self.renewals = 0;
                self.end(now, ticket, Ok(ServerReply::Outcome(outcome)));
            }
        }
    }

    fn error(&mut self, now: Now, ticket: u64, error: ServerError, maybe: bool, is_override: bool) {
        if is_override {
            // Whatever it says: an override is for this server or for none.
            let failure = match error.outcome_known() {
                true => Failure::Rejected(error.to_string()),
                false => Failure::Unknown,
            };
            return self.end(now, ticket, Err(failure));
        }
        match &error {
            ServerError::BadRequest { .. } if maybe => self.end(now, ticket, Err(Failure::Unknown)),
            ServerError::BadRequest { .. } => {
                self.answered();
                self.end(now, ticket, Err(Failure::Rejected(error.to_string())));
            }
            ServerError::NotAllowed { .. } if maybe => self.end(now, ticket, Err(Failure::Unknown)),
            ServerError::NotAllowed { reason } => {
                self.answered();
                self.end(now, ticket, Err(Failure::NotAllowed(reason.clone())));
            }
            ServerError::NotReady { .. }
            | ServerError::Overloaded { .. }
            | ServerError::Leaving
            | ServerError::WrongVersion { .. }
            | ServerError::WrongCluster { .. }
            | ServerError::TooManyConnections { .. } => {
                if let Some(pending) = self.waiting.get_mut(&ticket) {
                    pending.sent = None;
                    pending.maybe |= !error.outcome_known();
                }
                self.lost(now, error.to_string());
            }
        }
    }

    /// The command was never accepted anywhere and its session is unknown to the servers: it gets a number of
    /// a new session, born when the link is set up again.
    fn renew_session(&mut self, now: Now, ticket: u64) {
        let Some(pending) = self.waiting.get_mut(&ticket) else { return };
        let old = pending.command.take();
        pending.sent = None;
        if old.map(|command| command.session) != self.session.as_ref().map(Session::id) {
            return;
        }
        self.session = None;
        self.renewals += 1;
        if self.renewals > 1 {
            // A server that knows no session, however young, is not to be asked in a tight loop.
            self.lost(now, "it takes every session for expired".to_owned());
        } else if let Link::Up { draining, .. } = &mut self.link {
            *draining = true;
        }
    }

    fn answered(&mut self) {
        self.troubles.remove(&self.rotation.current());
        self.rotation.succeed();
    }

    /// Notes the trouble and goes on to the next server.
    fn leave(&mut self, now: Now, reason: String, is_permanent: bool) {
        let trouble = Trouble { server: self.rotation.current(), reason, is_permanent };
        if self.news.len() < NEWS_MAX {
            self.news.push_back(trouble.clone());
        }
        self.troubles.insert(trouble.server, trouble);
        let mut lost_overrides = Vec::new();
        for (&ticket, pending) in &mut self.waiting {
            if pending.sent.take().is_some() {
                match pending.wanted {
                    Wanted::Operation(_) => pending.maybe = true,
                    Wanted::Query(_) => {}
                    Wanted::Override => lost_overrides.push(ticket),
                }
            }
        }
        for ticket in lost_overrides {
            self.end(now, ticket, Err(Failure::Unknown));
        }
        let pause = self.rotation.fail(&mut self.chance);
        self.link = Link::Down { until: now + pause };
    }

    fn end_overdue(&mut self, now: Now) {
        let overdue = |(&ticket, pending): (&u64, &Pending)| (pending.deadline <= now).then_some(ticket);
        let tickets: Vec<u64> = self.waiting.iter().filter_map(overdue).collect();
        for ticket in tickets {
            self.give_up(now, ticket);
        }
    }

    fn give_up(&mut self, now: Now, ticket: u64) {
        let Some(pending) = self.waiting.get(&ticket) else { return };
        let changes_something = !matches!(pending.wanted, Wanted::Query(_));
        let may_be_executed = changes_something && (pending.maybe || pending.sent.is_some());
        let failure = if may_be_executed { Failure::Unknown } else { Failure::NotExecuted };
        self.end(now, ticket, Err(failure));
    }

    fn end(&mut self, now: Now, ticket: u64, result: Result<ServerReply, Failure>) {
        let Some(pending) = self.waiting.remove(&ticket) else { return };
        if let (Some(command), Some(session)) = (&pending.command, &mut self.session) {
            session.close(command);
        }
        self.done.push_back(Completion {
            ticket,
            result,
            server: self.rotation.current(),
            tries: pending.tries,
            took: now.saturating_sub(pending.submitted),
            command: pending.command,
        });
    }

    /// Since when the server owes the answer that it owes for the longest.
    fn owed_since(&self) -> Option<Now> {
        self.waiting.values().filter_map(|pending| pending.sent).min()
    }

    fn in_flight(&self) -> usize {
        self.waiting.values().filter(|pending| pending.sent.is_some()).count()
    }
}
