//! The journal is in time, complete and gapless; memory is bounded if nobody takes it.

use std::collections::BTreeMap;

use igym_protocol::{ClientEvent, Path, UploadBody};

use crate::mixer::Mixer;
use crate::plan;
use crate::world::{Weather, World};

const LATEST: u64 = 250_000;

#[test]
fn every_record_leaves_the_page_within_250_milliseconds() {
    for fps in [10, 30, 60] {
        let mut plan = plan::slime_volleyball(3);
        plan.frames_per_second = fps;
        plan.max_steps = 10 * u32::from(fps);
        let mut world = World::new(&plan, Weather::STORM, u64::from(fps));
        world.run_to_the_end();
        for peer in &world.peers {
            let mut records = 0;
            for (made_at, upload) in &peer.uploads {
                let UploadBody::Journal(batch) = &upload.body else {
                    continue;
                };
                let times = (batch.authored.iter().map(|record| record.at_us))
                    .chain(batch.received.iter().map(|record| record.at_us))
                    .chain(batch.presented.iter().map(|record| record.at_us))
                    .chain(batch.keys.iter().map(|record| record.at_us))
                    .chain(batch.network.iter().map(|record| record.at_us))
                    .chain(batch.events.iter().map(event_time));
                for at in times {
                    records += 1;
                    assert!(at <= *made_at, "nothing is recorded before it happens");
                    assert!(
                        made_at - at <= LATEST,
                        "{} µs late at {fps} fps",
                        made_at - at
                    );
                }
            }
            assert!(records > 3 * peer.rows().len(), "only {records} records");
        }
    }
}

fn event_time(event: &ClientEvent) -> u64 {
    match event {
        ClientEvent::Rollback { at_us, .. }
        | ClientEvent::Stall { at_us, .. }
        | ClientEvent::Resume { at_us, .. }
        | ClientEvent::Desync { at_us, .. }
        | ClientEvent::Visibility { at_us, .. }
        | ClientEvent::Route { at_us, .. }
        | ClientEvent::Error { at_us, .. } => *at_us,
    }
}

#[test]
fn uploads_are_gapless_and_the_seal_is_the_last() {
    let plan = plan::slime_volleyball(5);
    let mut world = World::new(&plan, Weather::LOSSY, 5);
    world.run_to_the_end();
    // Partners may need packets long after one has sealed; nothing more is uploaded meanwhile.
    let end = world.now + 2_000_000;
    world.run_until(|world| world.now > end);
    for peer in &world.peers {
        for (expected, (_, upload)) in (1..).zip(&peer.uploads) {
            assert_eq!(upload.seq, expected);
            assert_eq!(
                (upload.session, upload.episode),
                (plan.session, plan.episode)
            );
        }
        let kinds: Vec<&str> = peer.bodies().map(kind).collect();
        assert_eq!(kinds[kinds.len() - 2..], ["report", "seal"]);
        assert_eq!(kinds.iter().filter(|kind| **kind == "seal").count(), 1);
        assert_eq!(kinds.iter().filter(|kind| **kind == "report").count(), 1);
        let chunks = kinds.iter().filter(|kind| **kind == "rows").count();
        assert!(
            (3..10).contains(&chunks),
            "300 rows came in {chunks} chunks"
        );
    }
}

fn kind(body: &UploadBody) -> &'static str {
    match body {
        UploadBody::Journal(_) => "journal",
        UploadBody::Rows(_) => "rows",
        UploadBody::Seal(_) => "seal",
        UploadBody::Flushed => "flushed",
        UploadBody::Report(_) => "report",
    }
}

#[test]
fn what_one_peer_received_is_what_the_other_authored_and_the_path_is_known() {
    for (relayed, expected) in [(0, vec![Path::DataChannel]), (100, vec![Path::Relay])] {
        let weather = Weather {
            relayed,
            ..Weather::LOSSY
        };
        let plan = Mixer::plan(3, 9);
        let mut world = World::build(&plan, weather, 9, |_| Mixer::boxed(3));
        world.run_to_the_end();
        let mut authored = BTreeMap::new();
        for input in world
            .peers
            .iter()
            .flat_map(|peer| peer.batches())
            .flat_map(|batch| &batch.authored)
        {
            authored.insert((input.frame, input.player), &input.input);
        }
        for (me, peer) in (0..).zip(&world.peers) {
            let last = peer.seal().expect("it was run to the end").last_frame;
            let mut received = BTreeMap::new();
            let mut paths = Vec::new();
            for input in peer.batches().flat_map(|batch| &batch.received) {
                assert_ne!(input.player, me);
                let first = received.insert((input.frame, input.player), &input.input);
                assert_eq!(first, None, "an input first arrives once");
                assert_eq!(
                    authored.get(&(input.frame, input.player)),
                    Some(&&input.input)
                );
                paths.push(input.path);
            }
            let from_others =
                (0..=last).flat_map(|frame| (0..3).map(move |player| (frame, player)));
            for key in from_others.filter(|(_, player)| *player != me) {
                assert!(received.contains_key(&key), "{key:?} was received");
            }
            paths.dedup();
            assert_eq!(paths, expected);
        }
    }
}

#[test]
fn presented_frames_say_what_was_a_guess() {
    let plan = plan::slime_volleyball(11);
    let mut world = World::new(&plan, Weather::FAR, 11);
    world.run_to_the_end();
    for (me, peer) in world.peers.iter().enumerate() {
        let rows = peer.rows();
        let presented: Vec<_> = peer.batches().flat_map(|batch| &batch.presented).collect();
        let (mut guessed, mut wrong) = (0, 0);
        for (frame, shown) in (0..).zip(&presented) {
            assert_eq!(
                shown.frame, frame,
                "each frame is first shown once, in order"
            );
            assert_eq!(
                shown.predicted >> me & 1,
                0,
                "nobody guesses their own input"
            );
            let fact = &rows[frame as usize].inputs;
            assert_eq!(shown.inputs[me], fact[me]);
            guessed += u32::from(shown.predicted != 0);
            wrong += u32::from(shown.inputs != *fact);
            assert!(shown.predicted != 0 || shown.inputs == *fact);
        }
        assert!(presented.len() >= rows.len());
        assert!(
            guessed > 100 && wrong > 5,
            "{guessed} guessed, {wrong} wrong"
        );
    }
}

#[test]
fn links_are_sampled_each_second() {
    let mut plan = plan::slime_volleyball(2);
    plan.environment.config = r#"{"max_lives":100}"#.to_owned();
    let mut world = World::new(&plan, Weather::FAR, 2);
    world.run_to_the_end();
    for peer in &world.peers {
        let samples: Vec<_> = peer.batches().flat_map(|batch| &batch.network).collect();
        assert!(
            (9..13).contains(&samples.len()),
            "{} samples",
            samples.len()
        );
        let last = samples.last().expect("there are samples");
        assert!((180_000..260_000).contains(&last.rtt_us), "{}", last.rtt_us);
        assert!(last.sent > 250 && last.received > 200);
    }
}

#[test]
fn an_episode_whose_uploads_nobody_takes_loses_no_fact() {
    let plan = plan::slime_volleyball(4);
    let mut world = World::new(&plan, Weather::FAR, 4);
    world
        .peers
        .iter_mut()
        .for_each(|peer| peer.takes_uploads = false);
    world.run_until(|world| world.peers.iter().all(|peer| peer.episode.status().sealed));
    let now = world.now;
    for peer in &mut world.peers {
        peer.take_uploads(now);
        let seal = peer.seal().expect("everything comes at once").clone();
        assert_eq!(peer.rows().len() as u32, seal.last_frame + 1);
        let authored = peer.batches().flat_map(|batch| &batch.authored).count();
        assert!(authored as u32 > seal.last_frame);
    }
    assert_eq!(world.peers[0].rows(), world.peers[1].rows());
}
