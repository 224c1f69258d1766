//! Two participants from the study's link to the game.

use igym_protocol::{
    ClientMessage, Digests, LinkState, Outcome, Record, RefusalCode, ServerMessage, SessionState,
    SignalPayload, View,
};

use crate::support::{Client, TestServer, patiently};

fn offer(sdp: &str) -> SignalPayload {
    SignalPayload::Offer { sdp: sdp.into() }
}

#[tokio::test]
async fn from_the_link_to_the_game() {
    let server = TestServer::start().await;
    let mut one = Client::arrive(&server).await;
    let mut two = Client::arrive(&server).await;
    one.enter_lobby().await;
    one.view(|view| {
        matches!(
            view,
            View::Lobby {
                waiting: 1,
                needed: 2,
                ..
            }
        )
        .then_some(())
    })
    .await;
    two.enter_lobby().await;
    let (first, attempt) = one.connecting().await;
    let (second, _) = two.connecting().await;
    assert_eq!(first.session, second.session);
    assert_eq!((first.player, second.player), (0, 1));

    // Signals go to the partner and say who sent them.
    one.send(ClientMessage::Signal {
        session: first.session,
        to: 1,
        attempt,
        payload: offer("an offer"),
    })
    .await;
    let signal = two
        .until(|message| matches!(message, ServerMessage::Signal { .. }).then_some(message))
        .await;
    let expected = ServerMessage::Signal {
        session: first.session,
        from: 0,
        attempt,
        payload: offer("an offer"),
    };
    assert_eq!(signal, expected);

    one.report_link(&first, attempt).await;
    two.report_link(&second, attempt).await;
    one.validate(&server).await;
    two.validate(&server).await;
    let (_, plan) = one.plan(0).await;
    let (_, same) = two.plan(0).await;
    assert_eq!(plan, same);
    assert_eq!(plan.seed, 11);
    assert_eq!(plan.digests, server.digests());

    // All of it is written down, in this order.
    let session = first.session;
    let states: Vec<_> = server
        .journal()
        .into_iter()
        .filter_map(|entry| match entry.record {
            Record::SessionEntered { session: of, state } if of == session => Some(state),
            _ => None,
        })
        .collect();
    let expected = [
        SessionState::Matched,
        SessionState::Validating,
        SessionState::Playing,
    ];
    assert_eq!(states, expected);
    assert_eq!(server.running.refusals().len(), 0);
}

/// A view never shows what is not in the journal yet.
#[tokio::test]
async fn what_is_shown_is_on_disk() {
    let server = TestServer::start().await;
    let (_pair, [session, _], plan) = Client::pair_in_play(&server).await;
    let records: Vec<_> = server.journal().into_iter().map(|it| it.record).collect();
    assert!(records.contains(&Record::EpisodeOpened { plan }));
    let opened = |record: &Record| matches!(record, Record::SessionOpened { session: it, .. } if *it == session.session);
    assert!(records.iter().any(opened));
}

#[tokio::test]
async fn views_are_numbered() {
    let server = TestServer::start().await;
    let mut client = Client::arrive(&server).await;
    let mut last = 0;
    for _ in 0..2 {
        let revision = client
            .until(|message| match message {
                ServerMessage::View { revision, .. } => Some(revision),
                _ => None,
            })
            .await;
        assert!(revision > last);
        last = revision;
        client.send(ClientMessage::Advance { scene: 0 }).await;
    }
}

#[tokio::test]
async fn pages_of_another_build_do_not_play() {
    let server = TestServer::start().await;
    let mut pair = [Client::arrive(&server).await, Client::arrive(&server).await];
    for client in &mut pair {
        client.enter_lobby().await;
    }
    for client in &mut pair {
        let (session, attempt) = client.connecting().await;
        client.report_link(&session, attempt).await;
    }
    let [one, two] = &mut pair;
    one.validate(&server).await;
    let session = two
        .view(|view| match view {
            View::Validating { session, .. } => Some(session.session),
            _ => None,
        })
        .await;
    let digests = Digests {
        build: "another".into(),
        ..server.digests()
    };
    two.send(ClientMessage::Validate { session, digests }).await;
    for client in &mut pair {
        let outcome = client.view(ended).await;
        assert_eq!(outcome, Outcome::ValidationFailed);
    }
}

#[tokio::test]
async fn a_link_that_fails_is_tried_again_by_both() {
    let server = TestServer::start().await;
    let mut pair = [Client::arrive(&server).await, Client::arrive(&server).await];
    for client in &mut pair {
        client.enter_lobby().await;
    }
    let (session, first) = pair[0].connecting().await;
    pair[1].connecting().await;
    pair[0]
        .send(ClientMessage::Link {
            session: session.session,
            to: 1 - session.player,
            attempt: first,
            state: LinkState::Failed {
                reason: "no route".into(),
            },
        })
        .await;
    for client in &mut pair {
        let (_, attempt) = client.connecting().await;
        assert_eq!(attempt, first + 1);
    }
    // A signal of the attempt that is over goes nowhere.
    pair[1]
        .send(ClientMessage::Signal {
            session: session.session,
            to: session.player,
            attempt: first,
            payload: offer("late"),
        })
        .await;
    assert_eq!(pair[1].refused().await, RefusalCode::WrongState);
}

#[tokio::test]
async fn nobody_is_left_behind_when_a_partner_leaves() {
    let server = TestServer::start().await;
    let ([mut one, mut two], ..) = Client::pair_in_play(&server).await;
    one.send(ClientMessage::Leave).await;
    assert_eq!(one.view(ended).await, Outcome::Left);
    // The partner delivers what they have, and goes on.
    let session = two
        .view(|view| match view {
            View::Playing {
                session,
                flush: true,
                ..
            } => Some(session),
            _ => None,
        })
        .await;
    two.upload(&crate::uploads::upload(
        session.session,
        1,
        0,
        igym_protocol::UploadBody::Flushed,
    ))
    .await;
    assert_eq!(two.view(ended).await, Outcome::PartnerLeft);
    let mut summary = server.running.summary();
    patiently("an empty study", summary.wait_for(|now| now.playing == 0))
        .await
        .unwrap();
}

fn ended(view: View) -> Option<Outcome> {
    match view {
        View::End { outcome, .. } => Some(outcome),
        _ => None,
    }
}
