//! What must hold after every step and at the end.

use super::*;

impl World {
    /// Whatever a server executes at a position is what every other one executes there.
    pub(super) fn check_execution(&mut self, id: u8) -> Checked {
        let Some(Running { engine, checked, life, .. }) =
            self.nodes.get_mut(&id).and_then(|n| n.running.as_mut())
        else {
            return Ok(());
        };
        if self.kind == WorldKind::Partition {
            return Ok(());
        }
        for position in *checked + 1..=engine.position() {
            let digest = engine.digest_at(position);
            match (self.history.get(position as usize), digest) {
                (Some((known, _)), Some(digest)) if *known != digest => {
                    return Err(format!("server {life} executed something else at {position}"));
                }
                (Some(_), _) => {}
                (None, Some(digest)) => {
                    let request = engine.request_at(position).expect("as recent as its digest");
                    for command in batch::commands(&request.batch) {
                        self.model.execute(&command.map_err(|e| e.to_string())?, position);
                    }
                    self.history.push((digest, self.model.free()));
                }
                (None, None) => {
                    return Err(format!(
                        "server {life} jumped to position {position}, which nobody executed"
                    ));
                }
            }
        }
        *checked = engine.position();
        Ok(())
    }

    pub(super) fn is_settled(&self) -> bool {
        let idle = self.clients.iter().all(|c| c.current.is_none());
        let mut digests = BTreeSet::new();
        for node in self.nodes.values() {
            let Some(running) = &node.running else { return false };
            let Some(view) = running.engine.active_view() else { return false };
            if view.members.len() != self.nodes.len() || running.engine.status().offers > 0 {
                return false;
            }
            digests.insert((running.engine.position(), running.engine.digest()));
        }
        idle && digests.len() == 1
    }

    pub(super) fn finish(mut self) -> Result<Report, String> {
        let mut unsettled = String::new();
        for node in self.nodes.values() {
            unsettled += &String::from_utf8_lossy(&node.disk.read(CONFLICTS_FILE).unwrap_or_default());
        }
        let names = std::mem::take(&mut self.promised_names);
        for node in self.nodes.values() {
            let machine = node.running.as_ref().expect("settled").engine.machine();
            machine.check()?;
            if self.kind == WorldKind::Partition {
                for (name, seats) in &names {
                    let Answer::Search { seats: held, .. } =
                        machine.query(&Query::Search { name: name.clone() })
                    else {
                        return Err("an answer of the wrong kind".into());
                    };
                    if held.as_ref() != Some(seats) && !unsettled.contains(&format!("\"{name}\"")) {
                        return Err(format!(
                            "{name} was told {seats:?}, has {held:?}, and no report says so"
                        ));
                    }
                }
            } else if free_seats(machine) != self.model.free() {
                return Err("the seat map is not the model's".into());
            }
        }
        Ok(self.report)
    }

    pub(super) fn picture(&self) -> String {
        let mut text = String::new();
        for node in self.nodes.values() {
            match &node.running {
                None => text += &format!("\n  server {}: down", node.id),
                Some(r) => {
                    let status = r.engine.status();
                    let members: Vec<String> = status.members.iter().map(|m| m.to_string()).collect();
                    let peers: Vec<String> = status
                        .peers
                        .iter()
                        .map(|p| {
                            format!(
                                "{}:{}{}",
                                p.server,
                                if p.linked { "linked" } else { "-" },
                                if p.suspected { ",suspected" } else { "" }
                            )
                        })
                        .collect();
                    text += &format!(
                        "\n  server {}: {:?} view {} {members:?} position {} {peers:?} {:?}",
                        r.life, status.standing, status.view, status.position, status.waiting_for
                    );
                }
            }
        }
        for client in &self.clients {
            text += &format!(
                "\n  client {}: {} attempts at {:?}",
                client.id,
                client.attempts,
                client.current.as_ref().map(|op| op.sent_at)
            );
        }
        text
    }
}
