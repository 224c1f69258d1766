//! Which way packets take when the DataChannel fails, in one direction or both, and heals.

use igym_protocol::{ClientEvent, Path};

use crate::plan;
use crate::world::{Weather, World};

fn world(weather: Weather, seed: u32) -> World {
    let mut world = World::new(&plan::slime_volleyball(seed), weather, seed.into());
    world.routed = true;
    world
}

/// The switches that a peer recorded.
fn switches(world: &World, peer: usize) -> Vec<Path> {
    let events = world.peers[peer].batches().flat_map(|batch| &batch.events);
    let path = |event: &ClientEvent| match event {
        ClientEvent::Route { path, .. } => Some(*path),
        _ => None,
    };
    events.filter_map(path).collect()
}

/// How many inputs first came to the peer over the DataChannel, and by the relay.
fn received(world: &World, peer: usize) -> [usize; 2] {
    let batches = world.peers[peer].batches();
    let inputs: Vec<_> = batches.flat_map(|batch| &batch.received).collect();
    [Path::DataChannel, Path::Relay]
        .map(|path| inputs.iter().filter(|input| input.path == path).count())
}

fn relayed(world: &World) -> [bool; 2] {
    [0, 1].map(|peer| world.peers[peer].episode.status().links[0].relayed)
}

fn finish(world: &mut World) {
    world.run_to_the_end();
    assert_eq!(world.peers[0].rows(), world.peers[1].rows());
    assert_eq!(world.peers[0].seal(), world.peers[1].seal());
}

fn expect_all_direct(world: &World) {
    for peer in [0, 1] {
        assert_eq!(switches(world, peer), []);
        let [direct, relay] = received(world, peer);
        assert!(direct > 100 && relay == 0, "{direct}, {relay}");
    }
}

#[test]
fn while_the_data_channel_carries_nothing_is_relayed() {
    for weather in [Weather::CALM, Weather::FAR, Weather::LOSSY] {
        let mut world = world(weather, 3);
        world.set_channels(true);
        finish(&mut world);
        expect_all_direct(&world);
    }
}

#[test]
fn without_a_data_channel_everything_is_relayed() {
    for relay_only in [false, true] {
        let mut world = world(Weather::FAR, 4);
        if relay_only {
            for peer in &mut world.peers {
                peer.episode.set_relay_only();
            }
            // What the study forbids is not used, whatever the page says.
            world.set_channels(true);
        }
        finish(&mut world);
        for peer in [0, 1] {
            assert_eq!(switches(&world, peer), [Path::Relay]);
            let [direct, relay] = received(&world, peer);
            assert!(direct == 0 && relay > 100, "{direct}, {relay}");
        }
    }
}

/// Nobody who hears nothing, and nobody whose channel has closed, asks the server.
#[test]
fn where_the_study_forbids_it_nothing_is_relayed_whatever_fails() {
    let mut world = world(Weather::LOSSY, 6);
    world.direct_only = true;
    for peer in &mut world.peers {
        peer.episode.set_direct_only();
    }
    world.set_channels(true);
    world.run_until(|world| world.peers[0].episode.status().confirmed > 40);
    world.failed.insert((1, 0));
    let deaf_until = world.now + 2_000_000;
    world.run_until(|world| world.now >= deaf_until);
    world.set_channels(false);
    let closed_until = world.now + 2_000_000;
    world.run_until(|world| world.now >= closed_until);
    assert_eq!(relayed(&world), [false, false]);
    world.failed.clear();
    world.set_channels(true);
    finish(&mut world);
    expect_all_direct(&world);
}

/// A channel that fails without being closed, in one direction or in both, and carries again.
#[test]
fn a_failure_is_relayed_around_and_healed() {
    for failed in [vec![(1, 0)], vec![(0, 1)], vec![(0, 1), (1, 0)]] {
        let mut world = world(Weather::LOSSY, 5);
        world.set_channels(true);
        world.run_until(|world| world.peers[0].episode.status().confirmed > 40);
        assert_eq!(relayed(&world), [false, false]);
        world.failed.extend(&failed);
        world.run_until(|world| relayed(world) == [true, true]);
        let confirmed = world.peers[0].episode.status().confirmed;
        world.run_until(|world| world.peers[0].episode.status().confirmed > confirmed + 40);
        assert_eq!(relayed(&world), [true, true]);
        world.failed.clear();
        let healed = world.now;
        world.run_until(|world| relayed(world) == [false, false]);
        let took = world.now - healed;
        assert!(took < 3_000_000, "{took} us until both rely on it again");
        finish(&mut world);
        for peer in [0, 1] {
            assert_eq!(switches(&world, peer), [Path::Relay, Path::DataChannel]);
            let deaf = failed.contains(&(1 - peer, peer));
            let [direct, relay] = received(&world, peer);
            assert!(direct > 60 && (!deaf || relay > 30), "{direct}, {relay}");
        }
    }
}
