//! From keys to the action of a frame.

use std::collections::{BTreeSet, VecDeque};

use igym_protocol::{Controls, InputMode};

/// What the player's keys mean at each frame.
///
/// Keys that no binding names are ignored, and never recorded.
#[derive(Debug)]
pub(crate) struct Keyboard {
    mode: InputMode,
    /// Those with more keys first, else in the plan's order.
    bindings: Vec<Binding>,
    held: BTreeSet<String>,
    /// Keys that went down since the last sample: a tap shorter than a frame is not lost.
    tapped: BTreeSet<String>,
    /// Actions of single keystrokes that no frame has used yet.
    queue: VecDeque<u32>,
}

#[derive(Debug)]
struct Binding {
    keys: BTreeSet<String>,
    action: u32,
}

/// A bound key changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyChange {
    /// As the bindings name it.
    pub(crate) key: String,
    /// How many samples are taken before the first that can use this change.
    pub(crate) samples_before: u32,
}

/// Keystrokes that wait for a frame; more than this are a cat on the keyboard.
const QUEUE: usize = 64;

impl Keyboard {
    pub(crate) fn new(controls: &Controls) -> Self {
        let mut bindings: Vec<Binding> = controls
            .bindings
            .iter()
            .map(|binding| Binding {
                keys: binding.keys.iter().map(|key| normal(key)).collect(),
                action: binding.action,
            })
            .filter(|binding| !binding.keys.is_empty())
            .collect();
        bindings.sort_by_key(|binding| std::cmp::Reverse(binding.keys.len()));
        Self {
            mode: controls.mode,
            bindings,
            held: BTreeSet::new(),
            tapped: BTreeSet::new(),
            queue: VecDeque::new(),
        }
    }

    /// A key went down or up. `None` if nothing changed: an unbound key, an automatic repeat.
    pub(crate) fn handle_key(&mut self, key: &str, down: bool) -> Option<KeyChange> {
        let key = normal(key);
        if !self
            .bindings
            .iter()
            .any(|binding| binding.keys.contains(&key))
        {
            return None;
        }
        let changed = if down {
            self.held.insert(key.clone())
        } else {
            self.held.remove(&key)
        };
        if !changed {
            return None;
        }
        let samples_before = match self.mode {
            InputMode::HeldKeys => {
                if down {
                    self.tapped.insert(key.clone());
                }
                0
            }
            InputMode::SingleKeystroke => {
                let waiting = self.queue.len();
                if down && waiting < QUEUE {
                    let action = self.action_of(&self.held, Some(&key));
                    self.queue.extend(action);
                }
                if down { waiting as u32 } else { 0 }
            }
        };
        Some(KeyChange {
            key,
            samples_before,
        })
    }

    /// The window lost the focus: key releases will not be heard any more. Returns what was held.
    pub(crate) fn release(&mut self) -> Vec<String> {
        std::mem::take(&mut self.held).into_iter().collect()
    }

    /// Drops what waits for a frame: nobody who left the page is acting.
    pub(crate) fn forget(&mut self) {
        self.tapped.clear();
        self.queue.clear();
    }

    /// The action of the next frame; `None` if nothing bound is pressed.
    pub(crate) fn sample(&mut self) -> Option<u32> {
        match self.mode {
            InputMode::HeldKeys => {
                let mut down = std::mem::take(&mut self.tapped);
                down.extend(self.held.iter().cloned());
                self.action_of(&down, None)
            }
            InputMode::SingleKeystroke => self.queue.pop_front(),
        }
    }

    /// The first binding whose keys are all `down` and that has `needed` among its keys.
    fn action_of(&self, down: &BTreeSet<String>, needed: Option<&str>) -> Option<u32> {
        self.bindings
            .iter()
            .filter(|binding| needed.is_none_or(|key| binding.keys.contains(key)))
            .find(|binding| binding.keys.is_subset(down))
            .map(|binding| binding.action)
    }
}

/// Letters match in either case; names like `ArrowLeft` are kept as they are.
fn normal(key: &str) -> String {
    if key.chars().count() == 1 {
        key.to_lowercase()
    } else {
        key.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use igym_protocol::KeyBinding;

    const NOTHING: u32 = 0;
    const LEFT: u32 = 1;
    const UP_LEFT: u32 = 2;
    const UP: u32 = 3;

    fn keyboard(mode: InputMode) -> Keyboard {
        let binding = |keys: &[&str], action| KeyBinding {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            action,
            label: String::new(),
        };
        Keyboard::new(&Controls {
            mode,
            bindings: vec![
                binding(&["a"], LEFT),
                binding(&["ArrowLeft"], LEFT),
                binding(&["W"], UP),
                binding(&["w", "a"], UP_LEFT),
            ],
            default_action: NOTHING,
        })
    }

    /// What happens between two samples: `+key` goes down, `-key` goes up, `blur`, `.` nothing.
    fn play(mode: InputMode, script: &[(&str, u32)]) {
        let mut keyboard = keyboard(mode);
        for (index, (happens, expected)) in script.iter().enumerate() {
            for step in happens.split_whitespace() {
                match step.split_at(1) {
                    ("+", key) => drop(keyboard.handle_key(key, true)),
                    ("-", key) => drop(keyboard.handle_key(key, false)),
                    (".", "") => {}
                    ("b", "lur") => drop(keyboard.release()),
                    other => panic!("not a step: {other:?}"),
                }
            }
            assert_eq!(
                keyboard.sample().unwrap_or(NOTHING),
                *expected,
                "sample {index} of {script:?}"
            );
        }
    }

    #[test]
    fn held_keys_act_while_they_are_down() {
        play(
            InputMode::HeldKeys,
            &[
                (".", NOTHING),
                ("+ArrowLeft", LEFT),
                (".", LEFT),
                ("-ArrowLeft", NOTHING),
                ("+arrowleft", NOTHING),
            ],
        );
    }

    #[test]
    fn combinations_come_before_single_keys_whatever_the_order_of_pressing() {
        for first_second in ["+a +w", "+w +a"] {
            play(
                InputMode::HeldKeys,
                &[
                    (first_second, UP_LEFT),
                    ("-w", LEFT),
                    ("+w -a", UP),
                    ("+a", UP_LEFT),
                ],
            );
        }
    }

    #[test]
    fn letters_match_in_either_case() {
        play(
            InputMode::HeldKeys,
            &[
                ("+A", LEFT),
                ("-a", NOTHING),
                ("+W +a", UP_LEFT),
                ("-A", UP),
            ],
        );
    }

    #[test]
    fn a_tap_shorter_than_a_frame_acts_once() {
        play(
            InputMode::HeldKeys,
            &[("+a -a", LEFT), (".", NOTHING), ("+w -w +w", UP), (".", UP)],
        );
    }

    #[test]
    fn losing_the_focus_releases_every_key() {
        play(
            InputMode::HeldKeys,
            &[("+a +w", UP_LEFT), ("blur", NOTHING), ("+a", LEFT)],
        );
    }

    #[test]
    fn keystrokes_queue_and_act_on_one_frame_each() {
        play(
            InputMode::SingleKeystroke,
            &[
                ("+a -a +a -a +w", LEFT),
                (".", LEFT),
                (".", UP),
                (".", NOTHING),
                ("+w", NOTHING), // an automatic repeat: it is still down
                ("-w +w", UP),
                ("+a", UP_LEFT), // completes the combination
                (".", NOTHING),
            ],
        );
    }

    #[test]
    fn changes_say_when_they_can_act_and_unbound_keys_are_none() {
        let change = |key: &str, samples_before| {
            Some(KeyChange {
                key: key.to_owned(),
                samples_before,
            })
        };
        let mut held = keyboard(InputMode::HeldKeys);
        assert_eq!(held.handle_key("A", true), change("a", 0));
        assert_eq!(held.handle_key("a", true), None, "a repeat");
        assert_eq!(held.handle_key("x", true), None, "not bound");
        assert_eq!(held.handle_key("w", false), None, "was not down");
        assert_eq!(held.release(), ["a"]);

        let mut single = keyboard(InputMode::SingleKeystroke);
        assert_eq!(single.handle_key("a", true), change("a", 0));
        assert_eq!(single.handle_key("a", false), change("a", 0));
        assert_eq!(single.handle_key("a", true), change("a", 1));
        single.forget();
        assert_eq!(single.sample(), None);
    }

    #[test]
    fn waiting_keystrokes_are_bounded() {
        let mut keyboard = keyboard(InputMode::SingleKeystroke);
        for _ in 0..10_000 {
            keyboard.handle_key("a", true);
            keyboard.handle_key("a", false);
        }
        let acted = (0..10_000)
            .take_while(|_| keyboard.sample() == Some(LEFT))
            .count();
        assert_eq!(acted, QUEUE);
    }
}
