//! Who has which seats.

use super::wire::Status;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

pub(super) struct Table {
    free: BinaryHeap<Reverse<u32>>,
    names: HashMap<String, Vec<u32>>,
}

impl Table {
    pub(super) fn new(seats: u32) -> Table {
        Table { free: (1..=seats).map(Reverse).collect(), names: HashMap::new() }
    }

    /// The lowest free seats.
    pub(super) fn reserve(&mut self, name: String, count: u8) -> (Status, &[u32]) {
        if self.names.contains_key(&name) {
            return (Status::NameTaken, &[]);
        }
        if self.free.len() < usize::from(count) {
            return (Status::SoldOut, &[]);
        }
        let seats = (0..count).filter_map(|_| self.free.pop()).map(|Reverse(seat)| seat).collect();
        (Status::Done, self.names.entry(name).or_insert(seats))
    }

    /// The seats that were the name's.
    pub(super) fn delete(&mut self, name: &str) -> (Status, Vec<u32>) {
        match self.names.remove(name) {
            Some(seats) => {
                self.free.extend(seats.iter().copied().map(Reverse));
                (Status::Done, seats)
            }
            None => (Status::NoName, Vec::new()),
        }
    }

    /// The seats of the name.
    pub(super) fn search(&self, name: &str) -> (Status, &[u32]) {
        match self.names.get(name) {
            Some(seats) => (Status::Done, seats),
            None => (Status::NoName, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_seats_are_sold_once() {
        let mut table = Table::new(5);
        assert_eq!(table.reserve("bob".to_owned(), 2), (Status::Done, &[1, 2][..]));
        assert_eq!(table.reserve("bob".to_owned(), 2), (Status::NameTaken, &[][..]));
        assert_eq!(table.reserve("ann".to_owned(), 2), (Status::Done, &[3, 4][..]));
        assert_eq!(table.reserve("cid".to_owned(), 2), (Status::SoldOut, &[][..]));
        assert_eq!(table.delete("bob"), (Status::Done, vec![1, 2]));
        assert_eq!(table.search("bob"), (Status::NoName, &[][..]));
        assert_eq!(table.reserve("cid".to_owned(), 2), (Status::Done, &[1, 2][..]));
    }
}
