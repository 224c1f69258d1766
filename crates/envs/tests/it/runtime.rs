//! The native port under the native rules against the Python package under the Python runtime: same
//! seeds, same inputs, same bytes of every outcome, although the Python side rolls back in most frames.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use igym_gym::numpy::Pcg64;
use igym_gym::{Outcome, Rules, Simulation, Value};
use serde_json::{Value as Json, json};

use crate::differential::{answers, hex, interpreter};

#[test]
fn native_and_python_slime_volleyball_give_the_same_bytes() {
    let mut episodes = Vec::new();
    for seed in 0..6 {
        episodes.push(play(seed, 1 + 4 * (seed % 2), 150 + 40 * seed));
    }
    let theirs = python(&episodes.iter().map(|one| &one.request).collect::<Vec<_>>());
    assert_eq!(theirs.len(), episodes.len());
    for (episode, theirs) in episodes.iter().zip(&theirs) {
        for (frame, (ours, theirs)) in episode.lines.iter().zip(theirs).enumerate() {
            assert_eq!(ours, theirs, "{} in frame {frame}", episode.request);
        }
        assert_eq!(episode.lines.len(), theirs.len());
    }
    // What is compared must not be trivial.
    let frames: usize = episodes.iter().map(|one| one.lines.len()).sum();
    assert!(frames > 600, "{frames} frames");
    assert!(episodes.iter().any(|one| one.points), "somebody scores");
    assert!(episodes.iter().any(|one| one.cut), "the platform truncates");
    let distinct: std::collections::BTreeSet<_> = episodes.iter().flat_map(|e| &e.lines).collect();
    assert!(distinct.len() * 4 > frames * 3, "most frames differ");
}

struct Episode {
    request: Json,
    lines: Vec<String>,
    points: bool,
    cut: bool,
}

fn play(seed: u32, max_lives: u32, max_steps: u32) -> Episode {
    let config = json!({"human_inputs": true, "max_lives": max_lives, "max_steps": 3000,
        "survival_reward": seed.is_multiple_of(3)});
    let env = igym_envs::create("slime_volleyball", &config.to_string()).unwrap();
    let names = env.agents().to_vec();
    let rules = Rules {
        max_steps,
        digest_interval: 0,
        seats: names.iter().map(|name| vec![name.clone()]).collect(),
        default_action: 0,
    };
    let mut simulation = Simulation::new(env, rules).unwrap();
    simulation.reset(seed);
    let mut random = Pcg64::new(u64::from(seed) + 77);
    let mut episode = Episode {
        request: Json::Null,
        lines: Vec::new(),
        points: false,
        cut: false,
    };
    let (mut all, mut held) = (Vec::new(), [[0_u8]; 2]);
    while !simulation.ended() {
        for one in &mut held {
            if random.random() < 0.2 {
                *one = [random.integers(0, 6) as u8];
            }
        }
        all.push(held.map(|[action]| action));
        let record = simulation.step(&held);
        let outcome = Outcome::decode(&record.outcome).unwrap();
        episode.points |= outcome.agents[0].reward.unwrap_or(0.0).abs() > 0.5;
        episode.cut |= outcome.agents[0].platform_truncated;
        // The package wraps each observation into a dict.
        let seen = names.iter().enumerate().map(|(agent, name)| {
            let inner = BTreeMap::from([("obs".to_owned(), simulation.env().observe(agent))]);
            (name.clone(), Value::Map(inner))
        });
        let seen = Value::Map(seen.collect()).encode();
        episode
            .lines
            .push(format!("{} {}", hex(&record.outcome), hex(&seen)));
    }
    episode.request = json!({
        "config": {"human_inputs": true, "max_steps": 3000, "survival_reward": seed.is_multiple_of(3)},
        "max_lives": max_lives, "max_steps": max_steps, "seed": seed, "inputs": all,
    });
    episode
}

/// The lines that the Python runtime gives, per episode.
fn python(requests: &[&Json]) -> Vec<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(interpreter());
    command
        .args(["-W", "ignore"])
        .arg(root.join("tests/differential/play_runtime.py"))
        .env("PYTHONPATH", root.join("../../python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    answers(
        command,
        &serde_json::to_string(requests).expect("it is plain JSON"),
    )
}
