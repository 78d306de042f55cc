//! Links: dialled, attached by the shipping session code, broken, resumed, and the frames on them.

use super::*;
use crate::simulator::net::{Connection, Frame, Progress, Side};
use crate::simulator::node::Wire;
use boxoffice::transport::session::{Arrival, Hello};
use boxoffice::transport::{frame, links};
use std::sync::Arc;

/// The first pause between two dials; it doubles up to an eighth of `probe_ms`.
const DIAL_PAUSE_MIN_US: u64 = 10 * MS;

impl World {
    pub(super) fn pair(a: u8, b: u8) -> Pair {
        (a.min(b), a.max(b))
    }

    fn dial_pause(&mut self, life: Member, peer: u8) -> u64 {
        let longest = self.profile.limits.probe_ms * MS / 8;
        let Some(link) = self.running_mut(life).and_then(|r| r.links.get_mut(&peer)) else { return longest };
        let pause = link.dial_pause_us.max(DIAL_PAUSE_MIN_US);
        link.dial_pause_us = (pause * 2).min(longest);
        pause
    }

    pub(super) fn dial_again(&mut self, pair: Pair, life: Member) {
        let pause = self.dial_pause(life, pair.0);
        self.at(pause, Event::Dial(pair, life));
    }

    pub(super) fn dial(&mut self, pair: Pair, life: Member) -> Checked {
        let (low, high) = pair;
        let Some(link) = self.running(life).map(|running| &running.links[&low]) else { return Ok(()) };
        if link.dialing.is_some() {
            return Ok(());
        }
        let said = link.session.hello();
        let is_blocked = self.net.blocked_until(low, high).max(self.net.blocked_until(high, low)) > self.now;
        let Some(target) = self.node(low).life().filter(|_| !is_blocked) else {
            self.dial_again(pair, life);
            return Ok(());
        };
        self.net.next_connection += 1;
        let number = self.net.next_connection;
        let mut connection =
            Connection { dialer: Side::new(life), acceptor: Side::new(target), is_cut: false };
        connection.dialer.said = Some(said);
        self.net.connections.insert(number, connection);
        if let Some(link) = self.running_mut(life).and_then(|r| r.links.get_mut(&low)) {
            link.dialing = Some(number);
        }
        self.transmit(number, End::Dialer, Frame::Hello(said));
        self.at(self.profile.limits.probe_ms * MS, Event::HelloLate(number));
        Ok(())
    }

    pub(super) fn hello_late(&mut self, number: u64) -> Checked {
        let opening = |side: &Side| side.progress == Progress::Opening;
        let is_late = self.net.connections.get(&number).is_some_and(|c| opening(&c.dialer));
        if is_late { self.close(number, End::Dialer, true) } else { Ok(()) }
    }

    /// Puts a frame on the wire. Frames of one direction arrive in their order.
    pub(super) fn transmit(&mut self, number: u64, from: End, frame: Frame) {
        let delay = self.latency();
        let Some(connection) = self.net.connections.get_mut(&number) else { return };
        let (sender, receiver) =
            (connection.side(from).life.server.0, connection.side(from.other()).life.server.0);
        let blocked = self.net.blocked_until(sender, receiver);
        let connection = self.net.connections.get_mut(&number).expect("found above");
        // What follows on a connection that has lost something never arrives.
        if connection.is_cut {
            return;
        }
        let side = connection.side_mut(from);
        let mut arrival = (self.now + delay).max(side.last_arrival + 1);
        if blocked > arrival {
            arrival = blocked + delay;
        }
        side.last_arrival = arrival;
        side.sent.push_back(frame);
        self.agenda.plan(arrival, Event::Arrive(number, from));
    }

    pub(super) fn latency(&mut self) -> u64 {
        let (least, most) = self.profile.latency_us;
        if self.rng.u32(0..50) == 0 { self.rng.u64(0..40 * MS) } else { self.rng.u64(least..most) }
    }

    pub(super) fn arrive(&mut self, number: u64, from: End) -> Checked {
        let Some(connection) = self.net.connections.get_mut(&number) else { return Ok(()) };
        let (sender, life) = (connection.side(from).life.server.0, connection.side(from.other()).life);
        let blocked = self.net.blocked_until(sender, life.server.0);
        if blocked > self.now {
            let delay = self.latency();
            self.agenda.plan(blocked + delay, Event::Arrive(number, from));
            return Ok(());
        }
        let to = from.other();
        let connection = self.net.connections.get_mut(&number).expect("found above");
        let is_closed = connection.side(to).progress == Progress::Closed;
        let Some(frame) = connection.side_mut(from).sent.pop_front() else { return Ok(()) };
        if is_closed || self.running(life).is_none() {
            let machine_answers = self.node(life.server.0).running.is_some();
            match frame {
                Frame::Close => return self.close(number, to, false),
                // A machine that is up says that it knows nothing of this connection.
                Frame::Hello(_) | Frame::Data { .. } if machine_answers => {
                    self.transmit(number, to, Frame::Close)
                }
                Frame::Hello(_) | Frame::Data { .. } => {}
            }
            return Ok(());
        }
        match frame {
            Frame::Hello(hello) => self.hear_hello(number, to, &hello),
            Frame::Data { number: seq, ack, message } => self.deliver(number, to, (seq, ack), &message),
            Frame::Close => self.close(number, to, false),
        }
    }

    fn hear_hello(&mut self, number: u64, end: End, theirs: &Hello) -> Checked {
        let Some(connection) = self.net.connections.get(&number) else { return Ok(()) };
        let (side, peer) = (connection.side(end), connection.side(end.other()).life.server);
        if side.progress != Progress::Opening {
            return Ok(());
        }
        let (life, said) = (side.life, side.said);
        let Some(running) = self.running_mut(life) else { return Ok(()) };
        let link = running.links.get_mut(&peer.0).expect("all others have links");
        let sent = said.unwrap_or_else(|| link.session.hello());
        if end == End::Acceptor {
            self.transmit(number, end, Frame::Hello(sent));
        }
        let now = self.now;
        let running = self.running_mut(life).expect("found above");
        let link = running.links.get_mut(&peer.0).expect("all others have links");
        let verdict = match link.session.on_hello(&sent, theirs) {
            Ok(verdict) => verdict,
            Err(error) => {
                self.say(|_| format!("server {life} closes a connection from {peer}: {error}"));
                self.report.count("hellos refused");
                return self.close(number, end, true);
            }
        };
        let ack = link.session.received();
        let peer = Member { server: peer, incarnation: verdict.peer };
        link.dial_pause_us = 0;
        let old = link.wire.replace(Wire { connection: number, peer, heard_at: now });
        self.say(|_| format!("server {life} is linked to {peer}, resumed {}", verdict.resumed));
        self.report.count(if verdict.resumed { "links resumed" } else { "links begun" });
        let connection = self.net.connections.get_mut(&number).expect("found above");
        connection.side_mut(end).progress = Progress::Attached;
        for (seq, message) in verdict.resend {
            self.transmit(number, end, Frame::Data { number: seq, ack, message });
        }
        if let Some(old) = old {
            self.replaced(old.connection, life);
            self.input(life.server.0, life, Input::LinkDown { peer: old.peer })?;
        }
        self.input(life.server.0, life, Input::LinkUp { peer, resumed: verdict.resumed })
    }

    /// Another connection took the place of this one.
    fn replaced(&mut self, number: u64, life: Member) {
        let Some(connection) = self.net.connections.get_mut(&number) else { return };
        let Some(end) = connection.end_of(life.server.0) else { return };
        connection.side_mut(end).progress = Progress::Closed;
        self.transmit(number, end, Frame::Close);
    }

    fn deliver(&mut self, number: u64, end: End, (seq, ack): (u64, u64), message: &Bytes) -> Checked {
        let Some(connection) = self.net.connections.get(&number) else { return Ok(()) };
        let (life, peer) = (connection.side(end).life, connection.side(end.other()).life.server.0);
        let now = self.now;
        let Some(running) = self.running_mut(life) else { return Ok(()) };
        let link = running.links.get_mut(&peer).expect("all others have links");
        let Some(wire) = link.wire.as_mut().filter(|wire| wire.connection == number) else { return Ok(()) };
        wire.heard_at = now;
        let from = wire.peer;
        if link.session.is_broken() {
            return self.close(number, end, true);
        }
        let arrival = match seq {
            0 => link.session.on_ack(ack).map(|()| Arrival::Deliver),
            _ => link.session.on_sequenced(seq, ack),
        };
        let received = link.session.received();
        match arrival {
            // A connection keeps its order, so a gap can only come of a session that is not what it says.
            Err(error) => return Err(format!("server {life}: the session with {from} is broken: {error}")),
            Ok(Arrival::Duplicate) => return Ok(()),
            Ok(Arrival::Deliver) if message.is_empty() => return Ok(()),
            Ok(Arrival::Deliver) => {}
        }
        let message: Message = frame::decode_message(message).map_err(|error| error.to_string())?;
        if matches!(message, Message::Leave) {
            // Its sender waits for this before it goes.
            self.transmit(number, end, Frame::Data { number: 0, ack: received, message: Bytes::new() });
        }
        self.input(life.server.0, life, Input::Message { from, message })
    }

    /// This end is done with the connection.
    pub(super) fn close(&mut self, number: u64, end: End, tell: bool) -> Checked {
        let Some(connection) = self.net.connections.get_mut(&number) else { return Ok(()) };
        let peer = connection.side(end.other()).life.server.0;
        let side = connection.side_mut(end);
        let life = side.life;
        if side.progress == Progress::Closed {
            self.forget_if_closed(number);
            return Ok(());
        }
        side.progress = Progress::Closed;
        if tell {
            self.transmit(number, end, Frame::Close);
        }
        self.forget_if_closed(number);
        let Some(link) = self.running_mut(life).and_then(|r| r.links.get_mut(&peer)) else { return Ok(()) };
        if end == End::Dialer {
            link.dialing = None;
        }
        let wire = link.wire.take_if(|wire| wire.connection == number);
        if end == End::Dialer {
            self.dial_again(Self::pair(life.server.0, peer), life);
        }
        match wire {
            Some(wire) => self.input(life.server.0, life, Input::LinkDown { peer: wire.peer }),
            None => Ok(()),
        }
    }

    fn forget_if_closed(&mut self, number: u64) {
        let is_closed = |side: &Side| side.progress == Progress::Closed && side.sent.is_empty();
        if self.net.connections.get(&number).is_some_and(|c| is_closed(&c.dialer) && is_closed(&c.acceptor)) {
            self.net.connections.remove(&number);
        }
    }

    /// Connections that have been silent for too long are closed.
    pub(super) fn watch_wires(&mut self, life: Member) -> Checked {
        let Some(running) = self.running(life) else { return Ok(()) };
        let silence = self.profile.limits.suspect_ms * MS;
        let wires = running.links.values().filter_map(|link| link.wire);
        let silent: Vec<u64> =
            wires.filter(|wire| wire.heard_at + silence < self.now).map(|wire| wire.connection).collect();
        for number in silent {
            let end = self.net.connections.get(&number).and_then(|c| c.end_of(life.server.0));
            if let Some(end) = end {
                self.close(number, end, true)?;
            }
        }
        Ok(())
    }

    /// Sends a message to this life of a peer, or drops it if there is no session with that life.
    pub(super) fn send(&mut self, from: Member, to: Member, message: Message) {
        let is_sequenced = message.is_sequenced();
        let bytes = self.encode(message);
        let Some(link) = self.running_mut(from).and_then(|r| r.links.get_mut(&to.server.0)) else { return };
        if link.session.peer() != Some(to.incarnation) {
            return;
        }
        let wire = link.wire;
        let mut number = 0;
        if is_sequenced {
            number = link.session.send(bytes.clone());
            if link.session.is_broken() {
                self.report.count("sessions given up");
                if let Some(wire) = wire
                    && let Some(end) =
                        self.net.connections.get(&wire.connection).and_then(|c| c.end_of(from.server.0))
                {
                    self.at(1, Event::Overflow(wire.connection, end));
                }
                return;
            }
        }
        let ack = link.session.received();
        let Some(wire) = wire else { return };
        let end = self.net.connections.get(&wire.connection).and_then(|c| c.end_of(from.server.0));
        if let Some(end) = end {
            self.transmit(wire.connection, end, Frame::Data { number, ack, message: bytes });
        }
    }

    fn encode(&mut self, message: Message) -> Bytes {
        if let Some((last, bytes)) = &self.encoded
            && is_same(last, &message)
        {
            return bytes.clone();
        }
        let bytes = links::encode(&message);
        self.encoded = Some((message, bytes.clone()));
        bytes
    }

    /// All connections between two servers break, with what is on its way.
    pub(super) fn break_pair(&mut self, pair: Pair) {
        let numbers: Vec<u64> = self
            .net
            .connections
            .iter()
            .filter_map(|(number, connection)| {
                let ends = Self::pair(connection.dialer.life.server.0, connection.acceptor.life.server.0);
                (ends == pair).then_some(*number)
            })
            .collect();
        for number in numbers {
            for end in [End::Dialer, End::Acceptor] {
                if let Some(connection) = self.net.connections.get_mut(&number) {
                    connection.side_mut(end).sent.clear();
                    connection.is_cut = true;
                }
                let delay = self.rng.u64(10..2 * MS);
                self.at(delay, Event::Broken(number, end));
            }
        }
    }

    /// A process has ended: its connections go with it, as fits the way it ended.
    pub(super) fn end_connections(&mut self, life: Member, ending: Ending) {
        for (number, end) in self.net.connections_of(life) {
            let keep = self.rng.usize(0..8);
            let Some(connection) = self.net.connections.get_mut(&number) else { continue };
            let side = connection.side_mut(end);
            if side.progress == Progress::Closed {
                continue;
            }
            side.progress = Progress::Closed;
            match ending {
                Ending::Orderly => {}
                // The system sends what it has, or a reset overtakes it.
                Ending::Kill if keep < 4 => {}
                Ending::Kill => side.sent.clear(),
                Ending::PowerCut => side.sent.truncate(keep),
            }
            if ending != Ending::PowerCut {
                self.transmit(number, end, Frame::Close);
            }
        }
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself: everything is written and sent.
    Orderly,
    /// Nothing that was written is lost, and nothing more is.
    Kill,
    /// What was not synced is lost or torn.
    PowerCut,
}

fn is_same(a: &Message, b: &Message) -> bool {
    match (a, b) {
        (Message::Request(a), Message::Request(b)) => Arc::ptr_eq(a, b),
        (Message::Install(a), Message::Install(b)) => Arc::ptr_eq(a, b),
        (Message::Heartbeat(a), Message::Heartbeat(b)) => Arc::ptr_eq(a, b),
        (Message::Release { .. }, Message::Release { .. }) => a == b,
        _ => false,
    }
}
