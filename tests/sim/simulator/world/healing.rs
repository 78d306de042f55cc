//! The end of faults: what is left must answer everything, and be alike.

use super::links::Ending;
use super::*;
use crate::simulator::node::Trouble;
use boxoffice::protocol::message::Standing;
use std::cmp::Reverse;

/// So long after the last fault an operator looks whether somebody must be overridden.
const OPERATOR_US: u64 = 15_000 * MS;

impl World {
    pub(super) fn heal(&mut self) -> Checked {
        self.healed = true;
        self.crash_after = None;
        self.crash_in_change = None;
        self.viable = self.choose_viable();
        self.say(|world| format!("all is healed; the servers {:?} must serve", world.viable));
        self.net.unblock_all();
        for id in self.ids() {
            let node = self.node_mut(id);
            (node.slow, node.slow_disk, node.disk_hangs_until) = (false, false, 0);
            if node.trouble == Trouble::Power {
                node.disk.power_off_after(u64::MAX);
            }
            self.make_room(id);
            if !self.viable.contains(&id) {
                if self.node(id).running.is_some() {
                    self.end(id, Ending::Kill);
                }
                continue;
            }
            if self.node(id).paused_until > self.now {
                let now = self.now;
                self.node_mut(id).paused_until = now;
                self.at(0, Event::Resume(id));
            }
            if self.node(id).running.is_none() {
                let delay = self.rng.u64(1..2000) * MS;
                self.plan_start(id, delay);
            }
        }
        self.at(OPERATOR_US, Event::Operator);
        Ok(())
    }

    /// Which servers must do: often all, sometimes just enough of them.
    fn choose_viable(&mut self) -> BTreeSet<u8> {
        let all: BTreeSet<u8> = self.ids().into_iter().collect();
        // The first start takes all of them.
        if self.rng.u32(0..3) > 0 || self.judge.newest_view().is_none() {
            return all;
        }
        match self.kind {
            WorldKind::Any => {
                // Whoever is at work must go on without those that are down, for ever; unless it is about to leave:
                // where all do, it is an outage.
                let stays = |id: u8| {
                    let running = self.node(id).running.as_ref();
                    running.is_some_and(|running| running.engine().status().standing != Standing::Leaving)
                };
                let is_outage = !self.servers_of_newest_view().into_iter().any(stays);
                let up = |id: &u8| self.node(*id).running.is_some();
                if is_outage { all } else { all.into_iter().filter(up).collect() }
            }
            WorldKind::Majority => {
                let mut ids: Vec<u8> =
                    all.iter().copied().filter(|&id| !self.node(id).lost && !self.node(id).damaged).collect();
                self.rng.shuffle(&mut ids);
                ids.truncate(all.len() / 2 + 1);
                if ids.len() > all.len() / 2 { ids.into_iter().collect() } else { all }
            }
            WorldKind::Partition => all,
        }
    }

    /// After an outage in which a disk was lost, only a person can say that nobody went on alone.
    pub(super) fn operate(&mut self) -> Checked {
        self.at(OPERATOR_US / 3, Event::Operator);
        let statuses = self.nodes.iter().filter_map(|node| {
            let running = node.running.as_ref()?;
            Some((running.life, running.engine().status(), running.engine().can_be_overridden()))
        });
        let statuses: Vec<_> = statuses.collect();
        let is_lost = self.nodes.iter().any(|node| node.lost);
        if !is_lost || statuses.iter().any(|(.., can)| !can) {
            return Ok(());
        }
        let best = statuses
            .iter()
            .max_by_key(|(life, status, _)| (status.view, status.position, Reverse(life.server)));
        if let Some((life, ..)) = best {
            let life = *life;
            self.say(|_| format!("the operator overrides at server {life}"));
            self.report.count("overrides");
            self.input(life.server.0, life, Input::Override)?;
        }
        Ok(())
    }

    pub(super) fn is_settled(&self) -> bool {
        let is_idle = self.clients.iter().all(|client| client.slots.iter().all(Option::is_none));
        let mut digests = BTreeSet::new();
        for node in self.nodes.iter().filter(|node| self.viable.contains(&node.id)) {
            let Some(running) = &node.running else { return false };
            let Some(view) = running.engine().active_view() else { return false };
            let members: BTreeSet<u8> = view.members.iter().map(|member| member.server.0).collect();
            if members != self.viable || running.engine().status().offers > 0 {
                return false;
            }
            digests.insert((running.engine().position(), running.engine().digest()));
        }
        is_idle && digests.len() == 1
    }

    pub(super) fn finish(&mut self) -> Result<Report, String> {
        for node in self.nodes.iter().filter(|node| self.viable.contains(&node.id)) {
            let running = node.running.as_ref().expect("a settled server runs");
            self.judge.at_the_end(running)?;
            // What it would find after a power cut, too, is part of the one history.
            let mut rng = self.rng.fork();
            let disk = node.disk.fork();
            disk.crash(&mut rng);
            let opened = node.open(&disk, &self.settings, &self.profile, 0);
            let could_not = |why| format!("server {} could not start again after the end: {why}", node.id);
            let (engine, _, life) = opened.map_err(could_not)?;
            self.judge.on_start(life, engine.position(), engine.digest())?;
        }
        if self.kind == WorldKind::Partition {
            let running = self.nodes[0].running.as_ref().expect("a settled server runs");
            self.judge.nothing_is_silent(running.engine(), self.nodes.iter().map(|node| &node.disk))?;
        }
        self.report.simulated_us = self.now;
        self.report.settled_us_max = self.now.saturating_sub(self.faults_end);
        Ok(std::mem::take(&mut self.report))
    }

    /// The cluster as its servers see it, for people.
    pub(super) fn picture(&self) -> String {
        let mut text = format!(" servers {:?} must serve", self.viable);
        for node in &self.nodes {
            let Some(running) = &node.running else {
                text += &format!("\n  server {}: down", node.id);
                continue;
            };
            let status = running.engine().status();
            let members: Vec<String> = status.members.iter().map(Member::to_string).collect();
            let peers = status.peers.iter().map(|peer| {
                let linked = if peer.linked { "linked" } else { "-" };
                format!("{}:{linked}{}", peer.server, if peer.suspected { ",suspected" } else { "" })
            });
            let peers: Vec<String> = peers.collect();
            text += &format!(
                "\n  server {}: {:?} view {} {members:?} position {} offers {} {peers:?} {:?}",
                running.life,
                status.standing,
                status.view,
                status.position,
                status.offers,
                status.waiting_for
            );
        }
        for (number, client) in self.clients.iter().enumerate() {
            for op in client.slots.iter().flatten() {
                text += &format!("\n  client {number}: {} attempts since {} us", op.attempts, op.sent_at);
            }
        }
        text
    }
}
