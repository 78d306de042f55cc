//! Exit codes: what scripts can rely on.

use std::process::ExitCode;

/// How a client ended. The numbers are part of the interface and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// The command was carried out.
    Done = 0,
    /// The servers refused it (`Failed: ...`); for `status`: the cluster is degraded; for `bench` and `chaos`: something was
    /// answered that must not be.
    Refused = 1,
    /// The command line or the configuration is wrong; nothing was sent.
    Usage = 2,
    /// No server could be reached, or it is not known whether the command was executed.
    Unknown = 3,
    /// The servers do not allow it.
    NotAllowed = 4,
}

/// The table for `--help` and the man pages.
pub const EXIT_CODES_HELP: &str = "\
Exit codes:
  0  done
  1  refused by the servers (an answer that begins with \"Failed:\"); status: degraded;
     bench, chaos: something was answered that must not be
  2  wrong usage or configuration, nothing was sent
  3  no server could be reached, or the outcome is unknown (it may have been executed)
  4  not allowed
A prompt that reads from a pipe exits with the largest code of its lines.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_are_documented() {
        let all = [Exit::Done, Exit::Refused, Exit::Usage, Exit::Unknown, Exit::NotAllowed];
        assert_eq!(all.map(|exit| exit as u8), [0, 1, 2, 3, 4]);
        for exit in all {
            let row = format!("\n  {}  ", exit as u8);
            assert!(EXIT_CODES_HELP.contains(&row), "{exit:?} is not in the help");
        }
    }

    #[test]
    fn the_worst_of_many_is_the_largest() {
        assert_eq!([Exit::Refused, Exit::Unknown, Exit::Done].into_iter().max(), Some(Exit::Unknown));
    }
}
