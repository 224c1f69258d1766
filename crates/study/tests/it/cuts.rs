//! What goes wrong in play: partners leave, links break, pages die.

use igym_protocol::{
    ClientMessage, CloseReason, Outcome, SessionState, SignalPayload, Verdict, View,
};

use crate::failures::{flush, link_failed, outcomes, playing};

#[test]
fn a_short_absence_in_play_changes_nothing() {
    let (mut world, people, _) = playing(2, 2);
    world.disconnect(people[0]);
    world.wait(9_999);
    world.connect(people[0]);
    world.wait(20_000);
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
}

#[test]
fn when_a_partner_is_gone_the_others_flush_and_end_with_a_code() {
    let (mut world, people, session) = playing(3, 2);
    world.disconnect(people[1]);
    world.wait(9_999);
    assert!(!flush(&world, people[0]));
    world
        .flushed(people[0], session, 0)
        .expect_err("not asked for");
    world.wait(1);
    assert_eq!(
        outcomes(&world, &people),
        [None, Some(Outcome::Left), None],
        "the one who is gone has left"
    );
    assert!(flush(&world, people[0]) && flush(&world, people[2]));
    world.flushed(people[0], session, 0).unwrap();
    world.flushed(people[0], session, 0).unwrap();
    assert!(world.to_judge.is_empty(), "the other one has not delivered");
    world.flushed(people[2], session, 0).unwrap();
    assert_eq!(world.to_judge, [(session, 0)]);
    let left = Some(Outcome::PartnerLeft);
    assert_eq!(outcomes(&world, &people), [left, Some(Outcome::Left), left]);
    assert!(world.ledger.people[&people[0]].code.is_some());
    assert!(world.ledger.people[&people[1]].code.is_none());
    world.judge(Verdict::Partial);
    assert_eq!(
        world.ledger.sessions[&session].closed[&0].0,
        CloseReason::Cut
    );
    // The one who is gone finds the last page when they come back.
    world.connect(people[1]);
    let View::End { outcome, .. } = world.view(people[1]) else {
        panic!("the last page");
    };
    assert_eq!(outcome, Outcome::Left);
}

#[test]
fn survivors_who_do_not_deliver_are_not_waited_for() {
    let (mut world, people, session) = playing(3, 1);
    world.send(people[0], &ClientMessage::Leave).unwrap();
    assert_eq!(world.outcome(people[0]), Some(Outcome::Left), "at once");
    world.flushed(people[1], session, 0).unwrap();
    world.wait(4_999);
    assert!(world.to_judge.is_empty());
    world.wait(1);
    assert!(world.judge(Verdict::Partial));
    let left = Some(Outcome::PartnerLeft);
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Left), left, left]);
}

#[test]
fn who_has_left_has_no_more_say_in_the_session() {
    let (mut world, people, session) = playing(3, 1);
    world.send(people[0], &ClientMessage::Leave).unwrap();
    assert!(flush(&world, people[1]));
    let payload = SignalPayload::Offer { sdp: String::new() };
    let signal = ClientMessage::Signal {
        session,
        to: 1,
        attempt: 1,
        payload,
    };
    world.send(people[0], &signal).unwrap_err();
    let message = link_failed(&world, session, 1);
    world.send(people[0], &message).unwrap_err();
    assert!(world.signals.is_empty());
    // But what they played is welcome, as long as the episode is open.
    world.seal(people[0], session, 0).unwrap();
}

#[test]
fn when_all_are_gone_all_have_left() {
    let (mut world, people, session) = playing(2, 1);
    people.iter().for_each(|who| world.disconnect(*who));
    world.wait(10_000);
    assert_eq!(world.to_judge, [(session, 0)], "nobody is there to flush");
    world.judge(Verdict::Partial);
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Left); 2]);
    let group = &world.ledger.sessions[&session];
    assert_eq!(group.states.last(), Some(&SessionState::Ended));
}

#[test]
fn a_game_that_all_have_sealed_is_complete_for_whoever_leaves_before_the_verdict() {
    let (mut world, people, session) = playing(2, 1);
    for who in &people {
        world.seal(*who, session, 0).unwrap();
    }
    let _ = world.send(people[0], &ClientMessage::Leave);
    world.judge(Verdict::Verified);
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
    assert_eq!(
        world.ledger.sessions[&session].closed[&0].0,
        CloseReason::Sealed
    );
}

#[test]
fn no_next_episode_is_opened_without_a_partner() {
    let (mut world, people, session) = playing(2, 2);
    world.seal(people[0], session, 0).unwrap();
    world.send(people[0], &ClientMessage::Leave).unwrap();
    world.seal(people[1], session, 0).unwrap();
    let expected = [Some(Outcome::Left), Some(Outcome::PartnerLeft)];
    assert_eq!(outcomes(&world, &people), expected);
    world.judge(Verdict::Verified);
    let group = &world.ledger.sessions[&session];
    assert_eq!(
        (group.plans.len(), group.closed[&0].0),
        (1, CloseReason::Sealed)
    );
}

#[test]
fn a_seal_in_answer_to_a_flush_is_a_seal() {
    let (mut world, people, session) = playing(2, 1);
    world.seal(people[1], session, 0).unwrap();
    world.disconnect(people[1]);
    world.wait(10_000);
    assert!(flush(&world, people[0]));
    world.seal(people[0], session, 0).unwrap();
    world.judge(Verdict::Verified);
    assert_eq!(
        world.ledger.sessions[&session].closed[&0].0,
        CloseReason::Sealed
    );
    let expected = [Some(Outcome::Completed), Some(Outcome::Left)];
    assert_eq!(outcomes(&world, &people), expected);
}

#[test]
fn a_page_that_is_connected_but_dead_holds_nobody_for_ever() {
    let (mut world, people, session) = playing(2, 1);
    world.seal(people[0], session, 0).unwrap();
    // 3 s countdown, a minute and twice the time of 3000 frames at 30 per second, 5 s flush.
    world.wait(3_000 + 60_000 + 200_000);
    assert!(flush(&world, people[0]));
    world.wait(5_000);
    assert_eq!(world.outcome(people[1]), Some(Outcome::Left));
    world.judge(Verdict::Partial);
    let expected = [Some(Outcome::PartnerLeft), Some(Outcome::Left)];
    assert_eq!(outcomes(&world, &people), expected);
}
