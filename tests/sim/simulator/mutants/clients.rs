//! Bugs of what clients are told.

use super::{Mutant, Mutation};
use boxoffice::domain::batch;
use boxoffice::domain::image::Image;
use boxoffice::domain::state::{Config, State};
use boxoffice::protocol::engine::{Effect, Input};
use boxoffice::protocol::lamport::Lamport;
use serde::Serialize;

impl Mutation {
    pub(super) fn client_heard(
        &mut self,
        engine: &Lamport<State>,
        input: Input<State>,
        effects: &mut Vec<Effect<State>>,
    ) -> Option<Input<State>> {
        match input {
            Input::Read { token } if engine.is_active() && self.serves_reads() => {
                effects.push(Effect::ServeRead { token });
                None
            }
            Input::Submit { token, command } => {
                let mut decoded = batch::decode(&command).expect("clients send commands");
                if let (Mutant::AnswerFromCache, Some(outcome)) =
                    (self.mutant, self.answered.get(&decoded.sequence))
                {
                    effects.push(Effect::Answer { token, outcome: outcome.clone() });
                    return None;
                }
                self.submitted.insert(token, decoded.sequence);
                let key = (decoded.session.birth_ms, decoded.session.random, decoded.sequence);
                if self.mutant == Mutant::RetryIsNew && !self.seen.insert(key) {
                    decoded.session.random ^= token;
                    return Some(Input::Submit { token, command: batch::encode(&decoded).into() });
                }
                Some(Input::Submit { token, command })
            }
            input => Some(input),
        }
    }
}

impl Mutation {
    fn serves_reads(&self) -> bool {
        match self.mutant {
            Mutant::ReadSkipsQueue => true,
            Mutant::ReadWithoutLease => self.queued.is_empty(),
            _ => false,
        }
    }
}

/// The header of an image, as `domain::image` writes it: its last three numbers count reservations, sessions and keys.
type Header = ([u8; 8], Config, u64, u64, u64, [u64; 3]);

/// A snapshot whose state has forgotten all sessions, and all keys.
pub(super) fn without_sessions(effect: Effect<State>) -> Effect<State> {
    match effect {
        Effect::Snapshot { header, image, lsn, checkpoint } => {
            Effect::Snapshot { header, image: forgetful(image), lsn, checkpoint }
        }
        effect => effect,
    }
}

fn forgetful(image: Image) -> Image {
    let mut bytes = Vec::new();
    image.write(&mut bytes).expect("memory takes everything");
    let mut rest = bytes.as_slice();
    let header: Header = postcard::from_bytes(record(&mut rest)).expect("an image begins with its header");
    let (magic, config, position, time_ms, horizon_ms, [reservations, ..]) = header;
    let mut forgetful = Vec::new();
    let header: Header = (magic, config.clone(), position, time_ms, horizon_ms, [reservations, 0, 0]);
    put(&mut forgetful, &header);
    let mut copy = |rest: &mut _| {
        let whole = record(rest);
        forgetful.extend_from_slice(&(whole.len() as u32).to_le_bytes());
        forgetful.extend_from_slice(whole);
        whole
    };
    for _ in 0..reservations {
        copy(&mut rest);
    }
    // How many records there are of each sort about events.
    let counts: [u64; 8] = postcard::from_bytes(copy(&mut rest)).expect("what is about events follows");
    for _ in 0..counts.iter().sum() {
        copy(&mut rest);
    }
    State::read(config, &mut forgetful.as_slice()).expect("neither sessions nor keys are needed").freeze()
}

/// A length of four bytes and so many bytes.
fn record<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (len, behind) = rest.split_first_chunk::<4>().expect("a record");
    let (record, behind) = behind.split_at(u32::from_le_bytes(*len) as usize);
    *rest = behind;
    record
}

fn put(out: &mut Vec<u8>, record: &impl Serialize) {
    let bytes = postcard::to_stdvec(record).expect("plain data");
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(&bytes);
}
