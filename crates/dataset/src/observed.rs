//! Tables of what pages observed: what was shown, keys, the network, events, and how accounts
//! differ.

use std::collections::BTreeMap;

use igym_gym::{Action, Description, Simulation, Value};
use igym_protocol::{
    ClientEvent, EpisodePlan, KeyEvent, NetworkSample, ParticipantId, Path, PresentedFrame,
    SessionId,
};

use crate::environments::FOREIGN;
use crate::episode::Paged;
use crate::hex::hex;
use crate::people::SERVER_TIME;
use crate::replay::simulation;
use crate::table::{Table, columns};
use crate::{Difference, EpisodeLog, PlayerLog, Rejoin};

/// Unit of a page's clock.
const PAGE_TIME: &str = "µs since the page built the episode";

/// Where an observation comes from.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    session: SessionId,
    episode: u32,
    participant: ParticipantId,
    player: u8,
    incarnation: u32,
}

/// An observation and where it comes from.
pub(crate) struct Observed<T> {
    place: Place,
    value: T,
}

/// What one page showed of one agent in one frame.
pub(crate) struct Shown {
    frame: u32,
    at_us: u64,
    agent: String,
    agent_player: usize,
    action: Option<i64>,
    input: Option<String>,
    predicted: bool,
}

/// The observations of one kind, by player in the order of their arrival.
fn all<T: Clone>(log: &EpisodeLog, list: impl Fn(&PlayerLog) -> &[Paged<T>]) -> Vec<Observed<T>> {
    let players = (0..=u8::MAX).zip(&log.players).zip(&log.plan.seats);
    players
        .flat_map(|((player, uploaded), seat)| {
            list(uploaded).iter().map(move |paged| Observed {
                place: Place {
                    session: log.plan.session,
                    episode: log.plan.episode,
                    participant: seat.participant,
                    player,
                    incarnation: paged.incarnation,
                },
                value: paged.value.clone(),
            })
        })
        .collect()
}

fn placed<T: 'static>() -> Table<Observed<T>> {
    columns!(Table::new(), |row: &Observed<T>| {
        "session", "none" => row.place.session;
            "The session.";
        "episode", "none" => row.place.episode;
            "Index of the episode in its session, from 0.";
        "participant", "none" => row.place.participant;
            "The participant on whose page it was observed.";
        "player", "none" => row.place.player;
            "That participant's player index.";
        "page", "none" => row.place.incarnation;
            "Number of the page load whose clock `at_us` is.";
    })
}

pub(crate) fn presented() -> Table<Observed<Shown>> {
    columns!(placed(), |row: &Observed<Shown>| {
        "frame", "frames" => row.value.frame;
            "Index of the frame, as it was first simulated and shown.";
        "at_us", PAGE_TIME => row.value.at_us;
            "When.";
        "agent", "none" => row.value.agent.clone();
            "An agent on screen.";
        "agent_player", "none" => row.value.agent_player;
            "The player who controls it.";
        "action", "none" => row.value.action;
            "The discrete action that the agent was shown to take; empty for one that is not \
             discrete, and where nothing was pressed in an environment that waits for that.";
        "input", "hexadecimal" => row.value.input.clone();
            "The input of the agent's player that was used.";
        "predicted", "none" => row.value.predicted;
            "True where that input was a guess: then this row says what was on screen, not what \
             happened.";
    })
}

/// What every page showed, one row per frame and agent.
pub(crate) fn shown(log: &EpisodeLog) -> Vec<Observed<Shown>> {
    let legend = Legend::of(&log.plan);
    all(log, |player| &player.presented)
        .into_iter()
        .flat_map(|Observed { place, value }| {
            agents_shown(&log.plan, legend.as_ref(), &value)
                .into_iter()
                .map(move |value| Observed { place, value })
        })
        .collect()
}

/// What tells an agent's action from its player's input.
enum Legend {
    /// Fresh, so every agent is live and its action can be read from any input.
    Native(Simulation),
    Foreign(Description, Vec<Vec<String>>),
}

impl Legend {
    fn of(plan: &EpisodePlan) -> Option<Self> {
        if plan.environment.id != FOREIGN {
            return simulation(plan).ok().map(Self::Native);
        }
        let description = Description::from_config(&plan.environment.config).ok()?;
        let seats = plan.seats.iter().map(|seat| seat.agents.clone()).collect();
        Some(Self::Foreign(description, seats))
    }

    /// By name, the discrete actions of the agents.
    fn actions(&self, inputs: &[Vec<u8>]) -> BTreeMap<&str, i64> {
        let number = |agent, action: Option<Action>| match self {
            Self::Native(_) => action?.discrete().map(i64::from),
            Self::Foreign(description, _) => match description.space(agent)?.given(&action?)? {
                Value::Int(number) => Some(number),
                _ => None,
            },
        };
        let (names, actions) = match self {
            Self::Native(simulation) => (simulation.env().agents(), simulation.actions(inputs)),
            Self::Foreign(description, seats) => {
                (description.agents(), description.actions(seats, inputs))
            }
        };
        (names.iter().zip(actions).enumerate())
            .filter_map(|(agent, (name, action))| Some((name.as_str(), number(agent, action)?)))
            .collect()
    }
}

fn agents_shown(plan: &EpisodePlan, legend: Option<&Legend>, frame: &PresentedFrame) -> Vec<Shown> {
    let actions = legend.map(|legend| legend.actions(&frame.inputs));
    let mut shown = Vec::new();
    for (player, seat) in plan.seats.iter().enumerate() {
        let input = frame.inputs.get(player);
        for agent in &seat.agents {
            let action = actions.as_ref().and_then(|them| them.get(agent.as_str()));
            shown.push(Shown {
                frame: frame.frame,
                at_us: frame.at_us,
                agent: agent.clone(),
                agent_player: player,
                action: action.copied(),
                input: input.map(|input| hex(input)),
                predicted: frame.predicted >> player & 1 == 1,
            });
        }
    }
    shown
}

pub(crate) fn key_events(log: &EpisodeLog) -> Vec<Observed<KeyEvent>> {
    all(log, |player| &player.keys)
}

pub(crate) fn keys() -> Table<Observed<KeyEvent>> {
    columns!(placed(), |row: &Observed<KeyEvent>| {
        "at_us", PAGE_TIME => row.value.at_us;
            "The browser's own time of the event.";
        "key", "none" => row.value.key.clone();
            "The key, as `KeyboardEvent.key` names it.";
        "down", "none" => row.value.down;
            "True when it was pressed, false when it was let go.";
        "frame", "frames" => row.value.frame;
            "First frame whose input could use it.";
    })
}

pub(crate) fn network_samples(log: &EpisodeLog) -> Vec<Observed<NetworkSample>> {
    all(log, |player| &player.network)
}

pub(crate) fn network() -> Table<Observed<NetworkSample>> {
    columns!(placed(), |row: &Observed<NetworkSample>| {
        "at_us", PAGE_TIME => row.value.at_us;
            "When the link was sampled.";
        "partner", "none" => row.value.player;
            "The player at the other end.";
        "rtt_us", "µs" => row.value.rtt_us;
            "Round trip.";
        "jitter_us", "µs" => row.value.jitter_us;
            "Jitter.";
        "sent", "packets" => row.value.sent;
            "Packets sent to the partner since the episode began.";
        "received", "packets" => row.value.received;
            "Packets received from the partner since then.";
        "lost", "packets" => row.value.lost;
            "Packets of the partner that had not come until then.";
    })
}

pub(crate) fn client_events(log: &EpisodeLog) -> Vec<Observed<ClientEvent>> {
    all(log, |player| &player.events)
}

pub(crate) fn events() -> Table<Observed<ClientEvent>> {
    columns!(placed(), |row: &Observed<ClientEvent>| {
        "at_us", PAGE_TIME => parts(&row.value).at_us;
            "When.";
        "event", "none" => parts(&row.value).event;
            "`rollback`, `stall` (waiting for a partner), `resume`, `desync` (the partner's hash \
             differs), `visibility`, `route` or `error`.";
        "frame", "frames" => parts(&row.value).frame;
            "The frame it is about; for a rollback, the one gone back to.";
        "depth", "frames" => parts(&row.value).depth;
            "How far a rollback went back.";
        "partner", "none" => parts(&row.value).partner;
            "The player who caused it.";
        "visible", "none" => parts(&row.value).visible;
            "Whether the page came into view or went out of it.";
        "path", "none" => parts(&row.value).path;
            "The way that packets for the partner take from then on: `data_channel` or `relay`.";
        "message", "none" => parts(&row.value).message;
            "The text of an error.";
    })
}

#[derive(Default)]
struct Parts {
    at_us: u64,
    event: &'static str,
    frame: Option<u32>,
    depth: Option<u16>,
    partner: Option<u8>,
    visible: Option<bool>,
    path: Option<&'static str>,
    message: Option<String>,
}

fn parts(event: &ClientEvent) -> Parts {
    match *event {
        ClientEvent::Rollback {
            at_us,
            frame,
            depth,
            player,
        } => Parts {
            at_us,
            event: "rollback",
            frame: Some(frame),
            depth: Some(depth),
            partner: Some(player),
            ..Parts::default()
        },
        ClientEvent::Stall {
            at_us,
            frame,
            player,
        } => Parts {
            at_us,
            event: "stall",
            frame: Some(frame),
            partner: Some(player),
            ..Parts::default()
        },
        ClientEvent::Resume { at_us, frame } => Parts {
            at_us,
            event: "resume",
            frame: Some(frame),
            ..Parts::default()
        },
        ClientEvent::Desync {
            at_us,
            frame,
            player,
        } => Parts {
            at_us,
            event: "desync",
            frame: Some(frame),
            partner: Some(player),
            ..Parts::default()
        },
        ClientEvent::Visibility { at_us, visible } => Parts {
            at_us,
            event: "visibility",
            visible: Some(visible),
            ..Parts::default()
        },
        ClientEvent::Route {
            at_us,
            player,
            path,
        } => Parts {
            at_us,
            event: "route",
            partner: Some(player),
            path: Some(match path {
                Path::DataChannel => "data_channel",
                Path::Relay => "relay",
            }),
            ..Parts::default()
        },
        ClientEvent::Error { at_us, ref message } => Parts {
            at_us,
            event: "error",
            message: Some(message.clone()),
            ..Parts::default()
        },
    }
}

/// A page that went on with an episode.
pub(crate) struct RejoinRow {
    plan: EpisodePlan,
    rejoin: Rejoin,
}

impl RejoinRow {
    pub(crate) fn all(log: &EpisodeLog) -> Vec<Self> {
        let row = |rejoin: &Rejoin| Self {
            plan: log.plan.clone(),
            rejoin: rejoin.clone(),
        };
        log.rejoins.iter().map(row).collect()
    }
}

pub(crate) fn rejoins() -> Table<RejoinRow> {
    columns!(Table::new(), |row: &RejoinRow| {
        "session", "none" => row.plan.session;
            "The session.";
        "episode", "none" => row.plan.episode;
            "Index of the episode in its session, from 0.";
        "participant", "none" => row.plan.seats[usize::from(row.rejoin.player)].participant;
            "The participant whose page was loaded again.";
        "player", "none" => row.rejoin.player;
            "That participant's player index.";
        "page", "none" => row.rejoin.incarnation;
            "Number of the page load that went on. What earlier ones say about inputs, rows and \
             the end, but after this, has no effect.";
        "at_ms", SERVER_TIME => row.rejoin.at_ms;
            "When it asked for the inputs so far.";
    })
}

/// How two accounts of an episode differ.
pub(crate) struct DifferenceRow {
    pub(crate) session: SessionId,
    pub(crate) episode: u32,
    pub(crate) difference: Difference,
}

pub(crate) fn differences() -> Table<DifferenceRow> {
    columns!(Table::new(), |row: &DifferenceRow| {
        "session", "none" => row.session;
            "The session.";
        "episode", "none" => row.episode;
            "Index of the episode in its session, from 0.";
        "frame", "frames" => row.difference.frame;
            "The first frame at which these two accounts differ; of contradictions about inputs, \
             every one is listed.";
        "field", "none" => row.difference.field.name();
            "What differs: `inputs`, `outcome`, `digest`, `hash`, `seal` or `missing`.";
        "first", "none" => row.difference.between[0].to_string();
            "One account: `player n`, another page of the player (`player n (page m)`), or \
             `re-simulation`.";
        "second", "none" => row.difference.between[1].to_string();
            "The other account.";
        "first_value", "hexadecimal" => row.difference.values[0].clone();
            "What the first says; a seal is written out.";
        "second_value", "hexadecimal" => row.difference.values[1].clone();
            "What the second says.";
    })
}
