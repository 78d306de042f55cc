//! A few hundred entries in two vectors: the entries as they came, and a byte of each one's hash.
//!
//! Whoever looks for a key goes through the bytes, 32 at a time, and then to the one entry that has it: two places in memory
//! where a tree has one for each level. An entry is added at the end and removed by putting the last one in its
//! place, so nothing is moved along, and a copy is two copies of memory. Order is made when somebody asks for it.
//!
//! Keys spread by a hash that everybody knows, so somebody can choose many that lie in one piece, or have much that
//! lies together. A piece that has grown beyond [`FLAT_MAX`] is a tree for the rest of its life.

use super::shards::ShardKey;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Entries that are looked through. Ten million of them make pieces of 150 (`shards`).
#[cfg(not(test))]
const FLAT_MAX: usize = 2_048;
#[cfg(test)]
const FLAT_MAX: usize = 32;

#[derive(Debug)]
pub(super) enum Piece<K, V> {
    Flat {
        /// What [`tag`](ShardKey::tag) says of each key.
        tags: Vec<u8>,
        entries: Vec<(K, V)>,
    },
    Tree(BTreeMap<K, V>),
}

impl<K, V> Default for Piece<K, V> {
    fn default() -> Self {
        Piece::Flat { tags: Vec::new(), entries: Vec::new() }
    }
}

impl<K: Clone, V: Clone> Clone for Piece<K, V> {
    fn clone(&self) -> Self {
        match self {
            Piece::Flat { tags, entries } => {
                // It is copied because something is about to be added, more often than not.
                let mut copy = (Vec::with_capacity(tags.len() + 4), Vec::with_capacity(tags.len() + 4));
                copy.0.extend_from_slice(tags);
                copy.1.extend_from_slice(entries);
                Piece::Flat { tags: copy.0, entries: copy.1 }
            }
            Piece::Tree(map) => Piece::Tree(map.clone()),
        }
    }
}

/// A key always comes with its tag.
impl<K: ShardKey, V: Clone> Piece<K, V> {
    pub(super) fn get(&self, key: &K, tag: u8) -> Option<&V> {
        match self {
            Piece::Flat { tags, entries } => find(tags, entries, key, tag).map(|at| &entries[at].1),
            Piece::Tree(map) => map.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &K, tag: u8) -> Option<&mut V> {
        match self {
            Piece::Flat { tags, entries } => find(tags, entries, key, tag).map(|at| &mut entries[at].1),
            Piece::Tree(map) => map.get_mut(key),
        }
    }

    pub(super) fn insert(&mut self, key: K, tag: u8, value: V) -> Option<V> {
        if let Some(old) = self.get_mut(&key, tag) {
            return Some(std::mem::replace(old, value));
        }
        self.push(key, tag, value);
        None
    }

    /// Adds an entry whose key is not there.
    pub(super) fn push(&mut self, key: K, tag: u8, value: V) {
        match self {
            Piece::Flat { tags, entries } => {
                if entries.len() == entries.capacity() {
                    // Less than the double that a vector takes by itself: there are many of them.
                    let more = entries.len() / 8 + 4;
                    entries.reserve_exact(more);
                    tags.reserve_exact(more);
                }
                tags.push(tag);
                entries.push((key, value));
                if entries.len() > FLAT_MAX {
                    *self = Piece::Tree(std::mem::take(entries).into_iter().collect());
                }
            }
            Piece::Tree(map) => drop(map.insert(key, value)),
        }
    }

    pub(super) fn remove(&mut self, key: &K, tag: u8) -> Option<V> {
        match self {
            Piece::Flat { tags, entries } => {
                let at = find(tags, entries, key, tag)?;
                tags.swap_remove(at);
                let (_, value) = entries.swap_remove(at);
                let len = entries.len();
                if entries.capacity() > 2 * len + 16 {
                    entries.shrink_to(len + len / 8);
                    tags.shrink_to(len + len / 8);
                }
                Some(value)
            }
            Piece::Tree(map) => map.remove(key),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Piece::Flat { entries, .. } => entries.len(),
            Piece::Tree(map) => map.len(),
        }
    }

    /// Reads all tags, and the last entry, behind which one may be added; gives something that depends on them.
    pub(super) fn approach(&self, key: &K) -> usize {
        const LINE_BYTES: usize = 64;
        match self {
            Piece::Flat { tags, entries } => {
                let tags = tags.iter().step_by(LINE_BYTES).map(|&tag| usize::from(tag)).sum::<usize>();
                tags + usize::from(entries.last().is_some_and(|(last, _)| last == key))
            }
            Piece::Tree(_) => 0,
        }
    }

    /// The last one of those that were added in order.
    pub(super) fn last(&self) -> Option<&K> {
        match self {
            Piece::Flat { entries, .. } => entries.last().map(|(key, _)| key),
            Piece::Tree(map) => map.last_key_value().map(|(key, _)| key),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last().is_none()
    }

    /// Removes all entries; room that a few hundred need stays.
    pub(super) fn clear(&mut self) {
        match self {
            Piece::Flat { tags, entries } => {
                tags.clear();
                entries.clear();
            }
            Piece::Tree(_) => *self = Piece::default(),
        }
    }

    /// In no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        let (flat, tree) = match self {
            Piece::Flat { entries, .. } => (Some(entries), None),
            Piece::Tree(map) => (None, Some(map)),
        };
        flat.into_iter().flatten().map(|(key, _)| key).chain(tree.into_iter().flat_map(|map| map.keys()))
    }

    /// By key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.in_order(None)
    }

    /// The entries from one key to another, by key.
    pub(super) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (&K, &V)> {
        self.in_order(Some(keys))
    }

    fn in_order(&self, keys: Option<RangeInclusive<K>>) -> impl Iterator<Item = (&K, &V)> {
        let is_in = |key: &K| keys.as_ref().is_none_or(|keys| keys.contains(key));
        let (flat, all, part) = match (self, &keys) {
            (Piece::Flat { entries, .. }, _) => {
                let entries = entries.iter().filter(|(key, _)| is_in(key)).map(|(key, value)| (key, value));
                let mut entries: Vec<(&K, &V)> = entries.collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                (Some(entries), None, None)
            }
            (Piece::Tree(map), None) => (None, Some(map.iter()), None),
            (Piece::Tree(map), Some(keys)) => {
                (None, None, (!keys.is_empty()).then(|| map.range(keys.clone())))
            }
        };
        let tree = all.into_iter().flatten().chain(part.into_iter().flatten());
        flat.into_iter().flatten().chain(tree)
    }

    /// That every entry is found, and once.
    pub(super) fn check(&self) -> Result<(), String> {
        let Piece::Flat { tags, entries } = self else { return Ok(()) };
        let is_found = |(at, (key, _)): (usize, &(K, V))| {
            find(tags, entries, key, key.tag(key.shard_hash())) == Some(at)
        };
        match tags.len() == entries.len() && entries.iter().enumerate().all(is_found) {
            true => Ok(()),
            false => Err("an entry is not found in its piece, or is there twice".into()),
        }
    }
}

fn find<K: Eq, V>(tags: &[u8], entries: &[(K, V)], key: &K, tag: u8) -> Option<usize> {
    memchr::memchr_iter(tag, tags).find(|at| entries[*at].0 == *key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Many have the same tag, as if somebody had chosen them so.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Chosen(u64);

    impl ShardKey for Chosen {
        fn shard_hash(&self) -> u64 {
            self.0 % 3
        }

        fn tag(&self, shard_hash: u64) -> u8 {
            shard_hash as u8
        }
    }

    fn tag(key: u64) -> u8 {
        Chosen(key).tag(Chosen(key).shard_hash())
    }

    proptest! {
        #[test]
        fn a_piece_is_a_map(keys in 1u64..200, steps in proptest::collection::vec((0u64..200, 0u8..4), 0..600)) {
            let (mut piece, mut map) = (Piece::default(), BTreeMap::new());
            for (at, (key, step)) in steps.into_iter().enumerate() {
                let (key, tag) = (Chosen(key % keys), tag(key % keys));
                match step {
                    0 | 1 => prop_assert_eq!(piece.insert(key, tag, at), map.insert(key, at)),
                    2 => prop_assert_eq!(piece.remove(&key, tag), map.remove(&key)),
                    _ => piece = piece.clone(),
                }
                prop_assert_eq!(piece.get(&key, tag), map.get(&key));
                prop_assert_eq!(piece.get_mut(&key, tag), map.get_mut(&key));
            }
            prop_assert_eq!(piece.check(), Ok(()));
            prop_assert_eq!(piece.is_empty(), map.is_empty());
            prop_assert!(piece.iter().eq(map.iter()));
            let keys: std::collections::BTreeSet<_> = piece.keys().collect();
            prop_assert!(keys.into_iter().eq(map.keys()));
            let (first, last) = (Chosen(20), Chosen(90));
            prop_assert!(piece.range(first..=last).eq(map.range(first..=last)));
            prop_assert!(piece.range(last..=first).next().is_none());
        }
    }

    #[test]
    fn what_was_removed_gives_its_room_back() {
        let mut piece = Piece::default();
        let room = |piece: &Piece<Chosen, u64>| match piece {
            Piece::Flat { tags, entries } => tags.capacity().max(entries.capacity()),
            Piece::Tree(_) => usize::MAX,
        };
        (0..30).for_each(|n| piece.push(Chosen(n), tag(n), n));
        assert!(room(&piece) <= 38);
        (0..30).for_each(|n| assert_eq!(piece.remove(&Chosen(n), tag(n)), Some(n)));
        assert!(piece.is_empty() && room(&piece) <= 16);
    }

    #[test]
    fn a_long_piece_is_a_tree() {
        let mut piece = Piece::default();
        (0..=FLAT_MAX as u64).for_each(|n| piece.push(Chosen(n), tag(n), n));
        assert!(matches!(piece, Piece::Tree(_)));
    }
}
