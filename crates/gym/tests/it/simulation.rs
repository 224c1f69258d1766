//! The platform's rules around an environment.

use igym_gym::{MultiAgentEnv, Outcome, Rules, SetupError, Simulation, SnapshotError, StepRecord};

use crate::toy::Toy;

fn rules(seats: &[&[&str]]) -> Rules {
    Rules {
        max_steps: 100,
        digest_interval: 0,
        seats: seats
            .iter()
            .map(|agents| agents.iter().map(|agent| (*agent).to_owned()).collect())
            .collect(),
        default_action: 1,
    }
}

fn simulation(rules: Rules) -> Simulation {
    Simulation::new(Box::new(Toy::new()), rules).expect("the rules fit")
}

/// One player with "a" and "c", one with "b".
fn two_players() -> Simulation {
    simulation(rules(&[&["c", "a"], &["b"]]))
}

fn outcome(record: &StepRecord) -> Outcome {
    Outcome::decode(&record.outcome).expect("it was just encoded")
}

fn rewards(record: &StepRecord) -> Vec<Option<f64>> {
    outcome(record)
        .agents
        .iter()
        .map(|agent| agent.reward)
        .collect()
}

#[test]
fn rules_that_do_not_fit_are_refused_with_the_reason() {
    let refused = |rules| Simulation::new(Box::new(Toy::new()), rules).err().unwrap();
    assert!(matches!(
        refused(rules(&[&["x"]])),
        SetupError::UnknownAgent { agent, known } if agent == "x" && known == "a, b, c"
    ));
    assert_eq!(
        refused(rules(&[&["a"], &["a"]])),
        SetupError::SharedAgent("a".into())
    );
    let mut wrong = rules(&[]);
    wrong.default_action = 8;
    assert!(matches!(
        refused(wrong),
        SetupError::DefaultAction { action: 8, .. }
    ));
    let mut wrong = rules(&[]);
    wrong.max_steps = 0;
    assert_eq!(refused(wrong), SetupError::NoFrames);
}

#[test]
fn a_players_input_is_its_agents_actions_in_seat_order() {
    let mut simulation = two_players();
    let record = simulation.step(&[&[5, 2][..], &[3]]);
    assert_eq!(rewards(&record), [Some(2.0), Some(3.0), Some(5.0)]);
    assert!(!record.terminal);
    assert_eq!(record.digest, None);
    assert_eq!(simulation.returns(), [2.0, 3.0, 5.0]);
    assert_eq!(simulation.frame(), 1);
}

#[test]
fn an_invalid_or_missing_input_is_the_default_action() {
    for bad in [&[][..], &[5], &[5, 2, 1], &[5, 8], &[255, 255], &[0; 64]] {
        let mut simulation = two_players();
        let record = simulation.step(&[bad, &[3]]);
        assert_eq!(
            rewards(&record),
            [Some(1.0), Some(3.0), Some(1.0)],
            "{bad:?}"
        );
    }
    let mut simulation = two_players();
    let none: [&[u8]; 0] = [];
    assert_eq!(rewards(&simulation.step(&none)), [Some(1.0); 3]);
}

#[test]
fn an_agent_without_a_seat_never_acts() {
    let env = Toy::new();
    let seen = env.seen.clone();
    let mut simulation = Simulation::new(Box::new(env), rules(&[&["b"], &[]])).unwrap();
    let record = simulation.step(&[&[4][..], &[9, 9]]);
    assert_eq!(rewards(&record), [None, Some(4.0), None]);
    assert_eq!(*seen.lock().unwrap(), ["-4-"]);
}

#[test]
fn an_ended_agents_cells_are_null_and_its_input_is_not_applied() {
    let env = Toy::new();
    let seen = env.seen.clone();
    let mut simulation = Simulation::new(Box::new(env), rules(&[&["a"], &["b"], &["c"]])).unwrap();
    let first = simulation.step(&[[7], [2], [2]]);
    assert_eq!(outcome(&first).agents[0].terminated, Some(true));
    assert!(!first.terminal, "two agents live on");
    let second = simulation.step(&[[5], [2], [2]]);
    let cell = &outcome(&second).agents[0];
    assert_eq!(
        (cell.reward, cell.terminated, cell.truncated),
        (None, None, None)
    );
    assert!(cell.info.is_empty());
    assert_eq!(simulation.returns(), [7.0, 4.0, 4.0]);
    let last = simulation.step(&[[5], [7], [7]]);
    assert!(last.terminal && outcome(&last).terminal());
    assert_eq!(*seen.lock().unwrap(), ["722", "-22", "-77"]);

    // After the end nothing happens any more.
    let after = simulation.step(&[[1], [1], [1]]);
    assert!(after.terminal);
    assert_eq!(after.digest, None);
    assert_eq!(rewards(&after), [None; 3]);
    assert_eq!(simulation.frame(), 3);
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[test]
fn the_step_limit_truncates_in_the_platforms_name() {
    let mut simulation = simulation(Rules {
        max_steps: 3,
        ..rules(&[&["a"], &["b"], &["c"]])
    });
    simulation.step(&[[7], [0], [0]]);
    assert!(!simulation.step(&[[0], [0], [0]]).terminal);
    let last = simulation.step(&[[0], [0], [7]]);
    assert!(last.terminal);
    let cells = outcome(&last).agents;
    assert_eq!(
        (cells[0].truncated, cells[0].platform_truncated),
        (None, false)
    );
    assert_eq!(
        (cells[1].truncated, cells[1].platform_truncated),
        (Some(true), true)
    );
    assert_eq!(cells[1].terminated, Some(false));
    assert_eq!(
        (cells[2].terminated, cells[2].platform_truncated),
        (Some(true), false)
    );
    assert!(simulation.ended());
}

#[test]
fn digests_come_at_the_interval_and_at_the_end() {
    let frames = |interval| {
        let mut simulation = simulation(Rules {
            max_steps: 7,
            digest_interval: interval,
            ..rules(&[&["b"]])
        });
        (0..7)
            .filter(|_| {
                let record = simulation.step(&[[1]]);
                if let Some(digest) = record.digest {
                    assert_eq!(digest, simulation.digest());
                }
                record.digest.is_some()
            })
            .collect::<Vec<u32>>()
    };
    assert_eq!(frames(0), [6]);
    assert_eq!(frames(1), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(frames(3), [2, 5, 6]);
}

#[test]
fn the_digest_is_that_of_the_saved_state() {
    let simulation = two_players();
    let mut state = Vec::new();
    simulation.env().save(&mut state);
    assert_eq!(state, simulation.state());
    assert_eq!(simulation.digest(), blake3::hash(&state).as_bytes()[..16]);
    let mut other = two_players();
    other.reset(1);
    assert_ne!(other.digest(), simulation.digest());
}

#[test]
fn a_rollback_repeats_what_happened() {
    let mut simulation = two_players();
    simulation.reset(5);
    let inputs = |frame: u32| [vec![frame as u8 % 6, 1], vec![frame as u8 % 5]];
    let play = |simulation: &mut Simulation, frames: std::ops::Range<u32>| {
        frames
            .map(|frame| {
                simulation.save(frame);
                (
                    simulation.step(&inputs(frame)),
                    simulation.state(),
                    simulation.returns().to_vec(),
                )
            })
            .collect::<Vec<_>>()
    };
    let first = play(&mut simulation, 0..20);
    // "a" ended at 10: a rollback to before that brings it back.
    assert!(outcome(&first[15].0).agents[0].reward.is_none());
    for back_to in [17, 3, 0] {
        simulation.load(back_to).unwrap();
        assert_eq!(simulation.frame(), back_to);
        let again = play(&mut simulation, back_to..20);
        assert_eq!(again, first[back_to as usize..]);
    }
}

#[test]
fn snapshots_are_forgotten_when_told_and_when_their_past_is() {
    let mut simulation = two_players();
    for frame in 0..6 {
        simulation.save(frame);
        simulation.step(&[&[1, 1][..], &[1]]);
    }
    simulation.forget_before(2);
    assert_eq!(simulation.load(1), Err(SnapshotError::Missing(1)));
    assert_eq!(simulation.frame(), 6, "a failed load changes nothing");
    simulation.load(3).unwrap();
    assert_eq!(simulation.load(4), Err(SnapshotError::Missing(4)));
    simulation.load(2).unwrap();
    simulation.reset(0);
    assert_eq!(simulation.load(2), Err(SnapshotError::Missing(2)));
}

#[test]
fn two_simulations_of_one_seed_and_inputs_are_equal() {
    let (mut one, mut two) = (two_players(), two_players());
    one.reset(3);
    two.reset(3);
    for frame in 0..30_u8 {
        let inputs = [vec![frame % 8, 0], vec![frame % 3]];
        assert_eq!(one.step(&inputs), two.step(&inputs));
        assert_eq!(one.state(), two.state());
    }
}

/// The negative control's tool, by what it does to an environment.
#[cfg(feature = "fault-injection")]
#[test]
fn a_fault_changes_the_state_by_one_bit() {
    let mut simulation = two_players();
    let before = simulation.state();
    for bit in [0, 40 * 8, before.len() * 8 - 1, before.len() * 8] {
        simulation.reset(0);
        assert!(simulation.fault(bit));
        let flipped: u32 = simulation
            .state()
            .iter()
            .zip(&before)
            .map(|(a, b)| (a ^ b).count_ones())
            .sum();
        assert_eq!(flipped, 1, "bit {bit}");
    }
    assert!(
        !simulation.fault(33 * 8),
        "a spare half without its flag is refused"
    );
}

#[test]
fn a_simulation_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Simulation>();
    assert_eq!(Toy::new().agents().len(), 3);
}
