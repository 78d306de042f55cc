//! The few facts that must outlive the log itself, in two copies.
//!
//! Both copies are durable before anybody acts on a change. So whichever copy survives, the incarnation it
//! names was never exceeded by one in use, and files of the generation it names have not been deleted.

use super::{
    checked_text,
    disk::Disk,
    error::{OpenError, StorageError},
};
use serde::{Deserialize, Serialize};

const META_FILES: [&str; 2] = ["meta.a", "meta.b"];

/// What a server must know of its directory before it reads the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// Grows with each write; the copy with the higher one counts.
    pub(super) revision: u64,
    /// How often the directory was opened, or more.
    pub(super) incarnation: u64,
    /// Which log counts: files of another generation are leftovers. Grows when a whole history replaces
    /// another (a peer's snapshot adopted, a damaged log set aside), which makes the replacement one step.
    pub(super) generation: u64,
    /// Whether a record of this generation was ever durable. An empty log is then damage, not a beginning.
    pub(super) held: bool,
    /// Why the history before this generation is lost, until a peer's has replaced it.
    pub(super) lost: Option<String>,
}

impl Meta {
    /// The newer of the copies that can be read, and a warning if one cannot; `None` if there is none.
    pub(super) fn read<D: Disk>(disk: &D) -> Result<Option<(Meta, Option<String>)>, OpenError> {
        let copies = META_FILES.map(|name| checked_text::read::<D, Meta>(disk, name));
        let (newest, warning) = match copies {
            [Ok(None), Ok(None)] => return Ok(None),
            [Ok(Some(a)), Ok(Some(b))] => (if a.revision >= b.revision { a } else { b }, None),
            // A crash while the first copies are written leaves one.
            [Ok(Some(meta)), Ok(None)] | [Ok(None), Ok(Some(meta))] => (meta, None),
            [Ok(Some(meta)), Err(error)] | [Err(error), Ok(Some(meta))] => {
                (meta, Some(format!("{error}; its other copy is used")))
            }
            [Err(error), _] | [_, Err(error)] => return Err(error),
        };
        Ok(Some((newest, warning)))
    }

    /// Makes both copies durable, as the next revision.
    pub(super) fn write<D: Disk>(&mut self, disk: &D) -> Result<(), StorageError> {
        self.revision += 1;
        for name in META_FILES {
            checked_text::write(disk, name, "meta", self)
                .map_err(|(operation, error)| StorageError::io(disk, operation, name, error))?;
        }
        Ok(())
    }
}
