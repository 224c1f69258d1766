//! Keys and what they do.

use std::collections::BTreeSet;

use igym_envs::EnvironmentInfo;
use igym_protocol::{Controls, InputMode, KeyBinding};

use super::error::Found;
use super::place::Place;
use super::raw::{ActionName, ControlsSection, InputModeName};
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

/// The controls of a game.
pub(super) fn check(
    section: &ControlsSection,
    known: &EnvironmentInfo,
    place: &Place,
    found: &mut Vec<Found>,
) -> Controls {
    let mut bindings = match &section.bindings {
        None => own_bindings(known),
        Some(named) => {
            let mut bindings = Vec::new();
            let mut taken = BTreeSet::new();
            for (combination, at) in place.key("bindings").keys() {
                let Some(action) = named.get(&combination) else {
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
                let at = place.key("bindings").key(&combination);
                if let Some((action, label)) = resolve(action, known, &at, found) {
                    bindings.push(KeyBinding {
                        keys,
                        action,
                        label,
                    });
                }
            }
            bindings
        }
    };
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.keys.len()));
    Controls {
        mode: match section.mode {
            InputModeName::HeldKeys => InputMode::HeldKeys,
            InputModeName::SingleKeystroke => InputMode::SingleKeystroke,
        },
        bindings,
        default_action: known.default_action,
    }
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
    action: &ActionName,
    known: &EnvironmentInfo,
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<(u32, String)> {
    let own = known.actions.iter().find(|(number, label)| match action {
        ActionName::Number(wanted) => number == wanted,
        ActionName::Label(wanted) => label.eq_ignore_ascii_case(wanted),
    });
    if let Some((number, label)) = own {
        return Some((*number, (*label).to_owned()));
    }
    let word = match action {
        ActionName::Number(number) => number.to_string(),
        ActionName::Label(label) => label.clone(),
    };
    let labels: Vec<&str> = known.actions.iter().map(|(_, label)| *label).collect();
    let message = format!("{} has no action `{word}`", known.id);
    found.push(place.problem(message, choose(&word, "its actions are", &labels)));
    None
}

/// The `KeyboardEvent.key` values of "ArrowUp+a".
fn keys(combination: &str) -> Result<Vec<String>, (String, String)> {
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
    .or_else(|| closest(name, NAMED_KEYS));
    let fix = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write the key as a browser names it (`KeyboardEvent.key`), such as `a`, `Space` \
                 or `ArrowLeft`"
            .to_owned(),
    };
    (format!("there is no key named `{name}`"), fix)
}
