//! The leader: one thread for clients, followers and seats, and one for the log.

use super::log::Log;
use super::table::Table;
use super::wire::{Verb, parse_request, write_answer};
use crate::args::CeilingArgs;
use crate::error::LoadError;
use bytes::{Buf as _, BytesMut};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// Most batches that wait for the log. Clients have one operation outstanding each, so there are fewer.
const BATCHES_MAX: usize = 65_536;
/// Dirty connections that are looked through before one is noted again.
const NOTED_LATELY: usize = 4;
/// What a read of a client's requests has room for.
const READ_BYTES: usize = 16 * 1024;

/// Entries up to the number, to be flushed.
type Batch = (u64, Vec<u8>);

/// A client's connection, with answers that go out together.
struct Client {
    stream: OwnedWriteHalf,
    out: RefCell<BytesMut>,
    is_lost: Cell<bool>,
}

/// An operation that is not on two disks yet.
struct Waiting {
    number: u64,
    client: Rc<Client>,
    id: u32,
    verb: Verb,
    seats: u8,
    name: String,
}

/// All of the state. One thread: nobody waits for anybody.
struct Core {
    /// Requests that are in no batch yet.
    collected: Vec<u8>,
    next: u64,
    /// What the leader's own disk and each follower's has.
    flushed: [u64; 3],
    waiting: VecDeque<Waiting>,
    table: Table,
}

/// The state, and what says that something was collected.
struct Leader {
    core: RefCell<Core>,
    wake: Notify,
}

pub(super) async fn run(args: &CeilingArgs, followers: [&str; 2]) -> Result<(), LoadError> {
    let (to_log, batches) = sync_channel(BATCHES_MAX);
    let (to_core, mut from_log) = mpsc::channel(BATCHES_MAX);
    let log = Log::create(&args.log)?;
    let writer = std::thread::Builder::new().name("log".to_owned());
    let writer = writer.spawn(move || write_log(log, &batches, &to_core)).map_err(LoadError::Runtime)?;
    let core = Core {
        collected: Vec::new(),
        next: 1,
        flushed: [0; 3],
        waiting: VecDeque::new(),
        table: Table::new(args.seats),
    };
    let leader = Rc::new(Leader { core: RefCell::new(core), wake: Notify::new() });
    let mut tasks = JoinSet::new();
    let mut links = Vec::new();
    for (at, follower) in followers.into_iter().enumerate() {
        let stream = TcpStream::connect(follower).await.map_err(LoadError::connection(follower))?;
        stream.set_nodelay(true).map_err(LoadError::connection(follower))?;
        let (read, write) = stream.into_split();
        links.push(write);
        let (leader, follower) = (leader.clone(), follower.to_owned());
        tasks.spawn_local(async move { leader.hear(at + 1, read, &follower).await });
    }
    let own = leader.clone();
    tasks.spawn_local(async move {
        while let Some(number) = from_log.recv().await {
            own.is_flushed(0, number);
        }
        Err(LoadError::Preparation("the log's thread has ended".to_owned()))
    });
    let own = leader.clone();
    tasks.spawn_local(async move { own.replicate(links, to_log).await });
    let listener = TcpListener::bind(&args.listen).await.map_err(LoadError::connection(&args.listen))?;
    let listen = args.listen.clone();
    tasks.spawn_local(async move {
        let mut clients = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.map_err(LoadError::connection(&listen))?;
            stream.set_nodelay(true).map_err(LoadError::connection(&listen))?;
            clients.spawn_local(leader.clone().serve(stream));
        }
    });
    // Whichever ends has failed; the others end with it, and the log's thread when nobody sends to it.
    let ended = tasks.join_next().await.expect("there are tasks").expect("no task panics");
    tasks.shutdown().await;
    writer.join().expect("the log's thread does not panic")?;
    ended
}

/// Flushes all batches that are there at once.
fn write_log(mut log: Log, batches: &Receiver<Batch>, flushed: &mpsc::Sender<u64>) -> Result<(), LoadError> {
    while let Ok((mut last, mut bytes)) = batches.recv() {
        while let Ok((number, more)) = batches.try_recv() {
            last = number;
            bytes.extend_from_slice(&more);
        }
        log.append(&bytes)?;
        if flushed.blocking_send(last).is_err() {
            break;
        }
    }
    Ok(())
}

impl Leader {
    /// Sends what has collected to all three disks, for ever.
    async fn replicate(
        &self,
        mut links: Vec<OwnedWriteHalf>,
        to_log: SyncSender<Batch>,
    ) -> Result<(), LoadError> {
        loop {
            self.wake.notified().await;
            // The other ready connections add theirs.
            tokio::task::yield_now().await;
            let (last, requests) = {
                let mut core = self.core.borrow_mut();
                (core.next - 1, std::mem::take(&mut core.collected))
            };
            if requests.is_empty() {
                continue;
            }
            let length = (requests.len() as u32).to_le_bytes();
            let frame = [&length[..], &last.to_le_bytes(), &requests].concat();
            for link in &mut links {
                link.write_all(&frame).await.map_err(LoadError::connection("a follower"))?;
            }
            if to_log.try_send((last, requests)).is_err() {
                return Err(LoadError::Preparation(format!("{BATCHES_MAX} batches wait for the log")));
            }
        }
    }

    /// What a follower says.
    async fn hear(&self, who: usize, mut link: OwnedReadHalf, address: &str) -> Result<(), LoadError> {
        let mut input = BytesMut::with_capacity(READ_BYTES);
        while link.read_buf(&mut input).await.map_err(LoadError::connection(address))? > 0 {
            let mut last = None;
            while input.len() >= 8 {
                last = Some(input.get_u64_le());
            }
            if let Some(last) = last {
                self.is_flushed(who, last);
            }
        }
        Err(LoadError::Closed { address: address.to_owned() })
    }

    /// One of three disks has all entries up to this one: executes what two have, and answers.
    fn is_flushed(&self, who: usize, number: u64) {
        let mut dirty: Vec<Rc<Client>> = Vec::new();
        let core = &mut *self.core.borrow_mut();
        core.flushed[who] = core.flushed[who].max(number);
        let mut flushed = core.flushed;
        flushed.sort_unstable();
        let committed = flushed[1];
        while core.waiting.front().is_some_and(|first| first.number <= committed) {
            let Some(Waiting { client, id, verb, seats, name, .. }) = core.waiting.pop_front() else { break };
            let mut out = client.out.borrow_mut();
            match verb {
                Verb::Reserve => {
                    let (status, seats) = core.table.reserve(name, seats);
                    write_answer(&mut out, id, status, seats);
                }
                Verb::Delete | Verb::Search => {
                    let (status, seats) = core.table.delete(&name);
                    write_answer(&mut out, id, status, &seats);
                }
            }
            drop(out);
            if !dirty.iter().rev().take(NOTED_LATELY).any(|noted| Rc::ptr_eq(noted, &client)) {
                dirty.push(client);
            }
        }
        dirty.iter().for_each(|client| client.flush());
    }

    /// One client, until it goes.
    async fn serve(self: Rc<Self>, stream: TcpStream) {
        let (mut read, stream) = stream.into_split();
        let client = Rc::new(Client { stream, out: RefCell::default(), is_lost: Cell::new(false) });
        let mut input = BytesMut::with_capacity(READ_BYTES);
        while let Ok(1..) = read.read_buf(&mut input).await {
            let is_collected = self.take(&client, &mut input);
            client.flush();
            if is_collected {
                self.wake.notify_one();
            }
            if client.is_lost.get() {
                return;
            }
        }
    }

    /// Answers searches and collects the rest. Whether there is something to replicate.
    fn take(&self, client: &Rc<Client>, input: &mut BytesMut) -> bool {
        let core = &mut *self.core.borrow_mut();
        while let Some((bytes, request)) = parse_request(input) {
            let name = String::from_utf8_lossy(request.name).into_owned();
            if request.verb == Verb::Search {
                let (status, seats) = core.table.search(&name);
                write_answer(&mut client.out.borrow_mut(), request.id, status, seats);
            } else {
                core.waiting.push_back(Waiting {
                    number: core.next,
                    client: client.clone(),
                    id: request.id,
                    verb: request.verb,
                    seats: request.seats,
                    name,
                });
                core.next += 1;
                core.collected.extend_from_slice(&input[..bytes]);
            }
            input.advance(bytes);
        }
        !core.collected.is_empty()
    }
}

impl Client {
    /// Writes all answers that are ready. A client whose socket takes no more (it has room for thousands of answers) does
    /// not read them, and is given up.
    fn flush(&self) {
        let mut out = self.out.borrow_mut();
        while !out.is_empty() && !self.is_lost.get() {
            match self.stream.try_write(&out) {
                Ok(count) => out.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_lost.set(true),
            }
        }
    }
}
