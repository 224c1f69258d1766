//! Studies in which anything happens in any order: people come and go, pages answer or do not,
//! links break, pages lie, and time passes. The world checks after every step that records are
//! consistent, that pages were told what is true, and that refusals changed nothing; here the
//! study is then left to run, and everybody who still answers must reach the last page.

use std::collections::BTreeMap;

use igym_protocol::{
    CloseReason, EpisodePlan, Measurement, Outcome, Record, SessionState, Verdict, View,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

use crate::ledger::{Group, Person};
use crate::ops::{Op, Setup, act, op, setup, study};
use crate::world::{SLOWEST, World};

/// Lets the study run until nothing more will happen.
fn run_down(world: &mut World) {
    for _ in 0..2_000 {
        world.settle();
        match world.study.poll_deadline() {
            Some(at) => world.wait(at.0 - world.now.0),
            None => return,
        }
    }
    panic!("the study goes on for ever");
}

/// Everybody is where they end, and some verdicts may not be there yet.
fn check_people(world: &World) {
    for (who, person) in &world.ledger.people {
        assert_eq!(
            (person.lobby, person.session),
            (None, None),
            "nobody is stuck"
        );
        if world.is_connected(*who) {
            assert!(
                person.outcome.is_some(),
                "{who} answers and did not reach the end"
            );
            assert!(matches!(world.shown[who], View::End { .. }));
        }
        if let Some(outcome) = person.outcome {
            assert_eq!(person.code.is_some(), outcome != Outcome::Left);
            if world.to_judge.is_empty() {
                check_outcome(world, person, outcome);
            }
        }
    }
}

/// Gives the verdicts that are missing, the last first.
fn judge_all(world: &mut World, seen: &mut BTreeMap<String, u32>) {
    if !world.to_judge.is_empty() {
        let what = match world.restarts {
            0 => "JudgedLate",
            _ => "JudgedLateAfterRestart",
        };
        *seen.entry(what.to_owned()).or_default() += 1;
    }
    world.to_judge.reverse();
    let before: Vec<_> = world.shown.clone().into_iter().collect();
    while world.judge(Verdict::Desync) {}
    let after: Vec<_> = world.shown.clone().into_iter().collect();
    assert_eq!(before, after, "nobody sees the verdict");
}

fn check_end(world: &World) {
    check_people(world);
    for group in world.ledger.sessions.values() {
        assert_eq!(group.states.last(), Some(&SessionState::Ended));
        assert_eq!(group.plans.len(), group.closed.len());
        check_windows(world, group);
    }
    check_treatments(world);
    assert!(world.to_judge.is_empty());
}

/// Sessions play what their treatments say, and none has been given more often than another.
fn check_treatments(world: &World) {
    let scenes = world.study.config().scenes.len() as u32;
    for (scene, game) in (0..scenes).filter_map(|at| Some((at, world.study.config().game(at)?))) {
        let mut given: BTreeMap<&str, u32> =
            game.treatments.iter().map(|it| (&*it.id, 0)).collect();
        let groups = world.ledger.sessions.values();
        for group in groups.filter(|group| group.scene == scene) {
            let treatment = group.treatment.as_deref();
            assert_eq!(treatment.is_some(), !game.treatments.is_empty());
            let (environment, digest) = game.environment_with(treatment);
            for plan in &group.plans {
                assert_eq!(
                    (&plan.environment, &*plan.digests.environment),
                    (environment, digest)
                );
            }
            if let Some(count) = treatment.and_then(|id| given.get_mut(id)) {
                *count += 1;
            }
        }
        let most = given.values().max().copied().unwrap_or(0);
        assert!(given.values().all(|count| count + 1 >= most), "{given:?}");
    }
}

/// The window is what the slowest machine of the group can play again within a frame.
fn check_windows(world: &World, group: &Group) {
    let game = world.study.config().game(group.scene).unwrap();
    assert_eq!(group.slowest.is_some(), game.slowest_rollback.is_some());
    for plan in &group.plans {
        let wanted = game.window.as_millis() as u32;
        let Some(slowest) = group.slowest else {
            assert_eq!(plan.window_ms, wanted);
            continue;
        };
        let frame_us = 1e6 / f64::from(plan.frames_per_second);
        let frames = (frame_us / (f64::from(slowest.rollback_us) / 10.0)).floor();
        let in_time = (frames * frame_us / 1e3).clamp(150.0, f64::from(wanted));
        let difference = f64::from(plan.window_ms) - in_time;
        assert!(difference.abs() <= 1.0, "{} {in_time}", plan.window_ms);
    }
}

/// Whether the outcome fits what became of the last session.
fn check_outcome(world: &World, person: &Person, outcome: Outcome) {
    let slow = |(.., measurement): &(u32, u32, Measurement)| {
        u128::from(measurement.rollback_us) > SLOWEST.as_micros()
    };
    assert_eq!(
        person.measured.iter().any(slow),
        outcome == Outcome::TooSlow
    );
    assert!(!person.unable || outcome == Outcome::EnvironmentFailed);
    let Some(session) = person.last_session else {
        let early = [Outcome::LobbyTimeout, Outcome::TooSlow, Outcome::Left];
        assert!(early.contains(&outcome) || person.unable);
        return;
    };
    let group = &world.ledger.sessions[&session];
    let others: Vec<Outcome> = group
        .members
        .iter()
        .map(|who| &world.ledger.people[who])
        .filter(|other| other.last_session == Some(session))
        .filter_map(|other| other.outcome)
        .collect();
    let played = group.plans.first().is_some_and(|plan| {
        let sealed = |(reason, _): &&(CloseReason, _)| *reason == CloseReason::Sealed;
        group.closed.values().filter(sealed).count() == plan.episodes as usize
    });
    let failed = group.failed.is_some();
    match outcome {
        Outcome::Completed => assert!(played),
        Outcome::PartnerLeft => assert!(others.contains(&Outcome::Left) && !played && !failed),
        Outcome::ConnectionFailed => assert!(!others.contains(&Outcome::PartnerLeft) && !played),
        Outcome::ValidationFailed => assert!(!played),
        // One that failed at its very end was played to the end, and led on to where a page was unable.
        Outcome::EnvironmentFailed => assert!((failed || played) && person.unable == played),
        // Of a later lobby, or on purpose.
        Outcome::LobbyTimeout | Outcome::TooSlow => assert!(played),
        Outcome::Left => {}
    }
}

/// What came up, so that a test that proves nothing is noticed.
fn count(world: &World, seen: &mut BTreeMap<String, u32>) {
    let mut see = |what: String| *seen.entry(what).or_default() += 1;
    for record in &world.ledger.records {
        match record {
            Record::ParticipantEnded { outcome, .. } => see(format!("{outcome:?}")),
            Record::EpisodeClosed { reason, .. } => see(format!("{reason:?}")),
            Record::LobbyLeft { .. } => see("LobbyLeft".to_owned()),
            Record::Measured { .. } => see("Measured".to_owned()),
            Record::EnvironmentUnable { .. } => see("Unable".to_owned()),
            Record::EpisodeOpened { plan } if plan.episode > 0 => see("Next".to_owned()),
            _ => {}
        }
    }
    for group in world.ledger.sessions.values() {
        see(format!("Players{}", group.members.len()));
        if group.attempt > 1 {
            see("Retry".to_owned());
        }
        if group.failed.is_some() {
            see(format!("Failed{}", group.members.len()));
            match group.closed.values().next_back() {
                Some((CloseReason::Cut, _)) => see("FailedInPlay".to_owned()),
                Some((CloseReason::Sealed, _)) => see("FailedAfterSeals".to_owned()),
                None => see("FailedBeforePlay".to_owned()),
            }
        }
        let narrow = |plan: &EpisodePlan| plan.window_ms < 500;
        if group.plans.iter().any(narrow) {
            see("Narrowed".to_owned());
        }
        if !group.rejoined.is_empty() {
            see(format!("Rejoined{}", group.members.len()));
            let whole = |(reason, _): &(CloseReason, _)| *reason == CloseReason::Sealed;
            if group.closed.values().any(whole) {
                see("RejoinedAndSealed".to_owned());
            }
        }
        let mut states = group.states.iter();
        states.find(|state| **state == SessionState::Playing);
        if states.any(|state| *state == SessionState::Validating) {
            see("ValidatedAgain".to_owned());
        }
        if group
            .closed
            .values()
            .any(|(reason, _)| *reason == CloseReason::Cut)
        {
            see(format!("Cut{}", group.members.len()));
        }
    }
    for record in &world.ledger.records {
        if let Record::LinkReported { open: false, .. } = record {
            see("LinkFailed".to_owned());
        }
    }
    *seen.entry("Resumed".to_owned()).or_default() += world.authors.resumed;
    *seen.entry("Overruled".to_owned()).or_default() += world.authors.overruled;
    for (place, times) in &world.restarted {
        *seen.entry(format!("Restarted{place}")).or_default() += times;
    }
    for (code, times) in &world.refusals {
        *seen.entry(format!("{code:?}")).or_default() += times;
    }
}

#[test]
fn whatever_happens_nobody_is_stranded() {
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = std::cell::RefCell::new(BTreeMap::new());
    let run = |(setup, ops): (Setup, Vec<Op>)| -> TestCaseResult {
        let (mut world, _) = World::with_people(study(&setup), setup.present);
        world.judge_is_slow = setup.judge_is_slow;
        for op in &ops {
            act(&mut world, op);
        }
        run_down(&mut world);
        check_people(&world);
        judge_all(&mut world, &mut seen.borrow_mut());
        check_end(&world);
        count(&world, &mut seen.borrow_mut());
        Ok(())
    };
    let ops = prop::collection::vec(op(), 1..160);
    if let Err(error) = runner.run(&(setup(), ops), run) {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    for what in [
        "Completed",
        "LobbyTimeout",
        "ConnectionFailed",
        "ValidationFailed",
        "PartnerLeft",
        "EnvironmentFailed",
        "TooSlow",
        "Left",
        "Measured",
        "Narrowed",
        "Unable",
        "Failed1",
        "Failed2",
        "Failed3",
        "Failed4",
        "FailedInPlay",
        "FailedAfterSeals",
        "FailedBeforePlay",
        "JudgedLate",
        "JudgedLateAfterRestart",
        "Sealed",
        "Cut",
        "Next",
        "Retry",
        "ValidatedAgain",
        "LinkFailed",
        "Resumed",
        "Overruled",
        "Rejoined1",
        "Rejoined2",
        "Rejoined3",
        "Rejoined4",
        "RejoinedAndSealed",
        "Version",
        "RestartedInRejoin",
        "RestartedAtStart",
        "RestartedAtInstructions",
        "RestartedInLobby",
        "RestartedInConnecting",
        "RestartedInValidating",
        "RestartedInPlaying",
        "RestartedInFlushing",
        "RestartedAtEnd",
        "LobbyLeft",
        "Players1",
        "Players2",
        "Players3",
        "Players4",
        "Cut1",
        "Cut2",
        "Cut3",
        "Cut4",
        "WrongState",
        "NotAMember",
        "UnknownToken",
    ] {
        let times = seen.get(what).copied().unwrap_or(0);
        assert!(times >= 5, "{what} came up {times} times: {seen:?}");
    }
}
