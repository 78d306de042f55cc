//! Disks: synced after a while, slow, full, failing, replaced.

use super::links::Ending;
use super::*;
use crate::simulator::node::Trouble;
use boxoffice::replication::persister::Carried;
use boxoffice::replication::stoppable::Stop;
use boxoffice::storage::SimDisk;

/// Between two requests for a snapshot.
const SNAPSHOT_PAUSE_US: u64 = 100 * MS;
/// What the operator raises the limit on disk use to.
const DISK_BYTES_RAISED: u64 = 64 << 20;

impl World {
    pub(super) fn sync(&mut self, id: u8, life: Member) -> Checked {
        let hangs_until = self.node(id).disk_hangs_until;
        let now = self.now;
        let Some(running) = self.running_mut(life) else { return Ok(()) };
        if hangs_until > now {
            self.agenda.plan(hangs_until, Event::Sync(id, life));
            return Ok(());
        }
        (running.sync_planned, running.sync_soon) = (false, false);
        if !std::mem::take(&mut running.unsynced) {
            return Ok(());
        }
        let before = running.durable;
        let lsn = match running.persister.sync() {
            Ok(lsn) => lsn,
            Err(error) => return self.disk_failed(id, &error.to_string()),
        };
        running.durable = lsn;
        let prepared = running.persister.prepare();
        // It reached the disk, whatever comes of the next file.
        if lsn > before {
            self.node_mut(id).unproven = lsn - before;
        }
        match prepared {
            Err(error) if error.is_fatal() => return self.disk_failed(id, &error.to_string()),
            // No room yet: the log goes on in the file that it has.
            Ok(_) | Err(_) => {}
        }
        self.input(id, life, Input::Durable { lsn })?;
        let log_bytes_max = self.profile.snapshot_log_bytes;
        let Some(running) = self.running_mut(life) else { return Ok(()) };
        let may_ask = running.snapshot_asked + SNAPSHOT_PAUSE_US < now;
        if may_ask && running.persister.is_snapshot_due(log_bytes_max) {
            running.snapshot_asked = now;
            self.input(id, life, Input::SnapshotDue)?;
        }
        Ok(())
    }

    /// What carrying an effect out came to.
    pub(super) fn follow_up(&mut self, id: u8, life: Member, carried: Carried<SimDisk, State>) {
        match carried {
            Carried::Done => {}
            Carried::Input(input) => self.at(50, Event::Input(id, life, Box::new(input))),
            Carried::Job(job) => {
                let delay = self.rng.u64(1..30) * MS;
                let running = self.running_mut(life).expect("it runs");
                running.next_job += 1;
                let number = running.next_job;
                running.jobs.insert(number, job);
                self.at(delay, Event::Job(id, life, number));
            }
        }
    }

    pub(super) fn job(&mut self, id: u8, life: Member, number: u64) -> Checked {
        let Some(running) = self.running_mut(life) else { return Ok(()) };
        let Some(job) = running.jobs.remove(&number) else { return Ok(()) };
        let input = match job.run(&Stop::default()) {
            Ok(result) => running.persister.finish(result),
            Err(error) if !error.is_fatal() => Ok(Input::SnapshotFailed),
            Err(error) => Err(error),
        };
        match input {
            Ok(input) => self.input(id, life, input),
            Err(error) => self.disk_failed(id, &error.to_string()),
        }
    }

    /// An error of the disk ends the process.
    pub(super) fn disk_failed(&mut self, id: u8, why: &str) -> Checked {
        self.say(|_| format!("server {id} ends: {why}"));
        let node = self.node(id);
        let limit = node.running.as_ref().map_or(DISK_BYTES_RAISED, |running| running.disk_bytes_max);
        match node.trouble {
            Trouble::None if limit == DISK_BYTES_RAISED => {
                return Err(format!("server {id} ends although its disk is well: {why}"));
            }
            Trouble::None | Trouble::Space => {
                self.report.count("ends for want of space");
                self.end(id, Ending::Kill);
                self.make_room(id);
            }
            Trouble::Power => {
                self.report.count("power cuts between disk operations");
                self.end(id, Ending::PowerCut);
            }
            Trouble::Sync => {
                self.report.count("failed syncs");
                let node = self.node_mut(id);
                // It may have been its limit of space that ended it before.
                node.disk.fail_sync_after(u64::MAX);
                node.trouble = Trouble::None;
                self.end(id, Ending::Kill);
            }
        }
        Ok(())
    }

    /// The operator makes room, raises the limit, and looks at the cables.
    pub(super) fn make_room(&mut self, id: u8) {
        let node = self.node_mut(id);
        node.disk.limit_space(None);
        node.disk.fail_sync_after(u64::MAX);
        node.disk_bytes_max = DISK_BYTES_RAISED;
        node.trouble = Trouble::None;
    }

    /// The server gets an empty disk, and comes back later than any life before.
    pub(super) fn replace_disk(&mut self, id: u8) {
        self.say(|_| format!("server {id} gets an empty disk"));
        self.report.count("disks replaced");
        let wall_s = wall_ms(self.now) / 1_000;
        let node = self.node_mut(id);
        node.disk = SimDisk::new();
        node.lost = true;
        node.damaged = false;
        node.trouble = Trouble::None;
        let wait_s = (node.incarnation + 1).saturating_sub(wall_s);
        let delay = self.rng.u64(10..2000) * MS + wait_s * 1_000 * MS;
        self.plan_start(id, delay);
    }
}
