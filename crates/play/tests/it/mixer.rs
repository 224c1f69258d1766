//! A test environment for any number of agents in which everything depends on every input, and
//! whose end depends on them too, so that peers often see an end that a rollback undoes.

use std::collections::BTreeMap;

use igym_gym::{Action, AgentStep, LoadError, MultiAgentEnv, Space, Surface, Value};
use igym_protocol::{EnvironmentSpec, EpisodePlan};

use crate::plan;

pub(crate) struct Mixer {
    agents: Vec<String>,
    space: Space,
    /// Mixed with every action of every frame.
    word: u64,
    frame: u32,
}

const NAMES: [&str; 4] = ["north", "east", "south", "west"];
const ACTIONS: u32 = 6;

impl Mixer {
    pub(crate) fn boxed(agents: usize) -> Box<dyn MultiAgentEnv> {
        Box::new(Self {
            agents: NAMES[..agents].iter().map(ToString::to_string).collect(),
            space: Space::Discrete { n: ACTIONS },
            word: 0,
            frame: 0,
        })
    }

    /// A plan for it, one player per agent.
    pub(crate) fn plan(agents: usize, seed: u32) -> EpisodePlan {
        let mut plan = plan::slime_volleyball(seed);
        plan.environment = EnvironmentSpec {
            id: "mixer".to_owned(),
            version: "1".to_owned(),
            config: "{}".to_owned(),
        };
        plan.seats = plan::seats(&NAMES[..agents]);
        plan.digest_interval = 7;
        plan
    }
}

impl MultiAgentEnv for Mixer {
    fn agents(&self) -> &[String] {
        &self.agents
    }

    fn action_space(&self, _agent: usize) -> &Space {
        &self.space
    }

    fn observation_space(&self, _agent: usize) -> &Space {
        &self.space
    }

    fn reset(&mut self, seed: u32) {
        self.word = u64::from(seed);
        self.frame = 0;
    }

    fn step(&mut self, actions: &[Option<Action>]) -> Vec<AgentStep> {
        self.frame += 1;
        for action in actions {
            let number = action
                .as_ref()
                .and_then(Action::discrete)
                .unwrap_or(ACTIONS);
            self.word = (self.word ^ u64::from(number)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        // From frame 100 on, one state in 24 ends the episode.
        let over = self.frame > 100 && (self.word >> 32).is_multiple_of(24);
        (0..)
            .zip(&self.agents)
            .map(|(place, _)| AgentStep {
                reward: Some(f64::from((self.word >> (8 * place)) as u8) - 127.5),
                terminated: Some(over),
                truncated: Some(false),
                info: BTreeMap::from([("word".to_owned(), Value::Int(self.word as i64))]),
            })
            .collect()
    }

    fn observe(&self, _agent: usize) -> Value {
        Value::Int(self.word as i64)
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.word.to_le_bytes());
        out.extend(self.frame.to_le_bytes());
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let (Some(word), Some(frame), 12) = (
            bytes.first_chunk::<8>(),
            bytes.last_chunk::<4>(),
            bytes.len(),
        ) else {
            return Err(LoadError::Length {
                expected: 12,
                found: bytes.len(),
            });
        };
        self.word = u64::from_le_bytes(*word);
        self.frame = u32::from_le_bytes(*frame);
        Ok(())
    }

    fn size(&self) -> (u32, u32) {
        (320, 200)
    }

    fn render(&self, surface: &mut Surface, viewer: Option<usize>) {
        surface.rect(0.0, 0.0, 320.0, 200.0).persistent("ground");
        for (place, agent) in self.agents.iter().enumerate() {
            let byte = (self.word >> (8 * place)) as u8;
            // Some objects come and go, some change their shape or their place in the stack.
            match byte % 4 {
                0 => {}
                1 => drop(surface.circle(f64::from(byte), 10.0, 5.0).id(agent)),
                _ => drop(
                    surface
                        .rect(f64::from(byte), 10.0, 5.0, 5.0)
                        .id(agent)
                        .depth(f64::from(byte % 3)),
                ),
            }
        }
        surface.text(format!("{} of {viewer:?}", self.frame), 0.0, 0.0);
    }
}
