//! A small environment with two players' worth of agents and every kind of ending.

use std::collections::BTreeMap;

use igym_gym::numpy::Pcg64;
use igym_gym::{Action, AgentStep, LoadError, MultiAgentEnv, Space, Surface, Value};

/// Three agents add their actions to a sum. "a" ends at 10 by itself, the others go on; an action
/// of 7 makes an agent leave; an agent that has no action reports nothing.
pub(crate) struct Toy {
    names: Vec<String>,
    space: Space,
    sums: [u32; 3],
    random: Pcg64,
    /// Every list of actions that came in, as text.
    pub(crate) seen: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Toy {
    pub(crate) fn new() -> Self {
        Self {
            names: ["a", "b", "c"].map(str::to_owned).into(),
            space: Space::Discrete { n: 8 },
            sums: [0; 3],
            random: Pcg64::new(0),
            seen: Default::default(),
        }
    }
}

impl MultiAgentEnv for Toy {
    fn agents(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self, _agent: usize) -> &Space {
        &self.space
    }

    fn observation_space(&self, _agent: usize) -> &Space {
        &self.space
    }

    fn reset(&mut self, seed: u32) {
        self.random = Pcg64::new(u64::from(seed));
        self.sums = [0; 3];
    }

    fn step(&mut self, actions: &[Option<Action>]) -> Vec<AgentStep> {
        let text = actions
            .iter()
            .map(|action| match action {
                Some(Action::Discrete(number)) => number.to_string(),
                Some(_) => "?".into(),
                None => "-".into(),
            })
            .collect();
        self.seen.lock().expect("one thread uses it").push(text);
        self.random.next_u64();
        (0..3)
            .map(|agent| {
                let Some(Action::Discrete(number)) = actions[agent] else {
                    return AgentStep::default();
                };
                self.sums[agent] += number;
                AgentStep {
                    reward: Some(f64::from(number)),
                    terminated: Some(number == 7 || agent == 0 && self.sums[0] >= 10),
                    truncated: Some(false),
                    info: BTreeMap::from([("sum".into(), Value::Int(i64::from(self.sums[agent])))]),
                }
            })
            .collect()
    }

    fn observe(&self, agent: usize) -> Value {
        Value::Int(i64::from(self.sums[agent]))
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.random.save(out);
        out.extend(self.sums.iter().flat_map(|sum| sum.to_le_bytes()));
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let length = LoadError::Length {
            expected: Pcg64::SAVED_LEN + 12,
            found: bytes.len(),
        };
        let (random, sums) = bytes.split_first_chunk().ok_or(length.clone())?;
        let sums: [u8; 12] = sums.try_into().map_err(|_| length)?;
        self.random = Pcg64::load(random).ok_or_else(|| LoadError::Invalid("random".to_owned()))?;
        for (sum, bytes) in self.sums.iter_mut().zip(sums.as_chunks::<4>().0) {
            *sum = u32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn size(&self) -> (u32, u32) {
        (100, 50)
    }

    fn render(&self, surface: &mut Surface, _viewer: Option<usize>) {
        for (agent, sum) in self.sums.iter().enumerate() {
            surface
                .circle(f64::from(*sum), 10.0, 5.0)
                .id(&self.names[agent]);
        }
    }
}
