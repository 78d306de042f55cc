//! Looks for a mutant's failure, seed by seed.

use super::{HARMLESS, MUTANTS, Mutant};
use crate::simulator::profile::{Fault, MS, Profile};
use crate::simulator::sweep::live;
use crate::simulator::world::{World, WorldKind};
use std::fmt::{self, Write as _};

/// A mutant that was caught.
pub struct Caught {
    /// After so many runs, this one included.
    runs: u64,
    kind: WorldKind,
    seed: u64,
    why: String,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Caught { runs, kind, seed, why } = self;
        write!(f, "caught in run {runs} (seed {seed} of {kind}): {}", why.lines().next().unwrap_or_default())
    }
}

impl Caught {
    /// By what: an invariant's number, or what else held the servers to something.
    fn by(&self) -> String {
        let known = [
            ("panic: ", "an assertion of the server"),
            ("no report says so", "promises: nothing is lost silently"),
            ("holds no command", "the oracle: what is executed was sent by a client"),
            ("could not start again", "a start from what a server wrote"),
            ("damage that nobody did", "damage that nobody did"),
        ];
        match (self.why.find("invariant "), known.iter().find(|(words, _)| self.why.contains(words))) {
            (Some(at), _) => self.why[at..].chars().take("invariant 1".len()).collect(),
            (None, Some((_, by))) => (*by).to_owned(),
            (None, None) => self.why.chars().take(60).collect(),
        }
    }
}

/// Runs seeds of the mutant's worlds in turn until one fails that passes without the bug, at most `runs_max` in all.
fn hunt(mutant: Mutant, kinds: &[WorldKind], runs_max: u64) -> Option<Caught> {
    (0..runs_max).find_map(|run| {
        let kind = kinds[(run % kinds.len() as u64) as usize];
        let seed = run / kinds.len() as u64 + 1;
        let world = || World::shaped(seed, kind, |profile| shape(mutant, profile));
        let failure = live(world().mutated(mutant), seed, kind).err()?;
        live(world(), seed, kind).ok()?;
        Some(Caught { runs: run + 1, kind, seed, why: failure.why })
    })
}

/// Some bugs show only where certain faults meet: those, and not much else, are what their worlds have then.
fn shape(mutant: Mutant, profile: &mut Profile) {
    let Some(faults) = chosen_faults(mutant) else { return };
    profile.faults = faults.to_vec();
    profile.fault_pause_us = 500 * MS;
    profile.servers = 3;
    match mutant {
        // What one server alone has logged is kept, whole or not.
        Mutant::TornTailAccepted => {
            (profile.servers, profile.clients, profile.window) = (1, 8, 4);
            (profile.think_us, profile.reads_in_ten) = (2 * MS, 0);
            profile.limits.batch_bytes_max = 4_000;
        }
        Mutant::ReadWithoutLease => {
            (profile.clients, profile.think_us, profile.reads_in_ten) = (8, 5 * MS, 5);
        }
        Mutant::PromisedMembersForgotten => profile.servers = 2,
        _ => {}
    }
}

fn chosen_faults(mutant: Mutant) -> Option<&'static [(Fault, u32)]> {
    match mutant {
        Mutant::TornTailAccepted => Some(&[
            (Fault::PowerCut, 2),
            (Fault::PowerCutBetweenEffects, 2),
            (Fault::PowerCutInDisk, 2),
            (Fault::SlowDisk, 1),
        ]),
        Mutant::ReadWithoutLease => Some(&[(Fault::Partition, 1)]),
        Mutant::PromisedMembersForgotten => Some(&[(Fault::PowerCutInViewChange, 1), (Fault::PowerCut, 1)]),
        _ => None,
    }
}

/// The worlds in which a mutant is looked for, for the table.
pub fn worlds(mutant: Mutant, kinds: &[WorldKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let chosen = if chosen_faults(mutant).is_some() { ", chosen faults" } else { "" };
    names.join(", ") + chosen
}

/// Hunts the mutants that are wanted, in up to `times` as many runs as they may take: the table, as
/// `src/docs/mutants.md` has it, and those that were not caught or, if harmless, were.
pub fn table(
    is_wanted: impl Fn(Mutant, u64) -> bool,
    times: u64,
    mut on_done: impl FnMut(Mutant, Option<&Caught>),
) -> (String, Vec<Mutant>) {
    let mut text =
        "| mutant | what is wrong | worlds | caught by | after | within |\n|---|---|---|---|---|---|\n"
            .to_owned();
    let mut wrong = Vec::new();
    for (mutant, what, kinds, runs_max) in MUTANTS.into_iter().chain([HARMLESS]) {
        if !is_wanted(mutant, runs_max) {
            continue;
        }
        let caught = hunt(mutant, kinds, runs_max * times);
        on_done(mutant, caught.as_ref());
        let worlds = worlds(mutant, kinds);
        let (by, after) = match &caught {
            Some(caught) => (caught.by(), caught.runs.to_string()),
            None => ("nothing".to_owned(), "-".to_owned()),
        };
        let _ = writeln!(text, "| {mutant:?} | {what} | {worlds} | {by} | {after} | {runs_max} |");
        if caught.is_none() != (mutant == HARMLESS.0) {
            wrong.push(mutant);
        }
    }
    (text, wrong)
}
