//! Spectators see confirmed frames only, come and go, and change nothing for the players.

use igym_rollback::{
    BuildError, Engine, Event, Frame, Incarnation, Input, LinkId, MoveError, PlayerIndex, Wait,
};

use crate::host::{FRAME, Host, Packet, body, duo, endless, input, pair, played};
use crate::rng::Rng;

const SEAT: LinkId = LinkId(9);

/// A spectator whose page was loaded so often, with so much history.
fn spectator(load: u32, history: Option<[Vec<Input>; 2]>) -> Host {
    let mut builder = Engine::builder()
        .spectator(LinkId(0))
        .incarnation(Incarnation(load))
        .frame_duration(FRAME)
        .window(FRAME * 10);
    if let Some(history) = history {
        builder = builder.history(history);
    }
    Host::new(builder, &[], endless())
}

/// What the players did: all their packets to each other, and what they confirmed.
type Play = (Vec<Vec<u8>>, Vec<(Frame, Vec<Input>)>);

/// Two players on a bad network; spectators come and go at the first.
fn play(frames: u32, mut watch: impl FnMut(u32, &mut Host)) -> Play {
    let (mut a, mut b) = pair(endless());
    let mut rng = Rng(7);
    let mut packets = Vec::new();
    let mut late = Vec::new();
    for tick in 0..frames {
        let moment = |player: u8, frame: Frame| input(frame.0 as u8 / (3 + player));
        let (_, to_b) = a.tick_with(moment);
        let (for_b, for_seat): (Vec<Packet>, Vec<Packet>) = to_b
            .into_iter()
            .partition(|packet| packet.link == LinkId(1));
        let (_, to_a) = b.tick_with(moment);
        packets.extend(for_b.iter().chain(&to_a).map(|packet| packet.bytes.clone()));
        // Two ticks under way, and one in five lost.
        late.push((for_b, to_a));
        if late.len() > 2 {
            let (to_b, to_a) = late.remove(0);
            if rng.below(5) > 0 {
                b.take(0, &to_b);
            }
            if rng.below(5) > 0 {
                a.take(1, &to_a);
            }
        }
        SEATS.with_borrow_mut(|seats| *seats = for_seat);
        watch(tick, &mut a);
    }
    let confirmed = a.confirmed();
    let confirmed = confirmed.iter().map(|f| (f.frame, f.inputs.to_vec()));
    (packets, confirmed.collect())
}

thread_local! {
    /// The newest packets to spectators.
    static SEATS: std::cell::RefCell<Vec<Packet>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// The spectator hears what the first player sent it, and is heard.
fn hear(a: &mut Host, seat: &mut Host) {
    let packets = SEATS.take();
    assert_eq!(packets.len(), 1, "one per link and tick");
    let confirmed = a.engine.confirmed().map_or(Frame(0), |last| last + 1);
    for inputs in body(&packets[0]).inputs {
        assert!(inputs.first + inputs.frames() <= confirmed, "no more");
    }
    seat.take(0, &packets);
    let (_, back) = seat.tick(0);
    for packet in back {
        a.engine.handle_packet(SEAT, &packet.bytes, a.now).unwrap();
    }
}

/// All play and see for so many ticks, and all packets arrive.
fn watched(ticks: u32, a: &mut Host, b: &mut Host, seat: &mut Host) {
    for _ in 0..ticks {
        let (_, packets) = a.tick(3);
        let (for_b, for_seat): (Vec<Packet>, Vec<Packet>) = packets
            .into_iter()
            .partition(|packet| packet.link == LinkId(1));
        b.take(0, &for_b);
        seat.take(0, &for_seat);
        let (_, to_a) = b.tick(4);
        a.take(1, &to_a);
        for packet in seat.tick(0).1 {
            a.engine.handle_packet(SEAT, &packet.bytes, a.now).unwrap();
        }
    }
}

fn seen(host: &Host) -> Vec<(Frame, Vec<Input>)> {
    let confirmed = host.confirmed();
    confirmed
        .iter()
        .map(|f| (f.frame, f.inputs.to_vec()))
        .collect()
}

#[test]
fn players_do_not_notice_spectators_who_see_what_they_confirm() {
    let alone = play(900, |_, _| {});
    assert!(alone.1.len() > 800 && alone.1.iter().any(|(_, inputs)| inputs[0] != inputs[1]));
    let mut late = spectator(1, None);
    let mut again = None;
    let watched = play(900, |tick, a| match tick {
        // Comes late and sees all from frame 0 on, goes, and comes back with what it had.
        300 => a.engine.watch(SEAT).unwrap(),
        301..500 => hear(a, &mut late),
        500 => a.engine.unwatch(SEAT).unwrap(),
        600 => {
            a.engine.watch(SEAT).unwrap();
            let had = |player: usize| late.confirmed().iter().map(|f| f.inputs[player]).collect();
            again = Some(spectator(2, Some([had(0), had(1)])));
        }
        601.. => hear(a, again.as_mut().unwrap()),
        _ => {}
    });
    assert_eq!(watched, alone, "byte for byte");
    let confirmed = &alone.1;
    let first = seen(&late);
    assert!((480..=500).contains(&first.len()), "{}", first.len());
    assert_eq!(first, confirmed[..first.len()]);
    let again = again.unwrap();
    let second = seen(&again);
    assert!(
        second.len() + 12 > confirmed.len(),
        "{} {}",
        second.len(),
        confirmed.len()
    );
    assert_eq!(second, confirmed[..second.len()]);
    for seat in [&late, &again] {
        assert_eq!(seat.engine.counters().rollbacks, 0);
        assert_eq!(seat.engine.wanted_input(), None);
        assert!(seat.engine.held().inputs < 300, "{:?}", seat.engine.held());
        let guessed = |event: &Event<'_>| matches!(event, Event::Presented { predicted, .. } if !predicted.is_empty());
        assert!(!seat.events.iter().any(guessed), "confirmed inputs only");
        let desync = |event: &Event<'_>| matches!(event, Event::Desync { .. });
        assert!(!seat.events.iter().any(desync));
    }
}

#[test]
fn a_spectator_that_lies_changes_nothing() {
    let (mut a, mut b) = pair(endless());
    a.engine.watch(SEAT).unwrap();
    let rules = crate::game::Rules {
        flipped: Some(Frame(20)),
        ..endless()
    };
    let mut seat = spectator(1, None);
    seat.game = crate::game::Game::new(rules);
    watched(200, &mut a, &mut b, &mut seat);
    let desync = |event: &Event<'_>| matches!(event, Event::Desync { .. });
    assert!(seat.events.iter().any(desync), "it is told itself");
    assert!(!a.events.iter().any(desync) && !b.events.iter().any(desync));
    assert!(a.engine.confirmed() > Some(Frame(190)));
}

#[test]
fn what_spectators_cannot_do_is_named() {
    let (mut a, _) = pair(endless());
    let taken = Err(MoveError::LinkTaken { link: LinkId(1) });
    assert_eq!(a.engine.watch(LinkId(1)), taken);
    assert_eq!(
        a.engine.unwatch(SEAT),
        Err(MoveError::NoLink { link: SEAT })
    );
    assert_eq!(
        a.engine.unwatch(LinkId(1)),
        Err(MoveError::NoLink { link: LinkId(1) })
    );
    let error = duo(0).spectator(SEAT).build().err();
    assert_eq!(error, Some(BuildError::Spectator));
    let mut seat = spectator(1, None);
    let taken = Err(MoveError::LinkTaken { link: SEAT });
    assert_eq!(seat.engine.watch(SEAT), taken);
    let (wait, packets) = seat.tick(0);
    let frame = Frame(0);
    let player = PlayerIndex(0);
    assert_eq!(wait, Some(Wait::Unconfirmed { player, frame }));
    assert_eq!(packets.len(), 1);
}

/// It comes from a peer that was ahead of this one.
#[test]
fn a_spectator_may_have_had_more_than_the_peer_it_comes_to() {
    let (ahead, _) = played(60);
    let had = |player: usize| ahead.confirmed().iter().map(|f| f.inputs[player]).collect();
    let mut seat = spectator(1, Some([had(0), had(1)]));
    let (mut a, mut b) = played(20);
    a.engine.watch(SEAT).unwrap();
    watched(80, &mut a, &mut b, &mut seat);
    let (theirs, seen) = (seen(&a), seen(&seat));
    assert!(
        ahead.confirmed().len() > 50 && seen.len() > 90,
        "{}",
        seen.len()
    );
    assert_eq!(seen, theirs[..seen.len()]);
}
