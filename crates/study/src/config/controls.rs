//! Keys and what they do.

use std::collections::BTreeSet;

use igym_envs::EnvironmentInfo;
use igym_protocol::{Controls, InputMode, KeyBinding};
use serde_json::Value;

use super::error::Found;
use super::place::Place;
use super::raw::{ControlsSection, GymSection, InputModeName};
use super::raw_python::StepName;
use super::words::{choose, closest};

/// Names of keys that are longer than one character, as `KeyboardEvent.key` has them.
const NAMED_KEYS: [&str; 35] = [
    "Alt",
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "Backspace",
    "CapsLock",
    "Control",
    "Delete",
    "End",
    "Enter",
    "Escape",
    "F1",
    "F10",
    "F11",
    "F12",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "Home",
    "Insert",
    "Meta",
    "NumLock",
    "PageDown",
    "PageUp",
    "Pause",
    "ScrollLock",
    "Shift",
    "Space",
    "Tab",
];

/// What else people call them.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("spacebar", "Space"),
    ("return", "Enter"),
    ("esc", "Escape"),
    ("del", "Delete"),
    ("ctrl", "Control"),
    ("cmd", "Meta"),
    ("command", "Meta"),
    ("option", "Alt"),
];

/// Keys that the study file binds.
struct Bound<'s, 'd> {
    keys: Vec<String>,
    action: &'s Value,
    label: Option<String>,
    /// Where the action is written.
    place: Place<'d>,
}

/// The controls of an environment of the catalogue.
pub(super) fn native(
    section: &GymSection,
    known: &EnvironmentInfo,
    place: &Place,
    found: &mut Vec<Found>,
) -> Controls {
    let place = place.key("controls");
    if section.controls.default_action.is_some() {
        let message = format!("the default action of {} cannot be changed", known.id);
        let at = place.key("default_action");
        found.push(at.problem(message, "remove it; it is for environments in Python"));
    }
    let bindings = match bound(&section.controls, &place, found) {
        None => sorted(own_bindings(known)),
        Some(bound) => {
            let mut bindings = Vec::new();
            for one in bound {
                if let Some((action, own)) = resolve(one.action, known, &one.place, found) {
                    bindings.push(KeyBinding {
                        keys: one.keys,
                        action,
                        label: one.label.unwrap_or(own),
                    });
                }
            }
            bindings
        }
    };
    Controls {
        mode: mode(section.controls.mode.unwrap_or_default()),
        bindings,
        default_action: known.default_action,
    }
}

/// The controls of an environment in Python, and the actions that its bindings number.
pub(super) fn python(
    section: &GymSection,
    step: StepName,
    place: &Place,
    found: &mut Vec<Found>,
) -> (Controls, Vec<Value>) {
    let place = place.key("controls");
    let mut actions = Vec::new();
    let mut bindings = Vec::new();
    for one in bound(&section.controls, &place, found).unwrap_or_default() {
        if let Value::String(word) = one.action {
            let message = format!("an environment in Python has no action named \"{word}\"");
            let fix = format!(
                "write the action, and what it is called if you like: \
                 `{{ action = 1, label = \"{word}\" }}`"
            );
            found.push(one.place.problem(message, fix));
        }
        bindings.push(KeyBinding {
            keys: one.keys,
            // There are as many as lines in a file.
            action: u32::try_from(actions.len()).unwrap_or(u32::MAX),
            label: one.label.unwrap_or_else(|| one.action.to_string()),
        });
        actions.push(one.action.clone());
    }
    if let Some(Value::String(_) | Value::Bool(_)) = &section.controls.default_action {
        let message = "`default_action` is not an action of an environment in Python";
        let fix = "write a number, a list or a table, as its action space has them";
        found.push(place.key("default_action").problem(message, fix));
    }
    // Who holds a key for a moment does not mean several steps.
    let usual = match step {
        StepName::Clock => InputModeName::HeldKeys,
        StepName::OnInput => InputModeName::SingleKeystroke,
    };
    let controls = Controls {
        mode: mode(section.controls.mode.unwrap_or(usual)),
        bindings,
        default_action: 0,
    };
    (controls, actions)
}

/// The bindings of the file that are well written, those with more keys first; none if it has no
/// such section.
fn bound<'s, 'd>(
    section: &'s ControlsSection,
    place: &Place<'d>,
    found: &mut Vec<Found>,
) -> Option<Vec<Bound<'s, 'd>>> {
    let named = section.bindings.as_ref()?;
    let place = place.key("bindings");
    let mut bindings = Vec::new();
    let mut taken = BTreeSet::new();
    for (combination, at) in place.keys() {
        let Some(value) = named.get(&combination) else {
            continue;
        };
        let keys = match keys(&combination) {
            Ok(keys) => keys,
            Err((message, fix)) => {
                found.push(at.problem(message, fix));
                continue;
            }
        };
        let same: BTreeSet<String> = keys.iter().map(|key| key.to_lowercase()).collect();
        if !taken.insert(same) {
            let message = format!("the keys `{combination}` are bound twice");
            found.push(at.problem(message, "remove one of the two lines"));
        }
        let at = place.key(&combination);
        let (action, label) = match labelled(value) {
            Some((Some(action), label)) => (action, label),
            Some((None, _)) => {
                let fix = "add it, such as `{ action = 1, label = \"left\" }`";
                found.push(at.problem("there is a label and no action", fix));
                continue;
            }
            None => (value, None),
        };
        bindings.push(Bound {
            keys,
            action,
            label,
            place: at,
        });
    }
    bindings.sort_by_key(|bound| std::cmp::Reverse(bound.keys.len()));
    Some(bindings)
}

/// The parts of `{ action = …, label = "…" }`, if it is that.
fn labelled(value: &Value) -> Option<(Option<&Value>, Option<String>)> {
    let table = value.as_object()?;
    let is_labelled = table.keys().all(|key| key == "action" || key == "label");
    let label = table.get("label").map(|label| label.as_str());
    match label {
        _ if table.is_empty() || !is_labelled => None,
        // A part of a space that happens to have that name.
        Some(None) => None,
        Some(Some(label)) => Some((table.get("action"), Some(label.to_owned()))),
        None => Some((table.get("action"), None)),
    }
}

fn mode(name: InputModeName) -> InputMode {
    match name {
        InputModeName::HeldKeys => InputMode::HeldKeys,
        InputModeName::SingleKeystroke => InputMode::SingleKeystroke,
    }
}

fn sorted(mut bindings: Vec<KeyBinding>) -> Vec<KeyBinding> {
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.keys.len()));
    bindings
}

fn own_bindings(known: &EnvironmentInfo) -> Vec<KeyBinding> {
    let binding = |(keys, action): &(&[&str], u32)| KeyBinding {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        action: *action,
        label: label(known, *action),
    };
    known.default_keys.iter().map(binding).collect()
}

fn label(known: &EnvironmentInfo, action: u32) -> String {
    let own = known.actions.iter().find(|(number, _)| *number == action);
    own.map_or_else(|| action.to_string(), |(_, label)| (*label).to_owned())
}

fn resolve(
    action: &Value,
    known: &EnvironmentInfo,
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<(u32, String)> {
    let number = action
        .as_u64()
        .and_then(|number| u32::try_from(number).ok());
    let own = known.actions.iter().find(|(it, label)| match action {
        Value::String(wanted) => label.eq_ignore_ascii_case(wanted),
        _ => number == Some(*it),
    });
    if let Some((number, label)) = own {
        return Some((*number, (*label).to_owned()));
    }
    let word = match action {
        Value::String(label) => label.clone(),
        action => action.to_string(),
    };
    let labels: Vec<&str> = known.actions.iter().map(|(_, label)| *label).collect();
    let message = format!("{} has no action `{word}`", known.id);
    found.push(place.problem(message, choose(&word, "its actions are", &labels)));
    None
}

/// The `KeyboardEvent.key` values of "ArrowUp+a".
pub(super) fn keys(combination: &str) -> Result<Vec<String>, (String, String)> {
    if combination == "+" {
        return Ok(vec![combination.to_owned()]);
    }
    let mut keys = Vec::new();
    for name in combination.split('+') {
        let key = match name {
            "Space" => " ",
            name if name.chars().count() == 1 || NAMED_KEYS.contains(&name) => name,
            name => return Err(unknown_key(combination, name)),
        };
        if keys.iter().any(|other| other == key) {
            let message = format!("`{combination}` names the key `{name}` twice");
            return Err((message, "name each key once".to_owned()));
        }
        keys.push(key.to_owned());
    }
    Ok(keys)
}

fn unknown_key(combination: &str, name: &str) -> (String, String) {
    if name.is_empty() {
        let message = format!("`{combination}` names an empty key");
        let fix = "join keys with one `+`, such as `ArrowUp+ArrowLeft`".to_owned();
        return (message, fix);
    }
    let arrow = format!("Arrow{name}");
    let meant = closest(
        &arrow,
        NAMED_KEYS
            .into_iter()
            .filter(|key| key.starts_with("Arrow")),
    )
    .filter(|key| key.eq_ignore_ascii_case(&arrow))
    .or_else(|| {
        let mut others = OTHER_NAMES.into_iter();
        let (_, key) = others.find(|(other, _)| name.eq_ignore_ascii_case(other))?;
        Some(key)
    })
    .or_else(|| closest(name, NAMED_KEYS));
    let fix = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write the key as a browser names it (`KeyboardEvent.key`), such as `a`, `Space` \
                 or `ArrowLeft`"
            .to_owned(),
    };
    (format!("there is no key named `{name}`"), fix)
}
