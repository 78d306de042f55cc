//! A client of a few lines that sends exactly what it is told to.

use crate::harness::{Cluster, raw};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and code of a problem, which must be whole.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let body = self.json();
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["status"], self.status);
        assert_eq!(body["type"], format!("/problems/{code}"));
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        assert_eq!(self.headers.contains_key("retry-after"), [429, 503].contains(&self.status), "{self:?}");
        (self.status, code)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// A connection.
#[derive(Debug)]
pub struct Http {
    pub stream: BufReader<TcpStream>,
}

impl Http {
    pub fn open(cluster: &Cluster, id: u8) -> Http {
        Http { stream: BufReader::new(raw(cluster.http_ports[&id]).unwrap()) }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Status and headers of the next answer.
    pub fn head(&mut self) -> Answer {
        let line = self.line();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}"));
        let mut answer =
            Answer { status: status.parse().unwrap(), headers: BTreeMap::new(), body: String::new() };
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { return answer };
            answer.headers.insert(name.to_lowercase(), value.to_owned());
        }
    }

    /// The next answer, whose length is told.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length: usize = answer.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        self.send(request(method, path, headers, body));
        self.answer()
    }

    /// The next event of a stream: its name, id and data.
    pub fn event(&mut self) -> Option<(String, Option<u64>, Value)> {
        let (name, id, data) = self.event_as_told()?;
        Some((name, id.map(|id| id.parse().unwrap()), data))
    }

    /// The same where an id may be more than a position.
    pub fn event_as_told(&mut self) -> Option<(String, Option<String>, Value)> {
        let (mut name, mut id, mut data) = (String::new(), None, None);
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("event", text)) => name = text.to_owned(),
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
                // Lengths of chunks, comments and the time to wait are between events.
                Some(_) => {}
                None if line == "0" => return None,
                None if line.is_empty() => {
                    if let Some(data) = data.take() {
                        return Some((name, id, data));
                    }
                }
                None => {}
            }
        }
    }
}

/// The bytes of a request with a body of JSON, or none.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}");
    if !body.is_empty() {
        text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    format!("{text}\r\n{body}")
}

/// One question on a connection of its own.
pub fn ask(cluster: &Cluster, id: u8, method: &str, path: &str, body: &str) -> Answer {
    Http::open(cluster, id).ask(method, path, "", body)
}

pub fn get(cluster: &Cluster, id: u8, path: &str) -> Answer {
    ask(cluster, id, "GET", path, "")
}

/// Reserves over HTTP.
pub fn reserve(cluster: &Cluster, id: u8, body: &str) -> Answer {
    ask(cluster, id, "POST", "/v1/reservations", body)
}
