//! What clients send, and what they may be told.

use super::*;
use crate::simulator::client::{Found, Op, OpKind};
use crate::simulator::errands;
use boxoffice::domain::command::Query;
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::outcome::{Answer, Outcome};

/// After so many attempts a client asks each server in turn, as real ones do: where one of seven lives, somebody who only goes
/// on at random can miss it for longer than anything may take (seed 196170152444509 of `any`, 34 times).
const RANDOM_ATTEMPTS_MAX: u64 = 14;

impl World {
    /// A client sends what it has under way in this slot, or something new.
    pub(super) fn client_sends(&mut self, client: usize, slot: usize) -> Checked {
        if self.clients[client].slots[slot].is_none() {
            if self.healed {
                return Ok(());
            }
            let Some(op) = self.next_op(client) else {
                self.at(50 * MS, Event::Send { client, slot });
                return Ok(());
            };
            self.clients[client].slots[slot] = Some(op);
        }
        let servers = self.profile.servers;
        let state = &mut self.clients[client];
        let op = state.slots[slot].as_mut().expect("set above");
        if op.attempts < RANDOM_ATTEMPTS_MAX && self.rng.u32(0..4) == 0 {
            state.server = self.rng.u8(1..=servers);
        } else if op.attempts > 0 {
            state.server = state.server % servers + 1;
        }
        op.attempts += 1;
        let (attempt, number, server, kind) = (op.attempts, op.number, state.server, op.kind.clone());
        let what = match &kind {
            OpKind::Command(command, _) => AskedFor::Command((command.session, command.sequence)),
            OpKind::ReadFree => AskedFor::Free,
            OpKind::ReadName(name) => AskedFor::Name(name.clone()),
        };
        self.asked.push(Asked { client, slot, number, what });
        let token = self.asked.len() as u64;
        let delay = self.latency();
        if let Some(life) = self.node(server).life() {
            let input = match kind {
                OpKind::Command(_, bytes) => Input::Submit { token, command: bytes },
                OpKind::ReadFree | OpKind::ReadName(_) => Input::Read { token },
            };
            self.at(delay, Event::Input(server, life, Box::new(input)));
        }
        let patience = self.rng.u64(300..2500) * MS;
        self.at(patience, Event::Timeout { client, slot, attempt: number << 20 | attempt });
        Ok(())
    }

    fn next_op(&mut self, client: usize) -> Option<Op> {
        let session = match self.clients[client].session {
            Some(session) => session,
            None => self.begin_session(client)?,
        };
        let rng = &mut self.rng;
        let state = &mut self.clients[client];
        let kind = match self.kind {
            WorldKind::Any | WorldKind::Majority => state.next_kind(rng, &self.profile, session),
            WorldKind::Partition => state.next_own_kind(rng, &self.profile, session, client),
        };
        if let OpKind::Command(command, _) = &kind {
            self.judge.promises.sent(command);
        }
        self.next_op += 1;
        let call = self.history.as_mut().and_then(|history| history.ask(client, &kind, self.now));
        let (number, floor, sent_at) = (self.next_op, self.judge.floor(), self.now);
        Some(Op { number, kind, floor, sent_at, attempts: 0, call })
    }

    /// A session is born at the state's time that some server tells in its hello.
    fn begin_session(&mut self, client: usize) -> Option<SessionId> {
        let up: Vec<u64> = self
            .nodes
            .iter()
            .filter_map(|node| node.running.as_ref().map(|running| running.engine().machine().time_ms()))
            .collect();
        if up.is_empty() {
            return None;
        }
        let session = SessionId { birth_ms: up[self.rng.usize(0..up.len())], random: self.rng.u64(..) };
        self.clients[client].session = Some(session);
        self.clients[client].sequence = 0;
        Some(session)
    }

    pub(super) fn client_times_out(&mut self, client: usize, slot: usize, attempt: u64) -> Checked {
        let op = self.clients[client].slots[slot].as_ref();
        if op.is_some_and(|op| op.number << 20 | op.attempts == attempt) {
            self.report.count("retries");
            self.client_sends(client, slot)?;
        }
        Ok(())
    }

    pub(super) fn reply(&mut self, token: u64, reply: Reply) {
        let Asked { client, slot, number, .. } = self.asked[token as usize - 1];
        let delay = self.latency();
        self.at(delay, Event::Answer { client, slot, number, reply: Box::new(reply) });
    }

    /// A server answers a command.
    pub(super) fn answer(&mut self, life: Member, token: u64, outcome: Outcome) -> Checked {
        let AskedFor::Command(key) = self.asked[token as usize - 1].what else {
            return Err("an answer of the wrong kind".into());
        };
        let running = self.nodes[usize::from(life.server.0) - 1].running.as_ref().expect("it answers");
        let position = self.judge.on_answer(running, &self.nodes, key, &outcome)?;
        self.say(|_| format!("server {life} answers {key:?}: {outcome:?}"));
        self.reply(token, Reply::Outcome(outcome, position));
        Ok(())
    }

    /// A server serves a read.
    pub(super) fn serve_read(&mut self, life: Member, token: u64) -> Checked {
        let what = self.asked[token as usize - 1].what.clone();
        let engine = self.running(life).expect("it answers").engine();
        let machine = engine.machine();
        let (found, position) = match &what {
            AskedFor::Free => (Found::Free(free_bits(machine)), engine.position()),
            AskedFor::Name(name) => {
                let Answer::Search { seats, .. } = machine.query(&Query::Search { name: name.clone() })
                else {
                    return Err("an answer of the wrong kind".into());
                };
                (Found::Held(seats.unwrap_or_default()), engine.position())
            }
            AskedFor::Command(_) => return Err("a read for a command".into()),
        };
        let name = match what {
            AskedFor::Name(name) => Some(name),
            AskedFor::Free | AskedFor::Command(_) => None,
        };
        self.judge.on_read(engine, name.as_ref(), &found)?;
        self.reply(token, Reply::Read(position, found));
        Ok(())
    }

    pub(super) fn client_hears(&mut self, client: usize, slot: usize, number: u64, reply: Reply) -> Checked {
        let op = self.clients[client].slots[slot].as_ref().filter(|op| op.number == number);
        let Some(op) = op.cloned() else { return Ok(()) };
        match (&op.kind, &reply) {
            (_, Reply::Refused) => {
                // Another server may take it.
                let delay = self.rng.u64(1..60) * MS;
                let attempt = op.number << 20 | op.attempts;
                self.at(delay, Event::Timeout { client, slot, attempt });
                return Ok(());
            }
            (OpKind::Command(command, _), Reply::Outcome(outcome, position)) => {
                self.report.answered += 1;
                self.say(|_| format!("client {client} is told {outcome:?}"));
                if let (Some(history), Some(call)) = (&mut self.history, op.call) {
                    history.outcome(call, outcome, self.now)?;
                }
                self.judge.promises.told(outcome, command);
                match position {
                    Some(position) => self.judge.on_heard(op.floor, *position)?,
                    None => {
                        self.report.count("commands whose session was forgotten");
                        if self.clients[client].session == Some(command.session) {
                            self.clients[client].session = None;
                        }
                    }
                }
                let is_own = self.kind == WorldKind::Partition;
                if let Outcome::Events(outcome) = outcome {
                    self.clients[client].hears(outcome, is_own);
                    if let Some(deed) = errands::deed(outcome) {
                        *self.report.deeds.entry(deed).or_default() += 1;
                    }
                    let what =
                        if outcome.is_success() { "deeds about events" } else { "refusals about events" };
                    self.report.count(what);
                }
                if let (true, Outcome::Reserved { name, .. }) = (is_own, outcome) {
                    self.clients[client].own_names.push(name.clone());
                }
            }
            (OpKind::ReadFree | OpKind::ReadName(_), Reply::Read(position, found)) => {
                self.report.reads += 1;
                if let (Some(history), Some(call)) = (&mut self.history, op.call) {
                    history.found(call, found, self.now);
                }
                self.judge.on_heard(op.floor, *position)?;
            }
            (OpKind::Command(..), Reply::Read(..))
            | (OpKind::ReadFree | OpKind::ReadName(_), Reply::Outcome(..)) => {
                return Err("an answer of the wrong kind".into());
            }
        }
        self.clients[client].slots[slot] = None;
        let pause = self.rng.u64(0..self.profile.think_us);
        self.at(pause, Event::Send { client, slot });
        Ok(())
    }
}

/// Free seats of a state, a bit each.
pub fn free_bits(machine: &State) -> u64 {
    let Answer::Seats(map) = machine.query(&Query::Seats) else { unreachable!("a seat map was asked for") };
    map.free[0]
}
