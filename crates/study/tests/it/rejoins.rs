//! Pages that are loaded in the middle of a game.

use igym_protocol::{
    ClientMessage, CloseReason, EpisodePart, MemberView, Outcome, ParticipantId, SessionState,
    Verdict, View,
};

use crate::failures::{attempt, flush, outcomes, playing};
use crate::world::World;

const DONE: Option<Outcome> = Some(Outcome::Completed);

pub(crate) fn part(world: &World, who: ParticipantId) -> EpisodePart {
    match world.view(who) {
        View::Playing { part, .. } => part,
        view => panic!("{view:?}"),
    }
}

/// What this page was shown last of a member.
fn member(world: &World, who: ParticipantId, player: usize) -> MemberView {
    match &world.shown[&who] {
        View::Playing { members, .. } => members[player],
        view => panic!("{view:?}"),
    }
}

#[test]
fn a_page_that_is_loaded_again_in_play_goes_on_with_the_same_episode() {
    for players in 1..=4 {
        let (mut world, people, session) = playing(players, 2);
        let who = people[players - 1];
        world.play(who, 30);
        world.deliver(who);
        world.play(who, 10);
        world.reload(who);
        assert_eq!(part(&world, who), EpisodePart::Rejoin);
        assert_eq!(attempt(&world, people[0]), Some(2), "links are made anew");
        let seen = member(&world, people[0], players - 1);
        assert!(seen.connected && seen.rejoining);
        for other in &people[..players - 1] {
            assert_eq!(part(&world, *other), EpisodePart::Play);
            assert!(!flush(&world, *other));
        }
        // What the browser kept is delivered first, so that nothing is played twice.
        world.deliver(who);
        let rejoin = ClientMessage::Rejoin {
            session,
            episode: 0,
        };
        world.send(who, &rejoin).unwrap();
        assert!(!member(&world, people[0], players - 1).rejoining);
        let records = world.ledger.records.len();
        world.send(who, &rejoin).unwrap();
        assert_eq!(world.ledger.records.len(), records, "asked again");
        world.play(who, 20);
        world.deliver(who);
        world.settle();
        assert_eq!(outcomes(&world, &people), vec![DONE; players]);
        let group = &world.ledger.sessions[&session];
        let sealed = |(reason, _): &(CloseReason, _)| *reason == CloseReason::Sealed;
        assert!(group.plans.len() == 2 && group.closed.values().all(sealed));
        let (validating, playing) = (SessionState::Validating, SessionState::Playing);
        assert_eq!(
            group.states[2..],
            [playing, validating, playing, SessionState::Ended],
            "what the new page runs is checked before the next episode"
        );
    }
}

#[test]
fn only_who_has_a_part_to_take_up_can_rejoin() {
    let (mut world, people, session) = playing(3, 2);
    let rejoin = |episode| ClientMessage::Rejoin { session, episode };
    world.send(people[0], &rejoin(0)).expect_err("plays");
    world.reload(people[1]);
    world.send(people[1], &rejoin(1)).expect_err("not open");
    world.seal_of(people[1], 1, session, 0).unwrap();
    assert_eq!(
        part(&world, people[1]),
        EpisodePart::Rejoin,
        "it was at the end, and others may lack what it made"
    );
    world.send(people[1], &rejoin(0)).unwrap();
    world.seal(people[0], session, 0).unwrap();
    world.reload(people[2]);
    world.send(people[0], &ClientMessage::Leave).unwrap();
    assert_eq!(part(&world, people[2]), EpisodePart::Over);
    world.send(people[2], &rejoin(0)).expect_err("is being cut");
    world.settle();
    world.send(people[2], &rejoin(0)).expect_err("over");
}

#[test]
fn two_may_load_their_pages_again_at_once_and_again() {
    let (mut world, people, _) = playing(2, 1);
    for who in &people {
        world.play(*who, 10);
        world.reload(*who);
    }
    world.reload(people[1]);
    world.disconnect(people[0]);
    world.wait(5_000);
    world.reload(people[0]);
    for who in &people {
        assert_eq!(part(&world, *who), EpisodePart::Rejoin);
    }
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
    assert_eq!(world.authors.resumed, 2);
}

#[test]
fn partners_see_who_is_away_and_for_how_long() {
    let (mut world, people, _) = playing(3, 1);
    world.disconnect(people[1]);
    world.wait(4_000);
    let View::Playing { members, .. } = world.view(people[0]) else {
        panic!("plays");
    };
    assert_eq!(members[1].returns_within_ms, Some(6_000));
    assert!(!member(&world, people[2], 1).connected, "told at once");
    world.connect(people[1]);
    let back = member(&world, people[2], 1);
    assert!(back.connected && back.returns_within_ms.is_none() && !back.rejoining);
    world.send(people[1], &ClientMessage::Leave).unwrap();
    assert_eq!(member(&world, people[2], 1).returns_within_ms, Some(0));
}

#[test]
fn the_time_of_an_episode_stands_still_while_somebody_is_away() {
    let (mut world, people, _) = playing(2, 1);
    for _ in 0..5 {
        world.disconnect(people[1]);
        world.wait(9_000);
        world.reload(people[1]);
    }
    world.wait(3_000 + 60_000 + 200_000 - 1);
    assert!(!flush(&world, people[0]));
    world.wait(1);
    assert!(flush(&world, people[0]));
}

#[test]
fn who_has_rejoined_flushes_what_they_played_when_it_is_cut() {
    let (mut world, people, session) = playing(3, 1);
    world.reload(people[1]);
    world.answer(people[1]);
    world.answer(people[1]);
    world.answer(people[1]);
    assert_eq!(world.ledger.fence(people[1], session, 0), 2);
    world.reload(people[2]);
    world.send(people[0], &ClientMessage::Leave).unwrap();
    assert_eq!(part(&world, people[1]), EpisodePart::Rejoin);
    assert_eq!(part(&world, people[2]), EpisodePart::Over);
    assert!(flush(&world, people[1]) && flush(&world, people[2]));
    world.flushed_of(people[1], 1, session, 0).unwrap();
    world.flushed(people[2], session, 0).unwrap();
    assert!(world.to_judge.is_empty(), "that was the page before");
    world.flushed(people[1], session, 0).unwrap();
    assert!(world.judge(Verdict::Partial));
    let left = Some(Outcome::PartnerLeft);
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Left), left, left]);
}

#[test]
fn a_page_that_is_loaded_again_after_its_seal_goes_on_with_the_next_episode() {
    for players in 2..=3 {
        let (mut world, people, session) = playing(players, 2);
        world.seal(people[0], session, 0).unwrap();
        world.reload(people[0]);
        assert_eq!(part(&world, people[0]), EpisodePart::Rejoin);
        assert!(!flush(&world, people[0]), "others may be playing");
        for who in &people[1..] {
            assert_eq!(part(&world, *who), EpisodePart::Play);
            world.seal(*who, session, 0).unwrap();
        }
        world.judge(Verdict::Verified);
        for who in &people {
            assert!(matches!(world.view(*who), View::Validating { .. }));
        }
        world.seal(people[0], session, 0).unwrap();
        world.seal(people[0], session, 1).unwrap_err();
        world.settle();
        assert_eq!(outcomes(&world, &people), vec![DONE; players]);
        assert_eq!(world.ledger.sessions[&session].plans.len(), 2);
    }
}

#[test]
fn another_version_of_a_page_that_has_sealed_waits_for_the_others() {
    let (mut world, people, session) = playing(2, 2);
    world.seal(people[0], session, 0).unwrap();
    world.upgrade(1_000);
    people.iter().for_each(|who| world.connect(*who));
    world.reload(people[0]);
    let rejoin = ClientMessage::Rejoin {
        session,
        episode: 0,
    };
    for _ in 0..2 {
        assert!(!flush(&world, people[1]), "nothing is missing");
        assert_eq!(part(&world, people[0]), EpisodePart::Over);
        let seen = member(&world, people[1], 0);
        assert!(seen.connected && !seen.rejoining);
        world.send(people[0], &rejoin).expect_err("other program");
        world.restart(1_000);
        people.iter().for_each(|who| world.connect(*who));
    }
    world.seal(people[1], session, 0).unwrap();
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
    let plans = &world.ledger.sessions[&session].plans;
    assert_ne!(plans[0].digests.build, plans[1].digests.build);
}

#[test]
fn a_page_that_is_loaded_while_the_game_is_cut_brings_what_there_is() {
    let (mut world, people, session) = playing(3, 1);
    world.send(people[0], &ClientMessage::Leave).unwrap();
    world.reload(people[1]);
    assert!(flush(&world, people[1]) && part(&world, people[1]) == EpisodePart::Over);
    world.flushed(people[2], session, 0).unwrap();
    assert!(world.to_judge.is_empty(), "it is waited for");
    world.wait(5_000);
    assert!(world.judge(Verdict::Partial), "but not for ever");
    let left = Some(Outcome::PartnerLeft);
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Left), left, left]);
}
