//! Random walks, deeper than a search can go: more faults of more kinds, crashes where they hurt.

use crate::checks::check;
use crate::cluster::{Action, Bounds, Cluster, Play, Stop};
use crate::heal;
use crate::space::Space;
use crate::story;

/// Actions of one walk, at most.
const ACTIONS_MAX: usize = 400;

/// How often each kind of action is taken, compared with the others.
fn weight(space: &Space, cluster: &Cluster, action: Action) -> u32 {
    match action {
        Action::Deliver(..) => 40,
        Action::Flush(..) => 20,
        Action::Tick(_) => 8,
        Action::Notice(..) | Action::Connect(..) | Action::Wake(_) => 15,
        Action::Submit(..) => 5,
        Action::Start(_) => 6,
        Action::Cut(..) | Action::Stall(_) => 1,
        Action::Leave(_) => 1,
        Action::Crash(s, _) if cluster.is_busy(space, s.into()) => 4,
        Action::Crash(..) | Action::Last(..) => 1,
    }
}

/// One walk from the first view, then "heal and finish". The actions that it took, or why it failed and how.
pub fn walk(space: &mut Space, bounds: &Bounds, seed: u64) -> Result<usize, String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let start = heal::form(space)?;
    let last_view = space.facts(start.nodes[0]).view.number + bounds.views;
    let (mut cluster, mut way, mut actions) = (start, Vec::new(), Vec::new());
    let length = rng.usize(1..ACTIONS_MAX);
    for _ in 0..length {
        cluster.actions(space, bounds, &mut actions);
        let total: u32 = actions.iter().map(|&action| weight(space, &cluster, action)).sum();
        if total == 0 {
            break;
        }
        let mut at = rng.u32(0..total);
        let chosen = actions.iter().copied().find(|&action| {
            let weight = weight(space, &cluster, action);
            let is_it = at < weight;
            at = at.saturating_sub(weight);
            is_it
        });
        let Some(action) = chosen else { break };
        way.push(action);
        match step(space, cluster, bounds, last_view, action) {
            Ok(next) => cluster = next,
            Err(Stop::Beyond) => _ = way.pop(),
            Err(Stop::GivesUp) => return Ok(way.len()),
            Err(Stop::Violation(why)) => return Err(failed(space, start, bounds, &way, why)),
        }
    }
    match heal::heal(space, cluster, bounds) {
        Ok(()) => Ok(way.len()),
        Err(why) => Err(failed(space, start, bounds, &way, why)),
    }
}

fn step(
    space: &mut Space,
    cluster: Cluster,
    bounds: &Bounds,
    last_view: u64,
    action: Action,
) -> Result<Cluster, Stop> {
    let mut play = Play::new(space, cluster, bounds, last_view);
    play.act(action)?;
    let after = play.cluster;
    check(space, &after)?;
    Ok(after)
}

fn failed(space: &mut Space, start: Cluster, bounds: &Bounds, way: &[Action], why: String) -> String {
    format!("{why}\nafter:\n{}", story::tell(space, start, bounds, way))
}
