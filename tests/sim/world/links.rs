//! Links: dialled, broken, resumed, and the messages on them.

use super::*;

impl World {
    pub(super) fn dial_soon(&mut self, pair: Pair) {
        if self.net.dialing.insert(pair) {
            let delay = self.rng.u64(200..60 * MS);
            self.at(delay, Event::Connect(pair));
        }
    }

    pub(super) fn connect(&mut self, pair: Pair) -> Checked {
        self.net.dialing.remove(&pair);
        if self.net.connected.contains_key(&pair) {
            return Ok(());
        }
        let life = |id: u8| self.nodes[&id].running.as_ref().map(|r| r.life);
        let paused =
            self.nodes[&pair.0].paused_until > self.now || self.nodes[&pair.1].paused_until > self.now;
        let (Some(a), Some(b)) = (life(pair.0), life(pair.1)) else { return Ok(()) };
        if self.net.is_cut(pair, self.now) || paused {
            self.dial_soon(pair);
            return Ok(());
        }
        let mut resumed = self.net.lives.insert(pair, (a, b)) == Some((a, b));
        if resumed && self.faults && self.kind != WorldKind::Any && self.rng.u32(0..20) == 0 {
            // The buffers of one side were too small.
            resumed = false;
        }
        if !resumed {
            self.net.reset(pair);
        }
        self.say(|| format!("{a} and {b} are linked, resumed {resumed}"));
        self.net.connections += 1;
        let connection = self.net.connections;
        self.net.connected.insert(pair, connection);
        for (from, to) in [(pair.0, pair.1), (pair.1, pair.0)] {
            let resend: Vec<_> = self.net.unacked.get(&(from, to)).into_iter().flatten().cloned().collect();
            for (sequence, message) in resend {
                self.transmit(from, to, connection, Some(sequence), message);
            }
        }
        self.input(pair.0, a, Input::LinkUp { peer: b, resumed })?;
        self.input(pair.1, b, Input::LinkUp { peer: a, resumed })?;
        Ok(())
    }

    pub(super) fn disconnect(&mut self, pair: Pair) {
        if self.net.connected.remove(&pair).is_none() {
            return;
        }
        let (a, b) = self.net.lives[&pair];
        for (id, me, peer) in [(pair.0, a, b), (pair.1, b, a)] {
            let delay = self.rng.u64(10..2 * MS);
            self.at(delay, Event::Down(id, me, peer));
        }
        self.dial_soon(pair);
    }

    pub(super) fn send(&mut self, from: Member, to: Member, message: Message) {
        let pair = pair(from.server.0, to.server.0);
        let lives = if from.server < to.server { (from, to) } else { (to, from) };
        if self.net.lives.get(&pair) != Some(&lives) {
            return;
        }
        let direction = (from.server.0, to.server.0);
        let mut sequence = None;
        if message.is_sequenced() {
            let next = self.net.next.entry(direction).or_default();
            *next += 1;
            sequence = Some(*next);
            self.net.unacked.entry(direction).or_default().push_back((*next, message.clone()));
        }
        if let Some(&connection) = self.net.connected.get(&pair) {
            self.transmit(direction.0, direction.1, connection, sequence, message);
        }
    }

    pub(super) fn transmit(
        &mut self,
        from: u8,
        to: u8,
        connection: u64,
        sequence: Option<u64>,
        message: Message,
    ) {
        let delay =
            if self.rng.u32(0..50) == 0 { self.rng.u64(0..40 * MS) } else { self.rng.u64(30..2 * MS) };
        let last = self.net.last_arrival.entry((from, to)).or_default();
        let arrival = (self.now + delay).max(*last + 1);
        *last = arrival;
        let delay = arrival - self.now;
        self.at(delay, Event::Deliver { to, from, connection, sequence, message: Box::new(message) });
    }

    pub(super) fn deliver(
        &mut self,
        to: u8,
        from: u8,
        connection: u64,
        sequence: Option<u64>,
        message: Message,
    ) -> Checked {
        let pair = pair(from, to);
        if self.net.connected.get(&pair) != Some(&connection) {
            return Ok(());
        }
        if let Some(sequence) = sequence {
            let expected = self.net.expected.entry((from, to)).or_default();
            if sequence <= *expected {
                return Ok(());
            }
            assert_eq!(sequence, *expected + 1, "the simulated link keeps order");
            *expected = sequence;
            if let Some(unacked) = self.net.unacked.get_mut(&(from, to)) {
                unacked.retain(|(number, _)| *number > sequence);
            }
        }
        let (a, b) = self.net.lives[&pair];
        let (me, peer) = if a.server.0 == to { (a, b) } else { (b, a) };
        // Through the codec, as on a real link.
        let bytes = postcard::to_stdvec(&message).map_err(|e| e.to_string())?;
        let message = postcard::from_bytes(&bytes).map_err(|e| e.to_string())?;
        self.input(to, me, Input::Message { from: peer, message })
    }
}
