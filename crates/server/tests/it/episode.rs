//! Whole games: two peers as in the browsers, their packets exchanged here, everything else
//! through the server.

use std::collections::VecDeque;

use igym_play::{Episode, Micros, Outbox};
use igym_protocol::{
    CloseReason, Entry, EpisodePlan, History, Judgement, Outcome, Path, Record, Seal,
    ServerMessage, SessionId, UploadBody, Verdict, View,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, TestServer, patiently};

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

/// Two peers and the network between them, in a time of their own.
pub(crate) struct Table {
    plan: EpisodePlan,
    pub(crate) peers: [Option<Episode>; 2],
    travelling: [VecDeque<(u64, Vec<u8>)>; 2],
    random: u64,
    pub(crate) seals: [Option<Seal>; 2],
    rejoined: bool,
    now: u64,
}

impl Table {
    pub(crate) fn new(plan: &EpisodePlan) -> Self {
        let start = Micros(1_000_000);
        let peers = [0, 1].map(|me| Some(Episode::new(plan, me, 1, start).unwrap()));
        Self {
            plan: plan.clone(),
            peers,
            travelling: Default::default(),
            random: u64::from(plan.seed),
            seals: [None, None],
            rejoined: false,
            now: start.0,
        }
    }

    /// The page of this player is no more; what travels to it goes nowhere.
    pub(crate) fn remove(&mut self, player: usize) {
        self.peers[player] = None;
    }

    /// A later page of this player plays on.
    pub(crate) fn rejoin(&mut self, player: u8, incarnation: u32, history: History) {
        let peer = Episode::rejoin(
            &self.plan,
            player,
            incarnation,
            Micros(self.now),
            history.inputs,
        );
        self.travelling[usize::from(player)].clear();
        self.rejoined = true;
        self.peers[usize::from(player)] = Some(peer.unwrap());
    }

    /// One beat of the loop that drives both; what each peer uploads passes `change` first.
    pub(crate) fn beat(
        &mut self,
        outboxes: &mut [Outbox; 2],
        change: &mut impl FnMut(usize, &mut UploadBody),
    ) {
        assert!(self.now < 120_000_000, "the episode does not end");
        self.now += BEAT_US;
        let now = self.now;
        for (me, outbox) in outboxes.iter_mut().enumerate() {
            self.random = self
                .random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let Some(peer) = &mut self.peers[me] else {
                continue;
            };
            while let Some((due, _)) = self.travelling[me].front()
                && *due <= now
            {
                let (_, bytes) = self.travelling[me].pop_front().unwrap();
                let from = u8::try_from(1 - me).unwrap();
                let taken = peer.handle_packet(from, Path::DataChannel, &bytes, Micros(now));
                // A partner's short packets mean nothing to a page that has just come.
                assert!(taken.is_ok() || self.rejoined, "{taken:?}");
            }
            let key = ["ArrowLeft", "ArrowRight", "ArrowUp"][(self.random >> 33) as usize % 3];
            peer.key(key, self.random >> 63 == 0, Micros(now));
            peer.tick(Micros(now));
            while let Some(packet) = peer.poll_packet() {
                self.travelling[1 - me].push_back((now + LATENCY_US, packet.bytes));
            }
            while let Some(mut body) = peer.poll_upload(Micros(now)) {
                if let UploadBody::Seal(seal) = &body {
                    self.seals[me] = Some(seal.clone());
                }
                change(me, &mut body);
                outbox.push(self.plan.session, self.plan.episode, body);
            }
        }
    }

    pub(crate) fn play_to_the_end(
        &mut self,
        outboxes: &mut [Outbox; 2],
        mut change: impl FnMut(usize, &mut UploadBody),
    ) -> Played {
        while self.seals.iter().any(Option::is_none) {
            self.beat(outboxes, &mut change);
        }
        assert_eq!(self.seals[0], self.seals[1]);
        let peers = self.peers.iter().flatten();
        let rollbacks = peers.map(|peer| u64::from(peer.status().rollbacks));
        Played {
            rollbacks: rollbacks.sum(),
            last_frame: self.seals[0].as_ref().unwrap().last_frame,
        }
    }
}

/// Plays an episode to its end; what each peer uploads passes `change` first.
pub(crate) fn play(
    plan: &EpisodePlan,
    outboxes: &mut [Outbox; 2],
    change: impl FnMut(usize, &mut UploadBody),
) -> Played {
    Table::new(plan).play_to_the_end(outboxes, change)
}

/// Sends everything and waits until all of it is acknowledged.
pub(crate) async fn deliver(client: &mut Client, outbox: &mut Outbox) {
    while outbox.unacknowledged() > 0 {
        match outbox.poll() {
            Some(bytes) => client.send_raw(Message::binary(bytes)).await,
            None => {
                let (incarnation, seq) = client.acknowledgement().await;
                outbox.handle_ack(incarnation, seq);
            }
        }
    }
}

/// The verdicts, once there are so many, by episode. Nothing else waits for them.
pub(crate) async fn closings(
    server: &TestServer,
    count: usize,
) -> Vec<(u32, CloseReason, Judgement)> {
    // Once they are counted, too.
    let mut summary = server.running.summary();
    let judged = summary.wait_for(|summary| summary.judged >= count as u64);
    drop(
        patiently("the verdicts", judged)
            .await
            .expect("it is served"),
    );
    closings_among(server, |_| true, count).await
}

/// Of the chosen sessions alone.
pub(crate) async fn closings_among(
    server: &TestServer,
    chosen: impl Fn(SessionId) -> bool,
    count: usize,
) -> Vec<(u32, CloseReason, Judgement)> {
    let mut summary = server.running.summary();
    let all = async {
        loop {
            summary.mark_unchanged();
            let mut entries = server.journal();
            entries.retain(
                |entry| matches!(entry.record, Record::EpisodeClosed { session, .. } if chosen(session)),
            );
            let mut closings = closings_of(entries);
            if closings.len() >= count {
                closings.sort_by_key(|(episode, ..)| *episode);
                return closings;
            }
            summary.changed().await.expect("it is served");
        }
    };
    patiently("the verdicts", all).await
}

pub(crate) fn closings_of(entries: Vec<Entry>) -> Vec<(u32, CloseReason, Judgement)> {
    let entries = entries.into_iter();
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
    assert_eq!(closings(&server, 2).await, expected);
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
    assert_eq!(closings(&server, 1).await[0].2.verdict, Verdict::Verified);
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
    let (_, reason, judgement) = closings(&server, 1).await.remove(0);
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
    assert_eq!(closings(&server, 1).await[0].2.verdict, Verdict::Disputed);
    // Both versions are kept: the author's own counts, the partner's copy speaks against it.
    let journal = igym_dataset::Journal::from_entries(server.journal());
    let log = journal.episode(plan.session, 0).unwrap();
    let contradictions: Vec<_> = log.contradictions().collect();
    let [contradiction] = &contradictions[..] else {
        panic!("{contradictions:?}");
    };
    assert_eq!((contradiction.frame, contradiction.player), (30, 0));
    let (held, against) = (&contradiction.held, &contradiction.against);
    assert_eq!((held.by, against.by), (0, 1));
    assert_eq!(held.input[0], against.input[0] ^ 1);
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
    let (episode, reason, judgement) = closings(&server, 1).await.remove(0);
    assert_eq!((episode, reason), (0, CloseReason::Cut));
    assert_eq!(judgement.verdict, Verdict::Partial);
}
