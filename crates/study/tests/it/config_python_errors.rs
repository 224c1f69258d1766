//! study.toml with environments in Python: what is said of what cannot be read.

use igym_study::{ConfigError, Prepared, StudyConfig, python_part};
use serde_json::{Value, json};

use crate::config::{SMALL, with_game};
use crate::config_python::{LOCK, PONG, prepared_with, with_environment};

fn told(error: &ConfigError) -> Vec<String> {
    let problems = error.problems.iter();
    problems
        .map(|p| format!("{}:{} {}; {}", p.line, p.column, p.message, p.fix))
        .collect()
}

/// What is found before anything is prepared.
fn ahead(source: &str) -> Vec<String> {
    told(&python_part(source, "study.toml").expect_err("wrong"))
}

/// What is found once it is, if `change` is made to each description.
fn after(source: &str, change: impl Fn(&mut Value)) -> Vec<String> {
    let prepared = prepared_with(source, change);
    told(&StudyConfig::parse_prepared(source, "study.toml", &prepared).expect_err("wrong"))
}

#[test]
fn without_preparation_it_says_what_to_run() {
    let error = StudyConfig::parse(PONG, "my/study.toml").unwrap_err();
    assert_eq!(
        told(&error),
        [
            "19:1 pettingzoo.butterfly.cooperative_pong_v5:parallel_env is in Python, and nothing \
             is prepared; run `igym prepare my/study.toml`"
        ]
    );
}

#[test]
fn a_string_or_a_section_names_the_environment() {
    let told = |environment: &str| ahead(&with_environment(environment));
    assert_eq!(
        told("\"CartPole-v1\""),
        [
            "9:15 `environment` cannot be \"CartPole-v1\"; the choices are `slime_volleyball`; \
             or write a section, such as `{ id = \"CartPole-v1\" }`"
        ]
    );
    assert_eq!(
        told("3"),
        ["9:15 `environment` is a whole number; it must be \"slime_volleyball\" or a section"]
    );
    assert_eq!(
        told("{ ids = \"CartPole-v1\" }"),
        ["9:17 `environment` has no key `ids`; did you mean `id`?"]
    );
    assert_eq!(
        told(
            "{ id = 3, style = \"paralel\", size = [3], step = \"clock\", action_repeat = 0, kwargs = { when = 2020-01-01 } }"
        ),
        [
            "9:22 `id` is a whole number; it must be text, in quotes",
            "9:33 `style` cannot be \"paralel\"; did you mean `parallel`? the choices are `auto`, \
             `single`, `dict` and `parallel`",
            "9:51 `size` is too short; it needs at least 2 items",
            "9:88 `action_repeat` is out of range; it can be 1 to 1000",
            "9:109 `when` is a date or time; write it as text, in quotes",
        ]
    );
    let nothing = "nothing says which environment it is; add `file = \"env.py\"`, \
                   `id = \"CartPole-v1\"` or `target = \"package.module:attribute\"`";
    assert_eq!(told("{ kwargs = {} }"), [format!("9:15 {nothing}")]);
    assert_eq!(
        told("{ id = \"a\", file = \"b.py\" }"),
        [
            "9:34 both `file` and `id` say which environment it is; remove one of them"
                .replace("9:34", "9:22")
        ]
    );
}

#[test]
fn paths_and_names_are_checked() {
    let told = |environment: &str| ahead(&with_environment(environment));
    let folder = "is not in the folder of the study file; put it there, and write its path from \
                  there, with `/`";
    for path in [
        "../env.py",
        "/etc/env.py",
        "a/../../env.py",
        "~/env.py",
        "C:/env.py",
        "a\\\\env.py",
    ] {
        let found = told(&format!("{{ file = \"{path}\" }}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(folder), "{found:?}");
    }
    assert_eq!(
        told("{ file = \"env\", draw = \"draw.py\" }"),
        [
            "9:24 \"env\" is not a file of Python; name a file that ends in `.py`, such as `env.py`",
            "9:38 \"draw.py\" names no function; write it as `draw.py:draw`",
        ]
    );
    assert_eq!(
        told("{ target = \"my-package:make\", attribute = \"x\" }"),
        [
            "9:26 there is no module \"my-package\"; write it as `package.module:attribute`",
            "9:57 `attribute` says what to take from a `file`; add `file`, or remove it; with \
             `target` write `package.module:attribute`",
        ]
    );
    let python = PONG.replace(
        "omit = [\"pygame\"]",
        "omit = [\"pygame\", { package = \"x\" }]\nimports = [\"not a name\"]\nfiles = [\"/etc\"]",
    );
    assert_eq!(
        ahead(&python),
        ["8:19 an item of `omit` needs `imports`; add sections `[[imports]]`"]
    );
    let python = python.replace(", { package = \"x\" }", "");
    assert_eq!(
        ahead(&python),
        [
            "9:12 \"not a name\" is not the name of a module; write it as `import` would name it, \
             such as `cogrid`",
            &format!("10:10 \"/etc\" {folder}"),
        ]
    );
    let python = PONG.replace("omit = [\"pygame\"]", "allow_nondeterminism = [\"pong\"]");
    assert_eq!(
        ahead(&python),
        [
            "8:25 no scene `pong` has an environment in Python; write the `id` of one that has: \
             `gym`"
        ]
    );
}

#[test]
fn what_is_for_one_kind_of_environment_is_refused_by_the_other() {
    let native = "controls.default_action = 1\nslowest_rollback_ms = 100\ncontrols.bindings = { a = [1], b = 1.5, c = { label = \"x\" } }";
    assert_eq!(
        told(&StudyConfig::parse(&with_game(native), "study.toml").unwrap_err()),
        [
            "10:27 the default action of slime_volleyball cannot be changed; remove it; it is for \
             environments in Python",
            "11:23 `slowest_rollback_ms` does nothing: slime_volleyball is not measured; remove \
             it; it is for environments in Python",
            "12:27 slime_volleyball has no action `[1]`; its actions are `Stay`, `Left`, \
             `Jump left`, `Jump`, `Jump right` and `Right`",
            "12:36 slime_volleyball has no action `1.5`; its actions are `Stay`, `Left`, \
             `Jump left`, `Jump`, `Jump right` and `Right`",
            "12:45 there is a label and no action; add it, such as \
             `{ action = 1, label = \"left\" }`",
        ]
    );
    let unneeded = format!("[python]\n{SMALL}");
    assert_eq!(
        ahead(&unneeded),
        ["1:1 no scene has an environment in Python; remove the section `[python]`"]
    );
    let python = PONG.replace(
        "episodes = 2",
        "config = { lives = 3 }\ncontrols.default_action = \"stay\"\ncontrols.bindings = { a = \"up\", b = true }",
    );
    let python = python.replace(
        "[scenes.controls.bindings]\nArrowUp = { action = 1, label = \"Up\" }\nArrowDown = 2\n",
        "",
    );
    assert_eq!(
        ahead(&python),
        [
            "19:37 `b` is true or false; it must be a number or text, in quotes or a list or a \
             section"
        ]
    );
    let python = python.replace(", b = true", "");
    assert_eq!(
        ahead(&python),
        [
            "17:10 `config` is for environments of the catalogue; write `kwargs` in the section of \
             the environment",
            "18:27 `default_action` is not an action of an environment in Python; write a number, \
             a list or a table, as its action space has them",
            "19:27 an environment in Python has no action named \"up\"; write the action, and what \
             it is called if you like: `{ action = 1, label = \"up\" }`",
        ]
    );
}

#[test]
fn keys_that_nobody_can_use_are_told_with_the_action_space() {
    let wrong = PONG.replace("ArrowDown = 2", "ArrowDown = 3");
    assert_eq!(
        after(&wrong, |_| {}),
        [
            "26:13 nobody in pettingzoo.butterfly.cooperative_pong_v5:parallel_env can do 3; an \
             action is a whole number from 0 to 2"
        ]
    );
    let spaces = |it: &mut Value| {
        it["spaces"] = json!([
            {"kind": "discrete", "n": 3, "start": -1},
            {"kind": "dict", "entries": {
                "aim": {"kind": "box", "dtype": "float32", "shape": [2], "low": null, "high": 1.5},
                "go": {"kind": "multi_discrete", "n": [2, 3], "start": [0, 1]},
                "on": {"kind": "multi_binary", "n": 2}
            }}
        ]);
        it["default_actions"] = json!(["00", "0000000000000000000000"]);
        for binding in it["bindings"].as_array_mut().unwrap() {
            *binding = json!([null, null]);
        }
    };
    let possible = "an action is for `paddle_0` a whole number from -1 to 1, for `paddle_1` a table \
                    of `aim`, numbers from -inf to 1.5 in the shape [2]; `go`, a list of 2 whole \
                    numbers: 0 to 1, 1 to 3; `on`, a list of 2 numbers, each 0 or 1";
    let told = after(PONG, spaces);
    assert_eq!(told.len(), 2, "each of the two keys: {told:?}");
    assert!(
        told[0].ends_with(&format!("can do Up; {possible}")),
        "{}",
        told[0]
    );
    let none = PONG.replace(
        "[scenes.controls.bindings]\nArrowUp = { action = 1, label = \"Up\" }\nArrowDown = 2\n",
        "",
    );
    let told = after(&none, spaces);
    assert_eq!(told.len(), 1, "{told:?}");
    let lines = "add a section `[scenes.controls.bindings]` with lines such as \
                 `ArrowRight = 1`; an action is";
    assert!(told[0].contains(lines), "{}", told[0]);
    let only = |it: &mut Value| {
        spaces(it);
        it["spaces"] = json!([it["spaces"][1].clone()]);
        it["default_actions"] = json!([it["default_actions"][1].clone()]);
        it["agents"] = json!(["paddle_0"]);
    };
    let told = after(&none, only);
    let lines = "`ArrowRight = { aim = [1.5, 1.5], go = [1, 3], on = [1, 1] }`";
    assert!(told[0].contains(lines), "{}", told[0]);
}

#[test]
fn seats_are_those_of_the_agents_that_are_described() {
    let seats = PONG.replace(
        "episodes = 2",
        "seat_groups = [[\"paddle_0\", \"padle_1\"]]",
    );
    assert_eq!(
        after(&seats, |_| {}),
        [
            "17:29 pettingzoo.butterfly.cooperative_pong_v5:parallel_env has no agent `padle_1`; \
             did you mean `paddle_1`? its agents are `paddle_0` and `paddle_1`"
        ]
    );
    let crowd = |it: &mut Value| {
        let agents: Vec<String> = (0..17).map(|number| format!("a{number}")).collect();
        it["spaces"] = json!(vec![it["spaces"][0].clone(); 17]);
        it["default_actions"] = json!(vec!["00"; 17]);
        it["bindings"] = json!([vec!["01"; 17], vec!["02"; 17]]);
        it["agents"] = json!(agents);
    };
    assert_eq!(
        after(PONG, crowd),
        [
            "19:1 pettingzoo.butterfly.cooperative_pong_v5:parallel_env has 17 agents, and a game \
             has at most 16 players; give several agents to one player with `seat_groups`"
        ]
    );
    let large = |it: &mut Value| {
        it["spaces"] =
            json!([{"kind": "box", "dtype": "float64", "shape": [9], "low": 0, "high": 1}]);
        it["default_actions"] = json!(["00".repeat(72)]);
        it["bindings"] = json!([["00".repeat(72)], ["00".repeat(72)]]);
        it["agents"] = json!(["only"]);
    };
    let told = after(PONG, large);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("take 72 bytes, the limit is 64"),
        "{told:?}"
    );
}

#[test]
fn what_was_prepared_for_another_file_is_not_used() {
    let told_of = |prepared: &Prepared| {
        told(&StudyConfig::parse_prepared(PONG, "study.toml", prepared).expect_err("wrong"))
    };
    let other = "what was prepared does not belong to this study file; run `igym prepare` again";
    let good = prepared_with(PONG, |_| {});
    let mut less = good.clone();
    less.descriptions.clear();
    assert_eq!(told_of(&less), [format!("19:1 {other}")]);
    let mut more = good.clone();
    more.descriptions.push(json!({}));
    assert_eq!(told_of(&more).len(), 1);
    let mut keys = good.clone();
    keys.descriptions[0]["bindings"] = json!([["01", "01"]]);
    assert_eq!(told_of(&keys), [format!("19:1 {other}")]);
    let mut broken = good;
    broken.descriptions[0] = json!({"agents": 3});
    let told = told_of(&broken);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("run `igym prepare` again"), "{told:?}");
    assert_eq!(broken.lock, LOCK);
}
