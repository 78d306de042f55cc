//! A long run in which servers are stopped, killed, paused and cut off at random, from a seed, while clients ask:
//! `ci/chaos --seconds N --seed S --servers 3|5`.
#![expect(clippy::disallowed_methods, reason = "faults last for a time, and ci/chaos says what is wanted")]

mod log;
mod plan;
mod timeline;
mod watch;

use crate::check::look_at_the_end;
use crate::client::names;
use crate::cluster::{Cluster, Setup};
use crate::history::{CAPACITY, calls, report_dir, summary, too_few, write};
use crate::wait::{pass_until, random, say};
use crate::workload::Running;
use boxoffice::client::chaos::worker::Fate;
use boxoffice::verify::check::{Limits, Verdict, check};
use log::{Happened, Run};
use plan::{Availability, Blow, Edge, Episode, Fault, Plan, edges};
use std::any::Any;
use std::fs;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use watch::Watch;

const CLIENTS: usize = 8;
/// Names that they share.
const NAMES: usize = 24;
/// How long the run is if nothing else is wanted.
const SECONDS: u64 = 60;
/// What makes the shipped description one under `majority`.
const MAJORITY: [(&str, &str); 1] = [("availability: any ", "availability: majority ")];

/// What `ci/chaos` was told.
struct Wanted {
    seconds: u64,
    seed: u64,
    servers: u8,
    availability: Option<Availability>,
}

impl Wanted {
    fn from_environment() -> Wanted {
        let text = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
        let number = |key: &str, other: u64| match text(key) {
            Some(value) => value.parse().unwrap_or_else(|_| panic!("{key} is a number, not {value:?}")),
            None => other,
        };
        let availability = match text("BOXOFFICE_NEMESIS_AVAILABILITY").as_deref() {
            None => None,
            Some("any") => Some(Availability::Any),
            Some("majority") => Some(Availability::Majority),
            Some(other) => panic!("availability is any or majority, not {other:?}"),
        };
        let servers = number("BOXOFFICE_NEMESIS_SERVERS", 3);
        assert!([3, 5].contains(&servers), "there are 3 or 5 servers, not {servers}");
        Wanted {
            seconds: number("BOXOFFICE_NEMESIS_SECONDS", SECONDS),
            // Short enough to be typed again.
            seed: number("BOXOFFICE_NEMESIS_SEED", random() % 1_000_000),
            servers: servers as u8,
            availability,
        }
    }
}

#[tokio::test]
async fn random_faults_leave_every_answer_true() {
    let Wanted { seconds, seed, servers, availability } = Wanted::from_environment();
    let plan = Plan::new(seed, servers, availability);
    let name = plan.availability.name();
    say(format_args!(
        "nemesis: to replay: ci/chaos --seconds {seconds} --seed {seed} --servers {servers} --availability {name}"
    ));
    let cuts = if plan.availability == Availability::Majority { "with cuts" } else { "without cuts" };
    let title = format!(
        "seed {seed}, {servers} servers, availability {name} ({cuts}), {seconds} s, {CLIENTS} clients"
    );
    let changes: &[_] = if plan.availability == Availability::Majority { &MAJORITY } else { &[] };
    let cluster = Cluster::up_as(Setup { name: "nemesis", servers, changes }).await;
    let shared = names("guest", NAMES);
    let load = Running::start_as(&cluster, CLIENTS, seed, |_| (shared.clone(), CAPACITY)).await;
    let watch = Watch::start(&cluster.config, load.began());
    let nemesis = Nemesis { cluster: &cluster, load: &load, happened: Mutex::default() };
    let struck = caught(nemesis.strike_for(plan, Duration::from_secs(seconds))).await;
    let happened = nemesis.happened.into_inner().unwrap();

    // Whatever came of it, there is a report.
    let load = load.end("nemesis").await;
    let mut run =
        Run { title, servers, happened, sights: Vec::new(), records: load.records.clone(), findings: vec![] };
    let ended = match struck {
        Ok(()) => caught(look_at_the_end(&cluster, load)).await,
        Err(panic) => Err(panic),
    };
    run.sights = watch.stop().await;
    let ended = match ended {
        Ok(records) => {
            run.records = records;
            run.findings.push(format!("at the end: {}", tips(&cluster).await));
            Ok(())
        }
        Err(panic) => {
            run.findings.push("the run was broken off, see the output of the test".to_owned());
            Err(panic)
        }
    };
    let is_right = judge(&mut run, seed);
    publish(&run, seed);
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
    assert!(is_right, "{}", run.findings.join("\n"));
}

/// Position and digest of every server.
async fn tips(cluster: &Cluster) -> String {
    let mut tips = Vec::new();
    for id in cluster.ids() {
        let row = cluster.row(id).await.unwrap();
        tips.push(format!(
            "server {id}: position {}, digest {:016x}, view {}",
            row.position, row.digest, row.view
        ));
    }
    tips.join("; ")
}

/// Whether every call was answered, and as one server could have.
fn judge(run: &mut Run, seed: u64) -> bool {
    let history = calls(&run.records);
    let file = write(&format!("nemesis-{seed}"), &history);
    run.findings.push(summary(&run.records));
    let mut wrong: Vec<String> = run
        .unanswered()
        .iter()
        .take(10)
        .map(|record| match &record.fate {
            Fate::Wrong(words) => words.clone(),
            fate @ (Fate::Answered | Fate::Unknown | Fate::NotExecuted) => {
                format!(
                    "{}, client {}: {fate:?} after {:.1?}",
                    record.call.ask,
                    record.call.client,
                    record.took()
                )
            }
        })
        .collect();
    wrong.extend(too_few(&run.records));
    let is_answered = wrong.is_empty();
    run.findings.extend(wrong);
    let (is_right, words) = match check(&history, Some(CAPACITY), Limits::default()) {
        Ok(Verdict::Linearizable(_)) => (true, "one server could have told all of it".to_owned()),
        Ok(Verdict::Violated(violation)) => (false, format!("VIOLATED: {violation}")),
        Ok(Verdict::GaveUp { configurations, .. }) => {
            (false, format!("not judged: {configurations} configurations"))
        }
        Err(error) => (false, format!("not judged: {error}")),
    };
    run.findings.push(format!("{} calls ({}): {words}", history.len(), file.display()));
    is_right && is_answered
}

fn publish(run: &Run, seed: u64) {
    let text = run.text();
    let file = |kind: &str| report_dir().join(format!("nemesis-{seed}.{kind}"));
    fs::write(file("txt"), &text).unwrap();
    fs::write(file("html"), timeline::page(run)).unwrap();
    say(format_args!("nemesis: {text}"));
    say(format_args!("nemesis: see {}", file("html").display()));
}

/// Whoever strikes.
struct Nemesis<'a> {
    cluster: &'a Cluster,
    load: &'a Running,
    happened: Mutex<Vec<Happened>>,
}

impl Nemesis<'_> {
    /// Strikes until the time is over; then all servers are at work, and every client has had answers.
    async fn strike_for(&self, mut plan: Plan, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let (calm_ms, episode) = plan.next();
            pass_until(Instant::now() + Duration::from_millis(calm_ms)).await;
            match episode {
                Episode::Blows(blows) => self.strike(&blows).await,
                Episode::Rolling(fault, order) => {
                    for server in order {
                        self.strike(&[Blow { server, fault, from_ms: 0, until_ms: 100 }]).await;
                    }
                }
            }
        }
    }

    async fn strike(&self, blows: &[Blow]) {
        let began = Instant::now();
        for (at_ms, edge, blow) in edges(blows) {
            pass_until(began + Duration::from_millis(at_ms)).await;
            match edge {
                Edge::Begin => self.begin(blow).await,
                Edge::End => self.end(blow).await,
            }
        }
        self.cluster.wait_ready(&self.cluster.ids()).await;
        self.load.progress(3).await;
    }

    async fn begin(&self, Blow { server, fault, .. }: Blow) {
        let from_ns = self.load.now_ns();
        self.happened.lock().unwrap().push(Happened { server, fault, from_ns, until_ns: None });
        let engine = &self.cluster.engine;
        match fault {
            // With others down it may be cut short.
            Fault::Stop => drop(engine.stop_anyhow(server).await),
            Fault::Kill => engine.kill(server).await,
            Fault::Pause => engine.pause(server).await,
            Fault::Cut => engine.cut(server).await,
        }
    }

    async fn end(&self, Blow { server, fault, .. }: Blow) {
        let engine = &self.cluster.engine;
        match fault {
            Fault::Stop | Fault::Kill => engine.start(server).await,
            Fault::Pause => engine.unpause(server).await,
            Fault::Cut => engine.heal(server).await,
        }
        let now_ns = self.load.now_ns();
        let mut happened = self.happened.lock().unwrap();
        let open = happened.iter_mut().rev().find(|happened| happened.server == server);
        open.expect("it began").until_ns = Some(now_ns);
    }
}

/// What a future yields, or with what it panics: a run that is broken off has a report, too.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
