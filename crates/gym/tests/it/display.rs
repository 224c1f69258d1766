//! What travels when the picture changes.

use igym_gym::{Display, DrawDelta, Surface};
use proptest::prelude::*;

fn set(delta: &DrawDelta) -> Vec<&str> {
    delta.set.iter().map(|object| object.id.as_str()).collect()
}

struct Stage {
    surface: Surface,
    display: Display,
}

impl Stage {
    fn new() -> Self {
        Self {
            surface: Surface::new(200, 100),
            display: Display::default(),
        }
    }

    fn show(&mut self, draw: impl FnOnce(&mut Surface)) -> DrawDelta {
        draw(&mut self.surface);
        self.display.diff(&self.surface.commit())
    }
}

#[test]
fn an_unchanged_picture_sends_nothing() {
    let mut stage = Stage::new();
    let picture = |s: &mut Surface| {
        s.rect(0.0, 50.0, 200.0, 50.0).persistent("ground");
        s.circle(10.0, 10.0, 5.0).id("ball");
        s.line([(0.0, 0.0), (1.0, 1.0)]);
    };
    let first = stage.show(picture);
    assert_eq!(set(&first), ["ground", "ball", "~line1"]);
    assert_eq!(first.order.as_ref().map(Vec::len), Some(3));
    let second = stage.show(picture);
    assert!(second.is_empty(), "{second:?}");
    assert_eq!(
        serde_json::to_string(&second).unwrap(),
        r#"{"set":[],"removed":[]}"#
    );
}

#[test]
fn only_what_changed_is_sent() {
    let mut stage = Stage::new();
    for x in [10.0, 11.0] {
        let delta = stage.show(|s| {
            s.rect(0.0, 50.0, 200.0, 50.0).persistent("ground");
            s.circle(x, 10.0, 5.0).id("ball");
        });
        if x == 11.0 {
            assert_eq!(set(&delta), ["ball"]);
            assert_eq!((delta.removed.len(), delta.order), (0, None));
        }
    }
    let delta = stage.show(|s| {
        s.circle(11.0, 10.0, 5.0).id("ball").tween(100);
    });
    assert_eq!(set(&delta), ["ball"], "a keyword is a change too");
}

#[test]
fn what_is_gone_is_removed() {
    let mut stage = Stage::new();
    stage.show(|s| {
        s.rect(0.0, 50.0, 200.0, 50.0).persistent("ground");
        s.circle(0.0, 10.0, 5.0).id("ball");
    });
    let delta = stage.show(|_| {});
    assert_eq!(delta.removed, ["ball"]);
    assert_eq!(delta.order, Some(vec!["ground".to_owned()]));
    let delta = stage.show(|s| s.remove("ground"));
    assert_eq!(delta.removed, ["ground"]);
    assert_eq!(delta.order, Some(vec![]));
    assert!(stage.show(|_| {}).is_empty());
}

#[test]
fn another_kind_of_shape_replaces_the_old_one() {
    let mut stage = Stage::new();
    stage.show(|s| {
        s.circle(0.0, 0.0, 5.0).id("x");
    });
    let delta = stage.show(|s| {
        s.rect(0.0, 0.0, 5.0, 5.0).id("x");
    });
    assert_eq!(delta.removed, ["x"]);
    assert_eq!(set(&delta), ["x"]);
    assert_eq!(delta.order, Some(vec!["x".to_owned()]), "it is made anew");
}

#[test]
fn a_new_stacking_is_sent_without_the_objects() {
    let mut stage = Stage::new();
    for top in ["a", "b"] {
        let delta = stage.show(|s| {
            for id in ["a", "b"] {
                let depth = if id == top { 1.0 } else { 0.0 };
                s.circle(0.0, 0.0, 5.0).id(id).depth(depth);
            }
        });
        assert_eq!(delta.order.unwrap().last().map(String::as_str), Some(top));
        assert_eq!(delta.set.len(), if top == "a" { 2 } else { 0 });
    }
}

#[test]
fn a_cleared_display_is_told_everything_again() {
    let mut stage = Stage::new();
    let picture = |s: &mut Surface| {
        s.circle(0.0, 0.0, 5.0).persistent("x");
    };
    let first = stage.show(picture);
    stage.display.clear();
    assert_eq!(stage.show(picture), first);
}

/// A page that applies deltas as they are documented.
#[derive(Default)]
struct Page {
    shown: Vec<igym_gym::DrawObject>,
}

impl Page {
    fn apply(&mut self, delta: &DrawDelta) {
        self.shown
            .retain(|object| !delta.removed.contains(&object.id));
        for object in &delta.set {
            match self.shown.iter_mut().find(|shown| shown.id == object.id) {
                Some(shown) => {
                    assert_eq!(
                        std::mem::discriminant(&shown.shape),
                        std::mem::discriminant(&object.shape)
                    );
                    *shown = object.clone();
                }
                None => self.shown.push(object.clone()),
            }
        }
        if let Some(order) = &delta.order {
            self.shown
                .sort_by_key(|shown| order.iter().position(|id| *id == shown.id));
        }
    }
}

proptest! {
    /// Whatever is drawn, a page that was told the differences shows the picture.
    #[test]
    fn a_page_that_applies_the_deltas_shows_the_picture(
        frames in proptest::collection::vec(
            proptest::collection::vec((0..5_u8, 0..3_u8, 0..3_u8, any::<bool>(), 0..3_u8), 0..6),
            1..12,
        ),
    ) {
        let mut stage = Stage::new();
        let mut page = Page::default();
        for frame in frames {
            for (id, kind, place, persistent, depth) in frame {
                let x = f64::from(place);
                let draft = match kind {
                    0 => stage.surface.circle(x, 0.0, 1.0),
                    1 => stage.surface.rect(x, 0.0, 1.0, 1.0),
                    _ => stage.surface.line([(x, 0.0)]),
                };
                let draft = draft.depth(f64::from(depth));
                match (id, persistent) {
                    (0, _) => draft,
                    (_, true) => draft.persistent(id.to_string()),
                    (_, false) => draft.id(id.to_string()),
                };
            }
            let list = stage.surface.commit();
            page.apply(&stage.display.diff(&list));
            prop_assert_eq!(&page.shown, &list.objects);
        }
    }
}
