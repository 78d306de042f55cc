//! How often one client may ask: a bucket of tokens for each address. Time is an argument.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// Clients that have a bucket of their own at a time; those on top of that share one.
const CLIENTS_MAX: usize = 16_384;
/// Buckets that are full again are looked for this often at most.
const SWEEP_MS: u64 = 1_000;
/// What a request takes: a bucket counts in thousandths, so that a millisecond refills a whole number.
const TOKEN: u64 = 1_000;

/// All buckets.
#[derive(Debug)]
pub struct Buckets {
    rate_per_s: u64,
    burst: u64,
    clients: BTreeMap<IpAddr, Bucket>,
    /// Of all who have none of their own.
    others: Bucket,
    swept_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In thousandths of a request.
    tokens: u64,
    filled_ms: u64,
}

impl Buckets {
    /// Each client may ask `burst` times at once, and `rate_per_s` times a second on the average.
    pub fn new(rate_per_s: u64, burst: u64) -> Buckets {
        let others = Bucket { tokens: burst * TOKEN, filled_ms: 0 };
        Buckets { rate_per_s, burst, clients: BTreeMap::new(), others, swept_ms: 0 }
    }

    /// Takes a token, or says after how many milliseconds there is one.
    ///
    /// # Errors
    /// The client must wait so long.
    pub fn take(&mut self, client: IpAddr, now_ms: u64) -> Result<(), u64> {
        let client = network(client);
        if !self.clients.contains_key(&client) {
            self.make_room(now_ms);
        }
        let (rate, full) = (self.rate_per_s, self.burst * TOKEN);
        let bucket = if self.clients.len() < CLIENTS_MAX || self.clients.contains_key(&client) {
            self.clients.entry(client).or_insert(Bucket { tokens: full, filled_ms: now_ms })
        } else {
            &mut self.others
        };
        bucket.fill(rate, full, now_ms);
        if bucket.tokens >= TOKEN {
            bucket.tokens -= TOKEN;
            return Ok(());
        }
        Err((TOKEN - bucket.tokens).div_ceil(rate))
    }

    /// Forgets clients whose buckets are full: a new one would be the same.
    fn make_room(&mut self, now_ms: u64) {
        let is_due = now_ms >= self.swept_ms + SWEEP_MS;
        if self.clients.len() < CLIENTS_MAX || !is_due {
            return;
        }
        self.swept_ms = now_ms;
        let (rate, full) = (self.rate_per_s, self.burst * TOKEN);
        self.clients.retain(|_, bucket| {
            bucket.fill(rate, full, now_ms);
            bucket.tokens < full
        });
    }
}

impl Bucket {
    fn fill(&mut self, rate_per_s: u64, full: u64, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.filled_ms);
        // So many a second are so many thousandths a millisecond.
        self.tokens = self.tokens.saturating_add(passed_ms.saturating_mul(rate_per_s)).min(full);
        self.filled_ms = self.filled_ms.max(now_ms);
    }
}

/// Who is one client: an IPv4 address, or the network that one IPv6 customer has.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn a_client_may_burst_and_then_keeps_the_rate() {
        let mut buckets = Buckets::new(10, 3);
        for _ in 0..3 {
            assert_eq!(buckets.take(client(1), 5), Ok(()));
        }
        assert_eq!(buckets.take(client(1), 5), Err(100));
        assert_eq!(buckets.take(client(1), 55), Err(50));
        assert_eq!(buckets.take(client(2), 55), Ok(()), "another client");
        assert_eq!(buckets.take(client(1), 105), Ok(()));
        assert_eq!(buckets.take(client(1), 105), Err(100));
        for _ in 0..3 {
            assert_eq!(buckets.take(client(1), 100_000), Ok(()), "no more than a burst is saved");
        }
        assert!(buckets.take(client(1), 100_000).is_err());
    }

    #[test]
    fn one_customer_has_one_bucket() {
        let mut buckets = Buckets::new(1, 1);
        let take = |buckets: &mut Buckets, text: &str| buckets.take(text.parse().unwrap(), 0).is_ok();
        assert!(take(&mut buckets, "2001:db8::1"));
        assert!(!take(&mut buckets, "2001:db8::ffff:2"), "the same network");
        assert!(take(&mut buckets, "2001:db8:0:1::1"));
        assert!(take(&mut buckets, "::ffff:10.0.0.1"));
        assert!(!take(&mut buckets, "10.0.0.1"), "the same, written otherwise");
    }

    #[test]
    fn many_clients_share_what_is_left() {
        let mut buckets = Buckets::new(1, 1);
        for n in 0..CLIENTS_MAX as u32 {
            assert!(buckets.take(client(n), 0).is_ok());
        }
        assert!(buckets.take(client(1 << 30), 0).is_ok());
        assert!(buckets.take(client(1 << 31), 0).is_err(), "the bucket of all others is empty");
        assert_eq!(buckets.clients.len(), CLIENTS_MAX);
        assert!(buckets.take(client(1 << 31), 2_000).is_ok(), "the old ones are full again and forgotten");
        assert_eq!(buckets.clients.len(), 1);
    }
}
