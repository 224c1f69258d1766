//! One game in two languages: the native port, and the Python package in Pyodide, which rolls back in
//! most frames. Same seeds, same inputs: the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use igym_gym::numpy::Pcg64;
use igym_gym::{Description, Foreign, Operations, Rules, Simulation, Value};
use igym_pyworker::{Node, PATIENCE, Pool, Quiet, prepare};
use serde_json::json;

use crate::support::{Place, cache, platform, preparing, slimevb};

/// That of the example, so that the same game is compared that people play.
const ENVIRONMENT: &str = include_str!("../../../../examples/python_slime_volleyball/env.py");

#[test]
fn native_and_python_slime_volleyball_are_the_same_game_in_pyodide() {
    let (mut python, mut native) = (python(), native());
    let (mut seen, mut frames, mut points) = (BTreeSet::new(), 0, 0.0);
    for seed in [3, 11, 40] {
        let [first, _] = python.reset(seed).unwrap();
        native.reset(seed);
        assert_eq!(first, observed(&native));
        let mut random = Pcg64::new(u64::from(seed) + 77);
        let mut held = [[0_u8]; 2];
        while !native.ended() {
            let frame = native.frame();
            for one in &mut held {
                if random.random() < 0.2 {
                    *one = [random.integers(0, 6) as u8];
                }
            }
            let record = native.step(&held);
            let mut operations = Operations::detailed();
            operations.save(frame);
            for ahead in 0..frame % 4 {
                let wrong = held.map(|[action]| [(action + 1 + ahead as u8) % 6]);
                operations.step(frame + ahead, &wrong);
            }
            operations.load(frame).step(frame, &held);
            let answer = python.run(&operations).unwrap();
            let (step, details) = (answer.steps.last(), answer.details.last());
            let (step, details) = (step.unwrap(), details.unwrap());
            assert_eq!(
                (&step.outcome, step.terminal),
                (&record.outcome, record.terminal),
                "seed {seed}, frame {frame}"
            );
            assert_eq!(
                details.seen,
                observed(&native),
                "seed {seed}, frame {frame}"
            );
            assert_eq!(details.applied, held, "seed {seed}, frame {frame}");
            seen.insert(record.outcome);
            seen.insert(Value::Map(details.seen.clone()).encode());
            frames += 1;
        }
        assert!(python.ended());
        assert_eq!(python.returns(), native.returns());
        points += native.returns()[0].abs();
    }
    // What is compared must not be trivial.
    assert!(frames > 300, "{frames} frames");
    assert!(points > 0.0, "somebody scores");
    assert!(seen.len() > frames, "{} different values", seen.len());
}

fn python() -> Foreign {
    let place = Place::new(&[("env.py", ENVIRONMENT)]);
    let mut study = slimevb(&place);
    let environment = json!({"file": "env.py", "kwargs": {"lives": 2, "frames": 3000}});
    study.environments[0].configuration = json!({"environment": environment, "bindings": [1]});
    let platform = platform();
    let prepared = prepare(&study, &place.prepared(), &platform, &preparing(), &Quiet)
        .expect("the package can be had");
    let configuration = json!({
        "environment": environment, "base": "/igym/study", "bindings": [1], "max_steps": 400,
        "seats": [["agent_left"], ["agent_right"]],
    });
    let spec = json!({"configuration": configuration, "description": prepared.descriptions[0]});
    let pool = Pool::new(
        Node::find(&cache()).expect("Node is there"),
        platform
            .headless(&cache())
            .expect("the tests' folder can be used"),
        place.prepared(),
        prepared.lock,
        1,
        PATIENCE,
    );
    let runtime = pool
        .open(&configuration.to_string())
        .expect("it was played before");
    Foreign::new(
        Description::from_config(&spec.to_string()).expect("it was described"),
        Box::new(runtime),
    )
}

fn native() -> Simulation {
    let config = json!({"human_inputs": true, "max_lives": 2, "max_steps": 3000});
    let env = igym_envs::create("slime_volleyball", &config.to_string())
        .expect("the configuration is right");
    let rules = Rules {
        max_steps: 400,
        digest_interval: 0,
        seats: ["agent_left", "agent_right"]
            .map(|name| vec![name.to_owned()])
            .to_vec(),
        default_action: 0,
    };
    Simulation::new(env, rules).expect("the rules fit")
}

/// What the agents see; the package wraps each observation into a dict.
fn observed(native: &Simulation) -> BTreeMap<String, Value> {
    let names = native.env().agents().iter().enumerate();
    names
        .map(|(agent, name)| {
            let inner = BTreeMap::from([("obs".to_owned(), native.env().observe(agent))]);
            (name.clone(), Value::Map(inner))
        })
        .collect()
}
