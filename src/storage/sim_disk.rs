//! The twin of the real disk: in memory, with crashes and faults to order.

use super::disk::Disk;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the medium writes whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// A disk in memory; a clone is the same disk.
///
/// It keeps apart what processes see and what is durable. [`SimDisk::crash`] is a power cut: of the writes,
/// creations, renames and removals that were not synced, chance keeps all, none, a prefix or any subset. Drop
/// every object that uses the disk before a crash and open again after it. A process that is merely killed
/// loses nothing: drop its objects and open again.
#[derive(Clone, Debug)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
}

#[derive(Clone, Debug, Default)]
struct World {
    /// Everything is durable at once and nothing ever fails.
    faultless: bool,
    files: BTreeMap<u64, Content>,
    /// Names as processes see them.
    names: BTreeMap<String, u64>,
    /// Names on the medium.
    durable_names: BTreeMap<String, u64>,
    unsynced_names: Vec<NameChange>,
    next_file: u64,
    faults: Faults,
}

#[derive(Clone, Debug, Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync, oldest first.
    unsynced: Vec<(u64, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(String, u64),
    Move(String, String, u64),
    Remove(String),
}

#[derive(Clone, Debug, Default)]
struct Faults {
    /// This many more syncs succeed, the one after fails.
    syncs_left: Option<u64>,
    /// Bytes that may still be added to files.
    space_left: Option<u64>,
    /// This many more changes happen, then every call fails until the next crash.
    changes_left: Option<u64>,
    changes: u64,
}

impl Default for SimDisk {
    fn default() -> Self {
        SimDisk::new()
    }
}

impl SimDisk {
    /// An empty disk that crashes and fails as ordered.
    pub fn new() -> SimDisk {
        SimDisk { world: Arc::default() }
    }

    /// An empty disk whose every write is durable at once, at no cost: the store of `durability: memory`.
    pub fn faultless() -> SimDisk {
        let world = World { faultless: true, ..World::default() };
        SimDisk { world: Arc::new(Mutex::new(world)) }
    }

    /// An independent copy of the disk as it is now.
    pub fn fork(&self) -> SimDisk {
        SimDisk { world: Arc::new(Mutex::new(self.world().clone())) }
    }

    /// Power is cut and comes back: what was not synced is kept or lost as `rng` has it. Faults to order end.
    /// A faultless disk is a process's memory and keeps nothing.
    pub fn crash(&self, rng: &mut fastrand::Rng) {
        let mut world = self.world();
        if world.faultless {
            world.files.clear();
            world.names.clear();
            return;
        }
        for content in world.files.values_mut() {
            content.crash(rng);
        }
        let changes = std::mem::take(&mut world.unsynced_names);
        for change in survivors(changes, rng) {
            change.apply(&mut world.durable_names);
        }
        world.names = world.durable_names.clone();
        let named: Vec<u64> = world.names.values().copied().collect();
        world.files.retain(|file, _| named.contains(file));
        world.faults = Faults { changes: world.faults.changes, ..Faults::default() };
    }

    /// After `syncs` more syncs that succeed, one fails and what it should have made durable is lost at the
    /// next crash, although it can be read until then (as Linux does it).
    pub fn fail_sync_after(&self, syncs: u64) {
        self.world().faults.syncs_left = Some(syncs);
    }

    /// Files may grow by `bytes` in all, then writes fail for want of space; `None` lifts the limit.
    pub fn limit_space(&self, bytes: Option<u64>) {
        self.world().faults.space_left = bytes;
    }

    /// After `changes` more changes every call fails until [`SimDisk::crash`]: the moment power goes.
    pub fn power_off_after(&self, changes: u64) {
        self.world().faults.changes_left = Some(changes);
    }

    /// Changes (writes, syncs, renames, ...) so far, to choose a moment for [`SimDisk::power_off_after`].
    pub fn changes(&self) -> u64 {
        self.world().faults.changes
    }

    /// Flips the bits of `mask` in one durable byte.
    pub fn flip(&self, name: &str, offset: u64, mask: u8) {
        self.edit(name, |bytes| bytes[index(offset)] ^= mask);
    }

    /// Cuts a file off, durably, as no crash does but a person or a broken file system may.
    pub fn truncate(&self, name: &str, len: u64) {
        self.edit(name, |bytes| bytes.truncate(index(len)));
    }

    /// Overwrites a file from `offset` to its end with zeroes, durably.
    pub fn zero_from(&self, name: &str, offset: u64) {
        self.edit(name, |bytes| bytes[index(offset)..].fill(0));
    }

    /// Bytes of all files as processes see them.
    pub fn bytes(&self) -> u64 {
        let world = self.world();
        world.names.values().map(|file| world.files[file].seen.len() as u64).sum()
    }

    fn edit(&self, name: &str, edit: impl Fn(&mut Vec<u8>)) {
        let mut world = self.world();
        let file = world.find(name).expect("a fault is ordered for a file that exists");
        let content = world.files.get_mut(&file).expect("a name leads to a file");
        // What is not on the medium yet cannot be damaged there.
        if content.durable.len() == content.seen.len() {
            edit(&mut content.durable);
        }
        edit(&mut content.seen);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    fn find(&self, name: &str) -> io::Result<u64> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        self.names.get(name).copied().ok_or_else(missing)
    }

    fn check_power(&self) -> io::Result<()> {
        if self.faults.changes_left == Some(0) {
            return Err(io::Error::other("the simulated machine has no power"));
        }
        Ok(())
    }

    /// Counts a change towards the ordered moment of power loss.
    fn change(&mut self) -> io::Result<()> {
        self.check_power()?;
        self.faults.changes += 1;
        if let Some(left) = &mut self.faults.changes_left {
            *left -= 1;
        }
        Ok(())
    }

    fn rename_durably_later(&mut self, change: NameChange) {
        if !self.faultless {
            self.unsynced_names.push(change.clone());
        }
        change.apply(&mut self.names);
        if self.faultless {
            let named: Vec<u64> = self.names.values().copied().collect();
            self.files.retain(|file, _| named.contains(file));
        }
    }

    fn take_space(&mut self, bytes: u64) -> io::Result<()> {
        match &mut self.faults.space_left {
            None => Ok(()),
            Some(left) if *left >= bytes => {
                *left -= bytes;
                Ok(())
            }
            Some(_) => Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on the simulated disk")),
        }
    }
}

impl Content {
    fn crash(&mut self, rng: &mut fastrand::Rng) {
        let mut sectors = Vec::new();
        for (offset, bytes) in std::mem::take(&mut self.unsynced) {
            let mut start = 0;
            while start < bytes.len() {
                let at = offset + start as u64;
                let room = index(SECTOR_BYTES - at % SECTOR_BYTES);
                let end = bytes.len().min(start + room);
                sectors.push((at, bytes[start..end].to_vec()));
                start = end;
            }
        }
        for (offset, bytes) in survivors(sectors, rng) {
            put(&mut self.durable, offset, &bytes);
        }
        self.seen = self.durable.clone();
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            NameChange::Set(name, file) => {
                names.insert(name, file);
            }
            NameChange::Move(from, to, file) => {
                if names.get(&from) == Some(&file) {
                    names.remove(&from);
                }
                names.insert(to, file);
            }
            NameChange::Remove(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Disk for SimDisk {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let world = self.world();
        world.check_power()?;
        let in_dir = |name: &String| match name.split_once('/') {
            None => dir.is_empty().then(|| name.clone()),
            Some((parent, file)) => (parent == dir).then(|| file.to_owned()),
        };
        Ok(world.names.keys().filter_map(in_dir).collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        let world = self.world();
        world.check_power()?;
        Ok(world.files[&world.find(name)?].seen.len() as u64)
    }

    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let world = self.world();
        world.check_power()?;
        let seen = &world.files[&world.find(name)?].seen;
        let bytes = seen.get(index(offset)..).and_then(|rest| rest.get(..len));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn create(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.change()?;
        // A new file, also where one had this name: after a crash the name may still lead to the old content.
        let file = world.next_file;
        world.next_file += 1;
        world.files.insert(file, Content::default());
        world.rename_durably_later(NameChange::Set(name.to_owned(), file));
        Ok(())
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.world();
        world.change()?;
        let file = world.find(name)?;
        let growth = (offset + bytes.len() as u64).saturating_sub(world.files[&file].seen.len() as u64);
        world.take_space(growth)?;
        let faultless = world.faultless;
        let content = world.files.get_mut(&file).expect("a name leads to a file");
        put(&mut content.seen, offset, bytes);
        if !faultless {
            content.unsynced.push((offset, bytes.to_vec()));
        }
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.change()?;
        let file = world.find(name)?;
        let fails = world.faults.syncs_left == Some(0);
        world.faults.syncs_left = world.faults.syncs_left.and_then(|left| left.checked_sub(1));
        let content = world.files.get_mut(&file).expect("a name leads to a file");
        let writes = std::mem::take(&mut content.unsynced);
        if fails {
            return Err(io::Error::other("the simulated disk failed to sync"));
        }
        for (offset, bytes) in writes {
            put(&mut content.durable, offset, &bytes);
        }
        Ok(())
    }

    fn close(&self, _name: &str) {}

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        world.change()?;
        let file = world.find(from)?;
        world.rename_durably_later(NameChange::Move(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.change()?;
        world.find(name)?;
        world.rename_durably_later(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn make_dir(&self, _dir: &str) -> io::Result<()> {
        self.world().change()
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut world = self.world();
        world.change()?;
        let here = |name: &str| name.split_once('/').map_or("", |(parent, _)| parent) == dir;
        let (synced, rest) =
            std::mem::take(&mut world.unsynced_names).into_iter().partition(|change| match change {
                NameChange::Set(name, _) | NameChange::Remove(name) => here(name),
                NameChange::Move(from, to, _) => here(from) || here(to),
            });
        let synced: Vec<NameChange> = synced;
        world.unsynced_names = rest;
        for change in synced {
            change.apply(&mut world.durable_names);
        }
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// What of `changes` reaches the medium although nobody waited for it, in order.
fn survivors<T>(mut changes: Vec<T>, rng: &mut fastrand::Rng) -> Vec<T> {
    match rng.u8(..4) {
        0 => changes.clear(),
        1 => {}
        2 => changes.truncate(rng.usize(..=changes.len())),
        _ => changes.retain(|_| rng.bool()),
    }
    changes
}

fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (index(offset), index(offset) + bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes);
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("a file in memory is no longer than memory")
}
