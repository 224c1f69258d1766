//! What goes wrong before play: nobody comes, pages do not connect or differ.

use igym_protocol::{
    ClientMessage, Digests, LinkState, Outcome, ParticipantId, SessionId, SessionState, View,
};
use igym_study::RelayRule;

use crate::world::{World, config, config_with, failed};

pub(crate) fn playing(players: usize, episodes: u32) -> (World, Vec<ParticipantId>, SessionId) {
    playing_with(players, episodes, RelayRule::Fallback)
}

pub(crate) fn playing_with(
    players: usize,
    episodes: u32,
    relay: RelayRule,
) -> (World, Vec<ParticipantId>, SessionId) {
    let config = config_with(players, episodes, relay);
    let (mut world, people) = World::with_people(config, players as u64);
    world.until(&people, |view| matches!(view, View::Playing { .. }));
    let session = world.study.session_of(people[0]).unwrap();
    (world, people, session)
}

pub(crate) fn outcomes(world: &World, people: &[ParticipantId]) -> Vec<Option<Outcome>> {
    people.iter().map(|who| world.outcome(*who)).collect()
}

pub(crate) fn flush(world: &World, who: ParticipantId) -> bool {
    matches!(world.view(who), View::Playing { flush: true, .. })
}

pub(crate) fn link_failed(world: &World, session: SessionId, to: u8) -> ClientMessage {
    link(world, session, to, failed())
}

/// What a page says of its link in the present attempt.
pub(crate) fn link(world: &World, session: SessionId, to: u8, state: LinkState) -> ClientMessage {
    let first = world.study.members(session).unwrap()[0];
    ClientMessage::Link {
        session,
        to,
        attempt: attempt(world, first).unwrap_or(1),
        state,
    }
}

/// The attempt to connect that a page is told of.
pub(crate) fn attempt(world: &World, who: ParticipantId) -> Option<u32> {
    match world.view(who) {
        View::Connecting { connection, .. } | View::Playing { connection, .. } => {
            Some(connection.attempt)
        }
        _ => None,
    }
}

#[test]
fn who_finds_no_partner_reaches_the_end_with_a_code() {
    let (mut world, people) = World::with_people(config(2, 1), 1);
    world.settle();
    world.wait(299_999);
    let View::Lobby {
        closes_in_ms: 1, ..
    } = world.view(people[0])
    else {
        panic!("waits");
    };
    world.wait(1);
    let View::End {
        outcome,
        code,
        title,
        ..
    } = world.view(people[0])
    else {
        panic!("ended");
    };
    assert_eq!(outcome, Outcome::LobbyTimeout);
    assert!(code.is_some());
    assert_eq!(title, "No partner came in time");
    // Pressing the button late is no way back.
    world
        .send(people[0], &ClientMessage::Join { scene: 1 })
        .unwrap();
    assert_eq!(world.outcome(people[0]), Some(Outcome::LobbyTimeout));
}

#[test]
fn nobody_is_matched_with_an_empty_chair() {
    let (mut world, people) = World::with_people(config(2, 1), 3);
    let join = |world: &mut World, who| {
        world.answer(who);
        world.answer(who);
    };
    join(&mut world, people[0]);
    world.disconnect(people[0]);
    join(&mut world, people[1]);
    assert_eq!(world.study.waiting(1), 1, "the one who is there");
    // Back in time, the first keeps the place.
    world.wait(9_000);
    world.connect(people[0]);
    let session = world.study.session_of(people[0]).unwrap();
    assert_eq!(world.study.members(session).unwrap(), people[..2]);
    // Gone for longer, they read the instructions again and can join again.
    join(&mut world, people[2]);
    world.disconnect(people[2]);
    world.wait(10_000);
    assert_eq!(world.ledger.people[&people[2]].lobby, None);
    world.connect(people[2]);
    assert!(matches!(world.view(people[2]), View::Instructions { .. }));
    world.answer(people[2]);
    assert!(matches!(world.view(people[2]), View::Lobby { .. }));
}

#[test]
fn a_connection_is_tried_again_with_a_new_number_for_all() {
    let (mut world, people) = World::with_people(config_with(3, 1, RelayRule::Never), 3);
    world.until(&people, |view| matches!(view, View::Connecting { .. }));
    let attempts = |world: &World| {
        let attempt = |who: &ParticipantId| match world.view(*who) {
            View::Connecting { connection, .. } => (connection.attempt, connection.linked.len()),
            view => panic!("{view:?}"),
        };
        people.iter().map(attempt).collect::<Vec<_>>()
    };
    let session = world.study.session_of(people[0]).unwrap();
    world.answer(people[0]);
    world.answer(people[0]);
    assert_eq!(attempts(&world), [(1, 2), (1, 0), (1, 0)]);
    let message = link_failed(&world, session, 2);
    world.send(people[1], &message).unwrap();
    assert_eq!(attempts(&world), [(2, 0); 3], "all begin anew");
    world.send(people[1], &message).unwrap_err();
    world.wait(15_000);
    assert_eq!(attempts(&world), [(3, 0); 3], "an attempt has its time");
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 3]);
}

#[test]
fn without_a_relay_a_connection_that_never_works_fails_for_all() {
    let (mut world, people) = World::with_people(config_with(2, 1, RelayRule::Never), 2);
    world.until(&people, |view| matches!(view, View::Connecting { .. }));
    world.wait(44_999);
    assert_eq!(outcomes(&world, &people), [None; 2]);
    world.wait(1);
    assert_eq!(
        outcomes(&world, &people),
        [Some(Outcome::ConnectionFailed); 2]
    );
    let codes = people.iter().map(|who| &world.ledger.people[who].code);
    assert!(codes.into_iter().all(Option::is_some));
}

#[test]
fn a_page_that_is_loaded_again_while_connecting_begins_a_new_attempt() {
    let (mut world, people) = World::with_people(config(2, 1), 2);
    world.until(&people, |view| matches!(view, View::Validating { .. }));
    world.disconnect(people[1]);
    world.wait(5_000);
    world.connect(people[1]);
    assert!(
        matches!(world.view(people[0]), View::Validating { .. }),
        "the same page has its links still"
    );
    world.reload(people[1]);
    let View::Connecting { connection, .. } = world.view(people[0]) else {
        panic!("connects again");
    };
    assert_eq!((connection.attempt, connection.linked.len()), (2, 0));
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    let group = world.ledger.sessions.values().next().unwrap();
    assert_eq!(
        group.states[..4],
        [
            SessionState::Matched,
            SessionState::Validating,
            SessionState::Matched,
            SessionState::Validating,
        ]
    );
}

#[test]
fn pages_that_run_something_else_do_not_play() {
    type Change = fn(&mut Digests);
    let changes: [Change; 3] = [
        |digests| digests.build = "other".to_owned(),
        |digests| digests.environment.push('0'),
        |digests| digests.study.clear(),
    ];
    // One page differs, or two, or all of them alike: they agree, but not with the server.
    let differing: [&[usize]; 3] = [&[2], &[0, 1], &[0, 1, 2]];
    for (change, differing) in changes.iter().zip(differing) {
        let (mut world, people) = World::with_people(config(3, 1), 3);
        world.until(&people, |view| matches!(view, View::Validating { .. }));
        for (index, who) in people.iter().enumerate() {
            let View::Validating {
                session,
                environment,
                study_digest,
                validated,
                ..
            } = world.view(*who)
            else {
                panic!("validates until all have answered");
            };
            assert!(!validated);
            let mut digests = world.digests(*who, &environment, &study_digest);
            if differing.contains(&index) {
                change(&mut digests);
            }
            let session = session.session;
            let message = ClientMessage::Validate { session, digests };
            world.send(*who, &message).unwrap();
        }
        assert_eq!(
            outcomes(&world, &people),
            [Some(Outcome::ValidationFailed); 3]
        );
    }
}

#[test]
fn a_page_cannot_change_its_digests_nor_flood_them() {
    let (mut world, people) = World::with_people(config(2, 1), 2);
    world.until(&people, |view| matches!(view, View::Validating { .. }));
    let session = world.study.session_of(people[0]).unwrap();
    world.answer(people[0]);
    let digests = Digests::default();
    world
        .send(people[0], &ClientMessage::Validate { session, digests })
        .unwrap_err();
    let digests = Digests {
        build: "x".repeat(5_000),
        ..Digests::default()
    };
    world
        .send(people[1], &ClientMessage::Validate { session, digests })
        .unwrap_err();
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
}

#[test]
fn a_page_that_does_not_say_what_it_runs_holds_nobody_for_ever() {
    let (mut world, people) = World::with_people(config(2, 1), 2);
    world.until(&people, |view| matches!(view, View::Validating { .. }));
    world.answer(people[0]);
    world.wait(15_000);
    assert_eq!(
        outcomes(&world, &people),
        [Some(Outcome::ValidationFailed); 2]
    );
}

#[test]
fn a_partner_who_leaves_before_play_ends_the_session() {
    for stage in 0..2 {
        let (mut world, people) = World::with_people(config(2, 1), 2);
        world.until(&people, |view| match stage {
            0 => matches!(view, View::Connecting { .. }),
            _ => matches!(view, View::Validating { .. }),
        });
        world.disconnect(people[0]);
        world.wait(10_000);
        let expected = [Some(Outcome::Left), Some(Outcome::PartnerLeft)];
        assert_eq!(outcomes(&world, &people), expected);
    }
}

#[test]
fn leaving_is_possible_everywhere_and_only_once() {
    let (mut world, people) = World::with_people(config(2, 1), 3);
    world.answer(people[1]);
    world.answer(people[2]);
    world.answer(people[2]);
    assert_eq!(world.study.waiting(1), 1);
    for who in &people {
        world.send(*who, &ClientMessage::Leave).unwrap();
        world.send(*who, &ClientMessage::Leave).unwrap();
    }
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Left); 3]);
    assert_eq!(world.study.waiting(1), 0);
}
