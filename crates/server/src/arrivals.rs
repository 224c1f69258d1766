//! Limits how fast one address may make participants.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

use crate::{Rate, bucket::Bucket, sockets::origin};

/// Addresses that are remembered; those that have not come for a while are forgotten first.
const ADDRESSES: usize = 10_000;

pub(crate) struct Arrivals {
    rate: Rate,
    buckets: Mutex<BTreeMap<IpAddr, Bucket>>,
}

impl Arrivals {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Whether one more participant may come from this address now.
    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> bool {
        let address = origin(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= ADDRESSES {
                return false;
            }
        }
        buckets
            .entry(address)
            .or_insert_with(|| Bucket::new(self.rate, now))
            .take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    #[test]
    fn each_address_has_its_own_rate_and_memory_is_bounded() {
        let start = Instant::now();
        let arrivals = Arrivals::new(Rate::new(2, 1.0));
        let address = |number: u32| IpAddr::V4(Ipv4Addr::from(number));
        assert!(arrivals.admit(address(0), start) && arrivals.admit(address(0), start));
        assert!(!arrivals.admit(address(0), start));
        for number in 1..10_000 {
            assert!(arrivals.admit(address(number), start));
        }
        assert!(!arrivals.admit(address(10_001), start), "no room");
        let later = start + Duration::from_secs(5);
        assert!(arrivals.admit(address(10_001), later));
        assert_eq!(arrivals.buckets.lock().unwrap().len(), 1);
    }
}
