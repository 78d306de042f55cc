//! The running digest: a fingerprint of everything executed so far.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};
use xxhash_rust::xxh3::Xxh3;

/// Fingerprint of a history. Servers of one lineage that executed the same positions have equal digests; if
/// not, one of them is broken. It finds faults, not forgers: xxh3 is no cryptographic hash.
///
/// Shown, and written in human-readable formats, as 16 hexadecimal digits. The digest of the empty history is
/// the default, zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest after one more executed request: its `position`, its timestamp (`clock` and `server`), its
    /// `batch`, and what [`State::apply`](super::state::State::apply) returned for it.
    #[must_use]
    pub fn extend(self, position: u64, clock: u64, server: u8, batch: &[u8], outcomes_hash: u64) -> Digest {
        let mut hash = Xxh3::new();
        // Everything of fixed length comes first, so that no two histories read as the same bytes.
        for number in [self.0, position, clock, u64::from(server), outcomes_hash] {
            hash.update(&number.to_le_bytes());
        }
        hash.update(batch);
        Digest(hash.digest())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text is no [`Digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 16 hexadecimal digits")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Digest, DigestError> {
        // Not left to `from_str_radix` alone, which takes a plus sign and any length.
        if text.len() != 16 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(DigestError);
        }
        u64::from_str_radix(text, 16).map(Digest).map_err(|_| DigestError)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Numbers over 2^53 do not survive the JSON of many languages.
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Digest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let base = Digest(1).extend(2, 3, 4, b"five", 6);
        let others = [
            Digest(9).extend(2, 3, 4, b"five", 6),
            Digest(1).extend(9, 3, 4, b"five", 6),
            Digest(1).extend(2, 9, 4, b"five", 6),
            Digest(1).extend(2, 3, 9, b"five", 6),
            Digest(1).extend(2, 3, 4, b"nine", 6),
            Digest(1).extend(2, 3, 4, b"five", 9),
            Digest(1).extend(2, 3, 4, b"", 6),
        ];
        assert!(others.iter().all(|other| *other != base));
        assert_eq!(base, Digest(1).extend(2, 3, 4, b"five", 6));
    }

    #[test]
    fn a_digest_never_changes_between_versions() {
        // Servers of two versions compare digests during a rolling upgrade.
        assert_eq!(Digest::default().extend(1, 2, 3, b"batch", 4).to_string(), "372b83859c75de0f");
    }

    #[test]
    fn text_and_json_are_16_hex_digits_and_binary_is_short() {
        let digest = Digest(0xab);
        assert_eq!(digest.to_string(), "00000000000000ab");
        assert_eq!(serde_json::to_string(&digest).unwrap(), "\"00000000000000ab\"");
        assert_eq!(serde_json::from_str::<Digest>("\"00000000000000ab\"").unwrap(), digest);
        assert_eq!(postcard::from_bytes::<Digest>(&postcard::to_stdvec(&digest).unwrap()).unwrap(), digest);
        for bad in ["", "ab", "+0000000000000ab", "00000000000000abc", "000000000000000g"] {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError));
        }
    }
}
