//! Two servers share a history, part, and meet again.

use super::*;
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::testing::*;
use proptest::prelude::*;

/// Two servers after the same requests.
fn parted(shared: &[Operation]) -> (Server, Server) {
    let mut server = Server::new(config(20));
    shared.iter().for_each(|operation| drop(server.operate(operation.clone())));
    (server.clone(), server)
}

fn after(mut server: Server, operations: &[Operation]) -> State {
    operations.iter().for_each(|operation| drop(server.operate(operation.clone())));
    server.state
}

/// What `mine` did beside `theirs` after the shared requests.
fn found(shared: &[Operation], mine: &[Operation], theirs: &[Operation]) -> Vec<Divergence> {
    let (a, b) = parted(shared);
    State::divergence(&after(a, mine), &after(b, theirs), shared.len() as u64)
}

fn reserved(who: &str, numbers: &[u32]) -> Divergence {
    Divergence::Reserved { name: name(who), seats: seats(numbers) }
}

fn deleted(who: &str) -> Divergence {
    Divergence::Deleted { name: name(who) }
}

#[test]
fn equal_histories_diverge_in_nothing() {
    let shared = [reserve("bob", 2), reserve("ann", 1)];
    assert_eq!(found(&shared, &[], &[]), []);
    assert_eq!(found(&shared, &[], &[delete("bob"), reserve("cleo", 3)]), []);
    assert_eq!(found(&shared, &[], &[delete("bob"), reserve("bob", 3)]), []);
}

#[test]
fn my_new_reservations_are_offered_by_name() {
    let mine = [reserve("zoe", 1), reserve("cleo", 2)];
    assert_eq!(found(&[], &mine, &[]), [reserved("cleo", &[2, 3]), reserved("zoe", &[1])]);
}

#[test]
fn the_order_is_that_of_the_names_also_in_large_theatres() {
    let (mut mine, mut theirs) = (Server::new(config(5000)), Server::new(config(5000)));
    (10..30).for_each(|n| drop(theirs.operate(reserve(&format!("n{n}"), 1))));
    (20..40).for_each(|n| drop(mine.operate(reserve_seats(&format!("n{n}"), &[1000 + n]))));
    let found = State::divergence(&mine.state, &theirs.state, 19);
    let deleted = (10..29).map(|n| deleted(&format!("n{n}")));
    let expected: Vec<_> =
        deleted.filter(|d| d.name() < Some(&name("n20"))).chain([reserved("n39", &[1039])]).collect();
    assert_eq!(found, expected);
    let found = State::divergence(&mine.state, &theirs.state, 0);
    assert_eq!(found, (20..40).map(|n| reserved(&format!("n{n}"), &[1000 + n])).collect::<Vec<_>>());
}

#[test]
fn a_reservation_both_made_alike_is_not_offered() {
    assert_eq!(found(&[], &[reserve("bob", 2)], &[reserve("bob", 2)]), []);
    let theirs = [reserve("ann", 1), reserve("bob", 2)];
    assert_eq!(found(&[], &[reserve("bob", 2)], &theirs), [reserved("bob", &[1, 2])]);
}

#[test]
fn my_deletion_is_offered_if_they_still_have_it() {
    let shared = [reserve("bob", 2)];
    assert_eq!(found(&shared, &[delete("bob")], &[]), [deleted("bob")]);
    assert_eq!(found(&shared, &[delete("bob")], &[delete("bob")]), []);
}

#[test]
fn my_deletion_spares_what_they_booked_again() {
    let shared = [reserve("bob", 2)];
    assert_eq!(found(&shared, &[delete("bob")], &[delete("bob"), reserve("bob", 3)]), []);
    // Even where their new one has the old seats.
    assert_eq!(found(&shared, &[delete("bob")], &[delete("bob"), reserve("bob", 2)]), []);
}

#[test]
fn deleted_and_booked_again_is_a_deletion_then_a_reservation() {
    let shared = [reserve("bob", 2)];
    let mine = [delete("bob"), reserve("bob", 3)];
    assert_eq!(found(&shared, &mine, &[]), [deleted("bob"), reserved("bob", &[1, 2, 3])]);
    // They deleted it as well: only my new one is left to offer.
    assert_eq!(found(&shared, &mine, &[delete("bob")]), [reserved("bob", &[1, 2, 3])]);
    // Both booked again, differently: offered, and for a person to settle.
    let theirs = [delete("bob"), reserve("bob", 1)];
    assert_eq!(found(&shared, &mine, &theirs), [reserved("bob", &[1, 2, 3])]);
}

#[test]
fn deleted_and_booked_again_alike_leaves_nothing_to_offer() {
    let shared = [reserve("bob", 2)];
    assert_eq!(found(&shared, &[delete("bob"), reserve("bob", 2)], &[]), []);
}

#[test]
fn booked_and_deleted_meanwhile_leaves_nothing_to_offer() {
    assert_eq!(found(&[], &[reserve("bob", 2), delete("bob")], &[reserve("bob", 1)]), []);
}

#[test]
fn the_shared_position_itself_is_shared() {
    let (mine, theirs) = parted(&[reserve("bob", 2)]);
    let offers =
        |mine: &Server, theirs: &Server, shared| State::divergence(&mine.state, &theirs.state, shared);
    assert_eq!(offers(&mine, &theirs, 1), []);
    let (empty, _) = parted(&[]);
    assert_eq!(offers(&mine, &empty, 0), [reserved("bob", &[1, 2])]);
    assert_eq!(offers(&mine, &empty, 1), [], "they deleted what both had");
    assert_eq!(offers(&empty, &theirs, 1), [deleted("bob")]);
    assert_eq!(offers(&empty, &theirs, 0), [], "they made it themselves");
}

#[test]
fn offering_again_carries_the_changes_over() {
    let (mine, mut theirs) = parted(&[reserve("ann", 2), reserve("bob", 2), reserve("cleo", 2)]);
    let mine = after(mine, &[delete("ann"), delete("bob"), reserve_seats("bob", &[3, 9]), reserve("dan", 1)]);
    theirs.operate(reserve_seats("eve", &[1 + 6]));
    let found = State::divergence(&mine, &theirs.state, 3);
    assert_eq!(found, [deleted("ann"), deleted("bob"), reserved("bob", &[3, 9]), reserved("dan", &[1])]);
    for divergence in &found {
        let outcome = theirs.operate(divergence.operation(3));
        assert!(outcome.is_success(), "{divergence:?}: {outcome}");
    }
    assert_eq!(State::divergence(&mine, &theirs.state, 3), []);
    // A second offer, as after a crash in the middle, changes nothing.
    let left = theirs.state.left();
    for divergence in &found {
        let outcome = theirs.operate(divergence.operation(3));
        match divergence {
            Divergence::Deleted { name } => {
                assert_eq!(outcome, Outcome::NoReservation { name: name.clone() })
            }
            Divergence::Reserved { .. } | Divergence::Events(_) => assert!(outcome.is_success()),
        }
    }
    assert_eq!(theirs.state.left(), left);
}

#[test]
fn a_reservation_on_seats_that_another_deletion_frees_fits() {
    let (mine, mut theirs) = parted(&[reserve("bob", 20)]);
    let mine = after(mine, &[delete("bob"), reserve("ann", 2)]);
    let found = State::divergence(&mine, &theirs.state, 1);
    assert_eq!(found, [deleted("bob"), reserved("ann", &[1, 2])]);
    assert!(found.iter().all(|found| theirs.operate(found.operation(1)).is_success()));
}

#[test]
fn an_offer_that_no_longer_fits_says_why() {
    let (mine, mut theirs) = parted(&[]);
    let mine = after(mine, &[reserve("ann", 2), reserve("bob", 2)]);
    theirs.operate(reserve_seats("ann", &[7]));
    theirs.operate(reserve_seats("eve", &[4, 5]));
    let outcomes: Vec<_> = State::divergence(&mine, &theirs.state, 0)
        .iter()
        .map(|divergence| theirs.operate(divergence.operation(0)).to_string())
        .collect();
    assert_eq!(
        outcomes,
        [
            "Failed: ann has booked the following seats: 7.",
            "Failed: the following seats are taken already: 4."
        ]
    );
}

proptest! {
    /// Whatever both sides did: after the offers, each name that they did not touch is as I left it, unless an
    /// offer was refused; and nothing of theirs that is newer is gone.
    #[test]
    fn offers_never_undo_what_the_winning_side_did(
        shared in proptest::collection::vec(any_operation(), 0..12),
        mine in proptest::collection::vec(any_operation(), 0..12),
        theirs in proptest::collection::vec(any_operation(), 0..12),
    ) {
        let (a, b) = parted(&shared);
        let parted_at = shared.len() as u64;
        let mine = after(a, &mine);
        let mut winner = b;
        theirs.iter().for_each(|operation| drop(winner.operate(operation.clone())));
        let before = winner.state.clone();
        let found = State::divergence(&mine, &before, parted_at);
        prop_assert!(found.is_sorted_by(|a, b| a < b));
        let mut refused = Vec::new();
        for divergence in &found {
            if !winner.operate(divergence.operation(parted_at)).is_success() {
                refused.push(divergence.clone());
            }
        }
        winner.state.check().unwrap();
        for (name, held) in before.reservations.by_name().iter().filter(|(_, held)| held.made_at > parted_at) {
            prop_assert_eq!(winner.state.reservations.by_name().get(name), Some(held));
        }
        // What still diverges is what was refused; deletions never are.
        let left = State::divergence(&mine, &winner.state, parted_at);
        prop_assert_eq!(left, refused);
    }
}
