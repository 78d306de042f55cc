//! "Heal and finish": faults stop, everybody comes back, and every command is answered.

use crate::checks::check;
use crate::cluster::{Action, Bounds, Cluster, Play, Stop};
use crate::node::{SERVERS, SUSPECT_TICKS};
use crate::space::Space;
use crate::story;

/// Rounds within which a cluster must be whole again; each is a tick of everyone and all that comes of it.
///
/// The worst takes three `suspect_ms`: a coordinator waits for a promise that its member does not send any more, having
/// promised another view, suspects it, and needs it for a majority.
const ROUNDS_MAX: usize = 4 * SUSPECT_TICKS as usize;
/// Messages and flushes of one round.
const MOVES_MAX: usize = 2_000;
/// What a cluster needs that only has to go on.
const CALM: Bounds = Bounds {
    crashes: 0,
    restarts: u8::MAX,
    cuts: 0,
    stalls: 0,
    leaves: 0,
    commands: &[0, 1, 2],
    views: u64::MAX,
    flushes_by_record: false,
    prompt_news: false,
    prompt_flushes: false,
    is_literal: false,
    bug: None,
};

/// Three servers that have formed their first view, and have nothing left to say.
pub fn form(space: &mut Space) -> Result<Cluster, String> {
    form_at_rest(space).map_err(|why| match why {
        Unhealed::GivesUp => "servers that have never run give something up".to_owned(),
        Unhealed::Violation(why) => why,
    })
}

fn form_at_rest(space: &mut Space) -> Result<Cluster, Unhealed> {
    let blank = Cluster::blank(space)?;
    let mut formed = whole(space, blank, Back::All, &mut Course::default())?;
    for _ in 0..ROUNDS_MAX {
        let before = formed;
        formed = round(space, formed, Back::All, &mut Course::default())?;
        if formed == before {
            formed.used = Default::default();
            return Ok(formed);
        }
    }
    Err("the first view does not come to rest".to_owned().into())
}

/// Why a cluster was not healed.
enum Unhealed {
    /// See [`Stop::GivesUp`].
    GivesUp,
    Violation(String),
}

impl From<String> for Unhealed {
    fn from(why: String) -> Unhealed {
        Unhealed::Violation(why)
    }
}

/// Who comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    All,
    /// Those that are down stay down.
    Nobody,
}

/// What was done to heal a cluster, for the story of one that could not be.
#[derive(Default)]
pub struct Course(Vec<Action>);

/// Actions of the end of a course that are told.
const TOLD_MAX: usize = 60;

impl Course {
    /// The whole course is played again; only the last part is told.
    fn tell(&self, space: &mut Space, start: Cluster) -> String {
        let told = story::tell(space, start, &CALM, &self.0);
        let lines: Vec<&str> = told.lines().collect();
        let skipped = lines.len().saturating_sub(2 * TOLD_MAX);
        let (first, last) =
            (&lines[..lines.len().min(TOLD_MAX)], &lines[lines.len().min(skipped + TOLD_MAX)..]);
        format!("{}\n[{skipped} lines]\n{}", first.join("\n"), last.join("\n"))
    }
}

/// Heals a cluster, in every way that its bounds promise something for, and has all commands answered.
pub fn heal(space: &mut Space, cluster: Cluster, bounds: &Bounds) -> Result<(), String> {
    finish_or_tell(space, cluster, Back::All)?;
    let running = cluster.nodes.iter().filter(|&&node| space.facts(node).running).count();
    let enough = match space.world.availability {
        boxoffice::protocol::engine::Availability::Any => running >= 1,
        boxoffice::protocol::engine::Availability::Majority => running * 2 > SERVERS,
    };
    // Who restarted may have to wait for those who went on without it.
    let never_restarted = cluster.nodes.iter().all(|&node| space.facts(node).life.incarnation.0 == 1);
    if enough && never_restarted && bounds.stalls == 0 && bounds.leaves == 0 {
        finish_or_tell(space, cluster, Back::Nobody)?;
    }
    Ok(())
}

fn finish_or_tell(space: &mut Space, cluster: Cluster, back: Back) -> Result<(), String> {
    let mut course = Course::default();
    let finished = finish(space, cluster, back, &mut course);
    space.forget_exact();
    match finished {
        Ok(()) | Err(Unhealed::GivesUp) => Ok(()),
        Err(Unhealed::Violation(why)) => Err(format!("{why}\nhealed so:\n{}", course.tell(space, cluster))),
    }
}

fn finish(space: &mut Space, cluster: Cluster, back: Back, course: &mut Course) -> Result<(), Unhealed> {
    let mut cluster = whole(space, cluster, back, course)?;
    let seller = (0..SERVERS).find(|&s| space.facts(cluster.nodes[s]).active()).unwrap_or(0) as u8;
    cluster.used.commands = 0;
    for place in 0..CALM.commands.len() as u8 {
        cluster = act(space, cluster, Action::Submit(seller, place), course)?;
    }
    for _ in 0..ROUNDS_MAX {
        if space.memory(cluster.memory).answered.len() == CALM.commands.len() {
            return Ok(());
        }
        cluster = patient_round(space, cluster, back, course)?;
    }
    Err(format!(
        "7: not every command is answered after everything was healed ({back:?} came back)\n{}",
        picture(space, &cluster)
    )
    .into())
}

/// Rounds until all that run are at work in one view.
fn whole(
    space: &mut Space,
    mut cluster: Cluster,
    back: Back,
    course: &mut Course,
) -> Result<Cluster, Unhealed> {
    for _ in 0..ROUNDS_MAX {
        cluster = patient_round(space, cluster, back, course)?;
        if is_whole(space, &cluster) {
            return Ok(cluster);
        }
    }
    Err(format!(
        "7: no view of all that run after everything was healed ({back:?} came back)\n{}",
        picture(space, &cluster)
    )
    .into())
}

fn is_whole(space: &Space, cluster: &Cluster) -> bool {
    let all: Vec<_> = cluster.nodes.iter().map(|&node| space.facts(node)).filter(|f| f.running).collect();
    let first = all[0];
    all.iter().all(|facts| {
        facts.active()
            && facts.view == first.view
            && facts.others + 1 == all.len()
            && facts.position == first.position
            && !facts.waiting
    })
}

/// A round. After one that changed nothing whatever is waited for takes long, and every tick counts.
fn patient_round(
    space: &mut Space,
    before: Cluster,
    back: Back,
    course: &mut Course,
) -> Result<Cluster, Unhealed> {
    let after = round(space, before, back, course)?;
    if after == before {
        space.be_exact();
    }
    Ok(after)
}

/// Whoever is down comes back, everything arrives and is written, and everyone's clock ticks.
fn round(
    space: &mut Space,
    mut cluster: Cluster,
    back: Back,
    course: &mut Course,
) -> Result<Cluster, Unhealed> {
    let mut actions = Vec::new();
    for _ in 0..MOVES_MAX {
        cluster.actions(space, &CALM, &mut actions);
        let goes_on = |action: &&Action| match action {
            Action::Start(_) => back == Back::All,
            Action::Deliver(..)
            | Action::Flush(..)
            | Action::Notice(..)
            | Action::Connect(..)
            | Action::Wake(_) => true,
            Action::Tick(_)
            | Action::Submit(..)
            | Action::Crash(..)
            | Action::Cut(..)
            | Action::Stall(_)
            | Action::Leave(_)
            | Action::Last(..) => false,
        };
        let Some(&action) = actions.iter().find(goes_on) else {
            for &action in actions.iter().filter(|action| matches!(action, Action::Tick(_))) {
                cluster = act(space, cluster, action, course)?;
            }
            return Ok(cluster);
        };
        cluster = act(space, cluster, action, course)?;
    }
    Err(format!("7: servers talk for ever\n{}", picture(space, &cluster)).into())
}

fn act(
    space: &mut Space,
    cluster: Cluster,
    action: Action,
    course: &mut Course,
) -> Result<Cluster, Unhealed> {
    course.0.push(action);
    let mut play = Play::new(space, cluster, &CALM, u64::MAX);
    match play.act(action) {
        Ok(()) => {}
        Err(Stop::Beyond) => {
            return Err(format!("7: {action:?} is refused after everything was healed").into());
        }
        Err(Stop::GivesUp) => return Err(Unhealed::GivesUp),
        Err(Stop::Violation(why)) => return Err(why.into()),
    }
    let after = play.cluster;
    check(space, &after)?;
    Ok(after)
}

/// What every server is, for people.
pub fn picture(space: &Space, cluster: &Cluster) -> String {
    let mut lines = Vec::new();
    for &node in &cluster.nodes {
        let facts = space.facts(node);
        let what = facts.standing.map_or("down".to_owned(), |standing| format!("{standing:?}"));
        lines.push(format!(
            "server {}: {what}, view {} with {} others, position {}",
            facts.life, facts.view, facts.others, facts.position
        ));
    }
    lines.join("\n")
}
