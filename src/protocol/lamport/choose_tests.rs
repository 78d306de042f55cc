//! The choice in small tables: what is kept, in which order, and who may be left out.

use super::*;
use crate::domain::digest::Digest;
use crate::protocol::message::Proposal;
use crate::protocol::types::{Incarnation, Position};
use Availability::{Any, Majority};

/// The first life of a server.
fn m(server: u8) -> Member {
    Member { server: ServerId(server), incarnation: Incarnation(1) }
}

fn members(servers: &[u8]) -> Vec<Member> {
    servers.iter().map(|&server| m(server)).collect()
}

fn view(number: u64) -> ViewId {
    ViewId { number, coordinator: ServerId(1), incarnation: Incarnation(1), ..ViewId::ZERO }
}

fn at(clock: u64, server: u8) -> Timestamp {
    Timestamp { clock, server: ServerId(server) }
}

fn request(number: u64, clock: u64, server: u8) -> Arc<Request> {
    let timestamp = at(clock, server);
    Arc::new(Request { view: view(number), timestamp, time_ms: 0, batch: timestamp.to_string().into() })
}

/// What all have executed, as the coordinator remembers it: the request at position p is p.9 of view 1.
fn tail(position: Position) -> Tail {
    let mut tail = Tail::new(0, digest(0), usize::MAX);
    (1..=position).for_each(|p| tail.push(request(1, p, 9), digest(p)));
    tail
}

fn digest(position: Position) -> Digest {
    Digest(100 + position)
}

/// A view after `base`, that keeps these requests.
fn installed(number: u64, servers: &[u8], base: Position, kept: &[Arc<Request>]) -> Arc<Install> {
    let entries =
        (base + 1..).zip(kept).map(|(position, request)| Entry { position, request: request.clone() });
    Arc::new(Install {
        view: view(number),
        members: members(servers),
        base,
        base_digest: digest(base),
        decided: base,
        lineage: Lineage::default(),
        kept: entries.collect(),
        clock: 0,
        left_out: Vec::new(),
    })
}

/// A promise of an active server that accepted a view and has executed up to a position.
fn promise(accepted: Option<&Arc<Install>>, position: Position) -> Promise {
    Promise {
        accepted: accepted.cloned(),
        promised: Vec::new(),
        recovering: false,
        history: History::Kept,
        lineage: Lineage::default(),
        position,
        digest: digest(position),
        clock: 0,
        executed: None,
        logged: Vec::new(),
    }
}

/// Asked by server 1 for all who have promised.
struct Asked {
    availability: Availability,
    configured: u8,
    promises: Vec<(u8, Promise)>,
    dead: Vec<u8>,
    tail: Tail,
    install_bytes_max: usize,
    overridden: bool,
}

impl Asked {
    fn new(availability: Availability, promises: Vec<(u8, Promise)>) -> Asked {
        let position = promises.iter().find(|(server, _)| *server == 1).map_or(0, |(_, p)| p.position);
        let (dead, tail) = (Vec::new(), tail(position));
        Asked {
            availability,
            configured: 3,
            promises,
            dead,
            tail,
            install_bytes_max: usize::MAX,
            overridden: false,
        }
    }

    fn choose(&self) -> Choice {
        let servers: Vec<u8> = self.promises.iter().map(|(server, _)| *server).collect();
        let configured: Vec<ServerId> = (1..=self.configured).map(ServerId).collect();
        let promises = self.promises.iter().map(|(server, p)| (ServerId(*server), Arc::new(p.clone())));
        choose(&Question {
            me: m(1),
            view: view(9),
            members: &members(&servers),
            configured: &configured,
            availability: self.availability,
            promises: &promises.collect(),
            dead: &|life| self.dead.contains(&life.server.0),
            tail: &self.tail,
            install_bytes_max: self.install_bytes_max,
            overridden: self.overridden,
        })
    }

    #[track_caller]
    fn install(&self) -> Install {
        match self.choose() {
            Choice::Install(install) => install,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn lack(&self) -> String {
        match self.choose() {
            Choice::NotEnough(lack) => lack.why,
            other => panic!("{other:?}"),
        }
    }
}

/// Positions and timestamps of what is kept.
fn kept(install: &Install) -> Vec<String> {
    install.kept.iter().map(|e| format!("{}={}", e.position, e.request.timestamp)).collect()
}

mod keeping {
    use super::*;

    /// What one server says of the request 5.2 of the view that it accepted.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Says {
        Nothing,
        Logged,
        Released,
    }
    use Says::{Logged, Nothing, Released};

    fn saying(accepted: &Arc<Install>, says: Says) -> Promise {
        let mut promise = promise(Some(accepted), 0);
        if says != Nothing {
            promise.logged.push((request(2, 5, 2), says == Released));
        }
        promise
    }

    /// The one that accepted the highest view has executed less than the view was made of: the others are no fork.
    #[test]
    fn who_executed_what_the_highest_view_was_made_of_has_not_forked() {
        let first = installed(1, &[1, 2, 3], 0, &[]);
        let second = installed(2, &[1, 2, 3], 2, &[]);
        let mut lineage = Lineage::with(&first);
        lineage.executed(&second, 3, digest(3), |_| None);
        let star = Install {
            lineage: lineage.clone(),
            decided: 3,
            ..(*installed(5, &[1, 2, 3], 2, &[request(2, 4, 2)])).clone()
        };
        let behind = Promise { lineage: lineage.at(2), ..promise(Some(&Arc::new(star)), 2) };
        let ahead = Promise { lineage, ..promise(Some(&second), 3) };
        let asked = Asked::new(Majority, vec![(1, behind), (2, ahead.clone()), (3, ahead)]);
        assert_eq!(asked.install().members, members(&[1, 2, 3]));
    }

    /// A server that was left out accepted this view, and fetched one request of a later one that others made.
    fn went_over(star: &Arc<Install>) -> Promise {
        let mut lineage = Lineage::with(star);
        let later = Install { decided: 1, base: 1, ..(*installed(5, &[2], 1, &[])).clone() };
        let later = Install { lineage: lineage.clone(), ..later };
        lineage.executed(&later, 2, digest(2), |_| None);
        Promise { lineage, ..promise(Some(star), 2) }
    }

    #[test]
    fn who_has_gone_over_to_another_side_does_not_go_on_without_it() {
        let promise = went_over(&installed(2, &[1], 0, &[]));
        let lineage = promise.lineage.clone();
        let mut asked = Asked::new(Any, vec![(1, promise)]);
        assert_eq!(
            asked.lack(),
            "view 0.5.1 went on without the servers that are here: one of it must be back first"
        );
        asked.overridden = true;
        assert_eq!(asked.install().lineage, lineage, "it is not forgotten what this state is made of");
    }

    #[test]
    fn who_has_gone_over_to_another_side_is_only_a_witness() {
        let star = installed(2, &[1, 3], 0, &[]);
        let asked = Asked::new(Any, vec![(1, promise(Some(&star), 1)), (3, went_over(&star))]);
        let install = asked.install();
        assert_eq!((install.members, install.decided), (members(&[1]), 1));
    }

    /// The highest view was made of the same state, but did not know how far another side had gone on from it.
    #[test]
    fn who_has_executed_more_than_all_that_accepted_the_highest_view_is_only_a_witness() {
        let first = installed(1, &[1, 2, 3], 0, &[]);
        let lineage = Lineage::with(&first).at(9);
        let star =
            Install { lineage: lineage.clone(), decided: 2, ..(*installed(7, &[1, 2], 2, &[])).clone() };
        let star = Arc::new(star);
        let here = Promise { lineage: lineage.clone(), ..promise(Some(&star), 2) };
        let beyond = Promise { lineage, ..promise(Some(&first), 5) };
        let promises = vec![(1, here.clone()), (2, here), (3, beyond)];
        assert_eq!(Asked::new(Any, promises.clone()).install().members, members(&[1, 2]));
        // Where there is one side only, this cannot be, and nothing is made of it.
        assert_eq!(Asked::new(Majority, promises).choose(), Choice::Forked(vec![ServerId(3)]));
    }

    #[test]
    fn a_request_is_kept_if_all_have_it_or_one_knows_it_released() {
        let table = [
            ([Nothing, Nothing, Nothing], false),
            ([Logged, Nothing, Nothing], false),
            ([Logged, Logged, Nothing], false),
            ([Nothing, Logged, Logged], false),
            ([Logged, Logged, Logged], true),
            ([Released, Nothing, Nothing], true),
            ([Nothing, Nothing, Released], true),
            ([Logged, Released, Logged], true),
        ];
        for (says, is_kept) in table {
            let star = installed(2, &[1, 2, 3], 0, &[]);
            let promises = (1..).zip(says).map(|(server, says)| (server, saying(&star, says))).collect();
            let install = Asked::new(Any, promises).install();
            assert_eq!(kept(&install), if is_kept { vec!["1=5.2"] } else { vec![] }, "{says:?}");
        }
    }

    /// 2 executed 5.2, and so does not list it; 1 has it, 3 lost it with nothing else missing.
    #[test]
    fn a_request_that_one_executed_is_kept() {
        let star = installed(2, &[1, 2, 3], 0, &[]);
        let mut ahead = promise(Some(&star), 1);
        ahead.executed = Some(at(5, 2));
        let promises = vec![(1, saying(&star, Logged)), (2, ahead), (3, saying(&star, Nothing))];
        let install = Asked::new(Any, promises).install();
        assert_eq!(kept(&install), ["1=5.2"]);
        assert_eq!((install.base, install.decided), (0, 1));
    }

    /// The coordinator itself is ahead: the request comes from its memory.
    #[test]
    fn a_request_that_the_coordinator_executed_is_kept() {
        let star = installed(1, &[1, 2, 3], 0, &[]);
        let mut ahead = promise(Some(&star), 2);
        ahead.executed = Some(at(2, 9));
        let mut behind = promise(Some(&star), 0);
        behind.logged = vec![(request(1, 1, 9), false), (request(1, 2, 9), false)];
        let install = Asked::new(Any, vec![(1, ahead), (2, behind.clone()), (3, behind)]).install();
        assert_eq!(kept(&install), ["1=1.9", "2=2.9"]);
    }

    /// Scenario 5: what was logged in an older view is neither for nor against.
    #[test]
    fn only_those_who_accepted_the_highest_view_have_a_say() {
        let (old, star) = (installed(1, &[1, 2, 3], 0, &[]), installed(2, &[1, 2, 3], 0, &[]));
        let mut stale = promise(Some(&old), 0);
        stale.logged.push((request(1, 4, 3), true));
        let promises = vec![(1, saying(&star, Logged)), (2, saying(&star, Logged)), (3, stale)];
        let install = Asked::new(Any, promises).install();
        assert_eq!(
            kept(&install),
            ["1=5.2"],
            "4.3 is of a view that has been replaced, and 3 has no say on 5.2"
        );
    }

    #[test]
    fn executed_ones_come_first_then_what_the_view_kept_then_its_log_by_timestamp() {
        let star = installed(2, &[1, 2], 1, &[request(1, 9, 1), request(1, 8, 2)]);
        let logged = [request(2, 12, 2), request(2, 10, 1), request(2, 10, 2)];
        let with_log = |position| {
            let mut promise = promise(Some(&star), position);
            promise.logged = logged.iter().map(|r| (r.clone(), false)).collect();
            promise
        };
        let mut asked = Asked::new(Any, vec![(1, with_log(2)), (2, with_log(1)), (3, promise(None, 0))]);
        asked.tail = tail(1);
        asked.tail.push(request(1, 9, 1), digest(2));
        let install = asked.install();
        // 9.1 before 8.2: the order of the view that kept them, not of the timestamps.
        assert_eq!(kept(&install), ["1=1.9", "2=9.1", "3=8.2", "4=10.1", "5=10.2", "6=12.2"]);
        assert_eq!((install.base, install.base_digest, install.top()), (0, digest(0), 6));
    }

    /// Who has activated a view dropped what it kept, who has not has it all: here 2.
    #[test]
    fn what_the_view_kept_comes_from_whoever_has_not_executed_it() {
        let whole = installed(2, &[1, 2], 1, &[request(1, 9, 1)]);
        let trimmed = installed(2, &[1, 2], 2, &[]);
        let mut asked = Asked::new(Any, vec![(1, promise(Some(&trimmed), 2)), (2, promise(Some(&whole), 1))]);
        asked.tail = tail(1);
        asked.tail.push(request(1, 9, 1), digest(2));
        assert_eq!(kept(&asked.install()), ["2=9.1"]);
        // And the other way round: the coordinator has not, and asks nobody for it.
        let mut asked = Asked::new(Any, vec![(1, promise(Some(&whole), 1)), (2, promise(Some(&trimmed), 2))]);
        asked.tail = tail(1);
        assert_eq!(kept(&asked.install()), ["2=9.1"]);
    }

    /// Its tail begins at a snapshot. The other one has accepted the view, and what that keeps is all that it lacks.
    #[test]
    fn what_a_tail_lacks_comes_from_the_highest_view() {
        let star = installed(2, &[1, 2, 3], 1, &[request(1, 9, 1), request(1, 8, 2)]);
        let behind = |position| promise(Some(&star), position);
        let choose = |position, tail: Tail, install_bytes_max| {
            let promises = vec![(1, behind(3)), (2, behind(position))];
            Asked { tail, install_bytes_max, ..Asked::new(Majority, promises) }.choose()
        };
        let at_snapshot = || Tail::new(3, digest(3), usize::MAX);
        for (position, expected) in [(1, vec!["2=9.1", "3=8.2"]), (2, vec!["3=8.2"]), (3, vec![])] {
            let Choice::Install(install) = choose(position, at_snapshot(), usize::MAX) else { panic!() };
            assert_eq!(install.members, members(&[1, 2]), "{position}");
            assert_eq!(kept(&install), expected);
            assert_eq!((install.base, install.base_digest), (position, digest(position)));
        }
        // Half from the view, half from the tail.
        let mut half = Tail::new(2, digest(2), usize::MAX);
        half.push(request(1, 8, 2), digest(3));
        let Choice::Install(install) = choose(1, half, usize::MAX) else { panic!() };
        assert_eq!(kept(&install), ["2=9.1", "3=8.2"]);
        // Before the view began, and beyond the limit, it must fetch.
        let alone = Choice::NotEnough(lack("1 of 3 servers are no majority".to_owned()));
        assert_eq!(choose(0, at_snapshot(), usize::MAX), alone);
        assert_eq!(choose(1, at_snapshot(), 2 * request(1, 9, 1).weight() - 1), alone);
        assert!(matches!(choose(1, at_snapshot(), 2 * request(1, 9, 1).weight()), Choice::Install(_)));
    }

    /// Who has not accepted the highest view is known to be at its beginning by the digest, and nowhere else.
    #[test]
    fn who_has_not_accepted_the_highest_view_takes_what_it_keeps_only_from_its_beginning() {
        let old = installed(1, &[1, 2, 3], 0, &[]);
        let star = installed(2, &[1, 2, 3], 1, &[request(1, 9, 1), request(1, 8, 2)]);
        for (position, at_digest, joins) in
            [(1, digest(1), true), (1, digest(7), false), (2, digest(2), false)]
        {
            let other = Promise { digest: at_digest, ..promise(Some(&old), position) };
            let promises = vec![(1, promise(Some(&star), 3)), (2, other)];
            let tail = Tail::new(3, digest(3), usize::MAX);
            let choice = Asked { tail, ..Asked::new(Majority, promises) }.choose();
            assert_eq!(matches!(choice, Choice::Install(_)), joins, "{position} {choice:?}");
        }
    }

    #[test]
    fn the_base_is_where_the_last_of_the_members_is() {
        let star = installed(2, &[1, 2, 3], 0, &[]);
        for (positions, base) in [([7, 7, 7], 7), ([7, 3, 5], 3), ([7, 7, 0], 0)] {
            let promises = (1..).zip(positions).map(|(s, p)| (s, promise(Some(&star), p))).collect();
            let install = Asked::new(Any, promises).install();
            assert_eq!((install.base, install.base_digest, install.top()), (base, digest(base), 7));
            assert_eq!(install.decided, 7);
        }
    }

    /// Scenario 7: later than everything that anybody has seen, witnesses included.
    #[test]
    fn the_clock_is_the_greatest_of_all_promises() {
        let star = installed(2, &[1, 2, 3], 0, &[]);
        let promises = (1..=3).map(|server| {
            let mut promise = promise(Some(&star), 0);
            promise.clock = [4, 17, 9][server as usize - 1];
            (server, promise)
        });
        assert_eq!(Asked::new(Any, promises.collect()).install().clock, 17);
    }
}

#[path = "choose_tests_omission.rs"]
mod omission;
