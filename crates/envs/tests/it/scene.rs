//! What slime volleyball draws, and how little of it travels.

use igym_envs::{SlimeVolleyball, SlimeVolleyballConfig};
use igym_gym::{Action, Display, DrawList, MultiAgentEnv, Shape, Surface};

fn picture(env: &SlimeVolleyball, viewer: Option<usize>) -> DrawList {
    let (width, height) = env.size();
    let mut surface = Surface::new(width, height);
    env.render(&mut surface, viewer);
    surface.commit()
}

fn env(seed: u32, frames: u32) -> SlimeVolleyball {
    let mut env = SlimeVolleyball::new(SlimeVolleyballConfig::default());
    env.reset(seed);
    for _ in 0..frames {
        env.step(&[Some(Action::Discrete(2)), Some(Action::Discrete(4))]);
    }
    env
}

fn has(list: &DrawList, id: &str) -> bool {
    list.objects.iter().any(|object| object.id == id)
}

#[test]
fn all_that_belongs_to_the_court_is_there() {
    let list = picture(&env(0, 0), None);
    assert_eq!(list.omitted, 0);
    for id in [
        "sky-0",
        "sand",
        "net-head",
        "net-post-left",
        "slime-0-body",
        "slime-1-pupil",
        "ball",
    ] {
        assert!(has(&list, id), "{id}");
    }
    assert!(has(&list, "ball-dial"), "the serve is announced");
    assert!(!has(&picture(&env(0, 31), None), "ball-dial"));
}

#[test]
fn only_the_viewer_sees_which_slime_is_theirs() {
    let env = env(0, 10);
    assert!(!has(&picture(&env, None), "you-text"));
    let signs = [0, 1].map(|viewer| {
        let list = picture(&env, Some(viewer));
        let sign = list.objects.iter().find(|object| object.id == "you-text");
        match sign.map(|object| &object.shape) {
            Some(Shape::Text { x, text, .. }) if text == "You" => *x,
            other => panic!("no sign: {other:?}"),
        }
    });
    assert!(signs[0] < 600.0 && signs[1] > 600.0, "{signs:?}");
}

#[test]
fn the_scenery_is_sent_once_and_a_still_picture_not_at_all() {
    let mut env = env(5, 0);
    let (width, height) = env.size();
    let mut surface = Surface::new(width, height);
    let mut display = Display::default();
    env.render(&mut surface, Some(0));
    let first = display.diff(&surface.commit());
    assert!(first.set.iter().any(|object| object.id == "sky-3"));
    assert!(first.order.is_some());

    env.render(&mut surface, Some(0));
    assert!(display.diff(&surface.commit()).is_empty());

    let mut moved = 0;
    for _ in 0..80 {
        env.step(&[Some(Action::Discrete(1)), Some(Action::Discrete(3))]);
        env.render(&mut surface, Some(0));
        let delta = display.diff(&surface.commit());
        for object in &delta.set {
            let part = object.id.split('-').next().unwrap();
            assert!(
                ["slime", "ball", "you"].contains(&part),
                "{} was sent again",
                object.id
            );
        }
        moved += delta.set.len();
    }
    assert!(moved > 500, "the play itself was sent: {moved}");
}

#[test]
fn a_ball_above_the_picture_is_pointed_at() {
    let shown = (0..40).any(|seed| {
        let mut env = env(seed, 0);
        (0..120).any(|_| {
            env.step(&[None, None]);
            has(&picture(&env, None), "ball-above")
        })
    });
    assert!(shown);
}
