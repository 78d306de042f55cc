//! The thread that owns the log, and those that write and read snapshots beside it.
//!
//! Whatever has been queued is carried out together and made durable by one flush (group commit). Marks of
//! execution may be lost without harm (rule 8), so they wait for something that must be flushed anyway, at most until the
//! driver's next tick ([`LogThread::nudge`]), and wake nobody: a wake-up of the thread costs as much as several commands.

use super::clock;
use super::machine::Storable;
use super::persister::{Carried, Job, JobResult, Persister};
use super::stoppable::Stop;
use crate::protocol::engine::{Effect, Input};
use crate::protocol::record::Record;
use crate::protocol::types::Lsn;
use crate::storage::{Disk, StorageError};
use crate::telemetry::metrics::Metrics;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use tokio::sync::mpsc;

/// Bytes of records that may wait for the disk; the driver takes nothing from links and clients beyond.
const QUEUED_BYTES_MAX: usize = 64 << 20;
/// Events that may wait for the driver; the log waits when there are more.
const EVENTS_MAX: usize = 1_024;
/// Snapshots that may wait to be written, or to be read: the engine asks for one of each at a time.
const JOBS_MAX: usize = 4;
/// How much less of a processor that everybody wants is given to writing snapshots (`man 7 sched`): with 5, a third of
/// what a client's command is given. With 10, ten million reservations took 16 s instead of less than ten, and the log grows
/// meanwhile. A server that reads a snapshot sells nothing until it has: that is not put off.
const WRITING_NICE: i32 = 5;

/// What the log tells the driver.
#[derive(Debug)]
pub(super) enum LogEvent<M: Storable> {
    /// For the engine.
    Input(Input<M>),
    /// The log is flushed.
    Durable {
        /// Up to this record.
        lsn: Lsn,
        /// So much follows the newest snapshot that the next one should begin.
        is_snapshot_due: bool,
    },
    /// A snapshot could not be written or taken over; a sentence says why. Nothing else is affected.
    Trouble(String),
    /// The process must end.
    Failed(StorageError),
}

/// A running log.
#[derive(Debug)]
pub(super) struct LogThread<M: Storable> {
    queue: Arc<Queue<M>>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct Queue<M: Storable> {
    waiting: Mutex<Waiting<M>>,
    filled: Condvar,
}

#[derive(Debug)]
struct Waiting<M: Storable> {
    effects: Vec<Effect<M>>,
    /// Something among them cannot wait, or has waited for long enough.
    is_urgent: bool,
    bytes: usize,
    job_done: bool,
    job_panicked: bool,
    closed: bool,
}

impl<M: Storable> Queue<M> {
    fn lock(&self) -> MutexGuard<'_, Waiting<M>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> LogThread<M>
where
    M: Storable + Send + 'static,
    M::Image: Send,
    M::Outcome: Send,
    M::Config: 'static,
{
    /// Starts all threads. A snapshot is wanted for every `snapshot_log_bytes` of log.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn start<D: Disk>(
        persister: Persister<D, M>,
        snapshot_log_bytes: u64,
        metrics: Arc<Metrics>,
    ) -> io::Result<(LogThread<M>, mpsc::Receiver<LogEvent<M>>)> {
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let waiting = Waiting {
            effects: Vec::new(),
            is_urgent: false,
            bytes: 0,
            job_done: false,
            job_panicked: false,
            closed: false,
        };
        let queue = Arc::new(Queue { waiting: Mutex::new(waiting), filled: Condvar::new() });
        let (results, results_taken) = sync_channel(2 * JOBS_MAX);
        let stop = Stop::default();
        let start = |name, nice| start_jobs(name, nice, results.clone(), queue.clone(), stop.clone());
        let (writing, writer) = start("snapshots", WRITING_NICE)?;
        let (reading, reader) = start("snapshot reader", 0)?;
        drop(results);
        let jobs = Jobs { writing, reading, stop };
        let worker = Worker {
            persister,
            snapshot_log_bytes,
            queue: queue.clone(),
            events,
            jobs,
            results: results_taken,
            metrics,
        };
        let thread = Builder::new().name("log".to_owned()).spawn(move || worker.run([writer, reader]))?;
        Ok((LogThread { queue, thread }, receiver))
    }
}

impl<M: Storable> LogThread<M> {
    /// Queues an effect that concerns the disk. Never waits.
    pub(super) fn carry(&self, effect: Effect<M>) {
        let is_mark = is_mark(&effect);
        let mut waiting = self.queue.lock();
        waiting.bytes += weight(&effect);
        waiting.effects.push(effect);
        let wakes = !is_mark && !waiting.is_urgent;
        waiting.is_urgent |= !is_mark;
        drop(waiting);
        if wakes {
            self.queue.filled.notify_one();
        }
    }

    /// Flushes marks that have waited long enough; to be called at each tick.
    pub(super) fn nudge(&self) {
        let mut waiting = self.queue.lock();
        if waiting.effects.is_empty() || waiting.is_urgent {
            return;
        }
        waiting.is_urgent = true;
        drop(waiting);
        self.queue.filled.notify_one();
    }

    /// Whether so much waits that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.queued_bytes() > QUEUED_BYTES_MAX
    }

    /// How many bytes of records wait for the disk.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes
    }

    /// Carries out what is queued, then ends all threads. The handle is for whoever may wait for that.
    pub(super) fn close(self) -> JoinHandle<()> {
        self.queue.lock().closed = true;
        self.queue.filled.notify_one();
        self.thread
    }
}

/// About how many bytes an effect holds.
fn weight<M: Storable>(effect: &Effect<M>) -> usize {
    match effect {
        Effect::Append { record: Record::Request(request), .. } => request.weight(),
        Effect::Append { record: Record::Fetched { entry, .. }, .. } => entry.request.weight(),
        Effect::StoreChunk { bytes, .. } => bytes.len(),
        _ => 64,
    }
}

/// Whether an effect can wait for others before it is flushed.
fn is_mark<M: Storable>(effect: &Effect<M>) -> bool {
    matches!(effect, Effect::Append { record: Record::Executed { .. }, .. })
}

type Given<D, M> = SyncSender<Job<D, M>>;
type Done<D, M> = Result<JobResult<D, M>, StorageError>;

/// A thread that does jobs, and where they are given to it. It ends when nobody can give it any.
fn start_jobs<D: Disk, M>(
    name: &str,
    nice: i32,
    results: SyncSender<Done<D, M>>,
    queue: Arc<Queue<M>>,
    stop: Stop,
) -> io::Result<(Given<D, M>, JoinHandle<()>)>
where
    M: Storable + Send + 'static,
    M::Image: Send,
    M::Outcome: Send,
    M::Config: 'static,
{
    let (jobs, taken) = sync_channel::<Job<D, M>>(JOBS_MAX);
    let work = move || {
        let _alarm = Alarm(&queue);
        // Of this thread alone (Linux). Where it is forbidden, it is only less polite.
        let _ = rustix::process::nice(nice);
        while let Ok(job) = taken.recv() {
            if results.send(job.run(&stop)).is_err() {
                return;
            }
            queue.lock().job_done = true;
            queue.filled.notify_one();
        }
    };
    Ok((jobs, Builder::new().name(name.to_owned()).spawn(work)?))
}

/// Where it is dropped by a panic, the log hears of it: the engine would wait for ever for what that thread was to do.
struct Alarm<'a, M: Storable>(&'a Queue<M>);

impl<M: Storable> Drop for Alarm<'_, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().job_panicked = true;
            self.0.filled.notify_one();
        }
    }
}

/// Where jobs are given to those who do them, and told to leave them.
struct Jobs<D: Disk, M: Storable> {
    writing: Given<D, M>,
    reading: Given<D, M>,
    stop: Stop,
}

impl<D: Disk, M: Storable> Jobs<D, M> {
    fn give(&self, job: Job<D, M>) -> Result<(), Gone> {
        let jobs = match job {
            Job::Write { .. } => &self.writing,
            Job::Load { .. } => &self.reading,
        };
        jobs.send(job).map_err(|_| Gone)
    }
}

struct Worker<D: Disk, M: Storable> {
    persister: Persister<D, M>,
    snapshot_log_bytes: u64,
    queue: Arc<Queue<M>>,
    events: mpsc::Sender<LogEvent<M>>,
    jobs: Jobs<D, M>,
    results: Receiver<Done<D, M>>,
    metrics: Arc<Metrics>,
}

/// Nobody listens any more, or nobody does what has to be done.
struct Gone;

impl<D: Disk, M: Storable> Worker<D, M> {
    fn run(mut self, snapshots: [JoinHandle<()>; 2]) {
        let ended = self.serve();
        if let Ok(Err(error)) = ended {
            let _ = self.events.blocking_send(LogEvent::Failed(error));
        }
        // These threads end when nobody asks any more, and what they are at is not wanted any more. What they write must not
        // outlive the store.
        self.jobs.stop.now();
        drop((self.jobs, self.results, self.events));
        for thread in snapshots {
            let _ = thread.join();
        }
    }

    /// Until the queue is closed and empty, or the disk fails.
    fn serve(&mut self) -> Result<Result<(), StorageError>, Gone> {
        loop {
            let (effects, closed) = self.wait()?;
            let must_flush = !effects.is_empty();
            match self.carry_all(effects) {
                Ok(Ok(())) => {}
                failed => return failed,
            }
            if must_flush {
                let began = clock::monotonic();
                let synced = self.persister.sync();
                self.metrics.fsync_seconds.observe((clock::monotonic() - began).as_secs_f64());
                match synced {
                    Ok(lsn) => {
                        self.metrics.log_bytes.set(self.persister.log_bytes_since_snapshot() as i64);
                        let is_snapshot_due = self.persister.is_snapshot_due(self.snapshot_log_bytes);
                        self.tell(LogEvent::Durable { lsn, is_snapshot_due })?;
                    }
                    Err(error) => return Ok(Err(error)),
                }
            }
            if closed {
                return Ok(Ok(()));
            }
            if let Err(error) = self.prepare() {
                return Ok(Err(error));
            }
        }
    }

    /// Everything that was queued, once something of it cannot wait.
    fn wait(&self) -> Result<(Vec<Effect<M>>, bool), Gone> {
        let mut waiting = self.queue.lock();
        while !waiting.is_urgent && !waiting.job_done && !waiting.job_panicked && !waiting.closed {
            waiting = self.queue.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.job_panicked && !waiting.closed {
            return Err(Gone);
        }
        waiting.bytes = 0;
        waiting.is_urgent = false;
        waiting.job_done = false;
        Ok((std::mem::take(&mut waiting.effects), waiting.closed))
    }

    fn carry_all(&mut self, effects: Vec<Effect<M>>) -> Result<Result<(), StorageError>, Gone> {
        while let Ok(result) = self.results.try_recv() {
            let rejected = match &result {
                Ok(JobResult::Rejected(position, why)) => {
                    Some(format!("the snapshot of position {position} from another server is refused: {why}"))
                }
                Ok(JobResult::Written(_) | JobResult::Loaded(..)) => None,
                Err(error) if error.is_fatal() => None,
                Err(error) => Some(format!("a snapshot could not be written: {error}")),
            };
            if let Some(text) = rejected {
                self.tell(LogEvent::Trouble(text))?;
            }
            let input = match result {
                Ok(result) => self.persister.finish(result),
                Err(error) if !error.is_fatal() => Ok(Input::SnapshotFailed),
                Err(error) => Err(error),
            };
            match input {
                Ok(input) => self.tell(LogEvent::Input(input))?,
                Err(error) => return Ok(Err(error)),
            }
        }
        for effect in effects {
            match self.persister.carry(effect) {
                Ok(Carried::Done) => {}
                Ok(Carried::Input(input)) => self.tell(LogEvent::Input(input))?,
                Ok(Carried::Job(job)) => self.jobs.give(job)?,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    /// Makes the next log file, piece by piece, while nothing else is to be done.
    fn prepare(&mut self) -> Result<(), StorageError> {
        while self.is_idle() {
            match self.persister.prepare() {
                Ok(true) => {}
                Ok(false) => break,
                // No room yet: the log goes on in the file it has, and says so when that is full.
                Err(error) if !error.is_fatal() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        let waiting = self.queue.lock();
        !waiting.is_urgent && !waiting.job_panicked && !waiting.closed
    }

    fn tell(&self, event: LogEvent<M>) -> Result<(), Gone> {
        self.events.blocking_send(event).map_err(|_| Gone)
    }
}

#[cfg(test)]
#[path = "log_thread_tests.rs"]
mod tests;
