//! What one frame brought to all agents, and its canonical bytes.

use std::collections::BTreeMap;

use crate::Value;
use crate::canonical::{DecodeError, Reader, Writer};

/// The result of a frame. Its bytes enter the chain hash and the dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// One entry per agent of the environment, in its order.
    pub agents: Vec<AgentOutcome>,
    /// Whether the episode ended with this frame.
    pub terminal: bool,
}

/// What a frame brought to one agent. A cell of an agent that had ended before is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentOutcome {
    pub agent: String,
    pub reward: Option<f64>,
    pub terminated: Option<bool>,
    pub truncated: Option<bool>,
    /// `truncated` comes from the platform's own step limit, not from the environment.
    pub platform_truncated: bool,
    pub info: BTreeMap<String, Value>,
}

const TERMINAL: u8 = 1;

const REWARD: u8 = 1;
const TERMINATED_KNOWN: u8 = 1 << 1;
const TERMINATED: u8 = 1 << 2;
const TRUNCATED_KNOWN: u8 = 1 << 3;
const TRUNCATED: u8 = 1 << 4;
const PLATFORM_TRUNCATED: u8 = 1 << 5;
const INFO: u8 = 1 << 6;

impl Outcome {
    /// Whether the episode ended with this frame.
    pub fn terminal(&self) -> bool {
        self.terminal
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(if self.terminal { TERMINAL } else { 0 });
        writer.count(self.agents.len());
        for agent in &self.agents {
            agent.write(&mut writer);
        }
        writer.into_bytes()
    }

    /// Reads exactly what [`encode`](Self::encode) writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        if flags & !TERMINAL != 0 {
            return Err(DecodeError::NotCanonical("an unknown flag"));
        }
        let count = reader.count()?;
        let mut agents = Vec::new();
        for _ in 0..count {
            agents.push(AgentOutcome::read(&mut reader)?);
        }
        reader.finish()?;
        Ok(Self {
            agents,
            terminal: flags & TERMINAL != 0,
        })
    }
}

impl AgentOutcome {
    fn write(&self, writer: &mut Writer) {
        let mut flags = 0;
        let mut set = |on: bool, flag: u8| flags |= if on { flag } else { 0 };
        set(self.reward.is_some(), REWARD);
        set(self.terminated.is_some(), TERMINATED_KNOWN);
        set(self.terminated == Some(true), TERMINATED);
        set(self.truncated.is_some(), TRUNCATED_KNOWN);
        set(self.truncated == Some(true), TRUNCATED);
        set(self.platform_truncated, PLATFORM_TRUNCATED);
        set(!self.info.is_empty(), INFO);
        writer.text(&self.agent);
        writer.byte(flags);
        if let Some(reward) = self.reward {
            writer.float(reward);
        }
        if !self.info.is_empty() {
            writer.map(&self.info);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let agent = reader.text()?;
        let flags = reader.byte()?;
        let is = |flag| flags & flag != 0;
        let stray = is(TERMINATED) && !is(TERMINATED_KNOWN)
            || is(TRUNCATED) && !is(TRUNCATED_KNOWN)
            || is(0x80);
        if stray {
            return Err(DecodeError::NotCanonical("an unknown flag"));
        }
        let reward = is(REWARD).then(|| reader.float()).transpose()?;
        let info = if is(INFO) {
            let info = reader.map()?;
            if info.is_empty() {
                return Err(DecodeError::NotCanonical("an empty info"));
            }
            info
        } else {
            BTreeMap::new()
        };
        Ok(Self {
            agent,
            reward,
            terminated: is(TERMINATED_KNOWN).then(|| is(TERMINATED)),
            truncated: is(TRUNCATED_KNOWN).then(|| is(TRUNCATED)),
            platform_truncated: is(PLATFORM_TRUNCATED),
            info,
        })
    }
}
