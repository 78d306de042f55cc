//! Numbers for things that come and go: always the lowest that is not used, so that which one is next follows from
//! those in use, whatever happened before.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Every number from here on is unused.
    end: u32,
    /// Unused numbers below that: where each stretch of them begins, and what is the next used one.
    gaps: BTreeMap<u32, u32>,
}

impl Numbers {
    /// With these in use, ascending, each given once.
    pub(super) fn with(used: impl Iterator<Item = u32>) -> Numbers {
        let mut numbers = Numbers::default();
        for number in used {
            assert!(number >= numbers.end, "numbers are ascending");
            if number > numbers.end {
                numbers.gaps.insert(numbers.end, number);
            }
            numbers.end = number + 1;
        }
        numbers
    }

    /// The lowest unused number, in use from now on.
    pub(super) fn take(&mut self) -> u32 {
        let Some((number, next)) = self.gaps.pop_first() else {
            self.end += 1;
            return self.end - 1;
        };
        if number + 1 < next {
            self.gaps.insert(number + 1, next);
        }
        number
    }

    /// The numbers that are taken next, if none is given back meanwhile. Without end.
    pub(super) fn unused(&self) -> impl Iterator<Item = u32> {
        self.gaps.iter().flat_map(|(&start, &next)| start..next).chain(self.end..)
    }

    /// A number is unused again.
    pub(super) fn give_back(&mut self, number: u32) {
        assert!(number < self.end, "a number was never given");
        let before = self.gaps.range(..=number).next_back().map(|(&start, &next)| (start, next));
        assert!(before.is_none_or(|(_, next)| next <= number), "a number is given back twice");
        let start = match before {
            Some((start, next)) if next == number => start,
            Some(_) | None => number,
        };
        let next = self.gaps.remove(&(number + 1)).unwrap_or(number + 1);
        if next == self.end {
            self.gaps.remove(&start);
            self.end = start;
        } else {
            self.gaps.insert(start, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_lowest_unused_number_is_next() {
        let mut numbers = Numbers::default();
        assert_eq!([(); 4].map(|()| numbers.take()), [0, 1, 2, 3]);
        numbers.give_back(1);
        numbers.give_back(3);
        assert_eq!(numbers, Numbers::with([0, 2].into_iter()));
        assert_eq!([(); 3].map(|()| numbers.take()), [1, 3, 4]);
        (0..5).for_each(|number| numbers.give_back(number));
        assert_eq!(numbers, Numbers::default());
    }

    proptest! {
        #[test]
        fn what_is_next_depends_on_nothing_but_what_is_used(steps in proptest::collection::vec(0u32..20, 0..80)) {
            let (mut numbers, mut used) = (Numbers::default(), BTreeSet::new());
            for step in steps {
                if used.remove(&step) {
                    numbers.give_back(step);
                } else {
                    let lowest = (0..).find(|number| !used.contains(number)).unwrap();
                    prop_assert_eq!(numbers.take(), lowest);
                    used.insert(lowest);
                }
                prop_assert_eq!(&numbers, &Numbers::with(used.iter().copied()));
            }
        }
    }
}
