//! Short forms for people: `5.1` is a timestamp (clock, server), `v2.1` a view (number, coordinator), `3#2` the second
//! life of server 3.

use boxoffice::domain::batch;
use boxoffice::domain::command::Operation;
use boxoffice::domain::ids::Seat;
use boxoffice::domain::outcome::SeatList;
use boxoffice::protocol::engine::{Note, Restart};
use boxoffice::protocol::message::{Heartbeat, History, Message, Promise, Proposal};
use boxoffice::protocol::record::{Checkpoint, Record};
use boxoffice::protocol::types::{Entry, Member, Position, Request, ViewId};
use boxoffice::protocol::view::Install;

pub fn member(member: Member) -> String {
    match member.incarnation.0 {
        1 => member.server.to_string(),
        life => format!("{}#{life}", member.server),
    }
}

pub fn members(members: &[Member]) -> String {
    format!("{{{}}}", list(members, |&m| member(m)))
}

pub fn view(view: ViewId) -> String {
    match view {
        ViewId::ZERO => "no view".into(),
        ViewId { epoch: 0, number, coordinator, .. } => format!("v{number}.{coordinator}"),
        ViewId { epoch, number, coordinator, .. } => format!("epoch {epoch} v{number}.{coordinator}"),
    }
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(",")
}

fn seats(seats: &[Seat]) -> String {
    SeatList(seats).to_string()
}

fn operation(operation: &Operation) -> String {
    match operation {
        Operation::Reserve { name, count } => format!("reserve {name} {count}"),
        Operation::ReserveSeats { name, seats: wanted } => format!("seats {name} {}", seats(wanted)),
        Operation::Delete { name } => format!("delete {name}"),
        Operation::Restore { name, seats: held } => format!("restore {name} {}", seats(held)),
        Operation::Withdraw { name, made_until } => format!("withdraw {name}, made until {made_until}"),
        Operation::Events(_) | Operation::Expire | Operation::Offer(_) => format!("{operation:?}"),
    }
}

/// An encoded command.
pub fn command(bytes: &[u8]) -> String {
    batch::decode(bytes).map_or_else(|error| error.to_string(), |c| operation(&c.operation))
}

fn request(request: &Request) -> String {
    let commands = batch::commands(&request.batch);
    let commands: Vec<_> =
        commands.map(|c| c.map_or_else(|e| e.to_string(), |c| operation(&c.operation))).collect();
    format!("{} [{}]", request.timestamp, commands.join("; "))
}

fn entries(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "nothing".into();
    }
    entries.iter().map(|e| format!("{}={}", e.position, e.request.timestamp)).collect::<Vec<_>>().join(" ")
}

fn proposals(proposals: &[Proposal]) -> String {
    proposals
        .iter()
        .map(|p| format!("{} {}", view(p.view), members(&p.members)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn install(install: &Install) -> String {
    let Install { view: id, members: all, base, decided, kept, clock, .. } = install;
    let kept = entries(kept);
    format!("{} {} after {base}, keeps {kept}, decided {decided}, clock {clock}", view(*id), members(all))
}

fn promise(of: ViewId, promise: &Promise) -> String {
    let mut text =
        format!("{}: accepted {}, at {}", view(of), view(promise.accepted_view()), promise.position);
    if !promise.logged.is_empty() {
        let logged = list(&promise.logged, |(request, released)| {
            format!("{}{}", request.timestamp, if *released { " (released)" } else { "" })
        });
        text += &format!(", has {logged}");
    }
    let earlier: Vec<Proposal> = promise.promised.iter().filter(|p| p.view != of).cloned().collect();
    if !earlier.is_empty() {
        text += &format!(", promised {}", proposals(&earlier));
    }
    if promise.recovering {
        text += ", recovering";
    }
    text + history(promise.history)
}

fn history(history: History) -> &'static str {
    match history {
        History::First => ", blank",
        History::Kept => "",
        History::Lost => ", log lost",
    }
}

/// A message; none for one that only says that its sender lives.
pub fn message(message: &Message) -> Option<String> {
    Some(match message {
        Message::Request(r) => format!("REQUEST {}", request(r)),
        Message::Reply { until, clock, .. } => format!("REPLY {until} (clock {clock})"),
        Message::Release { until, .. } => format!("RELEASE {until}"),
        Message::Prepare { view: id, members: all } => format!("PREPARE {} {}", view(*id), members(all)),
        Message::Promise { view: id, promise: content } => format!("PROMISE {}", promise(*id, content)),
        Message::Refused { view: id, highest } => {
            format!("REFUSED {}, promised {}", view(*id), view(*highest))
        }
        Message::Install(i) => format!("INSTALL {}", install(i)),
        Message::Installed { view: id } => format!("INSTALLED {}", view(*id)),
        Message::Activate { view: id } => format!("ACTIVATE {}", view(*id)),
        Message::Leave => "LEAVE".into(),
        Message::Heartbeat(_) | Message::HeartbeatAck { .. } => return None,
        Message::Fetch { position, .. } => format!("FETCH after {position}"),
        Message::Entries { tip, entries: all, .. } => format!("ENTRIES {} of {tip}", entries(all)),
        Message::Offer { position, forked_after, .. } => match forked_after {
            Some(shared) => format!("OFFER snapshot at {position}, forked after {shared}"),
            None => format!("OFFER snapshot at {position}"),
        },
        Message::FetchSnapshot { position, offset } => {
            format!("FETCH snapshot at {position} from byte {offset}")
        }
        Message::SnapshotChunk { position, offset, bytes, .. } => {
            format!("CHUNK snapshot at {position} from byte {offset}, {} bytes", bytes.len())
        }
    })
}

/// A heartbeat, for tests that show them.
pub fn heartbeat(message: &Message) -> Option<String> {
    Some(match message {
        Message::Heartbeat(news) => {
            let Heartbeat { sequence, standing, view: id, position, .. } = &**news;
            format!("heartbeat {sequence}: {standing:?} in {} at {position}", view(*id))
        }
        Message::HeartbeatAck { sequence, .. } => format!("answer to heartbeat {sequence}"),
        _ => return None,
    })
}

/// A record, as the log has it.
pub fn record(record: &Record) -> String {
    match record {
        Record::Request(r) => format!("REQUEST {}", request(r)),
        Record::Executed { position, timestamp, .. } => format!("EXECUTED {position}={timestamp}"),
        Record::Fetched { entry, .. } => format!("FETCHED {}", entries(std::slice::from_ref(entry))),
        Record::Lineage { position, .. } => format!("LINEAGE up to {position}"),
        Record::Promise(p) => format!("PROMISE {}", proposals(std::slice::from_ref(p))),
        Record::Install(i) => format!("INSTALL {}", view(i.view)),
        Record::Rejoin => "REJOIN".into(),
        Record::Offers(offers) => {
            format!("OFFERS [{}]", offers.iter().map(|o| command(o)).collect::<Vec<_>>().join("; "))
        }
        Record::Checkpoint(c) => checkpoint(c),
    }
}

fn checkpoint(checkpoint: &Checkpoint) -> String {
    let accepted = checkpoint.accepted.as_ref().map_or(ViewId::ZERO, |i| i.view);
    format!("CHECKPOINT at {}, accepted {}", checkpoint.position, view(accepted))
}

pub fn restart(why: Restart) -> String {
    match why {
        Restart::Excluded { by } => format!("restarts: {} is without it", view(by)),
        Restart::Diverged { position } => format!("restarts: it has diverged by {position}"),
        Restart::Stopped { ms } => format!("restarts: it stood still for {ms} ms"),
        Restart::LostMerge { to } => format!("restarts: the side of {} goes on", view(to)),
    }
}

pub fn note(note: &Note) -> String {
    match note {
        Note::Suspected { member: m, why } => format!("suspects {}: {why}", member(*m)),
        Note::Left { member: m } => format!("sees that {} leaves", member(*m)),
        Note::Proposing { view: id, members: all } => format!("proposes {} {}", view(*id), members(all)),
        Note::Abandoned { view: id, why } => format!("gives {} up: {why}", view(*id)),
        Note::Activated { view: id, members: all, position } => {
            format!("IS ACTIVE in {} {} after {position}", view(*id), members(all))
        }
        Note::CatchingUp { from, position, tip } => format!("catches up from {from}: at {position} of {tip}"),
        Note::Waiting { what } => format!("waits for {what}"),
        Note::DigestMismatch { peer, position, .. } => {
            format!("has another digest than {peer} at {position}")
        }
        Note::Overridden { view: id } => format!("OVERRIDES the outage rule with {}", view(*id)),
        Note::Nonsense { from, what } => format!("takes for nonsense what {} sent: {what}", member(*from)),
    }
}

/// Reservations that a side gives up.
pub fn report(shared: Position, lost: ViewId, offers: &[impl AsRef<[u8]>]) -> String {
    let offers: Vec<_> = offers.iter().map(|o| command(o.as_ref())).collect();
    format!("REPORTS what {} did after {shared}: [{}]", view(lost), offers.join("; "))
}
