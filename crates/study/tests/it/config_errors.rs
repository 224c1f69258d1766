//! study.toml: what is said of what cannot be read.

use igym_study::{EXAMPLE, StudyConfig};
use proptest::prelude::*;

use crate::config::{SMALL, parse, with_game};

/// The whole text of the error.
fn error(source: &str) -> String {
    let error = StudyConfig::parse(source, "study.toml").expect_err("wrong");
    assert!(!error.problems.is_empty());
    error.to_string()
}

/// The place, message and fix of each problem, a line each.
fn problems(source: &str) -> Vec<String> {
    let error = StudyConfig::parse(source, "study.toml").expect_err("wrong");
    let problems = error.problems.iter();
    problems
        .map(|p| format!("{}:{} {}; {}", p.line, p.column, p.message, p.fix))
        .collect()
}

/// What is wrong with these lines in a game; their first line is line 1.
fn game_problems(lines: &str) -> Vec<String> {
    let before = 8;
    let located = |problem: &String| {
        let (line, rest) = problem.split_once(':').unwrap();
        format!("{}:{rest}", line.parse::<usize>().unwrap() - before)
    };
    problems(&with_game(lines)).iter().map(located).collect()
}

#[test]
fn a_relay_that_is_the_only_way_leaves_no_connections_to_set() {
    assert_eq!(
        game_problems("relay = \"only\"\nconnection_attempts = 2\nconnection_timeout_s = 3"),
        [
            "3:23 `connection_attempts` does nothing where `relay` is \"only\": pages do not \
             connect; remove it, or write `relay = \"fallback\"`",
            "4:24 `connection_timeout_s` does nothing where `relay` is \"only\": pages do not \
             connect; remove it, or write `relay = \"fallback\"`",
        ]
    );
    assert_eq!(
        game_problems("relay = \"always\""),
        ["2:9 `relay` cannot be \"always\"; the choices are `fallback`, `only` and `never`"]
    );
}

#[test]
fn an_error_shows_the_line_and_the_fix() {
    let source = SMALL.replace("\"slime_volleyball\"", "\"slime_voleyball\"");
    assert_eq!(
        error(&source),
        "study.toml:9:15: `environment` cannot be \"slime_voleyball\"\n\
         9 | environment = \"slime_voleyball\"\n  \
           |               ^^^^^^^^^^^^^^^^^\n\
         fix: did you mean `slime_volleyball`?"
    );
    let source = with_game("\tépisodes = 1; seeds = \"tirés\"");
    assert_eq!(
        error(&source).lines().next(),
        Some("study.toml:10:2: invalid unquoted key, expected letters, numbers, `-`, `_`")
    );
    let source = with_game("controls.bindings = { \"é\" = 1, Entr = 1 }\nseed = 3");
    assert_eq!(
        error(&source),
        "study.toml:11:1: this \"gym\" scene has no key `seed`\n\
         11 | seed = 3\n   \
            | ^^^^\n\
         fix: did you mean `seeds`?"
    );
    let source = with_game("controls.bindings = { \"é\" = 1, Entr = 1 }");
    assert_eq!(
        error(&source),
        "study.toml:10:32: there is no key named `Entr`\n\
         10 | controls.bindings = { \"é\" = 1, Entr = 1 }\n   \
            |                                ^^^^\n\
         fix: did you mean `Enter`?"
    );
}

#[test]
fn all_problems_of_shape_are_told_at_once() {
    let source = r#"
[studdy]
id = "x"

[[scenes]]
type = "strat"

[[scenes]]
type = "gym"
enviroment = "slime_volleyball"
episodes = 0
seats = "rotate"
seeds = "drow"
input_delay = "two"
window_ms = 1.5
lobby_timeout_s = nan
max_steps = 99999999999999999999999
config = { when = 2020-01-01, much = inf }

[scenes.controls]
mode = 3
[scenes.controls.bindings]
Up = true

[[scenes]]
title = "x"

[[scenes]]
type = "end"
code = ""
id = "the end"
[scenes.outcomes]
partnr_left = { title = "x" }
left = "x"
"#;
    assert_eq!(
        problems(source),
        [
            "2:2 the study file has no key `studdy`; \
             did you mean `study`? its keys are `python`, `scenes` and `study`",
            "6:8 there is no scene of type \"strat\"; \
             did you mean `start`? the types are `start`, `gym` and `end`",
            "10:1 this \"gym\" scene has no key `enviroment`; did you mean `environment`?",
            "11:12 `episodes` is out of range; it can be 1 to 10000",
            "12:9 `seats` cannot be \"rotate\"; \
             the choices are `fixed`, `random` and `rotating`",
            "13:9 `seeds` cannot be \"drow\"; did you mean `draw`?",
            "14:15 `input_delay` is text; it must be a whole number",
            "15:13 `window_ms` is a number with a fraction; it must be a whole number",
            "16:19 `lobby_timeout_s` is out of range; it can be 0.1 to 86400",
            "17:13 `max_steps` is out of range; it can be 1 to 1000000",
            "18:19 `when` is a date or time; write it as text, in quotes",
            "18:38 `much` is out of range; write a finite number",
            "21:8 `mode` is a whole number; \
             it must be \"held_keys\" or \"single_keystroke\"",
            "23:6 `Up` is true or false; \
             it must be a number or text, in quotes or a list or a section",
            "25:1 this scene needs `type`; \
             add a line `type = \"…\"`; the types are `start`, `gym` and `end`",
            "30:8 `code` is empty; write something, or remove the line",
            "31:6 `id` cannot be \"the end\"; \
             use letters, digits, `_` and `-`, nothing else",
            "33:1 `[outcomes]` has no key `partnr_left`; did you mean `partner_left`? \
             its keys are `connection_failed`, `environment_failed`, `left`, `lobby_timeout`, \
             `partner_left`, `too_slow` and `validation_failed`",
            "34:8 `[left]` is text; it must be a section",
        ]
    );
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        problems(""),
        [
            "1:1 the study file needs `study`; add a section `[study]`",
            "1:1 the study file needs `scenes`; add sections `[[scenes]]`",
        ]
    );
    let source = SMALL
        .replace("title = \"Small\"\n", "")
        .replace("environment = \"slime_volleyball\"\n", "");
    assert_eq!(
        problems(&source),
        [
            "2:1 `[study]` needs `title`; add a line `title = \"…\"`",
            "6:1 this \"gym\" scene needs `environment`; \
             add a line such as `environment = \"slime_volleyball\"`",
        ]
    );
}

#[test]
fn scenes_come_in_their_order() {
    let order = "the order is one \"start\", one or more \"gym\", one \"end\"";
    let study = |types: &[&str]| {
        let scenes = types.iter().map(|kind| match *kind {
            "gym" => "[[scenes]]\ntype = \"gym\"\nenvironment = \"slime_volleyball\"\n".to_owned(),
            kind => format!("[[scenes]]\ntype = \"{kind}\"\nid = \"{kind}\"\n"),
        });
        let scenes: String = scenes.collect();
        format!("[study]\nid = \"x\"\ntitle = \"X\"\n{scenes}")
    };
    let wrong = [
        (
            study(&["gym", "end"]),
            vec!["5:8 the first scene is not of type \"start\""],
        ),
        (
            study(&["start", "gym"]),
            vec!["8:8 the last scene is not of type \"end\""],
        ),
        (
            study(&["start", "end"]),
            vec!["8:8 there is no scene of type \"gym\""],
        ),
        (
            study(&["start", "end", "gym", "end"]),
            vec![
                "8:8 only the last scene can be of type \"end\"",
                "15:6 two scenes have the id `end`",
            ],
        ),
        (
            study(&["start", "gym", "start", "end"]),
            vec![
                "11:8 only the first scene can be of type \"start\"",
                "12:6 two scenes have the id `start`",
            ],
        ),
    ];
    for (source, expected) in wrong {
        let found: Vec<String> = problems(&source)
            .iter()
            .map(|problem| {
                problem
                    .trim_end_matches(order)
                    .trim_end_matches("; ")
                    .to_owned()
            })
            .map(|problem| problem.replace("; give each scene an `id` of its own", ""))
            .collect();
        assert_eq!(found, expected);
    }
    let source = "scenes = []\n[study]\nid = \"x\"\ntitle = \"X\"\n";
    assert_eq!(
        problems(source),
        [format!("1:10 there are no scenes; {order}")]
    );
    assert_eq!(
        parse(&study(&["start", "gym", "gym", "gym", "end"])).scene_id(3),
        "gym_3"
    );
}

#[test]
fn settings_of_a_game_are_checked() {
    let seeds = "list one seed for each episode";
    assert_eq!(
        game_problems("episodes = 2\nseeds = [1, 2, 3]"),
        [format!("3:9 there are 3 seeds for 2 episodes; {seeds}")]
    );
    assert_eq!(
        game_problems("seeds = []"),
        [format!("2:9 `seeds` is empty; {seeds}, or write \"draw\"")]
    );
    assert_eq!(
        game_problems("seeds = [4294967296]"),
        ["2:10 an item of `seeds` is out of range; it can be 0 to 4294967295"]
    );
    assert_eq!(
        game_problems("[scenes.config]\nmax_lifes = 3"),
        [
            "3:1 the configuration of slime_volleyball is wrong: unknown field `max_lifes`, \
          expected one of `human_inputs`, `max_lives`, `max_steps`, `survival_reward`; \
          correct the setting or remove it; what is not set has its default"
        ]
    );
    assert_eq!(
        game_problems("seat_groups = [[\"agent_left\", \"agent_lef\"], [], [\"agent_left\"]]"),
        [
            "2:31 slime_volleyball has no agent `agent_lef`; did you mean `agent_left`? \
             its agents are `agent_left` and `agent_right`",
            "2:45 a seat has no agents; name an agent, or remove the seat",
            "2:50 the agent `agent_left` has two seats; name each agent once",
        ]
    );
    assert_eq!(
        game_problems("seat_groups = [[\"agent_right\"]]"),
        ["2:15 nobody controls `agent_left`; give every agent a seat"]
    );
}

#[test]
fn bindings_are_checked() {
    let actions = "its actions are `Stay`, `Left`, `Jump left`, `Jump`, `Jump right` and `Right`";
    let lines = r#"
[scenes.controls.bindings]
Up = "jump"
"ArrowUp+ArrowLeft" = "jump lefft"
"ArrowLeft+ArrowUp" = 9
"a+" = 1
A = 1
a = 1
"b+b" = 1
Flux = 1
Spacebar = 1
Ctrl = 1"#;
    assert_eq!(
        game_problems(lines),
        [
            "4:1 there is no key named `Up`; did you mean `ArrowUp`?".to_owned(),
            format!(
                "5:23 slime_volleyball has no action `jump lefft`; \
                 did you mean `Jump left`? {actions}"
            ),
            "6:1 the keys `ArrowLeft+ArrowUp` are bound twice; remove one of the two lines"
                .to_owned(),
            format!("6:23 slime_volleyball has no action `9`; {actions}"),
            "7:1 `a+` names an empty key; join keys with one `+`, such as `ArrowUp+ArrowLeft`"
                .to_owned(),
            "9:1 the keys `a` are bound twice; remove one of the two lines".to_owned(),
            "10:1 `b+b` names the key `b` twice; name each key once".to_owned(),
            "11:1 there is no key named `Flux`; write the key as a browser names it \
             (`KeyboardEvent.key`), such as `a`, `Space` or `ArrowLeft`"
                .to_owned(),
            "12:1 there is no key named `Spacebar`; did you mean `Space`?".to_owned(),
            "13:1 there is no key named `Ctrl`; did you mean `Control`?".to_owned(),
        ]
    );
}

#[test]
fn addresses_are_checked() {
    let redirects = [
        (
            "redirect = \"example.org\"",
            "`redirect` is not a web address",
        ),
        (
            "redirect = \"javascript:alert(1)\"",
            "`redirect` is not a web address",
        ),
        ("redirect = \"https://\"", "`redirect` is not a web address"),
        (
            "redirect = \"https://x.org/{cod}\"",
            "`redirect` has a placeholder that is not known",
        ),
        (
            "code = \"none\"\nredirect = \"https://x.org/{code}\"",
            "`redirect` uses `{code}`, but there is no code",
        ),
        (
            "[scenes.outcomes.left]\nredirect = \"https://x.org/{code}\"",
            "`redirect` uses `{code}`, but there is no code",
        ),
    ];
    for (lines, message) in redirects {
        let found = problems(&format!("{SMALL}{lines}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(message), "{found:?}");
    }
    let servers =
        |lines: &str| SMALL.replace("title = \"Small\"", &format!("title = \"S\"\n{lines}"));
    assert_eq!(
        problems(&servers(
            "ice_servers = [{ urls = [\"stn:x\"] }, { urls = [\"turn:x\"] }]"
        )),
        [
            "5:26 \"stn:x\" is not a STUN or TURN address; \
             begin it with `stun:` or `turn:`, such as `stun:stun.example.org:3478`",
            "5:48 a TURN server needs credentials; add `username` and `credential`",
        ]
    );
    let config = parse(&servers("ice_servers = [{ urls = [\"stun:x\"] }]"));
    assert_eq!(config.ice_servers[0].urls, ["stun:x"]);
}

#[test]
fn files_that_are_not_toml_are_told_so() {
    let fix = "write it as TOML (https://toml.io)";
    assert_eq!(
        problems("[study]\nid = \"x\ntitle = 3 4\n"),
        [format!("2:8 invalid basic string, expected `\"`; {fix}")]
    );
    let bracket = EXAMPLE.replacen("]]", "]", 1);
    assert_eq!(problems(&bracket).len(), 1, "what follows is no mistake");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to a file, there is an answer, and its places are in the file.
    #[test]
    fn damaged_files_are_read_or_explained(
        at in 0..EXAMPLE.len(),
        removed in 0..40usize,
        inserted in "[\\PC\n\"\\[\\]=.{}#é+-]{0,6}",
    ) {
        let start = (0..=at).rev().find(|at| EXAMPLE.is_char_boundary(*at)).unwrap();
        let end = EXAMPLE.len().min(start + removed);
        let end = (end..=EXAMPLE.len()).find(|at| EXAMPLE.is_char_boundary(*at)).unwrap();
        let source = format!("{}{inserted}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
        if let Err(error) = StudyConfig::parse(&source, "study.toml") {
            prop_assert!(!error.problems.is_empty());
            for problem in &error.problems {
                prop_assert!(problem.line <= source.matches('\n').count() + 1);
                prop_assert!(problem.column <= problem.text.chars().count() + 1);
                prop_assert!(!problem.message.is_empty() && !problem.fix.is_empty());
            }
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
