//! Whose directory this is.

use super::{checked_text, disk::Disk, error::OpenError};
use serde::{Deserialize, Serialize};

pub(super) const IDENTITY_FILE: &str = "identity";

/// Whose directory this is. Written when a directory is first used, compared ever after, never overwritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the cluster.
    pub cluster: String,
    /// Number of the server.
    pub server: u8,
    /// Seats of the theatre.
    pub seats: u32,
}

impl Identity {
    /// Marks every file, so that one from another cluster is not taken for ours.
    pub(super) fn cluster_hash(&self) -> u64 {
        let mut bytes = self.cluster.as_bytes().to_vec();
        bytes.extend_from_slice(&self.seats.to_le_bytes());
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }

    /// Whether the directory has an identity; an error if it is not this one.
    pub(super) fn check<D: Disk>(&self, disk: &D) -> Result<bool, OpenError> {
        let Some(found) = checked_text::read::<D, Identity>(disk, IDENTITY_FILE)? else { return Ok(false) };
        let differs = |what, found: &dyn ToString, expected: &dyn ToString| {
            let (found, expected) = (found.to_string(), expected.to_string());
            Err(OpenError::Identity { file: disk.path(IDENTITY_FILE), what, found, expected })
        };
        if found.cluster != self.cluster {
            return differs("cluster", &found.cluster, &self.cluster);
        }
        if found.server != self.server {
            return differs("server", &found.server, &self.server);
        }
        if found.seats != self.seats {
            return differs("seats", &found.seats, &self.seats);
        }
        Ok(true)
    }

    pub(super) fn write<D: Disk>(&self, disk: &D) -> Result<(), OpenError> {
        checked_text::write(disk, IDENTITY_FILE, "identity", self)
            .map_err(|(operation, error)| OpenError::io(disk, operation, IDENTITY_FILE, error))
    }
}
