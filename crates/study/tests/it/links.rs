//! Links between pages that are never made, that break, and that mend; and the relay.

use igym_protocol::{
    ClientMessage, Outcome, ParticipantId, Record, RefusalCode, SessionState, SignalPayload,
    Verdict, View,
};
use igym_study::RelayRule;

use crate::failures::{attempt, flush, link, link_failed, outcomes, playing, playing_with};
use crate::world::{World, config, config_with, open};

const DONE: Option<Outcome> = Some(Outcome::Completed);

fn block(world: &mut World, people: &[ParticipantId]) {
    world.blocked.extend(people);
}

#[test]
fn where_no_connection_gets_through_the_game_goes_on_by_relay_in_ten_seconds() {
    for players in 2..=4 {
        let (mut world, people) = World::with_people(config(players, 2), players as u64);
        // Nothing is said of the links: they hang.
        let validating = |view: &View| matches!(view, View::Validating { .. });
        world.until(&people, |view| matches!(view, View::Connecting { .. }));
        world.wait(9_999);
        assert!(!validating(&world.view(people[0])));
        world.wait(1);
        assert!(validating(&world.view(people[0])));
        block(&mut world, &people);
        world.settle();
        assert_eq!(outcomes(&world, &people), vec![DONE; players]);
    }
    // Where pages see that it fails, nobody waits at all.
    let (mut world, people) = World::with_people(config(2, 1), 2);
    block(&mut world, &people);
    let since = world.now;
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
    assert_eq!(world.now, since);
    let group = world.ledger.sessions.values().next().unwrap();
    assert_eq!(group.attempt, 2);
}

#[test]
fn in_play_attempts_go_on_less_and_less_often_and_mend() {
    let (mut world, people, session) = playing(2, 1);
    let number = |world: &World| attempt(world, people[0]).unwrap();
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.send(people[0], &failed).unwrap();
    world.wait(1_999);
    assert_eq!(number(&world), 1);
    world.wait(1);
    assert_eq!(number(&world), 2);
    // It hangs: an attempt has its 5 s, then 4 s pass.
    world.wait(8_999);
    assert_eq!(number(&world), 2);
    world.wait(1);
    assert_eq!(number(&world), 3);
    world.send(people[0], &failed).unwrap_err();
    world.wait(130_000);
    assert_eq!(number(&world), 7, "13, 21, 35, 35 and 35 s");
    let opened = link(&world, session, 1, open());
    world.send(people[0], &opened).unwrap();
    let View::Playing { connection, .. } = &world.shown[&people[0]] else {
        panic!("plays");
    };
    assert_eq!(connection.linked, [1]);
    let opened = link(&world, session, 0, open());
    world.send(people[1], &opened).unwrap();
    world.wait(60_000);
    assert_eq!(number(&world), 7, "all is well");
    assert!(!flush(&world, people[0]), "the relay carried");
    // Links that held for long are taken for good: the next failure is the first.
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.wait(2_000);
    assert_eq!(number(&world), 8);
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
}

#[test]
fn nobody_connects_to_an_empty_chair() {
    let (mut world, people, session) = playing(2, 1);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.disconnect(people[1]);
    world.wait(9_000);
    assert_eq!(attempt(&world, people[0]), Some(1));
    world.connect(people[1]);
    world.wait(2_000);
    assert_eq!(attempt(&world, people[0]), Some(2));
}

#[test]
fn a_short_absence_while_connecting_costs_no_attempt() {
    let (mut world, people) = World::with_people(config_with(2, 1, RelayRule::Never), 2);
    world.until(&people, |view| matches!(view, View::Connecting { .. }));
    for expected in 2..=8 {
        world.disconnect(people[0]);
        world.wait(1_000);
        world.connect(people[0]);
        assert_eq!(
            attempt(&world, people[0]),
            Some(expected),
            "signals were lost"
        );
    }
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
}

#[test]
fn who_comes_and_goes_for_ever_holds_nobody_for_ever() {
    for relay in [RelayRule::Never, RelayRule::Fallback] {
        for reload in [false, true] {
            let (mut world, people) = World::with_people(config_with(2, 1, relay), 2);
            world.until(&people, |view| matches!(view, View::Connecting { .. }));
            let View::Connecting { connection, .. } = world.view(people[0]) else {
                panic!("connects");
            };
            assert_eq!(connection.direct_only, relay == RelayRule::Never);
            for _ in 0..60 {
                world.disconnect(people[0]);
                world.wait(9_900);
                world.answer(people[1]);
                match reload {
                    true => world.reload(people[0]),
                    false => world.connect(people[0]),
                }
                world.wait(1);
            }
            assert!(world.outcome(people[1]).is_some(), "{relay:?} {reload}");
        }
        let (mut world, people, _) = playing_with(2, 1, relay);
        for _ in 0..60 {
            world.disconnect(people[0]);
            world.wait(9_900);
            world.connect(people[0]);
            world.wait(1);
        }
        world.settle();
        world.wait(5_000);
        world.settle();
        assert!(world.outcome(people[1]).is_some(), "{relay:?}");
    }
}

#[test]
fn two_who_load_their_pages_again_at_once_in_validating_have_links_before_they_play() {
    let (mut world, people) = World::with_people(config(3, 1), 3);
    world.until(&people, |view| matches!(view, View::Validating { .. }));
    world.disconnect(people[2]);
    world.reload(people[0]);
    world.reload(people[1]);
    world.wait(1_000);
    world.connect(people[2]);
    for who in &people {
        let View::Connecting { connection, .. } = world.view(*who) else {
            panic!("connects");
        };
        assert!(connection.linked.is_empty());
    }
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 3]);
}

#[test]
fn where_packets_pass_through_the_server_alone_nobody_connects() {
    for players in 1..=3 {
        let config = config_with(players, 2, RelayRule::Only);
        let (mut world, people) = World::with_people(config, players as u64);
        world.until(&people, |view| matches!(view, View::Validating { .. }));
        let session = world.study.session_of(people[0]).unwrap();
        let payload = SignalPayload::Offer { sdp: String::new() };
        let signal = ClientMessage::Signal {
            session,
            to: 1,
            attempt: 1,
            payload,
        };
        let failed = link_failed(&world, session, 1);
        for message in [signal, failed] {
            let code = world.send(people[0], &message).unwrap_err().code;
            assert_eq!(code == RefusalCode::WrongState, players > 1);
        }
        world.until(&people, |view| matches!(view, View::Playing { .. }));
        world.reload(people[0]);
        let View::Playing { connection, .. } = world.view(people[0]) else {
            panic!("plays");
        };
        assert!(connection.relay_only && connection.ice_servers.is_empty());
        assert!(!connection.direct_only);
        world.wait(60_000);
        world.settle();
        assert_eq!(outcomes(&world, &people), vec![DONE; players]);
        let told = |record: &Record| {
            matches!(
                record,
                Record::LinkReported { .. } | Record::ConnectionAttempt { .. }
            )
        };
        assert!(!world.ledger.records.iter().any(told));
    }
}

#[test]
fn without_a_relay_a_link_that_breaks_in_play_may_mend() {
    let (mut world, people, session) = playing_with(2, 1, RelayRule::Never);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.wait(9_999);
    assert_eq!(attempt(&world, people[0]), Some(2), "it is made anew");
    for (from, to) in [(0, 1), (1, 0)] {
        let opened = link(&world, session, to, open());
        world.send(people[from], &opened).unwrap();
    }
    world.wait(60_000);
    assert!(!flush(&world, people[0]));
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
}

#[test]
fn without_a_relay_a_link_that_stays_broken_in_play_ends_it_for_all() {
    let (mut world, people, session) = playing_with(2, 1, RelayRule::Never);
    let failed = link_failed(&world, session, 1);
    world.send(people[0], &failed).unwrap();
    world.wait(10_000);
    assert!(flush(&world, people[0]) && flush(&world, people[1]));
    world.settle();
    assert_eq!(
        outcomes(&world, &people),
        [Some(Outcome::ConnectionFailed); 2]
    );
}

#[test]
fn a_link_broken_over_the_end_of_an_episode_is_made_anew() {
    for (relay, state) in [
        (RelayRule::Never, SessionState::Matched),
        (RelayRule::Fallback, SessionState::Playing),
    ] {
        let (mut world, people, session) = playing_with(2, 2, relay);
        let failed = link_failed(&world, session, 1);
        world.send(people[0], &failed).unwrap();
        for who in &people {
            world.seal(*who, session, 0).unwrap();
        }
        world.judge(Verdict::Verified);
        let group = &world.ledger.sessions[&session];
        assert_eq!(group.states.last(), Some(&state));
        world.settle();
        assert_eq!(outcomes(&world, &people), [DONE; 2]);
    }
}

#[test]
fn who_says_ever_other_things_of_a_link_is_refused() {
    let (mut world, people, session) = playing(2, 1);
    let news = |world: &World, of: u32| {
        let said = |record: &&Record| matches!(record, Record::LinkReported { from: 0, attempt, .. } if *attempt == of);
        world.ledger.records.iter().filter(said).count()
    };
    let opened = link(&world, session, 1, open());
    let failed = link_failed(&world, session, 1);
    assert_eq!(news(&world, 1), 1, "it is open");
    for message in [&failed, &opened].into_iter().cycle().take(7) {
        world.send(people[0], message).unwrap();
    }
    for _ in 0..100 {
        let refusal = world.send(people[0], &opened).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::TooFast);
        world.send(people[0], &failed).unwrap();
    }
    assert_eq!(news(&world, 1), 8);
    let failed = link_failed(&world, session, 0);
    world.send(people[1], &failed).unwrap();
    // Of a new attempt there is news again.
    world.wait(2_000);
    let opened = link(&world, session, 1, open());
    world.send(people[0], &opened).unwrap();
    assert_eq!(news(&world, 2), 1);
    world.settle();
    assert_eq!(outcomes(&world, &people), [DONE; 2]);
}

#[test]
fn without_a_relay_who_is_back_in_time_has_the_time_to_connect() {
    for mends in [false, true] {
        let (mut world, people, session) = playing_with(2, 1, RelayRule::Never);
        let failed = link_failed(&world, session, 0);
        world.disconnect(people[0]);
        world.send(people[1], &failed).unwrap();
        world.wait(9_000);
        world.reload(people[0]);
        // An attempt and the grace.
        world.wait(24_999);
        assert!(!flush(&world, people[1]));
        if mends {
            world.settle();
            assert_eq!(outcomes(&world, &people), [DONE; 2]);
        } else {
            world.wait(1);
            assert!(flush(&world, people[1]), "but not for ever");
        }
    }
}
