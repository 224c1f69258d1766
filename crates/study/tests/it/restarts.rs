//! Servers that are killed and start again. In each, the world compares what everybody is shown
//! with what they were shown before, and sees that nothing is recorded twice.

use igym_protocol::{
    ClientMessage, CloseReason, Entry, Outcome, ParticipantId, Record, SessionState, Verdict, View,
};
use igym_study::{Millis, RestoreError, Scene, SeatRule, Study, StudyConfig};

use crate::failures::{flush, link_failed, outcomes, playing};
use crate::world::{BUILD, World, config, open, participant};

fn back(world: &mut World, people: &[ParticipantId]) {
    people.iter().for_each(|who| world.connect(*who));
}

fn attempt(world: &World, who: ParticipantId) -> Option<u32> {
    match world.view(who) {
        View::Connecting { connection, .. } => Some(connection.attempt),
        _ => None,
    }
}

#[test]
fn before_the_game_and_after_it_everybody_is_where_they_were() {
    let (mut world, people) = World::with_people(config(2, 1), 4);
    let advance = ClientMessage::Advance { scene: 0 };
    for who in &people[1..] {
        world.send(*who, &advance).unwrap();
    }
    let join = ClientMessage::Join { scene: 1 };
    world.send(people[2], &join).unwrap();
    world.send(people[3], &ClientMessage::Leave).unwrap();
    world.wait(1_000);
    world.restart(7_000);
    back(&mut world, &people);
    assert!(matches!(world.view(people[0]), View::Start { .. }));
    assert!(matches!(world.view(people[1]), View::Instructions { .. }));
    assert_eq!(world.outcome(people[3]), Some(Outcome::Left));
    let View::Lobby {
        waiting: 1,
        closes_in_ms,
        ..
    } = world.view(people[2])
    else {
        panic!("waits");
    };
    assert_eq!(closes_in_ms, 292_000, "waiting counts from when it began");
    world.send(people[1], &join).unwrap();
    assert_eq!(attempt(&world, people[1]), Some(1));
    world.settle();
    let done = Some(Outcome::Completed);
    assert_eq!(outcomes(&world, &people[1..3]), [done, done]);
}

#[test]
fn places_in_the_lobby_are_kept_in_their_order_and_lost_after_the_grace() {
    let (mut world, people) = World::with_people(config(4, 1), 3);
    for who in people.iter().rev() {
        world.until(&[*who], |view| matches!(view, View::Lobby { .. }));
    }
    world.restart(0);
    world.connect(people[2]);
    world.wait(9_999);
    world.connect(people[0]);
    world.wait(1);
    assert!(matches!(world.view(people[1]), View::Instructions { .. }));
    world.arrive(participant(9));
    world.connect(participant(9));
    world.until(&[participant(9)], |view| matches!(view, View::Lobby { .. }));
    world.connect(people[1]);
    world.answer(people[1]);
    let session = world.study.session_of(people[0]).unwrap();
    let expected = vec![people[2], people[0], participant(9), people[1]];
    assert_eq!(world.study.members(session), Some(expected));
}

#[test]
fn whoever_connected_connects_again_once_all_are_back() {
    let (mut world, people) = World::with_people(config(3, 1), 3);
    world.until(&people, |view| matches!(view, View::Connecting { .. }));
    world.answer(people[0]);
    // Restarts do not use up the attempts.
    for expected in 2..=6 {
        world.restart(1_000);
        world.connect(people[0]);
        world.connect(people[1]);
        assert_eq!(attempt(&world, people[0]), Some(expected - 1));
        world.connect(people[2]);
        assert_eq!(attempt(&world, people[0]), Some(expected));
    }
    world.until(&people, |view| matches!(view, View::Validating { .. }));
    world.answer(people[0]);
    world.restart(0);
    assert!(matches!(
        world.view(people[0]),
        View::Validating {
            validated: true,
            ..
        }
    ));
    back(&mut world, &people);
    assert!(
        matches!(world.view(people[2]), View::Validating { .. }),
        "the links outlived the server"
    );
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 3]);
}

#[test]
fn play_goes_on_and_seals_are_remembered() {
    for seats in [SeatRule::Fixed, SeatRule::Random, SeatRule::Rotating] {
        let mut config = config(3, 3);
        if let Scene::Gym(game) = &mut config.scenes[1] {
            game.seats = seats;
        }
        let (mut world, people) = World::with_people(config, 3);
        world.until(&people, |view| matches!(view, View::Playing { .. }));
        let session = world.study.session_of(people[0]).unwrap();
        world.seal(people[1], session, 0).unwrap();
        world.restart(3_000);
        back(&mut world, &people);
        world.seal(people[0], session, 0).unwrap();
        world.restart(3_000);
        back(&mut world, &people);
        world.seal(people[2], session, 0).unwrap();
        assert_eq!(world.to_judge, [(session, 0)]);
        world.restart(3_000);
        assert_eq!(world.to_judge, [(session, 0)], "asked for again");
        back(&mut world, &people);
        world.judge(Verdict::Verified);
        world.settle();
        assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 3]);
        let group = &world.ledger.sessions[&session];
        assert_eq!(group.plans.len(), 3);
        if seats == SeatRule::Random {
            assert_eq!(group.plans[2].seats, group.plans[0].seats, "drawn once");
        }
        let sealed = |(reason, _): &(CloseReason, _)| *reason == CloseReason::Sealed;
        assert!(group.closed.iter().all(sealed));
    }
}

#[test]
fn who_does_not_come_back_has_left_after_the_grace() {
    let (mut world, people, _) = playing(2, 2);
    world.restart(60_000);
    world.connect(people[0]);
    world.wait(9_999);
    assert!(!flush(&world, people[0]));
    world.wait(1);
    assert!(flush(&world, people[0]));
    world.settle();
    let expected = [Some(Outcome::PartnerLeft), Some(Outcome::Left)];
    assert_eq!(outcomes(&world, &people), expected);
}

#[test]
fn a_page_that_comes_back_new_does_not_play_what_the_one_before_it_played() {
    let (mut world, people, session) = playing(2, 2);
    world.restart(1_000);
    world.connect(people[0]);
    world.reload(people[1]);
    assert_eq!(world.outcome(people[1]), Some(Outcome::Left));
    world.settle();
    assert_eq!(world.outcome(people[0]), Some(Outcome::PartnerLeft));
    assert_eq!(world.ledger.sessions[&session].plans.len(), 1);

    // After its seal, and before the restart.
    let (mut world, people, session) = playing(2, 2);
    world.seal(people[0], session, 0).unwrap();
    world.reload(people[0]);
    world.flushed(people[0], session, 0).unwrap();
    world.restart(1_000);
    back(&mut world, &people);
    assert!(flush(&world, people[0]) && !flush(&world, people[1]));
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    let states = &world.ledger.sessions[&session].states;
    assert_eq!(states[3], SessionState::Matched, "all connect again");
}

#[test]
fn a_cut_goes_on_whoever_had_flushed_before() {
    let (mut world, people, session) = playing(3, 1);
    world.send(people[0], &ClientMessage::Leave).unwrap();
    world.flushed(people[1], session, 0).unwrap();
    world.restart(1_000);
    back(&mut world, &people);
    assert!(flush(&world, people[2]) && world.to_judge.is_empty());
    world.flushed(people[2], session, 0).unwrap();
    assert!(world.judge(Verdict::Partial));
    let left = Some(Outcome::PartnerLeft);
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Left), left, left]);
}

/// That a link is broken for good is not written down, and pages do not flush twice.
#[test]
fn a_page_that_was_asked_to_flush_may_do_so_though_the_server_does_not_remember() {
    let (mut world, people, session) = playing(2, 1);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.wait(10_000);
    assert!(flush(&world, people[0]));
    world.restart(0);
    back(&mut world, &people);
    assert!(!flush(&world, people[0]));
    world.flushed(people[0], session, 0).unwrap();
    assert!(flush(&world, people[1]), "nobody can go on");
    world.settle();
    let failed = Some(Outcome::ConnectionFailed);
    assert_eq!(outcomes(&world, &people), [failed; 2]);

    // And if nobody does, the link is borne for the grace once more.
    let (mut world, people, session) = playing(2, 1);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.restart(0);
    back(&mut world, &people);
    world.wait(9_999);
    assert!(!flush(&world, people[0]));
    world.wait(1);
    assert!(flush(&world, people[0]));
    let failed = link_failed(&world, session, 1);
    let ClientMessage::Link {
        session,
        to,
        attempt,
        ..
    } = failed
    else {
        panic!("a link");
    };
    let healed = ClientMessage::Link {
        session,
        to,
        attempt,
        state: open(),
    };
    world.send(people[0], &healed).unwrap();
}

fn opened(config: &StudyConfig) -> Entry {
    Entry {
        id: 1,
        at_ms: 0,
        record: Record::StudyOpened {
            study: String::new(),
            title: String::new(),
            digest: config.digest(),
            source: String::new(),
            version: String::new(),
            build: String::new(),
            seed: String::new(),
        },
    }
}

fn restore(world: &World, served: &StudyConfig, now: &StudyConfig) -> Result<Study, RestoreError> {
    let opened = opened(served);
    let entries = [&opened].into_iter().chain(&world.entries);
    let build = BUILD.to_owned();
    Study::restore(Millis(2_000_000), now.clone(), build, [9; 32], entries)
}

#[test]
fn a_changed_study_is_refused_while_somebody_is_under_way() {
    let served = config(2, 1);
    let source = igym_study::EXAMPLE.replacen("Slime", "Another", 1);
    assert_ne!(source, igym_study::EXAMPLE);
    let changed = StudyConfig::parse(&source, "study.toml").unwrap();
    assert_ne!(served.digest(), changed.digest());
    let (mut world, people) = World::with_people(served.clone(), 3);
    let fresh = restore(&world, &served, &changed).map(|study| study.session_of(people[0]));
    assert_eq!(
        fresh,
        Ok(None),
        "who has only seen the first page is no loss"
    );
    world.until(&people[..2], |view| {
        matches!(view, View::Lobby { .. } | View::Connecting { .. })
    });
    let refused = restore(&world, &served, &changed).err().unwrap();
    assert_eq!(refused, RestoreError::StudyChanged { under_way: 2 });
    let text = refused.to_string();
    assert!(text.contains("new data directory") && text.contains("2 participants"));
    restore(&world, &served, &served).map(drop).unwrap();
    world.settle();
    world.wait(300_000);
    let done = restore(&world, &served, &changed).unwrap();
    assert_eq!(done.outcome(people[0]), Some(Outcome::Completed));
}
