//! What goes wrong, and the end of it.

use super::*;

impl World {
    pub(super) fn may_crash(&self, id: u8) -> bool {
        self.faults && self.kind != WorldKind::Partition && self.nodes[&id].running.is_some()
    }

    pub(super) fn fault(&mut self) -> Checked {
        if !self.faults {
            return Ok(());
        }
        let delay = self.rng.u64(100..4000) * MS;
        self.at(delay, Event::Fault);
        let ids: Vec<u8> = self.nodes.keys().copied().collect();
        let id = ids[self.rng.usize(0..ids.len())];
        match self.rng.u32(0..14) {
            0..=2 if self.may_crash(id) => self.crash(id)?,
            3..=4 => self.crash_soon = self.rng.u32(1..200),
            5 if self.kind != WorldKind::Partition && self.rng.bool() => {
                for id in ids {
                    if self.may_crash(id) && self.rng.u32(0..5) > 0 {
                        self.crash(id)?;
                    }
                }
            }
            6..=7 if self.kind != WorldKind::Partition => self.pause(id),
            8 => {
                let node = self.nodes.get_mut(&id).expect("configured");
                node.slow_disk = !node.slow_disk;
            }
            9 if self.kind != WorldKind::Partition => {
                if let Some(life) = self.nodes[&id].running.as_ref().map(|r| r.life) {
                    self.say(|| format!("server {life} is told to leave"));
                    self.input(id, life, Input::Leave)?;
                }
            }
            10..=13 => self.cut(),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn pause(&mut self, id: u8) {
        let length = if self.rng.bool() { self.rng.u64(100..1000) } else { self.rng.u64(1000..5000) } * MS;
        self.say(|| format!("server {id} is paused for {} ms", length / MS));
        self.report.pauses += 1;
        self.nodes.get_mut(&id).expect("configured").paused_until = self.now + length;
        self.at(length, Event::Resume(id));
    }

    pub(super) fn cut(&mut self) {
        self.report.cuts += 1;
        let ids: Vec<u8> = self.nodes.keys().copied().collect();
        let long = self.kind != WorldKind::Any;
        let length = if long { self.rng.u64(100..8000) } else { self.rng.u64(5..250) } * MS;
        let side: BTreeSet<u8> = ids.iter().copied().filter(|_| self.rng.bool()).collect();
        let single = self.rng.bool();
        let mut pairs: Vec<Pair> = Vec::new();
        for &a in &ids {
            for &b in ids.iter().filter(|&&b| b > a) {
                if side.contains(&a) != side.contains(&b) {
                    pairs.push((a, b));
                }
            }
        }
        if single && self.kind != WorldKind::Partition {
            self.rng.shuffle(&mut pairs);
            pairs.truncate(1);
        }
        self.say(|| format!("{pairs:?} are cut for {} ms", length / MS));
        for pair in pairs {
            self.net.cut_until.insert(pair, self.now + length);
            self.disconnect(pair);
        }
    }

    pub(super) fn heal(&mut self) {
        self.say(|| "all is healed".into());
        self.faults = false;
        self.healed = true;
        self.crash_soon = 0;
        self.net.cut_until.clear();
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            let node = self.nodes.get_mut(&id).expect("configured");
            node.slow_disk = false;
            if node.paused_until > self.now {
                node.paused_until = self.now;
                self.at(0, Event::Resume(id));
            }
            if self.nodes[&id].running.is_none() {
                self.at(MS, Event::Start(id));
            }
        }
    }
}
