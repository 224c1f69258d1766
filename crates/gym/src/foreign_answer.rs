//! What a foreign environment answers, read with as little trust as anything that comes from
//! outside.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::foreign_batch::{
    Asked, DIGEST, DRAW, ERROR, OBSERVE, Operations, PROTOCOL, STATE, STEP,
};
use crate::{Asset, DrawList, DrawObject, ForeignError, Outcome, StepRecord, Value};

const TERMINAL: u8 = 1;
const HAS_DIGEST: u8 = 2;
const HAS_OBSERVATIONS: u8 = 4;
const HAS_APPLIED: u8 = 8;

/// What the agents see, by name; those who are not there are missing.
pub type Observations = BTreeMap<String, Value>;

/// What came of [`Operations`], each kind in the order in which it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Steps behind a terminal one were skipped, up to the next load.
    pub steps: Vec<StepRecord>,
    /// Of each step, where that was asked for.
    pub details: Vec<Details>,
    pub pictures: Vec<Picture>,
    pub observations: Vec<Observations>,
    pub digests: Vec<[u8; 16]>,
}

/// What a step was about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Per player, the encoded actions that its agents were given, one after the other; empty if the
    /// environment waited in this frame.
    pub applied: Vec<Vec<u8>>,
    /// What the agents saw after it.
    pub seen: Observations,
}

/// What one viewer sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// All images there are, if there are others than before.
    pub assets: Option<Vec<Asset>>,
    pub list: DrawList,
    /// Text to be shown beside the drawing, if the environment has any.
    pub hud: Option<String>,
    /// Lies under the drawing, scaled to its size.
    pub pixels: Option<Pixels>,
}

/// An image, row by row, three bytes (red, green, blue) per pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// Where the environment stands after an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) frame: u32,
    pub(crate) ended: bool,
    pub(crate) returns: Vec<f64>,
    pub(crate) live: Vec<bool>,
}

/// The answer to a reset: the observations of frame 0, and the reset's infos, a map by agent.
pub(crate) fn read_reset(
    bytes: &[u8],
    agents: &[String],
) -> Result<([Observations; 2], Standing), ForeignError> {
    let mut reader = Reader::begin(bytes)?;
    let both = [reader.observations()?, reader.observations()?];
    Ok((both, reader.end(agents)?))
}

/// The answer to what was asked for: what was done, and where the environment stands or why it did no
/// more.
pub(crate) fn read(
    bytes: &[u8],
    operations: &Operations,
    agents: &[String],
) -> (Answer, Result<Standing, ForeignError>) {
    let mut answer = Answer::default();
    let standing = read_into(&mut answer, bytes, operations, agents);
    (answer, standing)
}

fn read_into(
    answer: &mut Answer,
    bytes: &[u8],
    operations: &Operations,
    agents: &[String],
) -> Result<Standing, ForeignError> {
    let mut reader = Reader::begin(bytes)?;
    let mut over = false;
    for asked in operations.asked() {
        match asked {
            Asked::Load => over = false,
            Asked::Step { .. } if over => {}
            Asked::Step { frame } => {
                let (record, details) = reader.step(*frame, operations.is_detailed(), agents)?;
                over = record.terminal;
                answer.steps.push(record);
                answer.details.extend(details);
            }
            Asked::Draw => answer.pictures.push(reader.picture()?),
            Asked::Observe => answer.observations.push(reader.observations()?),
            Asked::Digest => {
                reader.expect(DIGEST, "a digest")?;
                answer.digests.push(reader.array()?);
            }
        }
    }
    reader.end(agents)
}

#[derive(Deserialize)]
struct Drawn {
    objects: Vec<DrawObject>,
    #[serde(default)]
    omitted: usize,
    #[serde(default)]
    hud: Option<String>,
}

/// Reads entries. What it allocates is bounded by the length of the answer.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn begin(bytes: &'a [u8]) -> Result<Self, ForeignError> {
        let mut reader = Self { rest: bytes };
        match reader.byte() {
            Ok(PROTOCOL) => Ok(reader),
            Ok(other) => Err(wrong(format!(
                "the answer is of version {other}, this program reads {PROTOCOL}"
            ))),
            Err(error) => Err(error),
        }
    }

    /// The kind of the next entry, if it is the one that was asked for.
    fn expect(&mut self, kind: u8, name: &str) -> Result<(), ForeignError> {
        match self.byte()? {
            found if found == kind => Ok(()),
            ERROR => {
                let json = self.block()?;
                Err(ForeignError::read(json))
            }
            found => Err(wrong(format!("entry {found:#04x} came instead of {name}"))),
        }
    }

    fn step(
        &mut self,
        frame: u32,
        detailed: bool,
        agents: &[String],
    ) -> Result<(StepRecord, Option<Details>), ForeignError> {
        self.expect(STEP, "a step's result")?;
        let found = self.number()?;
        if found != frame {
            return Err(wrong(format!(
                "frame {found} was played instead of {frame}"
            )));
        }
        let flags = self.byte()?;
        let is = |flag| flags & flag != 0;
        let details = HAS_OBSERVATIONS | HAS_APPLIED;
        let expected = if detailed { details } else { 0 };
        if flags & !(TERMINAL | HAS_DIGEST) != expected {
            return Err(wrong(format!(
                "a step's result has the flags {flags}, which were not asked for"
            )));
        }
        let outcome = self.block()?;
        check_outcome(outcome, is(TERMINAL), agents)
            .map_err(|reason| wrong(format!("the outcome of frame {frame} {reason}")))?;
        let digest = is(HAS_DIGEST).then(|| self.array()).transpose()?;
        let details = detailed.then(|| self.details()).transpose()?;
        let record = StepRecord {
            outcome: outcome.to_vec(),
            terminal: is(TERMINAL),
            digest,
        };
        Ok((record, details))
    }

    fn details(&mut self) -> Result<Details, ForeignError> {
        let seen = self.values()?;
        let players = self.byte()?;
        let mut applied = Vec::new();
        for _ in 0..players {
            let length = self.byte()?;
            applied.push(self.take(usize::from(length))?.to_vec());
        }
        Ok(Details { applied, seen })
    }

    fn picture(&mut self) -> Result<Picture, ForeignError> {
        self.expect(DRAW, "a picture")?;
        let json = |error: serde_json::Error| wrong(format!("a picture cannot be read: {error}"));
        let assets = match self.block()? {
            [] => None,
            text => Some(serde_json::from_slice(text).map_err(json)?),
        };
        let drawn: Drawn = serde_json::from_slice(self.block()?).map_err(json)?;
        let mut ids = BTreeSet::new();
        if let Some(object) = drawn.objects.iter().find(|it| !ids.insert(&it.id)) {
            return Err(wrong(format!("a picture has two objects {:?}", object.id)));
        }
        let (width, height) = (self.number()?, self.number()?);
        let length = u64::from(width) * u64::from(height);
        let length = length
            .checked_mul(3)
            .and_then(|it| usize::try_from(it).ok());
        let rgb = self.take(length.ok_or_else(too_short)?)?;
        Ok(Picture {
            assets,
            list: DrawList {
                objects: drawn.objects,
                omitted: drawn.omitted,
            },
            hud: drawn.hud,
            pixels: (!rgb.is_empty()).then(|| Pixels {
                width,
                height,
                rgb: rgb.to_vec(),
            }),
        })
    }

    fn observations(&mut self) -> Result<Observations, ForeignError> {
        self.expect(OBSERVE, "observations")?;
        self.values()
    }

    fn values(&mut self) -> Result<Observations, ForeignError> {
        match Value::decode(self.block()?) {
            Ok(Value::Map(values)) => Ok(values),
            Ok(_) => Err(wrong("observations are not a map by agent")),
            Err(error) => Err(wrong(format!("observations cannot be read: {error}"))),
        }
    }

    /// The state, which is the last entry.
    fn end(mut self, agents: &[String]) -> Result<Standing, ForeignError> {
        self.expect(STATE, "the state")?;
        let mut standing = Standing {
            frame: self.number()?,
            ended: self.flag()?,
            ..Standing::default()
        };
        let count = usize::from(self.byte()?);
        if count != agents.len() {
            let known = agents.len();
            return Err(wrong(format!(
                "the state is of {count} agents, there are {known}"
            )));
        }
        for _ in 0..count {
            standing.returns.push(f64::from_le_bytes(self.array()?));
            standing.live.push(self.flag()?);
        }
        match self.rest {
            [] => Ok(standing),
            rest => Err(wrong(format!("{} bytes follow the state", rest.len()))),
        }
    }

    fn block(&mut self) -> Result<&'a [u8], ForeignError> {
        let length = usize::try_from(self.number()?).map_err(|_| too_short())?;
        self.take(length)
    }

    fn flag(&mut self) -> Result<bool, ForeignError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(wrong(format!("{other} came instead of yes or no"))),
        }
    }

    fn byte(&mut self) -> Result<u8, ForeignError> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u32, ForeignError> {
        self.array().map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ForeignError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(too_short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ForeignError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(too_short)?;
        self.rest = rest;
        Ok(head)
    }
}

/// Whoever exports the episode later must be able to read it.
fn check_outcome(bytes: &[u8], terminal: bool, agents: &[String]) -> Result<(), String> {
    let outcome = Outcome::decode(bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if !outcome.agents.iter().map(|it| &it.agent).eq(agents) {
        return Err("is of other agents".to_owned());
    }
    match outcome.terminal == terminal {
        true => Ok(()),
        false => Err("contradicts the flags of its step".to_owned()),
    }
}

fn wrong(message: impl Into<String>) -> ForeignError {
    ForeignError::protocol(message)
}

fn too_short() -> ForeignError {
    wrong("the answer ends too early")
}
