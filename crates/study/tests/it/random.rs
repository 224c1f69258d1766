//! Studies in which anything happens in any order: people come and go, pages answer or do not,
//! links break, pages lie, and time passes. The world checks after every step that records are
//! consistent, that pages were told what is true, and that refusals changed nothing; here the
//! study is then left to run, and everybody who still answers must reach the last page.

use std::collections::BTreeMap;

use igym_protocol::{CloseReason, Outcome, Record, SessionState, View};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

use crate::ledger::Person;
use crate::ops::{Op, Setup, act, op, setup, study};
use crate::world::World;

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

fn check_end(world: &World) {
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
            check_outcome(world, person, outcome);
        }
    }
    for group in world.ledger.sessions.values() {
        assert_eq!(group.states.last(), Some(&SessionState::Ended));
        assert_eq!(group.plans.len(), group.closed.len());
    }
    assert!(world.to_judge.is_empty());
}

/// Whether the outcome fits what became of the last session.
fn check_outcome(world: &World, person: &Person, outcome: Outcome) {
    let Some(session) = person.last_session else {
        assert!(matches!(outcome, Outcome::LobbyTimeout | Outcome::Left));
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
        group.closed.iter().filter(sealed).count() == plan.episodes as usize
    });
    match outcome {
        Outcome::Completed => assert!(played),
        Outcome::PartnerLeft => assert!(others.contains(&Outcome::Left) && !played),
        Outcome::ConnectionFailed => assert!(!others.contains(&Outcome::PartnerLeft) && !played),
        Outcome::ValidationFailed => assert!(!played),
        // Of a later lobby, or on purpose.
        Outcome::LobbyTimeout => assert!(played),
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
            Record::EpisodeOpened { plan } if plan.episode > 0 => see("Next".to_owned()),
            _ => {}
        }
    }
    for group in world.ledger.sessions.values() {
        see(format!("Players{}", group.members.len()));
        if group.attempt > 1 {
            see("Retry".to_owned());
        }
        if !group.rejoined.is_empty() {
            see(format!("Rejoined{}", group.members.len()));
            let whole = |(reason, _): &(CloseReason, _)| *reason == CloseReason::Sealed;
            if group.closed.iter().any(whole) {
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
            .iter()
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
        for op in &ops {
            act(&mut world, op);
        }
        run_down(&mut world);
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
        "Left",
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
