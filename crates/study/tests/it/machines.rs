//! Machines of any speed: what is measured before the lobby, and what follows from it.

use igym_protocol::{
    ClientMessage, Measurement, Outcome, ParticipantId, Record, RefusalCode, View,
};

use crate::failures::outcomes;
use crate::world::{World, config, config_measured};

const JOIN: ClientMessage = ClientMessage::Join { scene: 1 };

fn measured(rollback_us: u32) -> ClientMessage {
    ClientMessage::Measured {
        scene: 1,
        measurement: Measurement {
            step_us: 900,
            save_us: 40,
            load_us: 50,
            rollback_us,
        },
    }
}

/// Whether the instructions say that nothing has to be measured any more.
fn said(world: &World, who: ParticipantId) -> bool {
    match &world.shown[&who] {
        View::Instructions { measured, .. } => *measured,
        view => panic!("{view:?}"),
    }
}

fn at_instructions(world: &mut World, people: &[ParticipantId]) {
    world.until(people, |view| matches!(view, View::Instructions { .. }));
}

fn windows(world: &World) -> Vec<u32> {
    let records = world.ledger.records.iter();
    let windows = records.filter_map(|record| match record {
        Record::EpisodeOpened { plan } => Some(plan.window_ms),
        _ => None,
    });
    windows.collect()
}

#[test]
fn nobody_joins_before_their_page_has_measured_the_scene() {
    let (mut world, people) = World::with_people(config_measured(2, 1), 2);
    let early = world.send(people[0], &measured(9_000)).unwrap_err();
    assert_eq!(early.code, RefusalCode::WrongState, "of the scene before");
    at_instructions(&mut world, &people);
    assert!(!said(&world, people[0]));
    let refusal = world.send(people[0], &JOIN).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::WrongState);
    assert!(refusal.message.contains("how fast"), "{refusal:?}");
    world.send(people[0], &measured(9_000)).unwrap();
    assert!(said(&world, people[0]) && !said(&world, people[1]));
    world.send(people[0], &JOIN).unwrap();
    assert!(matches!(world.view(people[0]), View::Lobby { .. }));
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    assert_eq!(windows(&world), [500]);
}

#[test]
fn a_measurement_counts_once() {
    let (mut world, people) = World::with_people(config_measured(2, 1), 1);
    at_instructions(&mut world, &people);
    world.send(people[0], &measured(9_000)).unwrap();
    let before = world.everything();
    for rollback_us in [9_000, 1, u32::MAX] {
        world.send(people[0], &measured(rollback_us)).unwrap();
        assert_eq!(world.everything(), before, "the first one counts");
    }
    world.send(people[0], &JOIN).unwrap();
    let before = world.everything();
    world.send(people[0], &measured(u32::MAX)).unwrap();
    assert_eq!(world.everything(), before, "it is late");
}

#[test]
fn a_page_that_is_loaded_again_measures_again() {
    let (mut world, people) = World::with_people(config_measured(2, 1), 2);
    at_instructions(&mut world, &people);
    world.send(people[0], &measured(9_000)).unwrap();
    world.restart(1_000);
    world.connect(people[0]);
    assert!(said(&world, people[0]), "the same page after a restart");
    world.reload(people[0]);
    assert!(!said(&world, people[0]), "perhaps on another machine");
    world.send(people[0], &JOIN).unwrap_err();
    world.restart(1_000);
    world.connect(people[0]);
    assert!(!said(&world, people[0]));
    world.send(people[0], &measured(60_000)).unwrap();
    world.send(people[0], &JOIN).unwrap();
    world.connect(people[1]);
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    assert_eq!(windows(&world), [166], "the last measurement counts");
}

/// How many the lobby counts that somebody waits in, and whether their own page is one of them.
fn counted(world: &World, who: ParticipantId) -> (u32, bool) {
    match world.view(who) {
        View::Lobby {
            waiting, measured, ..
        } => (waiting, measured),
        view => panic!("{view:?}"),
    }
}

#[test]
fn a_page_that_is_loaded_again_in_the_lobby_is_not_matched_before_it_has_measured() {
    for restart in [false, true] {
        let (mut world, people) = World::with_people(config_measured(2, 1), 3);
        at_instructions(&mut world, &people);
        for who in &people {
            world.send(*who, &measured(9_000)).unwrap();
        }
        world.send(people[0], &JOIN).unwrap();
        assert_eq!(counted(&world, people[0]), (1, true));
        world.reload(people[0]);
        assert_eq!(counted(&world, people[0]), (0, false));
        if restart {
            world.restart(1_000);
            people.iter().for_each(|who| world.connect(*who));
            assert_eq!(counted(&world, people[0]), (0, false));
        }
        world.send(people[1], &JOIN).unwrap();
        assert_eq!(
            counted(&world, people[1]),
            (1, true),
            "nobody else is ready"
        );
        world.send(people[0], &measured(60_000)).unwrap();
        for who in &people[..2] {
            assert!(matches!(world.view(*who), View::Connecting { .. }));
        }
        world.send(people[2], &JOIN).unwrap();
        world.reload(people[2]);
        world.send(people[2], &measured(100_001)).unwrap();
        world.settle();
        let done = Some(Outcome::Completed);
        assert_eq!(
            outcomes(&world, &people),
            [done, done, Some(Outcome::TooSlow)],
            "another machine may be too slow"
        );
        assert_eq!(windows(&world), [166], "of the machine that plays");
    }
}

#[test]
fn who_is_too_slow_ends_with_a_code_before_the_lobby() {
    let (mut world, people) = World::with_people(config_measured(2, 1), 3);
    at_instructions(&mut world, &people);
    world.send(people[0], &measured(100_000)).unwrap();
    assert!(said(&world, people[0]), "the limit itself is not too slow");
    world.send(people[1], &measured(100_001)).unwrap();
    let View::End {
        outcome,
        code,
        title,
        body,
        ..
    } = world.view(people[1])
    else {
        panic!("the last page");
    };
    assert_eq!(outcome, Outcome::TooSlow);
    assert_eq!(code.map(|code| code.len()), Some(10));
    assert!(title.contains("too slow") && body.contains("not your fault"));
    let kept = world.ledger.people[&people[1]].measured.clone();
    assert_eq!(kept.len(), 1, "it is recorded");
    assert_eq!(kept[0].2.rollback_us, 100_001);
    world.settle();
    let done = Some(Outcome::Completed);
    assert_eq!(
        outcomes(&world, &people),
        [done, Some(Outcome::TooSlow), done]
    );
}

#[test]
fn the_window_is_that_of_the_slowest_member_also_after_a_restart() {
    let (mut world, people) = World::with_people(config_measured(3, 3), 3);
    for (who, took) in people.iter().zip([12_000, 50_000, 20_000]) {
        world.rollbacks.insert(*who, took);
    }
    world.until(&people, |view| matches!(view, View::Playing { .. }));
    world.restart(1_000);
    people.iter().for_each(|who| world.connect(*who));
    // What a member says of themselves later changes nothing.
    world.reload(people[2]);
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 3]);
    // Six frames of 5 ms can be played again within a frame of 33 ms.
    assert_eq!(windows(&world), [199; 3]);
}

#[test]
fn environments_that_need_no_measuring_are_not_measured() {
    let (mut world, people) = World::with_people(config(2, 1), 2);
    at_instructions(&mut world, &people);
    assert!(said(&world, people[0]));
    let refused = world.send(people[0], &measured(u32::MAX)).unwrap_err();
    assert_eq!(refused.code, RefusalCode::WrongState);
    let unable = ClientMessage::Unable {
        scene: 1,
        message: String::new(),
    };
    world.send(people[0], &unable).unwrap_err();
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
}

#[test]
fn one_player_is_matched_at_once_and_needs_no_links() {
    for restart in [false, true] {
        let (mut world, people) = World::with_people(config_measured(1, 2), 2);
        at_instructions(&mut world, &people);
        for who in &people {
            world.send(*who, &measured(9_000)).unwrap();
            world.send(*who, &JOIN).unwrap();
            let View::Validating { session, .. } = world.view(*who) else {
                panic!("{:?}", world.view(*who));
            };
            assert_eq!((session.player, session.players), (0, 1));
        }
        if restart {
            world.restart(1_000);
            people.iter().for_each(|who| world.connect(*who));
        }
        world.until(&people, |view| matches!(view, View::Playing { .. }));
        // Loaded again in play, and validated anew for the second episode.
        world.reload(people[0]);
        world.settle();
        assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
        assert_eq!(world.ledger.sessions.len(), 2, "each plays alone");
        let links = world.ledger.records.iter();
        let mut links = links.filter(|record| matches!(record, Record::LinkReported { .. }));
        assert_eq!(links.next(), None);
        assert_eq!(world.study.poll_deadline(), None);
    }
}
