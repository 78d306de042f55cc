//! What clients send, and what they may be told.

use super::*;

impl World {
    pub(super) fn client_sends(&mut self, client: usize) -> Checked {
        let (number, floor, now) = (self.next_token, self.floor, self.now);
        self.next_token += 1;
        let servers = self.nodes.len() as u8;
        let done = self.healed;
        let unique = self.kind == WorldKind::Partition;
        let rng = &mut self.rng;
        let state = &mut self.clients[client];
        if state.current.is_none() {
            if done {
                return Ok(());
            }
            let mut op = state.next_op(rng, number, floor, now);
            if let (true, OpKind::Command(command)) = (unique, &mut op.kind) {
                let name: Name = format!("u{}-{}", state.id, state.sequence).parse().expect("a name");
                command.operation = match &command.operation {
                    Operation::ReserveSeats { seats, .. } => {
                        Operation::ReserveSeats { name, seats: seats.clone() }
                    }
                    _ => Operation::Reserve { name, count: 1 },
                };
            }
            state.current = Some(op);
        }
        state.server = if state.attempts == 0 || rng.u32(0..3) == 0 {
            rng.u8(1..=servers)
        } else {
            state.server % servers + 1
        };
        state.attempts += 1;
        let (attempt, server) = (state.attempts, state.server);
        let op = state.current.clone().expect("set above");
        let token = self.next_token;
        self.next_token += 1;
        self.tokens.insert(token, (client, op.number));
        let delay = self.rng.u64(30..2 * MS);
        if let Some(life) = self.nodes[&server].running.as_ref().map(|r| r.life) {
            let input = match &op.kind {
                OpKind::Command(command) => Input::Submit { token, command: batch::encode(command).into() },
                OpKind::Read => Input::Read { token },
            };
            self.at(delay, Event::Input(server, life, Box::new(input)));
        }
        let patience = self.rng.u64(300..2500) * MS;
        self.at(patience, Event::Timeout(client, attempt));
        Ok(())
    }

    pub(super) fn reply(&mut self, token: u64, reply: Reply) {
        let Some((client, op)) = self.tokens.remove(&token) else { return };
        let delay = self.rng.u64(30..2 * MS);
        self.at(delay, Event::Answer(client, op, reply));
    }

    pub(super) fn client_hears(&mut self, client: usize, number: u64, reply: Reply) -> Checked {
        let Some(op) = self.clients[client].current.clone().filter(|op| op.number == number) else {
            return Ok(());
        };
        if let Reply::Refused = reply {
            return Ok(());
        }
        let position = match (&op.kind, reply) {
            (OpKind::Command(command), Reply::Outcome(outcome)) => {
                self.report.answered += 1;
                self.say(|| format!("client {client} is told {outcome:?} for {command:?}"));
                if let Outcome::Reserved { name, seats } = &outcome {
                    self.promised_names.insert(name.clone(), seats.clone());
                }
                if self.kind == WorldKind::Partition {
                    0
                } else {
                    let known = self.model.outcomes.get(&(command.session, command.sequence));
                    let (expected, position) = known
                        .ok_or_else(|| format!("{command:?} was answered {outcome:?} and never executed"))?;
                    if *expected != outcome {
                        return Err(format!(
                            "{command:?} was answered {outcome:?}, its execution gave {expected:?}"
                        ));
                    }
                    *position
                }
            }
            (OpKind::Read, Reply::Read(position, free)) => {
                self.report.reads += 1;
                if self.kind == WorldKind::Partition {
                    0
                } else {
                    let known = self
                        .history
                        .get(position as usize)
                        .ok_or("a read saw a position that nobody executed")?;
                    if known.1 != free {
                        return Err(format!(
                            "a read at {position} saw {free:?}, the model has {:?}",
                            known.1
                        ));
                    }
                    position
                }
            }
            _ => return Err("an answer of the wrong kind".into()),
        };
        if position < op.floor {
            return Err(format!(
                "client {client}: an operation sent after position {} was answered took effect at {position}",
                op.floor
            ));
        }
        self.floor = self.floor.max(position);
        let state = &mut self.clients[client];
        state.current = None;
        state.attempts = 0;
        let pause = self.rng.u64(0..60 * MS);
        self.at(pause, Event::Send(client));
        Ok(())
    }
}
