//! Two peers with the Python package itself behind them, in CPython.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use igym_gym::{Outcome, Rules, Runtime, Simulation};
use igym_play::{Episode, foreign_configuration};
use igym_protocol::EpisodePlan;
use serde_json::{Value as Json, json};

use crate::parity::{assert_not_trivial, authored, rollbacks};
use crate::served;
use crate::world::{Weather, World};

/// An interpreter with one open runtime.
struct Python {
    process: Child,
}

impl Python {
    fn open(configuration: &str) -> (Self, Json) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let process = Command::new(interpreter())
            .args(["-W", "ignore"])
            .arg(root.join("tests/it/python_host.py"))
            .env("PYTHONPATH", root.join("../../python/src"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONHASHSEED", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{error}; prepare it with `cargo xtask test python`"));
        let mut python = Self { process };
        let described = python.ask(1, configuration.as_bytes());
        let described = serde_json::from_slice(&described).unwrap();
        (python, described)
    }

    fn ask(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len() as u32 + 1;
        let request = [&length.to_le_bytes()[..], &[kind], content].concat();
        let pipe = self.process.stdin.as_mut().unwrap();
        pipe.write_all(&request).unwrap();
        pipe.flush().unwrap();
        let pipe = self.process.stdout.as_mut().unwrap();
        let mut length = [0; 4];
        pipe.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u32::from_le_bytes(length) as usize];
        pipe.read_exact(&mut answer).unwrap();
        answer
    }
}

impl Runtime for Python {
    fn reset(&mut self, seed: u32) -> Vec<u8> {
        self.ask(2, &seed.to_le_bytes())
    }

    fn run(&mut self, batch: &[u8]) -> Vec<u8> {
        self.ask(3, batch)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // Without requests it ends.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn interpreter() -> PathBuf {
    match std::env::var_os("IGYM_PYTHON") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python"),
    }
}

/// A plan whose description is what Python says.
fn plan(seed: u32) -> EpisodePlan {
    let mut plan = served::plan(seed);
    let mut config: Json = serde_json::from_str(&plan.environment.config).unwrap();
    let kwargs = json!({"human_inputs": true, "max_lives": 3, "max_steps": 3000,
        "survival_reward": seed.is_multiple_of(2)});
    config["configuration"]["environment"]["kwargs"] = kwargs;
    let (_, described) = Python::open(&config["configuration"].to_string());
    config["description"] = described;
    plan.environment.config = config.to_string();
    plan
}

fn world(plan: &EpisodePlan, weather: Weather, seed: u64) -> World {
    let make = |plan: &EpisodePlan, me, incarnation, at, history| {
        let (python, _) = Python::open(&foreign_configuration(plan).unwrap());
        Episode::foreign(plan, Box::new(python), me, incarnation, at, history).unwrap()
    };
    World::of(plan, weather, seed, Box::new(make))
}

#[test]
fn two_peers_with_python_behind_them_play_what_the_native_environment_plays() {
    for (seed, weather, least) in [(0, Weather::LOSSY, 0), (1, Weather::FAR, 20)] {
        let plan = plan(seed);
        let mut world = world(&plan, weather, seed.into());
        world.draws = true;
        world.run_to_the_end();
        let rows = world.peers[0].rows();
        assert_eq!(rows, world.peers[1].rows());
        assert_eq!(world.peers[0].seal(), world.peers[1].seal());
        assert_not_trivial(&world, &rows);
        assert!(rollbacks(&world) > least);
        assert!(rows.iter().filter(|row| row.digest.is_some()).count() >= 10);

        let rules = Rules {
            max_steps: plan.max_steps,
            digest_interval: 0,
            seats: plan.seats.iter().map(|seat| seat.agents.clone()).collect(),
            default_action: 0,
        };
        let mut native = Simulation::new(served::native(&plan), rules).unwrap();
        native.reset(plan.seed);
        let inputs = authored(&world);
        let mut points = 0;
        for (frame, row) in (0..).zip(&rows) {
            let inputs = [0, 1].map(|player| inputs[&(frame, player)].clone());
            assert_eq!(row.inputs, inputs);
            let outcome = native.step(&inputs).outcome;
            assert_eq!(row.outcome, outcome, "frame {frame}");
            let rewards = Outcome::decode(&outcome).unwrap().agents;
            points += u32::from(rewards[0].reward.is_some_and(|reward| reward.abs() > 0.5));
        }
        assert!(native.ended());
        assert!(points > 0, "somebody scores");
        let scores: Vec<f64> = (world.peers[0].episode.status().scores.iter())
            .map(|score| score.score)
            .collect();
        assert_eq!(scores, native.returns());
    }
}

#[test]
fn a_page_that_is_loaded_again_goes_on_with_a_new_interpreter() {
    let plan = plan(2);
    let mut world = world(&plan, Weather::LOSSY, 2);
    world.run_until(|world| world.peers[0].episode.status().frame > 100);
    world.reload(1);
    world.run_to_the_end();
    let rows = world.peers[0].rows();
    assert_eq!(rows, world.peers[1].rows());
    assert!(rows.len() > 150);
}
