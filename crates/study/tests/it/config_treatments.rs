//! study.toml with treatments: what is read, and what is said of those that cannot be.

use igym_study::{ConfigError, GymScene, Prepared, StudyConfig, Treatment, python_part};
use serde_json::{Value, json};

use crate::config::{parse, with_game};
use crate::config_python::{LOCK, PONG, prepared_with};

/// The game for two with these treatments.
fn pong(treatments: &str) -> String {
    PONG.replace("episodes = 2", &format!("treatments = [{treatments}]"))
}

const TWO: &str =
    r#"{ id = "own" }, { id = "long", kwargs = { max_cycles = 2000, fast = [1, true] } }"#;

fn whole(source: &str, prepared: &Prepared) -> StudyConfig {
    StudyConfig::parse_prepared(source, "study.toml", prepared)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn game(config: &StudyConfig) -> &GymScene {
    config.game(1).expect("a game")
}

fn told(error: &ConfigError) -> Vec<String> {
    let problems = error.problems.iter();
    problems
        .map(|p| format!("{}:{} {}; {}", p.line, p.column, p.message, p.fix))
        .collect()
}

#[test]
fn treatments_of_the_catalogue_stand_over_the_settings_of_the_scene() {
    let plain = parse(&with_game("config = { max_lives = 3 }"));
    let source = with_game(
        r#"config = { max_lives = 3 }
        [[scenes.treatments]]
        id = "as_it_is"
        [[scenes.treatments]]
        id = "long-1"
        config = { max_lives = 9 }
        [[scenes.treatments]]
        id = "short"
        [scenes.treatments.config]
        max_steps = 60"#,
    );
    let config = parse(&source);
    let game = game(&config);
    let ids: Vec<&str> = game.treatments.iter().map(|it| &*it.id).collect();
    assert_eq!(ids, ["as_it_is", "long-1", "short"]);
    let own = &self::game(&plain).environment;
    assert_eq!(
        (&game.environment, &game.treatments[0].environment),
        (own, own)
    );
    let lives = |treatment: &Treatment| {
        let config: Value = serde_json::from_str(&treatment.environment.config).unwrap();
        (config["max_lives"].clone(), config["max_steps"].clone())
    };
    let [_, long, short] = &game.treatments[..] else {
        panic!("three");
    };
    assert_eq!(lives(long).0, 9);
    assert_eq!(lives(short), (json!(3), json!(60)));
    for Treatment {
        id,
        environment,
        environment_digest,
    } in &game.treatments
    {
        let digest = igym_envs::environment_digest(&environment.id, &environment.config);
        assert_eq!(*environment_digest, digest);
        let with = game.environment_with(Some(id));
        assert_eq!(with, (environment, &**environment_digest));
    }
    let without = (&game.environment, &*game.environment_digest);
    assert_eq!(game.environment_with(None), without);
}

#[test]
fn the_digest_of_a_study_covers_treatments_and_is_what_it_was_without() {
    let digest = |lines: &str| parse(&with_game(lines)).digest();
    assert_eq!(digest("treatments = []"), digest(""));
    let written = [
        "",
        r#"treatments = [{ id = "a" }]"#,
        r#"treatments = [{ id = "b" }]"#,
        r#"treatments = [{ id = "a" }, { id = "b" }]"#,
        r#"treatments = [{ id = "b" }, { id = "a" }]"#,
        r#"treatments = [{ id = "a", config = { max_lives = 2 } }]"#,
    ];
    let mut digests: Vec<String> = written.iter().map(|lines| digest(lines)).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), written.len());
    // What is set to what it is anyway is not in it.
    let usual = parse(&with_game(""))
        .game(1)
        .unwrap()
        .environment
        .config
        .clone();
    let usual: Value = serde_json::from_str(&usual).unwrap();
    let lives = usual["max_lives"].as_u64().unwrap();
    let same = format!(r#"treatments = [{{ id = "a", config = {{ max_lives = {lives} }} }}]"#);
    assert_eq!(digest(&same), digest(written[1]));
}

#[test]
fn treatments_in_python_are_prepared_one_by_one() {
    let source = pong(TWO);
    let part = python_part(&source, "study.toml").unwrap().unwrap();
    let all: Vec<_> = part
        .environments
        .iter()
        .map(|it| (&*it.scene, it.treatment.as_deref()))
        .collect();
    assert_eq!(
        all,
        [("gym", None), ("gym", Some("own")), ("gym", Some("long"))]
    );
    let [own, same, long] = &part.environments[..] else {
        panic!("three");
    };
    assert_eq!(same.configuration, own.configuration);
    let kwargs = &long.configuration["environment"]["kwargs"];
    assert_eq!(*kwargs, json!({"max_cycles": 2000, "fast": [1, true]}));
    let mut but_for_kwargs = long.configuration.clone();
    but_for_kwargs["environment"]["kwargs"] = json!({"max_cycles": 900});
    assert_eq!(but_for_kwargs, own.configuration);

    let config = whole(&source, &prepared_with(&source, |_| {}));
    let game = game(&config);
    let [same, long] = &game.treatments[..] else {
        panic!("two");
    };
    assert_eq!(same.environment, game.environment);
    let Treatment { environment, .. } = long;
    assert_eq!((&*environment.id, &*environment.version), ("python", LOCK));
    let opened: Value = serde_json::from_str(&environment.config).unwrap();
    assert_eq!(opened["configuration"]["environment"]["kwargs"], *kwargs);
    assert_ne!(long.environment_digest, game.environment_digest);
    let plain = PONG.replace("episodes = 2", "");
    let plain = whole(&plain, &prepared_with(&plain, |_| {}));
    assert_eq!(self::game(&plain).environment, game.environment);
    assert_ne!(plain.digest(), config.digest());
}

#[test]
fn treatments_have_ids_and_settings_of_their_kind() {
    let native = |lines: &str| {
        let error = StudyConfig::parse(&with_game(lines), "study.toml").expect_err("wrong");
        told(&error)
    };
    assert_eq!(
        native(r#"treatments = [{ id = "a b" }, { kwargs = { x = 1 } }, { id = "c", kwarg = 1 }]"#),
        [
            "10:22 `id` cannot be \"a b\"; use letters, digits, `_` and `-`, nothing else",
            "10:31 an item of `treatments` needs `id`; add a line `id = \"…\"`",
            "10:67 an item of `treatments` has no key `kwarg`; did you mean `kwargs`? its keys are \
             `config`, `id` and `kwargs`",
        ]
    );
    assert_eq!(
        native(
            r#"treatments = [{ id = "a" }, { id = "a", config = { max_live = 3 } }, { id = "c", kwargs = { x = 1 } }]"#
        ),
        [
            "10:36 two treatments of the scene have the id `a`; give each treatment an `id` of its own",
            "10:52 the configuration of slime_volleyball is wrong: unknown field `max_live`, \
             expected one of `human_inputs`, `max_lives`, `max_steps`, `survival_reward`; correct the \
             setting or remove it; what is not set has its default",
            "10:91 `kwargs` are for environments in Python; write `config`, for those of the catalogue",
        ]
    );
    // Of what is wrong with the scene's own settings nothing is said a second time.
    let twice = "config = { max_live = 3 }\ntreatments = [{ id = \"a\" }]";
    assert_eq!(native(twice).len(), 1);
    let python = pong(r#"{ id = "a", config = { x = 1 } }, { id = "a" }"#);
    let error = python_part(&python, "study.toml").expect_err("wrong");
    assert_eq!(
        told(&error),
        [
            "17:36 `config` is for environments of the catalogue; write `kwargs`, for those in Python",
            "17:56 two treatments of the scene have the id `a`; give each treatment an `id` of its own",
        ]
    );
    let error = StudyConfig::parse(&pong(TWO), "study.toml").expect_err("wrong");
    assert_eq!(told(&error).len(), 1, "what is not prepared is said once");
}

#[test]
fn who_plays_and_how_is_the_same_with_every_treatment() {
    let source = pong(TWO);
    // What is said where the environment of the second treatment is changed so.
    let with = |source: &str, change: &dyn Fn(&mut Value)| {
        let mut prepared = prepared_with(source, |_| {});
        change(&mut prepared.descriptions[2]);
        match StudyConfig::parse_prepared(source, "study.toml", &prepared) {
            Ok(_) => Vec::new(),
            Err(error) => told(&error),
        }
    };
    assert_eq!(with(&source, &|_| {}).len(), 0);
    assert_eq!(
        with(&source, &|it| it["agents"] =
            json!(["paddle_0", "paddle_2"])),
        [
            "17:55 the treatment `long` has the agents `paddle_0` and `paddle_2`, and `paddle_0` and \
             `paddle_1` in the scene without it; leave out of its `kwargs` what changes the agents"
        ]
    );
    assert_eq!(
        with(&source, &|it| it["spaces"][1]["n"] = json!(4)),
        [
            "17:55 the treatment `long` has other actions for `paddle_1`: a whole number from 0 to 3, \
             and a whole number from 0 to 2 in the scene without it; leave out of its `kwargs` what \
             changes the actions"
        ]
    );
    assert_eq!(
        with(&source, &|it| it["bindings"][0] = json!(["01", null])).len(),
        1
    );
    assert_eq!(
        with(&source, &|it| it["default_actions"][0] = json!("01")).len(),
        1
    );
    let pace = |it: &mut Value| it["render_fps"] = json!(20);
    assert_eq!(
        with(&source, &|it| {
            it["size"] = json!([800, 600]);
            pace(it);
        }),
        [
            "17:55 the treatment `long` draws 800 by 600 pixels, and 960 by 560 in the scene without \
             it; write `size = [960, 560]` in the section of the environment",
            "17:55 the treatment `long` has 20 frames per second, and 15 in the scene without it; \
             write `frames_per_second = 15` in the scene",
        ]
    );
    let paced = source.replace("treatments = ", "frames_per_second = 15\ntreatments = ");
    assert_eq!(with(&paced, &pace).len(), 0);
    let mut less = prepared_with(&source, |_| {});
    less.descriptions.pop();
    let error = StudyConfig::parse_prepared(&source, "study.toml", &less).expect_err("wrong");
    assert_eq!(
        told(&error),
        ["17:31 what was prepared does not belong to this study file; run `igym prepare` again"]
    );
}
