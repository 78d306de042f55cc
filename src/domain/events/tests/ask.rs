//! Questions.

use super::*;

#[test]
fn availability_is_told_in_the_words_of_the_seed_and_only_to_managers() {
    let mut desk = Desk::new();
    for (event, capacity) in [("MTLE130519", 3), ("OTWA060519", 6), ("TORM180519", 1), ("MTLE190519", 2)] {
        desk.add(event, capacity);
    }
    desk.add("MTLE190519/Conferences", 9);
    desk.must(JOE, book(JOE, "TORM180519", any(1)));
    let ask = |kind: &str, after: Option<EventId>, limit| Question::Availability {
        kind: kind.parse().unwrap(),
        after,
        limit,
    };
    let all = desk.ask(Some("OTWM1111"), ask("Seminars", None, 100)).to_string();
    assert_eq!(all, "Seminars - MTLE130519 3, MTLE190519 2, OTWA060519 6, TORM180519 0.");
    assert_eq!(desk.ask(Some("OTWM1111"), ask("Trade shows", None, 9)).to_string(), "Trade shows - none.");
    assert_eq!(
        desk.ask(Some("OTWM1111"), ask("Opera", None, 9)).to_string(),
        "Failed: there is no kind Opera."
    );
    let words = desk.ask(Some(JOE), ask("Seminars", None, 9)).to_string();
    assert_eq!(words, "Failed: TORC0001 is no manager; only managers may do that.");
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let answer = desk.ask(Some("OTWM1111"), ask("Seminars", after, 2));
        pages.push(answer.to_string());
        let EventAnswer::Availability { more, .. } = answer else { panic!() };
        after = more;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["Seminars - MTLE130519 3, MTLE190519 2.", "Seminars - OTWA060519 6, TORM180519 0."]);
}

#[test]
fn events_are_searched_by_branch_date_kind_and_free_seats_in_pages() {
    let mut desk = Desk::new();
    for event in ["MTLM010519", "MTLM020519", "TORM010519", "TORM020519", "TORM020519/Conferences"] {
        desk.add(event, 2);
    }
    desk.must(JOE, book(JOE, "TORM010519", any(2)));
    let find = |filter: &Filter, limit| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let question = Question::Events { filter: filter.clone(), after, limit };
            let EventAnswer::Events { events, more } = desk.ask(None, question) else { panic!() };
            assert!(events.len() <= limit as usize);
            found.extend(events.into_iter().map(|view| view.event.to_string()));
            after = more;
            if after.is_none() {
                return found.join("; ");
            }
        }
    };
    for limit in [1, 2, 100] {
        let all = Filter::default();
        assert_eq!(find(&all, limit).matches("Seminars").count(), 4);
        let tor = Filter { branch: Some("TOR".parse().unwrap()), free_min: 1, ..all.clone() };
        assert_eq!(find(&tor, limit), "TORM020519 (Conferences); TORM020519 (Seminars)");
        let second = Filter {
            from: Some("2019-05-02".parse().unwrap()),
            kind: Some("Seminars".parse().unwrap()),
            ..all.clone()
        };
        assert_eq!(find(&second, limit), "MTLM020519 (Seminars); TORM020519 (Seminars)");
        let first = Filter { until: Some("2019-05-01".parse().unwrap()), ..all };
        assert_eq!(find(&first, limit), "MTLM010519 (Seminars); TORM010519 (Seminars)");
    }
}

#[test]
fn a_schedule_lists_all_branches_in_pages_and_is_told_to_its_owner() {
    let mut desk = Desk::new();
    for event in ["TORM100519", "MTLM100519", "OTWM100519"] {
        desk.add(event, 2);
        desk.must(JOE, book(JOE, event, any(1)));
    }
    desk.add("TORE100519", 2);
    desk.must(JOE, hold(JOE, "TORE100519", any(2)));
    assert_eq!(desk.schedule(JOE).lines().count(), 4);
    let ask =
        |actor, after, limit| desk.ask(Some(actor), Question::Schedule { holder: who(JOE), after, limit });
    assert_eq!(ask(SUE, None, 9).to_string(), "Failed: TORC0002 may not act for TORC0001.");
    let EventAnswer::Schedule { claims, more: Some(more), .. } = ask("TORM0001", None, 3) else { panic!() };
    assert_eq!(claims.len(), 3);
    let EventAnswer::Schedule { claims, more: None, .. } = ask(JOE, Some(more), 3) else { panic!() };
    assert!(matches!(claims[0].what, Claimed::Hold { offered: false, .. }));
    let claim =
        |event| desk.ask(Some(JOE), Question::Claim { holder: who(JOE), event: key(event) }).to_string();
    assert_eq!(claim("MTLM100519"), "MTLM100519 (Seminars), 2019-05-10: 1");
    assert_eq!(claim("TORA100519"), "Failed: there is no event TORA100519 (Seminars).");
}

#[test]
fn an_event_of_the_largest_theatre_has_its_map() {
    let mut desk = Desk::selling(E, 1_000_000);
    desk.must(JOE, book(JOE, E, pick(&[1_000_000])));
    let EventAnswer::SeatMap { map, .. } = desk.ask(None, Question::SeatMap(key(E))) else { panic!() };
    assert_eq!((map.capacity, map.left), (1_000_000, 999_999));
}

#[test]
fn branches_come_in_pages_of_bounded_size() {
    let theatres: Vec<Name> = (100..200).map(|n| format!("{n}{}", "x".repeat(61)).parse().unwrap()).collect();
    let codes: Vec<BranchCode> =
        ('A'..='Z').flat_map(|a| ('A'..='Z').map(move |b| format!("X{a}{b}").parse().unwrap())).collect();
    let branch = |code: &BranchCode| {
        (*code, Branch { name: "Somewhere".parse().unwrap(), theatres: theatres.clone() })
    };
    let desk = Desk::with(|config| config.branches = codes.iter().map(branch).collect());
    for limit in [1, 7, u32::MAX] {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let answer = desk.ask(None, Question::Branches { after, limit });
            assert!(postcard::to_allocvec(&answer).unwrap().len() < PAGE_BYTES_MAX + 10_000);
            let EventAnswer::Branches { branches, more } = answer else { panic!() };
            assert!(!branches.is_empty() && branches.len() <= limit as usize);
            found.extend(branches.into_iter().map(|(code, _)| code));
            (after, pages) = (more, pages + 1);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, codes);
        assert!(pages > 1, "six hundred branches of six thousand bytes are too much for one page");
    }
}

#[test]
fn a_schedule_of_large_bookings_comes_in_pages_of_bounded_size() {
    let mut desk = Desk::new();
    let every_second: Vec<u32> = (1..=300_000).map(|n| 2 * n).collect();
    let events = ["TORM100519", "TORA100519", "TORE100519"];
    for event in events {
        desk.add(event, 1_000_000);
        desk.must(JOE, book(JOE, event, pick(&every_second)));
    }
    let (mut found, mut after) = (0, None);
    for page in 1.. {
        let answer = desk.ask(Some(JOE), Question::Schedule { holder: who(JOE), after, limit: 100 });
        let bytes = postcard::to_allocvec(&answer).unwrap().len();
        let EventAnswer::Schedule { claims, more, .. } = answer else { panic!() };
        assert_eq!(claims.len(), 1, "one passes the bound alone: {bytes}");
        (found, after) = (found + 1, more);
        if after.is_none() {
            assert_eq!((found, page), (events.len(), events.len()));
            break;
        }
        assert_eq!(after, after.map(|mark| mark.to_string().parse().unwrap()), "it can be written down");
    }
}
