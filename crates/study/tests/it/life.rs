//! Studies in which everybody does what they should.

use std::collections::BTreeSet;

use igym_protocol::{
    ClientMessage, CloseReason, Outcome, ParticipantId, Record, ServerMessage, SessionState,
    SignalPayload, Verdict, View,
};
use igym_study::{Scene, SeatRule, Seeds, Study, StudyConfig};

use crate::world::{BUILD, World, config, open, participant};

fn with_game(mut config: StudyConfig, change: impl Fn(&mut igym_study::GymScene)) -> StudyConfig {
    for scene in &mut config.scenes {
        if let Scene::Gym(game) = scene {
            change(game);
        }
    }
    config
}

#[test]
fn groups_of_any_size_play_through_to_the_end() {
    for players in 1..=4 {
        let (mut world, people) = World::with_people(config(players, 3), players as u64);
        world.settle();
        for who in &people {
            let View::End {
                outcome,
                code,
                body,
                ..
            } = world.view(*who)
            else {
                panic!("{players} players: {:?}", world.view(*who));
            };
            assert_eq!(outcome, Outcome::Completed);
            assert_eq!(code.map(|code| code.len()), Some(10));
            assert_eq!(body, "Thank you for taking part!");
        }
        let groups: Vec<_> = world.ledger.sessions.values().collect();
        let [group] = groups.as_slice() else {
            panic!("one session");
        };
        assert_eq!(group.members, people, "first come, first player");
        assert_eq!(
            group.states,
            [
                SessionState::Matched,
                SessionState::Validating,
                SessionState::Playing,
                SessionState::Ended
            ]
        );
        assert_eq!(group.plans.len(), 3);
        let sealed = |(reason, _): &(CloseReason, _)| *reason == CloseReason::Sealed;
        assert!(group.closed.values().all(sealed));
        let links = world.ledger.records.iter();
        let links = links.filter(|record| matches!(record, Record::LinkReported { .. }));
        assert_eq!(links.count(), players * (players - 1), "a full mesh");
        assert_eq!(
            world.study.poll_deadline(),
            None,
            "nothing is left to wait for"
        );
    }
}

#[test]
fn each_code_is_drawn_for_one_participant() {
    let (mut world, people) = World::with_people(config(2, 1), 20);
    world.settle();
    let codes: BTreeSet<String> = people
        .iter()
        .map(|who| world.ledger.people[who].code.clone().unwrap())
        .collect();
    assert_eq!(codes.len(), 20);
}

#[test]
fn equal_seeds_run_equal_studies() {
    let run = || {
        let setup = with_game(config(2, 2), |game| game.seats = SeatRule::Random);
        let (mut world, _) = World::with_people(setup, 8);
        world.settle();
        world.ledger.records
    };
    let records = run();
    assert_eq!(records, run());
    let drawn: BTreeSet<u32> = records
        .iter()
        .filter_map(|record| match record {
            Record::EpisodeOpened { plan } => Some(plan.seed),
            _ => None,
        })
        .collect();
    assert_eq!(drawn.len(), 8, "each episode of each session has its own");
}

#[test]
fn the_lobby_counts_live_and_matches_in_order() {
    let (mut world, people) = World::with_people(config(3, 1), 5);
    let join = |world: &mut World, who: ParticipantId| {
        world.answer(who);
        world.answer(who);
    };
    let waiting = |world: &World, who| match &world.shown[&who] {
        View::Lobby {
            waiting, needed, ..
        } => (*waiting, *needed),
        view => panic!("{view:?}"),
    };
    join(&mut world, people[3]);
    assert_eq!(waiting(&world, people[3]), (1, 3));
    join(&mut world, people[1]);
    assert_eq!(
        waiting(&world, people[3]),
        (2, 3),
        "the earlier one sees it"
    );
    assert_eq!(waiting(&world, people[1]), (2, 3));
    join(&mut world, people[4]);
    let session = world.study.session_of(people[3]).unwrap();
    assert_eq!(
        world.study.members(session).unwrap(),
        [people[3], people[1], people[4]]
    );
    for (player, who) in (0..).zip([people[3], people[1], people[4]]) {
        assert_eq!(world.study.member(who, session), Some(player));
        let View::Connecting {
            session: place,
            connection,
            ..
        } = &world.shown[&who]
        else {
            panic!("told at once");
        };
        assert_eq!(connection.attempt, 1);
        assert_eq!((place.player, place.players), (player, 3));
    }
    assert_eq!(world.study.member(people[0], session), None);
    assert_eq!(world.study.waiting(1), 0);
}

#[test]
fn seats_are_fixed_random_or_rotating() {
    let seats = |rule| {
        let setup = with_game(config(3, 4), |game| game.seats = rule);
        let (mut world, _) = World::with_people(setup, 60);
        world.settle();
        let groups = world.ledger.sessions.into_values();
        groups
            .map(|group| {
                let episodes = group.plans.into_iter();
                episodes
                    .map(|plan| {
                        let seats = plan.seats.into_iter();
                        seats.map(|seat| seat.agents.concat()).collect::<Vec<_>>()
                    })
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    let [a, b, c] = ["agent 0", "agent 1", "agent 2"];
    for session in seats(SeatRule::Fixed) {
        assert_eq!(session, vec![[a, b, c]; 4]);
    }
    for session in seats(SeatRule::Rotating) {
        assert_eq!(session, [[a, b, c], [b, c, a], [c, a, b], [a, b, c]]);
    }
    let random = seats(SeatRule::Random);
    assert_eq!(random.len(), 20);
    for session in &random {
        assert!(session.iter().all(|seats| *seats == session[0]), "kept");
    }
    let orders: BTreeSet<_> = random.iter().map(|session| session[0].clone()).collect();
    assert!(orders.len() > 3, "of six orders, more than a few come up");
}

#[test]
fn listed_seeds_are_the_same_for_every_session() {
    let setup = with_game(config(2, 3), |game| {
        game.seeds = Seeds::Listed(vec![5, 0, u32::MAX]);
    });
    let (mut world, _) = World::with_people(setup, 4);
    world.settle();
    assert_eq!(world.ledger.sessions.len(), 2);
    for group in world.ledger.sessions.values() {
        let seeds: Vec<u32> = group.plans.iter().map(|plan| plan.seed).collect();
        assert_eq!(seeds, [5, 0, u32::MAX]);
    }
}

#[test]
fn a_plan_tells_all_that_the_study_settles() {
    let (mut world, people) = World::with_people(config(2, 2), 2);
    world.until(&people, |view| matches!(view, View::Playing { .. }));
    let View::Playing {
        session,
        plan,
        starts_in_ms,
        flush,
        game,
        ..
    } = world.view(people[1])
    else {
        panic!("plays");
    };
    assert_eq!((session.player, session.players), (1, 2));
    assert_eq!((plan.episode, plan.episodes), (0, 2));
    assert_eq!(plan.environment.id, "slime_volleyball");
    assert!(plan.environment.config.contains("\"max_lives\":3"));
    assert_eq!((plan.frames_per_second, plan.input_delay), (30, 2));
    assert_eq!((plan.window_ms, plan.max_steps), (500, 3000));
    assert_eq!(plan.digest_interval, 1);
    assert_eq!(plan.digests.build, BUILD);
    assert_eq!(plan.digests.study, world.study.config().digest());
    assert_eq!(game.controls, plan.controls);
    assert_eq!(game.smoothing_ms, 100);
    assert!(game.timed);
    assert_eq!((starts_in_ms, flush), (3_000, false));
    world.wait(1_000);
    let View::Playing { starts_in_ms, .. } = world.view(people[0]) else {
        panic!("plays");
    };
    assert_eq!(starts_in_ms, 2_000);
}

#[test]
fn the_next_episode_waits_for_every_seal_and_not_for_the_verdict() {
    let (mut world, people) = World::with_people(config(3, 2), 3);
    world.until(&people, |view| matches!(view, View::Playing { .. }));
    let session = world.study.session_of(people[0]).unwrap();
    let episode = |world: &World| match world.view(people[0]) {
        View::Playing { plan, .. } => plan.episode,
        view => panic!("{view:?}"),
    };
    // Answers to questions that were not asked change nothing.
    let unasked = |world: &mut World, episode| {
        let before = world.everything();
        let judgement = crate::world::judgement(Verdict::Desync);
        world.study.handle_judged(session, episode, judgement);
        assert_eq!(world.study.poll_effect(), None);
        assert_eq!(world.everything(), before);
    };
    for who in &people {
        assert!(world.to_judge.is_empty());
        unasked(&mut world, 0);
        world.seal(*who, session, 0).unwrap();
        world.seal(*who, session, 0).unwrap();
    }
    assert_eq!(world.to_judge, [(session, 0)], "asked once");
    assert_eq!(episode(&world), 1);
    unasked(&mut world, 1);
    unasked(&mut world, 7);
    // What comes late of the first episode is evidence; of the third it is nonsense.
    world.seal(people[0], session, 0).unwrap();
    world.flushed(people[0], session, 0).unwrap();
    world.seal(people[0], session, 2).unwrap_err();
    assert_eq!(world.to_judge, [(session, 0)]);
    for who in &people {
        world.seal(*who, session, 1).unwrap();
    }
    // Everybody is through before any verdict is there; they come in whatever order.
    let done = Some(Outcome::Completed);
    assert!(people.iter().all(|who| world.outcome(*who) == done));
    assert_eq!(world.to_judge, [(session, 0), (session, 1)]);
    assert!(world.ledger.sessions[&session].closed.is_empty());
    world.to_judge.reverse();
    for (episode, verdict) in [(1, Verdict::Verified), (0, Verdict::Desync)] {
        world.judge(verdict);
        unasked(&mut world, episode);
        let (reason, judgement) = &world.ledger.sessions[&session].closed[&episode];
        assert_eq!((*reason, judgement.verdict), (CloseReason::Sealed, verdict));
    }
}

#[test]
fn a_study_of_several_games_matches_anew_for_each() {
    let source = igym_study::EXAMPLE.replace(
        "[[scenes]]\ntype = \"end\"",
        "[[scenes]]\ntype = \"gym\"\nenvironment = \"slime_volleyball\"\n\n[[scenes]]\ntype = \"end\"",
    );
    let config = StudyConfig::parse(&source, "study.toml").unwrap();
    assert_eq!(config.scenes.len(), 3);
    let (mut world, people) = World::with_people(config, 4);
    world.settle();
    assert!(
        people
            .iter()
            .all(|who| world.outcome(*who) == Some(Outcome::Completed))
    );
    let scenes: Vec<u32> = {
        let mut scenes: Vec<_> = world.ledger.sessions.values().map(|g| g.scene).collect();
        scenes.sort_unstable();
        scenes
    };
    assert_eq!(scenes, [1, 1, 2, 2]);
    let ids: BTreeSet<&str> = world
        .ledger
        .records
        .iter()
        .filter_map(|record| match record {
            Record::SceneEntered { scene_id, .. } => Some(scene_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, BTreeSet::from(["end", "gym", "gym_2", "start"]));
}

#[test]
fn signals_pass_between_members_of_one_attempt_only() {
    let (mut world, people) = World::with_people(config(2, 1), 4);
    world.until(&people, |view| matches!(view, View::Connecting { .. }));
    let session = world.study.session_of(people[0]).unwrap();
    let payload = SignalPayload::Offer {
        sdp: "v=0".to_owned(),
    };
    let signal = |session, to, attempt| ClientMessage::Signal {
        session,
        to,
        attempt,
        payload: payload.clone(),
    };
    world.send(people[0], &signal(session, 1, 1)).unwrap();
    let passed = ServerMessage::Signal {
        session,
        from: 0,
        attempt: 1,
        payload: payload.clone(),
    };
    assert_eq!(world.signals, [(people[1], passed)]);
    // To oneself, to nobody, of another attempt, from another session.
    for (who, to, attempt) in [(0, 0, 1), (0, 2, 1), (0, 1, 2), (0, 1, 0), (2, 1, 1)] {
        let result = world.send(people[who], &signal(session, to, attempt));
        result.expect_err("refused");
    }
    assert_eq!(world.signals.len(), 1);
    // Still possible in play, for a link that must be mended.
    world.until(&people, |view| matches!(view, View::Playing { .. }));
    world.send(people[1], &signal(session, 0, 1)).unwrap();
    assert_eq!(world.signals.len(), 2);
    world.settle();
    world.send(people[1], &signal(session, 0, 1)).unwrap_err();
}

#[test]
fn repeated_messages_change_nothing() {
    let (mut world, people) = World::with_people(config(2, 1), 2);
    let mut past: Vec<(ParticipantId, ClientMessage)> = Vec::new();
    for _ in 0..50 {
        for who in &people {
            let message = match world.view(*who) {
                View::Start { scene, .. } => ClientMessage::Advance { scene },
                View::Instructions { scene, .. } => ClientMessage::Join { scene },
                View::Connecting {
                    session,
                    connection,
                    ..
                } => ClientMessage::Link {
                    session: session.session,
                    to: 1 - session.player,
                    attempt: connection.attempt,
                    state: open(),
                },
                View::Validating {
                    session,
                    environment,
                    study_digest,
                    ..
                } => ClientMessage::Validate {
                    session: session.session,
                    digests: world.digests(*who, &environment, &study_digest),
                },
                View::Lobby { .. } | View::Playing { .. } | View::End { .. } => {
                    world.answer(*who);
                    continue;
                }
            };
            world.send(*who, &message).unwrap();
            past.push((*who, message));
            for (who, message) in past.clone() {
                let before = world.everything();
                let _ = world.send(who, &message);
                assert_eq!(world.everything(), before, "{message:?}");
            }
        }
        world.judge(Verdict::Verified);
    }
    assert!(past.len() >= 8, "every message was there");
    assert!(
        people
            .iter()
            .all(|who| world.outcome(*who) == Some(Outcome::Completed))
    );
}

#[test]
fn what_is_not_the_studys_or_not_now_is_refused() {
    let (mut world, people) = World::with_people(config(2, 1), 1);
    let stranger = participant(99);
    for who in [people[0], stranger] {
        let hello = ClientMessage::Hello {
            token: igym_protocol::Token("t".to_owned()),
            resume: None,
            user_agent: String::new(),
        };
        world.send(who, &hello).unwrap_err();
        world
            .send(who, &ClientMessage::Ping { sent_ms: 1.0 })
            .unwrap_err();
        world
            .send(who, &ClientMessage::Advance { scene: 1 })
            .unwrap_err();
        world
            .send(who, &ClientMessage::Advance { scene: 9 })
            .unwrap_err();
        world
            .send(who, &ClientMessage::Join { scene: 1 })
            .unwrap_err();
    }
    assert_eq!(world.study.view(world.now, stranger), None);
    world.disconnect(people[0]);
    world
        .send(people[0], &ClientMessage::Advance { scene: 0 })
        .unwrap_err();
}

#[test]
fn an_arrival_is_counted_once() {
    let mut study = Study::new(config(2, 1), BUILD.to_owned(), [0; 32]);
    let now = igym_study::Millis(0);
    for _ in 0..2 {
        study.handle_arrival(
            now,
            participant(1),
            "hash".to_owned(),
            Some("PID".to_owned()),
        );
    }
    let effects: Vec<_> = std::iter::from_fn(|| study.poll_effect()).collect();
    assert_eq!(effects.len(), 3, "arrived, entered the first scene, view");
}
