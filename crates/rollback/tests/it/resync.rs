//! After a desync: evidence, and a way back; and rejoining from one's own checkpoint.

use igym_rollback::{
    BuildError, ChainHash, Event, Frame, Incarnation, Input, Request, ResyncError,
};

use crate::game::{Game, Rules};
use crate::host::{Host, duo, endless, input, pair};

fn play(a: &mut Host, b: &mut Host, ticks: u32) {
    let moment = |player: u8, frame: Frame| input(frame.0 as u8 / (3 + player));
    for _ in 0..ticks {
        let (_, to_a) = b.tick_with(moment);
        a.take(1, &to_a);
        let (_, to_b) = a.tick_with(moment);
        b.take(0, &to_b);
    }
}

fn desyncs(host: &Host) -> Vec<Frame> {
    let events = host.events.iter();
    let frames = events.filter_map(|event| match event {
        Event::Desync { frame, .. } => Some(*frame),
        _ => None,
    });
    frames.collect()
}

/// What counts in the end: a second confirmation takes the place of the first.
fn counts(host: &Host) -> Vec<(Frame, ChainHash)> {
    let mut all: Vec<(Frame, ChainHash)> = Vec::new();
    for event in &host.events {
        match event {
            Event::Resynced { from } => all.truncate(from.0 as usize),
            Event::Confirmed(fact) => {
                assert_eq!(fact.frame.0 as usize, all.len(), "in order, each once");
                all.push((fact.frame, fact.hash));
            }
            _ => {}
        }
    }
    all
}

/// One bit of b's state falls over while it steps frame 103, once.
fn flipped() -> (Host, Host) {
    let (mut a, mut b) = pair(endless());
    b.game = Game::new(Rules {
        flipped: Some(Frame(103)),
        ..endless()
    });
    play(&mut a, &mut b, 220);
    assert_eq!(
        (desyncs(&a), desyncs(&b)),
        (vec![Frame(103)], vec![Frame(103)])
    );
    (a, b)
}

#[test]
fn what_was_computed_around_the_first_difference_is_kept() {
    let (mut a, mut b) = flipped();
    play(&mut a, &mut b, 600);
    let [ours, theirs] = [&a, &b].map(|host| host.engine.evidence().unwrap().clone());
    for (host, evidence) in [(&a, &ours), (&b, &theirs)] {
        assert_eq!(evidence.frame, Frame(103));
        let frames = evidence.ours.iter().map(|computed| computed.frame.0);
        let frames: Vec<u32> = frames.collect();
        let last = frames[frames.len() - 1];
        assert_eq!(frames, (102..=last).collect::<Vec<_>>());
        assert!((106..118).contains(&last), "what was confirmed by then");
        for computed in &evidence.ours {
            let fact = host.confirmed()[computed.frame.0 as usize];
            assert_eq!((computed.hash, computed.digest), (fact.hash, fact.digest));
        }
        assert!(
            evidence
                .ours
                .iter()
                .any(|computed| computed.digest.is_some())
        );
    }
    assert_eq!(ours.ours[0], theirs.ours[0]);
    assert_ne!(ours.ours[1].hash, theirs.ours[1].hash);
}

/// The host is told which of its states to put aside, and has kept them until then.
#[test]
fn the_states_around_the_first_difference_are_kept() {
    let keeps = |me: u8, flipped| {
        let rules = Rules {
            flipped,
            ..endless()
        };
        Host::new(duo(me).keep_states(100), &[me], rules)
    };
    let (mut a, mut b) = (keeps(0, None), keeps(1, Some(Frame(103))));
    let mut kept = [Vec::new(), Vec::new()];
    for _ in 0..220 {
        play(&mut a, &mut b, 1);
        for (host, kept) in [&a, &b].into_iter().zip(&mut kept) {
            if let Some(evidence) = host.engine.evidence().filter(|_| kept.is_empty()) {
                let state = |frame: &Frame| (*frame, host.game.state_at(*frame));
                kept.extend(evidence.states.iter().map(state));
            }
        }
        assert!(a.game.saved() <= 100 + 12, "{}", a.game.saved());
    }
    let [ours, theirs] = kept;
    for (n, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours.0, Frame(103 + n as u32));
        assert_eq!(ours == theirs, n == 0, "{ours:?} {theirs:?}");
        assert!(ours.1.is_some() && theirs.1.is_some());
    }
    assert!(ours.len().min(theirs.len()) >= 3);
    assert!(a.engine.counters().saves > 200);
}

#[test]
fn computing_it_anew_from_a_trusted_state_heals_what_happens_once() {
    for from in [0u32, 90, 103] {
        let (mut a, mut b) = flipped();
        // Its own state at that frame, from before, and a game that will not err again.
        let facts: Vec<_> = b
            .confirmed()
            .iter()
            .map(|f| (f.inputs.to_vec(), f.hash))
            .collect();
        let mut trusted = Game::new(endless());
        for (inputs, _) in &facts[..from as usize] {
            trusted.step(inputs);
        }
        trusted.keep();
        b.game = trusted;
        let before = from
            .checked_sub(1)
            .map_or(ChainHash::default(), |n| facts[n as usize].1);
        let from = Frame(from);
        if from > Frame(0) {
            let wrong = b.engine.resync(from, ChainHash([9; 16]));
            assert_eq!(wrong, Err(ResyncError::OtherHash { from }));
        }
        b.engine.resync(from, before).unwrap();
        let head = a.engine.head();
        b.tick(1);
        let first = b.engine.head();
        assert_eq!(first, from + 32, "in bounded batches");
        play(&mut a, &mut b, 300);
        assert!(b.engine.confirmed() > Some(head + 250));
        let (ours, theirs) = (counts(&a), counts(&b));
        let both = ours.len().min(theirs.len());
        assert!(both > 450 && ours[..both] == theirs[..both], "{from}");
        assert_eq!(desyncs(&b), [Frame(103)], "and no other");
    }
}

#[test]
fn a_difference_that_is_still_there_is_told_again() {
    let (mut a, mut b) = flipped();
    let hash = b.confirmed()[89].hash;
    let rules = Rules {
        flipped: Some(Frame(103)),
        ..endless()
    };
    let mut game = Game::new(rules);
    for fact in b.confirmed().iter().take(90) {
        game.step(fact.inputs);
    }
    game.keep();
    b.game = game;
    b.engine.resync(Frame(90), hash).unwrap();
    play(&mut a, &mut b, 120);
    assert_eq!(desyncs(&b), [Frame(103), Frame(103)]);
}

#[test]
fn only_what_is_held_can_be_computed_anew() {
    let (mut a, mut b) = pair(endless());
    play(&mut a, &mut b, 400);
    let confirmed = b.engine.confirmed().unwrap() + 1;
    let from = confirmed + 1;
    let later = ResyncError::NotConfirmed { from, confirmed };
    assert_eq!(b.engine.resync(from, ChainHash::default()), Err(later));
    b.engine.set_durable(Frame(390));
    let from = Frame(100);
    let gone = b.engine.resync(from, b.confirmed()[99].hash);
    assert!(matches!(gone, Err(ResyncError::Forgotten { held, .. }) if held > from));
}

#[test]
fn a_page_loaded_again_goes_on_from_its_own_checkpoint() {
    for lie in [false, true] {
        let (mut a, mut old) = pair(endless());
        play(&mut a, &mut old, 300);
        a.engine.set_durable(Frame(200));
        let facts = old.confirmed();
        let list = |player: usize| -> Vec<Input> {
            let inputs = facts.iter().map(|fact| fact.inputs[player]);
            inputs.skip(200).take(50).collect()
        };
        let hash = match lie {
            true => ChainHash([3; 16]),
            false => facts[199].hash,
        };
        let builder = duo(1)
            .incarnation(Incarnation(2))
            .checkpoint(Frame(200), hash)
            .history([list(0), list(1)]);
        let mut b = Host::new(builder, &[1], endless());
        for fact in facts.iter().take(200) {
            b.game.step(fact.inputs);
        }
        assert_eq!(b.engine.head(), Frame(200));
        play(&mut a, &mut b, 200);
        assert!(!b.engine.rejoining());
        let confirmed = b.confirmed();
        assert_eq!(confirmed[0].frame, Frame(200));
        assert!(b.engine.confirmed() > Some(Frame(450)));
        if lie {
            assert_eq!(desyncs(&b), [Frame(199)], "the checkpoint was another's");
            continue;
        }
        assert_eq!((desyncs(&a), desyncs(&b)), (vec![], vec![]));
        for (ours, theirs) in a.confirmed()[200..].iter().zip(&confirmed) {
            assert_eq!((ours.frame, ours.hash), (theirs.frame, theirs.hash));
        }
    }
    let alone = duo(0).checkpoint(Frame(5), ChainHash::default()).build();
    assert_eq!(alone.err(), Some(BuildError::Checkpoint));
    // The first batch begins where the host is.
    let lists = [vec![input(0); 9], vec![input(0); 9]];
    let builder = duo(0).checkpoint(Frame(5), ChainHash::default());
    let mut engine = builder.history(lists).build().unwrap();
    let igym_rollback::Advance::Run(batch) = engine.advance(igym_rollback::Micros(1)) else {
        panic!("it has inputs");
    };
    assert_eq!(batch.requests()[0], Request::Save { frame: Frame(5) });
}
