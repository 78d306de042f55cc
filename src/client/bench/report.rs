//! What is printed at the end of a load.

use super::{super::exit::Exit, check::Check, worker::Worker};
use crate::client::args::BenchArgs;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::{fmt, time::Duration};

/// All workers together.
#[derive(Debug)]
pub struct Report {
    clients: u16,
    in_flight: u16,
    mix: String,
    took: Duration,
    latency: Histogram<u64>,
    requests: u64,
    refused: u64,
    errors: u64,
    unknown: u64,
    violations: u64,
    told: Vec<String>,
    check: Check,
}

impl Report {
    /// Adds everything up.
    pub fn new(args: &BenchArgs, took: Duration, workers: &[Worker], check: Check) -> Self {
        let mut latency = Histogram::new(3).expect("three digits are allowed");
        let mut told = check.violations.clone();
        for tally in workers.iter().map(Worker::tally) {
            latency.add(&tally.latency).expect("histograms of one kind add up");
            told.extend(tally.told.iter().cloned());
        }
        told.truncate(20);
        let sum = |field: fn(&super::worker::Tally) -> u64| workers.iter().map(|w| field(w.tally())).sum();
        Self {
            clients: args.clients,
            in_flight: args.in_flight,
            mix: format!("{}/{}/{}", args.mix.reserve, args.mix.search, args.mix.delete),
            took,
            latency,
            requests: sum(|tally| tally.requests),
            refused: sum(|tally| tally.refused),
            errors: sum(|tally| tally.errors),
            unknown: sum(|tally| tally.unknown),
            violations: sum(|tally| tally.violations) + check.violations.len() as u64,
            told,
            check,
        }
    }

    /// Refused when something was found that must not be; unknown when nothing could be found out.
    pub fn exit(&self) -> Exit {
        if self.violations > 0 {
            Exit::Refused
        } else if self.check.incomplete.is_some() || self.requests == 0 {
            Exit::Unknown
        } else {
            Exit::Done
        }
    }

    /// One object; times in microseconds.
    pub fn json(&self) -> Value {
        let result = match self.exit() {
            Exit::Done => "done",
            Exit::Refused => "violated",
            Exit::Unknown | Exit::Usage | Exit::NotAllowed => "incomplete",
        };
        json!({
            "command": "bench", "result": result, "clients": self.clients, "in_flight": self.in_flight,
            "mix": self.mix, "seconds": self.took.as_secs_f64(), "requests": self.requests,
            "per_second": self.per_second(), "p50_us": self.latency.value_at_quantile(0.5),
            "p99_us": self.latency.value_at_quantile(0.99), "max_us": self.latency.max(),
            "refused": self.refused, "errors": self.errors, "unknown": self.unknown,
            "names": self.check.names, "seats": self.check.seats, "violations": self.violations,
            "told": self.told, "incomplete": self.check.incomplete,
        })
    }

    fn per_second(&self) -> f64 {
        (self.requests as f64 / self.took.as_secs_f64().max(0.001)).round()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, in_flight, mix, took, requests, refused, errors, unknown, .. } = self;
        let ms = |us: u64| us as f64 / 1000.0;
        writeln!(
            f,
            "{clients} clients, {in_flight} in flight each, mix {mix} (reserve/search/delete), {:.1} s",
            took.as_secs_f64()
        )?;
        writeln!(f, "answered  {requests}, {:.0} a second", self.per_second())?;
        let [p50, p99] = [0.5, 0.99].map(|q| ms(self.latency.value_at_quantile(q)));
        writeln!(f, "latency   p50 {p50:.2} ms, p99 {p99:.2} ms, max {:.2} ms", ms(self.latency.max()))?;
        writeln!(f, "refused   {refused} (theatre full)")?;
        writeln!(f, "errors    {errors} not executed, {unknown} unknown")?;
        let Check { names, seats, .. } = &self.check;
        match (&self.check.incomplete, self.violations) {
            (_, 1..) => {
                write!(f, "check     FAILED, {} violations", self.violations)?;
                self.told.iter().try_for_each(|words| write!(f, "\n  {words}"))
            }
            (Some(reason), 0) => write!(f, "check     incomplete: {reason}"),
            (None, 0) => {
                write!(
                    f,
                    "check     passed: {names} names hold {seats} seats, none twice, as on the seat map"
                )
            }
        }
    }
}
