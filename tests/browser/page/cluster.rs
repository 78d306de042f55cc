//! The servers, and what they say to each other, live and recorded.

use super::{LOST, opened};
use crate::browser::Browser;
use crate::harness::Cluster;
use crate::talk::get;
use assert_cmd::cargo::cargo_bin;
use std::fs;
use std::process::Command;

/// How much is drawn.
fn drawn(browser: &Browser) -> Result<u64, String> {
    let diagram = browser.try_select("#diagram[role=img]")?;
    let count = diagram.try_call("function() { return this.querySelectorAll('*').length; }")?;
    count.as_u64().ok_or_else(|| count.to_string())
}

#[test]
fn every_server_is_a_row_and_a_dead_one_is_told_as_such() {
    let mut cluster = Cluster::started(3, "");
    let browser = opened(&cluster, 1, "cluster");
    browser.find("table", "Servers");
    browser.shows(&["ready", "Critical section: free"]);
    let rows = |browser: &Browser| -> Result<Vec<String>, String> {
        let rows = browser.try_select("table[aria-label=Servers] tbody, table tbody")?;
        let rows = rows.try_call("function() { return [...this.rows].map((row) => row.innerText); }")?;
        Ok(rows.as_array().into_iter().flatten().filter_map(|row| row.as_str().map(str::to_owned)).collect())
    };
    browser.until("all three are ready", || {
        let rows = rows(&browser)?;
        let are_ready = rows.len() == 3 && rows.iter().all(|row| row.contains("ready"));
        if are_ready { Ok(()) } else { Err(format!("{rows:?}")) }
    });
    cluster.kill(3);
    browser.until("the third is no longer ready", || {
        let rows = rows(&browser)?;
        let is_seen = rows.len() == 3 && rows[0].contains("ready") && !rows[2].contains("ready");
        if is_seen { Ok(()) } else { Err(format!("{rows:?}")) }
    });
    browser.close_after(&LOST);
}

#[test]
fn messages_are_drawn_as_they_are_sent() {
    let cluster = Cluster::started(3, "");
    let browser = opened(&cluster, 1, "cluster");
    browser.click("button", "Show the messages");
    let first = browser.until("there is a diagram", || drawn(&browser));
    browser.until("a booking is drawn", || {
        cluster.execute(
            &[2],
            boxoffice::domain::command::Operation::Reserve {
                name: format!("guest{}", crate::harness::random()).parse().unwrap(),
                count: 1,
            },
        );
        let now = drawn(&browser)?;
        if now > first { Ok(()) } else { Err(format!("{first} {now}")) }
    });
    browser.find("image", "Messages between servers 1, 2, 3…");
    browser.is_sound();
    browser.close();
}

#[test]
fn a_recorded_run_is_shown_by_a_copy_of_the_page_without_a_server() {
    let cluster = Cluster::started(3, "");
    let mut command = Command::new(cargo_bin!("client"));
    for name in ["BOXOFFICE_CONFIG", "BOXOFFICE_AS", "BOXOFFICE_TOKEN"] {
        command.env_remove(name);
    }
    command.env("XDG_STATE_HOME", cluster.dir.path().join("state"));
    command.arg("--config").arg(&cluster.config).args(["trace", "--seconds", "2"]);
    let browser = Browser::start();
    let (copy, file) = (browser.dir().join("copy.html"), browser.dir().join("run.json"));
    let mut recorder = command.stdout(fs::File::create(&file).unwrap()).spawn().unwrap();
    // Nobody knows from when on it looks.
    let ended = loop {
        cluster.reserve(&[1, 2, 3], "ann", 1);
        if let Some(ended) = recorder.try_wait().unwrap() {
            break ended;
        }
    };
    assert!(ended.success(), "{ended}");
    fs::write(&copy, get(&cluster, 1, "/").body).unwrap();
    drop(cluster);

    browser.open(&format!("file://{}#/cluster", copy.display()));
    browser.find("button", "Open a recorded run…").choose_file(&file);
    browser.until("messages are drawn", || {
        let drawn = drawn(&browser)?;
        if drawn > 20 { Ok(()) } else { Err(format!("{drawn} elements are drawn")) }
    });
    browser.is_sound();
    browser.close();
}
