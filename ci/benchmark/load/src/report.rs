//! The line of a run.

use crate::args::LoadArgs;
use crate::backend::Action;
use crate::machine::Cpu;
use crate::measure::{Latency, Tally};
use crate::sold::Sold;
use serde::Serialize;

/// What one run measured. `ci/bench` adds of what, and when.
#[derive(Debug, Serialize)]
pub struct Report {
    clients: u16,
    connections: usize,
    /// How long was measured; shorter than asked for when nearly all seats were sold.
    seconds: f64,
    operations: u64,
    operations_per_second: f64,
    latency_us: Latency,
    reserve_us: Latency,
    search_us: Latency,
    delete_us: Latency,
    /// Pairs: at most so many microseconds (and more than the pair before), so many operations.
    histogram_us: Vec<(u64, u64)>,
    retries: u64,
    sold_out: u64,
    refused: u64,
    wrong_answers: u64,
    sold_twice: u64,
    /// Whether every answer was held against the others; not where the answers are another program's.
    is_checked: bool,
    last_words: Option<String>,
    server_cpu_us_per_operation: f64,
    /// Of each server alone, in the order of their process numbers.
    each_server_cpu_us_per_operation: Vec<f64>,
    load_cpu_us_per_operation: f64,
    other_cores: f64,
    stolen_cores: f64,
    flush_p50_us: u64,
}

/// What is known at the end of a run.
pub struct Measured<'a> {
    /// What was asked for.
    pub load: &'a LoadArgs,
    /// Latencies and refusals.
    pub tally: &'a Tally,
    /// The check; none where answers are not seen.
    pub sold: Option<&'a Sold>,
    /// How long was measured.
    pub seconds: f64,
    /// CPU time of that.
    pub cpu: Cpu,
    /// Operations tried again.
    pub retries: u64,
    /// The disk before the run.
    pub flush_p50_us: u64,
}

impl Report {
    /// The line's content.
    pub fn new(measured: &Measured<'_>) -> Report {
        let Measured { load, tally, sold, seconds, cpu, retries, flush_p50_us } = measured;
        let all = tally.latency_of_all();
        let each = |us: u64| us as f64 / all.count.max(1) as f64;
        Report {
            clients: load.clients,
            connections: load.connections(),
            seconds: *seconds,
            operations: all.count,
            operations_per_second: all.count as f64 / seconds.max(1e-9),
            reserve_us: tally.latency(Action::Reserve),
            search_us: tally.latency(Action::Search),
            delete_us: tally.latency(Action::Delete),
            histogram_us: tally.histogram(),
            retries: *retries,
            sold_out: tally.sold_out,
            refused: tally.refused,
            wrong_answers: tally.wrong,
            sold_twice: sold.map_or(0, Sold::twice),
            is_checked: sold.is_some_and(Sold::is_complete),
            last_words: tally.last_words.clone(),
            server_cpu_us_per_operation: each(cpu.servers_us),
            each_server_cpu_us_per_operation: cpu.each_server_us.iter().map(|&us| each(us)).collect(),
            load_cpu_us_per_operation: each(cpu.load_us),
            other_cores: cpu.other_cores,
            stolen_cores: cpu.stolen_cores,
            flush_p50_us: *flush_p50_us,
            latency_us: all,
        }
    }

    /// As text without a line break.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts can be written")
    }
}
