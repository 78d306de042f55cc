//! A directory of the operating system.

use super::{disk::Disk, error::OpenError};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Holds the lock on the directory; has no content.
const LOCK_FILE: &str = "lock";

/// A directory of the operating system, locked against a second process for as long as a clone lives.
#[derive(Clone, Debug)]
pub struct RealDisk {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    /// Files being written. Reads of other files open and close them: they are rare and large.
    open: Mutex<BTreeMap<String, Arc<File>>>,
    /// The operating system takes the lock back when this is closed, however the process ends.
    _lock: File,
}

impl RealDisk {
    /// Takes `dir`, made if it does not exist, for this process alone.
    pub fn open(dir: impl Into<PathBuf>) -> Result<RealDisk, OpenError> {
        let dir = dir.into();
        let failed = |operation, path: &Path, source| {
            let file = path.display().to_string();
            OpenError::Io { operation, file, source }
        };
        fs::create_dir_all(&dir).map_err(|error| failed("make the data directory", &dir, error))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // The new directory's own name must survive too. A parent that may not be read is not ours to sync.
            let _ = File::open(parent).and_then(|parent| parent.sync_all());
        }
        let path = dir.join(LOCK_FILE);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|error| failed("write", &path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: dir.display().to_string() }),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, error)),
        }
        Ok(RealDisk { shared: Arc::new(Shared { dir, open: Mutex::default(), _lock: lock }) })
    }

    fn full(&self, name: &str) -> PathBuf {
        self.shared.dir.join(name)
    }

    fn open_files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<File>>> {
        // A panic elsewhere leaves the map whole: each change is one call.
        self.shared.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept handle of a file that is being written, opened if there is none.
    fn handle(&self, name: &str) -> io::Result<Arc<File>> {
        let mut open = self.open_files();
        if let Some(file) = open.get(name) {
            return Ok(file.clone());
        }
        let file = Arc::new(OpenOptions::new().read(true).write(true).open(self.full(name))?);
        open.insert(name.to_owned(), file.clone());
        Ok(file)
    }
}

impl Disk for RealDisk {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.full(dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.is_empty() => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.full(name))?.len())
    }

    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let kept = self.open_files().get(name).cloned();
        let file = match kept {
            Some(file) => file,
            None => Arc::new(File::open(self.full(name))?),
        };
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn create(&self, name: &str) -> io::Result<()> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self.full(name))?;
        self.open_files().insert(name.to_owned(), Arc::new(file));
        Ok(())
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.handle(name)?.write_all_at(bytes, offset)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.handle(name)?.sync_data()
    }

    fn close(&self, name: &str) {
        self.open_files().remove(name);
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut open = self.open_files();
        fs::rename(self.full(from), self.full(to))?;
        match open.remove(from) {
            Some(file) => open.insert(to.to_owned(), file),
            None => open.remove(to),
        };
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut open = self.open_files();
        open.remove(name);
        fs::remove_file(self.full(name))
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        match fs::create_dir(self.full(dir)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }?;
        self.sync_dir("")
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.full(dir))?.sync_all()
    }

    fn path(&self, name: &str) -> String {
        self.full(name).display().to_string()
    }
}
