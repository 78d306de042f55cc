//! Idempotency keys: a client's own name for a command, by which it can ask for it again from anywhere.
//!
//! A session does the same for a client that has one (`docs/sessions.md`). Whoever speaks through several servers'
//! sessions, as over HTTP, has a key instead: the first command with it is executed and its outcome kept; every later
//! one is told that outcome, if it asks for the same operation, and refused if it asks for another.
//!
//! A key is kept for [`KeyLimits::age_ms`] of the state's time, and certainly for as long: where there is no room for
//! another one, the command is refused and not executed, and nothing is forgotten early.

use super::events::ids::UserId;
use super::kept::Kept;
use super::shards::{ShardKey, Shards};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::VecDeque;
use std::{fmt, str::FromStr, sync::Arc};
use xxhash_rust::xxh3::xxh3_64;

/// Longest key, in characters.
pub const KEY_CHARS_MAX: usize = 128;
/// Most bytes of all outcomes that are kept for keys, about; then there is no room for another.
pub const KEYS_BYTES_MAX: usize = 256 << 20;
/// Most keys that one request forgets because of their age. The others wait for the next request.
const FORGOTTEN_FOR_AGE_MAX: usize = 256;
/// What a key with its record counts for, beside its text and outcome. Fixed: how much fits must not depend on who built
/// the program.
const RECORD_BYTES: usize = 160;
/// Keys in one shard of a full table, unless it is very large.
const SHARD_LEN: usize = 64;

/// What a client calls a command. Keys of different users are different keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Whose; of nobody in particular where no token was shown.
    pub owner: Option<UserId>,
    /// Chosen by the client.
    pub text: KeyText,
}

/// 1 to 128 visible ASCII characters, no quotes among them. Cloning shares them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeyText(Arc<str>);

/// Why a text is no [`KeyText`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to {KEY_CHARS_MAX} visible ASCII characters, and no quotes")]
pub struct KeyTextError;

/// How many keys are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLimits {
    /// Keys, at least 1.
    pub keys_max: u32,
    /// How long one is kept, in the state's own time.
    pub age_ms: u64,
}

impl Default for KeyLimits {
    fn default() -> KeyLimits {
        KeyLimits { keys_max: 1_000_000, age_ms: 900_000 }
    }
}

impl FromStr for KeyText {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<KeyText, KeyTextError> {
        let is_visible = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        let is_key = (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_visible);
        if is_key { Ok(KeyText(text.into())) } else { Err(KeyTextError) }
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl ShardKey for Key {
    fn shard_hash(&self) -> u64 {
        xxh3_64(self.text.0.as_bytes())
    }
}

/// A command that was executed under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    /// Orders keys by when they were first used.
    pub(super) number: u64,
    pub(super) made_ms: u64,
    /// xxh3-64 of the operation's encoding.
    pub(super) operation_hash: u64,
    pub(super) kept: Kept,
}

impl KeyRecord {
    fn bytes(&self, key: &Key) -> usize {
        RECORD_BYTES + key.text.0.len() + self.kept.heap_bytes()
    }
}

/// All keys that are remembered.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    limits: KeyLimits,
    by_key: Shards<Key, KeyRecord>,
    /// The first one was used first. Follows from `by_key`.
    by_age: VecDeque<Key>,
    /// Greater than every number in `by_key`.
    next_number: u64,
    /// Of all records. Follows from `by_key`.
    bytes: usize,
}

/// What is to be done with a command that has a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyAdmission {
    /// Execute it, and [`record`](Keys::record) what comes of it.
    Execute,
    /// Do not execute it: this came of it, or comes of it now.
    Known(Kept),
}

impl Keys {
    pub(super) fn new(limits: KeyLimits) -> Keys {
        assert!(limits.keys_max > 0, "a command's own key must fit");
        Keys {
            limits,
            by_key: Shards::new(limits.keys_max as usize, SHARD_LEN),
            by_age: VecDeque::new(),
            next_number: 0,
            bytes: 0,
        }
    }

    pub(super) fn by_key(&self) -> &Shards<Key, KeyRecord> {
        &self.by_key
    }

    /// Decides about a command at the state's time `now_ms`.
    pub(super) fn admit(&mut self, key: &Key, operation_hash: u64, now_ms: u64) -> KeyAdmission {
        match self.by_key.get(key) {
            Some(record) if record.operation_hash == operation_hash => {
                return KeyAdmission::Known(record.kept.clone());
            }
            Some(_) => return KeyAdmission::Known(Kept::KeyReused),
            None => {}
        }
        if self.is_full() {
            self.forget_oldest_if_old(now_ms);
        }
        if self.is_full() { KeyAdmission::Known(Kept::KeysFull) } else { KeyAdmission::Execute }
    }

    /// Keeps the outcome of a command that was admitted for execution just before.
    pub(super) fn record(&mut self, key: Key, operation_hash: u64, kept: Kept, now_ms: u64) {
        let record = KeyRecord { number: self.next_number, made_ms: now_ms, operation_hash, kept };
        self.next_number += 1;
        self.bytes += record.bytes(&key);
        self.by_age.push_back(key.clone());
        let before = self.by_key.insert(key, record);
        assert!(before.is_none(), "no key is executed twice");
    }

    /// Forgets keys that were first used longer than the age ago, a bounded number of them.
    pub(super) fn forget_old(&mut self, now_ms: u64) {
        for _ in 0..FORGOTTEN_FOR_AGE_MAX {
            if !self.forget_oldest_if_old(now_ms) {
                return;
            }
        }
    }

    /// Puts back the next key of a snapshot; they come in the order in which they were first used.
    ///
    /// # Errors
    /// A text that says why there can be no such key beside the ones before it.
    pub(super) fn restore(&mut self, key: Key, mut record: KeyRecord) -> Result<(), &'static str> {
        if self.by_key.get(&key).is_some() {
            return Err("a key twice");
        }
        if self.by_key.len() >= self.limits.keys_max as usize {
            return Err("more keys than are kept");
        }
        let newest = self.by_age.back().and_then(|key| self.by_key.get(key));
        if newest.is_some_and(|newest| newest.made_ms > record.made_ms) {
            return Err("keys are out of order");
        }
        record.number = self.next_number;
        self.next_number += 1;
        self.bytes += record.bytes(&key);
        self.by_age.push_back(key.clone());
        self.by_key.insert(key, record);
        Ok(())
    }

    /// Looks at every key: limits, order, and that whatever follows from the table does follow.
    pub(super) fn check(&self, now_ms: u64) -> Result<(), String> {
        self.by_key.check()?;
        if self.by_key.len() > self.limits.keys_max as usize || self.by_key.len() != self.by_age.len() {
            return Err("there are too many keys, or some have no place in the order of age".into());
        }
        let (mut before, mut bytes) = ((0, 0), 0);
        for key in &self.by_age {
            let record = self.by_key.get(key).ok_or_else(|| format!("key {key:?} has an age only"))?;
            let this = (record.number + 1, record.made_ms);
            if this.0 <= before.0 || this.1 < before.1 || this.1 > now_ms || this.0 > self.next_number {
                return Err(format!("key {key:?} is out of order"));
            }
            before = this;
            bytes += record.bytes(key);
        }
        if bytes != self.bytes { Err("the keys' bytes are counted wrong".into()) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.by_key.len() >= self.limits.keys_max as usize || self.bytes >= KEYS_BYTES_MAX
    }

    /// Whether one was forgotten.
    fn forget_oldest_if_old(&mut self, now_ms: u64) -> bool {
        let Some(oldest) = self.by_age.front() else { return false };
        let record = self.by_key.get(oldest).expect("every entry of by_age is a key");
        if now_ms.saturating_sub(record.made_ms) <= self.limits.age_ms {
            return false;
        }
        self.bytes -= record.bytes(oldest);
        let oldest = self.by_age.pop_front().expect("it is there");
        self.by_key.remove(&oldest);
        true
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
