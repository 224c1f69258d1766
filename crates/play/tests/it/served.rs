//! A native environment behind the bytes of a foreign one: what is played through them must be what
//! is played without.

use std::sync::{Arc, Mutex};

use igym_gym::{ForeignError, ForeignErrorKind, Rules, Runtime, Simulation, Surface, Value};
use igym_protocol::EpisodePlan;
use serde_json::json;

use crate::plan;

/// What a runtime was asked, in all its episodes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) resets: u32,
    /// Calls of `run`.
    pub(crate) runs: u32,
    /// Calls that stepped.
    pub(crate) batches: u32,
    pub(crate) steps: u32,
    pub(crate) saves: u32,
    pub(crate) loads: u32,
    pub(crate) pictures: u32,
    /// Most snapshots held after a call.
    pub(crate) held: usize,
}

pub(crate) struct Served {
    simulation: Simulation,
    surface: Surface,
    kept: Vec<u32>,
    /// Stepping this frame raises.
    raises_at: Option<u32>,
    /// Stepping this or a later frame raises if the second player does this.
    raises_on: Option<(u32, u8)>,
    /// The infos of this frame are larger than what can be recorded.
    bloats_at: Option<u32>,
    failed: Option<ForeignError>,
    pub(crate) log: Arc<Mutex<Log>>,
}

/// The plan of slime volleyball, for an environment behind bytes.
pub(crate) fn plan(seed: u32) -> EpisodePlan {
    let mut plan = plan::slime_volleyball(seed);
    let config: serde_json::Value = serde_json::from_str(&plan.environment.config).unwrap();
    let actions = 0..6_u8;
    let bindings = actions
        .clone()
        .map(|action| vec![format!("{action:02x}"); 2]);
    let space = json!({"kind": "discrete", "n": 6, "start": 0});
    plan.environment.id = "python".to_owned();
    plan.environment.config = json!({
        "configuration": {
            "environment": {"target": "__main__:make_env", "kwargs": config},
            "bindings": actions.collect::<Vec<_>>(), "default_action": 0,
        },
        "description": {
            "agents": ["agent_left", "agent_right"], "spaces": [space, space],
            "default_actions": ["00", "00"], "bindings": bindings.collect::<Vec<_>>(),
            "size": [1200, 500], "assets": [],
        },
    })
    .to_string();
    plan
}

/// The native environment of a plan for one behind bytes.
pub(crate) fn native(plan: &EpisodePlan) -> Box<dyn igym_gym::MultiAgentEnv> {
    let config: serde_json::Value = serde_json::from_str(&plan.environment.config).unwrap();
    let kwargs = &config["configuration"]["environment"]["kwargs"];
    igym_envs::create("slime_volleyball", &kwargs.to_string()).unwrap()
}

impl Served {
    pub(crate) fn new(plan: &EpisodePlan) -> Self {
        let open = igym_play::foreign_configuration(plan).unwrap();
        let open: serde_json::Value = serde_json::from_str(&open).unwrap();
        let rules = Rules {
            max_steps: serde_json::from_value(open["max_steps"].clone()).unwrap(),
            digest_interval: serde_json::from_value(open["digest_interval"].clone()).unwrap(),
            seats: serde_json::from_value(open["seats"].clone()).unwrap(),
            default_action: 0,
        };
        let env = native(plan);
        let (width, height) = env.size();
        Self {
            simulation: Simulation::new(env, rules).unwrap(),
            surface: Surface::new(width, height),
            kept: Vec::new(),
            raises_at: None,
            raises_on: None,
            bloats_at: None,
            failed: None,
            log: Arc::default(),
        }
    }

    pub(crate) fn raising_at(self, frame: u32) -> Self {
        let raises_at = Some(frame);
        Self { raises_at, ..self }
    }

    pub(crate) fn raising_on(self, from: u32, action: u8) -> Self {
        let raises_on = Some((from, action));
        Self { raises_on, ..self }
    }

    pub(crate) fn bloating_at(self, frame: u32) -> Self {
        let bloats_at = Some(frame);
        Self { bloats_at, ..self }
    }

    pub(crate) fn boxed(self) -> (Box<dyn Runtime>, Arc<Mutex<Log>>) {
        let log = Arc::clone(&self.log);
        (Box::new(self), log)
    }

    fn operation(&mut self, reader: &mut &[u8], over: &mut bool, out: &mut Vec<u8>) {
        let log = Arc::clone(&self.log);
        let mut log = log.lock().unwrap();
        match byte(reader) {
            1 => {
                let frame = number(reader);
                self.simulation.load(frame).unwrap();
                self.kept.retain(|kept| *kept <= frame);
                *over = false;
                log.loads += 1;
            }
            2 => {
                let frame = number(reader);
                if !*over {
                    self.simulation.save(frame);
                    self.kept.retain(|kept| *kept != frame);
                    self.kept.push(frame);
                    log.saves += 1;
                }
            }
            3 => {
                let frame = number(reader);
                let inputs: Vec<Vec<u8>> = (0..byte(reader))
                    .map(|_| {
                        let length = byte(reader).into();
                        take(reader, length).to_vec()
                    })
                    .collect();
                if !*over {
                    assert_eq!(frame, self.simulation.frame());
                    *over = self.step(frame, &inputs, out);
                    log.steps += 1;
                }
            }
            4 => {
                let frame = number(reader);
                self.simulation.forget_before(frame);
                self.kept.retain(|kept| *kept >= frame);
            }
            5 => {
                let viewer = Some(byte(reader)).filter(|viewer| *viewer != 255);
                self.draw(viewer.map(usize::from), out);
                log.pictures += 1;
            }
            other => panic!("operation {other}"),
        }
    }

    fn step(&mut self, frame: u32, inputs: &[Vec<u8>], out: &mut Vec<u8>) -> bool {
        let offends = |(from, action): (u32, u8)| from <= frame && inputs[1] == [action];
        if self.raises_at == Some(frame) || self.raises_on.is_some_and(offends) {
            self.failed = Some(ForeignError {
                kind: ForeignErrorKind::Environment,
                message: "step failed (env.py, line 12): ZeroDivisionError".to_owned(),
                file: Some("/igym/study/env.py".to_owned()),
                line: Some(12),
                frame: Some(frame),
                details: "Traceback (most recent call last)".to_owned(),
            });
            return true;
        }
        let record = self.simulation.step(inputs);
        let mut outcome = record.outcome;
        if self.bloats_at == Some(frame) {
            let mut read = igym_gym::Outcome::decode(&outcome).unwrap();
            let large = Value::Bytes(vec![7; 17_000]);
            read.agents[0].info.insert("history".to_owned(), large);
            outcome = read.encode();
        }
        let flags = u8::from(record.terminal) | u8::from(record.digest.is_some()) << 1;
        out.push(3);
        out.extend(frame.to_le_bytes());
        out.push(flags);
        block(out, &outcome);
        out.extend(record.digest.into_iter().flatten());
        record.terminal
    }

    fn draw(&mut self, viewer: Option<usize>, out: &mut Vec<u8>) {
        self.simulation.env().render(&mut self.surface, viewer);
        let list = self.surface.commit();
        let frame = self.simulation.frame();
        let drawn = json!({"objects": list.objects, "omitted": 0, "hud": format!("{frame}")});
        out.push(5);
        // An image is needed from frame 5 on.
        let assets = json!([{"kind": "image", "name": "cup", "path": "cup.png"}]).to_string();
        block(out, if frame == 5 { assets.as_bytes() } else { &[] });
        block(out, drawn.to_string().as_bytes());
        let (width, height) = if frame.is_multiple_of(10) {
            (0, 0)
        } else {
            (2_u32, 1_u32)
        };
        out.extend(width.to_le_bytes());
        out.extend(height.to_le_bytes());
        let rgb = [
            frame as u8,
            0,
            0,
            0,
            0,
            viewer.map_or(255, |viewer| viewer as u8),
        ];
        out.extend(&rgb[..(width * height * 3) as usize]);
    }

    fn state(&self, out: &mut Vec<u8>) {
        out.push(0x7F);
        out.extend(self.simulation.frame().to_le_bytes());
        out.extend([u8::from(self.simulation.ended()), 2]);
        for (score, live) in self.simulation.returns().iter().zip(self.simulation.live()) {
            out.extend(score.to_le_bytes());
            out.push(u8::from(*live));
        }
    }
}

impl Runtime for Served {
    fn reset(&mut self, seed: u32) -> Vec<u8> {
        self.log.lock().unwrap().resets += 1;
        self.failed = None;
        self.kept.clear();
        self.simulation.reset(seed);
        let mut out = vec![1];
        for _ in 0..2 {
            out.push(6);
            block(&mut out, &Value::Map(Default::default()).encode());
        }
        self.state(&mut out);
        out
    }

    fn run(&mut self, mut batch: &[u8]) -> Vec<u8> {
        assert_eq!(take(&mut batch, 2), [1, 0]);
        let steps = self.log.lock().unwrap().steps;
        let mut out = vec![1];
        let mut over = false;
        while !batch.is_empty() && self.failed.is_none() {
            self.operation(&mut batch, &mut over, &mut out);
        }
        let mut log = self.log.lock().unwrap();
        log.runs += 1;
        log.batches += u32::from(log.steps > steps);
        log.held = log.held.max(self.kept.len());
        match &self.failed {
            None => self.state(&mut out),
            Some(error) => out.extend(&error.answer()[1..]),
        }
        out
    }
}

fn take<'a>(reader: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (head, rest) = reader.split_at(length);
    *reader = rest;
    head
}

fn byte(reader: &mut &[u8]) -> u8 {
    take(reader, 1)[0]
}

fn number(reader: &mut &[u8]) -> u32 {
    u32::from_le_bytes(take(reader, 4).try_into().unwrap())
}

fn block(out: &mut Vec<u8>, data: &[u8]) {
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
}
