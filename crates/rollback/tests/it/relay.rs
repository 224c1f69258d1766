//! Packets by way of a relay that keeps of each link the newest only, as a server does for peers that
//! cannot reach each other.

use std::collections::BTreeMap;

use igym_rollback::Frame;

use crate::host::{Host, Packet, duo, endless, input};

#[test]
fn the_newest_packet_of_each_link_is_enough() {
    for every in [1, 3, 8] {
        let host = |me: u8| Host::new(duo(me).players(3), &[me], endless());
        let mut hosts: Vec<Host> = (0..3).map(host).collect();
        let mut waiting: BTreeMap<(u8, u8), Packet> = BTreeMap::new();
        let mut replaced = 0;
        for tick in 0..600 {
            for (from, host) in (0..).zip(&mut hosts) {
                let moment = |player, frame: Frame| input(frame.0 as u8 / (3 + player));
                let (_, packets) = host.tick_with(moment);
                for packet in packets {
                    let before = waiting.insert((from, packet.link.0), packet);
                    replaced += u32::from(before.is_some());
                }
            }
            if tick % every == 0 {
                for ((from, to), packet) in std::mem::take(&mut waiting) {
                    hosts[usize::from(to)].take(from, &[packet]);
                }
            }
        }
        assert_eq!(replaced > 1_000, every > 1, "{replaced}");
        // The inputs of as many ticks as pass between two packets, all in one.
        let least = hosts.iter().map(|host| host.confirmed().len()).min();
        let least = least.unwrap_or(0);
        assert!(least > 550, "every {every}: {least}");
        for host in &hosts {
            let counters = host.engine.counters();
            assert!(every == 1 || counters.rollbacks > 50);
            assert_eq!(counters.refused.total(), 0);
            let (ours, first) = (host.confirmed(), hosts[0].confirmed());
            assert_eq!(ours[least - 1].hash, first[least - 1].hash);
        }
    }
}
