//! Input delays that change in mid-session.

use igym_rollback::{
    BuildError, DelayPolicy, Engine, Frame, Input, InputError, MAX_INPUT_DELAY, PlayerIndex, wire,
};

use crate::host::{Host, duo, endless};
use crate::timing_world::{FRAME_US, Setting, TimingWorld};

/// No frame is authored twice and none is left out, and everybody agrees on all of them.
fn nothing_is_lost_or_doubled(world: &TimingWorld, delays: &[u32]) {
    for (me, player) in world.players.iter().enumerate() {
        let lead = delays[me];
        let mut frames: Vec<u32> = player.authored.iter().map(|(frame, _)| frame.0).collect();
        for (first, count) in &player.filled {
            frames.extend(first.0..first.0 + *count as u32);
        }
        frames.sort_unstable();
        let expected: Vec<u32> = (lead..lead + frames.len() as u32).collect();
        assert!(frames == expected, "player {me}\n{world}");
        for other in &world.players {
            assert!(other.confirmed.len() > 1_000, "{world}");
            let confirmed = other.confirmed.iter().map(|inputs| inputs[me]);
            let authored = player.inputs.iter().copied();
            let lead = (0..lead).map(|_| Input::default());
            assert!(lead.chain(authored).zip(confirmed).all(|(a, b)| a == b));
        }
    }
}

/// The delays with which the frames were sampled, each with the first such frame.
fn realised(world: &TimingWorld, player: usize) -> Vec<(Frame, u32)> {
    let mut realised: Vec<(Frame, u32)> = Vec::new();
    for (frame, delay) in &world.players[player].authored {
        if realised.last().is_none_or(|(_, last)| last != delay) {
            realised.push((*frame, *delay));
        }
    }
    realised
}

#[test]
fn a_host_changes_the_delay_at_an_announced_frame() {
    let setting = Setting {
        loss: 15,
        jitter_us: 20_000,
        turns: vec![
            (0, 5_000, 7),
            (0, 10_000, 1),
            (1, 12_000, 0),
            (0, 15_000, 3),
        ],
        ..Setting::new(3)
    };
    let delays = setting.delays.clone();
    let world = TimingWorld::play(setting, 30);
    nothing_is_lost_or_doubled(&world, &delays);
    let me = PlayerIndex(0);
    let own = &world.players[0];
    let turns: Vec<(Frame, u32)> = own
        .announced
        .iter()
        .filter(|told| told.0 == me)
        .map(|told| (told.1, told.2))
        .collect();
    let delays: Vec<u32> = turns.iter().map(|(_, delay)| *delay).collect();
    assert_eq!(delays, [7, 1, 3]);
    // Sampling for the frame that is the new delay ahead begins with the head that was announced;
    // where it shrinks, once the inputs of the old delay are used up.
    let expected = [
        (Frame(2), 2),
        (turns[0].0 + 7, 7),
        (turns[1].0 + 7, 1),
        (turns[2].0 + 3, 3),
    ];
    assert_eq!(realised(&world, 0), expected);
    assert_eq!(own.filled, [(turns[0].0 + 2, 5), (turns[2].0 + 1, 2)]);
    assert_eq!(realised(&world, 1).last().map(|(_, delay)| *delay), Some(0));
    assert_eq!(world.players[1].filled, []);
    for (peer, player) in world.players.iter().enumerate().skip(1) {
        let heard = player.announced.iter().filter(|told| told.0 == me);
        let heard: Vec<(Frame, u32)> = heard.map(|told| (told.1, told.2)).collect();
        assert_eq!(heard[0], (Frame(0), 2));
        assert_eq!(heard[1..], turns);
        assert_eq!(player.engine.input_delay(me), Some(3));
        assert_eq!(world.stats(peer, 0).delay_changes, 3);
    }
    assert_eq!(world.counters(0).delay_changes, 3);
    assert_eq!(own.engine.input_delay(PlayerIndex(1)), Some(0));
    assert_eq!(world.stats(0, 1).delay_changes, 1);
    assert_eq!(world.stats(0, 2).delay_changes, 0);
}

#[test]
fn an_adaptive_delay_follows_the_links_without_wavering() {
    let setting = Setting {
        policy: DelayPolicy::Adaptive { least: 1, most: 8 },
        ways_us: [12_000; 2],
        jitter_us: 8_000,
        loss: 3,
        latency_changes: vec![(20_000, [60_000; 2]), (50_000, [12_000; 2])],
        ..Setting::new(2)
    };
    let delays = setting.delays.clone();
    let world = TimingWorld::play(setting, 90);
    nothing_is_lost_or_doubled(&world, &delays);
    for player in 0..2 {
        let steps = realised(&world, player);
        let told: Vec<u32> = steps.iter().map(|(_, delay)| *delay).collect();
        let highest = *told.iter().max().unwrap();
        assert!((5..=6).contains(&highest), "{steps:?}\n{world}");
        // Up once, or again by one as the jitter is learned; and down.
        assert!(steps.len() <= 6, "{steps:?}\n{world}");
        let last = *told.last().unwrap();
        assert!((1..=2).contains(&last), "{steps:?}\n{world}");
        // Soon up, and not at once down.
        let seconds = |frame: Frame| f64::from(frame.0) / 60.0 + 0.5;
        let raised = steps.iter().find(|(_, delay)| *delay >= 5).unwrap();
        assert!((20.0..24.0).contains(&seconds(raised.0)), "{steps:?}");
        let lowered = steps
            .iter()
            .find(|(frame, delay)| frame.0 > raised.0.0 && *delay <= 2);
        let lowered = seconds(lowered.unwrap().0);
        assert!((55.0..65.0).contains(&lowered), "{lowered} {steps:?}");
        // While it fits, inputs are there in time.
        let again = world.again(player, 30.0..50.0);
        assert!(again < 60, "{again}\n{world}");
    }
}

#[test]
fn an_equalised_delay_is_the_same_for_all() {
    let far = |policy| Setting {
        policy,
        ways_us: [10_000; 2],
        far: Some((3, 55_000)),
        ..Setting::new(4)
    };
    let bounds = (1, 8);
    let (least, most) = bounds;
    let last = |world: &TimingWorld| -> Vec<u32> {
        let players = 0..4;
        players
            .map(|player| realised(world, player).last().unwrap().1)
            .collect()
    };
    let world = TimingWorld::play(far(DelayPolicy::Equalised { least, most }), 30);
    nothing_is_lost_or_doubled(&world, &[2; 4]);
    assert_eq!(last(&world), [4; 4], "{world}");
    // Nobody far away: everybody has less.
    let near = Setting {
        far: None,
        ways_us: [6_000; 2],
        ..far(DelayPolicy::Equalised { least, most })
    };
    assert_eq!(last(&TimingWorld::play(near, 30)), [1; 4]);
    // One who lies makes it no longer than the bounds.
    let liar: crate::timing_world::Lie = |body: &mut wire::Body| {
        if let Some(delays) = &mut body.delays {
            delays.wanted = 32;
        }
    };
    let lied = Setting {
        liar: Some((3, liar)),
        ..far(DelayPolicy::Equalised { least, most })
    };
    let world = TimingWorld::play(lied, 30);
    assert_eq!(last(&world)[..3], [8; 3], "{world}");
}

#[test]
fn lockstep_with_an_adaptive_delay_plays_at_full_speed() {
    let setting = Setting {
        window_ms: 0,
        delays: vec![0; 2],
        policy: DelayPolicy::Adaptive { least: 0, most: 10 },
        ways_us: [70_000; 2],
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 60);
    nothing_is_lost_or_doubled(&world, &[0; 2]);
    let rate = world.rate(10.0..60.0);
    assert!(rate > 59.9, "{rate}\n{world}");
    assert_eq!(world.stalls(10.0..60.0), 0, "{world}");
    assert!(world.stalls(0.0..10.0) > 10, "it was too short at first");
    // The one-way delay of 70 ms takes five frames of 16.7.
    assert_eq!(realised(&world, 0).last().unwrap().1, 5);
}

#[test]
fn players_with_different_delays_are_in_step() {
    let setting = Setting {
        delays: vec![1, 12],
        late_ms: vec![0, 60],
        unheard: true,
        drift_ppm: vec![2_000, 0],
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 60);
    let skew = world.skew_us(4.0..60.0);
    assert!(skew < FRAME_US as u64 / 4, "{skew}\n{world}");
    assert_eq!(realised(&world, 1), [(Frame(12), 12)]);
}

#[test]
fn local_players_have_delays_of_their_own() {
    let two = Engine::builder()
        .players(3)
        .local([PlayerIndex(0), PlayerIndex(2)])
        .input_delay(1)
        .input_delay_of(PlayerIndex(2), 4);
    let mut a = two.build().unwrap();
    assert_eq!(a.lead(), 4);
    let (first, second) = (PlayerIndex(0), PlayerIndex(2));
    assert_eq!(a.input_delay(first), Some(1));
    assert_eq!(a.input_delay(second), Some(4));
    assert_eq!(a.input_delay(PlayerIndex(1)), None);
    assert_eq!(a.input_delay(PlayerIndex(9)), None);
    assert_eq!(a.wanted_input(), Some(Frame(1)));
    assert_eq!(a.wanted_input_of(second), Some(Frame(4)));
    assert_eq!(a.add_local_input(first, Input::default()), Ok(Frame(1)));
    assert_eq!(a.wanted_input_of(first), None);
    assert_eq!(a.add_local_input(second, Input::default()), Ok(Frame(4)));
    assert_eq!(a.wanted_input(), None);
}

#[test]
fn delays_that_cannot_be_are_named() {
    let builder = || duo(0);
    let policy = |least, most| builder().delay_policy(DelayPolicy::Adaptive { least, most });
    assert_eq!(policy(3, 2).build().err(), Some(BuildError::DelayPolicy));
    assert_eq!(policy(3, 33).build().err(), Some(BuildError::DelayPolicy));
    assert_eq!(policy(3, 9).build().unwrap().lead(), 3);
    let other = builder().input_delay_of(PlayerIndex(1), 2).build().err();
    let player = PlayerIndex(1);
    assert_eq!(other, Some(BuildError::DelayPlayer { player }));
    let long = builder().input_delay_of(PlayerIndex(0), 40).build().err();
    let most = MAX_INPUT_DELAY;
    assert_eq!(long, Some(BuildError::InputDelay { found: 40, most }));
    let mut a = Host::new(builder(), &[0], endless());
    let refused = a.engine.set_input_delay(player, 3);
    assert_eq!(refused, Err(InputError::NotLocal { player }));
    let refused = a.engine.set_input_delay(PlayerIndex(0), 33);
    assert_eq!(refused, Err(InputError::Delay { found: 33, most }));
    let from = a.engine.set_input_delay(PlayerIndex(0), 3).unwrap();
    assert!(from > Frame(0));
}
