//! The trait that every native environment implements.

use std::collections::BTreeMap;

use crate::{Action, Space, Surface, Value};

/// An environment in which several agents act at once.
///
/// It must be a pure function of its seed and actions: the same bits on x86-64, aarch64 and
/// wasm32. So no clock, no system randomness, no iteration over hash maps, no fused
/// multiply-add, and `libm` instead of the platform's transcendental functions.
pub trait MultiAgentEnv: Send {
    /// Every agent that may ever act, in a fixed order. Other methods name agents by their index
    /// in this list.
    fn agents(&self) -> &[String];

    fn action_space(&self, agent: usize) -> &Space;

    fn observation_space(&self, agent: usize) -> &Space;

    /// Starts an episode. Everything random in it comes from `seed`.
    fn reset(&mut self, seed: u32);

    /// One frame. There is one action per agent, `None` for one that does not act; one result
    /// per agent comes back.
    fn step(&mut self, actions: &[Option<Action>]) -> Vec<AgentStep>;

    /// What the agent sees now.
    fn observe(&self, agent: usize) -> Value;

    /// Appends the whole state: equal states are equal bytes, on every machine.
    fn save(&self, out: &mut Vec<u8>);

    /// Puts back what [`save`](Self::save) wrote. On an error nothing has changed.
    fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError>;

    /// Width and height of the drawing, in pixels.
    fn size(&self) -> (u32, u32);

    /// Declares the images and atlases that [`render`](Self::render) uses; called once per
    /// surface, before it.
    fn register_assets(&self, surface: &mut Surface) {
        let _ = surface;
    }

    /// Draws the state as seen by `viewer`, an index into [`agents`](Self::agents), or by a
    /// spectator. A function of the state alone: peers draw at other times and other rates.
    fn render(&self, surface: &mut Surface, viewer: Option<usize>);
}

/// What a frame brought to one agent. A field is `None` where the agent has nothing to report:
/// it had ended before, or was not asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentStep {
    pub reward: Option<f64>,
    pub terminated: Option<bool>,
    pub truncated: Option<bool>,
    pub info: BTreeMap<String, Value>,
}

/// A saved state that does not fit the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    #[error("a saved state has {found} bytes, this environment's has {expected}")]
    Length { expected: usize, found: usize },
    #[error("a saved state holds an impossible value: {0}")]
    Invalid(String),
}
