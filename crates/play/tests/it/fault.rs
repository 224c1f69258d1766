//! The negative control: a bit flipped in one peer's state is found, at the very frame.

use igym_protocol::ClientEvent;

use crate::plan;
use crate::world::{Weather, World};

#[test]
fn one_flipped_bit_is_a_desync_at_that_frame_and_play_goes_on() {
    for weather in [Weather::CALM, Weather::FAR, Weather::STORM] {
        let mut plan = plan::slime_volleyball(6);
        plan.digest_interval = 1;
        let mut world = World::new(&plan, weather, 6);
        world.peers[1].episode.inject_fault(120);
        world.run_to_the_end();
        let [ours, theirs] = [0, 1].map(|peer| world.peers[peer].rows());
        assert_eq!(ours[..120], theirs[..120]);
        assert_ne!(ours[120].digest, theirs[120].digest);
        for peer in &world.peers {
            assert_eq!(peer.episode.status().desync_at, Some(120));
            let reported = peer
                .batches()
                .flat_map(|batch| &batch.events)
                .any(|event| matches!(event, ClientEvent::Desync { frame: 120, .. }));
            assert!(reported);
        }
    }
}
