//! What the engine promises its host, one promise at a time.

use std::time::Duration;

use igym_rollback::{
    Advance, BuildError, CompleteError, Engine, Epoch, Event, Frame, Incarnation, Input,
    InputError, LinkId, Micros, PacketError, PlayerIndex, PlayerSet, Prediction, Request,
    StepResult, Wait, wire,
};

use crate::game::Rules;
use crate::host::{FRAME, Host, duo, endless, input, pair, rewrite};

#[test]
fn the_head_stops_at_the_window_and_says_for_whom() {
    let (mut a, mut b) = pair(endless());
    for _ in 0..10 {
        assert_eq!(a.tick(1).0, None);
    }
    let window = Wait::Window {
        player: PlayerIndex(1),
        frame: Frame(0),
    };
    for _ in 0..5 {
        let (wait, packets) = a.tick(1);
        assert_eq!(wait, Some(window));
        assert_eq!(packets.len(), 1, "a waiting engine sends");
    }
    assert_eq!(a.engine.stalled(), Some(PlayerIndex(1)));
    assert_eq!(a.engine.counters().stalls, 1);
    assert_eq!(a.engine.counters().stalled_ticks, 5);
    // The partner has frames 0 to 2: lead frames and one more.
    let (_, packets) = b.tick(0);
    a.take(1, &packets);
    assert_eq!(a.tick(1).0, None);
    assert_eq!(a.engine.stalled(), None);
    let stalls = [
        Event::Stalled {
            player: PlayerIndex(1),
        },
        Event::Resumed,
    ];
    let told = a.events.iter().filter(|event| stalls.contains(event));
    assert_eq!(told.count(), 2);
}

#[test]
fn a_stalled_engine_corrects_itself() {
    let (mut a, mut b) = pair(endless());
    for _ in 0..12 {
        a.tick(1);
    }
    let mut last = Vec::new();
    for _ in 0..3 {
        last = b.tick(7).1;
    }
    // Only frames up to 4 are known: the head moves on to 15 and no further.
    a.take(1, &last);
    a.tick(1);
    let rollback = Event::Rollback {
        to: Frame(0),
        depth: 10,
        player: PlayerIndex(1),
    };
    assert!(
        !a.events.contains(&rollback),
        "one zero byte was guessed right"
    );
    let rollback = Event::Rollback {
        to: Frame(2),
        depth: 8,
        player: PlayerIndex(1),
    };
    assert!(a.events.contains(&rollback), "{:?}", a.events);
    assert_eq!(a.engine.confirmed(), Some(Frame(4)));
    assert_eq!(a.confirmed()[2].predicted_wrong, PlayerSet(0b10));
    assert_eq!(a.confirmed()[2].rollback_depth, 8);
    assert_eq!(a.confirmed()[1].rollback_depth, 0);
}

#[test]
fn a_stalled_rollback_leaves_the_head_where_it_is() {
    let (mut a, mut b) = pair(endless());
    for _ in 0..12 {
        a.tick(1);
    }
    let (_, packets) = b.tick(7);
    let bytes = rewrite(&packets[0], |_, body| {
        // Frame 0 alone, and not as guessed.
        body.inputs[0].runs = vec![wire::Run {
            input: input(5),
            frames: 1,
        }];
    });
    a.engine.handle_packet(LinkId(1), &bytes, a.now).unwrap();
    let (wait, _) = a.tick(1);
    assert_eq!(wait, None);
    assert_eq!(a.engine.head(), Frame(11));
    assert_eq!(a.engine.confirmed(), Some(Frame(0)));
    // Stalled again, with a new wrong guess: the batch has no head.
    let bytes = rewrite(&packets[0], |_, body| {
        body.sequence = 2;
        body.inputs[0].runs = vec![
            wire::Run {
                input: input(5),
                frames: 1,
            },
            wire::Run {
                input: input(6),
                frames: 1,
            },
        ];
    });
    let now = a.now;
    a.engine.handle_packet(LinkId(1), &bytes, now).unwrap();
    a.tick(1);
    let steps: Vec<Frame> = a.predicted.iter().map(|(frame, _)| *frame).collect();
    assert_eq!(steps, (1..12).map(Frame).collect::<Vec<_>>());
}

#[test]
fn lockstep_never_guesses() {
    let host = |me: u8| Host::new(duo(me).window(Duration::ZERO), &[me], endless());
    let (mut a, mut b) = (host(0), host(1));
    let mut waits = 0;
    for tick in 0..200 {
        let (wait, to_b) = a.tick(tick);
        waits += u32::from(wait.is_some());
        assert!(a.predicted.iter().all(|(_, players)| players.is_empty()));
        let (_, to_a) = b.tick(tick + 1);
        a.take(1, &to_a);
        b.take(0, &to_b);
    }
    assert!(waits > 0 && a.engine.confirmed() > Some(Frame(150)));
    assert_eq!(a.engine.counters().rollbacks, 0);
}

#[test]
fn guesses_follow_the_strategy() {
    for (prediction, guess) in [(Prediction::RepeatLast, 7), (Prediction::Default, 9)] {
        let build = |me| {
            duo(me)
                .default_input(input(9))
                .prediction(prediction.clone())
        };
        let mut a = Host::new(build(0), &[0], endless());
        let mut b = Host::new(build(1), &[1], endless());
        b.tick(7);
        let (_, packets) = b.tick(7);
        a.take(1, &packets);
        for _ in 0..6 {
            a.tick(1);
        }
        let shown = a.events.iter().find_map(|event| match event {
            Event::Presented {
                frame: Frame(5),
                inputs,
                predicted,
                ..
            } => Some((inputs[1], *predicted)),
            _ => None,
        });
        assert_eq!(shown, Some((input(guess), PlayerSet(0b10))));
    }
}

#[test]
fn an_end_on_a_guess_is_undone() {
    let rules = Rules {
        agreed_end: Some(7),
        ..endless()
    };
    // Frame 0 is due with the first tick of a host.
    let start = Micros(1_000_000) + FRAME;
    let host = |me: u8| Host::new(duo(me).start_at(start), &[me], rules.clone());
    let (mut a, mut b) = (host(0), host(1));
    // The partner holds 7 up to frame 4 and lets go; here 7 is pressed from frame 5 on.
    let theirs = |_, frame: Frame| input(if frame.0 <= 4 { 7 } else { 0 });
    let ours = |_, frame: Frame| input(if frame.0 >= 5 { 7 } else { 0 });
    let mut to_a = Vec::new();
    for _ in 0..3 {
        to_a = b.tick_with(theirs).1;
    }
    a.take(1, &to_a);
    let mut wait = None;
    for _ in 0..8 {
        wait = a.tick_with(ours).0;
    }
    let ending = Wait::Ending {
        frame: Frame(5),
        player: PlayerIndex(1),
    };
    assert_eq!(wait, Some(ending));
    assert!(a.engine.next_tick_at(a.now) > a.now);
    assert_eq!(a.engine.head(), Frame(6));
    assert_eq!(a.engine.sealed(), None);
    for _ in 0..2 {
        to_a = b.tick_with(theirs).1;
    }
    a.take(1, &to_a);
    assert_eq!(a.tick_with(ours).0, None);
    assert_eq!(
        a.engine.head(),
        Frame(7),
        "the end is undone, the head moves"
    );
    assert_eq!(a.engine.confirmed(), Some(Frame(6)));
    // The other is not known to be ahead: there is nothing to make good.
    assert!(a.engine.next_tick_at(a.now) > a.now);
}

#[test]
fn a_sealed_peer_lets_the_other_finish() {
    let (mut a, mut b) = pair(Rules {
        frames: 20,
        ..endless()
    });
    // Everything from b arrives, nothing from a, until a has sealed.
    for _ in 0..40 {
        a.tick(3);
        let (_, packets) = b.tick(4);
        a.take(1, &packets);
        if b.engine.stalled().is_some() {
            break;
        }
    }
    assert!(b.engine.confirmed().is_none());
    for _ in 0..40 {
        let (_, packets) = a.tick(3);
        assert_eq!(packets.len(), 1);
        if a.engine.head() < Frame(15) {
            b.take(0, &packets);
        }
        let (_, packets) = b.tick(4);
        a.take(1, &packets);
    }
    assert_eq!(a.engine.sealed(), Some(Frame(19)));
    assert_eq!(b.engine.sealed(), None, "it lacks the last inputs");
    assert_eq!(a.engine.wanted_input(), None);
    let (wait, packets) = a.tick(3);
    assert_eq!(wait, Some(Wait::Sealed));
    b.take(0, &packets);
    b.tick(4);
    assert_eq!(b.engine.sealed(), Some(Frame(19)));
    let hashes = |host: &Host| host.confirmed().iter().map(|f| f.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&a), hashes(&b));
    assert_eq!(
        a.engine.add_local_input(PlayerIndex(0), input(1)),
        Err(InputError::Sealed)
    );
}

#[test]
fn local_inputs_are_taken_when_wanted() {
    let (mut a, _) = pair(endless());
    assert_eq!(a.engine.lead(), 2);
    assert_eq!(a.engine.wanted_input(), Some(Frame(2)));
    let me = PlayerIndex(0);
    let other = a.engine.add_local_input(PlayerIndex(1), input(1));
    assert_eq!(
        other,
        Err(InputError::NotLocal {
            player: PlayerIndex(1)
        })
    );
    assert_eq!(a.engine.add_local_input(me, input(1)), Ok(Frame(2)));
    assert_eq!(a.engine.wanted_input(), None);
    let early = InputError::NotWanted {
        player: me,
        next: Frame(3),
    };
    assert_eq!(a.engine.add_local_input(me, input(1)), Err(early));
    assert_eq!(Input::new(&[]), Err(InputError::Length { found: 0 }));
    assert_eq!(Input::new(&[0; 65]), Err(InputError::Length { found: 65 }));
    // Without an input the head waits for it, once the lead frames are played.
    let mut engine = duo(0).build().unwrap();
    for _ in 0..2 {
        let Advance::Run(mut batch) = engine.advance(Micros(1)) else {
            panic!("lead frames need no input")
        };
        a.game.run(&mut batch);
        engine.complete(&mut batch).unwrap();
    }
    let wait = Wait::LocalInput {
        player: me,
        frame: Frame(2),
    };
    assert_eq!(engine.advance(Micros(2)), Advance::Wait(wait));
}

#[test]
fn nothing_enters_an_open_batch() {
    let (mut a, mut b) = pair(endless());
    let (_, packets) = b.tick(1);
    a.engine.add_local_input(PlayerIndex(0), input(1)).unwrap();
    let Advance::Run(mut batch) = a.engine.advance(a.now) else {
        panic!("frame 0 can be simulated")
    };
    assert_eq!(batch.requests()[0], Request::Save { frame: Frame(0) });
    let id = batch.id();
    a.refuses(&packets[0].bytes, PacketError::BatchOpen { id });
    let late = a.engine.add_local_input(PlayerIndex(0), input(1));
    assert_eq!(late, Err(InputError::BatchOpen { id }));
    let again = Advance::Wait(Wait::BatchOpen { id });
    assert_eq!(a.engine.advance(a.now), again);

    let answer = StepResult {
        outcome: &[],
        terminal: false,
        digest: None,
    };
    let (_, mut other) = pair(endless());
    assert_eq!(
        other.engine.complete(&mut batch),
        Err(CompleteError::NotOpen { id })
    );
    let missing = CompleteError::Missing { frame: Frame(0) };
    assert_eq!(a.engine.complete(&mut batch), Err(missing));
    batch.answer(answer);
    let mut twice = batch.clone();
    twice.answer(answer);
    assert_eq!(a.engine.complete(&mut twice), Err(CompleteError::TooMany));
    assert_eq!(a.engine.head(), Frame(0));
    let mut again = batch.clone();
    assert_eq!(a.engine.complete(&mut batch), Ok(()));
    assert_eq!(
        a.engine.complete(&mut again),
        Err(CompleteError::NotOpen { id })
    );
    assert_eq!(
        a.engine.complete(&mut batch),
        Err(CompleteError::NotOpen { id: 0 })
    );
    assert_eq!(a.engine.head(), Frame(1));
}

#[test]
fn play_waits_for_its_start() {
    let start = Micros(2_000_000);
    let mut a = Host::new(duo(0).start_at(start), &[0], endless());
    let mut ticks = 0;
    while a.engine.head() == Frame(0) {
        let due = a.engine.next_tick_at(a.now);
        a.now = due - FRAME;
        let (wait, packets) = a.tick(1);
        assert_eq!(packets.len(), 1);
        match wait {
            Some(wait) => assert_eq!(wait, Wait::NotStarted { at: start }),
            None => assert_eq!(a.now, start),
        }
        ticks += 1;
    }
    assert!((60..=62).contains(&ticks), "{ticks}");
}

#[test]
fn many_long_inputs_fit_and_get_through() {
    let others: Vec<PlayerIndex> = (1..16).map(PlayerIndex).collect();
    let many: Vec<u8> = (1..16).collect();
    let build = |local: Vec<PlayerIndex>, link: u8, remote: Vec<PlayerIndex>| {
        Engine::builder()
            .players(16)
            .local(local)
            .link(LinkId(link), remote)
            .epoch(Epoch(u32::MAX))
            .incarnation(Incarnation(u32::MAX))
    };
    let one = vec![PlayerIndex(0)];
    let mut a = Host::new(build(one.clone(), 1, others.clone()), &[0], endless());
    let mut b = Host::new(build(others, 0, one), &many, endless());
    let long = |player: u8, frame: Frame| Input::new(&[player ^ frame.0 as u8; 64]).unwrap();
    let mut longest = 0;
    for _ in 0..200 {
        let (_, to_b) = a.tick_with(long);
        let (_, to_a) = b.tick_with(long);
        longest = longest.max(to_a[0].bytes.len());
        b.take(0, &to_b);
        a.take(1, &to_a);
    }
    assert!(
        longest > 1_000 && longest <= wire::MAX_PACKET_BYTES,
        "{longest}"
    );
    assert!(
        a.engine.confirmed() > Some(Frame(80)),
        "{:?}",
        a.engine.confirmed()
    );
}

#[test]
fn settings_that_cannot_be_are_named() {
    let one = || Engine::builder().local([PlayerIndex(0)]);
    let error = |builder: igym_rollback::Builder| builder.build().err();
    assert_eq!(
        error(one().players(17)),
        Some(BuildError::Players { found: 17 })
    );
    assert_eq!(error(Engine::builder()), Some(BuildError::NoLocal));
    let range = error(Engine::builder().local([PlayerIndex(2)]));
    assert!(matches!(range, Some(BuildError::LocalOutOfRange { .. })));
    let link = |players: &[u8]| {
        let players: Vec<PlayerIndex> = players.iter().copied().map(PlayerIndex).collect();
        error(one().players(3).link(LinkId(7), players))
    };
    assert_eq!(link(&[1, 2]), None);
    assert!(matches!(link(&[]), Some(BuildError::LinkEmpty { .. })));
    assert!(matches!(
        link(&[0, 1, 2]),
        Some(BuildError::LinkPlayer { .. })
    ));
    assert!(matches!(
        link(&[1, 1, 2]),
        Some(BuildError::LinkCover { .. })
    ));
    assert!(matches!(link(&[1]), Some(BuildError::LinkCover { .. })));
    let twice = one()
        .link(LinkId(1), [PlayerIndex(1)])
        .link(LinkId(1), [PlayerIndex(1)]);
    assert!(matches!(error(twice), Some(BuildError::LinkTwice { .. })));
    assert_eq!(
        error(one().frame_duration(Duration::ZERO)),
        Some(BuildError::FrameDuration)
    );
    assert!(matches!(
        error(one().input_delay(33)),
        Some(BuildError::InputDelay { .. })
    ));
    let window = error(one().window(Duration::from_secs(3600)));
    assert!(matches!(window, Some(BuildError::Window { .. })));
    let message = window.unwrap().to_string();
    assert!(message.starts_with("window: "), "{message}");
}
