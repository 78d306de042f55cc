//! Deliberate bugs: a simulation that does not catch them is no evidence.
//!
//! A mutant is a whole cluster whose servers all have one bug. It is put in from outside, at the one place where a server
//! steps its engine ([`Mutation::step`]: what the engine hears, and what it wants done) or opens its disk
//! ([`Mutant::spoil`]); the program that ships knows nothing of it. `src/docs/mutants.md` has the table.

mod clients;
mod disk;
pub mod hunt;
mod requests;
mod views;

use super::world::WorldKind;
use boxoffice::domain::outcome::Outcome;
use boxoffice::domain::state::State;
use boxoffice::protocol::engine::{Effect, Engine as _, Input};
use boxoffice::protocol::lamport::Lamport;
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::{Member, Now, Timestamp, Token, ViewId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    SendBeforePersist,
    PromiseBeforePersist,
    ReplyWithoutLogging,
    PromiseWithoutLogging,
    DurableTailCut,
    TornTailAccepted,
    OneReplySkipped,
    HeartbeatAsReply,
    OldReplyCounts,
    ExecuteBeforeRelease,
    ReleaseForged,
    TieNotBroken,
    AcceptanceSkipped,
    DropsWhatAllHave,
    KeepsWhatOneLacks,
    PromisedMembersForgotten,
    KeptForgotten,
    JoinWithoutTail,
    IncarnationReused,
    AnswerFromCache,
    RetryIsNew,
    SnapshotWithoutSessions,
    ReadSkipsQueue,
    ReadWithoutLease,
    TimeOfReceiver,
    CommandsLost,
    NoReport,
}

use Mutant as M;
use WorldKind as W;

/// A mutant, what is wrong, the worlds in which it is looked for, and a number of runs.
pub type Row = (Mutant, &'static str, &'static [WorldKind], u64);

/// What looks like a bug and is none, as the page of mutants argues: so many runs must not find anything.
pub const HARMLESS: Row =
    (M::KeepsWhatOneLacks, "a coordinator keeps whatever anybody has logged", &[W::Any, W::Majority], 400);

/// What must be caught within so many runs: those of a few runs by every run of the tests, all of them by `sim mutants`.
pub const MUTANTS: [Row; 26] = [
    (M::SendBeforePersist, "a record counts as durable as soon as it is handed to the disk", &[W::Any], 20),
    (
        M::PromiseBeforePersist,
        "promises and acceptances are told before they are durable",
        &[W::Any, W::Majority],
        200,
    ),
    (M::ReplyWithoutLogging, "a request of another server is replied to and never logged", &[W::Any], 20),
    (
        M::PromiseWithoutLogging,
        "a promise is forgotten in a crash: an older view is accepted after it",
        &[W::Any, W::Majority],
        3000,
    ),
    (M::DurableTailCut, "the last record of the log is taken for a torn one", &[W::Any], 20),
    (M::TornTailAccepted, "a write that power cut short is taken for a whole one", &[W::Any], 1000),
    (M::OneReplySkipped, "one member's reply is not waited for", &[W::Any], 20),
    (M::HeartbeatAsReply, "a heartbeat counts as a reply", &[W::Any], 50),
    (M::OldReplyCounts, "a reply counts in whatever view it arrives", &[W::Any, W::Majority], 50),
    (M::ExecuteBeforeRelease, "a request is executed when it is earliest, released or not", &[W::Any], 50),
    (
        M::ReleaseForged,
        "the requests of a server whose link breaks are released",
        &[W::Any, W::Majority],
        200,
    ),
    (M::TieNotBroken, "of two requests with one clock the own one goes first", &[W::Any], 20),
    (
        M::AcceptanceSkipped,
        "one member's acceptance of a view is not waited for",
        &[W::Any, W::Majority],
        300,
    ),
    (M::DropsWhatAllHave, "a coordinator ignores what others have logged", &[W::Any], 200),
    (M::PromisedMembersForgotten, "the members of promised views are forgotten", &[W::Any], 6000),
    (M::KeptForgotten, "a member forgets the requests that a view keeps", &[W::Any], 50),
    (M::JoinWithoutTail, "a server that comes back does not fetch what it lacks", &[W::Any], 200),
    (M::IncarnationReused, "a server starts again in the same incarnation", &[W::Any], 50),
    (M::AnswerFromCache, "a command is answered by its number alone, whatever its session", &[W::Any], 20),
    (M::RetryIsNew, "a retry on the same server is a new command", &[W::Any], 20),
    (M::SnapshotWithoutSessions, "snapshots have no sessions and no keys", &[W::Any], 50),
    (M::ReadSkipsQueue, "an active member serves a read at once", &[W::Majority], 50),
    (
        M::ReadWithoutLease,
        "an active member whose queue is empty serves a read at once",
        &[W::Majority],
        3000,
    ),
    (M::TimeOfReceiver, "the state's time is the receiver's clock", &[W::Any, W::Majority], 500),
    (M::CommandsLost, "a request arrives at server 2 without its commands", &[W::Any], 20),
    (M::NoReport, "a side that is given up reports nothing", &[W::Partition], 50),
];

/// The bug at work in one life of one server.
pub struct Mutation {
    mutant: Mutant,
    me: Member,
    /// The last own request that was sent, and the view it was made in.
    newest: Option<(ViewId, Timestamp)>,
    /// Own requests that are not executed.
    outstanding: BTreeSet<Timestamp>,
    /// Requests of all servers that are logged and not executed.
    queued: BTreeSet<Timestamp>,
    /// The last request of each peer.
    last_of: BTreeMap<Member, (ViewId, Timestamp)>,
    /// What is kept waiting, by peer.
    held: BTreeMap<Member, Vec<Input<State>>>,
    /// Numbers of the commands that were submitted, by token.
    submitted: BTreeMap<Token, u64>,
    answered: BTreeMap<u64, Outcome>,
    seen: BTreeSet<(u64, u64, u64)>,
}

impl Mutation {
    pub fn new(mutant: Mutant, me: Member) -> Self {
        Mutation {
            mutant,
            me,
            newest: None,
            outstanding: BTreeSet::new(),
            queued: BTreeSet::new(),
            last_of: BTreeMap::new(),
            held: BTreeMap::new(),
            submitted: BTreeMap::new(),
            answered: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Steps the engine with the bug before and behind it.
    pub fn step(
        &mut self,
        engine: &mut Lamport<State>,
        now: Now,
        input: Input<State>,
        effects: &mut Vec<Effect<State>>,
    ) {
        let mut inputs: VecDeque<Input<State>> = self.before(engine, now, input, effects).into();
        while let Some(input) = inputs.pop_front() {
            let from = effects.len();
            engine.step(now, input, effects);
            self.note(&effects[from..]);
            let own = effects.split_off(from);
            for effect in own {
                let (instead, more) = self.after(effect);
                effects.extend(instead);
                inputs.extend(more);
            }
            inputs.extend(self.released());
        }
    }

    /// What the engine hears instead of this input.
    fn before(
        &mut self,
        engine: &Lamport<State>,
        now: Now,
        input: Input<State>,
        effects: &mut Vec<Effect<State>>,
    ) -> Vec<Input<State>> {
        match self.mutant {
            M::HeartbeatAsReply
            | M::OldReplyCounts
            | M::ExecuteBeforeRelease
            | M::ReleaseForged
            | M::TieNotBroken
            | M::TimeOfReceiver
            | M::CommandsLost => self.request_heard(engine, now, input),
            M::DropsWhatAllHave
            | M::KeepsWhatOneLacks
            | M::PromisedMembersForgotten
            | M::KeptForgotten
            | M::JoinWithoutTail => vec![self.view_heard(engine, input)],
            M::AnswerFromCache | M::RetryIsNew | M::ReadSkipsQueue | M::ReadWithoutLease => {
                self.client_heard(engine, input, effects).into_iter().collect()
            }
            M::SendBeforePersist
            | M::PromiseBeforePersist
            | M::ReplyWithoutLogging
            | M::PromiseWithoutLogging
            | M::DurableTailCut
            | M::TornTailAccepted
            | M::OneReplySkipped
            | M::AcceptanceSkipped
            | M::IncarnationReused
            | M::SnapshotWithoutSessions
            | M::NoReport => vec![input],
        }
    }

    /// What is done instead of this effect, and what the engine hears then.
    fn after(&mut self, effect: Effect<State>) -> (Option<Effect<State>>, Option<Input<State>>) {
        match self.mutant {
            M::SendBeforePersist
            | M::PromiseBeforePersist
            | M::ReplyWithoutLogging
            | M::PromiseWithoutLogging
            | M::PromisedMembersForgotten => self.logged(effect),
            M::OneReplySkipped | M::AcceptanceSkipped => {
                let heard = self.answer_forged(&effect);
                (Some(effect), heard)
            }
            M::SnapshotWithoutSessions => (Some(clients::without_sessions(effect)), None),
            M::NoReport if matches!(effect, Effect::Report { .. } | Effect::ReportOutcome { .. }) => {
                (None, None)
            }
            M::NoReport
            | M::DurableTailCut
            | M::TornTailAccepted
            | M::HeartbeatAsReply
            | M::OldReplyCounts
            | M::ExecuteBeforeRelease
            | M::ReleaseForged
            | M::TieNotBroken
            | M::DropsWhatAllHave
            | M::KeepsWhatOneLacks
            | M::KeptForgotten
            | M::JoinWithoutTail
            | M::IncarnationReused
            | M::AnswerFromCache
            | M::RetryIsNew
            | M::ReadSkipsQueue
            | M::ReadWithoutLease
            | M::TimeOfReceiver
            | M::CommandsLost => (Some(effect), None),
        }
    }

    /// Remembers what bugs need to know.
    fn note(&mut self, effects: &[Effect<State>]) {
        use boxoffice::protocol::record::Record;
        for effect in effects {
            match effect {
                Effect::Append { record: Record::Request(request), .. } => {
                    self.queued.insert(request.timestamp);
                    if request.timestamp.server == self.me.server {
                        self.newest = Some((request.view, request.timestamp));
                        self.outstanding.insert(request.timestamp);
                    }
                }
                Effect::Append { record: Record::Executed { timestamp, .. }, .. } => {
                    self.queued.remove(timestamp);
                    self.outstanding.remove(timestamp);
                }
                Effect::Append { record: Record::Install(install), .. } => {
                    self.queued = install.kept.iter().map(|entry| entry.request.timestamp).collect();
                    self.outstanding.clear();
                }
                Effect::Answer { token, outcome } => {
                    if let Some(number) = self.submitted.get(token) {
                        self.answered.insert(*number, outcome.clone());
                    }
                }
                _ => {}
            }
        }
    }
}

/// A message as if it had come.
fn heard(from: Member, message: Message) -> Input<State> {
    Input::Message { from, message }
}
