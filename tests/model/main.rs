//! Small clusters, exhaustively: every order of messages, flushes, ticks and faults that bounds allow, over the shipping
//! engine (`protocol::lamport::Lamport`), its state and its `recover`, with the invariants of `docs/protocol.md`
//! checked in every state. And random walks, deeper than a search can go.
//!
//! Three servers that have formed their first view are where everything begins. A search goes breadth first
//! ([`search`]), so that what it finds first is the shortest way to it, and tells that way in words ([`story`]). From
//! one state in 512 faults stop, and all must be answered ([`heal`]). How many states there are is asserted, and that
//! bugs that are put in are found ([`bugs`]).
//!
//! ```sh
//! cargo nextest run --release --config-file ci/nextest.toml --profile model
//! ```
//!
//! Bounds of one's own: `MODEL_KIND=any|majority` with any of `MODEL_CRASHES`, `MODEL_RESTARTS`, `MODEL_CUTS`,
//! `MODEL_STALLS`, `MODEL_LEAVES`, `MODEL_VIEWS` (numbers), `MODEL_COMMANDS` (`ab`: two clients, `aa`: one that sends
//! its command twice), `MODEL_FLUSHES=1` (records one by one), `MODEL_NEWS=1` and `MODEL_DISKS=1` (the reductions
//! below), `MODEL_STATES_MAX`, and `cargo test --release --test model bounds_of_ones_own -- --nocapture`. A state takes
//! about 30 bytes, a server or step that was not met before some thousands. Walks: `MODEL_SEED`, `MODEL_WALKS`.
//!
//! # What is left out of a state, and what that loses
//!
//! | reduction | why it loses nothing that matters, or what it loses |
//! |---|---|
//! | Counters of milliseconds count up to their limit; what is not read is no part of a state (`protocol::lamport::fingerprint`) | nothing: two engines with one fingerprint go on alike. `probe_ms` and `patience_ms` are over within one tick; `suspect_ms` is never reached in a search, only in [`heal`]: silence, and replies that are owed, are the simulation's |
//! | A counter that the next tick takes to its limit counts as there | nothing: ticks read counters after adding to them, and every tick here is longer than `probe_ms`. A farewell reads them too and adds nothing: where servers leave they count exactly |
//! | The durable log counts as the engine that starts from it | nothing: replaying goes record by record |
//! | The first tick of a life comes with its start | a first tick after links: it counts no time, so it could do only what the next one does |
//! | A message that its receiver will do nothing on, whenever it comes, is not on its way any more (`Lamport::is_past`) | nothing: promised views and attempts only grow, and what it shows as a sign of life, news show |
//! | A promise or acceptance after which others are still missing arrives at once (`Lamport::only_counts`) | nothing: until the last one comes only their number counts, and whatever loses one on its way ends the attempt |
//! | Records become durable only when something waits for them (`Lamport::waits_for_disk`) | nothing: a crash may keep them or not, and with the next flush they go too |
//! | Who is down, and has no restart left, is no more than down | nothing: its log is never read again. Only one such log is healed |
//! | Of clients that are alike the first in order sends first | nothing: they differ by name |
//! | "Its link is down" and the tick that is past `probe_ms` are one action | a tick in between: it does nothing but wait |
//! | A crash comes between two actions, with any number of unflushed records written, and what was sent may be lost from any message on, for each link | nothing: a crash after some effects of a step is a crash after all with the rest lost. Heartbeats are not kept in queues, so [`cluster::Action::Last`] is the crash before they are out |
//! | Heartbeats, and what a server that catches up asks, are delivered at once | old news that come late. A server that does not tick tells nothing, so what others know of it can be as old as anything; every other delay is the simulation's |
//! | Position and digest of an active server are not in its heartbeats | the comparison of digests, which the checks make themselves, over all servers and all times |
//! | `Drained` follows each input | commands that collect, except behind two on their way, and those that waited for a view |
//! | No leases (`lease_ms` 0), no reads, no snapshots, 3 servers | stale reads, snapshots: the simulation's |
//! | `prompt_news` (large bounds only): what a server has become is told at once, unless its clock would change it | old news, but of servers that have something to do at their next tick |
//! | `prompt_flushes` (large bounds only): once no crash can come any more, records are durable at once | answers that wait for a disk while others overtake them; they may wait on their way instead |
//! | A server that gives up a view of its own for the report (`any`) is not followed further | what comes of the report: the simulation's partitions |
//!
//! The bounds are those of faults, commands and proposals: an action that would make one view more is not done.
//!
//! Some of what loses "nothing" is also tried: `reductions_lose_nothing_of_*` search small bounds with and without counters,
//! messages that will be ignored, promises that are only counted, flushes that nobody waits for and logs of servers that stay
//! down, and compare everything that can be seen from outside. The others stand on their reasons alone.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a search says how long it took and what it found; bounds come from the environment"
)]

mod bugs;
mod checks;
mod cluster;
mod heal;
mod node;
mod search;
mod space;
mod story;
mod theatre;
mod walk;
#[allow(dead_code, reason = "shared with the protocol's own tests, which show more")]
#[path = "../protocol/words.rs"]
mod words;

use boxoffice::protocol::engine::Availability::{self, Any, Majority};
use bugs::Bug;
use cluster::Bounds;
use search::Search;
use space::Space;
use std::time::Instant;

const NOTHING: Bounds = Bounds {
    crashes: 0,
    restarts: 0,
    cuts: 0,
    stalls: 0,
    leaves: 0,
    commands: &[],
    views: 0,
    flushes_by_record: false,
    prompt_news: false,
    prompt_flushes: false,
    is_literal: false,
    bug: None,
};

/// For bounds whose states would be too many without.
const PROMPT: Bounds = Bounds { prompt_news: true, prompt_flushes: true, ..NOTHING };

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Searches all of it. `states` is what there were when it was last looked at: a tenth less, and the model has shrunk.
fn search(name: &str, availability: Availability, bounds: Bounds, states: u64) {
    let began = Instant::now();
    let states_max = setting("MODEL_STATES_MAX", u64::MAX);
    let mut space = Space::new(availability, &bounds);
    let search = Search::new(&mut space, &bounds).unwrap_or_else(|why| panic!("{name}: {why}"));
    let found =
        search.run(states_max, &mut |line| println!("{:.1} s: {line}", began.elapsed().as_secs_f64()));
    println!("{name}: {found} in {:.1} s", began.elapsed().as_secs_f64());
    if let Some(violation) = &found.violation {
        panic!("{name}: {violation}");
    }
    assert!(
        found.states >= states - states / 10,
        "{name}: {} states, and there were {states}: what does the model not reach any more?",
        found.states
    );
}

#[test]
fn any_with_1_request_and_2_crashes() {
    let bounds = Bounds { commands: &[0], crashes: 2, views: 2, ..NOTHING };
    search("any, 1 request, 2 crashes, 2 views", Any, bounds, 29_550);
}

#[test]
fn any_with_1_request_1_crash_and_1_restart() {
    let bounds = Bounds { commands: &[0], crashes: 1, restarts: 1, views: 2, ..NOTHING };
    search("any, 1 request, 1 crash, 1 restart, 2 views", Any, bounds, 1_872_572);
}

#[test]
fn any_with_2_crashes_and_1_restart() {
    let bounds = Bounds { crashes: 2, restarts: 1, views: 2, ..NOTHING };
    search("any, 2 crashes, 1 restart, 2 views", Any, bounds, 214_921);
}

#[test]
fn any_with_1_request_2_crashes_and_1_restart() {
    let bounds = Bounds { commands: &[0], crashes: 2, restarts: 1, views: 2, ..PROMPT };
    search("any, 1 request, 2 crashes, 1 restart, 2 views, prompt", Any, bounds, 416_107);
}

#[test]
fn any_with_2_requests_and_1_crash() {
    let bounds = Bounds { commands: &[0, 1], crashes: 1, views: 1, ..NOTHING };
    search("any, 2 requests, 1 crash, 1 view", Any, bounds, 472_343);
}

#[test]
fn any_with_2_requests_1_crash_and_1_restart() {
    let bounds = Bounds { commands: &[0, 1], crashes: 1, restarts: 1, views: 2, ..PROMPT };
    search("any, 2 requests, 1 crash, 1 restart, 2 views, prompt", Any, bounds, 1_827_634);
}

#[test]
fn any_with_a_command_that_is_sent_twice_and_1_crash() {
    let bounds = Bounds { commands: &[0, 0], crashes: 1, views: 1, ..NOTHING };
    search("any, 1 request twice, 1 crash, 1 view", Any, bounds, 386_865);
}

#[test]
fn any_with_1_request_and_1_pause() {
    let bounds = Bounds { commands: &[0], stalls: 1, views: 1, ..NOTHING };
    search("any, 1 request, 1 pause, 1 view", Any, bounds, 686_373);
}

#[test]
fn any_with_1_request_1_farewell_and_1_crash() {
    let bounds = Bounds { commands: &[0], leaves: 1, crashes: 1, views: 2, ..PROMPT };
    search("any, 1 request, 1 farewell, 1 crash, 2 views, prompt", Any, bounds, 219_452);
}

#[test]
fn majority_with_1_request_and_1_false_suspicion() {
    let bounds = Bounds { commands: &[0], cuts: 1, views: 1, ..NOTHING };
    search("majority, 1 request, 1 cut, 1 view", Majority, bounds, 984_381);
}

#[test]
fn majority_with_1_false_suspicion_and_2_views() {
    let bounds = Bounds { cuts: 1, views: 2, ..NOTHING };
    search("majority, 1 cut, 2 views", Majority, bounds, 231_355);
}

#[test]
fn majority_with_1_crash_1_restart_and_2_views() {
    let bounds = Bounds { crashes: 1, restarts: 1, views: 2, ..NOTHING };
    search("majority, 1 crash, 1 restart, 2 views", Majority, bounds, 58_112);
}

#[test]
fn majority_with_1_false_suspicion_1_crash_and_1_restart() {
    let bounds = Bounds { cuts: 1, crashes: 1, restarts: 1, views: 1, ..NOTHING };
    search("majority, 1 cut, 1 crash, 1 restart, 1 view", Majority, bounds, 1_087_399);
}

#[test]
fn majority_with_1_false_suspicion_1_crash_1_restart_and_2_views() {
    let bounds = Bounds { cuts: 1, crashes: 1, restarts: 1, views: 2, ..PROMPT };
    search("majority, 1 cut, 1 crash, 1 restart, 2 views, prompt", Majority, bounds, 452_833);
}

/// The reductions that are said to lose nothing, held against a search without them.
fn nothing_is_lost(availability: Availability, bounds: Bounds) {
    let outlines = |bounds: Bounds| {
        let mut space = Space::new(availability, &bounds);
        let search = Search::new(&mut space, &bounds).expect("a first view").outlining();
        let found = search.run(u64::MAX, &mut |_| ());
        println!("{bounds:?}: {found}, {} outlines", found.outlines.len());
        assert_eq!(found.violation, None);
        (found.states, found.outlines)
    };
    let (few, reduced) = outlines(bounds);
    let (many, literal) = outlines(Bounds { is_literal: true, ..bounds });
    assert!(many > few, "{many} states without reductions, {few} with them");
    assert_eq!(reduced.symmetric_difference(&literal).count(), 0, "of {} outlines", literal.len());
}

#[test]
fn reductions_lose_nothing_of_any() {
    nothing_is_lost(Any, Bounds { commands: &[0], crashes: 1, views: 1, ..NOTHING });
    nothing_is_lost(Any, Bounds { crashes: 1, restarts: 1, views: 1, ..NOTHING });
}

#[test]
fn reductions_lose_nothing_of_majority() {
    nothing_is_lost(Majority, Bounds { cuts: 1, crashes: 1, views: 1, ..NOTHING });
}

/// Searches until the bug shows as what it is.
fn finds(bug: Bug, availability: Availability, bounds: Bounds, sign: &str) {
    let bounds = Bounds { bug: Some(bug), ..bounds };
    let mut space = Space::new(availability, &bounds);
    let search = Search::new(&mut space, &bounds).unwrap_or_else(|why| panic!("{bug:?}: {why}"));
    let found = search.run(u64::MAX, &mut |_| ());
    let violation = found.violation.as_deref().unwrap_or("nothing");
    println!("{bug:?}: {found}\n{violation}\n");
    assert!(violation.starts_with(sign), "{bug:?} shows as {violation}");
}

#[test]
fn bugs_that_are_put_in_are_found() {
    let crash = Bounds { commands: &[0], crashes: 1, views: 1, ..PROMPT };
    finds(Bug::LoggedForgotten, Any, crash, "3:");
    finds(Bug::KeptForgotten, Any, crash, "3:");
    finds(Bug::ReplySkipped, Any, crash, "3:");
    finds(Bug::DiskLies, Any, Bounds { restarts: 1, views: 2, ..crash }, "3:");
    finds(Bug::LoggedForgotten, Majority, Bounds { cuts: 1, ..crash }, "3:");
}

/// Nothing unless `MODEL_KIND` says so: see above.
#[test]
fn bounds_of_ones_own() {
    let number = |name: &str| u8::try_from(setting(name, 0)).expect("a small number");
    let availability = match std::env::var("MODEL_KIND").as_deref() {
        Ok("any") => Any,
        Ok("majority") => Majority,
        Ok(_) | Err(_) => return,
    };
    let commands: &'static [u8] = match std::env::var("MODEL_COMMANDS").unwrap_or_default().as_str() {
        "" => &[],
        "a" => &[0],
        "aa" => &[0, 0],
        "ab" => &[0, 1],
        "aab" => &[0, 0, 1],
        other => panic!("MODEL_COMMANDS={other}: nothing, a, aa, ab or aab"),
    };
    let bounds = Bounds {
        crashes: number("MODEL_CRASHES"),
        restarts: number("MODEL_RESTARTS"),
        cuts: number("MODEL_CUTS"),
        stalls: number("MODEL_STALLS"),
        leaves: number("MODEL_LEAVES"),
        commands,
        views: number("MODEL_VIEWS").into(),
        flushes_by_record: number("MODEL_FLUSHES") > 0,
        prompt_news: number("MODEL_NEWS") > 0,
        prompt_flushes: number("MODEL_DISKS") > 0,
        ..NOTHING
    };
    search("bounds of one's own", availability, bounds, 0);
}

/// Walks of each kind that every run of the tests takes.
const WALKS: u64 = 10_000;
const SEND_TWICE: &[u8] = &[0, 1, 0];
const FAR: Bounds = Bounds { commands: SEND_TWICE, views: 14, flushes_by_record: true, ..NOTHING };

/// Seeds that failed once, with any kind, before the defect behind them was mended.
const REGRESSIONS: [u64; 5] = [19, 257, 633, 1535, 1666];

fn walks(name: &str, availability: Availability, bounds: Bounds) {
    let began = Instant::now();
    let (first, count) = (setting("MODEL_SEED", 1), setting("MODEL_WALKS", WALKS));
    let mut actions = 0;
    for seed in REGRESSIONS.into_iter().filter(|_| count > 1).chain(first..first + count) {
        // A space of its own: what one walk met may stand for what the next one meets, and a seed must mean the same
        // alone.
        let mut space = Space::new(availability, &bounds);
        actions += walk::walk(&mut space, &bounds, seed).unwrap_or_else(|why| {
            panic!(
                "seed {seed}: {why}\nreplay: MODEL_SEED={seed} MODEL_WALKS=1 cargo test --release --test model {name}"
            )
        });
    }
    println!("{name}: {count} walks, {actions} actions in {:.1} s", began.elapsed().as_secs_f64());
    assert!(actions as u64 > 50 * count, "the walks stop early: {actions} actions in {count}");
}

#[test]
fn walks_of_any_find_nothing() {
    let bounds = Bounds { crashes: 4, restarts: 4, leaves: 1, ..FAR };
    walks("walks_of_any_find_nothing", Any, bounds);
}

#[test]
fn walks_of_any_with_pauses_find_nothing() {
    let bounds = Bounds { crashes: 2, restarts: 2, stalls: 2, ..FAR };
    walks("walks_of_any_with_pauses_find_nothing", Any, bounds);
}

#[test]
fn walks_of_majority_find_nothing() {
    let bounds = Bounds { crashes: 3, restarts: 3, cuts: 4, leaves: 1, ..FAR };
    walks("walks_of_majority_find_nothing", Majority, bounds);
}
