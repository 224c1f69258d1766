//! The canonical frames of an episode whose environment is behind bytes.

use igym_gym::{ActionSpace, AgentOutcome, Description, Observations, Outcome, Value};
use igym_protocol::{CanonicalRow, EpisodePlan};

use crate::column::Cell;
use crate::flat::{Leaf, action_leaves, value_cells};
use crate::frame_rows::{FrameRow, Replayed, step_row};
use crate::inferred::Inferred;
use crate::replay::{ForeignReplay, Watched};
use crate::{EpisodeLog, ResimulationError};

/// The reset row, the canonical frames, and the final row, from what was seen when they were played again.
pub(crate) fn rows(
    replay: ForeignReplay,
    watched: Vec<Watched>,
    log: &EpisodeLog,
    canonical: &[CanonicalRow],
) -> Result<Replayed, ResimulationError> {
    let description = replay.foreign.description();
    let [first, infos] = replay.begun;
    let mut rows = vec![FrameRow {
        outcomes: reset_outcomes(description, &infos),
        ..FrameRow::bare("reset", -1)
    }];
    let mut seen = vec![first.clone(), first];
    for ((frame, row), watched) in (0_u32..).zip(canonical).zip(watched) {
        let Watched { live, details } = watched;
        let outcome =
            Outcome::decode(&row.outcome).map_err(|error| ResimulationError::Environment {
                reason: format!("an outcome cannot be read back: {error}"),
            })?;
        let mut done = description.applied(&replay.seats, &details.applied);
        for (action, live) in done.iter_mut().zip(live) {
            *action = action.take().filter(|_| live);
        }
        let actions = (0..).zip(done).map(|(agent, action)| {
            let space = description.space(agent)?;
            action_cells(space, &space.given(&action?)?)
        });
        rows.push(FrameRow {
            actions: actions.collect(),
            outcomes: outcome.agents,
            ..step_row(log, frame, row)
        });
        seen.push(details.seen);
    }
    if canonical.is_empty() {
        seen.truncate(1);
    } else {
        rows.push(FrameRow::bare("final", canonical.len() as i64));
    }
    let agents = description.agents().to_vec();
    let columns: Vec<Inferred> = agents
        .iter()
        .map(|agent| Inferred::of(seen.iter().filter_map(|seen| seen.get(agent))))
        .collect();
    // Images are large: each goes as soon as its cells are made.
    for (row, seen) in rows.iter_mut().zip(seen) {
        row.observations = (agents.iter().zip(&columns))
            .map(|(agent, columns)| seen.get(agent).map(|value| columns.cells(value)))
            .collect();
    }
    Ok(Replayed {
        observations: columns.iter().map(|it| it.leaves().to_vec()).collect(),
        actions: (0..agents.len())
            .map(|agent| leaves(&log.plan, description, agent))
            .collect(),
        agents,
        rows,
    })
}

fn action_cells(space: &ActionSpace, given: &Value) -> Option<Vec<Cell>> {
    value_cells(space.space(), given)
}

/// The columns of an agent's actions, with the names that the study gave them.
fn leaves(plan: &EpisodePlan, description: &Description, agent: usize) -> Vec<Leaf> {
    let Some(space) = description.space(agent) else {
        return Vec::new();
    };
    let mut leaves = action_leaves(space);
    let label = |binding: &igym_protocol::KeyBinding| {
        let action = description.bound(binding.action as usize, agent)?;
        match space.given(&action)? {
            Value::Int(number) => Some(format!("{number} {}", binding.label)),
            _ => None,
        }
    };
    let mut labels: Vec<String> = plan.controls.bindings.iter().filter_map(label).collect();
    labels.dedup();
    if let ([leaf], false) = (&mut leaves[..], labels.is_empty()) {
        leaf.about.push_str(&format!(" ({})", labels.join(", ")));
    }
    leaves
}

/// What the reset brought: infos and nothing else.
fn reset_outcomes(description: &Description, infos: &Observations) -> Vec<AgentOutcome> {
    let outcome = |agent: &String| AgentOutcome {
        agent: agent.clone(),
        info: match infos.get(agent) {
            Some(Value::Map(info)) => info.clone(),
            _ => Default::default(),
        },
        ..AgentOutcome::default()
    };
    description.agents().iter().map(outcome).collect()
}
