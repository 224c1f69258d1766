//! The parity probe: what every build of this crate must compute alike.

use std::fmt::Write;

use igym_gym::numpy::Pcg64;
use igym_gym::{Rules, Simulation};

use crate::create;

/// Frames between two hashes of [`reference_trajectory`].
const INTERVAL: u32 = 100;

/// Plays slime volleyball with the environment seed `seed` and random actions of its own, in
/// episodes one after another, for `frames` frames. Returns one line per hundred frames: the
/// frame, and the hex hash of state, observations and outcomes up to it.
///
/// Native and WebAssembly builds must return the same text; tests compare them with each other
/// and with a committed file.
pub fn reference_trajectory(seed: u32, frames: u32) -> String {
    let env = create("slime_volleyball", r#"{"max_lives":5,"max_steps":700}"#)
        .expect("the configuration is valid");
    let seats = env.agents().iter().map(|name| vec![name.clone()]).collect();
    let rules = Rules {
        max_steps: 600,
        digest_interval: 0,
        seats,
        default_action: 0,
    };
    let mut simulation = Simulation::new(env, rules).expect("the rules fit the environment");
    let mut actions = Pcg64::new(u64::from(seed));
    let mut episode_seed = seed;
    simulation.reset(episode_seed);
    let mut hasher = blake3::Hasher::new();
    let mut lines = String::new();
    for frame in 1..=frames {
        if simulation.ended() {
            episode_seed = episode_seed.wrapping_add(1);
            simulation.reset(episode_seed);
        }
        let inputs = [0, 1].map(|_| [actions.integers(0, 6) as u8]);
        hasher.update(&simulation.step(&inputs).outcome);
        for agent in 0..simulation.env().agents().len() {
            hasher.update(&simulation.env().observe(agent).encode());
        }
        hasher.update(&simulation.state());
        if frame % INTERVAL == 0 {
            let hash = hasher.finalize().to_hex();
            writeln!(lines, "{frame} {}", &hash[..32]).expect("a string takes any text");
        }
    }
    lines
}
