//! Slime volleyball as an environment: determinism, saving, who wins.

use igym_envs::{SlimeVolleyball, SlimeVolleyballConfig};
use igym_gym::numpy::Pcg64;
use igym_gym::{Action, AgentStep, LoadError, MultiAgentEnv, Surface, Value};

fn new(config: SlimeVolleyballConfig, seed: u32) -> SlimeVolleyball {
    let mut env = SlimeVolleyball::new(config);
    env.reset(seed);
    env
}

fn default(seed: u32) -> SlimeVolleyball {
    new(SlimeVolleyballConfig::default(), seed)
}

fn both(left: u32, right: u32) -> [Option<Action>; 2] {
    [Some(Action::Discrete(left)), Some(Action::Discrete(right))]
}

fn random(actions: &mut Pcg64) -> [Option<Action>; 2] {
    let mut draw = || actions.integers(0, 6) as u32;
    both(draw(), draw())
}

fn state(env: &SlimeVolleyball) -> Vec<u8> {
    let mut state = Vec::new();
    env.save(&mut state);
    state
}

/// The numbers of an observation.
fn seen(env: &SlimeVolleyball, agent: usize) -> Vec<f32> {
    let Value::Array { bytes, shape, .. } = env.observe(agent) else {
        panic!("an observation is an array");
    };
    assert_eq!(shape, [12]);
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|number| f32::from_le_bytes(*number))
        .collect()
}

#[test]
fn the_same_seed_and_actions_give_the_same_states() {
    let (mut one, mut two) = (default(9), default(9));
    let mut other = default(10);
    assert_ne!(state(&one), state(&other));
    let mut actions = Pcg64::new(1);
    for _ in 0..300 {
        let actions = random(&mut actions);
        assert_eq!(one.step(&actions), two.step(&actions));
        other.step(&actions);
        assert_eq!(state(&one), state(&two));
        assert_ne!(state(&one), state(&other));
        assert_eq!(one.observe(0), two.observe(0));
    }
}

#[test]
fn a_loaded_state_goes_on_as_the_saved_one_did() {
    let config = SlimeVolleyballConfig {
        max_lives: 100,
        ..SlimeVolleyballConfig::default()
    };
    let mut env = new(config.clone(), 3);
    let mut actions = Pcg64::new(2);
    for _ in 0..137 {
        env.step(&random(&mut actions));
    }
    let saved = state(&env);
    let rest: Vec<_> = (0..400).map(|_| random(&mut actions)).collect();
    let play = |env: &mut SlimeVolleyball| -> Vec<(Vec<AgentStep>, Vec<u8>)> {
        rest.iter()
            .map(|actions| (env.step(actions), state(env)))
            .collect()
    };
    let first = play(&mut env);
    let mut fresh = new(config, 77);
    fresh.load(&saved).unwrap();
    assert_eq!(state(&fresh), saved);
    assert!(first == play(&mut fresh), "the futures are equal");
    let points = first
        .iter()
        .filter(|(steps, _)| steps[0].reward != Some(0.0))
        .count();
    assert!(points >= 3, "new serves are part of the future: {points}");
}

#[test]
fn a_state_of_another_length_is_refused_and_changes_nothing() {
    let mut env = default(4);
    let before = state(&env);
    for length in [0, 1, before.len() - 1, before.len() + 1] {
        let error = env.load(&vec![0; length]).unwrap_err();
        assert!(matches!(error, LoadError::Length { .. }), "{error}");
        assert_eq!(state(&env), before);
    }
}

#[test]
fn no_flipped_bit_makes_it_panic() {
    let mut env = default(4);
    for _ in 0..60 {
        env.step(&both(2, 4));
    }
    let saved = state(&env);
    let mut refused = 0;
    for bit in 0..saved.len() * 8 {
        let mut flipped = saved.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if env.load(&flipped).is_err() {
            refused += 1;
            continue;
        }
        assert_eq!(state(&env), flipped);
        env.step(&both(1, 5));
        env.observe(0);
        let mut surface = Surface::new(1200, 500);
        env.render(&mut surface, Some(1));
        surface.commit();
    }
    assert!(
        refused <= 40,
        "only the generator's flag and spare half: {refused}"
    );
}

#[test]
fn people_steer_by_the_screen_and_trained_agents_by_their_side() {
    for (human_inputs, toward_net_is_right) in [(true, true), (false, false)] {
        let config = SlimeVolleyballConfig {
            human_inputs,
            ..SlimeVolleyballConfig::default()
        };
        let mut env = new(config, 0);
        let before = [seen(&env, 0)[0], seen(&env, 1)[0]];
        for _ in 0..5 {
            env.step(&both(5, 5));
        }
        let after = [seen(&env, 0)[0], seen(&env, 1)[0]];
        // Observed x grows away from the net on either side.
        assert_eq!(after[0] < before[0], toward_net_is_right);
        assert!(after[1] > before[1], "the right agent is never mirrored");
    }
}

#[test]
fn an_agent_without_an_action_stays() {
    let (mut absent, mut staying) = (default(1), default(1));
    for _ in 0..50 {
        assert_eq!(absent.step(&[None, None]), staying.step(&both(0, 0)));
        assert_eq!(absent.step(&[]), staying.step(&both(0, 0)));
    }
    assert_eq!(state(&absent), state(&staying));
}

#[test]
fn the_ball_hangs_for_thirty_frames_and_then_falls() {
    let mut env = default(1);
    for frame in 0..30 {
        assert_eq!(seen(&env, 1)[4..6], [0.0, 1.2], "frame {frame}");
        env.step(&both(0, 0));
    }
    env.step(&both(0, 0));
    assert_ne!(seen(&env, 1)[4..6], [0.0, 1.2]);
}

#[test]
fn the_first_point_ends_the_episode_and_the_rewards_mirror_each_other() {
    for seed in 0..20 {
        let mut env = default(seed);
        let mut frames = 0;
        let last = loop {
            let steps = env.step(&both(0, 0));
            frames += 1;
            assert!(frames < 1000, "somebody wins");
            if steps[0].terminated == Some(true) {
                break steps;
            }
            assert!(steps.iter().all(|step| step.reward == Some(0.0)));
        };
        assert_eq!(last[0].reward.map(f64::abs), Some(1.0));
        assert_eq!(last[0].reward, last[1].reward.map(|reward| -reward));
        let ball_is_left = seen(&env, 1)[4] <= 0.0;
        assert_eq!(last[1].reward == Some(1.0), ball_is_left);
        assert_eq!(last[0].truncated, Some(false));
    }
}

#[test]
fn with_more_lives_the_ball_is_served_again() {
    let config = SlimeVolleyballConfig {
        max_lives: 3,
        survival_reward: true,
        ..SlimeVolleyballConfig::default()
    };
    let mut env = new(config, 2);
    let mut points = [0, 0];
    loop {
        let steps = env.step(&both(0, 0));
        let scored = steps.iter().position(|step| step.reward > Some(0.5));
        if let Some(winner) = scored {
            points[winner] += 1;
            assert_eq!(seen(&env, 1)[4..6], [0.0, 1.2], "a new serve");
        } else {
            assert_eq!(steps[0].reward, Some(f64::from(0.01_f32)));
        }
        if steps[0].terminated == Some(true) {
            break;
        }
    }
    assert_eq!(points.into_iter().max(), Some(3));
    assert!(points.into_iter().min() < Some(3));
}

#[test]
fn the_environments_own_step_limit_truncates() {
    let config = SlimeVolleyballConfig {
        max_steps: 12,
        ..SlimeVolleyballConfig::default()
    };
    let mut env = new(config, 2);
    for frame in 1..=12 {
        for step in env.step(&both(0, 0)) {
            assert_eq!(step.truncated, Some(frame == 12));
            assert_eq!(step.terminated, Some(false));
        }
    }
}
