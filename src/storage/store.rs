//! The store that a server runs on: log, snapshots, and the steps that join them.

use super::{
    Lsn, Options,
    disk::Disk,
    error::StorageError,
    log::{Budget, Log},
    meta::Meta,
    receive::{ReceivedSnapshot, SnapshotReceiver},
    scan::Base,
    segment::Start,
    snapshot::{Counted, FinishedSnapshot, Id, SnapshotReader, SnapshotWriter},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How many states to replay from are kept: the newest snapshot, and the one before it (or the blank state)
/// for the day the newest turns out damaged.
pub(super) const BASES_KEPT: usize = 2;

/// What survives: a log of records and snapshots to shorten it. One thread uses it; snapshots are written,
/// read and received on others.
#[derive(Debug)]
pub struct Store<D: Disk> {
    disk: D,
    cluster_hash: u64,
    options: Options,
    meta: Meta,
    log: Log<D>,
    /// Sequence of the last record before this opening.
    opened_at: u64,
    /// Oldest first.
    bases: Vec<Base>,
    /// Snapshots that were found damaged, with their lengths; they go when newer ones have replaced them.
    discarded: Vec<(Id, u64)>,
    /// Bytes of snapshots that are being written or received.
    unfinished_bytes: Arc<AtomicU64>,
    /// Makes the names of received files distinct.
    receivers: u64,
    /// The error that ended this store.
    stopped: Option<String>,
}

impl<D: Disk> Store<D> {
    pub(super) fn new(
        disk: D,
        (cluster_hash, _): (u64, u8),
        options: &Options,
        meta: Meta,
        log: Log<D>,
        mut bases: Vec<Base>,
        discarded: Vec<(Id, u64)>,
    ) -> Self {
        let first = log.extents().first().expect("an open log has a file").number;
        if bases.is_empty() {
            bases.push(Base { segment: first, snapshot: None });
        }
        assert!(bases[0].segment == first, "the log is kept from the oldest state on, no more and no less");
        let (unfinished_bytes, options) = (Arc::default(), options.clone());
        let (opened_at, receivers, stopped) = (log.durable_sequence(), 0, None);
        Store {
            disk,
            cluster_hash,
            options,
            meta,
            log,
            opened_at,
            bases,
            discarded,
            unfinished_bytes,
            receivers,
            stopped,
        }
    }

    /// Takes a record. It is durable when a [`Store::sync`] has returned its number or a higher one.
    ///
    /// Mostly this only copies; where the log file is full it goes on to the next, which writes and syncs what
    /// was appended before.
    pub fn append(&mut self, record: &[u8]) -> Result<Lsn, StorageError> {
        self.check()?;
        let sequence = self.log.append(record, self.budget());
        let sequence = self.noted(sequence)?;
        Ok(Lsn(sequence - self.opened_at))
    }

    /// Makes all that was appended durable, with one write and one sync, and returns the last of it.
    ///
    /// An error here is fatal: every later call fails too, and the process must end.
    pub fn sync(&mut self) -> Result<Lsn, StorageError> {
        self.check()?;
        let synced = self.log.sync();
        let sequence = self.noted(synced)?;
        if !self.meta.held && sequence > 0 {
            self.meta.held = true;
            let written = self.meta.write(&self.disk);
            self.noted(written)?;
        }
        Ok(Lsn(sequence - self.opened_at))
    }

    /// The last record that is durable; [`Lsn`] 0 if none was appended since the store was opened.
    pub fn durable(&self) -> Lsn {
        Lsn(self.log.durable_sequence() - self.opened_at)
    }

    /// Does a small part of making the next log file, and says whether there is more to do. To be called after
    /// a sync has been answered; without it, an append that needs the next file makes all of it.
    pub fn prepare(&mut self) -> Result<bool, StorageError> {
        self.check()?;
        let prepared = self.log.prepare(self.budget());
        self.noted(prepared)
    }

    /// Begins a snapshot of the state at `position`: syncs the log, goes on in a new file that `checkpoint` opens,
    /// and returns a writer for the state. What the caller must know besides the state to replay the log from here
    /// belongs into the checkpoint; it is durable on return, and replayed first.
    ///
    /// A writer that is dropped has cost a log file and no more. The limit on disk use does not refuse a snapshot:
    /// it makes room. Two may be needed, since the state before the newest is kept too.
    pub fn begin_snapshot(
        &mut self,
        position: u64,
        checkpoint: &[&[u8]],
    ) -> Result<SnapshotWriter<D>, StorageError> {
        self.check()?;
        let budget = self.budget();
        let begun = self.log.begin(self.meta.generation, Start::Snapshot(position), checkpoint, 0, budget);
        self.noted(begun)?;
        self.sync()?;
        let segment = self.log.extents().last().expect("an open log has a file").number;
        let id = Id { generation: self.meta.generation, position, segment };
        SnapshotWriter::new(self.disk.clone(), id, self.cluster_hash, self.counted())
    }

    /// Takes a finished snapshot into account: keeps it and the one before, and deletes older ones and the log
    /// that only they need. One that an adoption or a newer snapshot has overtaken is deleted instead.
    pub fn snapshot_done(&mut self, snapshot: FinishedSnapshot) -> Result<(), StorageError> {
        self.check()?;
        let newest = self.bases.last().map_or(0, |base| base.segment);
        let id = snapshot.id;
        // Numbers of log files go on through an adoption, so this tells what it has overtaken, too.
        let result = if id.segment <= newest {
            self.remove_snapshot(id)
        } else {
            self.bases.push(Base { segment: id.segment, snapshot: Some((id, snapshot.bytes)) });
            self.drop_old()
        };
        self.noted(result)
    }

    /// The newest snapshot, to send it to a peer; `None` before the first.
    pub fn snapshot_reader(&self) -> Option<SnapshotReader<D>> {
        let (id, bytes) = self.bases.last()?.snapshot?;
        Some(SnapshotReader::new(self.disk.clone(), id, bytes))
    }

    /// A place for a peer's snapshot of `position`, whose file has `total_bytes`.
    pub fn snapshot_receiver(
        &mut self,
        position: u64,
        total_bytes: u64,
    ) -> Result<SnapshotReceiver<D>, StorageError> {
        self.check()?;
        let (used_bytes, max_bytes) = (self.bytes_used(), self.options.disk_bytes_max);
        if total_bytes > max_bytes.saturating_sub(used_bytes) {
            return Err(StorageError::Full { used_bytes, wanted_bytes: total_bytes, max_bytes });
        }
        self.receivers += 1;
        let (disk, counted) = (self.disk.clone(), self.counted());
        SnapshotReceiver::new(disk, self.receivers, self.cluster_hash, (position, total_bytes), counted)
    }

    /// Replaces the whole history with a peer's snapshot and `checkpoint`, in one step: after a crash there is the
    /// old history or the new one, never a mix. The log goes on in a new file that the checkpoint opens; older
    /// log and snapshots are deleted. The history counts as kept from here on.
    ///
    /// Any error but [`StorageError::NoSpace`] and [`StorageError::RecordTooLarge`] is fatal.
    pub fn adopt_snapshot(
        &mut self,
        mut received: ReceivedSnapshot<D>,
        checkpoint: &[&[u8]],
    ) -> Result<(), StorageError> {
        self.check()?;
        let adopted = self.adopt(&mut received, checkpoint);
        self.noted(adopted)
    }

    fn adopt(
        &mut self,
        received: &mut ReceivedSnapshot<D>,
        checkpoint: &[&[u8]],
    ) -> Result<(), StorageError> {
        let generation = self.meta.generation + 1;
        let start = Start::Snapshot(received.position);
        // First all of the new history, under names of the next generation.
        self.log.begin(generation, start, checkpoint, 0, self.budget())?;
        let segment = self.log.extents().last().expect("an open log has a file").number;
        let id = Id { generation, position: received.position, segment };
        let name = id.name();
        let failed = |operation, error| StorageError::io(&self.disk, operation, &name, error);
        self.disk.rename(&received.file.name, &name).map_err(|error| failed("rename to", error))?;
        received.file.renamed = true;
        self.disk.sync_dir("").map_err(|error| failed("sync the directory of", error))?;
        // This is the step: the next generation is the one that counts.
        (self.meta.generation, self.meta.held, self.meta.lost) = (generation, true, None);
        self.meta.write(&self.disk)?;
        let old =
            std::mem::replace(&mut self.bases, vec![Base { segment, snapshot: Some((id, received.bytes)) }]);
        let discarded = std::mem::take(&mut self.discarded);
        for (id, _) in old.into_iter().filter_map(|base| base.snapshot).chain(discarded) {
            self.remove_snapshot(id)?;
        }
        self.log.drop_before(generation, segment)
    }

    /// Says that a history that was lost is whole again without a snapshot: there was nothing to adopt.
    pub fn history_restored(&mut self) -> Result<(), StorageError> {
        self.check()?;
        if self.meta.lost.take().is_none() {
            return Ok(());
        }
        self.meta.held = true;
        let written = self.meta.write(&self.disk);
        self.noted(written)
    }

    /// What counts towards [`Options::disk_bytes_max`].
    pub fn bytes_used(&self) -> u64 {
        self.log.bytes() + self.snapshot_bytes()
    }

    /// Bytes of records since the newest finished snapshot, what is not yet synced included.
    pub fn log_bytes_since_snapshot(&self) -> u64 {
        self.log.bytes_since(self.bases.last().map_or(0, |base| base.segment))
    }

    /// Whether to begin a snapshot, where one is wanted for every `log_bytes_max` of log. It is put off until the log file that it
    /// begins is ready, since all records would wait while that is made; but for no more log than half a file and a quarter of
    /// `log_bytes_max`, and not where there is no room to make it.
    pub fn is_snapshot_due(&self, log_bytes_max: u64) -> bool {
        let log_bytes = self.log_bytes_since_snapshot();
        let put_off_bytes = (self.options.segment_bytes / 2).min(log_bytes_max / 4);
        log_bytes >= log_bytes_max
            && (log_bytes - log_bytes_max >= put_off_bytes || !self.log.awaits_next(self.budget()))
    }

    fn snapshot_bytes(&self) -> u64 {
        let finished =
            self.bases.iter().filter_map(|base| base.snapshot).chain(self.discarded.iter().copied());
        finished.map(|(_, bytes)| bytes).sum::<u64>() + self.unfinished_bytes.load(Ordering::Relaxed)
    }

    fn budget(&self) -> Budget {
        Budget { outside_bytes: self.snapshot_bytes(), max_bytes: self.options.disk_bytes_max }
    }

    fn counted(&self) -> Counted {
        Counted::new(self.unfinished_bytes.clone())
    }

    /// Deletes what only states beyond [`BASES_KEPT`] need. Snapshots first: one without its log is noise.
    fn drop_old(&mut self) -> Result<(), StorageError> {
        while self.bases.len() > BASES_KEPT {
            if let Some((id, _)) = self.bases.remove(0).snapshot {
                self.remove_snapshot(id)?;
            }
        }
        let oldest = self.bases[0].segment;
        while let Some(at) = self.discarded.iter().position(|(id, _)| id.segment < oldest) {
            let (id, _) = self.discarded.swap_remove(at);
            self.remove_snapshot(id)?;
        }
        self.log.drop_before(self.meta.generation, oldest)
    }

    fn remove_snapshot(&self, id: Id) -> Result<(), StorageError> {
        let name = id.name();
        let failed = |operation, error| StorageError::io(&self.disk, operation, &name, error);
        self.disk.remove(&name).map_err(|error| failed("remove", error))?;
        self.disk.sync_dir("").map_err(|error| failed("sync the directory of", error))
    }

    fn check(&self) -> Result<(), StorageError> {
        match &self.stopped {
            None => Ok(()),
            Some(first) => Err(StorageError::Stopped { first: first.clone() }),
        }
    }

    /// Remembers a fatal error.
    fn noted<T>(&mut self, result: Result<T, StorageError>) -> Result<T, StorageError> {
        if let Err(error) = &result
            && error.is_fatal()
        {
            self.stopped = Some(error.to_string());
        }
        result
    }
}
