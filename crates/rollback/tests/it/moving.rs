//! What the engine promises about peers that leave and players that move, one promise at a time.

use igym_rollback::{Author, Event, Frame, LinkId, MoveError, PacketError, PlayerIndex, wire};

use crate::host::{FRAME, Host, Packet, body, duo, endless, input, played, rewrite};

const THEM: PlayerIndex = PlayerIndex(1);

fn theirs(host: &Host) -> Vec<u8> {
    let confirmed = host.confirmed();
    confirmed
        .iter()
        .map(|f| f.inputs[1].as_slice()[0])
        .collect()
}

#[test]
fn a_peer_that_was_left_is_not_heard_and_not_told_anything() {
    let (mut a, mut b) = played(10);
    a.engine.leave(LinkId(1)).unwrap();
    let (_, packets) = b.tick(4);
    let left = PacketError::LinkLeft { link: LinkId(1) };
    a.refuses(&packets[0].bytes, left);
    assert_eq!(a.tick(3).1.len(), 0, "no packet for nobody");
    for _ in 0..20 {
        a.tick(3);
    }
    assert_eq!(a.engine.stalled(), Some(THEM), "play waits for a decision");
    // It was a mistake: it is there.
    a.engine.admit(LinkId(1)).unwrap();
    let (_, packets) = b.tick(4);
    a.take(1, &packets);
    assert_eq!(a.tick(3).0, None);
    let nobody = Err(MoveError::NoLink { link: LinkId(7) });
    assert_eq!(a.engine.leave(LinkId(7)), nobody);
}

/// It had confirmed a frame with inputs of its own that reached nobody.
#[test]
fn what_only_a_peer_that_left_confirmed_is_no_desync() {
    let (mut a, mut b) = played(27);
    let mut last = Vec::new();
    for _ in 0..5 {
        let (_, to_b) = a.tick(3);
        b.take(0, &to_b);
        (_, last) = b.tick(4);
    }
    let held = a.engine.held_until(THEM).unwrap();
    let hashes = [held.0 - 1, held.0].map(|frame| {
        let frame = b.confirmed()[frame as usize];
        frame.hash.prefix()
    });
    // As if there had been no room for its inputs.
    let told = rewrite(&last[0], |_, body| {
        body.inputs[0].runs.clear();
        body.hashes.first = Frame(held.0 - 1);
        body.hashes.prefixes = hashes.to_vec();
    });
    a.engine.handle_packet(LinkId(1), &told, a.now).unwrap();
    assert_eq!(a.engine.confirmed(), Some(Frame(held.0 - 1)));
    a.engine.leave(LinkId(1)).unwrap();
    a.engine.move_player(THEM, held, Author::Nobody).unwrap();
    for _ in 0..20 {
        a.tick(3);
    }
    assert!(a.engine.confirmed() > Some(held));
    assert_ne!(a.confirmed()[held.0 as usize].hash.prefix(), hashes[1]);
    let desync = |event: &Event| matches!(event, Event::Desync { .. });
    assert!(!a.events.iter().any(desync));
}

#[test]
fn without_an_author_a_player_has_the_default_input() {
    let (mut a, _) = played(10);
    a.engine.leave(LinkId(1)).unwrap();
    assert_eq!(a.engine.held_until(THEM), Some(Frame(12)));
    assert_eq!(a.engine.held_until(PlayerIndex(2)), None);
    a.engine
        .move_player(THEM, Frame(12), Author::Nobody)
        .unwrap();
    for _ in 0..30 {
        assert_eq!(a.tick(3).0, None, "nobody is waited for");
    }
    let theirs = theirs(&a);
    assert_eq!(theirs.len(), 40);
    assert!(theirs[2..12].iter().all(|byte| *byte == 4));
    assert!(theirs[12..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_bot_is_asked_for_all_that_is_missing() {
    let (mut a, _) = played(10);
    a.engine.leave(LinkId(1)).unwrap();
    for _ in 0..20 {
        a.tick(3);
    }
    a.engine
        .move_player(THEM, Frame(12), Author::Local)
        .unwrap();
    let mut asked = Vec::new();
    while let Some(frame) = a.engine.wanted_input_of(THEM) {
        asked.push(frame.0);
        let taken = a.engine.add_local_input(THEM, input(8));
        assert_eq!(taken, Ok(frame));
    }
    assert_eq!(asked, (12..=a.engine.head().0 + 2).collect::<Vec<_>>());
    a.players = vec![0, 1];
    a.tick(3);
    let wrong = |event: &Event<'_>| matches!(event, Event::Rollback { to: Frame(12), .. });
    assert!(
        a.events.iter().any(wrong),
        "guesses of the one who left are undone"
    );
    assert!(theirs(&a)[12..].iter().all(|byte| *byte == 8));
}

#[test]
fn a_journal_gives_what_no_peer_holds() {
    let (mut a, _) = played(10);
    a.engine.leave(LinkId(1)).unwrap();
    let early = a.engine.give(THEM, Frame(12), &[input(5)]);
    assert_eq!(
        (early, a.engine.held_until(THEM)),
        (Ok(()), Some(Frame(12))),
        "not decided yet"
    );
    a.engine
        .move_player(THEM, Frame(15), Author::Nobody)
        .unwrap();
    for _ in 0..30 {
        a.tick(3);
    }
    assert_eq!(a.engine.confirmed(), Some(Frame(11)), "three are missing");
    // With a gap nothing is taken; of what is given only what is missing.
    a.engine.give(THEM, Frame(13), &[input(5); 2]).unwrap();
    assert_eq!(a.engine.held_until(THEM), Some(Frame(12)));
    a.engine
        .give(
            THEM,
            Frame(11),
            &[input(4), input(5), input(6), input(7), input(9)],
        )
        .unwrap();
    a.tick(3);
    assert_eq!(theirs(&a)[10..17], [4, 4, 5, 6, 7, 0, 0]);
    assert_eq!(a.engine.counters().conflicts, 0);
    let nobody = MoveError::NoPlayer {
        player: PlayerIndex(2),
    };
    assert_eq!(a.engine.give(PlayerIndex(2), Frame(0), &[]), Err(nobody));
}

#[test]
fn moves_that_cannot_be_are_named() {
    let (mut a, _) = played(10);
    let mut moves = |player, from, author| a.engine.move_player(PlayerIndex(player), from, author);
    let present = MoveError::Present {
        player: THEM,
        link: LinkId(1),
    };
    assert_eq!(moves(1, Frame(12), Author::Nobody), Err(present));
    let local = MoveError::Local {
        player: PlayerIndex(0),
    };
    assert_eq!(moves(0, Frame(90), Author::Nobody), Err(local));
    let nobody = MoveError::NoPlayer {
        player: PlayerIndex(5),
    };
    assert_eq!(moves(5, Frame(12), Author::Nobody), Err(nobody));
    a.engine.leave(LinkId(1)).unwrap();
    let mut moves = |player, from, author| a.engine.move_player(PlayerIndex(player), from, author);
    let late = MoveError::TooLate {
        player: THEM,
        held: Frame(12),
    };
    assert_eq!(
        moves(1, Frame(11), Author::Nobody),
        Err(late),
        "below what is held"
    );
    let gone = MoveError::NoLink { link: LinkId(1) };
    assert_eq!(moves(1, Frame(12), Author::Link(LinkId(1))), Err(gone));
    assert_eq!(moves(1, Frame(12), Author::Nobody), Ok(()));
    for _ in 0..5 {
        a.tick(3);
    }
    let again = a.engine.move_player(THEM, Frame(12), Author::Nobody);
    assert_eq!(again, Ok(()), "it may be told again");
    let late = a.engine.move_player(THEM, Frame(12), Author::Local);
    assert!(
        matches!(late, Err(MoveError::TooLate { .. })),
        "not otherwise"
    );
}

/// Three peers; what a peer says of one who left counts only once that has moved, and only up to there.
#[test]
fn what_a_peer_says_of_one_who_left_is_bounded() {
    let builder = |me: u8| {
        let builder = igym_rollback::Engine::builder()
            .players(3)
            .frame_duration(FRAME);
        builder.local([PlayerIndex(me)]).window(FRAME * 10)
    };
    let host = |me: u8| Host::new(builder(me), &[me], endless());
    let (mut a, mut b) = (host(0), host(1));
    let mut to_a = Vec::new();
    for _ in 0..3 {
        a.tick(1);
        to_a = b.tick(2).1;
    }
    let packet = to_a.iter().find(|packet| packet.link == LinkId(0)).unwrap();
    assert!(body(packet).given.is_empty());
    let given = |first: u32, frames: u32| {
        rewrite(packet, |_, body| {
            let run = wire::Run {
                input: input(6),
                frames,
            };
            let inputs = wire::Inputs {
                first: Frame(first),
                runs: vec![run],
            };
            body.given = vec![(PlayerIndex(2), inputs)];
        })
    };
    let held = |host: &Host| host.engine.held_until(PlayerIndex(2)).unwrap();
    let take = |host: &mut Host, bytes: &[u8]| {
        host.engine
            .handle_packet(LinkId(1), bytes, host.now)
            .unwrap();
    };
    a.engine.leave(LinkId(2)).unwrap();
    take(&mut a, &given(0, 9));
    assert_eq!(held(&a), Frame(0), "nothing was decided");
    let decided = a
        .engine
        .move_player(PlayerIndex(2), Frame(3), Author::Nobody);
    decided.unwrap();
    take(&mut a, &given(1, 9));
    assert_eq!(held(&a), Frame(0), "a gap");
    take(&mut a, &given(0, 900));
    let before = held(&a);
    assert!(
        (Frame(3)..Frame(12)).contains(&before),
        "{before}: no more than three"
    );
    let known = duo(0).build().unwrap();
    assert_eq!(known.held_until(THEM), Some(Frame(0)));
}

/// Peers 0 and 1 after player 2 has left; they hold its inputs before these frames.
pub(crate) fn survivors(held: [u32; 2]) -> (Host, Host) {
    let builder = |me: u8| {
        let builder = igym_rollback::Engine::builder()
            .players(3)
            .frame_duration(FRAME);
        builder.local([PlayerIndex(me)]).window(FRAME * 30)
    };
    let [mut a, mut b, mut c] = [0, 1, 2].map(|me| Host::new(builder(me), &[me], endless()));
    for tick in 1..20 {
        let to = |packets: &[Packet], link: u8| -> Vec<Packet> {
            let mut all = packets.iter();
            all.find(|packet| packet.link == LinkId(link))
                .cloned()
                .into_iter()
                .collect()
        };
        let [from_a, from_b, from_c] = [a.tick(1).1, b.tick(2).1, c.tick(7).1];
        // Each packet of c has one input more; the first has three.
        if tick + 2 <= held[0] {
            a.take(2, &to(&from_c, 0));
        }
        if tick + 2 <= held[1] {
            b.take(2, &to(&from_c, 1));
        }
        b.take(0, &to(&from_a, 1));
        a.take(1, &to(&from_b, 0));
    }
    for host in [&mut a, &mut b] {
        host.engine.leave(LinkId(2)).unwrap();
    }
    assert_eq!([&a, &b].map(|host| gone_until(host).0), held);
    (a, b)
}

pub(crate) const GONE: PlayerIndex = PlayerIndex(2);

pub(crate) fn gone_until(host: &Host) -> Frame {
    host.engine.held_until(GONE).unwrap()
}

pub(crate) fn exchange(a: &mut Host, b: &mut Host, ticks: u32) {
    for _ in 0..ticks {
        let (_, to_b) = a.tick(1);
        b.take(0, &to_b);
        let (_, to_a) = b.tick(2);
        a.take(1, &to_a);
    }
}

/// One who held more than both has vanished since b was told what was decided with it.
#[test]
fn who_was_told_more_than_anybody_holds_can_be_told_less() {
    let (mut a, mut b) = survivors([5, 4]);
    b.engine
        .move_player(GONE, Frame(8), Author::Nobody)
        .unwrap();
    a.engine
        .move_player(GONE, Frame(5), Author::Nobody)
        .unwrap();
    exchange(&mut a, &mut b, 20);
    assert_eq!(
        gone_until(&b),
        Frame(5),
        "what the one who left authored, and no more"
    );
    b.engine
        .move_player(GONE, Frame(5), Author::Nobody)
        .unwrap();
    exchange(&mut a, &mut b, 20);
    let all = |host: &Host| -> Vec<u8> {
        let confirmed = host.confirmed();
        confirmed
            .iter()
            .map(|f| f.inputs[2].as_slice()[0])
            .collect()
    };
    let (ours, theirs) = (all(&a), all(&b));
    assert!(ours.len() > 40 && theirs.len() > 40);
    assert_eq!(ours[..7], [0, 0, 7, 7, 7, 0, 0]);
    assert_eq!(theirs[..40], ours[..40]);
}

#[test]
fn a_bot_that_was_told_more_gives_everybody_all() {
    let (mut a, mut b) = survivors([5, 4]);
    // Told 8 first, both; then, as nobody is left who holds that, 5.
    for from in [8, 5] {
        a.engine
            .move_player(GONE, Frame(from), Author::Local)
            .unwrap();
    }
    b.engine
        .move_player(GONE, Frame(8), Author::Link(LinkId(0)))
        .unwrap();
    a.players = vec![0];
    for _ in 0..20 {
        while let Some(frame) = a.engine.wanted_input_of(GONE) {
            assert_eq!(a.engine.add_local_input(GONE, input(9)), Ok(frame));
        }
        exchange(&mut a, &mut b, 1);
    }
    // The bot's inputs are none of the one who left.
    assert_eq!(gone_until(&b), Frame(5));
    b.engine
        .move_player(GONE, Frame(5), Author::Link(LinkId(0)))
        .unwrap();
    for _ in 0..20 {
        while let Some(frame) = a.engine.wanted_input_of(GONE) {
            assert_eq!(a.engine.add_local_input(GONE, input(9)), Ok(frame));
        }
        exchange(&mut a, &mut b, 1);
    }
    assert!(gone_until(&b) > Frame(50), "{:?}", gone_until(&b));
    let confirmed = b.confirmed();
    let theirs: Vec<u8> = confirmed
        .iter()
        .map(|f| f.inputs[2].as_slice()[0])
        .collect();
    assert_eq!(theirs[..7], [0, 0, 7, 7, 7, 9, 9]);
    for (ours, theirs) in a.confirmed().iter().zip(&confirmed) {
        assert_eq!(ours.hash, theirs.hash);
    }
}
