//! Redis: a sorted set of free seats and a hash of names. Each change is one script, followed by a WAIT for the replicas,
//! both in one write; a reply counts when enough replicas have acknowledged.

use super::stream::Stream;
use crate::args::LoadArgs;
use crate::backend::{Action, Backend, Op, Reply, SEATS, Seats};
use crate::drive::{self, Site};
use crate::error::LoadError;
use bytes::{Buf as _, BufMut as _, BytesMut};
use std::collections::VecDeque;

const RESERVE: &str = "if redis.call('HEXISTS',KEYS[2],ARGV[1])==1 then return redis.error_reply('DUP') end \
local k=tonumber(ARGV[2]) if redis.call('ZCARD',KEYS[1])<k then return redis.error_reply('SOLDOUT') end \
local p=redis.call('ZPOPMIN',KEYS[1],k) local s={} for i=1,#p,2 do s[#s+1]=p[i] end \
local v=table.concat(s,',') redis.call('HSET',KEYS[2],ARGV[1],v) return v";
const DELETE: &str = "local v=redis.call('HGET',KEYS[2],ARGV[1]) if not v then return redis.error_reply('NONE') end \
redis.call('HDEL',KEYS[2],ARGV[1]) for s in string.gmatch(v,'[^,]+') do redis.call('ZADD',KEYS[1],s,s) end \
return redis.call('ZCARD',KEYS[1])";
/// The free seats, each with its number as its score.
const FREE: &str = "event:free";
/// The seats of each name.
const NAMES: &str = "event:names";
/// Seats that are added at a time before the run.
const ADDED_AT_A_TIME: u32 = 1000;

/// One run.
pub async fn run(load: &LoadArgs, primary: &str, replicas: u8, seats: u32) -> Result<String, LoadError> {
    let mut first = Connection::open(primary, replicas).await?;
    first.add_seats(seats).await?;
    let mut connections = vec![first];
    while connections.len() < load.connections() {
        connections.push(Connection::open(primary, replicas).await?);
    }
    drive::run(load, Site { seats_per_event: Some(seats), events: 1 }, connections).await
}

/// What Redis says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
    Nothing,
    Error(String),
}

struct Connection {
    stream: Stream,
    reserve: String,
    delete: String,
    replicas: u8,
    /// Slots in the order of their answers, with what they asked.
    waiting: VecDeque<(usize, Action)>,
    /// The answer to a script whose WAIT is not answered yet.
    before_wait: Option<Value>,
}

impl Connection {
    async fn open(primary: &str, replicas: u8) -> Result<Connection, LoadError> {
        let mut connection = Connection {
            stream: Stream::connect(primary).await?,
            reserve: String::new(),
            delete: String::new(),
            replicas,
            waiting: VecDeque::new(),
            before_wait: None,
        };
        connection.reserve = connection.load_script(RESERVE).await?;
        connection.delete = connection.load_script(DELETE).await?;
        Ok(connection)
    }

    async fn load_script(&mut self, script: &str) -> Result<String, LoadError> {
        match self.call(&["SCRIPT", "LOAD", script]).await? {
            Value::Text(hash) => Ok(hash),
            other => Err(self.stream.protocol(format!("{other:?} to SCRIPT LOAD"))),
        }
    }

    async fn add_seats(&mut self, seats: u32) -> Result<(), LoadError> {
        for first in (1..=seats).step_by(ADDED_AT_A_TIME as usize) {
            let numbers = first..=seats.min(first + ADDED_AT_A_TIME - 1);
            let numbers: Vec<String> = numbers.map(|seat| seat.to_string()).collect();
            let mut words = vec!["ZADD", FREE];
            words.extend(numbers.iter().flat_map(|seat| [seat.as_str(), seat.as_str()]));
            self.call(&words).await?;
        }
        match self.call(&["WAIT", &self.replicas.to_string(), "0"]).await? {
            Value::Number(count) if count >= i64::from(self.replicas) => Ok(()),
            other => Err(LoadError::Preparation(format!("{other:?} replicas have the seats"))),
        }
    }

    async fn call(&mut self, words: &[&str]) -> Result<Value, LoadError> {
        write_command(&mut self.stream.out, words);
        self.stream.send().await?;
        loop {
            if let Some(value) = self.take()? {
                return Ok(value);
            }
            self.stream.receive().await?;
        }
    }

    fn take(&mut self) -> Result<Option<Value>, LoadError> {
        match parse(&self.stream.input) {
            Ok(Some((bytes, value))) => {
                self.stream.input.advance(bytes);
                Ok(Some(value))
            }
            Ok(None) => Ok(None),
            Err(line) => Err(self.stream.protocol(line)),
        }
    }
}

impl Backend for Connection {
    fn request(&mut self, slot: usize, op: Op<'_>) -> Result<(), LoadError> {
        let out = &mut self.stream.out;
        match op.action {
            Action::Reserve => {
                let count = SEATS.to_string();
                write_command(out, &["EVALSHA", &self.reserve, "2", FREE, NAMES, op.name, &count]);
            }
            Action::Delete => write_command(out, &["EVALSHA", &self.delete, "2", FREE, NAMES, op.name]),
            Action::Search => write_command(out, &["HGET", NAMES, op.name]),
        }
        if op.action != Action::Search {
            write_command(out, &["WAIT", &self.replicas.to_string(), "0"]);
        }
        self.waiting.push_back((slot, op.action));
        Ok(())
    }

    async fn exchange(&mut self, replies: &mut Vec<(usize, Reply)>) -> Result<(), LoadError> {
        self.stream.send().await?;
        loop {
            while let Some(value) = self.take()? {
                let Some(&(slot, action)) = self.waiting.front() else {
                    return Err(self.stream.protocol(format!("{value:?} to nothing")));
                };
                let reply = match (action, self.before_wait.take()) {
                    (Action::Search, _) => reply(action, value),
                    (Action::Reserve | Action::Delete, None) => {
                        self.before_wait = Some(value);
                        continue;
                    }
                    (Action::Reserve | Action::Delete, Some(first)) => match value {
                        Value::Number(count) if count >= i64::from(self.replicas) => reply(action, first),
                        other => Reply::Refused(format!("WAIT: {other:?}")),
                    },
                };
                self.waiting.pop_front();
                replies.push((slot, reply));
            }
            if !replies.is_empty() {
                return Ok(());
            }
            self.stream.receive().await?;
        }
    }
}

fn reply(action: Action, value: Value) -> Reply {
    match (action, value) {
        (Action::Reserve, Value::Text(text)) => seats(&text).map_or(Reply::Refused(text), Reply::Reserved),
        (Action::Search, Value::Text(text)) => seats(&text).map_or(Reply::Refused(text), Reply::Found),
        (Action::Delete, Value::Number(_)) => Reply::Deleted,
        (_, Value::Error(words)) if words.contains("SOLDOUT") => Reply::SoldOut,
        (_, other) => Reply::Refused(format!("{other:?}")),
    }
}

fn seats(text: &str) -> Option<Seats> {
    let (first, second) = text.split_once(',')?;
    Some([first.parse().ok()?, second.parse().ok()?])
}

fn write_command(out: &mut BytesMut, words: &[&str]) {
    let mut put = |text: &str| out.put_slice(text.as_bytes());
    put(&format!("*{}\r\n", words.len()));
    for word in words {
        put(&format!("${}\r\n", word.len()));
        put(word);
        put("\r\n");
    }
}

/// The first value of the input with its length, if all of it is there. Lists are not asked for.
fn parse(input: &[u8]) -> Result<Option<(usize, Value)>, String> {
    let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let line = String::from_utf8_lossy(&input[..end]).into_owned();
    let (head, rest) = line.split_at_checked(1).ok_or("an empty line")?;
    let number = || rest.parse::<i64>().map_err(|_| line.clone());
    let value = match head {
        "+" => Value::Text(rest.to_owned()),
        "-" => Value::Error(rest.to_owned()),
        ":" => Value::Number(number()?),
        "$" => match usize::try_from(number()?) {
            Ok(length) => {
                let (start, stop) = (end + 2, end + 2 + length);
                let Some(text) = input.get(start..stop + 2) else { return Ok(None) };
                let text = String::from_utf8_lossy(&text[..length]).into_owned();
                return Ok(Some((stop + 2, Value::Text(text))));
            }
            Err(_) => Value::Nothing,
        },
        _ => return Err(line.clone()),
    };
    Ok(Some((end + 2, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_only_when_they_are_whole() {
        let whole: [(&[u8], Value); 5] = [
            (b"+OK\r\n", Value::Text("OK".to_owned())),
            (b"-SOLDOUT\r\n", Value::Error("SOLDOUT".to_owned())),
            (b":-3\r\n", Value::Number(-3)),
            (b"$3\r\n1,2\r\n", Value::Text("1,2".to_owned())),
            (b"$-1\r\n", Value::Nothing),
        ];
        for (bytes, value) in whole {
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut]), Ok(None), "{cut} bytes of {value:?}");
            }
            let followed = [bytes, b"+more\r\n"].concat();
            assert_eq!(parse(&followed), Ok(Some((bytes.len(), value))));
        }
        assert!(parse(b"*1\r\n").is_err());
    }

    #[test]
    fn seats_are_read_from_the_answer() {
        assert_eq!(reply(Action::Reserve, Value::Text("7,12".to_owned())), Reply::Reserved([7, 12]));
        assert_eq!(reply(Action::Reserve, Value::Error("SOLDOUT".to_owned())), Reply::SoldOut);
        assert_eq!(reply(Action::Delete, Value::Number(5)), Reply::Deleted);
        assert!(matches!(reply(Action::Search, Value::Nothing), Reply::Refused(_)));
    }
}
