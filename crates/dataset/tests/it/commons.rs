//! An environment behind bytes, of a kind that no native one is: agents that go, observations
//! without a space, infos that come and go.

use std::collections::BTreeMap;

use igym_dataset::{Cancel, Environments};
use igym_gym::{
    AgentOutcome, Description, Foreign, ForeignError, ForeignErrorKind, Operations, Outcome,
    Runtime, Value,
};
use igym_protocol::{CanonicalRow, EnvironmentSpec, EpisodePlan, KeyBinding};
use serde_json::{Value as Json, json};

use crate::support::{self, Played, add_row};

/// What runs it, and how it errs.
#[derive(Clone, Copy, Default)]
pub(crate) struct Commons {
    /// Stepping this frame raises.
    pub(crate) raises_at: Option<u32>,
    /// The interpreter is gone from this frame on.
    pub(crate) dies_at: Option<u32>,
    /// It gives other rewards than it gave before, from this frame on.
    pub(crate) strays_at: Option<u32>,
    /// What is seen in this frame cannot be written down; steps alone do not look.
    pub(crate) unwritable_at: Option<u32>,
}

impl Environments for Commons {
    fn open(
        &self,
        spec: &EnvironmentSpec,
        configuration: &str,
        _cancel: &Cancel,
    ) -> Result<Box<dyn Runtime>, String> {
        if spec.version != "lock" {
            return Err(format!(
                "there is no lock {}: run igym prepare",
                spec.version
            ));
        }
        let open: Json = serde_json::from_str(configuration).map_err(|error| error.to_string())?;
        let number = |key: &str| open[key].as_u64().unwrap_or_default() as u32;
        Ok(Box::new(Game {
            faults: *self,
            max_steps: number("max_steps"),
            digest_interval: number("digest_interval"),
            frame: 0,
            sum: 0,
            returns: [0.0; 2],
        }))
    }

    fn runtime_name(&self) -> Option<String> {
        Some("a test's interpreter".to_owned())
    }
}

/// A plan of two players.
pub(crate) fn plan() -> EpisodePlan {
    let mut plan = support::plan(2, 5);
    let config = json!({
        "configuration": {"environment": {"file": "commons.py"}, "bindings": [11, 12]},
        "description": {
            "agents": ["ann", "ben"],
            "spaces": [
                {"kind": "discrete", "n": 6, "start": 10},
                {"kind": "dict", "entries": {"grasp": {"kind": "multi_binary", "n": 3},
                    "turn": {"kind": "discrete", "n": 2, "start": -1}}},
            ],
            "default_actions": ["00", "0000"],
            "bindings": [["01", null], ["02", null]],
            "size": [600, 400], "assets": [],
        },
    });
    plan.environment = EnvironmentSpec {
        id: "python".to_owned(),
        version: "lock".to_owned(),
        config: config.to_string(),
    };
    for (seat, agent) in plan.seats.iter_mut().zip(["ann", "ben"]) {
        seat.agents = vec![agent.to_owned()];
    }
    let binding = |action, label: &str| KeyBinding {
        keys: vec![label.to_owned()],
        action,
        label: label.to_owned(),
    };
    plan.controls.bindings = vec![binding(0, "sow"), binding(1, "reap")];
    plan.max_steps = 12;
    plan.digest_interval = 5;
    plan
}

/// Plays it, as the pages of the players do; as far as it goes.
pub(crate) fn play(plan: EpisodePlan, environments: Commons) -> Played {
    let description = Description::from_config(&plan.environment.config).unwrap();
    let open = igym_play::foreign_configuration(&plan).unwrap();
    let runtime = environments
        .open(&plan.environment, &open, &Cancel::default())
        .unwrap();
    let mut foreign = Foreign::new(description, runtime);
    foreign.reset(plan.seed).unwrap();
    let mut rows: Vec<CanonicalRow> = Vec::new();
    while !foreign.ended() {
        let frame = foreign.frame();
        let inputs = vec![
            vec![(frame % 4) as u8],
            vec![(frame % 8) as u8, (frame % 2) as u8],
        ];
        let mut operations = Operations::new();
        operations.step(frame, &inputs);
        let Ok(mut answer) = foreign.run(&operations) else {
            break;
        };
        add_row(&plan, &mut rows, inputs, answer.steps.remove(0));
    }
    let mut pages: Vec<_> = (0..2)
        .map(|player| support::page(&plan, player, &rows))
        .collect();
    if !foreign.ended() {
        pages.iter_mut().for_each(|page| page.seal = None);
    }
    Played { plan, pages, rows }
}

/// Ben ends with frame 2 and is not seen any more afterwards. In frame 1 the environment waits.
struct Game {
    faults: Commons,
    max_steps: u32,
    digest_interval: u32,
    frame: u32,
    sum: i64,
    returns: [f64; 2],
}

impl Game {
    fn ended(&self) -> bool {
        self.frame >= self.max_steps
    }

    fn ben_is_there(&self) -> bool {
        self.frame <= 2
    }

    fn seen(&self) -> Vec<u8> {
        let at = Value::f32_array(&[self.frame as f32, self.sum as f32]);
        let mut ann = BTreeMap::from([("at".to_owned(), at)]);
        if self.frame.is_multiple_of(2) {
            ann.insert("news".to_owned(), Value::Str(format!("day {}", self.frame)));
        }
        let mut seen = BTreeMap::from([("ann".to_owned(), Value::Map(ann))]);
        if self.frame <= 3 {
            seen.insert("ben".to_owned(), Value::Int(self.sum));
        }
        Value::Map(seen).encode()
    }

    fn step(&mut self, inputs: &[Vec<u8>], detailed: bool, out: &mut Vec<u8>) {
        let frame = self.frame;
        let waits = frame == 1;
        let ben = self.ben_is_there() && !waits;
        if !waits {
            self.sum += i64::from(inputs[0][0]) + i64::from(ben) * i64::from(inputs[1][0]);
        }
        self.frame += 1;
        let strays = self.faults.strays_at.is_some_and(|at| at <= frame);
        let reward = self.sum as f64 + f64::from(u8::from(strays));
        let cell = |agent: &str, there: bool, last: bool| AgentOutcome {
            agent: agent.to_owned(),
            reward: there.then_some(reward),
            terminated: there.then_some(last),
            truncated: there.then_some(false),
            ..AgentOutcome::default()
        };
        let mut agents = vec![
            cell("ann", !waits, self.ended()),
            cell("ben", ben, frame == 2),
        ];
        if frame.is_multiple_of(3) {
            let yields = Value::List(vec![Value::Int(1), Value::Str("corn".into())]);
            let nested = BTreeMap::from([("yields".to_owned(), yields)]);
            agents[0]
                .info
                .insert("harvest".to_owned(), Value::Map(nested));
        }
        agents[0]
            .info
            .insert("day".to_owned(), Value::Int(frame.into()));
        let terminal = self.ended();
        for (sum, agent) in self.returns.iter_mut().zip(&agents) {
            *sum += agent.reward.unwrap_or_default();
        }
        let outcome = Outcome { agents, terminal }.encode();
        let due = self.frame.is_multiple_of(self.digest_interval) || terminal;
        let details = if detailed { 4 | 8 } else { 0 };
        out.push(3);
        out.extend(frame.to_le_bytes());
        out.push(u8::from(terminal) | u8::from(due) << 1 | details);
        block(out, &outcome);
        if due {
            out.extend(i128::from(self.sum).to_le_bytes());
        }
        if detailed {
            block(out, &self.seen());
            out.push(2);
            for input in inputs {
                let done = if waits { &[][..] } else { input };
                out.push(done.len() as u8);
                out.extend(done);
            }
        }
    }

    fn state(&self, out: &mut Vec<u8>) {
        out.push(0x7F);
        out.extend(self.frame.to_le_bytes());
        out.extend([u8::from(self.ended()), 2]);
        for (sum, live) in self
            .returns
            .iter()
            .zip([!self.ended(), self.ben_is_there()])
        {
            out.extend(sum.to_le_bytes());
            out.push(u8::from(live));
        }
    }
}

impl Runtime for Game {
    fn reset(&mut self, seed: u32) -> Vec<u8> {
        (self.frame, self.sum, self.returns) = (0, seed.into(), [0.0; 2]);
        let info = BTreeMap::from([("soil".to_owned(), Value::Str("loam".into()))]);
        let infos = Value::Map(BTreeMap::from([("ann".to_owned(), Value::Map(info))]));
        let mut out = vec![1];
        for data in [self.seen(), infos.encode()] {
            out.push(6);
            block(&mut out, &data);
        }
        self.state(&mut out);
        out
    }

    /// Steps alone are asked of whoever plays an episode again.
    fn run(&mut self, batch: &[u8]) -> Vec<u8> {
        let detailed = batch[1] == 3;
        let (mut at, mut out) = (2, vec![1]);
        while at < batch.len() {
            assert_eq!(batch[at], 3);
            let frame = u32::from_le_bytes(batch[at + 1..at + 5].try_into().unwrap());
            assert_eq!(frame, self.frame);
            if self.faults.dies_at == Some(frame) {
                return ForeignError::new(ForeignErrorKind::Runtime, "Node is gone").answer();
            }
            if detailed && self.faults.unwritable_at == Some(frame) {
                return ForeignError::new(ForeignErrorKind::Value, "a socket is no value").answer();
            }
            if self.faults.raises_at == Some(frame) {
                return ForeignError {
                    file: Some("commons.py".to_owned()),
                    line: Some(7),
                    frame: Some(frame),
                    ..ForeignError::new(ForeignErrorKind::Environment, "the well is dry")
                }
                .answer();
            }
            let players = batch[at + 5];
            at += 6;
            let mut inputs = Vec::new();
            for _ in 0..players {
                let length = usize::from(batch[at]);
                inputs.push(batch[at + 1..at + 1 + length].to_vec());
                at += 1 + length;
            }
            self.step(&inputs, detailed, &mut out);
        }
        self.state(&mut out);
        out
    }
}

fn block(out: &mut Vec<u8>, data: &[u8]) {
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
}
