//! Keys of environments in Python, held against what their agents can do.

use igym_gym::{ActionSpace, DType, Description, Space};

use super::error::Found;
use super::place::Place;
use super::raw::GymSection;
use super::subject::Subject;
use super::words::list;

/// Most different action spaces that an error spells out.
const SPELLED_OUT: usize = 4;

/// Finds keys that nobody can use, and a game without any.
pub(super) fn check(
    section: &GymSection,
    subject: &Subject,
    description: &Description,
    place: &Place,
    found: &mut Vec<Found>,
) {
    let controls = place.key("controls");
    let agents = description.agents();
    let Some(_) = &section.controls.bindings else {
        let example = description.space(0).map_or(String::new(), example);
        let fix = format!(
            "add a section `[scenes.controls.bindings]` with lines such as \
             `ArrowRight = {example}`; {}",
            possible(description)
        );
        let message = format!("no keys are bound for {}", subject.name);
        return found.push(controls.problem(message, fix));
    };
    for (index, binding) in subject.controls.bindings.iter().enumerate() {
        if !description.can(agents, index) {
            let bindings = controls.key("bindings");
            let at = bindings.keys().into_iter().find_map(|(combination, _)| {
                let keys = super::controls::keys(&combination).ok()?;
                (keys == binding.keys).then(|| bindings.key(&combination))
            });
            let message = format!("nobody in {} can do {}", subject.name, binding.label);
            let at = at.unwrap_or(bindings);
            found.push(at.problem(message, possible(description)));
        }
    }
}

/// What all agents can do, in words.
fn possible(description: &Description) -> String {
    let mut different: Vec<(String, Vec<&str>)> = Vec::new();
    for (index, agent) in description.agents().iter().enumerate() {
        let words = description.space(index).map_or(String::new(), in_words);
        match different.iter_mut().find(|(known, _)| *known == words) {
            Some((_, agents)) => agents.push(agent),
            None => different.push((words, vec![agent])),
        }
    }
    if let [(words, _)] = different.as_slice() {
        return format!("an action is {words}");
    }
    let more = different.len() > SPELLED_OUT;
    let each = different.iter().take(SPELLED_OUT);
    let each: Vec<String> = each
        .map(|(words, agents)| format!("for {} {words}", list(agents)))
        .collect();
    let others = if more { ", and so on" } else { "" };
    format!("an action is {}{others}", each.join(", "))
}

/// What an agent with this space can do.
pub(super) fn in_words(space: &ActionSpace) -> String {
    words(space.space(), &mut space.starts().into_iter())
}

/// `starts` are those of the discrete parts, in their order.
fn words(space: &Space, starts: &mut impl Iterator<Item = i64>) -> String {
    let mut range = |n: &u32| {
        let start = starts.next().unwrap_or(0);
        let last = start.saturating_add(i64::from(*n) - 1);
        format!("{start} to {last}")
    };
    match space {
        Space::Discrete { n } => format!("a whole number from {}", range(n)),
        Space::MultiDiscrete { n } => {
            let ranges: Vec<String> = n.iter().map(range).collect();
            format!("a list of {} whole numbers: {}", n.len(), ranges.join(", "))
        }
        Space::MultiBinary { n } => format!("a list of {n} numbers, each 0 or 1"),
        Space::Box {
            low,
            high,
            dtype,
            shape,
        } => {
            let kind = match dtype {
                DType::F32 | DType::F64 => "numbers",
                _ => "whole numbers",
            };
            format!("{kind} from {low} to {high} in the shape {shape:?}")
        }
        Space::Dict(entries) => {
            let mut parts = Vec::new();
            for (name, part) in entries {
                parts.push(format!("`{name}`, {}", words(part, starts)));
            }
            format!("a table of {}", parts.join("; "))
        }
    }
}

/// An action of this space as a study file writes it: the highest, as the lowest is often nothing.
fn example(space: &ActionSpace) -> String {
    highest(space.space(), &mut space.starts().into_iter())
}

fn highest(space: &Space, starts: &mut impl Iterator<Item = i64>) -> String {
    let mut last = |n: &u32| {
        let start = starts.next().unwrap_or(0);
        start.saturating_add(i64::from(*n) - 1).to_string()
    };
    match space {
        Space::Discrete { n } => last(n),
        Space::MultiDiscrete { n } => {
            let all: Vec<String> = n.iter().map(last).collect();
            format!("[{}]", all.join(", "))
        }
        Space::MultiBinary { n } => nested(&[*n], "1"),
        Space::Box { high, shape, .. } => {
            let number = if high.is_finite() { *high } else { 1.0 };
            nested(shape, &number.to_string())
        }
        Space::Dict(entries) => {
            let mut parts = Vec::new();
            for (name, part) in entries {
                parts.push(format!("{name} = {}", highest(part, starts)));
            }
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

/// Lists in lists, of one element.
fn nested(shape: &[u32], element: &str) -> String {
    match shape {
        [] => element.to_owned(),
        [length, inner @ ..] => {
            let inner = nested(inner, element);
            let all = vec![inner; *length as usize];
            format!("[{}]", all.join(", "))
        }
    }
}
