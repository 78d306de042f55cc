//! A cluster of real processes, and a client of a few lines that trusts nobody else's.
#![expect(clippy::disallowed_methods, reason = "tests wait for other processes, on the clock, with a limit")]

use crate::ports::Ports;
use crate::proxy::Proxy;
use boxoffice::api::wire::{
    ANSWER_FRAME_BYTES_MAX, CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame, ClientHello, ClientRequest,
    Consistency, ServerFrame, ServerHello, ServerReply, ServerState, ServerStatus, StatusReport, TracePage,
};
use boxoffice::domain::command::{Command as SeatCommand, Operation, Query};
use boxoffice::domain::ids::SessionId;
use boxoffice::domain::outcome::{Answer, Outcome};
use boxoffice::transport::frame::{self, FrameDecoder};
use bytes::BytesMut;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing in these tests may take longer.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Waits until the condition yields something; panics with `what` after [`LIMIT`].
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Short, so that tests are: a peer is given up after a second.
pub const TIMEOUTS: &str = "timeouts: {heartbeat_ms: 50, suspect_ms: 1000, probe_ms: 300, lease_ms: 300}\n";

/// Servers that end with it.
pub struct Cluster {
    pub dir: TempDir,
    pub config: PathBuf,
    pub peer_ports: BTreeMap<u8, u16>,
    pub client_ports: BTreeMap<u8, u16>,
    pub http_ports: BTreeMap<u8, u16>,
    children: BTreeMap<u8, Child>,
    /// Servers with a description of their own.
    configs: BTreeMap<u8, PathBuf>,
    ports: Ports,
}

impl Cluster {
    /// Writes the description only. `more` is added to it.
    pub fn described(servers: u8, more: &str) -> Cluster {
        let dir = TempDir::new().unwrap();
        let mut ports = Ports::reserve();
        let mut text = "cluster: test\nseats: 100\nservers:\n".to_owned();
        let (mut peer_ports, mut client_ports, mut http_ports) = Default::default();
        for id in 1..=servers {
            let (peer, client, http) = (ports.next(), ports.next(), ports.next());
            writeln!(
                text,
                "  - {{id: {id}, host: 127.0.0.1, peer_port: {peer}, client_port: {client}, http_port: {http}}}"
            )
            .unwrap();
            BTreeMap::insert(&mut peer_ports, id, peer);
            BTreeMap::insert(&mut client_ports, id, client);
            BTreeMap::insert(&mut http_ports, id, http);
        }
        text += TIMEOUTS;
        text += more;
        let config = dir.path().join("cluster.yaml");
        fs::write(&config, text).unwrap();
        Cluster {
            dir,
            config,
            peer_ports,
            client_ports,
            http_ports,
            children: BTreeMap::new(),
            configs: BTreeMap::new(),
            ports,
        }
    }

    /// All servers run and sell.
    pub fn started(servers: u8, more: &str) -> Cluster {
        let mut cluster = Cluster::described(servers, more);
        let ids: Vec<u8> = (1..=servers).collect();
        ids.iter().for_each(|&id| cluster.start(id));
        cluster.wait_ready(&ids);
        cluster
    }

    /// Lets `from` reach `to` through a proxy that can be cut. The one with the higher id dials.
    pub fn put_between(&mut self, from: u8, to: u8) -> Proxy {
        assert!(from > to, "the higher id dials");
        let port = self.ports.next();
        let text = fs::read_to_string(self.configs.get(&from).unwrap_or(&self.config)).unwrap();
        let target = self.peer_ports[&to];
        let config = self.dir.path().join(format!("cluster{from}.yaml"));
        fs::write(&config, text.replace(&format!("peer_port: {target},"), &format!("peer_port: {port},")))
            .unwrap();
        self.configs.insert(from, config);
        Proxy::start(port, target)
    }

    pub fn data(&self, id: u8) -> PathBuf {
        self.dir.path().join(id.to_string())
    }

    fn log_file(&self, id: u8) -> PathBuf {
        self.dir.path().join(format!("{id}.log"))
    }

    /// What the server has logged, over all its starts.
    pub fn log(&self, id: u8) -> String {
        fs::read_to_string(self.log_file(id)).unwrap()
    }

    /// The command that starts a server, its log going to a file.
    pub fn command(&self, id: u8) -> Command {
        let mut command = server();
        let config = self.configs.get(&id).unwrap_or(&self.config);
        command.args(["--id", &id.to_string(), "--config"]).arg(config).arg("--data").arg(self.data(id));
        let log = File::options().create(true).append(true).open(self.log_file(id)).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    pub fn start(&mut self, id: u8) {
        let child = self.command(id).spawn().unwrap();
        assert!(self.children.insert(id, child).is_none(), "server {id} runs already");
    }

    pub fn signal(&self, id: u8, signal: Signal) {
        let pid = self.children[&id].id();
        kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
    }

    /// `kill -9`.
    pub fn kill(&mut self, id: u8) {
        let mut child = self.children.remove(&id).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self, id: u8) -> ExitStatus {
        self.signal(id, Signal::TERM);
        self.wait_end(id)
    }

    /// Waits until a server has ended by itself.
    pub fn wait_end(&mut self, id: u8) -> ExitStatus {
        let mut child = self.children.remove(&id).unwrap();
        wait_end(&mut child)
    }

    pub fn connect(&self, id: u8) -> io::Result<Connection> {
        Connection::open(self.client_ports[&id])
    }

    pub fn status(&self, id: u8) -> io::Result<StatusReport> {
        match self.connect(id)?.call(ClientRequest::Status)? {
            ServerReply::Status(report) => Ok(report),
            other => panic!("{other:?}"),
        }
    }

    /// A server's own row.
    pub fn row(&self, id: u8) -> io::Result<ServerStatus> {
        Ok(self.status(id)?.servers.into_iter().find(|row| row.id == id).unwrap())
    }

    /// Waits until each of these says that it and the others of them are ready, in one view, alike.
    pub fn wait_ready(&self, ids: &[u8]) {
        let mut last = String::new();
        let is_ready = |last: &mut String| {
            let mut tips = Vec::new();
            for &id in ids {
                let report = self.status(id).map_err(|error| *last = format!("server {id}: {error}")).ok()?;
                for row in report.servers.iter().filter(|row| ids.contains(&row.id)) {
                    *last = format!("{report:?}");
                    (row.state == ServerState::Ready).then_some(())?;
                }
                let own = report.servers.iter().find(|row| row.id == id)?;
                tips.push((own.view.clone(), own.position, own.digest));
            }
            tips.windows(2).all(|pair| pair[0] == pair[1]).then_some(())
        };
        let began = Instant::now();
        while is_ready(&mut last).is_none() {
            if began.elapsed() > LIMIT {
                ids.iter().for_each(|&id| eprint(&format!("--- log of {id}\n{}", self.log(id))));
                panic!("servers {ids:?} do not become ready alike; last seen: {last}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Reserves through whichever of these servers sells, trying again with the same number: once for sure.
    pub fn reserve(&self, ids: &[u8], name: &str, count: u32) -> Outcome {
        let operation = Operation::Reserve { name: name.parse().unwrap(), count };
        self.execute(ids, operation)
    }

    pub fn execute(&self, ids: &[u8], operation: Operation) -> Outcome {
        let mut session = None;
        let mut tries = ids.iter().cycle();
        until("a command is answered", || {
            let mut connection = self.connect(*tries.next()?).ok()?;
            let birth_ms = connection.state_time_ms;
            let session = *session.get_or_insert_with(|| SessionId { birth_ms, random: random() });
            let command = SeatCommand {
                session,
                sequence: 1,
                answered_until: 0,
                operation: operation.clone(),
                key: None,
            };
            match connection.call(ClientRequest::Command(command)).ok()? {
                ServerReply::Outcome(outcome) => Some(outcome),
                ServerReply::Error(_) => None,
                other => panic!("{other:?}"),
            }
        })
    }

    /// The seats that a name holds, as this server tells.
    pub fn search(&self, id: u8, name: &str) -> Vec<u32> {
        let query = Query::Search { name: name.parse().unwrap() };
        let request = ClientRequest::Query { query, consistency: Consistency::Linearizable };
        until("a query is answered", || match self.connect(id).ok()?.call(request.clone()).ok()? {
            ServerReply::Answer(Answer::Search { seats, .. }) => {
                Some(seats.unwrap_or_default().into_iter().map(|seat| seat.0).collect())
            }
            ServerReply::Error(_) => None,
            other => panic!("{other:?}"),
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for id in self.client_ports.keys() {
                eprint(&format!(
                    "--- log of {id}\n{}",
                    fs::read_to_string(self.log_file(*id)).unwrap_or_default()
                ));
            }
        }
    }
}

fn eprint(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Different for each call of each process.
pub fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

/// The program, free of what the environment says.
pub fn server() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("server"));
    for name in ["SERVER_ID", "BOXOFFICE_CONFIG", "BOXOFFICE_DATA", "BOXOFFICE_LOG"] {
        command.env_remove(name);
    }
    command
}

pub fn wait_end(child: &mut Child) -> ExitStatus {
    until("a process ends", || child.try_wait().unwrap())
}

/// Whether a process with this number exists.
pub fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A connection that said hello.
pub struct Connection {
    pub stream: TcpStream,
    decoder: FrameDecoder,
    next_id: u64,
    pub state_time_ms: u64,
    pub in_flight_max: u32,
}

impl Connection {
    pub fn open(port: u16) -> io::Result<Connection> {
        match Connection::greet(port, CLIENT_PROTOCOL_VERSION, "test")? {
            (mut connection, ServerHello::Welcome { state_time_ms, in_flight_max, .. }) => {
                connection.state_time_ms = state_time_ms;
                connection.in_flight_max = in_flight_max;
                Ok(connection)
            }
            (_, ServerHello::Refused(error)) => Err(io::Error::other(error)),
        }
    }

    pub fn greet(port: u16, version: u16, cluster: &str) -> io::Result<(Connection, ServerHello)> {
        let stream = raw(port)?;
        let decoder = FrameDecoder::new(ANSWER_FRAME_BYTES_MAX);
        let mut connection = Connection { stream, decoder, next_id: 1, state_time_ms: 0, in_flight_max: 0 };
        connection.say(&ClientHello {
            magic: CLIENT_MAGIC,
            version,
            cluster: cluster.to_owned(),
            token: None,
        })?;
        let hello = connection.hear()?;
        Ok((connection, hello))
    }

    pub fn say(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut out = BytesMut::new();
        frame::encode_message(&mut out, message, usize::MAX / 2).unwrap();
        self.stream.write_all(&out)
    }

    pub fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            if let Some(body) = self.decoder.next().map_err(io::Error::other)? {
                return frame::decode_message(&body).map_err(io::Error::other);
            }
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.decoder.extend(&bytes[..read]),
            }
        }
    }

    pub fn ask(&mut self, body: ClientRequest) -> io::Result<u64> {
        self.next_id += 1;
        let id = self.next_id;
        self.say(&ClientFrame { id, body })?;
        Ok(id)
    }

    /// What the server saw of the algorithm after this event.
    pub fn trace(&mut self, after: u64) -> TracePage {
        match self.call(ClientRequest::Trace { after }).unwrap() {
            ServerReply::Trace(page) => page,
            other => panic!("{other:?}"),
        }
    }

    pub fn call(&mut self, body: ClientRequest) -> io::Result<ServerReply> {
        let id = self.ask(body)?;
        let answer: ServerFrame = self.hear()?;
        assert_eq!(answer.id, id);
        Ok(answer.body)
    }
}

/// A connection that says nothing yet.
pub fn raw(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Waits until the other side has closed the connection; whatever it still says is returned.
pub fn wait_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => said,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => said,
        Err(error) => panic!("the connection stays: {error}"),
    }
}
