//! Who may be left out of the next view, and how far.

use super::*;

mod leaving_out {
    use super::*;

    fn proposed(number: u64, servers: &[u8]) -> Proposal {
        Proposal { view: view(number), members: members(servers) }
    }

    /// 1, and 2 where it says so, accepted view 2 of 1, 2 and 3; who is dead; whether they may go on.
    #[test]
    fn under_any_only_the_dead_are_left_out() {
        let star = installed(2, &[1, 2, 3], 0, &[]);
        let table: [(&[u8], &[u8], bool); 6] = [
            (&[1, 2, 3], &[], true),
            (&[1, 2], &[], false),
            (&[1, 2], &[3], true),
            (&[1], &[3], false),
            (&[1], &[2, 3], true),
            (&[1, 3], &[2], true),
        ];
        for (present, dead, may) in table {
            let promises = present.iter().map(|&s| (s, promise(Some(&star), 0))).collect();
            let asked = Asked { dead: dead.to_vec(), ..Asked::new(Any, promises) };
            assert_eq!(matches!(asked.choose(), Choice::Install(_)), may, "{present:?} without {dead:?}");
        }
    }

    /// Rule 1, scenario 1: who promised a view may have gone on in it, and so may its other members.
    #[test]
    fn members_of_views_promised_since_count_like_those_of_the_accepted_one() {
        let star = installed(2, &[1], 0, &[]);
        let mut mine = promise(Some(&star), 0);
        mine.promised = vec![proposed(3, &[1, 2, 3])];
        let mut asked = Asked::new(Any, vec![(1, mine)]);
        assert_eq!(asked.lack(), "servers 2#1, 3#1 may have gone on alone and must be back first");
        asked.dead = vec![2, 3];
        assert_eq!(asked.install().members, members(&[1]));
    }

    #[test]
    fn members_of_views_promised_before_the_accepted_one_do_not_count() {
        let star = installed(2, &[1], 0, &[]);
        let mut mine = promise(Some(&star), 0);
        mine.promised = vec![proposed(1, &[1, 2, 3])];
        assert_eq!(Asked::new(Any, vec![(1, mine)]).install().members, members(&[1]));
    }

    /// After an outage nobody knows who is dead: all must be there, with their logs.
    #[test]
    fn after_an_outage_the_dead_must_be_back() {
        let star = installed(2, &[1, 2], 0, &[]);
        let recovering = |history| {
            let mut promise = promise(Some(&star), 0);
            (promise.recovering, promise.history) = (true, history);
            promise
        };
        let mut asked = Asked::new(Any, vec![(1, recovering(History::Kept))]);
        asked.dead = vec![2];
        assert_eq!(asked.lack(), "servers 2#1 may have gone on alone and must be back first");
        asked.promises.push((2, recovering(History::Kept)));
        assert_eq!(asked.install().members, members(&[1, 2]));
        // Back without its log it cannot say what it did.
        let mut blank = promise(None, 0);
        (blank.recovering, blank.history) = (true, History::Lost);
        asked.promises[1] = (2, blank);
        assert!(asked.lack().contains("may have gone on alone"));
        // One who accepted the view and never stopped can: then it is no outage.
        asked.promises[0].1.recovering = false;
        assert_eq!(asked.install().members, members(&[1, 2]));
    }

    #[test]
    fn a_majority_is_more_than_half_of_the_configured_servers_with_their_logs() {
        let table: [(u8, &[u8], &[u8], bool); 8] = [
            (1, &[1], &[], true),
            (2, &[1], &[], false),
            (3, &[1], &[], false),
            (3, &[1, 2], &[], true),
            (3, &[1, 2], &[2], false),
            (3, &[1, 2, 3], &[3], true),
            (4, &[1, 2], &[], false),
            (5, &[1, 2, 3], &[], true),
        ];
        for (configured, present, lost, may) in table {
            let star = installed(2, &[1, 2, 3], 0, &[]);
            let promises = present.iter().map(|&server| {
                let mut promise = promise(Some(&star), 0);
                if lost.contains(&server) {
                    promise.history = History::Lost;
                }
                (server, promise)
            });
            // Whoever is dead or alive: the count decides.
            let asked = Asked { configured, ..Asked::new(Majority, promises.collect()) };
            assert_eq!(matches!(asked.choose(), Choice::Install(_)), may, "{present:?} of {configured}");
        }
    }

    #[test]
    fn the_first_start_needs_every_configured_server_and_no_lost_log() {
        let blank = |history| Promise { history, recovering: true, ..promise(None, 0) };
        for rule in [Any, Majority] {
            let all = |history| (1..=3).map(|server| (server, blank(history))).collect::<Vec<_>>();
            assert_eq!(Asked::new(rule, all(History::First)).install().members, members(&[1, 2, 3]));
            // One that promised and crashed has a log, which says that it accepted nothing.
            assert_eq!(Asked::new(rule, all(History::Kept)).install().members, members(&[1, 2, 3]));
            let mut asked = Asked::new(rule, all(History::First));
            asked.promises[1].1.history = History::Lost;
            assert_eq!(asked.lack(), "no server has accepted anything, and one has lost its log");
            asked.overridden = true;
            assert_eq!(asked.install().members, members(&[1, 2, 3]));
            let mut asked = Asked::new(rule, all(History::First));
            asked.promises.pop();
            asked.dead = vec![3];
            assert_eq!(asked.lack(), "the first start needs all configured servers, 3 missing");
            asked.overridden = true;
            assert_eq!(asked.install().members, members(&[1, 2]));
        }
    }

    #[test]
    fn an_override_needs_nobody() {
        for rule in [Any, Majority] {
            let star = installed(2, &[1, 2, 3], 0, &[]);
            let mut mine = promise(Some(&star), 0);
            mine.recovering = true;
            let mut asked = Asked::new(rule, vec![(1, mine)]);
            asked.lack();
            asked.overridden = true;
            assert_eq!(asked.install().members, members(&[1]));
        }
    }
}

mod lineages {
    use super::*;

    /// 2 accepted view 2 and 3, which are not known to 1.
    #[test]
    fn a_coordinator_that_the_highest_view_is_without_gives_way() {
        let (old, star) = (installed(1, &[1, 2, 3], 0, &[]), installed(2, &[2, 3], 0, &[]));
        let asked = Asked::new(Any, vec![(1, promise(Some(&old), 0)), (2, promise(Some(&star), 0))]);
        assert_eq!(asked.choose(), Choice::Excluded(view(2)));
    }

    /// It is listed, and has only not accepted it yet: nothing was decided in that view.
    #[test]
    fn a_coordinator_that_the_highest_view_lists_goes_on_from_it() {
        let (old, star) = (installed(1, &[1, 2], 0, &[]), installed(2, &[1, 2], 0, &[request(1, 4, 2)]));
        let asked = Asked::new(Any, vec![(1, promise(Some(&old), 0)), (2, promise(Some(&star), 0))]);
        assert_eq!(kept(&asked.install()), ["1=4.2"]);
    }

    #[test]
    fn a_coordinator_that_lacks_what_the_highest_view_begins_with_catches_up_first() {
        let (old, star) = (installed(1, &[1, 2], 0, &[]), installed(2, &[1, 2], 3, &[]));
        let asked = Asked::new(Any, vec![(1, promise(Some(&old), 2)), (2, promise(Some(&star), 3))]);
        assert_eq!(asked.choose(), Choice::Behind);
    }

    /// A state that another side made.
    fn forked(accepted: Option<&Arc<Install>>, position: Position) -> Promise {
        let beside = installed(5, &[3], 1, &[]);
        Promise { lineage: Lineage::with(&beside), digest: Digest(7), ..promise(accepted, position) }
    }

    /// The side that goes on, with a view of its own since they parted.
    fn ours(accepted: &Arc<Install>, position: Position) -> Promise {
        let since = installed(6, &[1, 2], 1, &[]);
        Promise { lineage: Lineage::with(&since), ..promise(Some(accepted), position) }
    }

    /// Rule 18: it has promised and can do nothing elsewhere, and it takes the state anew before it joins.
    #[test]
    fn a_forked_promiser_is_a_witness_and_no_member() {
        let star = installed(7, &[1, 2], 2, &[]);
        let promises = vec![(1, ours(&star, 3)), (2, ours(&star, 3)), (3, forked(None, 3))];
        let install = Asked::new(Any, promises).install();
        assert_eq!(install.members, members(&[1, 2]));
        assert_eq!(install.base, 3);
        // It counts as present: nobody else need vouch for what it may have done.
        let star = installed(7, &[1, 2, 3], 2, &[]);
        let promises = vec![(1, ours(&star, 3)), (2, ours(&star, 3)), (3, forked(None, 3))];
        assert_eq!(Asked::new(Any, promises).install().members, members(&[1, 2]));
        // But it is no vote.
        let promises = vec![(1, ours(&star, 3)), (3, forked(None, 3))];
        assert_eq!(Asked::new(Majority, promises).lack(), "1 of 3 servers are no majority");
    }

    #[test]
    fn a_fork_among_those_who_accepted_the_highest_view_stops_everything() {
        let star = installed(7, &[1, 2, 3], 2, &[]);
        let promises = vec![(1, ours(&star, 3)), (2, ours(&star, 3)), (3, forked(Some(&star), 2))];
        assert_eq!(Asked::new(Any, promises).choose(), Choice::Forked(vec![ServerId(3)]));
        // The coordinator itself, although it accepted nothing of it.
        let promises = vec![(1, forked(None, 3)), (2, ours(&star, 3)), (3, ours(&star, 3))];
        assert_eq!(Asked::new(Any, promises).choose(), Choice::Forked(vec![ServerId(1)]));
    }

    /// The same position and lineage with another digest: a bug or broken hardware.
    #[test]
    fn another_digest_at_the_same_position_is_a_fork() {
        let star = installed(2, &[1, 2], 0, &[]);
        let mut broken = promise(None, 3);
        broken.digest = Digest(7);
        let promises = vec![(1, promise(Some(&star), 3)), (2, promise(Some(&star), 3)), (3, broken)];
        assert_eq!(Asked::new(Any, promises).install().members, members(&[1, 2]));
    }

    #[test]
    fn who_is_too_far_behind_for_one_message_is_a_witness() {
        let star = installed(2, &[1, 2], 0, &[]);
        let promises =
            vec![(1, promise(Some(&star), 9)), (2, promise(Some(&star), 9)), (3, promise(None, 2))];
        let near = 9 * request(1, 1, 9).weight();
        let asked = Asked { install_bytes_max: near, ..Asked::new(Any, promises.clone()) };
        assert_eq!((asked.install().members, asked.install().base), (members(&[1, 2, 3]), 2));
        let asked = Asked { install_bytes_max: near / 3, ..Asked::new(Any, promises) };
        assert_eq!((asked.install().members, asked.install().base), (members(&[1, 2]), 9));
    }
}
