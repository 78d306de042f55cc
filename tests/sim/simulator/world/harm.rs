//! Harm to the disk of a server that is down: within what availability promises, found, and never served.

use super::*;
use crate::simulator::node::NotStarted;
use boxoffice::storage::{Disk as _, SimDisk};

impl World {
    /// Whether the cluster promises to get over the loss of this server's disk now: it is down, and what it knew is on
    /// disks that stay.
    fn may_lose_disk(&self, id: u8) -> bool {
        let others_lost =
            self.nodes.iter().filter(|node| (node.lost || node.damaged) && node.id != id).count();
        let servers = self.nodes.len();
        let is_down = self.node(id).running.is_none();
        is_down
            && match self.kind {
                // The others have gone on without it.
                WorldKind::Any => {
                    others_lost == 0
                        && self.servers_of_newest_view().iter().any(|s| *s != id)
                        && !self.judge.newest_view_lists(id)
                }
                // Less than half of the disks are gone.
                WorldKind::Majority => others_lost < (servers - 1) / 2,
                WorldKind::Partition => false,
            }
    }

    /// Servers that are at work in the newest view.
    pub(super) fn servers_of_newest_view(&self) -> Vec<u8> {
        let newest = self.judge.newest_view();
        let at_work = |node: &&Node| {
            let view = node.running.as_ref().and_then(|running| running.engine().active_view());
            !node.is_paused(self.now) && view.map(|install| install.view) == newest && newest.is_some()
        };
        self.nodes.iter().filter(at_work).map(|node| node.id).collect()
    }

    pub(super) fn harm(&mut self, id: u8, plan: u64, harm: Harm) -> Checked {
        if self.healed || self.node(id).start_plan != plan || !self.may_lose_disk(id) {
            return Ok(());
        }
        match harm {
            Harm::Wipe => {
                self.replace_disk(id);
                Ok(())
            }
            Harm::Damage => self.damage(id),
        }
    }

    /// Damages one file, unless one copy alone cannot know that it was damaged.
    fn damage(&mut self, id: u8) -> Checked {
        let node = self.node(id);
        let files = node.disk.list("").unwrap_or_default();
        let files: Vec<String> = files.into_iter().filter(|name| is_worth_damaging(name)).collect();
        if files.is_empty() {
            return Ok(());
        }
        let name = files[self.rng.usize(0..files.len())].clone();
        let harmed = self.node(id).disk.fork();
        let is_one_bit = harmed_file(&harmed, &name, &mut self.rng);
        let (before, after) = (self.found_on(id, &self.node(id).disk.fork()), self.found_on(id, &harmed));
        let node = self.node(id);
        match (before, after) {
            (Ok(_), Err(NotStarted::Damaged(_) | NotStarted::Failed(_))) => {}
            (Ok(before), Ok(after)) if before == after => {}
            (Ok(before), Ok(after)) if after.0 < before.0 || after.1 != before.1 => {
                // The end of the log looks like a write that was cut short: only what nothing vouches for may be lost so.
                // Zeroes over more of the end look like a disk that never wrote it.
                if is_one_bit && before.0 - after.0.min(before.0) > node.unproven {
                    return Err(format!(
                        "damage to {name} of server {id} went unnoticed: position {} became {}, and {} records had nothing behind them",
                        before.0, after.0, node.unproven
                    ));
                }
                self.report.count("damages that nobody can know of (left out)");
                return Ok(());
            }
            (Ok(before), Ok(after)) => {
                return Err(format!(
                    "damage to {name} of server {id} was served: {before:?} became {after:?}"
                ));
            }
            (_, Err(NotStarted::Nonsense(error))) => {
                return Err(format!("damage to {name} of server {id} was replayed: {error}"));
            }
            (Err(_), _) => return Ok(()),
        }
        self.say(|_| format!("{name} of server {id} is damaged"));
        self.report.count("damaged files");
        let node = self.node_mut(id);
        node.disk = harmed;
        node.damaged = true;
        Ok(())
    }

    /// Position, and fingerprint of everything else that a start finds on a disk.
    fn found_on(&self, id: u8, disk: &SimDisk) -> Result<(u64, String), NotStarted> {
        let (engine, _, _) = self.node(id).open(disk, &self.settings, &self.profile, 0)?;
        let status = engine.status();
        let promised = engine.lineage().last().map(|last| last.view);
        let rest = format!("{:?} {:?} {:?} {promised:?}", status.view, status.members, status.offers);
        Ok((engine.position(), rest))
    }
}

fn is_worth_damaging(name: &str) -> bool {
    ["log-", "snapshot-", "meta.", "identity"].iter().any(|start| name.starts_with(start))
        && !name.ends_with(".tmp")
}

/// Whether a single bit was flipped.
fn harmed_file(disk: &SimDisk, name: &str, rng: &mut fastrand::Rng) -> bool {
    let size = disk.size(name).unwrap_or(0);
    let kind = if size == 0 { return false } else { rng.u32(0..6) };
    match kind {
        0 => disk.truncate(name, rng.u64(0..size)),
        1 => disk.zero_from(name, rng.u64(0..size)),
        2 => {
            let start = rng.u64(0..size);
            for offset in start..(start + 512).min(size) {
                disk.flip(name, offset, rng.u8(1..));
            }
        }
        _ => disk.flip(name, rng.u64(0..size), 1 << rng.u32(0..8)),
    }
    kind > 2
}
