//! Inputs of a peer that is further ahead than any can be are not taken. How far that is, if pages are
//! loaded again.

use igym_rollback::{Frame, Incarnation, Input, LinkId, PacketError, PlayerIndex};

use crate::host::{FRAME, Host, duo, endless};
use crate::rejoining::{agree, play, played, reload};

/// A page loaded again acknowledges less than the older one did, and has inputs of its own that the
/// older one authored far beyond that.
#[test]
fn what_the_older_page_authored_is_within_the_horizon() {
    let (mut a, mut old) = played(60);
    for _ in 0..8 {
        let (_, to_old) = a.tick(3);
        old.take(0, &to_old);
        old.tick(4);
    }
    let mut b = reload(&old, [1, 68], 2, endless());
    b.tick(5);
    play(&mut a, &mut b, 1, [3, 5]);
    let (_, to_a) = b.tick(5);
    a.take(1, &to_a);
    assert_eq!(a.engine.counters().inputs_beyond_horizon, 0);
    play(&mut a, &mut b, 40, [3, 5]);
    assert!(agree(&a, &b) > 80, "{}", agree(&a, &b));
}

/// A page of `me` that is loaded again with as much of what another one confirmed.
fn page(me: u8, confirmed: &Host, history: [usize; 2]) -> Host {
    let known = |player: usize| -> Vec<Input> {
        let confirmed = confirmed.confirmed();
        let known = confirmed.iter().map(|frame| frame.inputs[player]);
        known.take(history[player]).collect()
    };
    let builder = duo(me)
        .incarnation(Incarnation(2))
        .history([known(0), known(1)]);
    Host::new(builder, &[me], endless())
}

/// The journal got the partner's inputs after it had given out a history; ours are nowhere, and the
/// partner had played on from them.
#[test]
fn what_a_partner_authored_from_lost_inputs_of_ours_is_within_the_horizon() {
    let (_, old) = played(100);
    let (mut a, mut b) = (page(0, &old, [5, 5]), page(1, &old, [5, 90]));
    play(&mut a, &mut b, 4, [6, 7]);
    assert_eq!(a.engine.held_until(PlayerIndex(1)), Some(Frame(90)));
    play(&mut a, &mut b, 120, [6, 7]);
    for host in [&a, &b] {
        assert_eq!(host.engine.counters().inputs_beyond_horizon, 0);
    }
    assert!(agree(&a, &b) > 100, "{}", agree(&a, &b));
    let byte = |player: usize, frame: usize| a.confirmed()[frame].inputs[player].as_slice()[0];
    assert_eq!([byte(0, 4), byte(0, 5)], [3, 6]);
    assert_eq!([byte(1, 89), byte(1, 90)], [4, 7]);
}

/// Each ticks and hears the others, but for one way.
fn round(hosts: &mut [Host; 3], lost: Option<(usize, usize)>) {
    for from in 0..3 {
        let (_, packets) = hosts[from].tick(3 + from as u8);
        for to in (0..3).filter(|to| *to != from && lost != Some((from, *to))) {
            let sent = packets
                .iter()
                .find(|packet| packet.link == LinkId(to as u8));
            let now = hosts[to].now;
            let sent = &sent.expect("one packet per link and tick").bytes;
            // What is for a page that is gone is refused.
            let taken = hosts[to]
                .engine
                .handle_packet(LinkId(from as u8), sent, now);
            let gone = |error: &PacketError| {
                use PacketError::{OlderIncarnation, OtherAddressee, UnknownTag};
                matches!(
                    error,
                    UnknownTag | OtherAddressee { .. } | OlderIncarnation { .. }
                )
            };
            assert!(taken.as_ref().err().is_none_or(gone), "{taken:?}");
            hosts[to].take(from as u8, &[]);
        }
    }
}

/// What a peer acknowledged before its page was lost did not arrive, but another peer has what it
/// authored meanwhile.
#[test]
fn what_a_third_peer_gives_back_is_within_the_horizon() {
    let builder = |me: u8| duo(me).players(3).window(FRAME * 60);
    let mut hosts = [0, 1, 2].map(|me| Host::new(builder(me), &[me], endless()));
    for _ in 0..20 {
        round(&mut hosts, None);
    }
    for _ in 0..200 {
        round(&mut hosts, Some((1, 0)));
    }
    let ours = hosts[0].engine.held_until(PlayerIndex(0)).unwrap();
    let theirs = hosts[2].engine.held_until(PlayerIndex(1)).unwrap();
    assert!(theirs > ours + 60, "{theirs} {ours}");
    let known = |player: usize| -> Vec<Input> {
        let confirmed = hosts[0].confirmed();
        confirmed.iter().map(|frame| frame.inputs[player]).collect()
    };
    let again = builder(1).incarnation(Incarnation(2));
    let again = again.history([known(0), known(1), known(2)]);
    hosts[1] = Host::new(again, &[1], endless());
    for _ in 0..4 {
        round(&mut hosts, Some((1, 0)));
    }
    assert_eq!(hosts[1].engine.held_until(PlayerIndex(1)), Some(theirs));
    for _ in 0..3 {
        round(&mut hosts, None);
    }
    assert_eq!(hosts[0].engine.counters().inputs_beyond_horizon, 0);
    assert!(hosts[0].engine.held_until(PlayerIndex(1)) >= Some(theirs));
    for _ in 0..100 {
        round(&mut hosts, None);
    }
    let agreed = agree(&hosts[0], &hosts[1]);
    assert!(agreed > theirs.0 as usize, "{agreed} {theirs}");
}
