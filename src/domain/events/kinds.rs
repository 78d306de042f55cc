//! Kinds of events and their numbers: in the order in which they were added, for ever.

use super::ids::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kinds {
    names: Arc<Vec<Kind>>,
    /// Follows from the names.
    numbers: Arc<BTreeMap<Kind, u16>>,
}

impl Kinds {
    /// With these, all different.
    pub(super) fn new(kinds: &[Kind]) -> Kinds {
        let numbers = kinds.iter().cloned().zip(0..).collect();
        Kinds { names: Arc::new(kinds.to_vec()), numbers: Arc::new(numbers) }
    }

    pub(super) fn names(&self) -> &Arc<Vec<Kind>> {
        &self.names
    }

    pub(super) fn number(&self, kind: &Kind) -> Option<u16> {
        self.numbers.get(kind).copied()
    }

    pub(super) fn name(&self, number: u16) -> &Kind {
        &self.names[usize::from(number)]
    }

    /// Adds a kind; tells whether it was new.
    pub(super) fn add(&mut self, kind: &Kind) -> bool {
        if self.numbers.contains_key(kind) {
            return false;
        }
        let number = u16::try_from(self.names.len()).expect("there are at most KINDS_MAX kinds");
        Arc::make_mut(&mut self.names).push(kind.clone());
        Arc::make_mut(&mut self.numbers).insert(kind.clone(), number);
        true
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if *self == Kinds::new(&self.names) && self.numbers.len() == self.names.len() {
            return Ok(());
        }
        Err("kinds have other numbers".into())
    }
}
