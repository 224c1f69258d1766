//! Guesses and snapshots: other choices cost more or less work, and change no frame.

use std::sync::Arc;
use std::time::Duration;

use igym_rollback::{
    Advance, Costs, Frame, Input, InputError, PastInputs, PlayerIndex, Prediction, SnapshotPolicy,
    StepResult,
};

use crate::duel::Duel;
use crate::game::Rules;
use crate::host::{duo, endless, input};

/// Changes in every frame, and can be foreseen.
fn march(frame: Frame) -> Input {
    input([1, 5, 2, 7, 3][frame.0 as usize % 5])
}

/// The input of five frames ago.
fn five_ago(player: PlayerIndex, frame: Frame, past: PastInputs<'_>) -> Input {
    assert!(player.0 < 2 && frame >= past.end());
    assert_eq!(past.get(past.end()), None);
    assert_eq!(past.last().is_some(), past.end() > Frame(0));
    let beats = frame - past.end();
    let known = past.end().0.checked_sub(5 - beats % 5).map(Frame);
    known.and_then(|known| past.get(known)).unwrap_or_default()
}

fn played(prediction: Prediction, rules: Rules) -> Duel {
    let build = |me| duo(me).input_delay(0).prediction(prediction.clone());
    let mut duel = Duel::new(build, rules, 4);
    for _ in 0..200 {
        duel.tick(march, march);
    }
    duel
}

#[test]
fn a_strategy_sees_the_past_and_its_hits_are_counted() {
    let mut rollbacks = Vec::new();
    for prediction in [
        Prediction::Custom(Arc::new(five_ago)),
        Prediction::RepeatLast,
        Prediction::Default,
    ] {
        let mut duel = played(prediction, endless());
        let counters = duel.a.engine.counters();
        rollbacks.push((counters.predictions_wrong, counters.rollbacks));
        assert!(counters.predictions_right + counters.predictions_wrong > 150);
        duel.settle();
    }
    // It learns the beat in ten frames.
    assert!(
        rollbacks[0].0 <= 10 && rollbacks[0].1 <= 10,
        "{rollbacks:?}"
    );
    for other in &rollbacks[1..] {
        assert!(other.0 > 150 && other.1 > 150, "{rollbacks:?}");
    }
}

#[test]
fn the_host_runs_its_partners_policy() {
    // Player 1 is a bot, which answers to what it sees at once.
    let rules = Rules {
        bot: Some(PlayerIndex(1)),
        ..endless()
    };
    for (guesses, least, most) in [(true, 0, 0), (false, 100, u64::MAX)] {
        let build = |me| duo(me).input_delay(0);
        let mut duel = Duel::new(build, rules.clone(), 4);
        duel.a.game.guesses = guesses;
        for _ in 0..200 {
            let acts = duel.b.game.policy();
            duel.tick(|_| input(0), |_| acts);
        }
        let counters = duel.a.engine.counters();
        assert!(counters.predictions_right + counters.predictions_wrong > 150);
        let wrong = counters.predictions_wrong;
        assert!(least <= wrong && wrong <= most, "{guesses}: {wrong}");
        duel.settle();
    }
}

#[test]
fn only_a_guess_can_be_replaced_and_only_before_it_is_used() {
    let mut duel = Duel::new(|me| duo(me).input_delay(0), endless(), 4);
    let engine = &mut duel.a.engine;
    engine.add_local_input(PlayerIndex(0), input(3)).unwrap();
    let Advance::Run(mut batch) = engine.advance(duel.a.now) else {
        panic!("frame 0 is due")
    };
    let refused = |player, frame| Err(InputError::NotPredicted { player, frame });
    let (me, other) = (PlayerIndex(0), PlayerIndex(1));
    assert_eq!(batch.predict(Frame(0), me, input(4)), refused(me, Frame(0)));
    assert_eq!(
        batch.predict(Frame(1), other, input(4)),
        refused(other, Frame(1))
    );
    assert_eq!(batch.predict(Frame(0), other, input(4)), Ok(()));
    assert_eq!(batch.inputs(Frame(0)), [input(3), input(4)]);
    assert_eq!(batch.inputs(Frame(1)), []);
    batch.answer(StepResult {
        outcome: &[],
        terminal: false,
        digest: None,
    });
    assert_eq!(
        batch.predict(Frame(0), other, input(5)),
        refused(other, Frame(0))
    );
}

/// Frames simulated, saves, loads and frames simulated again at both, and the newest hash.
fn work(policy: SnapshotPolicy, costs: Option<Costs>, presses: u32) -> [u64; 3] {
    let build = |me| duo(me).input_delay(0).snapshots(policy);
    let mut duel = Duel::new(build, endless(), 4);
    let keys = |frame: Frame| input((frame.0 / presses) as u8);
    for _ in 0..300 {
        if let Some(costs) = costs {
            duel.a.engine.report_costs(costs);
            duel.b.engine.report_costs(costs);
        }
        duel.tick(keys, keys);
    }
    let stalled = duel.a.engine.counters();
    for _ in 0..20 {
        // The partner is silent: the window fills, then nothing is simulated, and nothing is saved.
        duel.a.tick(0);
    }
    let counters = duel.a.engine.counters();
    assert!(counters.stalls == 1 && counters.saves <= stalled.saves + 10);
    let before = duel.a.engine.counters().saves;
    assert!(duel.a.tick(0).0.is_some());
    assert_eq!(
        duel.a.engine.counters().saves,
        before,
        "a stalled tick saves nothing"
    );
    duel.settle();
    assert!(counters.loads >= counters.rollbacks);
    match policy {
        SnapshotPolicy::ConfirmedOnly => assert!(duel.a.game.saved_facts),
        SnapshotPolicy::EveryFrame => assert!(!duel.a.game.saved_facts),
        SnapshotPolicy::Every(_) | SnapshotPolicy::Measured => {}
    }
    [counters.saves, counters.loads, counters.resimulated_frames]
}

#[test]
fn snapshots_are_as_rare_as_told() {
    let [every, loads, again] = work(SnapshotPolicy::EveryFrame, None, 10);
    assert!(every >= 300 && loads >= 20 && again >= 4 * 20);
    let [third, same, more] = work(SnapshotPolicy::Every(3), None, 10);
    assert!(
        third < every / 2 && same == loads && more > again,
        "{third} {same} {more}"
    );
    let [confirmed, ..] = work(SnapshotPolicy::ConfirmedOnly, None, 10);
    assert!(confirmed < 60, "{confirmed}");
    // Where guesses hold, a newer state is saved now and then all the same.
    let [confirmed, loads, again] = work(SnapshotPolicy::ConfirmedOnly, None, 100_000);
    assert!((10..=20).contains(&confirmed) && loads >= 10, "{confirmed}");
    // Each frame once, and the latency again with each load.
    assert!(again <= 300 + 5 * loads, "{again} {loads}");
}

#[test]
fn what_a_save_costs_decides() {
    let costs = |save, step| {
        let micros = Duration::from_micros;
        Some(Costs {
            save: micros(save),
            load: micros(save),
            step: micros(step),
        })
    };
    let policy = SnapshotPolicy::Measured;
    let [unknown, ..] = work(policy, None, 10);
    let [cheap, _, least] = work(policy, costs(1, 500), 10);
    let [dear, _, more] = work(policy, costs(3_000, 200), 10);
    assert!(unknown - cheap < 20, "{unknown} {cheap}");
    assert!(
        dear < cheap / 2 && more > least,
        "{dear} {cheap}, {more} {least}"
    );
}
