//! Which number a guest's name has, in a quarter of the memory of a map from names, and without a walk from name to name
//! through memory: only hashes are kept, and the table of names says whose they are.

use crate::domain::ids::Name;
use crate::domain::shards::ShardKey as _;

/// Most pieces.
const PIECES_MAX: usize = 65_536;
/// Names of one piece when all are there, unless there are very many.
const PIECE_LEN: usize = 256;
/// Pieces of a group. Groups are made when they are needed: a state with few guests is made and cloned quickly.
const GROUP_LEN: usize = 256;

/// Numbers by the hash of their name.
#[derive(Clone, Debug)]
pub(super) struct NameIndex {
    /// By the lower half of the hash. A group without names has no pieces.
    groups: Vec<Vec<Piece>>,
    /// A power of two.
    pieces: usize,
    len: usize,
}

/// The upper half of the hash and the number, ascending.
type Piece = Vec<(u32, u32)>;

/// A name's place and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    piece: u32,
    hash: u32,
    number: u32,
}

impl NameIndex {
    /// Empty, for so many names.
    pub(super) fn new(len_max: usize) -> NameIndex {
        let count = (len_max / PIECE_LEN).next_power_of_two().min(PIECES_MAX);
        NameIndex { groups: vec![Vec::new(); count.div_ceil(GROUP_LEN)], pieces: count, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number of a name: of those with its hash the one that has it.
    pub(super) fn find(&self, name: &Name, has_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (piece, hash) = self.place(name);
        let piece = self.groups[piece / GROUP_LEN].get(piece % GROUP_LEN)?;
        let first = piece.partition_point(|(other, _)| *other < hash);
        let alike = piece[first..].iter().take_while(|(other, _)| *other == hash);
        alike.map(|(_, number)| *number).find(|number| has_it(*number))
    }

    /// Reads where a name is looked for; gives something that depends on it.
    pub(super) fn approach(&self, name: &Name) -> usize {
        let (piece, _) = self.place(name);
        self.groups[piece / GROUP_LEN].get(piece % GROUP_LEN).map_or(0, Vec::len)
    }

    /// Adds a name that is not there.
    pub(super) fn insert(&mut self, name: &Name, number: u32) {
        let Entry { piece, hash, .. } = self.entry(name, number);
        let piece = self.piece_mut(piece as usize);
        if piece.len() == piece.capacity() {
            // Less than the double that a vector takes by itself: there are many of them.
            piece.reserve_exact(piece.len() / 8 + 4);
        }
        let at = piece.partition_point(|entry| *entry < (hash, number));
        piece.insert(at, (hash, number));
        self.len += 1;
    }

    /// What is to be known of a name, for [`append`](Self::append).
    pub(super) fn entry(&self, name: &Name, number: u32) -> Entry {
        let (piece, hash) = self.place(name);
        Entry { piece: piece as u32, hash, number }
    }

    /// Adds names that may be there, quickest when they are many; [`settle`](Self::settle) follows before anything is looked
    /// for. None are left.
    pub(super) fn append(&mut self, entries: &mut Vec<Entry>) {
        entries.sort_unstable();
        for alike in entries.chunk_by(|a, b| a.piece == b.piece) {
            let piece = self.piece_mut(alike[0].piece as usize);
            piece.reserve_exact(alike.len());
            piece.extend(alike.iter().map(|entry| (entry.hash, entry.number)));
        }
        self.len += entries.len();
        entries.clear();
    }

    /// Puts in order what was appended. False when two numbers have the same name.
    pub(super) fn settle(&mut self, is_same: impl Fn(u32, u32) -> bool) -> bool {
        self.groups.iter_mut().flatten().all(|piece| {
            piece.sort_unstable();
            let mut alike = piece.chunk_by(|(a, _), (b, _)| a == b).filter(|alike| alike.len() > 1);
            // Names with one hash are few, unless somebody made them so.
            alike.all(|alike| {
                let pair =
                    |(at, (_, a)): (usize, &(u32, u32))| alike[..at].iter().any(|(_, b)| is_same(*a, *b));
                !alike.iter().enumerate().any(pair)
            })
        })
    }

    /// Takes one away that is there with this number.
    pub(super) fn remove(&mut self, name: &Name, number: u32) {
        let (piece, hash) = self.place(name);
        let piece = self.piece_mut(piece);
        let at = piece.binary_search(&(hash, number)).expect("a name that has a number is found by it");
        piece.remove(at);
        self.len -= 1;
    }

    /// In which piece, and the rest of the hash.
    fn place(&self, name: &Name) -> (usize, u32) {
        let hash = name.shard_hash();
        (hash as usize & (self.pieces - 1), (hash >> 32) as u32)
    }

    fn piece_mut(&mut self, piece: usize) -> &mut Piece {
        let group = &mut self.groups[piece / GROUP_LEN];
        if group.is_empty() {
            group.resize(self.pieces.min(GROUP_LEN), Vec::new());
        }
        &mut group[piece % GROUP_LEN]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn name(number: u32) -> Name {
        format!("guest {number}").parse().unwrap()
    }

    #[test]
    fn every_name_is_found_by_its_own_number_until_it_is_removed() {
        let (mut index, mut names) = (NameIndex::new(1000), BTreeMap::new());
        for number in 0..5000 {
            index.insert(&name(number), number);
            names.insert(number, name(number));
        }
        for number in (0..5000).step_by(3) {
            index.remove(&name(number), number);
            names.remove(&number);
        }
        assert_eq!(index.len(), names.len());
        for number in 0..5001 {
            let found =
                index.find(&name(number), |number_of_it| names.get(&number_of_it) == Some(&name(number)));
            assert_eq!(found, (number % 3 != 0 && number < 5000).then_some(number));
        }
    }

    #[test]
    fn names_that_were_appended_are_found_and_told_apart_when_they_are_in_order() {
        let (mut inserted, mut appended) = (NameIndex::new(1000), NameIndex::new(1000));
        for numbers in [1000..2000, 0..1000, 2000..3000] {
            let mut entries: Vec<Entry> =
                numbers.clone().map(|number| appended.entry(&name(number), number)).collect();
            appended.append(&mut entries);
            assert_eq!(entries, []);
            numbers.for_each(|number| inserted.insert(&name(number), number));
        }
        assert!(appended.settle(|a, b| a == b));
        assert_eq!((appended.len(), &appended.groups), (3000, &inserted.groups));
        let again = appended.entry(&name(7), 9000);
        appended.append(&mut vec![again]);
        assert!(appended.settle(|_, _| false), "as if they had only the same hash");
        assert!(!appended.settle(|a, b| (a, b) == (9000, 7)));
    }

    #[test]
    fn few_names_take_few_groups() {
        let mut index = NameIndex::new(20_000_000);
        assert_eq!((index.groups.len(), index.find(&name(1), |_| true)), (PIECES_MAX / GROUP_LEN, None));
        index.insert(&name(1), 7);
        assert_eq!(index.groups.iter().filter(|group| !group.is_empty()).count(), 1);
        assert_eq!(index.find(&name(1), |number| number == 7), Some(7));
    }

    #[test]
    fn names_with_one_hash_are_told_apart() {
        let mut index = NameIndex::new(10);
        // As if both had the hash of the first.
        index.insert(&name(1), 7);
        index.insert(&name(1), 8);
        assert_eq!(index.find(&name(1), |number| number == 8), Some(8));
        assert_eq!(index.find(&name(1), |number| number == 9), None);
        index.remove(&name(1), 7);
        assert_eq!(index.find(&name(1), |_| true), Some(8));
    }
}
