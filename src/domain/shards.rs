//! A map in many small copy-on-write pieces, in groups that are copied on write, too: a picture of it costs a
//! pointer a group, and a write beside the picture copies the pointers of one group and one piece, each once.
//! Whoever goes through it finds the same order for the same entries.
//!
//! The counted pointers know no weak ones (`triomphe`): whether a piece is shared is told by reading a number. Those of the
//! standard library change one for it, twice for each look, and each time the processor waits until all that was
//! written before has reached its cache.

use super::piece::Piece;
use std::hint::black_box;
use triomphe::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Most pieces of a map. Whoever writes beside a picture waits for a copy of one: 150 of ten million entries.
const SHARDS_MAX: usize = 65_536;
/// Pieces of a group. A picture costs at most 256 pointers with it, and the first write to a group as many.
const GROUP_LEN: usize = 256;

/// A key that spreads evenly over the pieces, the same way on every server and for ever (snapshots depend on it).
pub(super) trait ShardKey: Ord + Clone {
    /// A hash of the key, or of that part of it that is to lie together.
    fn shard_hash(&self) -> u64;

    /// Tells keys of one piece apart, mostly. The upper bits of that hash, since the lower ones say which piece it is.
    fn tag(&self, shard_hash: u64) -> u8 {
        (shard_hash >> 56) as u8
    }
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
    /// All the empty ones of a new map are the same one, which makes it cheap. Of a small map only the first pieces are used.
    groups: Vec<Group<K, V>>,
    /// That one: whoever goes through all entries of a map that could be large passes over it.
    empty: Group<K, V>,
    /// How many pieces there are in all: a power of two.
    count: usize,
    len: usize,
}

type Group<K, V> = Arc<[Arc<Piece<K, V>>; GROUP_LEN]>;

/// Where an entry belongs that is not there: true until the map is written to.
#[derive(Debug)]
pub(super) struct Vacancy {
    index: usize,
    tag: u8,
    /// How many entries there were.
    len: usize,
}

impl<K: ShardKey, V: Clone> Shards<K, V> {
    /// An empty map that will hold up to `len_max` entries, about `shard_len` in a piece.
    pub(super) fn new(len_max: usize, shard_len: usize) -> Self {
        let count = (len_max / shard_len).next_power_of_two().min(SHARDS_MAX);
        let piece = Arc::new(Piece::default());
        let empty: Group<K, V> = Arc::new(std::array::from_fn(|_| piece.clone()));
        Shards { groups: vec![empty.clone(); count.div_ceil(GROUP_LEN)], empty, count, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let (index, tag) = self.index_and_tag(key);
        self.shard(index).get(key, tag)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (index, tag) = self.index_and_tag(key);
        // A piece that a picture shares is copied only if the entry is in it.
        if self.is_shared(index) && self.shard(index).get(key, tag).is_none() {
            return None;
        }
        self.shard_mut(index).get_mut(key, tag)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (index, tag) = self.index_and_tag(&key);
        let old = self.shard_mut(index).insert(key, tag, value);
        self.len += usize::from(old.is_none());
        old
    }

    /// The place for a new entry.
    ///
    /// # Errors
    /// The entry that is there.
    pub(super) fn vacancy(&self, key: &K) -> Result<Vacancy, &V> {
        let (index, tag) = self.index_and_tag(key);
        self.shard(index).get(key, tag).map_or(Ok(Vacancy { index, tag, len: self.len }), Err)
    }

    /// Adds an entry in the place that was found for it just before.
    ///
    /// # Panics
    /// If something was added or removed since.
    pub(super) fn fill(&mut self, Vacancy { index, tag, len }: Vacancy, key: K, value: V) {
        assert!(len == self.len, "a place was found before others were added or removed");
        debug_assert!(self.shard(index).get(&key, tag).is_none(), "the place is taken");
        self.shard_mut(index).push(key, tag, value);
        self.len += 1;
    }

    /// Reads what the processor will need to find these keys, and to add those that are not there. Many of them wait for
    /// memory together here, where each would wait alone: a large map is in no cache. Changes nothing.
    pub(super) fn approach<'a>(&self, keys: impl Iterator<Item = &'a K>)
    where
        K: 'a,
    {
        let wanted = keys.map(|key| {
            let (index, tag) = self.index_and_tag(key);
            (index, tag, key)
        });
        let wanted: Vec<(usize, u8, &K)> = wanted.collect();
        // A loop for each step of the way: what is read in one turn does not depend on the turn before.
        black_box(wanted.iter().map(|&(index, ..)| self.shard(index).len()).sum::<usize>());
        black_box(wanted.iter().map(|&(index, _, key)| self.shard(index).approach(key)).sum::<usize>());
        black_box(
            wanted.iter().filter(|&&(index, tag, key)| self.shard(index).get(key, tag).is_some()).count(),
        );
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.remove_if(key, |_| true)
    }

    /// Removes an entry that is as it should be.
    pub(super) fn remove_if(&mut self, key: &K, is_right: impl FnOnce(&V) -> bool) -> Option<V> {
        let (index, tag) = self.index_and_tag(key);
        if !self.shard(index).get(key, tag).is_some_and(is_right) {
            return None;
        }
        self.len -= 1;
        self.shard_mut(index).remove(key, tag)
    }

    /// The entries from one key to another, where both are in one piece by their hash.
    pub(super) fn range(&self, first: &K, last: &K) -> impl Iterator<Item = (&K, &V)> {
        self.shard(self.index(first)).range(first.clone()..=last.clone())
    }

    /// All entries, by piece and within a piece by key: the same order for the same entries, whatever happened.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards().flat_map(|(_, shard)| shard.iter())
    }

    /// All keys, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.shards().flat_map(|(_, shard)| shard.keys())
    }

    /// All entries in the order of [`iter`](Self::iter). What was seen is let go at once: a picture that is written so holds less
    /// and less, and whoever writes beside it need not copy what it has let go.
    pub(super) fn consume<E>(self, mut each: impl FnMut(&K, &V) -> Result<(), E>) -> Result<(), E> {
        let mut filled = self.groups.into_iter().filter(|group| !Arc::ptr_eq(group, &self.empty));
        filled.try_for_each(|group| {
            let mut entries = group.iter().flat_map(|shard| shard.iter());
            entries.try_for_each(|(key, value)| each(key, value))
        })
    }

    /// Whether `a` comes before `b` in [`iter`](Self::iter).
    pub(super) fn is_before(&self, a: &K, b: &K) -> bool {
        (self.index(a), a) < (self.index(b), b)
    }

    /// That entries lie where they are looked for, and are counted.
    pub(super) fn check(&self) -> Result<(), String> {
        for (at, shard) in self.shards() {
            shard.check()?;
            if shard.keys().any(|key| self.index(key) != at) {
                return Err("an entry lies in the wrong shard".into());
            }
        }
        let len = self.iter().count();
        if len != self.len { Err(format!("{len} entries are counted as {}", self.len)) } else { Ok(()) }
    }

    fn index(&self, key: &K) -> usize {
        self.index_and_tag(key).0
    }

    /// Which piece a key lies in, and its tag there.
    fn index_and_tag(&self, key: &K) -> (usize, u8) {
        let hash = key.shard_hash();
        (hash as usize & (self.count - 1), key.tag(hash))
    }

    /// The pieces of groups that were ever written to, each with its number.
    fn shards(&self) -> impl Iterator<Item = (usize, &Arc<Piece<K, V>>)> {
        let filled = self.groups.iter().enumerate().filter(|(_, group)| !Arc::ptr_eq(group, &self.empty));
        filled.flat_map(|(at, group)| (at * GROUP_LEN..).zip(group.iter()))
    }

    fn shard(&self, index: usize) -> &Piece<K, V> {
        let (group, at) = self.place(index);
        &self.groups[group][at]
    }

    /// Whether a picture may have the piece, too.
    fn is_shared(&self, index: usize) -> bool {
        let (group, at) = self.place(index);
        !self.groups[group].is_unique() || !self.groups[group][at].is_unique()
    }

    fn shard_mut(&mut self, index: usize) -> &mut Piece<K, V> {
        let (group, at) = self.place(index);
        Arc::make_mut(&mut Arc::make_mut(&mut self.groups[group])[at])
    }

    /// In which group a piece is, and where in it.
    fn place(&self, index: usize) -> (usize, usize) {
        (index / GROUP_LEN, index % GROUP_LEN)
    }
}

/// Fills a map with entries that come in the order of [`Shards::iter`], each piece at once: nothing is looked for.
#[derive(Debug)]
pub(super) struct Filling<K, V> {
    map: Shards<K, V>,
    /// Of the piece that is being filled.
    index: usize,
    piece: Piece<K, V>,
}

/// A key that is not after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

impl<K: ShardKey, V: Clone> Filling<K, V> {
    /// Fills an empty map.
    pub(super) fn new(map: Shards<K, V>) -> Self {
        assert!(map.len == 0, "only an empty map is filled");
        Filling { map, index: 0, piece: Piece::default() }
    }

    /// How many entries have come.
    pub(super) fn len(&self) -> usize {
        self.map.len
    }

    /// The next entry.
    pub(super) fn push(&mut self, key: K, value: V) -> Result<(), OutOfOrder> {
        let (index, tag) = self.map.index_and_tag(&key);
        if index != self.index {
            if index < self.index {
                return Err(OutOfOrder);
            }
            self.put_down();
            self.index = index;
        } else if self.piece.last().is_some_and(|last| *last >= key) {
            return Err(OutOfOrder);
        }
        self.piece.push(key, tag, value);
        self.map.len += 1;
        Ok(())
    }

    /// The map with all of them.
    pub(super) fn finish(mut self) -> Shards<K, V> {
        self.put_down();
        self.map
    }

    fn put_down(&mut self) {
        if !self.piece.is_empty() {
            // In no more room than it takes, as a copy has it.
            let (group, at) = self.map.place(self.index);
            Arc::make_mut(&mut self.map.groups[group])[at] = Arc::new(self.piece.clone());
            self.piece.clear();
        }
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
        let copied = map.shards().zip(picture.shards()).filter(|((_, a), (_, b))| !Arc::ptr_eq(a, b)).count();
        assert_eq!(copied, 1);
    }

    #[test]
    fn only_the_touched_group_is_copied() {
        let mut map = Shards::new(4 * GROUP_LEN, 1);
        (0..1000).for_each(|n| assert_eq!(map.insert(id(n), n), None));
        let picture = map.clone();
        map.insert(id(3), 0);
        map.insert(id(3), 1);
        assert_eq!(map.groups.len(), 4);
        let copied = map.groups.iter().zip(&picture.groups).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!((copied, picture.get(&id(3)), map.get(&id(3))), (1, Some(&3), Some(&1)));
        map.check().unwrap();
    }

    #[test]
    fn what_was_seen_of_a_picture_is_not_copied_any_more() {
        let mut map = Shards::new(4 * GROUP_LEN, 1);
        (0..1000).for_each(|n| assert_eq!(map.insert(id(n), n), None));
        let in_order: Vec<u64> = map.iter().map(|(_, n)| *n).collect();
        let (picture, mut seen) = (map.clone(), Vec::new());
        let is_shared = |map: &Shards<SessionId, u64>, group: usize| !map.groups[group].is_unique();
        let consumed = picture.consume(|_, n| {
            seen.push(*n);
            let group = map.place(map.index(&id(*n))).0;
            assert!((0..group).all(|before| !is_shared(&map, before)) && is_shared(&map, group));
            Ok::<_, ()>(())
        });
        assert_eq!((consumed, seen), (Ok(()), in_order));
    }

    #[test]
    fn a_map_is_filled_in_its_own_order_only() {
        let mut map = Shards::new(1000, 4);
        (0..1000).for_each(|n| assert_eq!(map.insert(id(n), n), None));
        let entries: Vec<(SessionId, u64)> = map.iter().map(|(key, n)| (*key, *n)).collect();
        let mut filling = Filling::new(Shards::new(1000, 4));
        for (at, (key, n)) in entries.iter().enumerate() {
            assert_eq!((filling.push(*key, *n), filling.len()), (Ok(()), at + 1));
            for (before, n) in [entries[at], entries[at / 2]] {
                assert_eq!(filling.push(before, n), Err(OutOfOrder));
            }
        }
        let filled = filling.finish();
        filled.check().unwrap();
        assert_eq!(filled.len(), 1000);
        assert!(filled.iter().eq(map.iter()));
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
