//! Servers that are killed and start again. In each, the world compares what everybody is shown
//! with what they were shown before, and sees that nothing is recorded twice.

use igym_protocol::{
    ClientMessage, CloseReason, Entry, EpisodePart, Outcome, ParticipantId, Record, RefusalCode,
    SessionState, Verdict, View,
};
use igym_study::{Millis, RelayRule, RestoreError, Scene, SeatRule, Study, StudyConfig};

use crate::failures::{attempt, flush, link_failed, outcomes, playing, playing_with};
use crate::rejoins::part;
use crate::world::{BUILD, World, config, participant};

fn back(world: &mut World, people: &[ParticipantId]) {
    people.iter().for_each(|who| world.connect(*who));
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
        assert!(group.closed.values().all(sealed));
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
fn a_page_that_comes_back_new_rejoins_and_is_known_to_after_the_next_restart() {
    let (mut world, people, session) = playing(2, 2);
    world.play(people[1], 30);
    world.deliver(people[1]);
    world.restart(1_000);
    world.connect(people[0]);
    world.reload(people[1]);
    assert_eq!(part(&world, people[1]), EpisodePart::Rejoin);
    world.restart(1_000);
    back(&mut world, &people);
    assert_eq!(part(&world, people[1]), EpisodePart::Rejoin);
    let rejoin = ClientMessage::Rejoin {
        session,
        episode: 0,
    };
    world.send(people[1], &rejoin).unwrap();
    assert_eq!(world.authors.resumed, 1);
    // The page before it is over for good, also for the next server.
    world.restart(1_000);
    back(&mut world, &people);
    world.seal_of(people[1], 1, session, 0).unwrap();
    world.seal(people[0], session, 0).unwrap();
    assert!(world.to_judge.is_empty());
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);

    // After its seal, and before the restart.
    let (mut world, people, session) = playing(2, 2);
    world.seal(people[0], session, 0).unwrap();
    world.reload(people[0]);
    world.restart(1_000);
    back(&mut world, &people);
    assert_eq!(part(&world, people[0]), EpisodePart::Rejoin);
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    let states = &world.ledger.sessions[&session].states;
    assert_eq!(
        states[3],
        SessionState::Validating,
        "nothing is known of it"
    );
}

/// The fence is in the journal before the seal that an older page's browser kept.
#[test]
fn a_seal_behind_the_fence_does_not_count_after_a_restart_either() {
    let (mut world, people, session) = playing(2, 1);
    world.play(people[0], 5);
    world.finish_unheard(people[0]);
    world.reload(people[0]);
    let rejoin = ClientMessage::Rejoin {
        session,
        episode: 0,
    };
    world.send(people[0], &rejoin).unwrap();
    world.deliver(people[0]);
    world.seal(people[1], session, 0).unwrap();
    assert!(world.to_judge.is_empty() && world.authors.overruled > 0);
    world.restart(0);
    assert!(world.to_judge.is_empty());
    back(&mut world, &people);
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
}

/// Once a seal is acknowledged, no later page of its player takes it back.
#[test]
fn a_seal_outlives_the_rejoin_of_a_later_page_and_the_server() {
    for gone in [false, true] {
        let (mut world, people, session) = playing(2, 1);
        world.seal(people[0], session, 0).unwrap();
        world.reload(people[0]);
        let rejoin = ClientMessage::Rejoin {
            session,
            episode: 0,
        };
        world.send(people[0], &rejoin).unwrap();
        world.restart(0);
        world.connect(people[1]);
        if gone {
            world.wait(10_000);
            assert!(flush(&world, people[1]));
        }
        world.seal(people[1], session, 0).unwrap();
        assert!(world.judge(Verdict::Verified));
        assert_eq!(
            world.ledger.sessions[&session].closed[&0].0,
            CloseReason::Sealed
        );
        let first = match gone {
            false => Outcome::Completed,
            true => Outcome::Left,
        };
        let expected = [Some(first), Some(Outcome::Completed)];
        assert_eq!(outcomes(&world, &people), expected);
    }
}

#[test]
fn pages_of_another_version_are_loaded_again_before_they_play() {
    let (mut world, people) = World::with_people(config(2, 1), 2);
    world.until(&people, |view| matches!(view, View::Validating { .. }));
    world.answer(people[0]);
    world.upgrade(1_000);
    back(&mut world, &people);
    for who in &people {
        let View::Validating {
            session,
            environment,
            study_digest,
            validated: false,
            ..
        } = world.view(*who)
        else {
            panic!("has to say again what it runs");
        };
        let digests = world.digests(*who, &environment, &study_digest);
        let session = session.session;
        let message = ClientMessage::Validate { session, digests };
        let refusal = world.send(*who, &message).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Version);
    }
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    assert_eq!(world.page(people[0]), 2);
}

#[test]
fn a_game_of_another_version_goes_on_but_nobody_comes_into_it() {
    let (mut world, people, session) = playing(2, 2);
    world.upgrade(1_000);
    back(&mut world, &people);
    for who in &people {
        world.seal(*who, session, 0).unwrap();
    }
    world.judge(Verdict::Verified);
    let plans = &world.ledger.sessions[&session].plans;
    assert_eq!(plans[0].digests, plans[1].digests);
    world.reload(people[1]);
    assert!(flush(&world, people[0]) && part(&world, people[1]) == EpisodePart::Over);
    world.settle();
    let failed = Some(Outcome::ConnectionFailed);
    assert_eq!(
        outcomes(&world, &people),
        [failed; 2],
        "both get their code"
    );
}

/// Absences are not written down, but when there was a server is.
#[test]
fn the_time_of_an_episode_stands_still_while_there_is_no_server() {
    let (mut world, people, _) = playing(2, 1);
    world.restart(150_000);
    back(&mut world, &people);
    // 3 s countdown, a minute and twice the time of 3000 frames at 30 per second.
    world.wait(3_000 + 60_000 + 200_000 - 1);
    assert!(!flush(&world, people[0]));
    world.wait(1);
    assert!(flush(&world, people[0]));
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

#[test]
fn a_cut_goes_on_though_nobody_left() {
    let (mut world, people, session) = playing_with(2, 1, RelayRule::Never);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.blocked.insert(people[0]);
    world.wait(10_000);
    assert!(flush(&world, people[0]));
    world.restart(0);
    back(&mut world, &people);
    assert!(flush(&world, people[0]) && flush(&world, people[1]));
    world.settle();
    let failed = Some(Outcome::ConnectionFailed);
    assert_eq!(outcomes(&world, &people), [failed; 2]);

    // A flush that nobody asked for does not begin one.
    let (mut world, people, session) = playing(2, 1);
    world.flushed(people[0], session, 0).unwrap_err();
    world.restart(0);
    back(&mut world, &people);
    assert!(!flush(&world, people[0]));
    world.flushed(people[0], session, 0).unwrap_err();
}

#[test]
fn without_a_relay_a_broken_link_is_borne_for_a_while_once_more() {
    let (mut world, people, session) = playing_with(2, 1, RelayRule::Never);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.blocked.insert(people[0]);
    world.restart(0);
    back(&mut world, &people);
    // An attempt and the grace.
    world.wait(24_999);
    assert!(!flush(&world, people[0]));
    world.wait(1);
    assert!(flush(&world, people[0]));
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

/// The server dies while it judges a cut, and the page that did not answer in time does so then.
#[test]
fn what_comes_after_judging_began_does_not_count_after_a_restart_either() {
    let (mut world, people, session) = playing(2, 2);
    world.seal(people[0], session, 0).unwrap();
    world.send(people[1], &ClientMessage::Leave).unwrap();
    assert_eq!(world.to_judge, [(session, 0)]);
    world.seal(people[1], session, 0).unwrap();
    world.restart(1_000);
    assert_eq!(world.to_judge, [(session, 0)], "asked for again, at once");
    world.judge(Verdict::Partial);
    let (reason, _) = world.ledger.sessions[&session].closed[&0];
    assert_eq!(reason, CloseReason::Cut, "as it was judged");
    let left = [Some(Outcome::PartnerLeft), Some(Outcome::Left)];
    assert_eq!(outcomes(&world, &people), left);
}
