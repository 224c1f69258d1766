//! study.toml with environments in Python: what is read.

use std::time::Duration;

use igym_protocol::InputMode;
use igym_study::{
    GymScene, Omit, Prepared, PythonEnvironment, PythonPart, StudyConfig, python_part,
};
use serde_json::{Value, json};

use crate::config::{SMALL, with_game};

/// An environment from PyPI for two people.
pub(crate) const PONG: &str = r#"
[study]
id = "pong"
title = "Pong for two"

[python]
packages = ["pettingzoo[butterfly]==1.25.0"]
omit = ["pygame"]

[[scenes]]
type = "start"
body = "You are going to play with another person."

[[scenes]]
type = "gym"
body = "Keep the ball in the air, with the up and down arrow keys."
episodes = 2

[scenes.environment]
target = "pettingzoo.butterfly.cooperative_pong_v5:parallel_env"
kwargs = { max_cycles = 900 }
draw = "draw.py:draw"

[scenes.controls.bindings]
ArrowUp = { action = 1, label = "Up" }
ArrowDown = 2

[[scenes]]
type = "end"
"#;

pub(crate) const LOCK: &str = "5ab1e0c0ffee";

/// What a runtime says of the environment of [`PONG`] if it was opened with these bindings.
pub(crate) fn description(bindings: &Value) -> Value {
    let space = json!({"kind": "discrete", "n": 3, "start": 0});
    let all = bindings.as_array().unwrap();
    let encoded = |action: &Value| {
        let number = action.as_u64().filter(|number| *number < 3);
        let hex = number.map(|number| format!("{number:02x}"));
        json!([hex, hex])
    };
    json!({
        "protocol": 1, "python": "3.13.2", "hash_seed": "0", "environment": "pong",
        "style": "parallel", "agents": ["paddle_0", "paddle_1"], "spaces": [space, space],
        "seats": [["paddle_0"], ["paddle_1"]], "default_inputs": ["00", "00"],
        "default_actions": ["00", "00"],
        "bindings": all.iter().map(encoded).collect::<Vec<_>>(),
        "step": "clock", "action_repeat": 1, "render_fps": 15.2, "size": [960, 560],
        "assets": [], "snapshot": "deepcopy", "snapshot_costs_us": {"deepcopy": 71.3},
        "snapshots_refused": {"pickle": "slow"}, "drawing_guarded": false, "notes": []
    })
}

/// As if `igym prepare` had been run; `change` is made to each description.
pub(crate) fn prepared_with(source: &str, change: impl Fn(&mut Value)) -> Prepared {
    let part = python_part(source, "study.toml").unwrap_or_else(|error| panic!("{error}"));
    let describe = |environment: &PythonEnvironment| {
        let configuration = &environment.configuration;
        let mut described = description(&configuration["bindings"]);
        described["step"] = configuration["step"].clone();
        change(&mut described);
        described
    };
    let part = part.expect("something is in Python");
    Prepared {
        lock: LOCK.to_owned(),
        descriptions: part.environments.iter().map(describe).collect(),
    }
}

pub(crate) fn parse_with(source: &str, change: impl Fn(&mut Value)) -> StudyConfig {
    let prepared = prepared_with(source, change);
    StudyConfig::parse_prepared(source, "study.toml", &prepared)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn parse(source: &str) -> StudyConfig {
    parse_with(source, |_| {})
}

fn part(source: &str) -> PythonPart {
    let part = python_part(source, "study.toml").unwrap_or_else(|error| panic!("{error}"));
    part.expect("something is in Python")
}

/// What is opened for the scene "gym" itself.
fn of_gym(configuration: Value) -> PythonEnvironment {
    PythonEnvironment {
        scene: "gym".to_owned(),
        treatment: None,
        configuration,
    }
}

fn game(config: &StudyConfig) -> &GymScene {
    config.game(1).expect("a game")
}

/// The small study with this environment.
pub(crate) fn with_environment(environment: &str) -> String {
    SMALL.replace("\"slime_volleyball\"", environment)
}

#[test]
fn an_environment_from_pypi_takes_less_than_forty_lines_for_two_people() {
    assert!(PONG.trim().lines().count() < 40);
    let config = parse(PONG);
    assert_eq!(config.python.as_deref(), Some(LOCK));
    let game = game(&config);
    assert_eq!(game.players(), 2);
    assert_eq!(game.seat_groups, [["paddle_0"], ["paddle_1"]]);
    assert_eq!((game.width, game.height), (960, 560));
    // People read it: not what Python calls the environment.
    assert_eq!(game.title, "Pong for two");
    assert_eq!(game.environment.id, "python");
    assert_eq!(game.environment.version, LOCK);
    let bindings: Vec<(&str, u32, &str)> = game
        .controls
        .bindings
        .iter()
        .map(|it| (it.keys[0].as_str(), it.action, it.label.as_str()))
        .collect();
    assert_eq!(bindings, [("ArrowUp", 0, "Up"), ("ArrowDown", 1, "2")]);
    let read = igym_gym::Description::from_config(&game.environment.config).unwrap();
    let seat = &game.seat_groups[1];
    assert_eq!(read.input(seat, Some(0)), [1]);
    assert_eq!(read.input(seat, Some(1)), [2]);
    assert_eq!(read.input(seat, None), [0]);
}

#[test]
fn what_is_not_written_has_a_default_that_suits_python() {
    let config = parse(PONG);
    let game = game(&config);
    assert_eq!(game.frames_per_second, 15, "the environment's own");
    assert_eq!(game.digest_interval, 30);
    assert_eq!(game.slowest_rollback, Some(Duration::from_secs(5) / 15));
    assert_eq!(game.controls.mode, InputMode::HeldKeys);
    assert_eq!(game.controls.default_action, 0);
    let says = |fps: Value| {
        let config = parse_with(PONG, |it| it["render_fps"] = fps.clone());
        self::game(&config).frames_per_second
    };
    assert_eq!(says(Value::Null), 30);
    assert_eq!(says(json!(0.2)), 1);
    assert_eq!(says(json!(1e9)), 240);
    let own = PONG.replace(
        "episodes = 2",
        "frames_per_second = 50\ndigest_interval = 7",
    );
    let config = parse(&own);
    let own = self::game(&config);
    assert_eq!((own.frames_per_second, own.digest_interval), (50, 7));
    assert_eq!(own.slowest_rollback, Some(Duration::from_millis(100)));
    let limit = PONG.replace("episodes = 2", "slowest_rollback_ms = 250");
    let config = parse(&limit);
    let limit = self::game(&config).slowest_rollback;
    assert_eq!(limit, Some(Duration::from_millis(250)));
    // Whoever holds a key for a moment does not mean several steps.
    let waits = PONG.replace("draw = ", "step = \"on_input\"\ndraw = ");
    let nothing = |it: &mut Value| {
        for binding in it["bindings"].as_array_mut().unwrap() {
            for hex in binding.as_array_mut().unwrap() {
                *hex = json!(format!("01{}", hex.as_str().unwrap()));
            }
        }
    };
    let config = parse_with(&waits, nothing);
    assert_eq!(
        self::game(&config).controls.mode,
        InputMode::SingleKeystroke
    );
    let held = waits.replace(
        "[scenes.controls.bindings]",
        "[scenes.controls]\nmode = \"held_keys\"\n[scenes.controls.bindings]",
    );
    let config = parse_with(&held, nothing);
    assert_eq!(self::game(&config).controls.mode, InputMode::HeldKeys);
}

#[test]
fn what_has_to_be_prepared_is_told_without_anything_prepared() {
    let part = part(PONG);
    assert_eq!(part.packages, ["pettingzoo[butterfly]==1.25.0"]);
    let omit = Omit {
        package: "pygame".to_owned(),
        imports: Vec::new(),
    };
    assert_eq!(part.omit, [omit]);
    assert_eq!((part.imports.len(), part.files.len()), (0, 0));
    assert_eq!(part.allow_nondeterminism.len(), 0);
    let trusting = PONG.replace("[python]", "[python]\nallow_nondeterminism = [\"gym\"]");
    assert_eq!(self::part(&trusting).allow_nondeterminism, ["gym"]);
    let expected = json!({
        "environment": {
            "target": "pettingzoo.butterfly.cooperative_pong_v5:parallel_env",
            "kwargs": {"max_cycles": 900}
        },
        "style": "auto", "omit_infos": [], "snapshot": "auto", "step": "clock",
        "action_repeat": 1, "bindings": [1, 2], "default_action": 0, "draw": "draw.py:draw"
    });
    assert_eq!(part.environments, [of_gym(expected)]);
    assert_eq!(part.study, "pong");
    assert_eq!(python_part(SMALL, "study.toml").unwrap(), None);
}

#[test]
fn everything_can_be_set() {
    let source = SMALL
        .replace(
            "[[scenes]]\ntype = \"start\"",
            r#"[python]
packages = ["./wheels/levels-1.0-py3-none-any.whl", "cogrid"]
omit = ["pygame", { package = "opencv-python", imports = ["cv2"] }]
imports = ["cogrid", "os.path"]
files = ["levels", "art/hero.png"]
[[scenes]]
type = "start""#,
        )
        .replace(
            "environment = \"slime_volleyball\"\n",
            r#"
seat_groups = [["paddle_1", "paddle_0"]]
[scenes.environment]
file = "envs/mine.py"
attribute = "Mine"
kwargs = { level = "a", sizes = [1, 2.5], deep = { on = true } }
style = "dict"
draw = "my.drawing:draw"
omit_infos = ["path"]
size = [320, 200]
snapshot = "in_place"
step = "clock"
action_repeat = 4
[scenes.controls]
default_action = [0, 1]
[scenes.controls.bindings]
a = [0, -1.5]
"a+b" = { action = { move = 1 } , label = "Both" }
c = { move = 2, action = 1 }
d = { agent_0 = 1 }
e = { action = 0 }
"#,
        );
    let part = part(&source);
    assert_eq!(part.omit[1].imports, ["cv2"]);
    assert_eq!(part.imports, ["cogrid", "os.path"]);
    assert_eq!(part.files, ["levels", "art/hero.png"]);
    let expected = json!({
        "environment": {
            "file": "envs/mine.py", "attribute": "Mine",
            "kwargs": {"level": "a", "sizes": [1, 2.5], "deep": {"on": true}}
        },
        "style": "dict", "omit_infos": ["path"], "snapshot": "in_place", "step": "clock",
        "action_repeat": 4, "default_action": [0, 1], "draw": "my.drawing:draw",
        "size": [320, 200],
        "bindings": [{"move": 1}, [0, -1.5], {"move": 2, "action": 1}, {"agent_0": 1}, 0]
    });
    assert_eq!(part.environments, [of_gym(expected)], "more keys first");
    let possible = |it: &mut Value| {
        for binding in it["bindings"].as_array_mut().unwrap() {
            *binding = json!(["01", null]);
        }
    };
    let config = parse_with(&source, possible);
    let game = game(&config);
    assert_eq!((game.title.as_str(), game.players()), ("Small", 1));
    let labels: Vec<&str> = game
        .controls
        .bindings
        .iter()
        .map(|it| it.label.as_str())
        .collect();
    let texts = [
        "Both",
        "[0,-1.5]",
        "{\"action\":1,\"move\":2}",
        "{\"agent_0\":1}",
        "0",
    ];
    assert_eq!(labels, texts);
    let numbers: Vec<u32> = game.controls.bindings.iter().map(|it| it.action).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
}

#[test]
fn a_game_may_have_no_keys_if_the_study_says_so() {
    let none = "{ id = \"CartPole-v1\" }\ncontrols.bindings = {}";
    let config = parse(&with_environment(none));
    let game = game(&config);
    assert!(game.controls.bindings.is_empty());
    assert_eq!(game.title, "Small");
}

#[test]
fn several_scenes_share_one_python_and_stand_beside_native_ones() {
    let python = "[[scenes]]\ntype = \"gym\"\nid = \"p\"\nenvironment = { file = \"env.py\" }\n\
                  controls.bindings = { a = 1 }\n";
    let end = "[[scenes]]\ntype = \"end\"";
    let other = python.replace("\"p\"", "\"q\"").replace("a = 1", "b = 2");
    let source = SMALL.replace(end, &format!("{python}{other}{end}"));
    let config = parse(&source);
    assert_eq!(config.game(1).unwrap().environment.id, "slime_volleyball");
    assert_eq!(config.game(1).unwrap().slowest_rollback, None);
    assert_eq!(config.game(1).unwrap().digest_interval, 1);
    let specs: Vec<_> = (2..4)
        .map(|at| &config.game(at).unwrap().environment)
        .collect();
    assert!(
        specs
            .iter()
            .all(|spec| spec.id == "python" && spec.version == LOCK)
    );
    assert_ne!(specs[0].config, specs[1].config);
    assert_eq!(config.python.as_deref(), Some(LOCK));
    // The native way to write it is what it was.
    let mode = with_game("controls.mode = \"single_keystroke\"");
    let mode = StudyConfig::parse(&mode, "s").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(game(&mode).controls.mode, InputMode::SingleKeystroke);
    assert_eq!(game(&mode).controls.bindings.len(), 5);
    let native = StudyConfig::parse(
        &with_game("controls.bindings = { a = 3, b = \"left\" }"),
        "s",
    );
    let native = native.unwrap();
    let labels = &game(&native).controls.bindings;
    assert_eq!((labels[0].label.as_str(), labels[1].action), ("Jump", 1));
    let named = with_game("controls.bindings = { a = { action = \"left\", label = \"West\" } }");
    let named = StudyConfig::parse(&named, "s").unwrap();
    let binding = &game(&named).controls.bindings[0];
    assert_eq!((binding.action, binding.label.as_str()), (1, "West"));
}

#[test]
fn the_digests_cover_the_lock_the_settings_and_the_description() {
    let of = |config: &StudyConfig| {
        let game = game(config);
        assert_eq!(
            game.environment_digest,
            igym_envs::environment_digest("python", &game.environment.config)
        );
        (game.environment_digest.clone(), config.digest())
    };
    let first = of(&parse(PONG));
    // Layout, and what belongs to the machine on which it was prepared, are not in them.
    let spelled_out = PONG
        .replace("omit = [\"pygame\"]", "omit = [ \"pygame\" ] # a remark")
        .replace("draw = ", "style = \"auto\"\naction_repeat = 1\ndraw = ");
    assert_eq!(of(&parse(&spelled_out)), first);
    let machine = |it: &mut Value| {
        it["snapshot"] = json!("pickle");
        it["snapshot_costs_us"] = json!({"pickle": 3});
        it["snapshots_refused"] = json!({});
    };
    assert_eq!(of(&parse_with(PONG, machine)), first);
    let mut all = vec![first];
    for (before, after) in [
        ("max_cycles = 900", "max_cycles = 901"),
        ("ArrowDown = 2", "ArrowDown = 1"),
        ("draw.py:draw", "draw.py:other"),
        ("draw = ", "omit_infos = [\"x\"]\ndraw = "),
    ] {
        assert!(PONG.contains(before));
        all.push(of(&parse(&PONG.replace(before, after))));
    }
    all.push(of(&parse_with(PONG, |it| it["python"] = json!("3.14.0"))));
    let mut lock = prepared_with(PONG, |_| {});
    lock.lock = "another".to_owned();
    let lock = StudyConfig::parse_prepared(PONG, "study.toml", &lock).unwrap();
    all.push(of(&lock));
    let label = parse(&PONG.replace("\"Up\"", "\"North\""));
    assert_eq!(of(&label).0, all[0].0, "of the study alone");
    assert_ne!(of(&label).1, all[0].1);
    for digests in [
        all.iter().map(|(environment, _)| environment).collect(),
        all.iter().map(|(_, study)| study).collect::<Vec<_>>(),
    ] {
        let mut different = digests.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), all.len());
    }
}

#[test]
fn the_examples_can_be_prepared() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut in_python = 0;
    for example in std::fs::read_dir(examples).unwrap() {
        let file = example.unwrap().path().join("study.toml");
        let Ok(source) = std::fs::read_to_string(&file) else {
            continue;
        };
        let name = file.display().to_string();
        let part = python_part(&source, &name).unwrap_or_else(|error| panic!("{error}"));
        in_python += usize::from(part.is_some());
    }
    assert!(in_python >= 3);
}
