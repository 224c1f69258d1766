//! What the engine promises a page that is loaded again, and its partner, one promise at a time.

use igym_rollback::{
    Advance, BuildError, CATCH_UP_FRAMES, Event, Frame, Incarnation, Input, InputError, LinkId,
    MAX_RETURNED_FRAMES, PacketError, PlayerIndex, Wait, wire,
};

use crate::game::Rules;
use crate::host::{FRAME, Host, body, duo, endless, input, pair, rewrite};

/// Player 0 stays; player 1 is loaded again with as much history of each player.
pub(crate) fn reload(old: &Host, history: [usize; 2], delay: u32, rules: Rules) -> Host {
    let known = |player: usize| -> Vec<Input> {
        let confirmed = old.confirmed();
        let known = confirmed.iter().map(|frame| frame.inputs[player]);
        known.take(history[player]).collect()
    };
    let builder = duo(1)
        .incarnation(Incarnation(2))
        .input_delay(delay)
        .history([known(0), known(1)]);
    let mut new = Host::new(builder, &[1], rules);
    // Another page has another clock.
    new.now = old.now + FRAME * 1_000_000;
    new
}

/// Both tick and hear each other.
pub(crate) fn play(a: &mut Host, b: &mut Host, ticks: u32, inputs: [u8; 2]) {
    for _ in 0..ticks {
        let (_, to_a) = b.tick(inputs[1]);
        a.take(1, &to_a);
        let (_, to_b) = a.tick(inputs[0]);
        b.take(0, &to_b);
    }
}

/// Player 1 is lost after so many ticks.
pub(crate) fn played(ticks: u32) -> (Host, Host) {
    let (mut a, mut b) = pair(endless());
    play(&mut a, &mut b, ticks, [3, 4]);
    (a, b)
}

/// A new page of a player, with nothing of the older one.
fn loaded_again(me: u8, old: &Host) -> Host {
    let builder = duo(me).incarnation(Incarnation(2));
    let mut new = Host::new(builder.history([vec![], vec![]]), &[me], endless());
    new.now = old.now + FRAME * 1_000_000;
    new
}

fn presented(host: &Host) -> Vec<Frame> {
    let frames = host.events.iter().filter_map(|event| match event {
        Event::Presented { frame, .. } => Some(*frame),
        _ => None,
    });
    frames.collect()
}

pub(crate) fn agree(a: &Host, b: &Host) -> usize {
    let both = a.confirmed().len().min(b.confirmed().len());
    for (a, b) in a.confirmed().iter().zip(b.confirmed()) {
        assert_eq!((a.frame, &a.inputs, a.hash), (b.frame, &b.inputs, b.hash));
    }
    for host in [a, b] {
        let frames = host
            .confirmed()
            .iter()
            .map(|f| f.frame.0)
            .collect::<Vec<_>>();
        assert_eq!(frames, (0..frames.len() as u32).collect::<Vec<_>>());
        let desync = |event: &Event| matches!(event, Event::Desync { .. });
        assert!(!host.events.iter().any(desync));
        assert_eq!(host.engine.counters().conflicts, 0);
    }
    both
}

#[test]
fn a_page_loaded_again_gets_its_own_inputs_back_and_goes_on_above_them() {
    let (mut a, old) = played(100);
    let held = 102;
    let mut b = reload(&old, [70, 40], 2, endless());
    let link = LinkId(0);
    // It catches up at once, in batches, and then waits; it sends all the while.
    for frames in [CATCH_UP_FRAMES, 40] {
        assert_eq!(b.engine.next_tick_at(b.now), b.now);
        let (wait, packets) = b.tick(5);
        assert_eq!((wait, packets.len()), (None, 1));
        assert_eq!(b.engine.head(), Frame(frames));
    }
    for _ in 0..3 {
        let (wait, packets) = b.tick(5);
        assert_eq!(wait, Some(Wait::Rejoining { link }));
        assert_eq!(body(&packets[0]).known, Some(vec![Frame(40)]));
        assert_eq!(b.engine.wanted_input(), None);
        let early = b.engine.add_local_input(PlayerIndex(1), input(5));
        assert_eq!(early, Err(InputError::Rejoining));
        assert!(b.engine.next_tick_at(b.now) > b.now);
    }
    assert!(b.engine.rejoining() && b.engine.stalled().is_none());
    let (_, to_a) = b.tick(5);
    a.take(1, &to_a);
    let (_, to_b) = a.tick(3);
    assert_eq!(body(&to_b[0]).addressee, Some(Incarnation(2)));
    b.take(0, &to_b);
    assert_eq!(b.engine.wanted_input(), None, "the head is far behind");
    let given_back = b.events.iter().find_map(|event| match event {
        Event::Received {
            player: PlayerIndex(1),
            first,
            inputs,
            ..
        } => Some((*first, inputs.len())),
        _ => None,
    });
    assert_eq!(given_back, Some((Frame(40), held - 40)));
    assert_eq!(presented(&b), []);
    for _ in 0..2 {
        assert!(b.engine.rejoining());
        b.tick(5);
    }
    assert!(!b.engine.rejoining());
    // The partner has no inputs beyond its head and delay either.
    assert_eq!(b.engine.head(), Frame(102));
    play(&mut a, &mut b, 50, [3, 5]);
    assert!(agree(&a, &b) > 140);
    let theirs: Vec<u8> = a
        .confirmed()
        .iter()
        .map(|f| f.inputs[1].as_slice()[0])
        .collect();
    assert_eq!(theirs[..2], [0, 0]);
    assert!(theirs[2..held].iter().all(|byte| *byte == 4));
    assert!(theirs[held..].iter().all(|byte| *byte == 5));
    let shown = presented(&b);
    assert_eq!(shown[0], Frame(102), "not the frames it caught up on");
    assert_eq!(shown.len() as u32, b.engine.head().0 - 102);
    assert!(!presented(&a).windows(2).any(|two| two[0] >= two[1]));
}

#[test]
fn lead_frames_are_not_authored_over_older_inputs() {
    let builder = |me: u8| duo(me).input_delay(0);
    let mut a = Host::new(builder(0), &[0], endless());
    let mut old = Host::new(builder(1), &[1], endless());
    play(&mut a, &mut old, 5, [3, 4]);
    let mut b = reload(&old, [0, 0], 9, endless());
    play(&mut a, &mut b, 40, [3, 5]);
    assert!(agree(&a, &b) > 30);
    let theirs: Vec<u8> = a
        .confirmed()
        .iter()
        .map(|f| f.inputs[1].as_slice()[0])
        .collect();
    assert_eq!(theirs[..10], [4, 4, 4, 4, 4, 0, 0, 0, 0, 5]);
}

#[test]
fn nothing_passes_between_a_page_and_one_that_is_gone() {
    let (mut a, mut old) = played(30);
    let mut b = reload(&old, [20, 20], 2, endless());
    // To the older page, sent before the new one was heard.
    let (_, to_old) = a.tick(3);
    let stale = PacketError::OtherAddressee {
        found: Incarnation(1),
        expected: Incarnation(2),
    };
    let full = rewrite(&to_old[0], |_, _| {});
    // It tells who is there, once, and no more.
    let taken = b.engine.handle_packet(LinkId(0), &full, b.now);
    assert_eq!(taken, Ok(()));
    b.tick(5);
    assert_eq!(b.tick(5).0, Some(Wait::Rejoining { link: LinkId(0) }));
    assert_eq!(b.engine.confirmed(), Some(Frame(19)));
    let taken = b.engine.handle_packet(LinkId(0), &full, b.now);
    assert_eq!(taken, Err(stale));
    let taken = b.engine.handle_packet(LinkId(0), &to_old[0].bytes, b.now);
    assert_eq!(taken, Err(PacketError::UnknownTag));
    // Without an addressee: perhaps from before, so it tells who is there and no more.
    let unaddressed = rewrite(&to_old[0], |_, body| body.addressee = None);
    b.engine
        .handle_packet(LinkId(0), &unaddressed, b.now)
        .unwrap();
    b.tick(5);
    assert_eq!(b.tick(5).0, Some(Wait::Rejoining { link: LinkId(0) }));
    assert_eq!(b.engine.confirmed(), Some(Frame(19)));
    let (_, to_a) = b.tick(5);
    assert_eq!(body(&to_a[0]).addressee, Some(Incarnation(1)));
    a.take(1, &to_a);
    let (_, late) = old.tick(4);
    let older = PacketError::OlderIncarnation {
        found: Incarnation(1),
        newest: Incarnation(2),
    };
    a.refuses(&late[0].bytes, PacketError::UnknownTag);
    a.refuses(&rewrite(&late[0], |_, _| {}), older);
    let (_, to_b) = a.tick(3);
    let taken_over = PacketError::OtherAddressee {
        found: Incarnation(2),
        expected: Incarnation(1),
    };
    let taken = old.engine.handle_packet(LinkId(0), &to_b[0].bytes, old.now);
    assert_eq!(taken, Err(taken_over));
    assert_eq!(old.engine.counters().refused.other_addressee, 1);
    b.take(0, &to_b);
    b.tick(5);
    assert!(!b.engine.rejoining());
    assert_eq!(b.engine.confirmed(), Some(Frame(31)));
}

#[test]
fn what_both_lost_is_authored_anew_above_what_somebody_holds() {
    let (old_a, old_b) = played(60);
    let known = |player: usize, frames: usize| -> Vec<Input> {
        let confirmed = old_b.confirmed();
        confirmed
            .iter()
            .map(|f| f.inputs[player])
            .take(frames)
            .collect()
    };
    let again = |me: u8, history: [usize; 2]| {
        let builder = duo(me)
            .incarnation(Incarnation(7))
            .history([known(0, history[0]), known(1, history[1])]);
        Host::new(builder, &[me], endless())
    };
    drop(old_a);
    // One asked the server later than the other.
    let (mut a, mut b) = (again(0, [30, 25]), again(1, [33, 20]));
    play(&mut a, &mut b, 60, [6, 7]);
    assert!(agree(&a, &b) > 70, "{}", agree(&a, &b));
    let byte = |player: usize, frame: usize| a.confirmed()[frame].inputs[player].as_slice()[0];
    assert_eq!([byte(0, 32), byte(0, 33)], [3, 6]);
    assert_eq!([byte(1, 24), byte(1, 25)], [4, 7]);
}

#[test]
fn a_lying_partner_cannot_change_what_is_known() {
    let (mut a, old) = played(30);
    let mut b = reload(&old, [20, 20], 2, endless());
    let (_, to_a) = b.tick(5);
    a.take(1, &to_a);
    let (_, to_b) = a.tick(3);
    let honest = body(&to_b[0]);
    assert_eq!(honest.acks, [Frame(32)]);
    let run = |byte: u8, frames: u32| wire::Run {
        input: input(byte),
        frames,
    };
    let before = b.unrefused();
    let refused = [
        rewrite(&to_b[0], |_, body| {
            body.acks[0] = Frame(21 + MAX_RETURNED_FRAMES)
        }),
        rewrite(&to_b[0], |_, body| {
            body.returned = Some(vec![wire::Inputs {
                first: Frame(20),
                runs: vec![run(4, 13)],
            }]);
        }),
        rewrite(&to_b[0], |_, body| {
            body.returned = Some(vec![wire::Inputs {
                first: Frame(21),
                runs: vec![run(4, 2)],
            }]);
        }),
    ];
    for bytes in refused {
        let taken = b.engine.handle_packet(LinkId(0), &bytes, b.now);
        assert!(
            matches!(taken, Err(PacketError::Impossible(_))),
            "{taken:?}"
        );
        assert_eq!(b.unrefused(), before);
    }
    // Other inputs than those of the history: the history stays.
    let other = rewrite(&to_b[0], |_, body| {
        body.returned = Some(vec![wire::Inputs {
            first: Frame(10),
            runs: vec![run(9, 12)],
        }]);
    });
    b.engine.handle_packet(LinkId(0), &other, b.now).unwrap();
    assert_eq!(b.engine.counters().conflicts, 10);
    // Having told once, it cannot hold it up with more.
    let more = rewrite(&to_b[0], |_, body| body.acks[0] = Frame(33));
    let taken = b.engine.handle_packet(LinkId(0), &more, b.now);
    assert!(
        matches!(taken, Err(PacketError::Impossible(_))),
        "{taken:?}"
    );
    // Beyond the history it attests, and the first to come stays.
    b.take(0, &to_b);
    assert_eq!(b.engine.counters().conflicts, 12);
    b.tick(5);
    b.tick(5);
    let theirs: Vec<u8> = b
        .confirmed()
        .iter()
        .map(|f| f.inputs[1].as_slice()[0])
        .collect();
    assert_eq!(theirs[9..24], [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 9, 9, 4, 4]);
    // Who plays takes nothing back.
    assert!(!b.engine.rejoining());
    let (_, to_a) = b.tick(5);
    a.take(1, &to_a);
    let beyond = rewrite(&a.tick(3).1[0], |_, body| {
        body.returned = Some(vec![wire::Inputs {
            first: body.acks[0],
            runs: vec![run(4, 1)],
        }]);
    });
    let taken = b.engine.handle_packet(LinkId(0), &beyond, b.now);
    assert!(
        matches!(taken, Err(PacketError::Impossible(_))),
        "{taken:?}"
    );
}

#[test]
fn inputs_are_forgotten_only_before_the_durable_mark() {
    let (mut a, mut old) = played(400);
    assert_eq!(a.engine.held().inputs, 402);
    a.engine.set_durable(Frame(300));
    assert_eq!(a.engine.held().inputs, 102);
    a.engine.set_durable(Frame(100));
    assert_eq!(a.engine.held().inputs, 102);
    a.engine.set_durable(Frame(5_000));
    assert!(a.engine.held().inputs <= 80, "{:?}", a.engine.held());
    old.engine.set_durable(Frame(5_000));
    play(&mut a, &mut old, 20, [3, 4]);
    // A history of less than the mark: nothing wrong is sent, and nothing goes on.
    let mut b = reload(&old, [200, 200], 2, endless());
    for _ in 0..40 {
        let (_, to_a) = b.tick(5);
        a.take(1, &to_a);
        let (_, to_b) = a.tick(3);
        b.take(0, &to_b);
        assert!(body(&to_b[0]).inputs[0].runs.is_empty());
        assert!(body(&to_b[0]).returned.unwrap()[0].runs.is_empty());
    }
    assert!(b.engine.rejoining());
}

#[test]
fn a_history_up_to_the_mark_is_enough() {
    let (mut a, old) = played(400);
    a.engine.set_durable(Frame(390));
    let mut b = reload(&old, [390, 391], 2, endless());
    play(&mut a, &mut b, 100, [3, 5]);
    assert!(agree(&a, &b) > 450);
    b.engine.set_durable(Frame(390));
    assert!(b.engine.held().inputs < 120, "{:?}", b.engine.held());
}

#[test]
fn a_difference_after_a_rejoin_is_named_by_frame() {
    for flipped in [0, 5, 77, 300, 398] {
        let (mut a, old) = played(400);
        let rules = Rules {
            flipped: Some(Frame(flipped)),
            ..endless()
        };
        let mut b = reload(&old, [380, 360], 2, rules.clone());
        let first = {
            let mut right = Host::new(duo(0), &[0], endless());
            let mut wrong = Host::new(duo(0), &[0], rules);
            let inputs = old.confirmed().into_iter().map(|f| f.inputs.to_vec());
            let differs = inputs.enumerate().find(|(_, inputs)| {
                let (right, wrong) = (right.game.step(inputs), wrong.game.step(inputs));
                right != wrong
            });
            Frame(differs.expect("the flip matters").0 as u32)
        };
        assert!((flipped..flipped + 4).contains(&first.0));
        play(&mut a, &mut b, 120, [3, 5]);
        for host in [&a, &b] {
            let desyncs = host.events.iter().filter_map(|event| match event {
                Event::Desync { frame, .. } => Some(*frame),
                _ => None,
            });
            assert_eq!(desyncs.collect::<Vec<_>>(), [first], "{flipped}");
        }
    }
}

#[test]
fn a_sealed_partner_lets_a_page_loaded_again_finish() {
    let rules = Rules {
        frames: 50,
        ..endless()
    };
    let (mut a, mut old) = pair(rules.clone());
    play(&mut a, &mut old, 60, [3, 4]);
    assert_eq!(a.engine.sealed(), Some(Frame(49)));
    let mut b = reload(&old, [10, 7], 2, rules);
    play(&mut a, &mut b, 10, [3, 5]);
    assert_eq!(b.engine.sealed(), Some(Frame(49)));
    assert_eq!(agree(&a, &b), 50);
    assert!(!b.engine.rejoining() && presented(&b).is_empty());
}

#[test]
fn one_who_plays_alone_rejoins_at_once() {
    let builder = duo(0)
        .players(1)
        .incarnation(Incarnation(2))
        .history([vec![input(1); 100]]);
    let mut engine = builder.build().unwrap();
    let mut game = crate::game::Game::new(endless());
    for tick in 0..4 {
        assert!(engine.rejoining());
        let now = igym_rollback::Micros(tick);
        let Advance::Run(mut batch) = engine.advance(now) else {
            panic!("it has all that it needs")
        };
        game.run(&mut batch);
        engine.complete(&mut batch).unwrap();
    }
    assert!(!engine.rejoining());
    assert_eq!(
        (engine.head(), engine.wanted_input()),
        (Frame(100), Some(Frame(100)))
    );
    let error = duo(0).history([vec![]]).build().err();
    assert_eq!(
        error,
        Some(BuildError::History {
            found: 1,
            players: 2
        })
    );
}

/// What an older page of the partner told is void: it has gone, and its inputs with it.
#[test]
fn a_partner_that_is_loaded_again_must_tell_anew() {
    let (mut a, old) = played(30);
    let mut b = reload(&old, [20, 20], 2, endless());
    let (_, to_a) = b.tick(5);
    a.take(1, &to_a);
    let told = rewrite(&a.tick(3).1[0], |_, body| body.returned = None);
    b.engine.handle_packet(LinkId(0), &told, b.now).unwrap();
    let greeting = rewrite(&a.tick(3).1[0], |header, body| {
        header.incarnation = Incarnation(4);
        body.addressee = None;
    });
    b.engine.handle_packet(LinkId(0), &greeting, b.now).unwrap();
    let link = LinkId(0);
    for _ in 0..3 {
        let (wait, packets) = b.tick(5);
        assert_eq!(b.engine.wanted_input(), None);
        assert_eq!(body(&packets[0]).addressee, Some(Incarnation(4)));
        assert!(matches!(wait, None | Some(Wait::Rejoining { .. })));
    }
    assert_eq!(b.tick(5).0, Some(Wait::Rejoining { link }));
    // Its new page holds less than the older one.
    let less = rewrite(&a.tick(3).1[0], |header, body| {
        header.incarnation = Incarnation(4);
        body.acks = vec![Frame(18)];
        body.returned = None;
        body.hashes.prefixes.clear();
        body.known = Some(vec![Frame(20)]);
    });
    b.engine.handle_packet(link, &less, b.now).unwrap();
    assert_eq!(b.engine.wanted_input(), Some(Frame(20)));
}

/// The partner holds inputs beyond the last frame, which the page loaded again finds first.
#[test]
fn who_seals_while_it_rejoins_takes_what_is_beyond_the_end() {
    let rules = Rules {
        frames: 50,
        ..endless()
    };
    let (mut a, mut old) = pair(rules.clone());
    play(&mut a, &mut old, 60, [3, 4]);
    let mut b = reload(&old, [50, 50], 2, rules);
    b.tick(5);
    b.tick(5);
    assert_eq!(b.engine.sealed(), Some(Frame(49)));
    assert!(b.engine.next_tick_at(b.now) > b.now);
    play(&mut a, &mut b, 10, [3, 5]);
    assert_eq!(b.engine.counters().refused.total(), 0);
    let (_, packets) = b.tick(5);
    assert_eq!(body(&packets[0]).known, None, "it has all");
}

#[test]
fn a_mark_that_comes_too_early_takes_nothing_from_one_who_is_heard() {
    let (mut a, old) = played(200);
    let mut b = reload(&old, [60, 20], 2, endless());
    let (_, to_a) = b.tick(5);
    a.take(1, &to_a);
    a.engine.set_durable(Frame(5_000));
    play(&mut a, &mut b, 60, [3, 5]);
    assert!(agree(&a, &b) > 240);
}

#[test]
fn nobody_slows_down_for_one_who_catches_up() {
    let (mut a, mut old) = played(98);
    let lead_us = |host: &Host| host.engine.link_stats(LinkId(1)).unwrap().lead_us;
    for _ in 0..2 {
        let (_, to_a) = old.tick(4);
        // As long under way as the other's clock has gone on.
        a.now = a.now + FRAME * 2;
        a.take(1, &to_a);
        let (_, to_old) = a.tick(3);
        old.take(0, &to_old);
    }
    assert_ne!(lead_us(&a), 0, "there are round trips to compare with");
    let mut b = reload(&old, [40, 40], 2, endless());
    b.tick(5);
    let (_, to_a) = b.tick(5);
    assert_eq!(body(&to_a[0]).head, Frame(40));
    a.take(1, &to_a);
    assert_eq!(lead_us(&a), 0);
}

/// Each new page first hears what the other's old one had sent into the void: from then on each speaks
/// to a page that is gone, and says nevertheless that it is there.
#[test]
fn two_that_are_loaded_again_before_they_heard_each_other_find_each_other() {
    let (mut a, mut b) = pair(endless());
    let (from_a, from_b) = (a.tick(3).1, b.tick(4).1);
    let (mut a, mut b) = (loaded_again(0, &a), loaded_again(1, &b));
    a.take(1, &from_b);
    b.take(0, &from_a);
    let (_, to_a) = b.tick(4);
    assert_eq!(body(&to_a[0]).addressee, Some(Incarnation(1)));
    play(&mut a, &mut b, 40, [3, 4]);
    assert!(!a.engine.rejoining() && !b.engine.rejoining());
    assert!(agree(&a, &b) > 20);
}

/// One that plays on is told of the new page by what that one sends to its old page.
#[test]
fn a_new_page_that_hears_the_partners_old_one_last_is_heard() {
    let (mut a, mut b) = pair(endless());
    let from_a = a.tick(3).1;
    let mut a = loaded_again(0, &a);
    play(&mut a, &mut b, 10, [3, 4]);
    let mut b = reload(&b, [0, 0], 2, endless());
    b.take(0, &from_a);
    play(&mut a, &mut b, 40, [3, 4]);
    assert!(!b.engine.rejoining());
    assert!(agree(&a, &b) > 20);
}
