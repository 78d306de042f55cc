//! Stories with what happened under each command, recorded: a change in what servers do shows as a difference that a
//! person can read. `UPDATE_TRANSCRIPTS=1 cargo test --test protocol` records anew; then read what changed.
#![expect(clippy::disallowed_methods, reason = "the one setting of these tests is an environment variable")]

use crate::script;
use std::fmt::Write as _;
use std::path::PathBuf;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "protocol", "transcripts"].iter().collect()
}

/// Plays the commands of a transcript (lines with `> `), keeps its comments, and writes what happens now.
fn replay(text: &str) -> String {
    let mut world = None;
    let mut out = String::new();
    for line in text.lines() {
        let Some(command) = line.strip_prefix("> ") else {
            if line.is_empty() || line.starts_with('#') {
                out += line;
                out.push('\n');
            }
            continue;
        };
        writeln!(out, "> {command}").expect("writing to memory succeeds");
        let Some(world) = world.as_mut() else {
            world = Some(script::world(command));
            continue;
        };
        for happened in world.play(command) {
            writeln!(out, "  {happened}").expect("writing to memory succeeds");
        }
    }
    out
}

fn check(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let recorded =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let now = replay(&recorded);
    if now == recorded {
        return;
    }
    if std::env::var("UPDATE_TRANSCRIPTS").is_ok() {
        std::fs::write(&path, now).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let same = recorded.lines().zip(now.lines()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| text.lines().skip(same).take(12).collect::<Vec<_>>().join("\n");
    panic!(
        "{name}, line {}: recorded\n{}\n\nbut now\n{}\n\nUPDATE_TRANSCRIPTS=1 records anew; read what changed",
        same + 1,
        from(&recorded),
        from(&now)
    );
}

/// Plays a story of your own: `STORY=<file> cargo test --test protocol story` writes what happens into it.
#[test]
fn story() {
    let Some(path) = std::env::var_os("STORY") else { return };
    let text = std::fs::read_to_string(&path).expect("the story can be read");
    std::fs::write(&path, replay(&text)).expect("the story can be written");
}

macro_rules! transcripts {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_transcript_is_played() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .expect("the folder can be read")
                .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
                .collect();
            files.sort();
            let mut played: Vec<String> = [$(stringify!($name)),*].map(|name| format!("{name}.txt")).to_vec();
            played.sort();
            assert_eq!(files, played);
        }
    };
}

transcripts! {
    a_crash_in_the_first_start_needs_no_operator
    a_crashed_server_is_left_out_after_the_probe
    a_joiner_catches_up_from_a_snapshot
    a_joiner_catches_up_from_the_tail
    a_late_tick_suspects_nobody
    a_link_that_lost_something_changes_the_view
    a_lone_command_is_answered_after_one_round_trip
    a_minority_answers_not_ready
    a_newer_life_replaces_the_old_one_at_once
    a_promise_stops_everything
    a_read_waits_for_what_was_queued
    a_read_without_a_lease_waits_for_answers_of_all
    a_request_that_a_view_drops_is_proposed_again
    a_retry_gets_the_first_answer_word_for_word
    a_server_that_leaves_finishes_first
    a_short_break_loses_nothing
    a_silent_server_is_left_out_after_the_timeout
    a_snapshot_shortens_the_log
    a_survivor_sells_alone
    an_operator_overrides_an_outage
    an_outage_ends_when_all_members_are_back
    an_outage_under_majority_ends_with_a_majority
    releases_overtake_each_other_and_execution_follows_the_timestamps
    the_first_start_needs_all_servers
    two_coordinators_and_the_higher_view_wins
    two_servers_propose_at_once_and_execute_in_timestamp_order
    two_sides_meet_and_the_smaller_reports
    who_stood_still_for_long_asks_before_it_goes_on
    what_collects_behind_others_leaves_when_it_is_as_much
    what_collects_meanwhile_becomes_one_batch
}
