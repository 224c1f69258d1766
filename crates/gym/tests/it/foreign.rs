//! The host's side of the bytes border.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use igym_gym::{
    Action, AgentOutcome, Description, Foreign, ForeignError, ForeignErrorKind, Operations,
    Outcome, Rules, Runtime, SetupError, Value, configuration,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Gives prepared answers, and notes what it was asked.
struct Script {
    answers: Vec<Vec<u8>>,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Runtime for Script {
    fn reset(&mut self, seed: u32) -> Vec<u8> {
        self.run(&seed.to_le_bytes())
    }

    fn run(&mut self, batch: &[u8]) -> Vec<u8> {
        self.asked.lock().unwrap().push(batch.to_vec());
        self.answers.remove(0)
    }
}

fn config() -> Json {
    json!({
        "configuration": {"environment": {"file": "env.py"}, "bindings": [2, [0.10000000149011612]]},
        "description": {
            "protocol": 1, "agents": ["a", "b"],
            "spaces": [
                {"kind": "discrete", "n": 3, "start": 1},
                {"kind": "box", "dtype": "float32", "shape": [1],
                    "low": null, "high": 0.10000000149011612},
            ],
            "seats": [["a"], ["b"]], "default_inputs": ["00", "00000000"], "default_actions": ["00", "00000000"],
            "bindings": [["01", null], [null, "cdcccc3d"]],
            "size": [600, 400], "assets": [{"kind": "image", "name": "sky", "path": "sky.png"}],
            "notes": [],
        },
    })
}

fn description() -> Description {
    Description::from_config(&config().to_string()).unwrap()
}

fn foreign(answers: Vec<Vec<u8>>) -> (Foreign, Arc<Mutex<Vec<Vec<u8>>>>) {
    let asked = Arc::default();
    let script = Script {
        answers,
        asked: Arc::clone(&asked),
    };
    (Foreign::new(description(), Box::new(script)), asked)
}

fn seats(seats: &[&[&str]]) -> Vec<Vec<String>> {
    let names = |seat: &&[&str]| seat.iter().map(|name| (*name).to_owned()).collect();
    seats.iter().map(names).collect()
}

fn rules(of: &[&[&str]]) -> Rules {
    Rules {
        max_steps: 30,
        digest_interval: 5,
        seats: seats(of),
        default_action: 7,
    }
}

fn outcome(agents: &[&str], terminal: bool) -> Vec<u8> {
    let agent = |name: &&str| AgentOutcome {
        agent: (*name).to_owned(),
        reward: Some(0.5),
        ..AgentOutcome::default()
    };
    let agents = agents.iter().map(agent).collect();
    Outcome { agents, terminal }.encode()
}

fn block(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u32).to_le_bytes();
    [kind, &length, data].concat()
}

fn step(frame: u8, terminal: bool) -> Vec<u8> {
    let head = [3, frame, 0, 0, 0, u8::from(terminal)];
    block(&head, &outcome(&["a", "b"], terminal))
}

fn state(frame: u8) -> Vec<u8> {
    let mut state = vec![0x7F, frame, 0, 0, 0, 0, 2];
    for (score, live) in [(1.5_f64, 1), (-2.0, 0)] {
        state.extend(score.to_le_bytes());
        state.push(live);
    }
    state
}

fn seen(number: i64) -> Vec<u8> {
    Value::Map(BTreeMap::from([("a".to_owned(), Value::Int(number))])).encode()
}

fn answer(entries: &[Vec<u8>]) -> Vec<u8> {
    [&[1][..], &entries.concat()].concat()
}

#[test]
fn operations_are_the_bytes_of_the_border() {
    let mut operations = Operations::detailed();
    operations
        .load(258)
        .save(258)
        .step(258, &[&[7_u8, 8][..], &[]])
        .forget_before(5)
        .draw(Some(1))
        .draw(None)
        .observe()
        .digest();
    let expected = [
        &[1, 3][..],
        &[1, 2, 1, 0, 0],
        &[2, 2, 1, 0, 0],
        &[3, 2, 1, 0, 0, 2, 2, 7, 8, 0],
        &[4, 5, 0, 0, 0],
        &[5, 1, 5, 255, 6, 7],
    ];
    assert_eq!(operations.bytes(), expected.concat());
}

#[test]
fn answers_come_in_the_order_of_the_operations_and_steps_behind_the_end_do_not_come() {
    let picture = [
        block(
            &[5],
            br#"[{"kind":"image","name":"sky","path":"sky2.png"}]"#,
        ),
        block(&[], br#"{"objects":[],"omitted":3,"hud":"score 3"}"#),
        [1_u32.to_le_bytes(), 2_u32.to_le_bytes()].concat(),
        vec![1, 2, 3, 4, 5, 6],
    ]
    .concat();
    let digest = [&[7][..], &[9; 16]].concat();
    let entries = [
        step(4, true),
        step(3, false),
        picture,
        block(&[6], &seen(8)),
        digest,
        state(4),
    ];
    let (mut foreign, asked) = foreign(vec![answer(&entries)]);
    let mut operations = Operations::new();
    operations
        .step(4, &[[0_u8]; 2])
        .step(5, &[[0_u8]; 2])
        .load(3)
        .step(3, &[[0_u8]; 2]);
    operations.draw(None).observe().digest();
    let answer = foreign.run(&operations).unwrap();
    assert_eq!(*asked.lock().unwrap(), [operations.bytes()]);
    let terminal: Vec<bool> = answer.steps.iter().map(|step| step.terminal).collect();
    assert_eq!(terminal, [true, false]);
    assert_eq!(answer.steps[1].outcome, outcome(&["a", "b"], false));
    let picture = &answer.pictures[0];
    assert_eq!(
        (picture.list.omitted, picture.hud.as_deref()),
        (3, Some("score 3"))
    );
    assert_eq!(picture.assets.as_ref().unwrap()[0].name(), "sky");
    assert_eq!(picture.pixels.as_ref().unwrap().rgb, [1, 2, 3, 4, 5, 6]);
    assert_eq!(answer.observations[0]["a"], Value::Int(8));
    assert_eq!(answer.digests, [[9; 16]]);
    assert_eq!((foreign.frame(), foreign.ended()), (4, false));
    assert_eq!(
        (foreign.returns(), foreign.live()),
        (&[1.5, -2.0][..], &[true, false][..])
    );
}

#[test]
fn an_error_stays_until_the_next_reset() {
    let error = ForeignError {
        kind: ForeignErrorKind::Environment,
        message: "step failed".to_owned(),
        file: Some("/igym/study/env.py".to_owned()),
        line: Some(12),
        frame: Some(4),
        details: "Traceback".to_owned(),
    };
    let reset = answer(&[block(&[6], &seen(1)), block(&[6], &seen(2)), state(0)]);
    let (mut foreign, asked) = foreign(vec![error.answer(), reset]);
    let mut operations = Operations::new();
    operations.step(4, &[[0_u8]; 2]).draw(None);
    for _ in 0..3 {
        assert_eq!(foreign.run(&operations), Err(error.clone()));
    }
    assert_eq!(foreign.failure(), Some(&error));
    assert_eq!(error.to_string(), "/igym/study/env.py:12: step failed");
    assert_eq!(asked.lock().unwrap().len(), 1, "it is not asked again");
    let [observations, infos] = foreign.reset(9).unwrap();
    assert_eq!(
        (&observations["a"], &infos["a"]),
        (&Value::Int(1), &Value::Int(2))
    );
    assert_eq!(foreign.failure(), None);
}

#[test]
fn what_was_done_before_an_error_is_known() {
    let error = ForeignError::new(ForeignErrorKind::Environment, "step failed");
    let entries = [step(4, false), error.answer()[1..].to_vec()];
    let (mut foreign, _) = foreign(vec![answer(&entries)]);
    let mut operations = Operations::new();
    operations.step(4, &[[0_u8]; 2]).step(5, &[[0_u8]; 2]);
    let (answer, done) = foreign.run_as_far(&operations);
    assert_eq!((answer.steps.len(), done), (1, Err(error.clone())));
    assert_eq!(foreign.failure(), Some(&error));
}

#[test]
fn what_was_not_asked_for_is_the_runtimes_fault() {
    let mut operations = Operations::new();
    operations.step(4, &[[0_u8]; 2]);
    let strangers = block(&[3, 4, 0, 0, 0, 0], &outcome(&["a", "c"], false));
    let unflagged = block(&[3, 4, 0, 0, 0, 0], &outcome(&["a", "b"], true));
    let unread = block(&[0xFF], b"no JSON");
    let trailing = [state(5), vec![0]].concat();
    for (entries, reason) in [
        (vec![], "too early"),
        (vec![state(4)], "instead of a step's result"),
        (
            vec![step(5, false), state(5)],
            "frame 5 was played instead of 4",
        ),
        (vec![strangers, state(5)], "is of other agents"),
        (vec![unflagged, state(5)], "contradicts the flags"),
        (vec![step(4, false)], "too early"),
        (vec![step(4, false), trailing], "1 bytes follow the state"),
        (vec![unread], "did not say why"),
    ] {
        let (mut foreign, _) = foreign(vec![answer(&entries)]);
        let error = foreign.run(&operations).unwrap_err();
        assert_eq!(error.kind, ForeignErrorKind::Protocol);
        assert!(
            error.message.contains(reason),
            "{} for {reason}",
            error.message
        );
    }
    let (mut foreign, _) = foreign(vec![vec![2, 0x7F]]);
    let error = foreign.run(&operations).unwrap_err();
    assert!(error.message.contains("version 2"), "{error}");
}

#[test]
fn inputs_are_those_that_the_description_gives() {
    let description = description();
    let [both, swapped] = [seats(&[&["a", "b"]]), seats(&[&["b", "a"]])];
    assert_eq!(description.input(&both[0], Some(0)), [1, 0, 0, 0, 0]);
    assert_eq!(
        description.input(&swapped[0], Some(1)),
        [0xCD, 0xCC, 0xCC, 0x3D, 0]
    );
    assert_eq!(description.input(&both[0], None), [0; 5]);
    assert_eq!(description.input(&both[0], Some(2)), [0; 5]);
    let alone = seats(&[&["a"], &["b"]]);
    assert!(description.can(&alone[0], 0) && !description.can(&alone[1], 0));
    let actions = description.actions(&alone, &[&[2_u8][..], &[0xCD, 0xCC, 0xCC, 0x3D]]);
    let highest = f64::from(0.1_f32);
    assert_eq!(
        actions,
        [Some(Action::Discrete(2)), Some(Action::Box(vec![highest]))]
    );
    // One byte too many, and nothing.
    let actions = description.actions(&alone, &[&[2_u8, 2][..]]);
    assert_eq!(
        actions,
        [Some(Action::Discrete(0)), Some(Action::Box(vec![0.0]))]
    );
    let space = description.space(0).unwrap();
    assert_eq!(
        space.given(&Action::Discrete(2)),
        Some(Value::Int(3)),
        "it counts from 1"
    );
    assert_eq!(space.starts(), [1]);
}

#[test]
fn who_presses_says_so_where_the_environment_waits() {
    let mut config = config();
    config["description"]["step"] = json!("on_input");
    config["description"]["bindings"] = json!([["0101", null], [null, "01cdcccc3d"]]);
    let description = Description::from_config(&config.to_string()).unwrap();
    assert!(description.on_input());
    let both = seats(&[&["a", "b"]]);
    assert_eq!(description.input(&both[0], None), [0]);
    assert_eq!(description.input(&both[0], Some(0)), [1, 1, 0, 0, 0, 0]);
    let alone = seats(&[&["a"], &["b"]]);
    assert_eq!(
        description.input(&alone[1], Some(0)),
        [0],
        "it cannot do that"
    );
    let actions = description.actions(&alone, &[&[1_u8, 2][..], &[0]]);
    assert_eq!(actions, [Some(Action::Discrete(2)), None]);
    let applied = description.applied(&alone, &[vec![2], vec![]]);
    assert_eq!(applied, [Some(Action::Discrete(2)), None]);
    config["description"]["bindings"] = json!([["0001", null]]);
    let error = Description::from_config(&config.to_string()).unwrap_err();
    assert!(error.to_string().contains("not an action"), "{error}");
}

#[test]
fn detailed_steps_say_what_was_done_and_seen() {
    let head = [3, 4, 0, 0, 0, 4 | 8];
    let step = [
        block(&head, &outcome(&["a", "b"], false)),
        block(&[], &seen(3)),
        vec![2, 1, 7, 0],
    ];
    let (mut foreign, _) = foreign(vec![answer(&[step.concat(), state(5)])]);
    let mut operations = Operations::detailed();
    operations.step(4, &[[0_u8]; 2]);
    let details = foreign.run(&operations).unwrap().details.remove(0);
    assert_eq!(
        (&details.seen["a"], details.applied),
        (&Value::Int(3), vec![vec![7], vec![]])
    );
}

#[test]
fn a_runtime_is_opened_with_what_the_plan_says() {
    let config = config().to_string();
    let opened = configuration(&config, &rules(&[&["b"], &["a"]])).unwrap();
    let opened: Json = serde_json::from_str(&opened).unwrap();
    let expected = json!({
        "environment": {"file": "env.py"}, "bindings": [2, [0.10000000149011612]],
        "seats": [["b"], ["a"]], "max_steps": 30, "max_frames": 30, "digest_interval": 5,
    });
    assert_eq!(opened, expected);
    let error = configuration(&config, &rules(&[&["c"]])).unwrap_err();
    assert!(error.message.contains("no agent \"c\""), "{error}");
    let twice = description().check(&rules(&[&["a"], &["a"]]));
    assert_eq!(twice, Err(SetupError::SharedAgent("a".to_owned())));
}

#[test]
fn a_description_that_cannot_be_is_refused_by_reason() {
    for (place, value, reason) in [
        ("/description/agents", json!([]), "0 agents"),
        (
            "/description/spaces/0",
            json!({"kind": "discrete", "n": 0}),
            "empty or too large",
        ),
        (
            "/description/spaces/0",
            json!({"kind": "text"}),
            "unknown variant",
        ),
        (
            "/description/spaces/1/dtype",
            json!("complex64"),
            "complex64",
        ),
        (
            "/description/default_actions",
            json!(["00"]),
            "one entry per agent",
        ),
        (
            "/description/default_actions/0",
            json!("03"),
            "not an action",
        ),
        (
            "/description/default_actions/0",
            json!("0"),
            "not hexadecimal",
        ),
        (
            "/description/default_actions/0",
            json!("é"),
            "not hexadecimal",
        ),
        (
            "/description/bindings/0",
            json!(["00"]),
            "one entry per agent",
        ),
        ("/description/size", json!([0, 5]), "0 by 5 pixels"),
        ("/configuration", json!(5), "invalid type"),
    ] {
        let mut config = config();
        *config.pointer_mut(place).unwrap() = value;
        let error = Description::from_config(&config.to_string()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error} for {reason}");
    }
}

proptest! {
    #[test]
    fn arbitrary_answers_do_no_harm(bytes in vec(any::<u8>(), 0..300), begun in 0_usize..4) {
        let beginnings = [
            vec![],
            answer(&[]),
            answer(&[step(4, false)]),
            answer(&[step(4, false), block(&[5], &[]), block(&[], br#"{"objects":[]}"#)]),
        ];
        let bytes = [&beginnings[begun][..], &bytes].concat();
        let (mut foreign, _) = foreign(vec![bytes.clone(), bytes]);
        let mut operations = Operations::new();
        operations.step(4, &[[0_u8]; 2]).draw(None).observe().digest();
        let failed = foreign.run(&operations).is_err();
        prop_assert_eq!(foreign.failure().is_some(), failed);
        let _ = foreign.reset(0);
    }

    #[test]
    fn good_answers_with_one_wrong_byte_do_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = answer(&[step(4, false), block(&[6], &seen(8)), state(5)]);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let (mut foreign, _) = foreign(vec![bytes]);
        let mut operations = Operations::new();
        operations.step(4, &[[0_u8]; 2]).observe();
        if let Ok(answer) = foreign.run(&operations) {
            prop_assert!(Outcome::decode(&answer.steps[0].outcome).is_ok());
            prop_assert_eq!(foreign.returns().len(), 2);
        }
    }
}
