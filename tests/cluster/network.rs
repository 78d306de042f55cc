//! Connections between servers break, shortly or for long.

use crate::harness::{Cluster, until};
use boxoffice::api::wire::ServerState;
use boxoffice::domain::outcome::Outcome;

#[test]
fn connections_that_break_are_resumed_and_no_view_changes() {
    let mut cluster = Cluster::described(3, "");
    let cables = [cluster.put_between(2, 1), cluster.put_between(3, 1), cluster.put_between(3, 2)];
    [1, 2, 3].into_iter().for_each(|id| cluster.start(id));
    cluster.wait_ready(&[1, 2, 3]);
    let view = cluster.row(1).unwrap().view;
    for n in 0..60u8 {
        cables[usize::from(n) % 3].break_once();
        let outcome = cluster.reserve(&[1 + n % 3], &format!("name{n}"), 1);
        assert!(matches!(outcome, Outcome::Reserved { .. }), "{outcome}");
    }
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.row(1).unwrap().view, view, "{}", cluster.log(1));
    assert_eq!(cluster.row(2).unwrap().seats_left, 40);
    assert!(cluster.log(1).contains("resumed=true"));
}

#[test]
fn two_sides_that_both_sold_become_one_and_say_what_was_given_up() {
    let mut cluster = Cluster::described(3, "");
    let cables = [cluster.put_between(3, 1), cluster.put_between(3, 2)];
    [1, 2, 3].into_iter().for_each(|id| cluster.start(id));
    cluster.wait_ready(&[1, 2, 3]);
    cluster.reserve(&[1], "ann", 2);
    cables.iter().for_each(|cable| cable.cut());
    // Both take seats 3 and 4; then the cut-off side also sells what nobody else does.
    cluster.reserve(&[1, 2], "bob", 2);
    cluster.reserve(&[3], "cyd", 2);
    cluster.reserve(&[3], "dan", 3);
    assert_eq!((cluster.search(1, "bob"), cluster.search(3, "cyd")), (vec![3, 4], vec![3, 4]));
    cables.iter().for_each(|cable| cable.mend());
    cluster.wait_ready(&[1, 2, 3]);
    let conflicts =
        until("the conflict is counted", || Some(cluster.status(3).ok()?.conflicts).filter(|&n| n > 0));
    assert_eq!(conflicts, 1, "only cyd's seats are taken");
    cluster.wait_ready(&[1, 2, 3]);
    for id in [1, 2, 3] {
        assert_eq!(cluster.search(id, "bob"), [3, 4]);
        assert_eq!(cluster.search(id, "cyd"), [0; 0]);
        assert_eq!(cluster.search(id, "dan"), [5, 6, 7]);
    }
    let report = std::fs::read_to_string(cluster.data(3).join("conflicts.jsonl")).unwrap();
    assert!(report.contains("cyd"), "{report}");
}

#[test]
fn a_minority_that_is_cut_off_sells_nothing() {
    let mut cluster = Cluster::described(3, "availability: majority\n");
    let cables = [cluster.put_between(3, 1), cluster.put_between(3, 2)];
    [1, 2, 3].into_iter().for_each(|id| cluster.start(id));
    cluster.wait_ready(&[1, 2, 3]);
    cables.iter().for_each(|cable| cable.cut());
    cluster.reserve(&[1, 2], "bob", 2);
    until("server 3 serves no more", || cluster.row(3).ok().filter(|row| row.state != ServerState::Ready));
    assert_eq!(cluster.stop(3).code(), Some(0), "a server that sells nothing can be stopped as well");
    cluster.start(3);
    cables.iter().for_each(|cable| cable.mend());
    cluster.wait_ready(&[1, 2, 3]);
    assert_eq!(cluster.search(3, "bob"), [1, 2]);
}
