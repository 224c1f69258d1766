//! The network between the sessions: the same for all, in virtual time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::game::mix;
use crate::meter::host;

#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    /// One way, in µs.
    pub latency_us: u64,
    /// Up to so much more.
    pub jitter_us: u64,
    /// Percent.
    pub loss: u64,
    /// Nothing comes through, in µs of the world.
    pub blackout_us: (u64, u64),
}

/// From whom, and what.
type Datagram = (usize, Vec<u8>);

#[derive(Default)]
pub struct Network {
    pub conditions: Conditions,
    pub now_us: u64,
    random: u64,
    count: u64,
    /// By receiver: what is under way.
    under_way: Vec<BTreeMap<(u64, u64), Datagram>>,
    pub datagrams: u64,
    pub bytes: u64,
    pub longest: usize,
}

/// One peer's end of it.
#[derive(Clone)]
pub struct Socket {
    pub me: usize,
    pub network: Rc<RefCell<Network>>,
}

impl Network {
    pub fn new(peers: usize, conditions: Conditions) -> Network {
        Network {
            conditions,
            under_way: (0..peers).map(|_| BTreeMap::new()).collect(),
            ..Network::default()
        }
    }

    fn random(&mut self, end: u64) -> u64 {
        self.random += 0x9e37_79b9_7f4a_7c15 & 0xffff_ffff_ffff;
        mix(self.random).checked_rem(end).unwrap_or(0)
    }

    fn send(&mut self, from: usize, to: usize, bytes: &[u8]) {
        self.datagrams += 1;
        self.bytes += bytes.len() as u64;
        self.longest = self.longest.max(bytes.len());
        let Conditions {
            latency_us,
            jitter_us,
            loss,
            blackout_us: (begin, end),
        } = self.conditions;
        if self.random(100) < loss || (begin..end).contains(&self.now_us) {
            return;
        }
        let at = self.now_us + latency_us + self.random(jitter_us + 1);
        self.count += 1;
        self.under_way[to].insert((at, self.count), (from, bytes.to_vec()));
    }

    fn receive(&mut self, me: usize) -> Option<Datagram> {
        let first = self.under_way[me].first_entry()?;
        (first.key().0 <= self.now_us).then(|| first.remove())
    }
}

impl Socket {
    pub fn send(&self, to: usize, bytes: &[u8]) {
        host(|| self.network.borrow_mut().send(self.me, to, bytes));
    }

    pub fn receive(&self) -> Option<Datagram> {
        host(|| self.network.borrow_mut().receive(self.me))
    }

    /// What was received is done with.
    pub fn drop(&self, bytes: Vec<u8>) {
        host(|| std::mem::drop(bytes));
    }
}
