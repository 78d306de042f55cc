//! What a client's command must be before it is ordered. What is refused here never reaches another server.

use crate::domain::command::{Command, Operation};
use crate::domain::ids::{SEATS_MAX, Seat};

/// The rule that a command breaks, as a sentence.
pub(super) fn check(command: &Command) -> Result<(), String> {
    if command.sequence == 0 || command.answered_until >= command.sequence {
        return Err("commands of a session are numbered from 1, and answers lag behind them".to_owned());
    }
    match &command.operation {
        Operation::Reserve { count, .. } if (1..=SEATS_MAX).contains(count) => Ok(()),
        Operation::Reserve { count, .. } => Err(format!("{count} is no number of seats: 1 to {SEATS_MAX}")),
        Operation::ReserveSeats { seats, .. } => check_seats(seats),
        Operation::Delete { .. } => Ok(()),
        // What an operation on events may hold is checked where it is read; the rest is the state's to refuse.
        Operation::Events(_) => Ok(()),
        Operation::Restore { .. } | Operation::Withdraw { .. } | Operation::Expire | Operation::Offer(_) => {
            Err("this operation is among servers only".to_owned())
        }
    }
}

fn check_seats(seats: &[Seat]) -> Result<(), String> {
    if seats.is_empty() {
        return Err("no seats are named".to_owned());
    }
    if !seats.is_sorted_by(|a, b| a < b) {
        return Err("seats must be in ascending order, each named once".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SessionId;

    fn with(operation: Operation) -> Command {
        Command {
            session: SessionId { birth_ms: 0, random: 1 },
            sequence: 1,
            answered_until: 0,
            operation,
            key: None,
        }
    }

    #[test]
    fn only_sensible_commands_pass() {
        let name = || "bob".parse().unwrap();
        let seats = |seats: &[u32]| Operation::ReserveSeats {
            name: name(),
            seats: seats.iter().copied().map(Seat).collect(),
        };
        assert!(check(&with(Operation::Reserve { name: name(), count: 1 })).is_ok());
        assert!(check(&with(seats(&[1, 2]))).is_ok());
        for bad in [
            Operation::Reserve { name: name(), count: 0 },
            Operation::Reserve { name: name(), count: SEATS_MAX + 1 },
            seats(&[]),
            seats(&[2, 1]),
            seats(&[1, 1]),
            Operation::Restore { name: name(), seats: vec![Seat(1)] },
            Operation::Withdraw { name: name(), made_until: 1 },
            Operation::Expire,
        ] {
            assert!(check(&with(bad)).is_err());
        }
        let numbered = |sequence, answered_until| {
            check(&Command { sequence, answered_until, ..with(Operation::Delete { name: name() }) })
        };
        assert!(numbered(0, 0).is_err() && numbered(3, 3).is_err() && numbered(3, 2).is_ok());
    }
}
