//! Slime volleyball, as the Python package `slimevb` 0.1.1 plays it with its numpy backend.

mod drawing;
mod physics;

use igym_gym::numpy::Pcg64;
use igym_gym::{Action, AgentStep, DType, LoadError, MultiAgentEnv, Space, Surface, Value};
use serde::{Deserialize, Serialize};

use crate::catalogue::EnvironmentInfo;
use physics::{Agent, Ball, LEFT, RIGHT};

/// The entry of the catalogue.
pub(crate) const INFO: EnvironmentInfo = EnvironmentInfo {
    id: "slime_volleyball",
    version: "1",
    title: "Slime volleyball",
    agents: &["agent_left", "agent_right"],
    actions: &[
        (0, "Stay"),
        (1, "Left"),
        (2, "Jump left"),
        (3, "Jump"),
        (4, "Jump right"),
        (5, "Right"),
    ],
    frames_per_second: 30,
    width: drawing::WIDTH,
    height: drawing::HEIGHT,
    default_keys: &[
        (&["ArrowLeft", "ArrowUp"], 2),
        (&["ArrowRight", "ArrowUp"], 4),
        (&["ArrowLeft"], 1),
        (&["ArrowRight"], 5),
        (&["ArrowUp"], 3),
    ],
    default_action: 0,
};

/// The settings of the environment.
///
/// The names are those of the Python package. Its `from_pixels`, `backend` and `seed` have no
/// meaning here, and there is no built-in opponent: an agent without an action does nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlimeVolleyballConfig {
    // In alphabetical order: their serialization is the canonical one.
    /// "Left" and "right" mean the left and right of the screen for both agents, as people expect
    /// of their keys. Without it they are mirrored for the left agent, as trained agents expect,
    /// which see the court from their own side. True unless set; false in the Python package.
    pub human_inputs: bool,
    /// Points that an agent may lose before the episode ends; at 1 the first point ends it.
    pub max_lives: u32,
    /// The episode is truncated after this many frames.
    pub max_steps: u32,
    /// Each frame is worth 0.01 to both agents.
    pub survival_reward: bool,
}

impl Default for SlimeVolleyballConfig {
    fn default() -> Self {
        Self {
            human_inputs: true,
            max_lives: 1,
            max_steps: 3000,
            survival_reward: false,
        }
    }
}

impl SlimeVolleyballConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        for (name, value) in [("max_lives", self.max_lives), ("max_steps", self.max_steps)] {
            if !(1..=i32::MAX as u32).contains(&value) {
                return Err(format!(
                    "{name} must be at least 1 and below 2^31, not {value}"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(self).expect("numbers and booleans have a JSON form")
    }
}

/// Two slimes, a net, a ball. The ball on one's own ground is a point for the other.
#[derive(Clone, Debug)]
pub struct SlimeVolleyball {
    config: SlimeVolleyballConfig,
    names: [String; 2],
    action_space: Space,
    observation_space: Space,
    state: State,
}

/// All that changes in an episode.
#[derive(Clone, Debug, PartialEq)]
struct State {
    ball: Ball,
    agents: [Agent; 2],
    lives: [i32; 2],
    /// Frames for which the ball still hangs in the air before it is served.
    delay: u32,
    time: u32,
    random: Pcg64,
}

/// Frames for which the ball hangs before a serve.
const SERVE_DELAY: u32 = 30;
/// Observations are in tenths.
const OBSERVATION_SCALE: f32 = 10.0;

impl SlimeVolleyball {
    /// A new environment, reset with seed 0.
    pub fn new(config: SlimeVolleyballConfig) -> Self {
        let lives = i32::try_from(config.max_lives).unwrap_or(i32::MAX);
        Self {
            config,
            names: ["agent_left", "agent_right"].map(str::to_owned),
            action_space: Space::Discrete { n: 6 },
            observation_space: Space::Box {
                low: f64::from(f32::MIN),
                high: f64::from(f32::MAX),
                dtype: DType::F32,
                shape: vec![12],
            },
            state: State::new(0, lives),
        }
    }

    /// Seen from the agent's own side: x and vx grow away from the net.
    fn observation(&self, agent: usize) -> [f32; 12] {
        let State { ball, agents, .. } = &self.state;
        let side = physics::SIDES[agent];
        let own = &agents[agent];
        let other = &agents[1 - agent];
        [
            own.x * side,
            own.y,
            own.vx * side,
            own.vy,
            ball.x * side,
            ball.y,
            ball.vx * side,
            ball.vy,
            other.x * -side,
            other.y,
            other.vx * -side,
            other.vy,
        ]
        .map(|number| number / OBSERVATION_SCALE)
    }
}

impl MultiAgentEnv for SlimeVolleyball {
    fn agents(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self, _agent: usize) -> &Space {
        &self.action_space
    }

    fn observation_space(&self, _agent: usize) -> &Space {
        &self.observation_space
    }

    fn reset(&mut self, seed: u32) {
        let lives = i32::try_from(self.config.max_lives).unwrap_or(i32::MAX);
        self.state = State::new(seed, lives);
    }

    fn step(&mut self, actions: &[Option<Action>]) -> Vec<AgentStep> {
        let moves = [LEFT, RIGHT].map(|agent| {
            let action = actions.get(agent).and_then(Option::as_ref);
            let mirrored = self.config.human_inputs && agent == LEFT;
            physics::Move::of(action.and_then(Action::discrete).unwrap_or(0), mirrored)
        });
        let winner = self.state.step(moves, self.config.max_lives > 1);
        let terminated = self.state.lives.iter().any(|lives| *lives <= 0);
        let truncated = self.state.time >= self.config.max_steps;
        let survival = if self.config.survival_reward {
            0.01_f32
        } else {
            0.0
        };
        [LEFT, RIGHT]
            .map(|agent| {
                let point = match winner {
                    Some(winner) if winner == agent => 1.0_f32,
                    Some(_) => -1.0,
                    None => 0.0,
                };
                AgentStep {
                    reward: Some(f64::from(point + survival)),
                    terminated: Some(terminated),
                    truncated: Some(truncated),
                    ..AgentStep::default()
                }
            })
            .into()
    }

    fn observe(&self, agent: usize) -> Value {
        match agent {
            LEFT | RIGHT => Value::f32_array(&self.observation(agent)),
            _ => Value::Null,
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.state.save(out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.state = State::load(bytes)?;
        Ok(())
    }

    fn size(&self) -> (u32, u32) {
        (drawing::WIDTH, drawing::HEIGHT)
    }

    fn render(&self, surface: &mut Surface, viewer: Option<usize>) {
        drawing::draw(surface, &self.state, self.config.max_lives, viewer);
    }
}

impl State {
    const SAVED_LEN: usize = 12 * 4 + 4 * 4 + Pcg64::SAVED_LEN;

    fn new(seed: u32, lives: i32) -> Self {
        let mut random = Pcg64::new(u64::from(seed));
        Self {
            ball: serve(&mut random),
            agents: [Agent::new(LEFT), Agent::new(RIGHT)],
            lives: [lives; 2],
            delay: SERVE_DELAY,
            time: 0,
            random,
        }
    }

    /// One frame; returns who won a point.
    fn step(&mut self, moves: [physics::Move; 2], serve_again: bool) -> Option<usize> {
        for (agent, wanted) in [LEFT, RIGHT].into_iter().zip(moves) {
            self.agents[agent].update(wanted, physics::SIDES[agent]);
        }
        let hanging = self.delay > 0;
        let previous_x = self.ball.x;
        if !hanging {
            self.ball.fly();
        }
        for agent in &self.agents {
            self.ball
                .bounce_off(agent.x, agent.y, physics::AGENT_RADIUS);
        }
        self.ball
            .bounce_off(0.0, physics::NET_HEIGHT, physics::NET_POST_RADIUS);
        let winner = self.ball.check_edges(previous_x);
        if let Some(winner) = winner {
            self.lives[1 - winner] -= 1;
        }
        // The package draws a serve in every frame and uses it only after a point.
        let next = serve(&mut self.random);
        if winner.is_some() && serve_again {
            self.ball = next;
            self.delay = SERVE_DELAY;
        } else if hanging {
            self.delay -= 1;
        }
        self.time += 1;
        winner
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.reserve(Self::SAVED_LEN);
        // First, so that a fault in the first bit never heals: it changes every later state too.
        self.random.save(out);
        let Ball { x, y, vx, vy } = self.ball;
        for number in [x, y, vx, vy] {
            out.extend(number.to_le_bytes());
        }
        for Agent { x, y, vx, vy } in self.agents {
            for number in [x, y, vx, vy] {
                out.extend(number.to_le_bytes());
            }
        }
        for lives in self.lives {
            out.extend(lives.to_le_bytes());
        }
        out.extend(self.delay.to_le_bytes());
        out.extend(self.time.to_le_bytes());
    }

    fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let length = LoadError::Length {
            expected: Self::SAVED_LEN,
            found: bytes.len(),
        };
        if bytes.len() != Self::SAVED_LEN {
            return Err(length);
        }
        let (random, words) = bytes.split_first_chunk().ok_or(length)?;
        let words = words.as_chunks::<4>().0;
        let word = |place: usize| words[place];
        let float = |place: usize| f32::from_le_bytes(word(place));
        let agent = |place: usize| Agent {
            x: float(place),
            y: float(place + 1),
            vx: float(place + 2),
            vy: float(place + 3),
        };
        Ok(Self {
            ball: Ball {
                x: float(0),
                y: float(1),
                vx: float(2),
                vy: float(3),
            },
            agents: [agent(4), agent(8)],
            lives: [12, 13].map(|place| i32::from_le_bytes(word(place))),
            delay: u32::from_le_bytes(word(14)),
            time: u32::from_le_bytes(word(15)),
            random: Pcg64::load(random)
                .ok_or_else(|| LoadError::Invalid("the random generator's state".to_owned()))?,
        })
    }
}

/// The ball over the net, with a random velocity for when it is let go.
fn serve(random: &mut Pcg64) -> Ball {
    let vx = random.uniform(-20.0, 20.0) as f32;
    let vy = random.uniform(10.0, 25.0) as f32;
    Ball {
        x: 0.0,
        y: physics::SERVE_HEIGHT,
        vx,
        vy,
    }
}
