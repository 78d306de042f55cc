//! A cluster as a few numbers, and what can happen to it.

use crate::bugs::Bug;
use crate::node::{Node, SERVERS, hash128};
use crate::space::{EMPTY, Facts, Id, Kind, Memory, Space, Step};
use boxoffice::protocol::engine::Availability;
use boxoffice::protocol::message::Standing;
use boxoffice::protocol::types::{Incarnation, Member, ServerId};
use std::collections::VecDeque;
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64;

/// What may go wrong, and how often; what is asked.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub crashes: u8,
    pub restarts: u8,
    /// Links that break while both servers live (`majority` only). They can come back at any time.
    pub cuts: u8,
    /// Servers that stand still for so long that others take them for crashed (`any`).
    pub stalls: u8,
    pub leaves: u8,
    /// Each is sent once; the same number twice is a retry, at any server.
    pub commands: &'static [u8],
    /// Proposals after the first view. What would make one more is not done.
    pub views: u64,
    /// Records can become durable one by one, not only all that wait at once.
    pub flushes_by_record: bool,
    /// Others hear at once of what a server has become, unless its own clock would change it first.
    pub prompt_news: bool,
    /// Once no crash can come any more disks are not late either: whatever waits for a record might as well wait on its
    /// way.
    pub prompt_flushes: bool,
    /// Nothing is left out that loses nothing: to see that it does.
    pub is_literal: bool,
    pub bug: Option<Bug>,
}

/// A flush may lead to records, which are flushed as well; the rest waits for the next action.
const FLUSHES_MAX: usize = 4;
/// Rounds of news after an action; each tells of something new, so there are few.
const TELLS_MAX: usize = 10;

/// Records that one step of a server logs, at most.
const RECORDS_MAX: u8 = 4;

/// A number for each ordered pair of servers.
pub fn way(from: usize, to: usize) -> usize {
    from * (SERVERS - 1) + if to > from { to - 1 } else { to }
}

/// The bit of an unordered pair.
fn pair(a: usize, b: usize) -> u8 {
    1 << (a + b - 1)
}

/// Something that can happen. Servers are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Tick(u8),
    Flush(u8, u8),
    Deliver(u8, u8),
    /// The server sees that a link is down, and the time to wait for it passes.
    Notice(u8, u8),
    Connect(u8, u8),
    /// Sends a command of the bounds, by its place there.
    Submit(u8, u8),
    Crash(u8, u8),
    Start(u8),
    Cut(u8, u8),
    Stall(u8),
    /// The server that stood still looks at its clock.
    Wake(u8),
    Leave(u8),
    /// The server does this and crashes before its heartbeats are out, with so many of its records written.
    Last(Last, u8),
}

/// What a server may be about when it crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    Tick(u8),
    Flush(u8, u8),
    Deliver(u8, u8),
}

impl Last {
    fn server(self) -> u8 {
        match self {
            Last::Tick(s) | Last::Flush(s, _) | Last::Deliver(_, s) => s,
        }
    }

    pub fn action(self) -> Action {
        match self {
            Last::Tick(s) => Action::Tick(s),
            Last::Flush(s, records) => Action::Flush(s, records),
            Last::Deliver(from, to) => Action::Deliver(from, to),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Used {
    pub crashes: u8,
    pub restarts: u8,
    pub cuts: u8,
    pub stalls: u8,
    pub leaves: u8,
    /// A bit for each command.
    pub commands: u8,
}

/// One state of the search. All that it refers to is in the [`Space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub nodes: [Id; SERVERS],
    /// What is on its way, by [`way`].
    pub queues: [Id; SERVERS * (SERVERS - 1)],
    /// By [`way`]: the life at the other end that the first server believes to be linked to; 0 for none.
    held: [u8; SERVERS * (SERVERS - 1)],
    /// Pairs whose present lives have been linked: what they send waits until it can be delivered.
    joined: u8,
    /// Of those, whose link is down.
    broken: u8,
    /// Servers that stand still; their next tick is late.
    stalled: u8,
    pub used: Used,
    pub memory: Id,
}

impl Cluster {
    pub fn hash(&self) -> u64 {
        let Cluster { nodes, queues, held, joined, broken, stalled, used, memory } = self;
        let mut bytes = [0u8; 64];
        for (at, number) in nodes.iter().chain(queues).chain([memory]).enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&number.to_le_bytes());
        }
        bytes[40..46].copy_from_slice(held);
        let Used { crashes, restarts, cuts, stalls, leaves, commands } = *used;
        let small = [*joined, *broken, *stalled, crashes, restarts, cuts, stalls, leaves, commands];
        bytes[46..55].copy_from_slice(&small);
        xxh3_64(&bytes)
    }

    /// Three servers that have never run.
    pub fn blank(space: &mut Space) -> Result<Cluster, String> {
        let mut nodes = [0; SERVERS];
        for (at, node) in nodes.iter_mut().enumerate() {
            *node = space.node_id(Node::blank(at as u8 + 1))?;
        }
        Ok(Cluster {
            nodes,
            queues: [EMPTY; SERVERS * (SERVERS - 1)],
            held: [0; SERVERS * (SERVERS - 1)],
            joined: 0,
            broken: 0,
            stalled: 0,
            used: Used::default(),
            memory: EMPTY,
        })
    }

    pub fn is_stalled(&self, server: usize) -> bool {
        self.stalled & 1 << server != 0
    }

    /// The state as one that is met again: who is down and cannot come back is no more than that.
    pub fn essence(mut self, space: &Space, bounds: &Bounds) -> Cluster {
        if self.used.restarts >= bounds.restarts && !bounds.is_literal {
            for node in self.nodes.iter_mut().filter(|node| !space.facts(**node).running) {
                *node = Id::MAX;
            }
        }
        self
    }

    /// What can be seen from outside: who is what in which view, what was executed and told, and what went wrong. The
    /// reductions that lose nothing lose none of these.
    pub fn outline(&self, space: &Space, bounds: &Bounds) -> u64 {
        let servers = self.nodes.map(|node| {
            let facts = space.facts(node);
            let is_over = !facts.running && self.used.restarts >= bounds.restarts;
            (!is_over).then_some((facts.life, facts.standing, facts.view, facts.others, facts.position))
        });
        hash128(&(servers, self.used, &**space.memory(self.memory))) as u64
    }

    fn is_up(&self, space: &Space, a: usize, b: usize) -> bool {
        let lives = |x: usize, y: usize| {
            u64::from(self.held[way(x, y)]) == space.facts(self.nodes[y]).life.incarnation.0
        };
        self.broken & pair(a, b) == 0 && lives(a, b) && lives(b, a)
    }

    /// Everything that can happen now. Some of it may turn out to change nothing.
    pub fn actions(&self, space: &Space, bounds: &Bounds, actions: &mut Vec<Action>) {
        actions.clear();
        for server in 0..SERVERS {
            let facts = space.facts(self.nodes[server]).clone();
            let s = server as u8;
            if !facts.running {
                if self.used.restarts < bounds.restarts {
                    actions.push(Action::Start(s));
                }
                continue;
            }
            actions.push(if self.is_stalled(server) { Action::Wake(s) } else { Action::Tick(s) });
            if bounds.flushes_by_record {
                actions.extend((1..=facts.unsynced).map(|records| Action::Flush(s, records)));
            } else if facts.waits_for_disk || (bounds.is_literal && facts.unsynced > 0) {
                actions.push(Action::Flush(s, facts.unsynced));
            }
            self.link_actions(space, server, actions);
            self.fault_actions(bounds, server, &facts, actions);
            let at_work = matches!(facts.standing, Some(Standing::Active | Standing::Changing));
            for place in 0..bounds.commands.len() as u8 {
                if at_work && self.used.commands & 1 << place == 0 && self.is_next(bounds, place) {
                    actions.push(Action::Submit(s, place));
                }
            }
        }
    }

    /// Whether a crash now would be in the midst of something: messages are on their way, or a view changes.
    pub fn is_busy(&self, space: &Space, server: usize) -> bool {
        let others = (0..SERVERS).filter(|&other| other != server);
        let sends = others.into_iter().any(|other| self.queues[way(server, other)] != EMPTY);
        sends || space.facts(self.nodes[server]).standing == Some(Standing::Changing)
    }

    /// Whether the next message on this way, if there is one, can arrive now.
    fn arrives(&self, space: &Space, from: usize, to: usize) -> bool {
        let next = space.queued(self.queues[way(from, to)]).first();
        next.is_some_and(|&next| {
            let (life, _) = space.message(next);
            self.broken & pair(from, to) == 0 && u64::from(self.held[way(to, from)]) == life.incarnation.0
        })
    }

    /// Clients that send the same number of times are alike until one has sent: which of them is the first is no matter,
    /// and neither is which of two equal commands is sent first.
    fn is_next(&self, bounds: &Bounds, place: u8) -> bool {
        let commands = bounds.commands;
        let is_used = |at: usize| self.used.commands & 1 << at != 0;
        let has_sent = |client: u8| (0..commands.len()).any(|at| commands[at] == client && is_used(at));
        let sends = |client: u8| commands.iter().filter(|&&other| other == client).count();
        let client = commands[usize::from(place)];
        (0..usize::from(place)).filter(|&at| !is_used(at)).all(|at| {
            let other = commands[at];
            let alike = !has_sent(client) && !has_sent(other) && sends(client) == sends(other);
            other != client && !alike
        })
    }

    fn link_actions(&self, space: &Space, server: usize, actions: &mut Vec<Action>) {
        for other in (0..SERVERS).filter(|&other| other != server) {
            let (s, o) = (server as u8, other as u8);
            let of = space.facts(self.nodes[other]);
            let held = self.held[way(server, other)];
            if self.arrives(space, other, server) {
                actions.push(Action::Deliver(o, s));
            }
            if self.is_stalled(server) {
                continue;
            }
            let is_gone = !of.running || of.life.incarnation.0 != u64::from(held);
            let seems_gone = is_gone || self.broken & pair(server, other) != 0 || self.is_stalled(other);
            if held != 0 && seems_gone {
                actions.push(Action::Notice(s, o));
            }
            let can = of.running && !self.is_stalled(other) && server < other;
            if can && !self.is_up(space, server, other) {
                actions.push(Action::Connect(s, o));
            }
        }
    }

    fn fault_actions(&self, bounds: &Bounds, server: usize, facts: &Facts, actions: &mut Vec<Action>) {
        let s = server as u8;
        if self.used.crashes < bounds.crashes {
            actions.extend((0..=facts.unsynced).map(|kept| Action::Crash(s, kept)));
            let lasts: Vec<Last> = actions.iter().filter_map(|&action| last_of(action, s)).collect();
            for kept in 0..=facts.unsynced + RECORDS_MAX {
                actions.extend(lasts.iter().map(|&last| Action::Last(last, kept)));
            }
        }
        let at_work = matches!(facts.standing, Some(Standing::Active | Standing::Changing));
        let can_stall = at_work && facts.others > 0 && !self.is_stalled(server);
        if self.used.stalls < bounds.stalls && can_stall {
            actions.push(Action::Stall(s));
        }
        if self.used.leaves < bounds.leaves && facts.standing != Some(Standing::Leaving) {
            actions.push(Action::Leave(s));
        }
        if self.used.cuts < bounds.cuts {
            for other in server + 1..SERVERS {
                if self.joined & !self.broken & pair(server, other) != 0 {
                    actions.push(Action::Cut(s, other as u8));
                }
            }
        }
    }
}

/// What a server does that may come with heartbeats.
fn last_of(action: Action, server: u8) -> Option<Last> {
    match action {
        Action::Tick(s) if s == server => Some(Last::Tick(s)),
        Action::Flush(s, records) if s == server => Some(Last::Flush(s, records)),
        Action::Deliver(from, to) if to == server => Some(Last::Deliver(from, to)),
        Action::Tick(_)
        | Action::Flush(..)
        | Action::Deliver(..)
        | Action::Notice(..)
        | Action::Connect(..)
        | Action::Submit(..)
        | Action::Crash(..)
        | Action::Start(_)
        | Action::Cut(..)
        | Action::Stall(_)
        | Action::Wake(_)
        | Action::Leave(_)
        | Action::Last(..) => None,
    }
}

/// Why an action leads nowhere.
pub enum Stop {
    /// It would go beyond the bounds.
    Beyond,
    /// A server that comes back has accepted a view that none of the others knows, and cannot tell whether it was at
    /// work. What is in it is reported, and the server takes the others' state. What follows is for the simulation.
    GivesUp,
    /// An invariant does not hold after it.
    Violation(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Stop {
        Stop::Violation(why)
    }
}

/// Carries one action out, with all that follows at once.
pub struct Play<'a> {
    pub space: &'a mut Space,
    pub cluster: Cluster,
    pub bounds: &'a Bounds,
    /// The number of the last view that may be proposed.
    pub last_view: u64,
    todo: VecDeque<(usize, Step)>,
    /// Heartbeats are not sent any more.
    is_quiet: bool,
    /// Some that would have been.
    is_untold: bool,
    /// What every server did, where somebody wants to read it.
    pub told: Option<&'a mut Vec<(usize, Id, Step)>>,
}

impl<'a> Play<'a> {
    pub fn new(space: &'a mut Space, cluster: Cluster, bounds: &'a Bounds, last_view: u64) -> Self {
        Play {
            space,
            cluster,
            bounds,
            last_view,
            todo: VecDeque::new(),
            is_quiet: false,
            is_untold: false,
            told: None,
        }
    }

    pub fn facts(&self, server: usize) -> Rc<Facts> {
        self.space.facts(self.cluster.nodes[server]).clone()
    }

    fn life(&self, server: usize) -> Member {
        self.facts(server).life
    }

    pub fn act(&mut self, action: Action) -> Result<(), Stop> {
        match action {
            Action::Tick(s) => self.plan(s, Step::Tick),
            Action::Flush(s, records) => self.plan(s, Step::Flush(records)),
            Action::Deliver(from, to) => {
                let queue = &mut self.cluster.queues[way(from.into(), to.into())];
                let message = self.space.queued(*queue)[0];
                *queue = self.space.pop(*queue);
                self.plan(to, Step::Message(message));
            }
            Action::Notice(s, other) => {
                self.drop_link(s.into(), other.into());
                self.plan(s, Step::Tick);
            }
            Action::Connect(a, b) => self.connect(a.into(), b.into()),
            Action::Submit(s, place) => {
                self.cluster.used.commands |= 1 << place;
                self.plan(s, Step::Submit(self.bounds.commands[usize::from(place)]));
            }
            Action::Crash(s, kept) => {
                self.cluster.used.crashes += 1;
                self.plan(s, Step::Crash(kept));
            }
            Action::Start(s) => {
                self.cluster.used.restarts += 1;
                self.plan(s, Step::Start);
            }
            Action::Cut(a, b) => self.cut(a.into(), b.into()),
            Action::Stall(s) => {
                self.cluster.used.stalls += 1;
                self.cluster.stalled |= 1 << s;
            }
            Action::Wake(s) => {
                self.cluster.stalled &= !(1 << s);
                self.plan(s, Step::LateTick);
            }
            Action::Leave(s) => {
                self.cluster.used.leaves += 1;
                self.plan(s, Step::Leave);
            }
            Action::Last(last, kept) => return self.act_and_crash(last, kept),
        }
        self.play_all()?;
        if self.bounds.prompt_flushes && self.cluster.used.crashes == self.bounds.crashes {
            self.flush_all()?;
        }
        if self.bounds.prompt_news && !self.is_quiet {
            self.tell_all()?;
        }
        self.play_all()?;
        self.settle()
    }

    fn act_and_crash(&mut self, last: Last, kept: u8) -> Result<(), Stop> {
        let server = last.server();
        let before = self.facts(server.into()).unsynced;
        self.is_quiet = true;
        self.act(last.action())?;
        self.is_quiet = false;
        let unsynced = self.facts(server.into()).unsynced;
        if unsynced > before + RECORDS_MAX {
            return Err(Stop::Violation(format!("more records than {RECORDS_MAX} in one step")));
        }
        // Without heartbeats it is no different from the same action and a crash after it.
        if !std::mem::take(&mut self.is_untold) || kept > unsynced {
            return Err(Stop::Beyond);
        }
        self.act(Action::Crash(server, kept))
    }

    /// What nothing can come of goes, and what only has to be counted is.
    fn settle(&mut self) -> Result<(), Stop> {
        if self.bounds.is_literal {
            return Ok(());
        }
        loop {
            let mut counted = None;
            for (from, to) in (0..SERVERS).flat_map(|from| (0..SERVERS).map(move |to| (from, to))) {
                if from == to || self.cluster.queues[way(from, to)] == EMPTY {
                    continue;
                }
                let (queue, node) = (&mut self.cluster.queues[way(from, to)], self.cluster.nodes[to]);
                *queue = self.space.sift(*queue, node);
                if self.space.only_counts(*queue, node) && self.cluster.arrives(self.space, from, to) {
                    counted = Some((from, to));
                }
            }
            let Some((from, to)) = counted else { return Ok(()) };
            let queue = &mut self.cluster.queues[way(from, to)];
            let message = self.space.queued(*queue)[0];
            *queue = self.space.pop(*queue);
            self.plan(to as u8, Step::Message(message));
            self.play_all()?;
        }
    }

    fn play_all(&mut self) -> Result<(), Stop> {
        while let Some((server, step)) = self.todo.pop_front() {
            self.step(server, step)?;
        }
        Ok(())
    }

    fn flush_all(&mut self) -> Result<(), Stop> {
        for server in (0..SERVERS).cycle().take(SERVERS * FLUSHES_MAX) {
            let facts = self.facts(server);
            if facts.running && facts.unsynced > 0 {
                self.plan(server as u8, Step::Flush(facts.unsynced));
                self.play_all()?;
            }
        }
        Ok(())
    }

    /// Ticks that change nothing in the server itself happen at once.
    fn tell_all(&mut self) -> Result<(), Stop> {
        for _ in 0..TELLS_MAX {
            let before = self.cluster.nodes;
            for server in 0..SERVERS {
                if !self.facts(server).running || self.cluster.is_stalled(server) {
                    continue;
                }
                let done = self.space.step(self.cluster.nodes[server], Step::Tick)?;
                if done.node == self.cluster.nodes[server] {
                    let news = done.sends.iter().filter(|&&(_, id)| self.space.kind(id) == Kind::Heartbeat);
                    for (to, id) in news.copied().collect::<Vec<_>>() {
                        self.send(server, to, id);
                    }
                    self.play_all()?;
                }
            }
            if self.cluster.nodes == before {
                return Ok(());
            }
        }
        Err(Stop::Violation("news change news for ever".to_owned()))
    }

    fn plan(&mut self, server: u8, step: Step) {
        self.todo.push_back((server.into(), step));
    }

    fn step(&mut self, server: usize, step: Step) -> Result<(), Stop> {
        if let Some(told) = &mut self.told {
            told.push((server, self.cluster.nodes[server], step));
        }
        let done = self.space.step(self.cluster.nodes[server], step)?;
        if done.proposed > self.last_view || done.is_refused {
            return Err(Stop::Beyond);
        }
        if done.gives_up && self.space.world.availability == Availability::Any {
            return Err(Stop::GivesUp);
        }
        self.cluster.nodes[server] = done.node;
        self.is_untold |= self.is_quiet && done.is_news && !done.ended;
        if !done.executed.is_empty() || !done.answered.is_empty() {
            let memory = Memory::clone(self.space.memory(self.cluster.memory));
            let memory = memory.with(server, &done.executed, &done.answered)?;
            self.cluster.memory = self.space.memory_id(memory);
        }
        for &(to, message) in &done.sends {
            self.send(server, to, message);
        }
        if done.ended || matches!(step, Step::Crash(_)) {
            self.forget_links(server);
        }
        Ok(())
    }

    fn send(&mut self, from: usize, to: Member, message: Id) {
        let receiver = usize::from(to.server.0) - 1;
        let facts = self.space.facts(self.cluster.nodes[receiver]);
        let bit = pair(from, receiver);
        if facts.life != to || !facts.running || self.cluster.joined & bit == 0 {
            return;
        }
        let is_broken = self.cluster.broken & bit != 0;
        match self.space.kind(message) {
            Kind::Heartbeat | Kind::Loose
                if self.is_quiet || is_broken || self.cluster.is_stalled(receiver) => {}
            // News are delivered at once. A server whose clock stands still sends none, so others' knowledge of it
            // can be as old as anything.
            Kind::Heartbeat | Kind::Loose => self.todo.push_back((receiver, Step::Message(message))),
            Kind::Answer => {}
            Kind::Sequenced => {
                let queue = &mut self.cluster.queues[way(from, receiver)];
                *queue = self.space.push(*queue, message);
            }
        }
    }

    /// A server's end of a link is down: what had not reached it is lost, unless both live and can send it again.
    fn drop_link(&mut self, server: usize, other: usize) {
        let held = std::mem::take(&mut self.cluster.held[way(server, other)]);
        let peer = Member { server: ServerId(other as u8 + 1), incarnation: Incarnation(held.into()) };
        if held == 0 {
            return;
        }
        if self.cluster.broken & pair(server, other) == 0 {
            self.cluster.queues[way(other, server)] = EMPTY;
            if self.life(other) == peer {
                // It stood still. What comes of this link later is a new one.
                self.cluster.joined &= !pair(server, other);
            }
        }
        self.plan(server as u8, Step::LinkDown { peer });
    }

    fn connect(&mut self, a: usize, b: usize) {
        let resumed = self.cluster.joined & pair(a, b) != 0;
        self.drop_link(a, b);
        self.drop_link(b, a);
        if !resumed {
            self.cluster.queues[way(a, b)] = EMPTY;
            self.cluster.queues[way(b, a)] = EMPTY;
        }
        self.cluster.joined |= pair(a, b);
        self.cluster.broken &= !pair(a, b);
        for (server, other) in [(a, b), (b, a)] {
            let peer = self.life(other);
            self.cluster.held[way(server, other)] = peer.incarnation.0 as u8;
            self.plan(server as u8, Step::LinkUp { peer, resumed });
        }
    }

    fn cut(&mut self, a: usize, b: usize) {
        self.cluster.used.cuts += 1;
        self.cluster.broken |= pair(a, b);
    }

    /// A life is over. What it had sent can still arrive, until the others see that it is gone.
    fn forget_links(&mut self, server: usize) {
        self.cluster.stalled &= !(1 << server);
        for other in (0..SERVERS).filter(|&other| other != server) {
            let bit = pair(server, other);
            let arrives = self.cluster.held[way(other, server)] != 0 && self.cluster.broken & bit == 0;
            self.cluster.held[way(server, other)] = 0;
            self.cluster.queues[way(other, server)] = EMPTY;
            if !arrives {
                self.cluster.queues[way(server, other)] = EMPTY;
            }
            self.cluster.joined &= !bit;
            self.cluster.broken &= !bit;
        }
    }
}
