//! An ordered map in many small copy-on-write pieces: a picture of it costs a pointer a piece, and a write
//! beside the picture copies one piece, once.

use std::{collections::BTreeMap, sync::Arc};
use xxhash_rust::xxh3::xxh3_64;

/// Most pieces of a map. More would make pictures dearer, fewer the copies.
const SHARDS_MAX: usize = 4096;

/// A key that spreads evenly over the pieces, the same way on every server and for ever (snapshots depend on it).
pub(super) trait ShardKey: Ord + Clone {
    /// A hash of the whole key.
    fn shard_hash(&self) -> u64;
}

impl ShardKey for super::ids::Name {
    fn shard_hash(&self) -> u64 {
        xxh3_64(self.as_bytes())
    }
}

impl ShardKey for super::ids::SessionId {
    fn shard_hash(&self) -> u64 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.birth_ms.to_le_bytes());
        bytes[8..].copy_from_slice(&self.random.to_le_bytes());
        xxh3_64(&bytes)
    }
}

/// The map. Cloning it is the picture.
#[derive(Clone, Debug)]
pub(super) struct Shards<K, V> {
    /// A power of two of them. All the empty ones of a new map are the same one, which makes it cheap.
    shards: Vec<Arc<BTreeMap<K, V>>>,
    len: usize,
}

impl<K: ShardKey, V: Clone> Shards<K, V> {
    /// An empty map that will hold up to `len_max` entries, about `shard_len` in a piece.
    pub(super) fn new(len_max: usize, shard_len: usize) -> Self {
        let count = (len_max / shard_len).next_power_of_two().min(SHARDS_MAX);
        let empty = Arc::new(BTreeMap::new());
        Shards { shards: vec![empty; count], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.shards[self.index(key)].get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let index = self.index(key);
        let shard = &mut self.shards[index];
        // A piece that a picture shares is copied only if the entry is in it.
        if Arc::get_mut(shard).is_none() && !shard.contains_key(key) {
            return None;
        }
        Arc::make_mut(shard).get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let index = self.index(&key);
        let old = Arc::make_mut(&mut self.shards[index]).insert(key, value);
        self.len += usize::from(old.is_none());
        old
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.remove_if(key, |_| true)
    }

    /// Removes an entry that is as it should be.
    pub(super) fn remove_if(&mut self, key: &K, is_right: impl FnOnce(&V) -> bool) -> Option<V> {
        let index = self.index(key);
        if !self.shards[index].get(key).is_some_and(is_right) {
            return None;
        }
        self.len -= 1;
        Arc::make_mut(&mut self.shards[index]).remove(key)
    }

    /// The entries from one key to another, where both are in one piece by their hash.
    pub(super) fn range(&self, first: &K, last: &K) -> impl Iterator<Item = (&K, &V)> {
        self.shards[self.index(first)].range(first..=last)
    }

    /// All entries, by piece and within a piece by key: the same order for the same entries, whatever happened.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    /// Whether `a` comes before `b` in [`iter`](Self::iter).
    pub(super) fn is_before(&self, a: &K, b: &K) -> bool {
        (self.index(a), a) < (self.index(b), b)
    }

    /// That entries lie where they are looked for, and are counted.
    pub(super) fn check(&self) -> Result<(), String> {
        let misplaced =
            |(at, shard): (usize, &Arc<BTreeMap<K, V>>)| shard.keys().any(|key| self.index(key) != at);
        if self.shards.iter().enumerate().any(misplaced) {
            return Err("an entry lies in the wrong shard".into());
        }
        let len = self.iter().count();
        if len != self.len { Err(format!("{len} entries are counted as {}", self.len)) } else { Ok(()) }
    }

    fn index(&self, key: &K) -> usize {
        key.shard_hash() as usize & (self.shards.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SessionId;

    fn id(random: u64) -> SessionId {
        SessionId { birth_ms: 7, random }
    }

    #[test]
    fn a_picture_does_not_see_later_writes() {
        let mut map = Shards::new(1000, 4);
        for n in 0..1000 {
            assert_eq!(map.insert(id(n), n), None);
        }
        let picture = map.clone();
        for n in 0..1000 {
            match n % 3 {
                0 => assert_eq!(map.remove(&id(n)), Some(n)),
                1 => *map.get_mut(&id(n)).unwrap() += 1,
                _ => assert_eq!(map.insert(id(n + 1000), n), None),
            }
        }
        assert_eq!(picture.len(), 1000);
        assert!((0..1000).all(|n| picture.get(&id(n)) == Some(&n)));
        map.check().unwrap();
        picture.check().unwrap();
    }

    #[test]
    fn only_the_touched_piece_is_copied() {
        let mut map = Shards::new(1000, 4);
        (0..1000).for_each(|n| assert_eq!(map.insert(id(n), n), None));
        let picture = map.clone();
        assert_eq!(map.get_mut(&id(5000)), None);
        assert_eq!(map.remove(&id(5000)), None);
        *map.get_mut(&id(3)).unwrap() = 0;
        let copied = map.shards.iter().zip(&picture.shards).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!(copied, 1);
    }

    #[test]
    fn order_does_not_depend_on_history() {
        let (mut up, mut down) = (Shards::new(1000, 4), Shards::new(1000, 4));
        (0..500).for_each(|n| assert_eq!(up.insert(id(n), n), None));
        (0..900).rev().for_each(|n| assert_eq!(down.insert(id(n), n), None));
        (500..900).for_each(|n| assert_eq!(down.remove(&id(n)), Some(n)));
        assert!(up.iter().eq(down.iter()));
        let keys: Vec<_> = up.iter().map(|(key, _)| *key).collect();
        assert!(keys.is_sorted_by(|a, b| up.is_before(a, b)));
    }
}
