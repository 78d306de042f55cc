//! What goes wrong, and when.

use super::links::Ending;
use super::*;
use crate::simulator::node::Trouble;
use crate::simulator::profile::Fault;

/// Steps that a change of view takes, about.
const CHANGE_STEPS: u32 = 12;

impl World {
    pub(super) fn may_crash(&self, id: u8) -> bool {
        !self.healed && self.node(id).running.is_some()
    }

    fn some_server(&mut self) -> u8 {
        self.rng.u8(1..=self.profile.servers)
    }

    pub(super) fn fault(&mut self) -> Checked {
        if self.healed {
            return Ok(());
        }
        let delay = self.rng.u64(50 * MS..self.profile.fault_pause_us);
        self.at(delay, Event::Fault);
        let Some(fault) = self.profile.draw_fault(&mut self.rng) else { return Ok(()) };
        let id = self.some_server();
        match fault {
            Fault::Kill | Fault::PowerCut if self.may_crash(id) => {
                let ending = if fault == Fault::Kill { Ending::Kill } else { Ending::PowerCut };
                self.report.count(if fault == Fault::Kill { "kills" } else { "power cuts" });
                self.end(id, ending);
            }
            Fault::Kill | Fault::PowerCut => {}
            Fault::PowerCutBetweenEffects => self.crash_after = Some(self.rng.u32(1..200)),
            Fault::PowerCutInViewChange => self.crash_in_change = Some(self.rng.u32(0..CHANGE_STEPS)),
            Fault::PowerCutInDisk => self.trouble(id, Trouble::Power),
            Fault::SyncError => self.trouble(id, Trouble::Sync),
            Fault::FullDisk => self.trouble(id, Trouble::Space),
            Fault::Outage => self.outage(),
            Fault::Pause => self.pause(id),
            Fault::SlowServer => self.node_mut(id).slow ^= true,
            Fault::SlowDisk => self.node_mut(id).slow_disk ^= true,
            Fault::HungDisk => {
                let longest_ms = match self.kind {
                    // Longer ones are no crash, but one survivor would go on without asking.
                    WorldKind::Any => self.profile.limits.suspect_ms / 2,
                    WorldKind::Majority | WorldKind::Partition => 4000,
                };
                let until = self.now + self.rng.u64(500..longest_ms) * MS;
                self.say(|_| format!("the disk of server {id} hangs"));
                self.report.count("hung disks");
                self.node_mut(id).disk_hangs_until = until;
            }
            Fault::Damage => self.plan_harm(id, Harm::Damage),
            Fault::Wipe => self.plan_harm(id, Harm::Wipe),
            Fault::Leave => self.leave(id, 0),
            Fault::RollingRestart if self.rolling.is_empty() => {
                self.say(|_| "a rolling restart begins".into());
                self.report.count("rolling restarts");
                self.rolling = self.ids().into();
                self.at(MS, Event::Roll);
            }
            Fault::RollingRestart => {}
            Fault::Break => self.break_links(),
            Fault::Partition => self.partition(),
            Fault::ClockJump => self.jump(id),
        }
        Ok(())
    }

    fn trouble(&mut self, id: u8, trouble: Trouble) {
        let at = self.rng.u64(0..60);
        let node = self.node_mut(id);
        if node.trouble != Trouble::None {
            return;
        }
        node.trouble = trouble;
        match trouble {
            Trouble::None => {}
            Trouble::Power => node.disk.power_off_after(at),
            Trouble::Sync => node.disk.fail_sync_after(at),
            Trouble::Space => node.disk.limit_space(Some(at * 500)),
        }
        self.say(|_| format!("the disk of server {id} will fail: {trouble:?} {at}"));
    }

    /// Most servers end, each in its own way and at its own time.
    fn outage(&mut self) {
        self.say(|_| "an outage begins".into());
        self.report.count("outages");
        let all = self.rng.bool();
        for id in self.ids() {
            if !all && self.rng.u32(0..5) == 0 {
                continue;
            }
            match self.rng.u32(0..3) {
                0 => {
                    let delay = self.rng.u64(0..3000) * MS;
                    self.leave(id, delay);
                }
                1 if self.may_crash(id) => self.end(id, Ending::Kill),
                _ if self.may_crash(id) => self.end(id, Ending::PowerCut),
                _ => {}
            }
        }
    }

    pub(super) fn leave(&mut self, id: u8, delay: u64) {
        let Some(life) = self.node(id).life() else { return };
        self.say(|_| format!("server {life} is told to leave"));
        self.report.count("farewells");
        self.at(delay, Event::Input(id, life, Box::new(Input::Leave)));
    }

    /// The next server, once the one before is at work again.
    pub(super) fn roll(&mut self) -> Checked {
        if self.healed {
            self.rolling.clear();
        }
        let Some(&id) = self.rolling.front() else { return Ok(()) };
        let is_at_work =
            |node: &Node| node.running.as_ref().is_some_and(|running| running.engine().is_active());
        if self.nodes.iter().all(is_at_work) {
            self.rolling.pop_front();
            self.leave(id, 0);
        }
        let delay = self.rng.u64(50..400) * MS;
        self.at(delay, Event::Roll);
        Ok(())
    }

    fn pause(&mut self, id: u8) {
        // Where one survivor may go on, a server that stands still and cannot be reached either is a partition.
        let unlinked = self.node(id).running.as_ref().is_some_and(|running| {
            let others = self.nodes.iter().filter(|node| node.id != id && node.running.is_some());
            others.into_iter().any(|node| running.links[&node.id].wire.is_none())
        });
        if self.kind == WorldKind::Any && (unlinked || self.net.is_touched(id, self.now)) {
            return;
        }
        let length = if self.rng.bool() { self.rng.u64(100..1000) } else { self.rng.u64(1000..5000) } * MS;
        self.say(|_| format!("server {id} stands still for {} ms", length / MS));
        self.report.count("pauses");
        self.stand_still(id, length);
    }

    /// A server that is down or goes down now loses its disk, when the others have gone on.
    fn plan_harm(&mut self, id: u8, harm: Harm) {
        if self.kind == WorldKind::Any && self.servers_of_newest_view().iter().all(|&other| other == id) {
            return;
        }
        if self.may_crash(id) {
            self.end(id, Ending::Kill);
        }
        if self.node(id).running.is_none() {
            let (delay, pause) = (self.rng.u64(1200..3000) * MS, self.rng.u64(1..500) * MS);
            self.plan_start(id, delay + pause);
            let plan = self.node(id).start_plan;
            self.at(delay, Event::Harm(id, plan, harm));
        }
    }

    fn jump(&mut self, id: u8) {
        let day_ms = 86_400_000;
        let to_ms = match self.rng.u32(0..4) {
            0 => 0,
            1 => self.rng.i64(-10_000..10_000),
            2 => self.rng.i64(-day_ms..day_ms),
            _ => self.rng.i64(-1000 * day_ms..1000 * day_ms),
        };
        self.say(|_| format!("the clock of server {id} is wrong by {to_ms} ms"));
        self.report.count("clock jumps");
        self.node_mut(id).wall_offset_ms = to_ms;
    }

    /// Some pairs of servers, by one of several patterns.
    fn some_pairs(&mut self) -> Vec<Pair> {
        let ids = self.ids();
        let side: BTreeSet<u8> = ids.iter().copied().filter(|_| self.rng.bool()).collect();
        let one = self.some_server();
        let pattern = self.rng.u32(0..4);
        let mut pairs: Vec<Pair> = Vec::new();
        for &a in &ids {
            for &b in ids.iter().filter(|&&b| b > a) {
                let chosen = match pattern {
                    0 => (a == one) != (b == one),
                    1 => self.rng.bool(),
                    _ => side.contains(&a) != side.contains(&b),
                };
                if chosen {
                    pairs.push((a, b));
                }
            }
        }
        if pattern == 3 {
            self.rng.shuffle(&mut pairs);
            pairs.truncate(1);
        }
        pairs
    }

    /// Connections break, and cannot be set up again for a moment.
    fn break_links(&mut self) {
        let length = match self.kind {
            WorldKind::Any => self.rng.u64(5..120),
            WorldKind::Majority | WorldKind::Partition => self.rng.u64(5..3000),
        } * MS;
        let pairs = self.some_pairs();
        self.say(|_| format!("the links {pairs:?} break for {} ms", length / MS));
        for pair in pairs {
            let stands_still = |id: u8| self.node(id).is_paused(self.now) || self.node(id).slow;
            if self.kind == WorldKind::Any && (stands_still(pair.0) || stands_still(pair.1)) {
                continue;
            }
            self.report.count("broken links");
            self.net.block(pair.0, pair.1, self.now + length);
            self.net.block(pair.1, pair.0, self.now + length);
            self.break_pair(pair);
        }
    }

    /// Nothing gets through between some servers, in one direction or both; connections stand until they are missed.
    fn partition(&mut self) {
        let length = if self.rng.bool() { self.rng.u64(100..2000) } else { self.rng.u64(1000..8000) } * MS;
        let both_ways = self.rng.u32(0..3) > 0;
        let pairs = self.some_pairs();
        self.report.count(if both_ways { "partitions" } else { "partitions in one direction" });
        self.say(|_| format!("{pairs:?} are cut for {} ms, both ways {both_ways}", length / MS));
        let flip = self.rng.bool();
        for (a, b) in pairs {
            let (from, to) = if flip { (a, b) } else { (b, a) };
            self.net.block(from, to, self.now + length);
            if both_ways {
                self.net.block(to, from, self.now + length);
            }
        }
    }
}
