//! Which seats are free: one bit a seat, and over the bits a tree that finds free runs without a scan.
//!
//! The bits lie in words of 64. Each node of the tree says of its part of the theatre how many seats are free
//! at its start, at its end, and in its longest free run. So the lowest run that is long enough, and the
//! lowest free seat, are found in one descent (14 levels at 1,000,000 seats), and a change mends one path.
//! Picking `k` separate seats costs `k` steps. Memory: 1 bit + about 0.4 bytes a seat.

use super::ids::{SEATS_MAX, Seat};
use super::runs::{Run, RunsBuilder, SeatRuns};
use std::ops::Range;

const BITS: u32 = u64::BITS;

/// Free runs that are looked at for one that leaves no single seat; after so many the search is coarser.
const BEST_LOOKS_MAX: u32 = 64;

/// The free seats of a theatre with seats 1 to `capacity`.
#[derive(Clone, Debug)]
pub struct SeatSet {
    capacity: u32,
    left: u32,
    /// Seat `s` is bit `(s-1) % 64` of word `(s-1) / 64`, set when it is free; bits past the capacity are clear.
    words: Vec<u64>,
    /// A heap: node 1 is the root, node `i` has the children `2i` and `2i+1`, word `w` is node `leaves + w`.
    tree: Vec<Summary>,
    /// A power of two, at least the number of words. Leaves past the words have nothing free.
    leaves: usize,
    /// All words that were written since somebody last asked for that lie here. No part of what a set is.
    touched: Range<usize>,
}

/// Two sets are equal when the same seats are free.
impl PartialEq for SeatSet {
    fn eq(&self, other: &SeatSet) -> bool {
        (self.capacity, &self.words) == (other.capacity, &other.words)
    }
}

impl Eq for SeatSet {}

/// What a node says of its seats, in numbers of seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summary {
    /// Free at the start.
    prefix: u32,
    /// Free at the end.
    suffix: u32,
    /// Longest free run anywhere.
    longest: u32,
}

impl Summary {
    fn of_word(word: u64) -> Summary {
        Summary { prefix: word.trailing_ones(), suffix: word.leading_ones(), longest: longest_run(word) }
    }

    /// The node over two neighbours of `width` seats each.
    fn over(left: Summary, right: Summary, width: u32) -> Summary {
        Summary {
            prefix: if left.prefix == width { width + right.prefix } else { left.prefix },
            suffix: if right.suffix == width { width + left.suffix } else { right.suffix },
            longest: left.longest.max(right.longest).max(left.suffix + right.prefix),
        }
    }
}

impl SeatSet {
    /// Reads what is looked at first; gives something that depends on it.
    pub(super) fn approach(&self) -> bool {
        let root = self.tree.get(1).map_or(0, |root| root.longest);
        self.words.first().is_some_and(|first| *first == u64::from(root))
    }

    /// All seats free.
    ///
    /// # Panics
    /// If `capacity` is over [`SEATS_MAX`].
    pub fn new(capacity: u32) -> SeatSet {
        assert!(capacity <= SEATS_MAX, "a theatre has at most {SEATS_MAX} seats, not {capacity}");
        let words = capacity.div_ceil(BITS) as usize;
        let leaves = words.next_power_of_two();
        let tree = vec![Summary::default(); 2 * leaves];
        let mut set = SeatSet { capacity, left: 0, words: vec![0; words], tree, leaves, touched: 0..words };
        if capacity > 0 {
            set.write(&[Run { first: 1, count: capacity }], true);
        }
        set
    }

    /// How many seats there are.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// How many seats are free.
    pub fn left(&self) -> u32 {
        self.left
    }

    /// The bits, as in [`SeatMap`](super::outcome::SeatMap).
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Where all words lie that were written since the last [`forget_touched`](Self::forget_touched); whoever looks for
    /// what has changed need not look elsewhere. Empty when none was.
    pub fn touched(&self) -> Range<usize> {
        self.touched.clone()
    }

    /// What is written from now on is to be told apart.
    pub fn forget_touched(&mut self) {
        self.touched = 0..0;
    }

    fn touch(&mut self, word: usize) {
        let Range { start, end } = self.touched;
        self.touched = if start == end { word..word + 1 } else { start.min(word)..end.max(word + 1) };
    }

    /// Which free seats a request for `count` gets: the lowest run of adjacent ones that is long enough, else
    /// the lowest ones. Nothing when `count` is 0 or more than are free. The seats stay free.
    pub fn pick(&self, count: u32) -> Option<SeatRuns> {
        if count == 0 || count > self.left {
            return None;
        }
        let mut picked = RunsBuilder::default();
        match self.first_run(count) {
            Some(first) => picked.push(Run { first, count }),
            None => self.lowest(count, &mut picked),
        }
        picked.finish()
    }

    /// Like [`pick`](Self::pick), but among the free runs that are long enough the lowest that is used up, or has at
    /// least two seats left over, comes first: a single free seat is hard to sell. When more than 64 runs would leave
    /// one, the lowest goes that has two seats to spare; when all do, the lowest.
    pub fn pick_best(&self, count: u32) -> Option<SeatRuns> {
        if count == 0 || count > self.left {
            return None;
        }
        let is_free = |seat: u32| seat <= self.capacity && self.is_free(seat);
        let mut from = 1;
        for _ in 0..BEST_LOOKS_MAX {
            let Some(first) = self.first_run_from(count, from) else { break };
            let end = first + count;
            if !is_free(end) || is_free(end + 1) {
                return Some(SeatRuns::run(Run { first, count }));
            }
            from = end + 2;
        }
        match self.first_run(count + 2) {
            Some(first) => Some(SeatRuns::run(Run { first, count })),
            None => self.pick(count),
        }
    }

    /// The highest seat that is taken.
    pub fn highest_taken(&self) -> Option<Seat> {
        let last = self.words.len().checked_sub(1)?;
        (0..=last).rev().find_map(|word| {
            let all = if word == last { tail_mask(self.capacity) } else { u64::MAX };
            let taken = !self.words[word] & all;
            (taken != 0).then(|| Seat(word as u32 * BITS + BITS - taken.leading_zeros()))
        })
    }

    /// More seats, or fewer. Takes as long as there are words.
    ///
    /// # Panics
    /// If a seat is taken that there will not be any more, or `capacity` is over [`SEATS_MAX`].
    pub fn resize(&mut self, capacity: u32) {
        assert!(self.highest_taken().is_none_or(|seat| seat.0 <= capacity), "a seat goes that is taken");
        let mut taken = RunsBuilder::default();
        for (word, free) in self.words.iter().enumerate() {
            let all = if word + 1 == self.words.len() { tail_mask(self.capacity) } else { u64::MAX };
            push_bits(&mut taken, word, !free & all, BITS);
        }
        *self = SeatSet::new(capacity);
        if let Some(taken) = taken.finish() {
            self.take(&taken);
        }
    }

    /// Which of these seats the theatre does not have; nothing when it has all.
    pub fn nonexistent(&self, seats: &SeatRuns) -> Option<SeatRuns> {
        let mut outside = RunsBuilder::default();
        for run in seats.runs() {
            if run.first == 0 {
                outside.push(Run { first: 0, count: 1 });
            }
            let first = run.first.max(self.capacity + 1);
            if first <= run.last() {
                outside.push(Run { first, count: run.last() - first + 1 });
            }
        }
        outside.finish()
    }

    /// Which of these seats are taken; nothing when all are free. The theatre must have them all.
    pub fn clashes(&self, seats: &SeatRuns) -> Option<SeatRuns> {
        let mut taken = RunsBuilder::default();
        for (word, mask) in seats.runs().iter().flat_map(|&run| masks(run)) {
            push_bits(&mut taken, word, !self.words[word] & mask, BITS);
        }
        taken.finish()
    }

    /// Takes seats.
    ///
    /// # Panics
    /// If one of them is not free: no seat may ever have two holders.
    pub fn take(&mut self, seats: &SeatRuns) {
        self.write(seats.runs(), false);
    }

    /// Takes seats that a snapshot says are taken. The tree is wrong until [`admitted`](Self::admitted), which follows
    /// the last of them.
    ///
    /// # Errors
    /// A text that says why they cannot be taken beside the ones before them.
    pub(super) fn admit(&mut self, run: Run) -> Result<(), &'static str> {
        if run.first == 0 || run.last() > self.capacity {
            return Err("somebody has seats that do not exist");
        }
        for (word, mask) in masks(run) {
            if self.words[word] & mask != mask {
                return Err("a seat with two holders");
            }
            self.words[word] ^= mask;
            self.left -= mask.count_ones();
        }
        Ok(())
    }

    /// All seats that were taken are.
    pub(super) fn admitted(&mut self) {
        for (word, bits) in self.words.iter().enumerate() {
            self.tree[self.leaves + word] = Summary::of_word(*bits);
        }
        self.mend(0, self.leaves - 1);
        self.touched = 0..self.words.len();
    }

    /// Gives seats back.
    ///
    /// # Panics
    /// If one of them is not taken.
    pub fn release(&mut self, seats: &SeatRuns) {
        self.write(seats.runs(), true);
    }

    /// Looks at every seat and every node: sums right, nothing past the capacity.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let ones: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        if ones != self.left {
            return Err(format!("{ones} seats are free but {} are counted", self.left));
        }
        if self.words.last().is_some_and(|word| (word & !tail_mask(self.capacity)) != 0) {
            return Err("a seat past the capacity is free".into());
        }
        let mut fresh = SeatSet { tree: vec![Summary::default(); self.tree.len()], ..self.clone() };
        fresh.admitted();
        if fresh.tree != self.tree { Err("the tree over the seats is wrong".into()) } else { Ok(()) }
    }

    /// Number of the first seat of the lowest free run of at least `count`.
    fn first_run(&self, count: u32) -> Option<u32> {
        if self.tree[1].longest < count {
            return None;
        }
        Some(self.first_run_below(1, 1, BITS * self.leaves as u32, count))
    }

    /// The same in the part of a node that begins at `start` and has such a run.
    fn first_run_below(&self, mut node: usize, mut start: u32, mut width: u32, count: u32) -> u32 {
        while node < self.leaves {
            width /= 2;
            let (left, right) = (self.tree[2 * node], self.tree[2 * node + 1]);
            if left.longest >= count {
                node *= 2;
            } else if left.suffix + right.prefix >= count {
                return start + width - left.suffix;
            } else {
                node = 2 * node + 1;
                start += width;
            }
        }
        start + first_run_in(self.words[node - self.leaves], count)
    }

    fn is_free(&self, seat: u32) -> bool {
        self.words[((seat - 1) / BITS) as usize] >> ((seat - 1) % BITS) & 1 == 1
    }

    /// Number of the first seat of the lowest free run of at least `count` of which no seat is below `from`; the seat
    /// before `from` counts as taken.
    fn first_run_from(&self, count: u32, from: u32) -> Option<u32> {
        if from > self.capacity {
            return None;
        }
        let word = ((from - 1) / BITS) as usize;
        // Free seats that end where the next part begins.
        let bits = self.words[word] & (u64::MAX << ((from - 1) % BITS));
        if longest_run(bits) >= count {
            return Some(word as u32 * BITS + 1 + first_run_in(bits, count));
        }
        let mut open = bits.leading_ones();
        let (mut node, mut width) = (self.leaves + word, BITS);
        loop {
            // On to the part right of this one: up while it ends where its parent does, then across.
            while node % 2 == 1 {
                node /= 2;
                width *= 2;
                if node <= 1 {
                    return None;
                }
            }
            node += 1;
            let part = self.tree[node];
            let start = (node - self.leaves_of(node)) as u32 * width + 1;
            if open + part.prefix >= count {
                return Some(start - open);
            }
            if part.longest >= count {
                return Some(self.first_run_below(node, start, width, count));
            }
            open = if part.prefix == width { open + width } else { part.suffix };
        }
    }

    /// Where the row of the tree begins that a node is in.
    fn leaves_of(&self, node: usize) -> usize {
        1 << node.ilog2()
    }

    /// The lowest `count` free seats, of which there are enough.
    fn lowest(&self, count: u32, picked: &mut RunsBuilder) {
        let (mut wanted, mut from) = (count, 0);
        while wanted > 0 {
            let word = self.free_word(from).expect("as many seats are free as are counted");
            wanted -= push_bits(picked, word, self.words[word], wanted);
            from = word + 1;
        }
    }

    /// The lowest word at or after `from` that has a free seat.
    fn free_word(&self, from: usize) -> Option<usize> {
        if from >= self.words.len() {
            return None;
        }
        let mut node = self.leaves + from;
        while self.tree[node].longest == 0 {
            // On to the part right of this one: up while it ends where its parent does, then across.
            while node % 2 == 1 {
                node /= 2;
            }
            if node == 0 {
                return None;
            }
            node += 1;
        }
        while node < self.leaves {
            node *= 2;
            if self.tree[node].longest == 0 {
                node += 1;
            }
        }
        Some(node - self.leaves)
    }

    /// Makes taken seats free, or free ones taken, and mends the tree once for each stretch of words.
    fn write(&mut self, runs: &[Run], free: bool) {
        let mut dirty: Option<(usize, usize)> = None;
        for (word, mask) in runs.iter().flat_map(|&run| masks(run)) {
            let before = self.words[word];
            assert!(
                before & mask == if free { 0 } else { mask },
                "a seat is taken or freed twice in word {word}"
            );
            self.words[word] = before ^ mask;
            self.touch(word);
            self.tree[self.leaves + word] = Summary::of_word(before ^ mask);
            let seats = mask.count_ones();
            self.left = if free { self.left + seats } else { self.left - seats };
            dirty = match dirty {
                Some((first, last)) if word <= last + 1 => Some((first, word)),
                Some((first, last)) => {
                    self.mend(first, last);
                    Some((word, word))
                }
                None => Some((word, word)),
            };
        }
        if let Some((first, last)) = dirty {
            self.mend(first, last);
        }
        assert!(self.left <= self.capacity, "more seats are free than there are");
    }

    /// Computes again what lies over the words `first` to `last`.
    fn mend(&mut self, first: usize, last: usize) {
        let (mut first, mut last, mut width) = (self.leaves + first, self.leaves + last, BITS);
        while first > 1 {
            first /= 2;
            last /= 2;
            for node in first..=last {
                self.tree[node] = Summary::over(self.tree[2 * node], self.tree[2 * node + 1], width);
            }
            width *= 2;
        }
    }
}

/// The words that a run touches, each with the run's bits. The run's seats are numbered from 1.
fn masks(run: Run) -> impl Iterator<Item = (usize, u64)> {
    let (first, last) = (run.first - 1, run.last() - 1);
    (first / BITS..=last / BITS).map(move |word| {
        let from = first.max(word * BITS) % BITS;
        let to = last.min(word * BITS + (BITS - 1)) % BITS;
        (word as usize, (u64::MAX << from) & (u64::MAX >> (BITS - 1 - to)))
    })
}

/// The bits that exist in the last word.
fn tail_mask(capacity: u32) -> u64 {
    match capacity % BITS {
        0 => u64::MAX,
        bits => (1 << bits) - 1,
    }
}

/// Adds the seats of the lowest `wanted` set bits of a word; tells how many there were.
fn push_bits(runs: &mut RunsBuilder, word: usize, mut bits: u64, wanted: u32) -> u32 {
    let mut pushed = 0;
    while bits != 0 && pushed < wanted {
        let at = bits.trailing_zeros();
        let count = (bits >> at).trailing_ones().min(wanted - pushed);
        runs.push(Run { first: word as u32 * BITS + at + 1, count });
        pushed += count;
        bits &= u64::MAX.checked_shl(at + count).unwrap_or(0);
    }
    pushed
}

/// Length of the longest run of set bits.
fn longest_run(word: u64) -> u32 {
    if word == u64::MAX {
        return BITS;
    }
    let (mut bits, mut length) = (word, 0);
    // Each round takes one bit off every run.
    while bits != 0 {
        bits &= bits << 1;
        length += 1;
    }
    length
}

/// Where the lowest run of at least `count` set bits begins; there must be one.
fn first_run_in(word: u64, count: u32) -> u32 {
    let (mut starts, mut length) = (word, 1);
    // A bit of `starts` is set where a run of `length` begins; lengths double until they reach `count`.
    while length < count {
        let more = length.min(count - length);
        starts &= starts >> more;
        length += more;
    }
    debug_assert!(starts != 0, "the tree said there is a run of {count}");
    starts.trailing_zeros()
}

#[cfg(test)]
#[path = "seats_tests.rs"]
mod tests;
