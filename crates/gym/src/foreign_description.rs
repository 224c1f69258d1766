//! What a foreign environment is like, as its runtime described it when the study was prepared.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::foreign_space::SpaceJson;
use crate::{
    Action, ActionSpace, Asset, ForeignError, ForeignErrorKind, MAX_INPUT_BYTES, Rules, SetupError,
};

/// What the host of a foreign environment must know of it. It is of a runtime that was opened
/// without seats, so each agent is a player of its own there.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    agents: Vec<String>,
    spaces: Vec<ActionSpace>,
    /// The environment waits until somebody presses something.
    on_input: bool,
    /// Per agent, the bytes of what it does for want of an input.
    defaults: Vec<Vec<u8>>,
    /// Per binding and agent, the bytes of the action; `None` for an agent that cannot do it.
    bindings: Vec<Vec<Option<Vec<u8>>>>,
    size: (u32, u32),
    assets: Vec<Asset>,
}

/// The text of an `EnvironmentSpec` that cannot be that of a foreign environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration of the environment does not hold what a runtime described: {0}")]
pub struct DescriptionError(String);

/// In front of a player's actions where the environment waits for input: they pressed something.
const PRESSED: u8 = 1;
/// The whole input of one who did not.
const NOTHING: u8 = 0;
/// Most pixels of a drawing in one direction.
const MOST_PIXELS: u32 = 1 << 14;

#[derive(Deserialize)]
struct Config {
    configuration: Map<String, Json>,
    description: Described,
}

/// The parts of `describe()` that matter while playing.
#[derive(Deserialize)]
struct Described {
    agents: Vec<String>,
    spaces: Vec<SpaceJson>,
    default_actions: Vec<String>,
    #[serde(default)]
    step: Pace,
    bindings: Vec<Vec<Option<String>>>,
    size: (u32, u32),
    assets: Vec<Asset>,
}

/// When the environment is stepped.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pace {
    #[default]
    Clock,
    OnInput,
}

impl Description {
    /// Reads the configuration of an `EnvironmentSpec`: a JSON object with `configuration`, what the
    /// runtime was opened with, and `description`, what it then said of itself.
    pub fn from_config(config: &str) -> Result<Self, DescriptionError> {
        Self::checked(parsed(config)?.description).map_err(DescriptionError)
    }

    /// Every agent, in the order of outcomes and viewers.
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    /// What the agent with this index can do.
    pub fn space(&self, agent: usize) -> Option<&ActionSpace> {
        self.spaces.get(agent)
    }

    /// How many key bindings there are.
    pub fn bindings(&self) -> usize {
        self.bindings.len()
    }

    /// Whether the environment waits, in frames in which nobody presses anything.
    pub fn on_input(&self) -> bool {
        self.on_input
    }

    /// Width and height of the drawing, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// What the page must load before it draws.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Whether an agent of the seat can do what the key binding means.
    pub fn can(&self, seat: &[String], binding: usize) -> bool {
        let bound = self.bindings.get(binding);
        self.indices(seat)
            .any(|agent| bound.is_some_and(|bound| bound[agent].is_some()))
    }

    /// What a key binding means to the agent with this index, if it can do it.
    pub fn bound(&self, binding: usize, agent: usize) -> Option<Action> {
        let bytes = self.bindings.get(binding)?.get(agent)?.as_deref()?;
        self.spaces.get(agent)?.decode(bytes)
    }

    /// The input of a player all of whose agents do what the key binding means; those that cannot do
    /// the default. Without a binding, or with one that no agent of the seat can do, it is that of a
    /// player who presses nothing.
    pub fn input(&self, seat: &[String], binding: Option<usize>) -> Vec<u8> {
        let binding = binding.filter(|binding| self.can(seat, *binding));
        let bound = binding.and_then(|index| self.bindings.get(index));
        if self.on_input && bound.is_none() {
            return vec![NOTHING];
        }
        let pressed = self.on_input.then_some(PRESSED);
        let actions = self.indices(seat).flat_map(|agent| {
            let own = bound.and_then(|bound| bound[agent].as_deref());
            own.unwrap_or(&self.defaults[agent])
        });
        pressed.into_iter().chain(actions.copied()).collect()
    }

    /// What each agent does if these are its players' inputs, in the order of `seats`; `None` for one
    /// that belongs to no player, or whose player pressed nothing where the environment waits for
    /// that. An input that is not exactly one action for each of the player's agents counts as the
    /// default action, and so does one that is missing.
    pub fn actions(
        &self,
        seats: &[Vec<String>],
        inputs: &[impl AsRef<[u8]>],
    ) -> Vec<Option<Action>> {
        self.by_agent(seats, |player, seat| {
            let input = inputs.get(player).map_or(&[][..], AsRef::as_ref);
            match (self.on_input, input.split_first()) {
                (false, _) => self.decode(seat, input).or_else(|| self.idle(seat)),
                (true, Some((&PRESSED, actions))) => self.decode(seat, actions),
                (true, _) => None,
            }
        })
    }

    /// What each agent was given, by [`Details::applied`](crate::Details); `None` for one that
    /// belongs to no player, and for all where the environment waited.
    pub fn applied(&self, seats: &[Vec<String>], applied: &[Vec<u8>]) -> Vec<Option<Action>> {
        self.by_agent(seats, |player, seat| {
            self.decode(seat, applied.get(player)?)
        })
    }

    fn by_agent(
        &self,
        seats: &[Vec<String>],
        actions_of: impl Fn(usize, &[String]) -> Option<Vec<Action>>,
    ) -> Vec<Option<Action>> {
        let mut actions = vec![None; self.agents.len()];
        for (player, seat) in seats.iter().enumerate() {
            let chosen = actions_of(player, seat).unwrap_or_default();
            for (agent, action) in self.indices(seat).zip(chosen) {
                actions[agent] = Some(action);
            }
        }
        actions
    }

    fn idle(&self, seat: &[String]) -> Option<Vec<Action>> {
        let idle = |agent: usize| self.spaces[agent].decode(&self.defaults[agent]);
        self.indices(seat).map(idle).collect()
    }

    /// One action for each agent of the seat, or nothing.
    fn decode(&self, seat: &[String], mut input: &[u8]) -> Option<Vec<Action>> {
        let mut chosen = Vec::with_capacity(seat.len());
        for agent in self.indices(seat) {
            let (bytes, rest) = input.split_at_checked(self.defaults[agent].len())?;
            chosen.push(self.spaces[agent].decode(bytes)?);
            input = rest;
        }
        input.is_empty().then_some(chosen)
    }

    /// Whether the rules fit the agents, as [`Simulation::new`](crate::Simulation::new) checks it.
    pub fn check(&self, rules: &Rules) -> Result<(), SetupError> {
        if rules.max_steps == 0 {
            return Err(SetupError::NoFrames);
        }
        let mut taken = vec![false; self.agents.len()];
        for (player, seat) in rules.seats.iter().enumerate() {
            let mut bytes = usize::from(self.on_input);
            for agent in seat {
                let index = self.agents.iter().position(|known| known == agent);
                let index = index.ok_or_else(|| SetupError::UnknownAgent {
                    agent: agent.clone(),
                    known: self.agents.join(", "),
                })?;
                if std::mem::replace(&mut taken[index], true) {
                    return Err(SetupError::SharedAgent(agent.clone()));
                }
                bytes += self.defaults[index].len();
            }
            if bytes > MAX_INPUT_BYTES {
                return Err(SetupError::InputLength { player, bytes });
            }
        }
        Ok(())
    }

    fn indices<'a>(&'a self, seat: &'a [String]) -> impl Iterator<Item = usize> + 'a {
        let index = |name: &String| self.agents.iter().position(|agent| agent == name);
        seat.iter().filter_map(index)
    }

    fn checked(described: Described) -> Result<Self, String> {
        let agents = described.agents;
        let count = agents.len();
        if count == 0 || count > usize::from(u8::MAX) {
            return Err(format!("there are {count} agents; 1 to 255 are possible"));
        }
        let spaces: Vec<ActionSpace> = described
            .spaces
            .into_iter()
            .map(SpaceJson::into_space)
            .collect::<Result<_, _>>()?;
        let each = [spaces.len(), described.default_actions.len()];
        if each.iter().any(|length| *length != count) {
            return Err("spaces and default_actions do not have one entry per agent".to_owned());
        }
        let on_input = described.step == Pace::OnInput;
        let defaults: Vec<Vec<u8>> = described
            .default_actions
            .iter()
            .zip(&spaces)
            .map(|(digits, space)| action(digits, space, false))
            .collect::<Result<_, _>>()?;
        let binding = |binding: &Vec<Option<String>>| {
            if binding.len() != count {
                return Err("a binding does not have one entry per agent".to_owned());
            }
            let bytes = |(digits, space): (&Option<String>, _)| {
                digits
                    .as_ref()
                    .map(|digits| action(digits, space, on_input))
                    .transpose()
            };
            binding.iter().zip(&spaces).map(bytes).collect()
        };
        let bindings = described
            .bindings
            .iter()
            .map(binding)
            .collect::<Result<_, _>>()?;
        let (width, height) = described.size;
        if [width, height]
            .iter()
            .any(|side| *side == 0 || *side > MOST_PIXELS)
        {
            return Err(format!("the drawing is {width} by {height} pixels"));
        }
        Ok(Self {
            agents,
            spaces,
            on_input,
            defaults,
            bindings,
            size: (width, height),
            assets: described.assets,
        })
    }
}

/// What to open a runtime with, as JSON: the configuration of an `EnvironmentSpec`, and what the
/// platform decides about the episode. `rules.default_action` is not looked at: a foreign
/// environment's configuration has its own.
pub fn configuration(config: &str, rules: &Rules) -> Result<String, ForeignError> {
    let refused = |message: String| ForeignError::new(ForeignErrorKind::Setup, message);
    let parsed = parsed(config).map_err(|error| refused(error.to_string()))?;
    let described = Description::checked(parsed.description);
    let description = described.map_err(|reason| refused(DescriptionError(reason).to_string()))?;
    let fits = description.check(rules);
    fits.map_err(|error| refused(format!("the plan does not fit the environment: {error}")))?;
    let mut open = parsed.configuration;
    open.insert("seats".to_owned(), rules.seats.clone().into());
    // An environment that waits for input steps less often than there are frames.
    open.insert("max_frames".to_owned(), rules.max_steps.into());
    open.insert("max_steps".to_owned(), rules.max_steps.into());
    open.insert("digest_interval".to_owned(), rules.digest_interval.into());
    Ok(Json::Object(open).to_string())
}

fn parsed(config: &str) -> Result<Config, DescriptionError> {
    serde_json::from_str(config).map_err(|error| DescriptionError(error.to_string()))
}

/// The bytes of one agent's action, from hexadecimal digits with or without the byte of one who
/// pressed.
fn action(digits: &str, space: &ActionSpace, pressed: bool) -> Result<Vec<u8>, String> {
    let mut bytes = hex(digits).ok_or_else(|| format!("{digits:?} is not hexadecimal"))?;
    let begins = !pressed || bytes.first() == Some(&PRESSED);
    bytes.drain(..usize::from(pressed).min(bytes.len()));
    match space.decode(&bytes) {
        Some(_) if begins => Ok(bytes),
        Some(_) | None => Err(format!("{digits:?} is not an action of its agent")),
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digit = |at: u8| char::from(at).to_digit(16);
        Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)
    };
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}
