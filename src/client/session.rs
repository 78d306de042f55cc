//! The numbering that makes a command execute once, however often it is sent. Pure.

use crate::domain::{
    command::{Command, Operation},
    ids::SessionId,
};
use std::collections::BTreeSet;

/// One run of numbered commands.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    last: u64,
    /// Numbers whose outcome is still wanted.
    open: BTreeSet<u64>,
}

impl Session {
    /// A new run; `birth_ms` is the state's time that a server just told.
    pub fn new(birth_ms: u64, random: u64) -> Self {
        Self { id: SessionId { birth_ms, random }, last: 0, open: BTreeSet::new() }
    }

    /// Which one.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The next command. It is sent unchanged at every try.
    pub fn command(&mut self, operation: Operation) -> Command {
        let answered_until = self.open.first().map_or(self.last, |lowest| lowest - 1);
        self.last += 1;
        self.open.insert(self.last);
        Command { session: self.id, sequence: self.last, answered_until, operation, key: None }
    }

    /// Nobody will ask for this outcome again: it has arrived, or its command was given up. (A copy of a
    /// given-up command that is still under way is then refused instead of being executed late.)
    pub fn close(&mut self, command: &Command) {
        if command.session == self.id {
            self.open.remove(&command.sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delete() -> Operation {
        Operation::Delete { name: "bob".parse().unwrap() }
    }

    #[test]
    fn answered_until_never_passes_a_number_that_is_still_open() {
        let mut session = Session::new(5, 6);
        let first = session.command(delete());
        let second = session.command(delete());
        assert_eq!((first.sequence, first.answered_until), (1, 0));
        assert_eq!((second.sequence, second.answered_until), (2, 0));
        session.close(&second);
        let third = session.command(delete());
        assert_eq!((third.sequence, third.answered_until), (3, 0), "number 1 is open");
        session.close(&first);
        session.close(&third);
        assert_eq!(session.command(delete()).answered_until, 3);
    }

    #[test]
    fn a_command_of_another_session_closes_nothing() {
        let mut old = Session::new(1, 1);
        let command = old.command(delete());
        let mut new = Session::new(2, 2);
        new.command(delete());
        new.close(&command);
        assert_eq!(new.command(delete()).answered_until, 0);
    }
}
