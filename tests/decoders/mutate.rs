//! Good bytes made bad, the ways that bytes go bad: flipped, cut, longer, and with lengths that lie.

use proptest::prelude::*;
use proptest::sample::Index;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// A number of the wire's encoding, greater than anything that is there, in place of one byte.
    Lie(Index, u64),
    /// The same for a number of four bytes.
    LongLie(Index, u32),
}

/// Any change.
pub fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let number = prop_oneof![any::<u64>(), Just(u64::MAX), Just(1 << 32), 0u64..70_000];
    let long = prop_oneof![any::<u32>(), Just(u32::MAX), Just(1 << 31), 0u32..70_000];
    prop_oneof![
        4 => (at(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => at().prop_map(Change::Cut),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (at(), 1usize..9).prop_map(|(at, len)| Change::Remove(at, len)),
        1 => (at(), 1usize..40).prop_map(|(at, len)| Change::Repeat(at, len)),
        3 => (at(), number).prop_map(|(at, number)| Change::Lie(at, number)),
        1 => (at(), long).prop_map(|(at, number)| Change::LongLie(at, number)),
    ]
}

impl Change {
    /// The bytes with this change.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let place = |at: &Index| at.index(len + 1);
        match self {
            Change::Flip(at, bit) if len > 0 => bytes[at.index(len)] ^= 1 << bit,
            Change::Set(at, byte) if len > 0 => bytes[at.index(len)] = *byte,
            Change::Flip(..) | Change::Set(..) => {}
            Change::Cut(at) => bytes.truncate(place(at)),
            Change::Insert(at, more) => splice(bytes, place(at), 0, more),
            Change::Remove(at, count) => splice(bytes, place(at), *count, &[]),
            Change::Repeat(at, count) => {
                let from = place(at);
                let again = bytes[from..(from + count).min(len)].to_vec();
                splice(bytes, from, 0, &again);
            }
            Change::Lie(at, number) => splice(bytes, place(at), 1, &varint(*number)),
            Change::LongLie(at, number) => splice(bytes, place(at), 4, &number.to_le_bytes()),
        }
    }
}

fn splice(bytes: &mut Vec<u8>, from: usize, remove: usize, more: &[u8]) {
    let to = (from + remove).min(bytes.len());
    bytes.splice(from..to, more.iter().copied());
}

/// Seven bits a byte, the lowest first, as postcard writes numbers.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
