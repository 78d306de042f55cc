//! When the log is flushed, and how its threads end.

use super::*;
use crate::domain::digest::Digest;
use crate::domain::keys::KeyLimits;
use crate::domain::outcome::Outcome;
use crate::domain::state::{Config, State};
use crate::protocol::engine::Machine;
use crate::protocol::record::SnapshotHeader;
use crate::protocol::types::{Position, Request, ServerId, Timestamp, ViewId};
use crate::protocol::view::Lineage;
use crate::replication::persister::Opened;
use crate::storage::{Identity, Options, SimDisk};
use bytes::Bytes;
use std::io::{Read, Write};
use std::time::Duration;
use tokio::time::timeout;

type Started<M> = (LogThread<M>, mpsc::Receiver<LogEvent<M>>);

fn started() -> Started<State> {
    start()
}

fn start<M>() -> Started<M>
where
    M: Storable<Config = Config> + Send + 'static,
    M::Image: Send,
    M::Outcome: Send,
{
    let identity = Identity { cluster: "test".to_owned(), server: 1, seats: 10 };
    let options = Options { segment_bytes: 8 << 10, disk_bytes_max: 1 << 20, incarnation_min: 0 };
    let config = Config {
        capacity: 10,
        sessions_max: 10,
        session_age_ms: 60_000,
        outcomes_per_session_max: 10,
        time_step_ms_max: 10_000,
        keys: KeyLimits::default(),
        events: Arc::default(),
    };
    let opened = Persister::open(SimDisk::faultless(), &identity, &options, &config, 1_024);
    let Opened { persister, .. } = opened.unwrap_or_else(|error| panic!("{error}"));
    LogThread::start(persister, u64::MAX, Arc::default()).unwrap()
}

fn mark(lsn: Lsn) -> Effect<State> {
    let timestamp = Timestamp { clock: lsn, server: ServerId(1) };
    let record = Record::Executed { position: lsn, view: ViewId::ZERO, timestamp, digest: Digest::default() };
    Effect::Append { lsn, record }
}

/// The last record that is durable, once the log tells anything.
async fn told(events: &mut mpsc::Receiver<LogEvent<State>>) -> Option<Lsn> {
    match timeout(Duration::from_millis(5), events.recv()).await.ok()? {
        Some(LogEvent::Durable { lsn, .. }) => Some(lsn),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn marks_alone_are_durable_after_a_tick_however_soon_the_next_one_comes() {
    let (log, mut events) = started();
    for lsn in 1..=3 {
        log.carry(mark(lsn));
    }
    assert_eq!(told(&mut events).await, None, "they wait for company");
    for _ in 0..1_000 {
        log.nudge();
        if let Some(lsn) = told(&mut events).await {
            assert_eq!(lsn, 3);
            log.close().join().unwrap();
            return;
        }
    }
    panic!("marks wait for ever");
}

#[tokio::test]
async fn marks_go_with_the_next_record_that_cannot_wait_and_with_the_last_one() {
    let (log, mut events) = started();
    log.carry(mark(1));
    log.carry(Effect::Append { lsn: 2, record: Record::Offers(Vec::new()) });
    assert!(matches!(events.recv().await, Some(LogEvent::Durable { lsn: 2, .. })));
    log.carry(mark(3));
    let thread = log.close();
    assert!(matches!(events.recv().await, Some(LogEvent::Durable { lsn: 3, .. })));
    thread.join().unwrap();
}

/// How a picture is written.
type Writing = fn(&mut dyn Write) -> io::Result<()>;

/// A machine that is nothing but its pictures.
#[derive(Debug)]
struct Pictures;

impl Machine for Pictures {
    type Outcome = Outcome;
    type Image = Writing;

    fn apply(&mut self, _: Position, _: &Request, _: &mut Vec<Outcome>) -> u64 {
        0
    }

    fn freeze(&self) -> Writing {
        |_| Ok(())
    }

    fn batch(_: &[&Bytes]) -> Bytes {
        Bytes::new()
    }

    fn divergence(&self, _: &Self, _: Position, _: u64) -> Vec<Bytes> {
        Vec::new()
    }

    fn seats_left(&self) -> u32 {
        0
    }
}

impl Storable for Pictures {
    type Config = Config;

    fn blank(_: &Config) -> Self {
        Pictures
    }

    fn write_image(image: Writing, out: &mut dyn Write) -> io::Result<()> {
        image(out)
    }

    fn read_state(_: &Config, _: &mut dyn Read) -> Result<Self, String> {
        Ok(Pictures)
    }

    fn executed(&self) -> Position {
        0
    }

    fn describe_offer(_: &[u8]) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn describe_outcome(_: &Outcome) -> (serde_json::Value, bool) {
        (serde_json::Value::Null, true)
    }
}

/// More than enough for anything.
const LONG: Duration = Duration::from_secs(10);

/// Whether the log says, before long, that it has no more to tell.
async fn ends(events: &mut mpsc::Receiver<LogEvent<Pictures>>) -> bool {
    timeout(LONG, async { while events.recv().await.is_some() {} }).await.is_ok()
}

/// A log that has begun to write this as a snapshot.
async fn writing(image: Writing) -> Started<Pictures> {
    let (log, mut events) = start::<Pictures>();
    let header = SnapshotHeader {
        position: 0,
        digest: Digest::default(),
        last: None,
        lineage: Lineage::default(),
        clock: 0,
    };
    log.carry(Effect::Snapshot { header, image, lsn: 1, checkpoint: Record::Offers(Vec::new()) });
    assert!(matches!(events.recv().await, Some(LogEvent::Durable { lsn: 1, .. })));
    (log, events)
}

#[tokio::test]
async fn a_panic_while_a_snapshot_is_written_ends_the_log() {
    let (_log, mut events) = writing(|_| panic!("no state could be this")).await;
    assert!(ends(&mut events).await, "whoever carries effects hears that the log is gone");
}

#[tokio::test]
async fn a_log_that_closes_does_not_wait_until_a_snapshot_is_written() {
    let (log, mut events) = writing(|out| {
        loop {
            out.write_all(b"x")?;
            std::thread::yield_now();
        }
    })
    .await;
    let thread = log.close();
    assert!(ends(&mut events).await);
    let (ended, joined) = sync_channel(1);
    let join = move || ended.send(thread.join().is_ok());
    let joiner = Builder::new().name("joins the log".to_owned()).spawn(join).unwrap();
    assert_eq!(joined.recv_timeout(LONG), Ok(true));
    assert_eq!(joiner.join().unwrap(), Ok(()));
}
