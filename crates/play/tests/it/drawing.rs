//! A page that applies differences shows what a page drawn anew shows.

use std::collections::BTreeMap;

use igym_gym::{DrawDelta, DrawObject};
use proptest::prelude::*;

use crate::mixer::Mixer;
use crate::plan;
use crate::world::{Weather, World};

/// A page as the protocol describes it: apply `removed`, then `set`, then `order`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    objects: BTreeMap<String, DrawObject>,
    order: Vec<String>,
}

impl Page {
    pub(crate) fn apply(&mut self, delta: &DrawDelta) {
        for id in &delta.removed {
            assert!(self.objects.remove(id).is_some(), "{id} was not shown");
        }
        for object in &delta.set {
            let before = self.objects.insert(object.id.clone(), object.clone());
            if let Some(before) = before {
                let kind = std::mem::discriminant(&before.shape);
                assert_eq!(kind, std::mem::discriminant(&object.shape));
            }
        }
        if let Some(order) = &delta.order {
            self.order = order.clone();
        }
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        assert!(
            sorted.iter().eq(self.objects.keys()),
            "the order names what is shown"
        );
    }
}

fn assert_pages_are_right(mut world: World, seed: u64) {
    let mut random = crate::random::Random(seed);
    world.draws = true;
    let mut compared = 0;
    while compared < 20 {
        let until = world.now + random.below(400_000) + 1;
        world.run_until(|world| world.now >= until);
        for peer in &mut world.peers {
            let mut anew = Page::default();
            anew.apply(&peer.redraw());
            assert_eq!(peer.page, anew);
            assert!(!anew.objects.is_empty());
            assert!(peer.episode.draw().is_empty(), "nothing changed since");
        }
        compared += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn differences_add_up_to_the_whole_picture(seed: u32) {
        let plan = Mixer::plan(4, seed);
        let world = World::build(&plan, Weather::STORM, u64::from(seed), |_| Mixer::boxed(4));
        assert_pages_are_right(world, u64::from(seed));
        let plan = plan::slime_volleyball(seed);
        let world = World::new(&plan, Weather::FAR, u64::from(seed));
        assert_pages_are_right(world, u64::from(seed));
    }
}

#[test]
fn little_is_sent_while_little_changes() {
    let plan = plan::slime_volleyball(1);
    let mut world = World::new(&plan, Weather::CALM, 1);
    world.run_until(|world| world.peers[0].episode.status().frame > 60);
    let whole = world.peers[0].redraw().set.len();
    let until = world.now + 40_000;
    world.run_until(|world| world.now >= until);
    let peer = &mut world.peers[0];
    let now = peer.time(until);
    peer.episode.tick(now);
    let changed = peer.episode.draw().set.len();
    assert!(changed < whole, "{changed} of {whole} objects");
}
