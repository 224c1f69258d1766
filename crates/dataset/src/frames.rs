//! The canonical frames of one episode as a table.

use std::collections::BTreeMap;

use igym_gym::Value;
use igym_protocol::{EpisodePlan, Seat};

use crate::column::Cell;
use crate::flat::{info_cell, info_kind};
use crate::frame_rows::{FrameRow, Replayed};
use crate::table::{Table, columns};

/// The table of an episode's frames; infos get a column for each key that occurs.
pub(crate) fn table(plan: &EpisodePlan, replayed: &Replayed) -> Table<FrameRow> {
    let mut table = place_columns(plan);
    let agents = &replayed.agents;
    for (agent, (name, leaves)) in agents.iter().zip(&replayed.observations).enumerate() {
        for (index, leaf) in leaves.iter().enumerate() {
            let about = format!(
                "What {name} observed before the frame: {}. Empty after the row that follows \
                 {name}'s end.",
                leaf.about
            );
            let column = format!("observation.{name}{}", leaf.path);
            table = table.with_kind(column, leaf.kind, "none", about, move |row: &FrameRow| {
                row.observation(agent, index)
            });
        }
    }
    for (agent, (name, leaves)) in agents.iter().zip(&replayed.actions).enumerate() {
        for (index, leaf) in leaves.iter().enumerate() {
            let about = format!(
                "Action of {name} that the frame applied: {}. Empty once {name} has ended, and \
                 where the environment waited.",
                leaf.about
            );
            let column = format!("action.{name}{}", leaf.path);
            table = table.with_kind(column, leaf.kind, "none", about, move |row: &FrameRow| {
                row.action(agent, index)
            });
        }
    }
    for (agent, name) in agents.iter().enumerate() {
        table = outcome_columns(table, agent, name);
    }
    for ((agent, key), values) in infos(&replayed.rows) {
        let kind = info_kind(values);
        let name = agents.get(agent).map_or("", String::as_str);
        let about = format!("Info `{key}` that the frame, or the reset, gave {name}.");
        let column = format!("info.{name}.{key}");
        table = table.with_kind(column, kind, "none", about, move |row: &FrameRow| {
            let value = row.outcomes.get(agent).and_then(|it| it.info.get(&key));
            value.map_or(Cell::Null, |value| info_cell(kind, value))
        });
    }
    table = columns!(table, |row: &FrameRow| {
        "state_hash", "hexadecimal" => row.state_hash.clone();
            "Digest of the environment's state after the frame, at the study's digest interval and \
             at the end: the first 16 bytes of its BLAKE3 hash, of an environment in Python 16 bytes \
             of BLAKE2b.";
        "chain_hash", "hexadecimal" => row.chain_hash.clone();
            "h(frame), which covers every input, outcome and state hash up to this frame.";
    });
    for (player, seat) in plan.seats.iter().enumerate() {
        table = player_columns(table, player, seat);
    }
    table
}

fn place_columns(plan: &EpisodePlan) -> Table<FrameRow> {
    let session = plan.session;
    let episode = plan.episode;
    let table = columns!(Table::new(), |_row: &FrameRow| {
        "session", "none" => session;
            "The session that played.";
        "episode", "none" => episode;
            "Index of the episode in its session, from 0.";
    });
    columns!(table, |row: &FrameRow| {
        "row", "none" => row.kind;
            "`reset`: the state after reset, before anything was done; the same observations as \
             in frame 0. `step`: one frame. `final`: what was observed after the last frame.";
        "frame", "frames" => row.frame;
            "Index of the frame, from 0; -1 in the reset row, one past the last in the final row.";
    })
}

fn outcome_columns(table: Table<FrameRow>, agent: usize, name: &str) -> Table<FrameRow> {
    columns!(table, |row: &FrameRow| {
        format!("reward.{name}"), "none" => row.outcomes.get(agent)?.reward;
            format!("Reward that the frame gave {name}; empty once {name} has ended.");
        format!("terminated.{name}"), "none" => row.outcomes.get(agent)?.terminated;
            format!("Whether {name} reached an end with this frame; empty afterwards.");
        format!("truncated.{name}"), "none" => row.outcomes.get(agent)?.truncated;
            format!("Whether {name} was stopped with this frame; empty afterwards.");
        format!("platform_truncated.{name}"), "none" => platform_truncated(row, agent);
            format!(
                "Whether it was the platform's own step limit that stopped {name}; empty where \
                 `truncated.{name}` is."
            );
    })
}

fn platform_truncated(row: &FrameRow, agent: usize) -> Option<bool> {
    let outcome = row.outcomes.get(agent)?;
    outcome.truncated.map(|_| outcome.platform_truncated)
}

fn player_columns(table: Table<FrameRow>, player: usize, seat: &Seat) -> Table<FrameRow> {
    let participant = seat.participant;
    let agents = seat.agents.join(" ");
    let name = |end: &str| format!("player.{player}.{end}");
    let table = columns!(table, |_row: &FrameRow| {
        name("participant"), "none" => participant;
            format!("Participant who was player {player}.");
        name("seat"), "none" => agents.clone();
            format!("Agents that player {player} controlled, separated by spaces.");
    });
    columns!(table, |row: &FrameRow| {
        name("input"), "hexadecimal" => Some(row.inputs.get(player)?.bytes.clone());
            format!("Player {player}'s input as it travelled; recorded also where not applied.");
        name("source"), "none" => row.inputs.get(player)?.source;
            format!(
                "Where player {player}'s input came from: `human`, `lead` (a frame before the \
                 first input could be sampled) or `background` (the page was hidden). Empty where \
                 its author did not say."
            );
        name("delay"), "frames" => row.inputs.get(player)?.delay;
            format!(
                "Frames between sampling player {player}'s input and this frame; empty where its \
                 author did not say."
            );
        name("attested"), "none" => Some(row.inputs.get(player)?.attested_by.is_some());
            format!(
                "True where player {player}'s own upload of the input is missing and a copy or \
                 a row stands in."
            );
        name("attested_by"), "none" => row.inputs.get(player)?.attested_by;
            "The player whose copy or row stands in; the player's own number where a later page of \
             theirs was given the input back.";
    })
}

/// The values of each info by agent and key.
fn infos(rows: &[FrameRow]) -> BTreeMap<(usize, String), Vec<&Value>> {
    let mut found: BTreeMap<(usize, String), Vec<&Value>> = BTreeMap::new();
    for (agent, outcome) in rows.iter().flat_map(|row| row.outcomes.iter().enumerate()) {
        for (key, value) in &outcome.info {
            found.entry((agent, key.clone())).or_default().push(value);
        }
    }
    found
}
