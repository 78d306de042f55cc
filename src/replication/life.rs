//! One life of an engine: inputs in, effects carried out, in the order of the contract
//! ([`crate::protocol::engine`]).

use super::clock;
use super::driver::ReplicaError;
use super::encoded::Encoded;
use super::log_thread::{LogEvent, LogThread};
use super::machine::{Audience, Storable as _, Watched};
use super::notes;
use super::port::{Ask, Asked, Asks, Freshness, Holdings, Refused, ReplicaStatus, Reply, ReplyTo};
use crate::domain::command::Query;
use crate::protocol::engine::{Effect, Engine as _, Input, Refusal, Restart};
use crate::protocol::lamport::Lamport;
use crate::protocol::message::Standing;
use crate::protocol::types::Token;
use crate::transport::links::{LinkEvent, LinkSettings, Links};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// Messages that may wait for the engine; links read no further meanwhile.
const LINK_EVENTS_MAX: usize = 256;
/// Inputs of each kind that are taken between two batches.
const INPUTS_PER_TURN_MAX: usize = 256;
/// Between two requests for a snapshot, lest a full disk be asked again and again.
const SNAPSHOT_PAUSE_MS: u64 = 1_000;
/// How long a leaving server waits until the others have its farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a life ended.
pub(super) enum End {
    /// It left the cluster.
    Left,
    /// Another one must begin.
    Restart(Restart),
    /// The process must end.
    Failed(ReplicaError),
}

/// Who waits for what.
enum Waiting {
    /// Since when.
    Command(ReplyTo, Duration),
    Query(Query, ReplyTo),
}

/// A running engine.
pub(super) struct Life {
    engine: Lamport<Watched>,
    log: LogThread<Watched>,
    links: Links,
    link_events: mpsc::Receiver<LinkEvent>,
    waiting: BTreeMap<Token, Waiting>,
    last_token: Token,
    effects: Vec<Effect<Watched>>,
    encoded: Encoded,
    snapshot_asked_ms: u64,
    started_ms: u64,
    conflicts: u64,
    audience: Audience,
}

impl Life {
    pub(super) fn new(
        engine: Lamport<Watched>,
        log: LogThread<Watched>,
        settings: LinkSettings,
        listener: Arc<TcpListener>,
        audience: Audience,
    ) -> Life {
        audience.feed.begin(engine.machine().number(), engine.machine().state());
        let (events, link_events) = mpsc::channel(LINK_EVENTS_MAX);
        Life {
            engine,
            log,
            links: Links::start(settings, listener, events),
            link_events,
            waiting: BTreeMap::new(),
            last_token: 0,
            effects: Vec::new(),
            encoded: Encoded::default(),
            snapshot_asked_ms: 0,
            started_ms: 0,
            conflicts: 0,
            audience,
        }
    }

    /// Lives until the engine or the disk ends it. Returns the log's thread, which still has to end.
    pub(super) async fn run(
        mut self,
        mut log_events: mpsc::Receiver<LogEvent<Watched>>,
        asks: &mut Asks,
        started_ms: u64,
        conflicts: u64,
        tick_ms: u64,
    ) -> (End, JoinHandle<()>) {
        (self.started_ms, self.conflicts) = (started_ms, conflicts);
        let mut ticks = interval(Duration::from_millis(tick_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            let turn = self.turn(&mut ticks, &mut log_events, asks).await;
            if let ControlFlow::Break(end) = turn {
                break end;
            }
            self.links.flush();
            let machine = self.engine.machine();
            let state = machine.state();
            asks.state_time_ms.store(state.time_ms(), Ordering::Relaxed);
            self.audience.feed.align(machine.number(), state);
        };
        self.audience.feed.end();
        self.links.flush();
        if matches!(end, End::Left) {
            self.say_farewell().await;
        }
        // Dropping them says that nobody knows here whether they are executed: the log and the others may
        // have them.
        self.waiting.clear();
        // A thread that has something to tell would wait for a reader.
        drop(log_events);
        (end, self.log.close())
    }

    /// Waits for an input, takes what else is there, and lets what has collected become a batch.
    async fn turn(
        &mut self,
        ticks: &mut Interval,
        log_events: &mut mpsc::Receiver<LogEvent<Watched>>,
        asks: &mut Asks,
    ) -> ControlFlow<End> {
        let has_room = !self.log.is_full();
        tokio::select! {
            biased;
            _ = ticks.tick() => {
                self.log.nudge();
                self.step(Input::Tick)?;
            }
            event = log_events.recv() => match event {
                Some(event) => self.on_log(event)?,
                None => return ControlFlow::Break(End::Failed(ReplicaError::LogGone)),
            },
            Some(event) = self.link_events.recv(), if has_room => self.on_link(event)?,
            Some(asked) = asks.receiver.recv(), if has_room => self.on_ask(asked)?,
        }
        for _ in 0..INPUTS_PER_TURN_MAX {
            let Ok(event) = log_events.try_recv() else { break };
            self.on_log(event)?;
        }
        if has_room {
            for _ in 0..INPUTS_PER_TURN_MAX {
                let Ok(event) = self.link_events.try_recv() else { break };
                self.on_link(event)?;
            }
            for _ in 0..INPUTS_PER_TURN_MAX {
                let Ok(asked) = asks.receiver.try_recv() else { break };
                self.on_ask(asked)?;
            }
        }
        self.step(Input::Drained)
    }

    fn on_log(&mut self, event: LogEvent<Watched>) -> ControlFlow<End> {
        match event {
            LogEvent::Input(input) => self.step(input),
            LogEvent::Durable { lsn, is_snapshot_due } => {
                self.step(Input::Durable { lsn })?;
                let now_ms = clock::now().tick_ms;
                if !is_snapshot_due || now_ms < self.snapshot_asked_ms + SNAPSHOT_PAUSE_MS {
                    return ControlFlow::Continue(());
                }
                self.snapshot_asked_ms = now_ms;
                self.step(Input::SnapshotDue)
            }
            LogEvent::Trouble(text) => {
                tracing::warn!(why = text, "snapshot");
                ControlFlow::Continue(())
            }
            LogEvent::Failed(error) => ControlFlow::Break(End::Failed(error.into())),
        }
    }

    fn on_link(&mut self, event: LinkEvent) -> ControlFlow<End> {
        self.step(match event {
            LinkEvent::Up { peer, resumed } => {
                tracing::info!(server = %peer.server, life = peer.incarnation.0, resumed, "linked to another server");
                Input::LinkUp { peer, resumed }
            }
            LinkEvent::Down { peer } => {
                tracing::info!(server = %peer.server, "the link to another server is down");
                Input::LinkDown { peer }
            }
            LinkEvent::Message { from, message } => Input::Message { from, message },
        })
    }

    fn on_ask(&mut self, (ask, reply): Asked) -> ControlFlow<End> {
        let reply = match (ask, reply) {
            (Ask::Leave, _) => return self.step(Input::Leave),
            (Ask::Submit(command), Some(reply)) => {
                let token = self.wait(Waiting::Command(reply, clock::monotonic()));
                return self.step(Input::Submit { token, command });
            }
            (Ask::Read(query, Freshness::Linearizable), Some(reply)) => {
                let token = self.wait(Waiting::Query(query, reply));
                return self.step(Input::Read { token });
            }
            (Ask::Override, reply) if !self.engine.can_be_overridden() => {
                let reason = "this server is at work, or hears of one that is: there is nothing to override";
                (reply, Reply::Refused(Refused::Bad { reason: reason.to_owned() }))
            }
            (Ask::Override, reply) => {
                self.step(Input::Override)?;
                (reply, Reply::Done)
            }
            (Ask::Read(query, Freshness::Local), reply) => {
                (reply, Reply::Answer(self.engine.machine().state().query(&query)))
            }
            (Ask::Status, reply) => {
                let uptime_ms = clock::now().tick_ms.saturating_sub(self.started_ms);
                let (engine, conflicts) = (Some(self.engine.status()), self.conflicts);
                self.audience.metrics.unanswered.set(self.waiting.len() as i64);
                self.audience.metrics.log_queue_bytes.set(self.log.queued_bytes() as i64);
                let holdings = Holdings::of(self.engine.machine().state());
                (reply, Reply::Status(Box::new(ReplicaStatus { engine, uptime_ms, conflicts, holdings })))
            }
            // Nobody would hear what comes of it.
            (Ask::Submit(_) | Ask::Read(_, Freshness::Linearizable), None) => {
                return ControlFlow::Continue(());
            }
        };
        if let (Some(to), answer) = reply {
            to.answer(answer);
        }
        ControlFlow::Continue(())
    }

    fn wait(&mut self, waiting: Waiting) -> Token {
        self.last_token += 1;
        self.waiting.insert(self.last_token, waiting);
        self.last_token
    }

    fn step(&mut self, input: Input<Watched>) -> ControlFlow<End> {
        let now = clock::now();
        if self.audience.tracer.is_on() {
            self.audience.tracer.see_input(now.tick_ms, &input);
        }
        let mut effects = std::mem::take(&mut self.effects);
        self.engine.step(now, input, &mut effects);
        let carried = effects.drain(..).try_for_each(|effect| self.carry(effect));
        self.effects = effects;
        carried
    }

    fn carry(&mut self, effect: Effect<Watched>) -> ControlFlow<End> {
        if self.audience.tracer.is_on() {
            self.audience.tracer.see_effect(&effect);
        }
        match effect {
            Effect::Send { to, message } => {
                let is_sequenced = message.is_sequenced();
                let bytes = self.encoded.get(message);
                self.links.send(to, &bytes, is_sequenced);
            }
            Effect::Answer { token, outcome } => match self.waiting.remove(&token) {
                Some(Waiting::Command(reply, since)) => {
                    let took = clock::monotonic().saturating_sub(since);
                    self.audience.metrics.command_seconds.observe(took.as_secs_f64());
                    reply.answer(Reply::Outcome(outcome));
                }
                Some(Waiting::Query(..)) | None => debug_assert!(false, "an answer for no command"),
            },
            Effect::ServeRead { token } => match self.waiting.remove(&token) {
                Some(Waiting::Query(query, reply)) => {
                    reply.answer(Reply::Answer(self.engine.machine().state().query(&query)));
                }
                Some(Waiting::Command(..)) | None => debug_assert!(false, "an answer for no query"),
            },
            Effect::Refuse { token, refusal } => {
                if let Some(Waiting::Command(reply, _) | Waiting::Query(_, reply)) =
                    self.waiting.remove(&token)
                {
                    reply.answer(Reply::Refused(self.refused(refusal)));
                }
            }
            Effect::ReportOutcome { ref outcome, .. } => {
                let (_, is_settled) = Watched::describe_outcome(outcome);
                self.conflicts += u64::from(!is_settled);
                self.log.carry(effect);
            }
            Effect::Append { .. }
            | Effect::Snapshot { .. }
            | Effect::ReadSnapshot { .. }
            | Effect::StoreChunk { .. }
            | Effect::Adopt { .. }
            | Effect::Report { .. } => self.log.carry(effect),
            Effect::Restart { why } => return ControlFlow::Break(End::Restart(why)),
            Effect::Exit => return ControlFlow::Break(End::Left),
            Effect::Note(note) => notes::log(&note, &self.audience.metrics),
        }
        ControlFlow::Continue(())
    }

    fn refused(&self, refusal: Refusal) -> Refused {
        self.audience.metrics.refused(match refusal {
            Refusal::Leaving => "leaving",
            Refusal::Overloaded { .. } => "overloaded",
            Refusal::NotReady => "not_ready",
        });
        match refusal {
            Refusal::Leaving => Refused::Closing,
            Refusal::Overloaded { pending } => Refused::Overloaded { pending },
            Refusal::NotReady => {
                let status = self.engine.status();
                let doing = match status.standing {
                    Standing::Recovering => "it is catching up",
                    Standing::Changing | Standing::Active => "the servers are agreeing on a new view",
                    Standing::Leaving => "it is leaving",
                    Standing::Diverged => "its state differs from the others'",
                };
                let state = status
                    .waiting_for
                    .map_or_else(|| doing.to_owned(), |what| format!("{doing}; it waits for {what}"));
                Refused::NotReady { state }
            }
        }
    }

    /// Waits until the others have what was sent, for a moment.
    async fn say_farewell(&mut self) {
        let settled = async {
            let mut again = interval(Duration::from_millis(2));
            while !self.links.is_settled() {
                tokio::select! {
                    _ = again.tick() => {}
                    // Links read on only when there is room for what they read.
                    Some(_) = self.link_events.recv() => {}
                }
            }
        };
        let _ = timeout(FAREWELL, settled).await;
    }
}
