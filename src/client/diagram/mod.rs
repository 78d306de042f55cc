//! What the servers said to each other as a space-time diagram in text: a line for each server, time running down,
//! arrows between the lines, and the critical section as a bar on them (Lamport 1978, figure 1, turned round).
//!
//! Pure: no clock, no terminal. [`tail`] takes what servers tell piece by piece, [`recording`] reads what `client trace`
//! has written, [`order`] pairs what was sent with what came in and finds an order in which nothing comes in before it
//! was sent, whatever the clocks say, [`rows`] decides what stands on which row, [`draw`] makes lines of text of a given
//! width. `client trace` and the screen show the same.
//!
//! Absent on purpose: colours (every mark has a sign of its own), and life signs (servers do not tell them).

pub mod draw;
mod lines;
pub mod order;
pub mod recording;
pub mod rows;
pub mod tail;
#[cfg(test)]
pub mod tests;

use crate::api::wire::{Said, Traced};

/// Most events of a diagram, all servers together, unless somebody asks for more; the oldest are left out.
pub const EVENTS_DRAWN: usize = 1_000;
/// Latest time that a diagram knows, in microseconds since 1970: the end of the year 9999. A later one is taken for it.
pub const AT_US_MAX: u64 = 253_402_300_800_000_000;

/// Something that happened at one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub server: u8,
    /// When by that server's clock, in microseconds since 1970.
    pub at_us: u64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The server told it.
    Traced(Traced),
    /// The process that tells is another one than before.
    StartedAgain,
    /// So many events of the server were forgotten before anybody asked for them.
    Missing(u64),
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Requests, replies, releases and what was executed.
    Requests,
    /// Changes of view and what goes with them.
    Views,
}

impl Filter {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Filter::All => "all",
            Filter::Requests => "requests, replies and releases",
            Filter::Views => "views",
        }
    }

    /// The one after it; the first one after the last.
    pub fn next(self) -> Filter {
        match self {
            Filter::All => Filter::Requests,
            Filter::Requests => Filter::Views,
            Filter::Views => Filter::All,
        }
    }

    /// Whether this is wanted.
    pub fn takes(self, what: &What) -> bool {
        let is_request = match what {
            What::Traced(Traced::Sent { said, .. } | Traced::Received { said, .. }) => match said {
                Said::Request { .. } | Said::Reply { .. } | Said::Release { .. } => true,
                Said::View { .. } | Said::Leave | Said::CatchUp => false,
            },
            What::Traced(Traced::Executed { .. }) => true,
            What::Traced(Traced::Activated { .. } | Traced::Left | Traced::Suspected { .. }) => false,
            // Whatever is looked at, it has a hole there.
            What::StartedAgain | What::Missing(_) => return true,
        };
        match self {
            Filter::All => true,
            Filter::Requests => is_request,
            Filter::Views => !is_request,
        }
    }
}

/// A message in few words.
fn label(said: &Said) -> String {
    match said {
        Said::Request { request } => format!("request {request}"),
        Said::Reply { until } => format!("reply ..{until}"),
        Said::Release { until } => format!("release ..{until}"),
        Said::View { step, view } => format!("{} {view}", step.word()),
        Said::Leave => "leave".to_owned(),
        Said::CatchUp => "catch up".to_owned(),
    }
}
