//! Which server to ask next, and how long to rest before. Pure.

use std::time::Duration;

/// Rest after a first round in which no server answered; it doubles with each round.
pub const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest rest between two rounds.
pub const PAUSE_MAX: Duration = Duration::from_secs(1);

/// All servers in a random order, round and round.
#[derive(Debug)]
pub struct Rotation {
    order: Vec<usize>,
    at: usize,
    /// Tries since the last answer.
    failures: u32,
}

impl Rotation {
    /// `count` servers (indices from 0), each order equally likely, with `first` at the front if it is given.
    pub fn new(count: usize, first: Option<usize>, chance: &mut fastrand::Rng) -> Self {
        assert!(count > 0, "a checked configuration has at least one server");
        let mut order: Vec<usize> = (0..count).collect();
        chance.shuffle(&mut order);
        if let Some(at) = first.and_then(|first| order.iter().position(|&server| server == first)) {
            order[..=at].rotate_right(1);
        }
        Self { order, at: 0, failures: 0 }
    }

    /// The server to ask now.
    pub fn current(&self) -> usize {
        self.order[self.at]
    }

    /// How many servers there are.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Whether no server has answered for at least one whole round.
    pub fn is_round_failed(&self) -> bool {
        self.failures as usize >= self.order.len()
    }

    /// The current server was of no use: goes on to the next one. The result is the rest to take before: none
    /// within a round, then a bounded, growing, random one, so that a crowd of clients does not come back in
    /// step.
    pub fn fail(&mut self, chance: &mut fastrand::Rng) -> Duration {
        self.at = (self.at + 1) % self.order.len();
        self.failures = self.failures.saturating_add(1);
        let count = self.order.len() as u32;
        if !self.failures.is_multiple_of(count) {
            return Duration::ZERO;
        }
        let round = (self.failures / count - 1).min(10);
        let full = (PAUSE_MIN * (1 << round)).min(PAUSE_MAX);
        full / 2 + full.mul_f64(0.5 * chance.f64())
    }

    /// The current server answered: stay with it.
    pub fn succeed(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_asked_once_a_round_whatever_the_seed() {
        for seed in 0..50 {
            let mut chance = fastrand::Rng::with_seed(seed);
            let mut rotation = Rotation::new(5, None, &mut chance);
            for _round in 0..3 {
                let mut seen: Vec<usize> = Vec::new();
                for n in 1..=5 {
                    seen.push(rotation.current());
                    let pause = rotation.fail(&mut chance);
                    assert_eq!(pause > Duration::ZERO, n == 5, "a rest comes after a whole round only");
                }
                seen.sort_unstable();
                assert_eq!(seen, [0, 1, 2, 3, 4]);
            }
        }
    }

    #[test]
    fn clients_start_with_different_servers() {
        let first = |seed| Rotation::new(3, None, &mut fastrand::Rng::with_seed(seed)).current();
        let mut counts = [0; 3];
        (0..300).for_each(|seed| counts[first(seed)] += 1);
        assert!(counts.iter().all(|&n| n > 60), "{counts:?}");
    }

    #[test]
    fn the_server_that_is_named_comes_first_and_the_others_follow() {
        let mut chance = fastrand::Rng::with_seed(7);
        let mut rotation = Rotation::new(3, Some(2), &mut chance);
        assert_eq!(rotation.current(), 2);
        rotation.fail(&mut chance);
        let second = rotation.current();
        rotation.fail(&mut chance);
        assert_eq!(second + rotation.current(), 1);
    }

    #[test]
    fn rests_grow_to_a_bound_and_start_small_again_after_an_answer() {
        let mut chance = fastrand::Rng::with_seed(1);
        let mut rotation = Rotation::new(1, None, &mut chance);
        let rests: Vec<Duration> = (0..40).map(|_| rotation.fail(&mut chance)).collect();
        assert!(rests[0] <= PAUSE_MIN && rests[0] >= PAUSE_MIN / 2);
        assert!(rests[39] <= PAUSE_MAX && rests[39] >= PAUSE_MAX / 2);
        rotation.succeed();
        assert!(rotation.fail(&mut chance) <= PAUSE_MIN);
    }
}
