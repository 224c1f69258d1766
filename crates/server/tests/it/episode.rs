//! Whole games: two peers as in the browsers, their packets exchanged here, everything else
//! through the server.

use std::collections::VecDeque;

use igym_play::{Episode, Micros, Outbox};
use igym_protocol::{
    CloseReason, EpisodePlan, Judgement, Outcome, Path, Record, ServerMessage, UploadBody, Verdict,
    View,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, TestServer};

/// How long a packet travels: long enough that inputs are guessed wrong.
const LATENCY_US: u64 = 150_000;

/// One beat of the loop that drives both peers.
const BEAT_US: u64 = 5_000;

/// What the peers know of an episode that is over.
pub(crate) struct Played {
    /// Of both peers.
    pub(crate) rollbacks: u64,
    pub(crate) last_frame: u32,
}

/// Plays an episode to its end; what each peer uploads passes `change` first.
pub(crate) fn play(
    plan: &EpisodePlan,
    outboxes: &mut [Outbox; 2],
    mut change: impl FnMut(usize, &mut UploadBody),
) -> Played {
    let start = Micros(1_000_000);
    let mut peers = [0, 1].map(|me| Episode::new(plan, me, 1, start).unwrap());
    let mut travelling: [VecDeque<(u64, Vec<u8>)>; 2] = Default::default();
    let mut random = u64::from(plan.seed);
    let mut seals = [None, None];
    let mut now = start.0;
    while seals.iter().any(Option::is_none) {
        assert!(now < 60_000_000, "the episode does not end");
        now += BEAT_US;
        for me in 0..2 {
            let peer = &mut peers[me];
            while let Some((due, _)) = travelling[me].front()
                && *due <= now
            {
                let (_, bytes) = travelling[me].pop_front().unwrap();
                let from = u8::try_from(1 - me).unwrap();
                peer.handle_packet(from, Path::DataChannel, &bytes, Micros(now))
                    .unwrap();
            }
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let key = ["ArrowLeft", "ArrowRight", "ArrowUp"][(random >> 33) as usize % 3];
            peer.key(key, random >> 63 == 0, Micros(now));
            peer.tick(Micros(now));
            while let Some(packet) = peer.poll_packet() {
                travelling[1 - me].push_back((now + LATENCY_US, packet.bytes));
            }
            while let Some(mut body) = peer.poll_upload(Micros(now)) {
                if let UploadBody::Seal(seal) = &body {
                    seals[me] = Some(seal.clone());
                }
                change(me, &mut body);
                outboxes[me].push(plan.session, plan.episode, body);
            }
        }
    }
    assert_eq!(seals[0], seals[1]);
    let rollbacks = peers.iter().map(|peer| u64::from(peer.status().rollbacks));
    Played {
        rollbacks: rollbacks.sum(),
        last_frame: seals[0].as_ref().unwrap().last_frame,
    }
}

/// Sends everything and waits until all of it is acknowledged.
pub(crate) async fn deliver(client: &mut Client, outbox: &mut Outbox) {
    while outbox.unacknowledged() > 0 {
        match outbox.poll() {
            Some(bytes) => client.send_raw(Message::binary(bytes)).await,
            None => outbox.handle_ack(1, client.acknowledged(0).await),
        }
    }
}

pub(crate) fn closings(server: &TestServer) -> Vec<(u32, CloseReason, Judgement)> {
    let entries = server.journal().into_iter();
    entries
        .filter_map(|entry| match entry.record {
            Record::EpisodeClosed {
                episode,
                reason,
                judgement,
                ..
            } => Some((episode, reason, judgement)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn two_people_play_and_the_data_agree() {
    let server = TestServer::start().await;
    let (mut pair, _, mut plan) = Client::pair_in_play(&server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    let mut expected = Vec::new();
    for episode in 0..2 {
        let Played {
            rollbacks,
            last_frame,
        } = play(&plan, &mut outboxes, |_, _| {});
        let verified = Judgement {
            verdict: Verdict::Verified,
            last_frame: Some(last_frame),
            first_difference: None,
        };
        assert!(last_frame > 20, "it ended at frame {last_frame}");
        expected.push((episode, CloseReason::Sealed, verified));
        assert!(
            rollbacks > 5,
            "only {rollbacks} rollbacks: nothing was at stake"
        );
        for (client, outbox) in pair.iter_mut().zip(&mut outboxes) {
            deliver(client, outbox).await;
        }
        if episode == 0 {
            plan = pair[0].plan(1).await.1;
            assert_eq!(plan, pair[1].plan(1).await.1);
        }
    }
    for client in &mut pair {
        let end = client
            .view(|view| match view {
                View::End { outcome, code, .. } => Some((outcome, code)),
                _ => None,
            })
            .await;
        assert_eq!(end, (Outcome::Completed, Some("FINISHED".to_owned())));
    }
    assert_eq!(closings(&server), expected);
    assert_eq!(server.running.refusals().len(), 0);
    let summary = server.running.summary().borrow().clone();
    assert_eq!((summary.playing, summary.completed), (0, 2));
}

/// A connection breaks in the middle of the delivery: nothing is lost and nothing comes twice.
#[tokio::test]
async fn a_broken_connection_costs_nothing() {
    let server = TestServer::start().await;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    play(&plan, &mut outboxes, |_, _| {});
    let total: usize = outboxes.iter().map(Outbox::unacknowledged).sum();
    let [one, two] = &mut pair;
    deliver(two, &mut outboxes[1]).await;
    let mut sent = 0;
    while let Some(bytes) = outboxes[0].poll() {
        one.send_raw(Message::binary(bytes)).await;
        sent += 1;
        if sent % 3 == 0 {
            // At least one got through; the outbox is not told, and whatever else was acknowledged
            // meanwhile is not looked at.
            let before = one.acknowledged;
            one.acknowledged(before + 1).await;
            *one = Client::resume(&server, &one.token, &one.resume).await;
            outboxes[0].handle_reconnect(one.acknowledged);
        }
        assert!(sent <= 3 * total, "it gets nowhere");
    }
    deliver(one, &mut outboxes[0]).await;
    one.plan(1).await;
    assert_eq!(server.uploads().len(), total);
    assert_eq!(closings(&server)[0].2.verdict, Verdict::Verified);
}

/// Negative controls: the verdict is not given away.
#[tokio::test]
async fn a_page_that_computed_something_else_is_found_out() {
    let server = TestServer::start().await;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    let mut changed = 0;
    play(&plan, &mut outboxes, |me, body| {
        if let (0, UploadBody::Rows(rows)) = (me, body) {
            for (frame, row) in (rows.first..).zip(&mut rows.rows) {
                if frame == 40 {
                    row.hash[3] ^= 1;
                    changed += 1;
                }
            }
        }
    });
    assert_eq!(changed, 1);
    for (client, outbox) in pair.iter_mut().zip(&mut outboxes) {
        deliver(client, outbox).await;
    }
    // Play goes on, and the data say what happened.
    pair[0].plan(1).await;
    let (_, reason, judgement) = closings(&server).remove(0);
    assert_eq!(reason, CloseReason::Sealed);
    assert_eq!(judgement.verdict, Verdict::Desync);
    assert_eq!(judgement.first_difference.unwrap().frame, 40);
}

#[tokio::test]
async fn an_input_that_was_never_sent_is_disputed() {
    let server = TestServer::start().await;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    let mut forged = 0;
    play(&plan, &mut outboxes, |me, body| {
        if let (0, UploadBody::Journal(batch)) = (me, body) {
            for input in batch.authored.iter_mut().filter(|input| input.frame == 30) {
                input.input[0] ^= 1;
                forged += 1;
            }
        }
    });
    assert_eq!(forged, 1);
    for (client, outbox) in pair.iter_mut().zip(&mut outboxes) {
        deliver(client, outbox).await;
    }
    pair[1].plan(1).await;
    assert_eq!(closings(&server)[0].2.verdict, Verdict::Disputed);
}

/// The partner is gone for good: what there is is cut, judged and kept.
#[tokio::test]
async fn an_episode_without_its_partner_is_cut() {
    let server = TestServer::start().await;
    let ([one, mut two], _, plan) = Client::pair_in_play(&server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    play(&plan, &mut outboxes, |_, _| {});
    let mut one = one;
    one.send(igym_protocol::ClientMessage::Leave).await;
    two.view(|view| matches!(view, View::Playing { flush: true, .. }).then_some(()))
        .await;
    outboxes[1].push(plan.session, plan.episode, UploadBody::Flushed);
    deliver(&mut two, &mut outboxes[1]).await;
    let outcome = two
        .until(|message| match message {
            ServerMessage::View {
                view: View::End { outcome, .. },
                ..
            } => Some(outcome),
            _ => None,
        })
        .await;
    assert_eq!(outcome, Outcome::PartnerLeft);
    let (episode, reason, judgement) = closings(&server).remove(0);
    assert_eq!((episode, reason), (0, CloseReason::Cut));
    assert_eq!(judgement.verdict, Verdict::Partial);
}
