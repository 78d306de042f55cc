//! Servers: started, stepped, crashed between any two effects, paused.

use super::*;

impl World {
    pub(super) fn start(&mut self, id: u8) -> Checked {
        let settings = self.settings.clone();
        let seed = self.rng.u64(..);
        let node = self.nodes.get_mut(&id).expect("configured");
        if node.running.is_some() {
            return Ok(());
        }
        node.start(&settings, seed)?;
        let life = node.running.as_ref().expect("started").life;
        self.say(|| format!("server {life} starts"));
        self.at(1, Event::Tick(id, life));
        let others: Vec<u8> = self.nodes.keys().copied().filter(|&other| other != id).collect();
        for other in others {
            self.dial_soon(pair(id, other));
        }
        Ok(())
    }

    pub(super) fn input(&mut self, id: u8, life: Member, input: Input<State>) -> Checked {
        if !self.is_life(id, life) {
            return Ok(());
        }
        let node = self.nodes.get_mut(&id).expect("configured");
        // What came during the pause is read first.
        if node.paused_until > self.now || !node.backlog.is_empty() {
            node.backlog.push(input);
            return Ok(());
        }
        self.step(id, input)?;
        if self.is_life(id, life) && self.rng.u32(0..10) < 7 {
            self.step(id, Input::Drained)?;
        }
        Ok(())
    }

    pub(super) fn step(&mut self, id: u8, input: Input<State>) -> Checked {
        let now = Now { tick_ms: self.now / MS, wall_ms: 1_700_000_000_000 + self.now / MS };
        let mut effects = Vec::new();
        let Some(running) = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()) else { return Ok(()) };
        running.engine.step(now, input, &mut effects);
        self.check_execution(id)?;
        for effect in effects {
            if self.crash_soon > 0 {
                self.crash_soon -= 1;
                if self.crash_soon == 0 && self.may_crash(id) {
                    return self.crash(id);
                }
            }
            self.carry(id, effect)?;
            if self.nodes[&id].running.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn carry(&mut self, id: u8, effect: Effect<State>) -> Checked {
        let life = self.nodes[&id].running.as_ref().expect("running").life;
        match effect {
            Effect::Send { to, message } => self.send(life, to, message),
            Effect::Answer { token, outcome } => {
                self.say(|| format!("server {life} answers {outcome:?}"));
                self.reply(token, Reply::Outcome(outcome));
            }
            Effect::Refuse { token, .. } => self.reply(token, Reply::Refused),
            Effect::ServeRead { token } => {
                let running = self.nodes[&id].running.as_ref().expect("running");
                let free = free_seats(running.engine.machine());
                let position = running.engine.position();
                self.reply(token, Reply::Read(position, free));
            }
            Effect::Restart { why } => {
                self.report.restarts += 1;
                self.say(|| format!("server {life} restarts: {why:?}"));
                if let Restart::Diverged { .. } = why {
                    return Err(format!("server {life} diverged"));
                }
                self.stop(id);
                self.at(MS, Event::Start(id));
            }
            Effect::Exit => {
                self.say(|| format!("server {life} leaves"));
                self.stop(id);
                self.nodes.get_mut(&id).expect("configured").left = true;
                let delay = self.rng.u64(10..3000) * MS;
                self.at(delay, Event::Start(id));
            }
            Effect::Note(note) => {
                if matches!(note, boxoffice::protocol::engine::Note::Activated { .. }) {
                    self.report.views += 1;
                }
                if let boxoffice::protocol::engine::Note::Nonsense { from, what } = &note {
                    return Err(format!("server {life} takes what {from} says for nonsense: {what}"));
                }
                self.say(|| format!("server {life}: {note:?}"));
            }
            effect => {
                if let Effect::Report { shared, lost_view, offers } = &effect {
                    self.say(|| {
                        format!(
                            "server {life} gives up {} changes of {lost_view} after {shared}",
                            offers.len()
                        )
                    });
                }
                return self.carry_to_disk(id, life, effect);
            }
        }
        Ok(())
    }

    pub(super) fn carry_to_disk(&mut self, id: u8, life: Member, effect: Effect<State>) -> Checked {
        if matches!(effect, Effect::Adopt { .. }) {
            self.report.snapshots += 1;
        }
        let slow = self.nodes[&id].slow_disk;
        let running = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()).expect("running");
        let carried = running.persister.carry(effect).map_err(|error| format!("server {life}: {error}"))?;
        let sync_needed = !running.sync_pending;
        running.sync_pending = true;
        let due = running.persister.log_bytes_since_snapshot() > 12_000;
        match carried {
            Carried::Done => {}
            Carried::Input(input) => self.at(50, Event::Input(id, life, Box::new(input))),
            Carried::Job(job) => {
                let delay = self.rng.u64(1..30) * MS;
                self.at(delay, Event::Job(id, life, Box::new(job)));
            }
        }
        if sync_needed {
            let delay = if slow { self.rng.u64(1..800) * MS } else { self.rng.u64(50..3 * MS) };
            self.at(delay, Event::Sync(id, life));
        }
        if due && self.rng.u32(0..20) == 0 {
            self.at(10, Event::Input(id, life, Box::new(Input::SnapshotDue)));
        }
        Ok(())
    }

    pub(super) fn sync(&mut self, id: u8, life: Member) -> Checked {
        if !self.is_life(id, life) {
            return Ok(());
        }
        let running = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()).expect("running");
        running.sync_pending = false;
        let lsn = running.persister.sync().map_err(|error| format!("server {life}: {error}"))?;
        let more = running.persister.prepare().map_err(|error| format!("server {life}: {error}"))?;
        let _ = more;
        self.input(id, life, Input::Durable { lsn })
    }

    pub(super) fn job(&mut self, id: u8, life: Member, job: Job<SimDisk, State>) -> Checked {
        if !self.is_life(id, life) {
            return Ok(());
        }
        let result = job.run().map_err(|error| format!("server {life}: {error}"))?;
        let running = self.nodes.get_mut(&id).and_then(|n| n.running.as_mut()).expect("running");
        let input = running.persister.finish(result).map_err(|error| format!("server {life}: {error}"))?;
        self.input(id, life, input)
    }

    /// The process ends in an orderly way, or starts over: what it wrote is the system's, what it held is gone.
    pub(super) fn stop(&mut self, id: u8) {
        self.nodes.get_mut(&id).expect("configured").running = None;
        let pairs: Vec<Pair> =
            self.net.connected.keys().copied().filter(|p| p.0 == id || p.1 == id).collect();
        for pair in pairs {
            self.disconnect(pair);
        }
    }

    pub(super) fn crash(&mut self, id: u8) -> Checked {
        self.say(|| format!("server {id} crashes"));
        self.report.crashes += 1;
        self.stop(id);
        let mut rng = self.rng.fork();
        self.nodes[&id].disk.crash(&mut rng);
        let delay = self.rng.u64(10..6000) * MS;
        self.at(delay, Event::Start(id));
        Ok(())
    }

    pub(super) fn resume(&mut self, id: u8) -> Checked {
        let node = self.nodes.get_mut(&id).expect("configured");
        if node.paused_until > self.now {
            return Ok(());
        }
        let backlog = std::mem::take(&mut node.backlog);
        let Some(life) = node.running.as_ref().map(|r| r.life) else { return Ok(()) };
        self.say(|| format!("server {life} resumes with {} inputs", backlog.len()));
        self.at(0, Event::Tick(id, life));
        for input in backlog {
            self.input(id, life, input)?;
        }
        Ok(())
    }
}
