//! How many things each guest has, by the guest's number: numbers lie close together, so a table takes a fifth of what a
//! map does, and is found in one step.

/// Numbers of one page. Pages are made when they are needed: a table that grew by copying itself would stop a server with
/// millions of guests for a moment.
const PAGE_LEN: usize = 1_024;

/// The table.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// Zero is a number that nobody has. A page without anybody may have no room.
    pages: Vec<Vec<u32>>,
    len: usize,
}

impl Uses {
    /// How many numbers have anything.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether somebody has anything.
    pub(super) fn has(&self, number: u32) -> bool {
        let (page, at) = place(number);
        self.pages.get(page).and_then(|page| page.get(at)).is_some_and(|uses| *uses > 0)
    }

    /// One thing more.
    pub(super) fn add(&mut self, number: u32) {
        let (page, at) = place(number);
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, Vec::new);
        }
        let page = &mut self.pages[page];
        if page.is_empty() {
            *page = vec![0; PAGE_LEN];
        }
        self.len += usize::from(page[at] == 0);
        page[at] += 1;
    }

    /// One thing less; true when it was the last.
    ///
    /// # Panics
    /// If there was none.
    pub(super) fn remove(&mut self, number: u32) -> bool {
        let (page, at) = place(number);
        let uses = self.pages.get_mut(page).and_then(|page| page.get_mut(at)).filter(|uses| **uses > 0);
        let uses = uses.expect("who has something is counted");
        *uses -= 1;
        let is_last = *uses == 0;
        self.len -= usize::from(is_last);
        is_last
    }

    /// Who has how many, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let all = self.pages.iter().enumerate().flat_map(|(page, uses)| (page * PAGE_LEN..).zip(uses));
        all.filter(|(_, uses)| **uses > 0).map(|(number, uses)| (number as u32, *uses))
    }
}

/// On which page a number is, and where on it.
fn place(number: u32) -> (usize, usize) {
    (number as usize / PAGE_LEN, number as usize % PAGE_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_table_counts_as_a_map_does() {
        let (mut uses, mut map) = (Uses::default(), BTreeMap::<u32, u32>::new());
        let mut chance = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let number = chance.u32(..3_000) + [0, 1_000_000][usize::from(chance.bool())];
            match map.get_mut(&number) {
                Some(count) if chance.bool() => {
                    *count -= 1;
                    let is_last = *count == 0;
                    if is_last {
                        map.remove(&number);
                    }
                    assert_eq!(uses.remove(number), is_last);
                }
                _ => {
                    uses.add(number);
                    *map.entry(number).or_default() += 1;
                }
            }
        }
        assert_eq!((uses.len(), uses.iter().collect::<BTreeMap<_, _>>()), (map.len(), map));
    }

    #[test]
    #[should_panic(expected = "who has something is counted")]
    fn nobody_gives_up_what_they_do_not_have() {
        let mut uses = Uses::default();
        uses.add(7);
        assert_eq!(
            [6, 7, 8, 7 + PAGE_LEN as u32].map(|number| uses.has(number)),
            [false, true, false, false]
        );
        uses.remove(8);
    }
}
