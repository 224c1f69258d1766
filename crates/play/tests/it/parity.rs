//! Peers agree with each other and with a run without a network, byte for byte.

use std::collections::BTreeMap;

use igym_gym::{MultiAgentEnv, Simulation};
use igym_protocol::{CanonicalRow, ClientEvent, EpisodePlan, InputSource, Seal};
use igym_rollback::{ChainHash, Digest, Frame, chain};

use crate::mixer::Mixer;
use crate::plan;
use crate::world::{Weather, World};

/// What must be true of any finished episode.
pub(crate) fn assert_agreement(
    world: &World,
    env: Box<dyn MultiAgentEnv>,
) -> (Seal, Vec<CanonicalRow>) {
    let first = &world.peers[0];
    let seal = first.seal().expect("it was run to the end").clone();
    let rows = first.rows();
    assert_eq!(rows.len() as u32, seal.last_frame + 1);
    assert_eq!(rows.last().expect("there are rows").hash, seal.hash);
    for peer in &world.peers[1..] {
        assert_eq!(peer.seal(), Some(&seal));
        assert_eq!(peer.rows(), rows);
    }
    let simulated = simulate(first.episode.plan(), env, &authored(world));
    assert_eq!(
        simulated, rows,
        "a run without a network gives the same rows"
    );
    (seal, rows)
}

/// Every player's own inputs as that player uploaded them.
pub(crate) fn authored(world: &World) -> BTreeMap<(u32, u8), Vec<u8>> {
    let mut inputs = BTreeMap::new();
    for (player, peer) in (0..).zip(&world.peers) {
        for input in peer.batches().flat_map(|batch| &batch.authored) {
            assert_eq!(input.player, player);
            let first = inputs.insert((input.frame, player), input.input.clone());
            assert_eq!(first, None, "a frame is authored once");
        }
    }
    inputs
}

fn simulate(
    plan: &EpisodePlan,
    env: Box<dyn MultiAgentEnv>,
    inputs: &BTreeMap<(u32, u8), Vec<u8>>,
) -> Vec<CanonicalRow> {
    let mut simulation = Simulation::new(env, igym_play::rules(plan)).expect("the rules fit");
    simulation.reset(plan.seed);
    let mut hash = ChainHash(plan.genesis());
    let mut rows = Vec::new();
    for frame in 0.. {
        let inputs: Vec<Vec<u8>> = (0..plan.seats.len() as u8)
            .map(|player| inputs[&(frame, player)].clone())
            .collect();
        let record = simulation.step(&inputs);
        let digest = record.digest.map(Digest);
        hash = chain(hash, Frame(frame), &inputs, &record.outcome, digest);
        rows.push(CanonicalRow {
            inputs,
            outcome: record.outcome,
            digest: record.digest,
            hash: hash.0,
        });
        if record.terminal {
            break;
        }
    }
    rows
}

/// Guards against agreement about nothing: people acted, and their acts mattered.
pub(crate) fn assert_not_trivial(world: &World, rows: &[CanonicalRow]) {
    let different: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.inputs).collect();
    assert!(
        different.len() > 8,
        "only {} different inputs",
        different.len()
    );
    for peer in &world.peers {
        let sources: Vec<_> = peer
            .batches()
            .flat_map(|batch| &batch.authored)
            .map(|input| input.source)
            .collect();
        assert!(sources.contains(&InputSource::Human));
        assert!(peer.batches().any(|batch| !batch.keys.is_empty()));
    }
}

pub(crate) fn rollbacks(world: &World) -> usize {
    let events = world.peers.iter().flat_map(|peer| peer.batches());
    events
        .flat_map(|batch| &batch.events)
        .filter(|event| matches!(event, ClientEvent::Rollback { .. }))
        .count()
}

fn slime_volleyball(seed: u32, weather: Weather) -> World {
    let plan = plan::slime_volleyball(seed);
    let mut world = World::new(&plan, weather, u64::from(seed));
    world.run_to_the_end();
    let env = igym_envs::create(&plan.environment.id, &plan.environment.config);
    let (_, rows) = assert_agreement(&world, env.expect("it was made before"));
    assert_not_trivial(&world, &rows);
    world
}

#[test]
fn two_players_agree_over_a_calm_network() {
    for seed in 0..2 {
        slime_volleyball(seed, Weather::CALM);
    }
}

#[test]
fn two_players_agree_far_apart() {
    for seed in 0..2 {
        for weather in [Weather::FAR, Weather::FAR_AND_UNSTEADY] {
            let world = slime_volleyball(seed, weather);
            assert!(rollbacks(&world) > 20, "at this delay guesses go wrong");
            for peer in &world.peers {
                let report = peer.report();
                assert!(report.rollbacks > 0 && report.resimulated_frames > report.rollbacks);
                let rtt = u64::from(report.links[0].rtt_median_us);
                let imposed = 2 * weather.delay + weather.jitter;
                assert!(
                    rtt.abs_diff(imposed) < imposed / 4,
                    "{rtt} µs, not {imposed}"
                );
            }
        }
    }
}

#[test]
fn two_players_agree_with_loss_duplication_and_reordering() {
    let mut rolled_back = 0;
    for seed in 0..2 {
        for weather in [Weather::LOSSY, Weather::STORM] {
            let world = slime_volleyball(seed, weather);
            let count = rollbacks(&world);
            assert!(count > 0, "lost packets make guesses go wrong");
            rolled_back += count;
            let lost = world
                .peers
                .iter()
                .map(|peer| peer.report().links[0].packets_lost);
            assert!(lost.sum::<u32>() > 20);
        }
    }
    assert!(rolled_back > 100, "{rolled_back} rollbacks");
}

#[test]
fn any_number_of_players_agree_about_ends_that_were_only_guessed() {
    let mut undone = 0;
    for agents in 1..=4 {
        for seed in 0..4 {
            let plan = Mixer::plan(agents, seed);
            let mut world = World::build(&plan, Weather::STORM, u64::from(seed), move |_| {
                Mixer::boxed(agents)
            });
            world.run_to_the_end();
            let (seal, rows) = assert_agreement(&world, Mixer::boxed(agents));
            assert_not_trivial_if_many(&world, &rows);
            // A frame shown after one that was shown as the end tells of an end undone; so does a
            // last frame that a rollback reached.
            undone += world
                .peers
                .iter()
                .flat_map(|peer| peer.batches())
                .flat_map(|batch| &batch.events)
                .filter(|event| {
                    matches!(event, ClientEvent::Rollback { frame, depth, .. }
                        if *frame > 100 && frame + u32::from(*depth) > seal.last_frame)
                })
                .count();
        }
    }
    assert!(undone > 10, "guessed ends were undone {undone} times");
}

fn assert_not_trivial_if_many(world: &World, rows: &[CanonicalRow]) {
    if world.peers.len() > 1 {
        assert_not_trivial(world, rows);
        assert!(rollbacks(world) > 10);
    }
}
