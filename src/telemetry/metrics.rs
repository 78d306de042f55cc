//! What a server counts and measures: every name in one place. `/metrics` is this, as text.
//!
//! Names begin with `boxoffice_`; counters end with `_total` when they are written. What is known only when
//! somebody asks (position, lag, queues) is set by whoever answers `/metrics`, just before.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::time::Duration;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds for what takes a network or a disk, in seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Upper bounds for how many commands travel together.
const COMMANDS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0];

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// A word of a fixed list.
    pub outcome: &'static str,
}

/// Why something was not served.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// A word of a fixed list.
    pub reason: &'static str,
}

/// An HTTP request that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route's pattern, so that there are as many as routes.
    pub route: &'static str,
    /// The answer's status.
    pub status: u16,
}

/// Where time was spent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The route's pattern.
    pub route: &'static str,
}

type Seconds = fn() -> Histogram;

/// Everything that is counted. Each field is what its registration in [`Metrics::default`] says.
#[derive(Debug)]
#[expect(missing_docs, reason = "the help text of each metric is at its registration")]
pub struct Metrics {
    registry: Registry,
    pub ready: Gauge,
    pub position: Gauge,
    pub lag: Gauge,
    pub seats_left: Gauge,
    pub reservations: Gauge,
    pub events: Gauge,
    pub bookings: Gauge,
    pub holds: Gauge,
    pub sessions: Gauge,
    pub keys: Gauge,
    pub members: Gauge,
    pub conflicts: Gauge,
    pub uptime_seconds: Gauge,
    pub view_changes: Counter,
    pub suspicions: Counter,
    pub digest_mismatches: Counter,
    pub restarts: Counter,
    pub commands: Family<OutcomeLabels, Counter>,
    pub command_seconds: Histogram,
    pub refusals: Family<ReasonLabels, Counter>,
    pub batch_commands: Histogram,
    pub pending_commands: Gauge,
    pub unanswered: Gauge,
    pub log_queue_bytes: Gauge,
    pub fsync_seconds: Histogram,
    pub log_bytes: Gauge,
    pub http_requests: Family<RequestLabels, Counter>,
    pub http_request_seconds: Family<RouteLabels, Histogram, Seconds>,
    pub http_connections: Gauge,
    pub http_connections_refused: Counter,
    pub http_streams: Gauge,
    pub http_streams_dropped: Family<ReasonLabels, Counter>,
}

/// Names metrics as it hands them out.
struct Naming(Registry);

impl Naming {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn plain<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        self.add(name, help, M::default())
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut n = Naming(Registry::with_prefix("boxoffice"));
        Metrics {
            ready: n.plain("ready", "1 when this server serves clients"),
            position: n.plain("position", "Requests that this server has executed"),
            lag: n.plain("lag", "Requests that the furthest server it sees is ahead"),
            seats_left: n.plain("seats_left", "Free seats as this server sees them"),
            reservations: n.plain("reservations", "Names that hold seats of the theatre"),
            events: n.plain("events", "Events beside the theatre"),
            bookings: n.plain("bookings", "Bookings of those events"),
            holds: n.plain("holds", "Holds and offers of seats, not yet booked"),
            sessions: n.plain("sessions", "Sessions whose outcomes are kept"),
            keys: n.plain("keys", "Idempotency keys that are kept"),
            members: n.plain("view_members", "Servers in its view"),
            conflicts: n
                .plain("conflicts", "Reservations given up after a partition that a person must look at"),
            uptime_seconds: n.plain("uptime_seconds", "Since the process started"),
            view_changes: n.plain("view_changes", "Views that this server began to work in"),
            suspicions: n.plain("suspicions", "Servers that this one took for crashed"),
            digest_mismatches: n.plain("digest_mismatches", "Servers whose state differed from this one's"),
            restarts: n.plain("restarts", "Times that this server started over without a new process"),
            commands: n
                .plain("commands", "Commands that this server executed, by outcome, whoever took them"),
            command_seconds: n.add(
                "command_seconds",
                "From a command's arrival here to its answer",
                seconds(),
            ),
            refusals: n.plain("refusals", "Commands and reads that this server did not serve, by reason"),
            batch_commands: n.add("batch_commands", "Commands in one request", Histogram::new(COMMANDS)),
            pending_commands: n.plain("pending_commands", "Commands that wait for their batch"),
            unanswered: n.plain("unanswered", "Commands and reads of clients without an answer yet"),
            log_queue_bytes: n.plain("log_queue_bytes", "Bytes that wait for the log's thread"),
            fsync_seconds: n.add("fsync_seconds", "How long a flush of the log took", seconds()),
            log_bytes: n.plain("log_bytes", "Bytes of log behind the last snapshot"),
            http_requests: n.plain("http_requests", "HTTP requests by route and status"),
            http_request_seconds: n.add(
                "http_request_seconds",
                "From an HTTP request's head to its answer's head, by route",
                Family::new_with_constructor(seconds as Seconds),
            ),
            http_connections: n.plain("http_connections", "Open HTTP connections"),
            http_connections_refused: n
                .plain("http_connections_refused", "HTTP connections over the limit, refused"),
            http_streams: n.plain("http_streams", "Open event streams"),
            http_streams_dropped: n
                .plain("http_streams_dropped", "Event streams that the server ended, by reason"),
            registry: n.0,
        }
    }
}

impl Metrics {
    /// All of them, as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }

    /// Counts commands of a request that were executed, by what each came to.
    pub fn executed(&self, outcomes: impl Iterator<Item = &'static str>) {
        // A request has many of few kinds, and finding a counter takes longer than counting.
        let mut counts: Vec<(&'static str, u64)> = Vec::new();
        for outcome in outcomes {
            match counts.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, count)) => *count += 1,
                None => counts.push((outcome, 1)),
            }
        }
        for (outcome, count) in counts {
            self.commands.get_or_create(&OutcomeLabels { outcome }).inc_by(count);
        }
    }

    /// Counts a command or read that was not served.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts an event stream that the server ended.
    pub fn stream_dropped(&self, reason: &'static str) {
        self.http_streams_dropped.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts an HTTP request and its time.
    pub fn answered(&self, route: &'static str, status: u16, took: Duration) {
        self.http_requests.get_or_create(&RequestLabels { route, status }).inc();
        self.http_request_seconds.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_counted_is_in_the_text() {
        let metrics = Metrics::default();
        metrics.view_changes.inc();
        metrics.executed(["reserved"].into_iter());
        metrics.answered("/v1/seats", 200, Duration::from_millis(3));
        let text = metrics.text();
        for line in [
            "boxoffice_view_changes_total 1",
            "boxoffice_commands_total{outcome=\"reserved\"} 1",
            "boxoffice_http_requests_total{route=\"/v1/seats\",status=\"200\"} 1",
            "boxoffice_http_request_seconds_bucket{le=\"0.005\",route=\"/v1/seats\"} 1",
            "boxoffice_fsync_seconds_count 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    /// Names as they are written, without the parts of histograms.
    fn names() -> BTreeSet<String> {
        let metrics = Metrics::default();
        // What has labels is written once something was counted.
        metrics.executed(["reserved"].into_iter());
        metrics.refused("leaving");
        metrics.answered("none", 404, Duration::ZERO);
        metrics.stream_dropped("leaving");
        let text = metrics.text();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE boxoffice_")?.split_once(' '));
        types
            .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() })
            .collect()
    }

    #[test]
    fn the_dashboard_shows_every_metric_and_no_other() {
        let dashboard = include_str!("../../monitoring/dashboard.json");
        serde_json::from_str::<serde_json::Value>(dashboard).unwrap();
        let word = |text: &str| -> String {
            text.chars().take_while(|&c| c.is_ascii_lowercase() || c == '_').collect()
        };
        let shown = dashboard.split("boxoffice_").skip(1).map(word);
        let shown = shown.map(|name| name.strip_suffix("_bucket").map_or(name.clone(), str::to_owned));
        assert_eq!(shown.collect::<BTreeSet<_>>(), names());
    }

    #[test]
    fn the_page_lists_every_metric_and_no_other() {
        let page = include_str!("../docs/http.md");
        let table = page.split("# Metrics").nth(1).unwrap().split("# ").next().unwrap();
        let firsts = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
        let listed = firsts
            .flat_map(|cell| cell.split(", "))
            .map(|name| name.trim_matches([' ', '`']).split('{').next().unwrap_or_default().to_owned());
        assert_eq!(listed.collect::<BTreeSet<_>>(), names());
    }
}
