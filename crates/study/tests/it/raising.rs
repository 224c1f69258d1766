//! Environments that raise errors, and pages on which they cannot run at all.

use igym_protocol::{
    ClientMessage, CloseReason, Limits, Outcome, ParticipantId, Record, RefusalCode, SessionId,
    Verdict, View,
};

use crate::failures::{flush, outcomes, playing};
use crate::world::{World, config_measured};

const FAILED: Option<Outcome> = Some(Outcome::EnvironmentFailed);

fn at_play(players: usize, episodes: u32) -> (World, Vec<ParticipantId>, SessionId) {
    let config = config_measured(players, episodes);
    let (mut world, people) = World::with_people(config, players as u64);
    world.until(&people, |view| matches!(view, View::Playing { .. }));
    let session = world.study.session_of(people[0]).unwrap();
    (world, people, session)
}

/// What is recorded of failures: who, in which episode and frame.
fn failures(world: &World) -> Vec<(u8, u32, u32)> {
    let records = world.ledger.records.iter();
    let failures = records.filter_map(|record| match record {
        Record::EnvironmentFailed {
            player,
            episode,
            frame,
            ..
        } => Some((*player, *episode, *frame)),
        _ => None,
    });
    failures.collect()
}

#[test]
fn an_error_ends_the_session_for_all_once_everything_is_delivered() {
    let (mut world, people, session) = at_play(3, 2);
    world.play(people[0], 20);
    world.play(people[1], 30);
    world.raise(people[1], 29).unwrap();
    assert!(people.iter().all(|who| flush(&world, *who)));
    // Where it raised for one it raises for the others too.
    world.raise(people[0], 29).unwrap();
    assert_eq!(failures(&world), [(1, 0, 29)], "the first is recorded");
    for who in &people {
        assert!(world.to_judge.is_empty(), "not everybody has delivered");
        world.deliver(*who);
        world.flushed(*who, session, 0).unwrap();
    }
    assert_eq!(world.to_judge, [(session, 0)]);
    assert_eq!(outcomes(&world, &people), [FAILED; 3]);
    world.judge(Verdict::Verified);
    assert_eq!(failures(&world), [(1, 0, 29)]);
    let closed = &world.ledger.sessions[&session].closed;
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[&0].0, CloseReason::Cut);
    let View::End {
        code, title, body, ..
    } = world.view(people[0])
    else {
        panic!("the last page");
    };
    assert_eq!(
        code.map(|code| code.len()),
        Some(10),
        "it is not their fault"
    );
    assert!(title.contains("stopped working") && body.contains("not your fault"));
    assert!(!body.contains("ZeroDivisionError"));
}

#[test]
fn who_does_not_deliver_after_an_error_is_not_said_to_have_left() {
    let (mut world, people, session) = at_play(2, 1);
    world.raise(people[0], 3).unwrap();
    world.flushed(people[0], session, 0).unwrap();
    world.wait(4_999);
    assert!(world.to_judge.is_empty());
    world.wait(1);
    assert!(world.judge(Verdict::Partial));
    assert_eq!(outcomes(&world, &people), [FAILED; 2]);
}

#[test]
fn before_play_an_error_ends_the_session_at_once() {
    let stages: [fn(&View) -> bool; 2] = [
        |view| matches!(view, View::Connecting { .. }),
        |view| matches!(view, View::Validating { .. }),
    ];
    for reached in stages {
        let (mut world, people) = World::with_people(config_measured(2, 1), 2);
        world.until(&people, reached);
        world.raise(people[1], 8_000).unwrap();
        assert_eq!(outcomes(&world, &people), [FAILED; 2]);
        assert_eq!(failures(&world), [(1, 0, 0)]);
        assert_eq!(world.study.poll_deadline(), None);
    }
}

#[test]
fn an_error_after_all_have_sealed_ends_nothing_that_is_complete() {
    for episodes in [1, 2] {
        let (mut world, people, session) = at_play(2, episodes);
        world.seal(people[0], session, 0).unwrap();
        // One page is at the end, the other raises in its last frames, then reaches it all the same.
        world.raise(people[1], 9).unwrap();
        world.seal(people[1], session, 0).unwrap();
        world.settle();
        let expected = match episodes {
            1 => Some(Outcome::Completed),
            _ => FAILED,
        };
        assert_eq!(outcomes(&world, &people), [expected; 2]);
    }
    let (mut world, people, session) = at_play(2, 2);
    for who in &people {
        world.seal(*who, session, 0).unwrap();
    }
    let late = ClientMessage::Failed {
        session,
        episode: 0,
        frame: 9,
        message: String::new(),
    };
    let late = world.send(people[0], &late).unwrap_err();
    assert_eq!(late.code, RefusalCode::WrongState, "it is over");
    world.raise(people[0], 0).unwrap();
    world.settle();
    assert_eq!(outcomes(&world, &people), [FAILED; 2]);
    assert_eq!(failures(&world), [(0, 1, 0)], "the next episode");
}

#[test]
fn an_error_is_known_after_a_restart() {
    let (mut world, people, session) = at_play(2, 2);
    world.raise(people[0], 5).unwrap();
    world.restart(1_000);
    people.iter().for_each(|who| world.connect(*who));
    assert!(people.iter().all(|who| flush(&world, *who)));
    world.raise(people[1], 5).unwrap();
    world.flushed(people[0], session, 0).unwrap();
    world.flushed(people[1], session, 0).unwrap();
    world.restart(1_000);
    people.iter().for_each(|who| world.connect(*who));
    assert_eq!(world.to_judge, [(session, 0)], "asked for again");
    world.judge(Verdict::Verified);
    assert_eq!(outcomes(&world, &people), [FAILED; 2]);
    assert_eq!(failures(&world), [(0, 0, 5)]);
}

#[test]
fn an_error_while_a_partner_is_gone_ends_it_for_those_who_are_left() {
    let (mut world, people, _) = at_play(3, 2);
    world.send(people[2], &ClientMessage::Leave).unwrap();
    world.raise(people[0], 5).unwrap();
    world.settle();
    let expected = [FAILED, FAILED, Some(Outcome::Left)];
    assert_eq!(outcomes(&world, &people), expected);
}

#[test]
fn errors_that_cannot_be_are_refused() {
    let (mut world, people, session) = at_play(2, 2);
    let failed = |episode, frame| ClientMessage::Failed {
        session,
        episode,
        frame,
        message: String::new(),
    };
    for wrong in [failed(1, 0), failed(0, 10_001), failed(0, u32::MAX)] {
        let refused = world.send(people[0], &wrong).unwrap_err();
        assert_eq!(refused.code, RefusalCode::WrongState, "{wrong:?}");
    }
    world.send(people[0], &failed(0, 3_000)).unwrap();
    world.settle();
    let over = world.send(people[0], &failed(0, 0)).unwrap_err();
    assert_eq!(over.code, RefusalCode::WrongState);
    // Native environments do not raise.
    let (mut world, people, _) = playing(2, 1);
    let refused = world.raise(people[0], 1).unwrap_err();
    assert_eq!(refused.code, RefusalCode::WrongState);
    world.settle();
    assert_eq!(outcomes(&world, &people), [Some(Outcome::Completed); 2]);
}

#[test]
fn of_what_pages_say_the_beginning_is_kept() {
    let (mut world, people, session) = at_play(1, 1);
    let message = format!("é{}", "x".repeat(20_000));
    let failed = ClientMessage::Failed {
        session,
        episode: 0,
        frame: 0,
        message,
    };
    world.send(people[0], &failed).unwrap();
    let kept = world.ledger.records.iter().find_map(|record| match record {
        Record::EnvironmentFailed { message, .. } => Some(message.chars().count()),
        _ => None,
    });
    assert_eq!(kept, Some(Limits::TEXT_CHARS));
}

#[test]
fn a_page_that_cannot_run_the_environment_ends_with_a_code_wherever_it_waits() {
    let unable = |scene| ClientMessage::Unable {
        scene,
        message: "no memory".to_owned(),
    };
    let (mut world, people) = World::with_people(config_measured(2, 1), 4);
    let refused = world.send(people[0], &unable(1)).unwrap_err();
    assert_eq!(refused.code, RefusalCode::WrongState, "not there yet");
    world.until(&people[..1], |view| {
        matches!(view, View::Instructions { .. })
    });
    world.until(&people[1..2], |view| matches!(view, View::Lobby { .. }));
    for who in &people[..2] {
        world.send(*who, &unable(1)).unwrap();
        world.send(*who, &unable(1)).unwrap();
        let View::End { outcome, code, .. } = world.view(*who) else {
            panic!("the last page");
        };
        assert_eq!((Some(outcome), code.is_some()), (FAILED, true));
        assert!(world.ledger.people[who].unable);
    }
    world.until(&people[2..], |view| matches!(view, View::Connecting { .. }));
    let refused = world.send(people[2], &unable(1)).unwrap_err();
    assert!(refused.message.contains("failed"), "{refused:?}");
    world.settle();
    let done = Some(Outcome::Completed);
    assert_eq!(outcomes(&world, &people), [FAILED, FAILED, done, done]);
}
