//! Two hosts whose packets are a few ticks under way.

use std::collections::VecDeque;

use igym_rollback::{Builder, Frame, Input};

use crate::game::Rules;
use crate::host::{FRAME, Host, Packet, input};

#[derive(Debug)]
pub(crate) struct Duel {
    pub(crate) a: Host,
    pub(crate) b: Host,
    to_a: VecDeque<Vec<Packet>>,
    to_b: VecDeque<Vec<Packet>>,
}

impl Duel {
    /// `latency` in ticks.
    pub(crate) fn new(build: impl Fn(u8) -> Builder, rules: Rules, latency: usize) -> Duel {
        let under_way = || (0..latency).map(|_| Vec::new()).collect();
        Duel {
            a: Host::new(build(0), &[0], rules.clone()),
            b: Host::new(build(1), &[1], rules),
            to_a: under_way(),
            to_b: under_way(),
        }
    }

    /// A tick of both.
    pub(crate) fn tick(&mut self, a: impl Fn(Frame) -> Input, b: impl Fn(Frame) -> Input) {
        let (_, packets) = self.a.tick_with(|_, frame| a(frame));
        self.to_b.push_back(packets);
        let (_, packets) = self.b.tick_with(|_, frame| b(frame));
        self.to_a.push_back(packets);
        let packets = self.to_a.pop_front().unwrap_or_default();
        self.a.take(1, &packets);
        let packets = self.to_b.pop_front().unwrap_or_default();
        self.b.take(0, &packets);
    }

    /// Ticks until all that was played is known to both, and was the same.
    pub(crate) fn settle(&mut self) {
        let head = self.a.engine.head().max(self.b.engine.head());
        let enough = |host: &Host| host.engine.confirmed() >= Some(head);
        for _ in 0..200 {
            if enough(&self.a) && enough(&self.b) {
                break;
            }
            self.tick(|_| input(0), |_| input(0));
        }
        assert!(enough(&self.a) && enough(&self.b), "both go on");
        let facts = |host: &Host| {
            let frames = host.confirmed().into_iter().take(head.0 as usize);
            frames.map(|frame| frame.hash).collect::<Vec<_>>()
        };
        assert_eq!(facts(&self.a), facts(&self.b));
        assert_eq!(facts(&self.a).len(), head.0 as usize);
    }
}

/// Both hosts' clocks jump, in µs.
impl Duel {
    pub(crate) fn jump(&mut self, by_us: i64) {
        for host in [&mut self.a, &mut self.b] {
            host.now.0 = host.now.0.saturating_add_signed(by_us);
            assert!(host.engine.next_tick_at(host.now) <= host.now + 2 * FRAME);
        }
    }
}
