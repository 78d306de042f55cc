//! What a run did.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub answered: u64,
    pub reads: u64,
    pub steps: u64,
    /// Simulated microseconds.
    pub simulated_us: u64,
    /// Longest time from the end of faults until everything was answered and alike.
    pub settled_us_max: u64,
    /// Faults and what followed of them, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// What clients did about events, by the name of the outcome. Not shown.
    pub deeds: BTreeMap<&'static str, u64>,
    /// Fingerprint of the run; not added up.
    pub trace: u64,
}

impl Report {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn add(&mut self, other: &Report) {
        self.answered += other.answered;
        self.reads += other.reads;
        self.steps += other.steps;
        self.simulated_us += other.simulated_us;
        self.settled_us_max = self.settled_us_max.max(other.settled_us_max);
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (what, count) in &other.deeds {
            *self.deeds.entry(what).or_default() += count;
        }
    }

    pub fn simulated_hours(&self) -> f64 {
        self.simulated_us as f64 / 3.6e9
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands and {} reads answered in {:.2} simulated hours, {} steps, settled within {:.1} s of the last fault",
            self.answered,
            self.reads,
            self.simulated_hours(),
            self.steps,
            self.settled_us_max as f64 / 1e6
        )?;
        for (what, count) in &self.counts {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}
