//! Servers: started, stepped, ended between any two effects, paused.

use super::links::Ending;
use super::*;
use crate::simulator::node::{NotStarted, Parts, Trouble};
use boxoffice::protocol::engine::{Note, Restart};
use boxoffice::protocol::record::Record;

/// How long marks of execution wait for something that must be synced; a server's wait for its next tick.
const MARKS_WAIT_US: u64 = 20 * MS;

impl World {
    pub(super) fn plan_start(&mut self, id: u8, delay: u64) {
        let node = self.node_mut(id);
        node.start_plan += 1;
        let plan = node.start_plan;
        self.at(delay, Event::Start(id, plan));
    }

    pub(super) fn start(&mut self, id: u8, plan: u64) -> Checked {
        if self.node(id).start_plan != plan || self.node(id).running.is_some() || !self.viable.contains(&id) {
            return Ok(());
        }
        let settings = Settings { seed: self.rng.u64(..), ..self.settings.clone() };
        let incarnation_min = wall_ms(self.now) / 1_000;
        let node = self.node(id);
        let mut opened = node.open(&node.disk, &settings, &self.profile, incarnation_min);
        if let Err(NotStarted::Damaged(why)) = &opened {
            if node.trouble != Trouble::None {
                return self.refuses_to_start(id, why);
            }
            if !node.damaged {
                return Err(format!("server {id} finds damage that nobody did: {why}"));
            }
            self.say(|_| format!("server {id} sets its log aside: {why}"));
            self.report.count("damaged logs set aside");
            if let Err(refusal) = self.node(id).set_aside(why) {
                return self.refuses_to_start(id, &refusal);
            }
            let node = self.node_mut(id);
            node.lost = true;
            opened = self.node(id).open(&self.node(id).disk, &settings, &self.profile, incarnation_min);
        }
        match opened {
            Ok(parts) => self.started(id, parts),
            Err(why @ NotStarted::Nonsense(_)) => Err(format!("server {id} could not start again: {why}")),
            Err(why) => self.refuses_to_start(id, &why.to_string()),
        }
    }

    fn started(&mut self, id: u8, parts: Parts) -> Checked {
        let others: Vec<u8> = self.ids().into_iter().filter(|&other| other != id).collect();
        let queue_bytes_max = self.profile.peer_queue_bytes_max;
        let node = self.node_mut(id);
        node.damaged = false;
        node.run(parts, &others, queue_bytes_max);
        let running = node.running.as_ref().expect("just started");
        let (life, position, digest) = (running.life, running.engine().position(), running.engine().digest());
        self.judge.on_start(life, position, digest)?;
        self.say(|_| format!("server {life} starts at position {position}"));
        self.at(1, Event::Tick(id, life));
        for other in others.into_iter().filter(|&other| other < id) {
            self.at(self.now % 50, Event::Dial(Self::pair(id, other), life));
        }
        Ok(())
    }

    /// The server ended with an error that its operator reads.
    fn refuses_to_start(&mut self, id: u8, why: &str) -> Checked {
        self.say(|_| format!("server {id} does not start: {why}"));
        match self.node(id).trouble {
            Trouble::Power => self.end(id, Ending::PowerCut),
            Trouble::Sync | Trouble::Space => {
                self.make_room(id);
                let delay = self.rng.u64(10..2000) * MS;
                self.plan_start(id, delay);
            }
            Trouble::None if self.node(id).damaged => {
                self.report.count("refusals to start on a damaged directory");
                self.replace_disk(id);
            }
            Trouble::None => return Err(format!("server {id} cannot open its disk: {why}")),
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, id: u8, life: Member) -> Checked {
        if self.running(life).is_none() || self.node(id).is_paused(self.now) {
            return Ok(());
        }
        let tick_us = self.profile.limits.tick_ms * MS;
        let delay = self.rng.u64(tick_us * 9 / 10..tick_us * 12 / 10);
        self.at(delay, Event::Tick(id, life));
        self.input(id, life, Input::Tick)?;
        self.watch_wires(life)?;
        if self.node(id).slow && self.rng.u32(0..4) == 0 {
            let length = self.rng.u64(10..120) * MS;
            self.stand_still(id, length);
        }
        Ok(())
    }

    pub(super) fn input(&mut self, id: u8, life: Member, input: Input<State>) -> Checked {
        if self.running(life).is_none() {
            return Ok(());
        }
        self.step(id, input)?;
        if self.rng.u32(0..10) < 7 && self.running(life).is_some() {
            self.step(id, Input::Drained)?;
        }
        Ok(())
    }

    fn step(&mut self, id: u8, input: Input<State>) -> Checked {
        let now = self.node(id).clock(self.now);
        let mut effects = std::mem::take(&mut self.effects);
        let node = &mut self.nodes[usize::from(id) - 1];
        let Some(running) = node.running.as_mut() else { return Ok(()) };
        let before = running.checked.1;
        running.step(now, input, &mut effects);
        self.judge.on_step(running)?;
        let (life, position) = (running.life, running.checked.0);
        self.mark(position ^ (effects.len() as u64) << 32);
        let end_at = self.choose_end(&effects);
        let count = effects.len();
        for (at, effect) in effects.drain(..).enumerate() {
            if end_at == Some(at) && self.may_crash(id) {
                self.say(|_| format!("server {life} loses power before {effect:?}"));
                self.report.count("power cuts between effects");
                self.end(id, Ending::PowerCut);
                break;
            }
            if let Effect::Report { shared, .. } = &effect {
                self.judge.promises.gave_up(before, *shared);
            }
            self.carry(id, life, effect)?;
            if self.running(life).is_none() {
                break;
            }
        }
        self.effects = effects;
        self.effects.clear();
        if end_at == Some(count) && self.may_crash(id) && self.running(life).is_some() {
            self.say(|_| format!("server {life} loses power before anything is synced"));
            self.report.count("power cuts between effects");
            self.end(id, Ending::PowerCut);
        }
        Ok(())
    }

    /// Before which of these effects power goes, or behind the last of them, if it does.
    fn choose_end(&mut self, effects: &[Effect<State>]) -> Option<usize> {
        let count = effects.len();
        if let Some(left) = &mut self.crash_in_change
            && effects.iter().any(is_of_a_change)
        {
            if *left == 0 {
                self.crash_in_change = None;
                return Some(self.rng.usize(0..=count));
            }
            *left -= 1;
        }
        let left = self.crash_after.as_mut()?;
        if (*left as usize) < count {
            return self.crash_after.take().map(|left| left as usize);
        }
        *left -= count as u32;
        None
    }

    fn carry(&mut self, id: u8, life: Member, effect: Effect<State>) -> Checked {
        match effect {
            Effect::Send { to, message } => self.send(life, to, message),
            Effect::Answer { token, outcome } => self.answer(life, token, outcome)?,
            Effect::Refuse { token, .. } => self.reply(token, Reply::Refused),
            Effect::ServeRead { token } => self.serve_read(life, token)?,
            Effect::Restart { why } => {
                self.say(|_| format!("server {life} starts over: {why:?}"));
                self.report.count("lives begun anew");
                if let Restart::Diverged { position } = why {
                    return Err(format!("invariant 2: server {life} has diverged at {position}"));
                }
                self.end(id, Ending::Orderly);
                self.plan_start(id, MS);
            }
            Effect::Exit => {
                self.say(|_| format!("server {life} has left"));
                self.end(id, Ending::Orderly);
                let delay = self.rng.u64(10..3000) * MS;
                self.plan_start(id, delay);
            }
            Effect::Note(note) => self.hear_note(life, note)?,
            effect => self.carry_to_disk(id, life, effect)?,
        }
        Ok(())
    }

    fn hear_note(&mut self, life: Member, note: Note) -> Checked {
        self.say(|_| format!("server {life}: {note:?}"));
        if let Note::CatchingUp { from, .. } = &note {
            self.say(|world| world.lineages(life, from.0));
        }
        match note {
            Note::Activated { view, members, position } => {
                self.report.count("views activated");
                self.node_mut(life.server.0).lost = false;
                self.judge.on_activated(life, view, &members, position)
            }
            Note::Nonsense { from, what } => {
                Err(format!("server {life} takes what {from} says for nonsense: {what}"))
            }
            Note::DigestMismatch { peer, position, ours, theirs } => {
                Err(format!("invariant 2: server {life} has {ours} at {position}, server {peer} {theirs}"))
            }
            Note::Suspected { .. }
            | Note::Left { .. }
            | Note::Proposing { .. }
            | Note::Abandoned { .. }
            | Note::CatchingUp { .. }
            | Note::Waiting { .. }
            | Note::Overridden { .. } => Ok(()),
        }
    }

    /// What a server that catches up and its donor descend from: where that is read wrongly, all goes wrong.
    fn lineages(&self, life: Member, donor: u8) -> String {
        let text = |running: &Running| {
            let descents = running.engine().lineage().views().iter().map(|descent| {
                let kept: Vec<u64> = descent.kept.iter().map(|digest| digest.0 % 1_000).collect();
                format!(" {}:{}..{}{kept:?}", descent.view, descent.decided, descent.top)
            });
            descents.collect::<String>()
        };
        let mine = self.running(life).map(text).unwrap_or_default();
        let theirs = self.node(donor).running.as_ref().map(text).unwrap_or_default();
        format!("  lineage of {life}:{mine}\n             of its donor:{theirs}")
    }

    /// The process ends; what becomes of its disk and connections fits the way it ends.
    pub(super) fn end(&mut self, id: u8, ending: Ending) {
        let mut rng = self.rng.fork();
        let node = self.node_mut(id);
        let life = node.life();
        if let Some(running) = &mut node.running
            && ending == Ending::Orderly
        {
            // The log's thread writes what it was given; where the disk does not let it, that is lost like in a crash.
            let _ = running.persister.sync();
        }
        if let Some(running) = &mut node.running
            && ending == Ending::PowerCut
            && running.unsynced
            && rng.bool()
        {
            // The log was being written when power went: some sectors of it have reached the disk.
            node.disk.power_off_after(1);
            let _ = running.persister.sync();
        }
        node.running = None;
        node.backlog.clear();
        node.paused_until = 0;
        if ending == Ending::PowerCut {
            node.disk.crash(&mut rng);
            node.trouble = Trouble::None;
        }
        if let Some(life) = life {
            self.end_connections(life, ending);
        }
        if ending != Ending::Orderly {
            self.say(|_| format!("server {id} ends: {ending:?}"));
            let delay = self.rng.u64(10..6000) * MS;
            self.plan_start(id, delay);
        }
    }

    pub(super) fn stand_still(&mut self, id: u8, length: u64) {
        let until = self.now + length;
        let node = self.node_mut(id);
        if until > node.paused_until {
            node.paused_until = until;
            self.at(length, Event::Resume(id));
        }
    }

    pub(super) fn resume(&mut self, id: u8) -> Checked {
        let now = self.now;
        let node = self.node_mut(id);
        if node.paused_until > now {
            return Ok(());
        }
        let backlog = std::mem::take(&mut node.backlog);
        let Some(running) = node.running.as_mut() else { return Ok(()) };
        let life = running.life;
        // A read that waits and a timer that has run out at the same time: the read is first.
        for wire in running.links.values_mut().filter_map(|link| link.wire.as_mut()) {
            wire.heard_at = now;
        }
        self.tick(id, life)?;
        for event in backlog {
            self.handle(event)?;
        }
        Ok(())
    }

    fn carry_to_disk(&mut self, id: u8, life: Member, effect: Effect<State>) -> Checked {
        let mut is_mark = false;
        match &effect {
            Effect::Append { lsn, record: Record::Request(request) } => {
                let key = (request.view, request.timestamp);
                let lsn = *lsn;
                self.running_mut(life).expect("it runs").logged.insert(key, lsn);
            }
            Effect::Append { lsn, record: Record::Install(install) } => {
                let keys = install.kept.iter().map(|entry| (entry.request.view, entry.request.timestamp));
                let logged = &mut self.running_mut(life).expect("it runs").logged;
                for key in keys {
                    // One that it has had for longer stays where it is.
                    logged.entry(key).or_insert(*lsn);
                }
            }
            Effect::Append { record: Record::Executed { view, timestamp, .. }, .. } => {
                is_mark = true;
                let key = (*view, *timestamp);
                self.running_mut(life).expect("it runs").logged.remove(&key);
            }
            Effect::Adopt { .. } => self.report.count("snapshots adopted"),
            Effect::Report { shared, lost_view, offers } => {
                let count = offers.len();
                self.report.count("conflict reports");
                self.say(|_| format!("server {life} gives up {count} changes of {lost_view} after {shared}"));
            }
            _ => {}
        }
        let appended = if let Effect::Append { lsn, .. } = &effect { *lsn } else { 0 };
        let running = self.running_mut(life).expect("it runs");
        // What is not synced may stay on the disk all the same.
        let unsynced = appended.saturating_sub(running.durable);
        let carried = running.persister.carry(effect);
        running.unsynced = true;
        let node = self.node_mut(id);
        node.unproven = node.unproven.max(unsynced);
        let carried = match carried {
            Ok(carried) => carried,
            Err(error) => return self.disk_failed(id, &error.to_string()),
        };
        self.plan_sync(id, life, is_mark);
        self.follow_up(id, life, carried);
        Ok(())
    }

    fn plan_sync(&mut self, id: u8, life: Member, is_mark: bool) {
        let slow = self.node(id).slow_disk;
        let running = self.running(life).expect("it runs");
        let (planned, soon) = (running.sync_planned, running.sync_soon);
        let delay = match (is_mark, soon) {
            (_, true) => return,
            (true, false) if planned => return,
            (true, false) => MARKS_WAIT_US,
            (false, false) if slow => self.rng.u64(1..800) * MS,
            (false, false) => self.rng.u64(50..3 * MS),
        };
        let running = self.running_mut(life).expect("it runs");
        running.sync_planned = true;
        running.sync_soon = !is_mark;
        self.at(delay, Event::Sync(id, life));
    }
}

/// Whether it belongs to a change of view.
fn is_of_a_change(effect: &Effect<State>) -> bool {
    match effect {
        Effect::Send { message, .. } => matches!(
            message,
            Message::Prepare { .. }
                | Message::Promise { .. }
                | Message::Install(_)
                | Message::Installed { .. }
                | Message::Activate { .. }
        ),
        Effect::Append { record, .. } => matches!(record, Record::Promise(_) | Record::Install(_)),
        _ => false,
    }
}
