//! A client's connection to the cluster: carries out what an [`Exchange`] decides.

#![expect(clippy::disallowed_methods, reason = "the one clock of the client")]

use super::{
    exchange::{Completion, Exchange, Now, Step, Trouble, Wanted, silence::Patience},
    link::{Link, LinkError, Welcome},
    rotation::Rotation,
};
use crate::{
    api::wire::{ClientFrame, ServerReply},
    config::ClusterConfig,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout_at};

/// What the owner of a connection may want to tell people while they wait.
#[derive(Debug)]
pub enum News<'a> {
    /// A server was of no use; the next one is asked.
    Trouble(&'a Trouble),
    /// A whole round was of no use; told once for each call of [`Connection::next`].
    NobodyAnswers,
}

/// Looks like one connection to one server that never dies.
pub struct Connection {
    config: Arc<ClusterConfig>,
    token: Option<String>,
    exchange: Exchange,
    link: Option<Link>,
    started: Instant,
    deadline: Duration,
    listener: Box<dyn FnMut(News<'_>) + Send>,
}

/// What a connection is made of.
pub struct ConnectionOptions {
    /// The cluster.
    pub config: Arc<ClusterConfig>,
    /// Who asks; none for anyone.
    pub token: Option<String>,
    /// The server to start with, by id; a random one otherwise.
    pub server: Option<u8>,
    /// Whether no other server is to be asked.
    pub only_that_server: bool,
    /// How long one request may take, all tries together.
    pub deadline: Duration,
    /// Source of the order of servers.
    pub order: fastrand::Rng,
    /// Source of the session's number.
    pub secret: fastrand::Rng,
    /// Who is told of troubles.
    pub listener: Box<dyn FnMut(News<'_>) + Send>,
}

impl Connection {
    /// Connects to nobody yet: that happens when something is asked.
    pub fn new(options: ConnectionOptions) -> Self {
        let ConnectionOptions {
            config,
            token,
            server,
            only_that_server,
            deadline,
            mut order,
            secret,
            listener,
        } = options;
        let mut servers = config.servers.clone();
        if only_that_server {
            servers.retain(|candidate| Some(candidate.id) == server);
        }
        let config = Arc::new(ClusterConfig { servers, ..(*config).clone() });
        let first = config.servers.iter().position(|candidate| Some(candidate.id) == server);
        let rotation = Rotation::new(config.servers.len(), first, &mut order);
        let exchange = Exchange::new(rotation, secret, Patience::of(&config.timeouts));
        Self { config, token, exchange, link: None, started: Instant::now(), deadline, listener }
    }

    /// Asks for something; [`next`](Self::next) yields its end.
    pub fn submit(&mut self, wanted: Wanted) -> u64 {
        let now = self.now();
        self.exchange.submit(now, wanted, now + self.deadline)
    }

    /// How many requests have not ended.
    pub fn waiting(&self) -> usize {
        self.exchange.waiting()
    }

    /// The next request that ends, in whatever order they do; `None` when nothing waits. May be dropped at any
    /// point: no knowledge of what was sent is lost.
    pub async fn next(&mut self) -> Option<Completion> {
        let mut has_told = false;
        loop {
            if let Some(done) = self.exchange.take_done() {
                return Some(done);
            }
            self.tell(&mut has_told);
            match self.exchange.step(self.now()) {
                Step::Rest => match self.exchange.take_done() {
                    Some(done) => return Some(done),
                    None => return None,
                },
                Step::Pause(until) => {
                    self.link = None;
                    sleep_until(self.started + until).await;
                }
                Step::Dial(server, until) => self.dial(server, until).await,
                Step::Talk(until) => self.talk(until).await,
            }
        }
    }

    /// Asks for one thing and waits for its end, or for `interrupted`, which ends it at once.
    pub async fn call(&mut self, wanted: Wanted, interrupted: impl Future<Output = ()>) -> Completion {
        assert_eq!(self.waiting(), 0, "one thing at a time");
        self.drop_closed_link().await;
        self.submit(wanted);
        let ended = tokio::select! {
            done = self.next() => done,
            () = interrupted => {
                self.link = None;
                let now = self.now();
                self.exchange.end_all(now);
                self.exchange.take_done()
            }
        };
        ended.expect("what was submitted ends")
    }

    /// The troubles with servers that have not answered since, for the message about a failure.
    pub fn troubles(&self) -> Vec<String> {
        self.exchange.troubles().map(|trouble| self.describe(trouble)).collect()
    }

    /// `server 2 (host:port): reason`.
    pub fn describe(&self, trouble: &Trouble) -> String {
        format!("{}: {}", self.server_name(trouble.server), trouble.reason)
    }

    /// `server 2 (host:port)`, for the index in a completion or trouble.
    pub fn server_name(&self, index: usize) -> String {
        let server = &self.config.servers[index];
        format!("server {} ({})", server.id, server.client_address())
    }

    /// The id of the server with that index.
    pub fn server_id(&self, index: usize) -> u8 {
        self.config.servers[index].id
    }

    fn now(&self) -> Now {
        self.started.elapsed()
    }

    fn tell(&mut self, has_told: &mut bool) {
        for trouble in self.exchange.take_news() {
            (self.listener)(News::Trouble(&trouble));
        }
        if !*has_told && self.exchange.is_round_failed() && self.exchange.waiting() > 0 {
            *has_told = true;
            (self.listener)(News::NobodyAnswers);
        }
    }

    async fn dial(&mut self, server: usize, until: Now) {
        self.link = None;
        let address = self.config.servers[server].client_address();
        let dial = Link::dial(&address, &self.config.cluster, self.token.as_deref());
        let result = timeout_at(self.started + until, dial).await.unwrap_or(Err(LinkError::TimedOut));
        let now = self.now();
        match result {
            Ok((link, welcome)) => {
                self.link = Some(link);
                self.exchange.connected(welcome.state_time_ms, welcome.in_flight_max);
            }
            Err(LinkError::Refused(error)) => self.exchange.refused(now, &error),
            Err(error) => self.exchange.lost(now, error.to_string()),
        }
    }

    /// Sends what is to be sent, then takes the answers of one read.
    async fn talk(&mut self, until: Now) {
        let now = self.now();
        let Some(link) = &mut self.link else {
            return self.exchange.lost(now, LinkError::Closed.to_string());
        };
        for frame in self.exchange.frames(now) {
            if let Err(error) = link.queue(&frame) {
                self.exchange.reject(now, frame.id, error.to_string());
            }
        }
        if self.exchange.has_done() {
            return;
        }
        // A timeout is not an error here: the next step finds out whose time is up.
        let Ok(received) = timeout_at(self.started + until, link.receive()).await else { return };
        let now = self.started.elapsed();
        let mut received = received.map(Some);
        loop {
            match received {
                Ok(Some(frame)) => self.exchange.received(now, frame),
                Ok(None) => return,
                Err(error) => {
                    self.link = None;
                    return self.exchange.lost(now, error.to_string());
                }
            }
            received = link.buffered();
        }
    }

    /// Between two commands at the prompt a server may close the idle link; that says nothing about the next one.
    pub(super) async fn drop_closed_link(&mut self) {
        // Lets the runtime look at the socket first.
        tokio::task::yield_now().await;
        if self.link.as_ref().is_some_and(Link::is_closed) {
            self.link = None;
            let now = self.now();
            self.exchange.closed_idle(now);
        }
    }
}

/// Asks one server one thing that is no command, on a link of its own (`status`).
pub async fn ask_once(
    address: &str,
    cluster: &str,
    body: crate::api::wire::ClientRequest,
    patience: Duration,
) -> Result<(Welcome, ServerReply), LinkError> {
    let ask = async {
        let (mut link, welcome) = Link::dial(address, cluster, None).await?;
        link.queue(&ClientFrame { id: 1, body }).expect("a question without content fits into a frame");
        let answer = link.receive().await?;
        Ok((welcome, answer.body))
    };
    tokio::time::timeout(patience, ask).await.unwrap_or(Err(LinkError::TimedOut))
}
