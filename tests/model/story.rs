//! A way through the states in words: what happened, and what each server did.

use crate::cluster::{Action, Bounds, Cluster, Play, Stop};
use crate::space::{Id, Space, Step};
use crate::words;
use boxoffice::protocol::engine::Effect;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Plays actions again from a state, and writes down what the servers do.
pub fn tell(space: &mut Space, start: Cluster, bounds: &Bounds, way: &[Action]) -> String {
    let mut lines = Vec::new();
    let mut cluster = start;
    for &action in way {
        lines.push(format!("- {}", name(space, &cluster, bounds, action)));
        let mut told = Vec::new();
        let mut play = Play::new(space, cluster, bounds, u64::MAX);
        play.told = Some(&mut told);
        let stop = play.act(action).err();
        cluster = play.cluster;
        for (server, node, step) in told {
            deeds(space, server, node, step, &mut lines);
        }
        if let Some(Stop::Violation(why)) = stop {
            lines.push(format!("    {why}"));
        }
    }
    lines.join("\n")
}

fn name(space: &Space, cluster: &Cluster, bounds: &Bounds, action: Action) -> String {
    let id = |server: u8| server + 1;
    match action {
        Action::Last(last, kept) => {
            let last = name(space, cluster, bounds, last.action());
            format!("{last}, and it CRASHES before it tells, with {kept} of its unflushed records written")
        }
        Action::Tick(s) => format!("{}'s clock ticks", id(s)),
        Action::Flush(s, records) => format!("{records} records of {} become durable", id(s)),
        Action::Deliver(from, to) => {
            let queue = cluster.queues[crate::cluster::way(from.into(), to.into())];
            let (life, message) = space.message(space.queued(queue)[0]);
            let what = words::message(message).unwrap_or_default();
            format!("{} receives from {}: {what}", id(to), words::member(life))
        }
        Action::Notice(s, other) => format!("{} misses {} for longer than probe_ms", id(s), id(other)),
        Action::Connect(a, b) => format!("{} and {} are linked", id(a), id(b)),
        Action::Submit(s, place) => {
            let client = bounds.commands[usize::from(place)];
            format!("{} is sent the command of {}", id(s), crate::theatre::name(client))
        }
        Action::Crash(s, kept) => format!("{} CRASHES with {kept} of its unflushed records written", id(s)),
        Action::Start(s) => format!("{} STARTS again", id(s)),
        Action::Cut(a, b) => format!("the link of {} and {} BREAKS", id(a), id(b)),
        Action::Stall(s) => format!("{} STANDS STILL", id(s)),
        Action::Wake(s) => format!("{} looks at its clock after standing still", id(s)),
        Action::Leave(s) => format!("{} LEAVES", id(s)),
    }
}

/// What the server did in a step, computed again.
fn deeds(space: &Space, server: usize, node: Id, step: Step, lines: &mut Vec<String>) {
    let mut said = Vec::new();
    let (event, world) = (space.event(step), space.world);
    let mut hear = |effect: &Effect<_>| {
        let text = match effect {
            Effect::Append { record, .. } => Some(format!("logs {}", words::record(record))),
            Effect::Send { to, message } => {
                words::message(message).map(|what| format!("-> {}: {what}", words::member(*to)))
            }
            Effect::Answer { token, outcome } => {
                Some(format!("ANSWERS {}: {outcome}", crate::theatre::name(*token as u8)))
            }
            Effect::Note(note) => Some(words::note(note)),
            Effect::Restart { why } => Some(words::restart(*why)),
            Effect::Exit => Some("exits".to_owned()),
            Effect::Refuse { .. }
            | Effect::ServeRead { .. }
            | Effect::Snapshot { .. }
            | Effect::ReadSnapshot { .. }
            | Effect::StoreChunk { .. }
            | Effect::Adopt { .. }
            | Effect::Report { .. }
            | Effect::ReportOutcome { .. } => None,
        };
        said.extend(text);
    };
    // It may fail an assertion, which is what the story is about.
    let stepped = catch_unwind(AssertUnwindSafe(|| space.node(node).step(event, world, &mut hear).1.strange));
    said.extend(stepped.unwrap_or_else(|_| Some("fails an assertion".to_owned())));
    lines.extend(said.into_iter().map(|text| format!("    {} {text}", server + 1)));
}
