//! Asks the replica on behalf of one HTTP request: exactly once, and never longer than configured.
//!
//! The server is a client of itself here: each command has a session and a number, so that it can be offered again
//! when the replica starts over in between. A session serves one request at a time and is used again after a known
//! outcome: there are never more of them than requests at a time, so HTTP clients push nobody's session out. One
//! whose outcome is not known is given up with it.

use super::clock;
use super::problem::{Code, Problem};
use super::query::Asking;
use crate::api::gate::{Caller, Gate, GateError};
use crate::api::told::told;
use crate::api::validate;
use crate::api::wire::ClientRequest;
use crate::audit::describe::{Asked, brief};
use crate::audit::record::AuditResult;
use crate::audit::writer::AuditLog;
use crate::domain::batch;
use crate::domain::command::{Command, Operation, Query};
use crate::domain::ids::SessionId;
use crate::domain::keys::Key;
use crate::domain::outcome::{Answer, Outcome};
use crate::replication::port::{Ask, Freshness, Refused, ReplicaStatus, Replicator, Reply};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Between two tries of a command that may have been executed.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the status may take: it needs nothing but the engine's task.
const STATUS_WAIT: Duration = Duration::from_secs(1);

/// Whom requests ask.
#[derive(Debug)]
pub(super) struct Asker {
    replicator: Replicator,
    ledger: Ledger,
    answer_wait: Duration,
    sessions: Mutex<Sessions>,
    /// Places of commands that are worked on, also for clients that have hung up.
    places: Places,
    running: Mutex<JoinSet<()>>,
    /// Keys of commands that are worked on.
    open_keys: Mutex<BTreeSet<Key>>,
    stop: watch::Receiver<bool>,
}

/// A key whose command is worked on here.
struct OpenKey {
    asker: Arc<Asker>,
    key: Key,
}

impl Drop for OpenKey {
    fn drop(&mut self) {
        self.asker.open_keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Places, of customers and of managers.
#[derive(Debug)]
struct Places {
    customers: Arc<Semaphore>,
    managers: Arc<Semaphore>,
    pace: Pace,
}

/// How much is worked on at a time, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) commands_max: usize,
    pub(super) manager_commands_max: usize,
    pub(super) answer_wait: Duration,
}

/// Who may ask what, and where it is written down.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) gate: Gate,
    pub(super) audit: Option<Arc<AuditLog>>,
    pub(super) me: u8,
}

impl Ledger {
    /// Begins a line, if lines are written.
    fn asked(&self, caller: Caller, is_allowed: bool, begin: impl FnOnce() -> Asked) -> Option<Asked> {
        self.audit.as_ref()?;
        let asked = if is_allowed { begin() } else { Asked::refused() };
        Some(asked.by(caller.user()))
    }

    /// Writes down what came of a request.
    fn note<T>(
        &self,
        asked: Option<Asked>,
        result: &Result<T, Problem>,
        words: impl Fn(&T) -> (AuditResult, String),
    ) {
        let (Some(log), Some(asked)) = (&self.audit, asked) else { return };
        let (came_of_it, answer) = match result {
            Ok(answer) => words(answer),
            Err(problem) if problem.code == Code::OutcomeUnknown => (AuditResult::Unknown, problem.words()),
            Err(problem) => (AuditResult::Failed, problem.words()),
        };
        log.write(asked.answered(self.me, came_of_it, answer));
    }
}

#[derive(Debug)]
struct Sessions {
    idle: Vec<Session>,
    chance: fastrand::Rng,
}

/// One run of numbered commands, one command at a time.
#[derive(Debug)]
struct Session {
    id: SessionId,
    /// The number of the last command that has an outcome.
    answered: u64,
}

impl Asker {
    /// `seed` must differ from any other server's, and from any other start of this one.
    pub(super) fn new(
        replicator: Replicator,
        ledger: Ledger,
        pace: Pace,
        seed: u64,
        stop: watch::Receiver<bool>,
    ) -> Asker {
        let sessions = Sessions { idle: Vec::new(), chance: fastrand::Rng::with_seed(seed) };
        Asker {
            replicator,
            ledger,
            answer_wait: pace.answer_wait,
            sessions: Mutex::new(sessions),
            places: Places {
                customers: Arc::new(Semaphore::new(pace.commands_max)),
                managers: Arc::new(Semaphore::new(pace.manager_commands_max)),
                pace,
            },
            running: Mutex::default(),
            open_keys: Mutex::default(),
            stop,
        }
    }

    pub(super) fn replicator(&self) -> &Replicator {
        &self.replicator
    }

    fn begin(&self, sessions: &mut Sessions) -> Session {
        let birth_ms = self.replicator.state_time_ms();
        Session { id: SessionId { birth_ms, random: sessions.chance.u64(..) }, answered: 0 }
    }

    fn take_session(&self, is_new: bool) -> Session {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = if is_new { None } else { sessions.idle.pop() };
        idle.unwrap_or_else(|| self.begin(&mut sessions))
    }

    fn give_back(&self, session: Session) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).idle.push(session);
    }

    /// Who it is that shows this token, or none.
    pub(super) fn caller(&self, token: Option<&str>) -> Result<Caller, Problem> {
        self.ledger.gate.caller(token).map_err(not_allowed)
    }

    /// Whether the caller may see what the servers say to each other.
    pub(super) fn check_watcher(&self, caller: Caller) -> Result<(), Problem> {
        self.ledger.gate.check(caller, &ClientRequest::Trace { after: 0 }).map_err(not_allowed)
    }

    /// Executes an operation once, if the caller may have that. It is worked on to its end even when the client hangs
    /// up meanwhile: the session is used again then, and what came of it is written down.
    pub(super) async fn execute(
        self: &Arc<Self>,
        asking: Asking,
        operation: Operation,
    ) -> Result<Outcome, Problem> {
        let Asking { caller, key } = asking;
        let allowed = self.ledger.gate.check_operation(caller, &operation);
        let asked = self.ledger.asked(caller, allowed.is_ok(), || Asked::operation(&operation));
        let begun = allowed.map_err(not_allowed).and_then(|()| self.open(caller, key.clone()));
        let (open_key, place) = match begun {
            Ok(begun) => begun,
            Err(problem) => {
                let result = Err::<Outcome, _>(problem);
                self.ledger.note(asked, &result, came_of_it);
                return result;
            }
        };
        let (answer, answered) = oneshot::channel();
        let asker = self.clone();
        let work = async move {
            let result = timeout(asker.answer_wait, asker.offer(operation, key)).await;
            let result = result.unwrap_or_else(|_| Err(unknown()));
            asker.ledger.note(asked, &result, came_of_it);
            drop((open_key, place));
            // The client may have gone.
            let _ = answer.send(result);
        };
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            while running.try_join_next().is_some() {}
            running.spawn(work);
        }
        // Its task ends early only with the runtime.
        answered.await.unwrap_or_else(|_| Err(unknown()))
    }

    /// A place among the commands that are worked on, and its key, which nobody else has a place with.
    fn open(
        self: &Arc<Self>,
        caller: Caller,
        key: Option<Key>,
    ) -> Result<(Option<OpenKey>, OwnedSemaphorePermit), Problem> {
        let places = if caller.is_manager() { &self.places.managers } else { &self.places.customers };
        let Ok(place) = places.clone().try_acquire_owned() else {
            return Err(Problem::new(
                Code::Busy,
                "commands of clients that have gone are worked on; try again",
            ));
        };
        let Some(key) = key else { return Ok((None, place)) };
        if !self.open_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return Err(Problem::new(
                Code::KeyInProgress,
                "the command with this key is worked on; ask again",
            ));
        }
        Ok((Some(OpenKey { asker: self.clone(), key }), place))
    }

    /// Waits until no command is worked on.
    pub(super) async fn idle(&self) {
        let Places { customers, managers, pace } = &self.places;
        // They are never closed.
        let _ = customers.acquire_many(pace.commands_max as u32).await;
        let _ = managers.acquire_many(pace.manager_commands_max as u32).await;
    }

    /// Offers an operation until it has an outcome, or certainly will have none.
    async fn offer(&self, operation: Operation, key: Option<Key>) -> Result<Outcome, Problem> {
        let mut session = self.take_session(false);
        // Whether an earlier try may have been executed; the session is not changed any more then.
        let mut is_open = false;
        let mut is_new = false;
        loop {
            let command = Command {
                session: session.id,
                sequence: session.answered + 1,
                answered_until: session.answered,
                operation: operation.clone(),
                key: key.clone(),
            };
            if let Err(reason) = validate::check(&command) {
                self.give_back(session);
                return Err(Problem::new(Code::InvalidBody, reason));
            }
            match self.replicator.call(Ask::Submit(batch::encode(&command).into())).await {
                // It was idle for so long that it is forgotten: certainly not executed, if this was the first try.
                Reply::Outcome(Outcome::SessionExpired) if !is_open && !is_new => {
                    session = self.take_session(true);
                    is_new = true;
                }
                Reply::Outcome(Outcome::SessionExpired) if !is_open => {
                    let detail = "this server's time is not the state's; nothing was executed";
                    return Err(Problem::new(Code::NotReady, detail));
                }
                Reply::Outcome(Outcome::SessionExpired | Outcome::SequenceForgotten) => return Err(unknown()),
                Reply::Outcome(outcome) => {
                    session.answered += 1;
                    self.give_back(session);
                    return match outcome {
                        Outcome::KeyReused => Err(Problem::new(Code::KeyReused, outcome.to_string())),
                        Outcome::KeysFull => Err(Problem::new(Code::TooManyKeys, outcome.to_string())),
                        outcome => Ok(outcome),
                    };
                }
                Reply::Refused(Refused::Leaving) => {
                    if *self.stop.borrow() {
                        return Err(unknown());
                    }
                    is_open = true;
                    clock::pause(PAUSE).await;
                }
                Reply::Refused(_) if is_open => {
                    if *self.stop.borrow() {
                        return Err(unknown());
                    }
                    clock::pause(PAUSE).await;
                }
                Reply::Refused(refused) => {
                    self.give_back(session);
                    return Err(refusal(refused));
                }
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Answers a query, if the caller may know.
    pub(super) async fn find(
        &self,
        asking: Asking,
        query: Query,
        freshness: Freshness,
    ) -> Result<Answer, Problem> {
        // A key says nothing about a question: asking twice changes nothing.
        let caller = asking.caller;
        let allowed = self.ledger.gate.check_query(caller, &query);
        let asked = self.ledger.asked(caller, allowed.is_ok(), || Asked::query(&query));
        let result = match allowed {
            Ok(()) => self.read(query, freshness).await,
            Err(error) => Err(not_allowed(error)),
        };
        self.ledger.note(asked, &result, told);
        result
    }

    /// Answers a query that anyone may ask.
    pub(super) async fn read(&self, query: Query, freshness: Freshness) -> Result<Answer, Problem> {
        match timeout(self.answer_wait, self.replicator.call(Ask::Read(query, freshness))).await {
            Ok(Reply::Answer(answer)) => Ok(answer),
            Ok(Reply::Refused(refused)) => Err(refusal(refused)),
            Ok(other) => Err(unexpected(&other)),
            Err(_) => Err(Problem::new(Code::NotReady, "the other servers do not confirm in time")),
        }
    }

    /// The cluster as this server sees it.
    pub(super) async fn status(&self) -> Result<Box<ReplicaStatus>, Problem> {
        match timeout(STATUS_WAIT, self.replicator.call(Ask::Status)).await {
            Ok(Reply::Status(status)) => Ok(status),
            Ok(Reply::Refused(refused)) => Err(refusal(refused)),
            Ok(other) => Err(unexpected(&other)),
            Err(_) => Err(Problem::new(Code::NotReady, "the server does not answer itself in time")),
        }
    }
}

/// How an outcome is written down.
fn came_of_it(outcome: &Outcome) -> (AuditResult, String) {
    (if outcome.is_success() { AuditResult::Done } else { AuditResult::Failed }, brief(outcome))
}

/// Nothing was executed.
fn not_allowed(error: GateError) -> Problem {
    let code = match error {
        GateError::Token(_) | GateError::NoKey | GateError::TokenNeeded => Code::TokenNeeded,
        GateError::SomebodyElse { .. } | GateError::ManagersOnly { .. } => Code::NotAllowed,
    };
    Problem::new(code, error.to_string())
}

fn unknown() -> Problem {
    let detail = "No outcome in time: it may be done, now or in a moment. Look before trying again.";
    Problem::new(Code::OutcomeUnknown, detail)
}

/// Nothing was executed.
fn refusal(refused: Refused) -> Problem {
    match refused {
        Refused::NotReady { state } => {
            Problem::new(Code::NotReady, format!("this server is not ready: {state}"))
        }
        Refused::Overloaded { pending } => {
            Problem::new(Code::Overloaded, format!("{pending} commands wait already"))
        }
        Refused::Bad { reason } => Problem::new(Code::InvalidBody, reason),
        Refused::NotAllowed { reason } => Problem::new(Code::NotAllowed, reason),
        Refused::Closing | Refused::Leaving => {
            Problem::new(Code::NotReady, "this server is leaving the cluster; ask another one")
        }
    }
}

fn unexpected(reply: &Reply) -> Problem {
    tracing::error!(?reply, "an HTTP request got an answer to another question");
    Problem::new(Code::Internal, "an answer to another question; it was logged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::port::{Asks, port};

    fn asker() -> (Arc<Asker>, Asks, watch::Sender<bool>) {
        let (replicator, asks) = port();
        let (stop, stopped) = watch::channel(false);
        let ledger = Ledger { gate: Gate { verifier: None, is_required: false }, audit: None, me: 1 };
        let pace = Pace { commands_max: 2, manager_commands_max: 1, answer_wait: Duration::from_millis(300) };
        (Arc::new(Asker::new(replicator, ledger, pace, 7, stopped)), asks, stop)
    }

    fn anyone() -> Asking {
        Asking { caller: Caller::Anyone, key: None }
    }

    fn delete() -> Operation {
        Operation::Delete { name: "bob".parse().unwrap() }
    }

    /// Executes operations one after another; each try is answered by the next of these replies.
    fn run(times: usize, replies: Vec<Reply>) -> (Vec<Result<Outcome, Code>>, Vec<Command>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (asker, mut asks, _stop) = asker();
            let mut commands = Vec::new();
            let answering = async {
                for reply in replies {
                    let Some((Ask::Submit(bytes), Some(to))) = asks.take().await else { return };
                    commands.push(batch::decode(&bytes).unwrap());
                    to.answer(reply);
                }
                // Nobody answers any more.
                std::future::pending::<()>().await;
            };
            let asking = async {
                let mut results = Vec::new();
                for _ in 0..times {
                    results.push(asker.execute(anyone(), delete()).await.map_err(|problem| problem.code));
                }
                results
            };
            let results = tokio::select! {
                results = asking => results,
                () = answering => panic!("the questions ended"),
            };
            (results, commands)
        })
    }

    fn released() -> Outcome {
        Outcome::Released { count: 1, left: 100 }
    }

    #[test]
    fn a_session_is_used_again_with_the_next_number() {
        let replies = vec![Reply::Outcome(released()), Reply::Outcome(released())];
        let (results, commands) = run(2, replies);
        assert_eq!(results, [Ok(released()), Ok(released())]);
        assert_eq!(commands[0].session, commands[1].session);
        assert_eq!((commands[1].sequence, commands[1].answered_until), (2, 1));
    }

    #[test]
    fn a_command_that_may_be_executed_is_offered_again_unchanged() {
        let not_ready = Refused::NotReady { state: "it reads its log".to_owned() };
        let replies =
            vec![Reply::Refused(Refused::Leaving), Reply::Refused(not_ready), Reply::Outcome(released())];
        let (results, commands) = run(1, replies);
        assert_eq!(results, [Ok(released())]);
        assert!(commands.len() == 3 && commands.iter().all(|command| *command == commands[0]));
    }

    #[test]
    fn a_session_that_was_forgotten_while_idle_is_replaced() {
        let replies = vec![Reply::Outcome(Outcome::SessionExpired), Reply::Outcome(released())];
        let (results, commands) = run(1, replies);
        assert_eq!(results, [Ok(released())]);
        assert_ne!(commands[0].session, commands[1].session);
        let expired = || Reply::Outcome(Outcome::SessionExpired);
        assert_eq!(
            run(1, vec![expired(), expired()]).0,
            [Err(Code::NotReady)],
            "never executed, and not without end"
        );
    }

    #[test]
    fn what_nobody_knows_is_never_called_not_done() {
        let leaving = || Reply::Refused(Refused::Leaving);
        let (results, _) = run(1, vec![leaving(), Reply::Outcome(Outcome::SessionExpired)]);
        assert_eq!(results, [Err(Code::OutcomeUnknown)], "an earlier try may have been executed");
        let (results, commands) = run(2, vec![leaving()]);
        assert_eq!(results, [Err(Code::OutcomeUnknown), Err(Code::OutcomeUnknown)], "no answer in time");
        assert_eq!(commands.len(), 1);
    }

    #[test]
    fn what_was_refused_at_once_was_not_done() {
        let (results, commands) = run(
            2,
            vec![Reply::Refused(Refused::Overloaded { pending: 5 }), Reply::Refused(Refused::Closing)],
        );
        assert_eq!(results, [Err(Code::Overloaded), Err(Code::NotReady)]);
        assert_eq!(commands[0], commands[1], "its number is free for the next command");
    }
}
