//! A partner vanishes, and the server asks those who are left for all they hold.

use igym_protocol::UploadBody;

use crate::plan;
use crate::world::{Weather, World};

#[test]
fn a_flush_stops_play_and_everything_held_comes_before_the_answer() {
    let plan = plan::slime_volleyball(8);
    let mut world = World::new(&plan, Weather::FAR, 8);
    world.run_until(|world| world.peers[0].episode.status().confirmed > 100);
    // The partner is gone: nothing arrives any more, and play runs into the window.
    world.weather.loss = 100;
    world.run_until(|world| world.peers[0].episode.status().stalled_by == Some(1));
    let before = world.peers[0].episode.status();
    assert!(before.predicted > 10 && !before.sealed);

    let now = world.now;
    let peer = &mut world.peers[0];
    let time = peer.time(now);
    peer.episode.flush(time);
    assert!(!peer.episode.tick(time));
    peer.take_uploads(now);
    assert!(matches!(peer.bodies().last(), Some(UploadBody::Flushed)));
    assert_eq!(peer.rows().len() as u32, before.confirmed);
    assert_eq!(peer.seal(), None);
    let report = peer.report();
    assert!(report.stalled_ticks > 0);
    let received = peer.batches().flat_map(|batch| &batch.received);
    let last = received.map(|input| input.frame).max().expect("some came");
    assert!(last + 1 >= before.confirmed);

    // From then on nothing happens, whatever comes and however often it is asked.
    let uploads = peer.uploads.len();
    let end = now + 1_000_000;
    world.run_until(|world| world.now > end);
    let peer = &mut world.peers[0];
    assert!(peer.episode.poll_packet().is_none());
    assert_eq!(peer.uploads.len(), uploads);
    let after = peer.episode.status();
    assert!(after.flushed);
    assert_eq!(
        (after.frame, after.confirmed),
        (before.frame, before.confirmed)
    );
}

#[test]
fn a_flush_after_the_seal_is_answered_too() {
    let plan = plan::slime_volleyball(8);
    let mut world = World::new(&plan, Weather::CALM, 8);
    world.run_to_the_end();
    let now = world.now;
    let peer = &mut world.peers[0];
    let uploads = peer.uploads.len();
    let time = peer.time(now);
    peer.episode.flush(time);
    peer.take_uploads(now);
    let after: Vec<_> = peer.bodies().skip(uploads).collect();
    assert!(
        matches!(after.as_slice(), [UploadBody::Flushed]),
        "{after:?}"
    );
}

#[test]
fn an_episode_that_is_let_go_gives_all_that_it_recorded_and_nothing_of_its_end() {
    let plan = plan::slime_volleyball(8);
    let mut world = World::new(&plan, Weather::FAR, 8);
    world.run_until(|world| world.peers[0].episode.status().confirmed > 100);
    let now = world.now;
    let peer = &mut world.peers[0];
    let confirmed = peer.episode.status().confirmed;
    peer.take_uploads(now);
    let frames = |peer: &crate::world::Peer| {
        let authored = peer.batches().flat_map(|batch| &batch.authored);
        authored.map(|input| input.frame).max()
    };
    let (before, rows) = (frames(peer), peer.rows().len());
    assert!((rows as u32) < confirmed, "rows wait for their chunk");

    let time = peer.time(now);
    peer.episode.finish(time);
    peer.take_uploads(now);
    assert_eq!(peer.rows().len() as u32, confirmed);
    assert!(frames(peer) > before, "inputs waited for their batch");
    let end = |body: &UploadBody| {
        matches!(
            body,
            UploadBody::Report(_) | UploadBody::Seal(_) | UploadBody::Flushed
        )
    };
    assert!(!peer.bodies().any(end));
    assert!(peer.episode.poll_upload(time).is_none());
}
