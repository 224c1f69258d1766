//! The port against the Python package: same seeds, same actions, same bits.
//!
//! There is no tolerance. The package's numpy backend computes in `float32`, one rounding per
//! operation, with additions, multiplications, divisions and square roots only; the port does the
//! same operations in the same order, so every observation and reward must be equal to the bit,
//! the sign of a zero included.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use igym_envs::{SlimeVolleyball, SlimeVolleyballConfig};
use igym_gym::numpy::Pcg64;
use igym_gym::{Action, AgentStep, MultiAgentEnv, Value};
use serde_json::json;

#[test]
fn slime_volleyball_equals_the_python_package() {
    let episodes = episodes();
    let ours: Vec<Vec<String>> = episodes
        .iter()
        .map(|episode| episode.lines.clone())
        .collect();
    let theirs = python(&episodes);
    assert_eq!(ours.len(), theirs.len(), "Python played other episodes");
    for (episode, (ours, theirs)) in episodes.iter().zip(ours.iter().zip(&theirs)) {
        let difference = ours
            .iter()
            .zip(theirs)
            .position(|(ours, theirs)| ours != theirs);
        if let Some(line) = difference {
            panic!(
                "seed {} with {:?} differs after {line} frames:\nours   {}\ntheirs {}",
                episode.seed,
                episode.config,
                readable(&ours[line]),
                readable(&theirs[line]),
            );
        }
        assert_eq!(
            ours.len(),
            theirs.len(),
            "seed {} ends at another frame",
            episode.seed
        );
    }
    guard(&episodes);
}

/// What is compared must not be trivial: points for both sides, truncations, rallies, long play.
fn guard(episodes: &[Episode]) {
    let count = |what: fn(&Episode) -> bool| episodes.iter().filter(|e| what(e)).count();
    assert!(episodes.len() >= 40);
    assert!(count(|e| e.winner == Some(0)) >= 5, "the left side wins");
    assert!(count(|e| e.winner == Some(1)) >= 5, "the right side wins");
    assert!(count(|e| e.truncated) >= 5, "episodes are truncated");
    assert!(count(|e| e.frames >= 1500) >= 2, "some are long");
    let rebounds: usize = episodes.iter().map(|e| e.rebounds).sum();
    assert!(
        rebounds >= 150,
        "the ball bounces upwards off slimes and net: {rebounds}"
    );
    let turns: usize = episodes.iter().map(|e| e.turns).sum();
    assert!(turns >= 150, "the ball bounces sideways: {turns}");
}

struct Episode {
    config: SlimeVolleyballConfig,
    seed: u32,
    /// `None` for an agent without an action.
    actions: Vec<[Option<u32>; 2]>,
    /// What the port gave: the reset, then each frame.
    lines: Vec<String>,
    frames: usize,
    winner: Option<usize>,
    truncated: bool,
    /// Frames in which the ball's vertical and horizontal velocity turned round.
    rebounds: usize,
    turns: usize,
}

/// How the two agents choose.
#[derive(Clone, Copy)]
enum Style {
    /// Each frame anew.
    Random,
    /// A random action for a random while.
    Held,
    /// Mostly after the ball, so that rallies last.
    Chase,
    /// As `Held`, but the right agent often has no action.
    Absent,
}

fn episodes() -> Vec<Episode> {
    let config = |human_inputs, max_lives, max_steps, survival_reward| SlimeVolleyballConfig {
        human_inputs,
        max_lives,
        max_steps,
        survival_reward,
    };
    let mut episodes = Vec::new();
    for seed in 0..24 {
        let style = [Style::Random, Style::Held, Style::Absent][seed as usize % 3];
        episodes.push(play(config(seed % 2 == 0, 1, 3000, false), seed, style));
    }
    for seed in 100..112 {
        episodes.push(play(config(false, 1, 3000, true), seed, Style::Chase));
    }
    for seed in 200..206 {
        let max_steps = 20 + seed % 100 * 9;
        episodes.push(play(
            config(true, 1, max_steps, seed % 2 == 0),
            seed,
            Style::Held,
        ));
    }
    for seed in [0x7fff_ffff, 0x8000_0000, u32::MAX] {
        episodes.push(play(config(true, 5, 3000, false), seed, Style::Random));
    }
    for seed in 300..303 {
        episodes.push(play(config(true, 20, 2000, true), seed, Style::Chase));
    }
    episodes.push(play(config(true, 60, 3000, false), 400, Style::Held));
    episodes
}

/// Plays the port, and writes down the actions for Python to play again.
fn play(config: SlimeVolleyballConfig, seed: u32, style: Style) -> Episode {
    let mut env = SlimeVolleyball::new(config.clone());
    let mut random = Pcg64::new(u64::from(seed) + 1_000_000);
    env.reset(seed);
    let mut episode = Episode {
        config,
        seed,
        actions: Vec::new(),
        lines: vec![observations(&env)],
        frames: 0,
        winner: None,
        truncated: false,
        rebounds: 0,
        turns: 0,
    };
    let mut held = [Some(0); 2];
    loop {
        let before = seen(&env, 1);
        for (agent, held) in held.iter_mut().enumerate() {
            *held = choose(style, &mut random, &seen(&env, agent), *held, agent);
            if episode.config.human_inputs && agent == 0 && matches!(style, Style::Chase) {
                *held = held.map(|action| [0, 5, 4, 3, 2, 1][action as usize]);
            }
        }
        episode.actions.push(held);
        let steps = env.step(&held.map(|action| action.map(Action::Discrete)));
        episode.lines.push(line(&env, &steps));
        episode.frames += 1;
        let after = seen(&env, 1);
        episode.rebounds += usize::from(before[7] < 0.0 && after[7] > 0.0);
        episode.turns += usize::from(before[6] * after[6] < 0.0);
        episode.truncated = steps[0].truncated == Some(true);
        if steps[0].terminated == Some(true) || episode.truncated {
            let won = |step: &AgentStep| step.reward > Some(0.5);
            episode.winner = steps.iter().position(won);
            return episode;
        }
    }
}

fn choose(
    style: Style,
    random: &mut Pcg64,
    observation: &[f32],
    held: Option<u32>,
    agent: usize,
) -> Option<u32> {
    let any = random.integers(0, 6) as u32;
    let chance = random.random();
    match style {
        Style::Random => Some(any),
        Style::Held => (if chance < 0.12 { Some(any) } else { held }).or(Some(0)),
        Style::Absent if agent == 1 && chance < 0.2 => None,
        Style::Absent => Some(any),
        Style::Chase if chance < 0.05 => Some(any),
        Style::Chase => {
            // Waits a little behind the place where the ball comes down, in the coordinates of
            // an observation, in which "left" is towards the net.
            let [x, _, _, _, ball_x, ball_y, ball_vx, ball_vy, ..] = observation else {
                panic!("an observation has 12 numbers");
            };
            const GRAVITY: f32 = 2.205;
            let drop = (ball_y - 0.35).max(0.0);
            let time = (ball_vy + (ball_vy * ball_vy + 2.0 * GRAVITY * drop).sqrt()) / GRAVITY;
            let landing = ball_x + ball_vx * time;
            let landing = landing.min(4.7 - landing);
            let target = if landing < 0.0 { 1.2 } else { landing + 0.05 };
            let close = landing > 0.0 && drop < 0.25 && (ball_x - x).abs() < 0.2;
            Some(match (close && chance < 0.5, target - x) {
                (true, _) => 2,
                (false, way) if way < -0.03 => 1,
                (false, way) if way > 0.03 => 5,
                (false, _) => 0,
            })
        }
    }
}

fn seen(env: &SlimeVolleyball, agent: usize) -> Vec<f32> {
    let Value::Array { bytes, .. } = env.observe(agent) else {
        panic!("an observation is an array");
    };
    let (elements, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    elements
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn observations(env: &SlimeVolleyball) -> String {
    let hex = |agent| {
        seen(env, agent).iter().fold(String::new(), |text, number| {
            text + &hex(&number.to_le_bytes())
        })
    };
    format!("{} {}", hex(0), hex(1))
}

fn line(env: &SlimeVolleyball, steps: &[AgentStep]) -> String {
    let mut line = observations(env);
    for step in steps {
        let reward = step.reward.expect("every frame has rewards");
        line += &format!(" {}", hex(&reward.to_le_bytes()));
    }
    assert_eq!(steps[0].terminated, steps[1].terminated);
    assert_eq!(steps[0].truncated, steps[1].truncated);
    for end in [steps[0].terminated, steps[0].truncated] {
        line += if end == Some(true) { " 1" } else { " 0" };
    }
    line
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers behind a line, for people.
fn readable(line: &str) -> String {
    let bytes = |digits: &str| -> Vec<u8> {
        (0..digits.len() / 2)
            .filter_map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok())
            .collect()
    };
    line.split(' ')
        .map(|word| match word.len() {
            96 => format!(
                "{:?}",
                bytes(word)
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes))
                    .collect::<Vec<_>>()
            ),
            16 => format!(
                "{:?}",
                f64::from_le_bytes(bytes(word).try_into().unwrap_or_default())
            ),
            _ => word.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The lines that Python writes, per episode.
fn python(episodes: &[Episode]) -> Vec<Vec<String>> {
    let request: Vec<_> = episodes
        .iter()
        .map(|episode| {
            json!({
                "config": {
                    "human_inputs": episode.config.human_inputs,
                    "max_steps": episode.config.max_steps,
                    "survival_reward": episode.config.survival_reward,
                },
                "max_lives": episode.config.max_lives,
                "seed": episode.seed,
                "actions": episode.actions,
            })
        })
        .collect();
    let request = serde_json::to_string(&request).expect("it is plain JSON");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/play_slimevb.py");
    let mut command = Command::new(interpreter());
    command.arg(script);
    answers(command, &request)
}

/// What a script answers to a request: lines, per episode.
pub(crate) fn answers(mut command: Command, request: &str) -> Vec<Vec<String>> {
    let missing = format!(
        "no Python with slimevb at {}: run `cargo xtask setup`",
        interpreter().display()
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|_| panic!("{missing}"));
    // A Python that stopped early closes its end; its message says more than the broken pipe.
    let _ = child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(request.as_bytes());
    let output = child.wait_with_output().expect("the child runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!complaint.starts_with("missing:"), "{missing}");
    assert!(
        output.status.success(),
        "the Python side failed: {complaint}"
    );
    let text = String::from_utf8(output.stdout).expect("Python wrote text");
    text.split("episode\n")
        // What stands before the first is empty.
        .skip(1)
        .map(|episode| episode.lines().map(str::to_owned).collect())
        .collect()
}

pub(crate) fn interpreter() -> PathBuf {
    match std::env::var_os("IGYM_PYTHON") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python"),
    }
}
