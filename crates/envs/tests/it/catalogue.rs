//! What studies learn of environments, and how they make them.

use igym_envs::{canonical_config, catalogue, create, environment_digest};
use igym_gym::Action;
use serde_json::json;

#[test]
fn the_catalogue_says_what_the_environments_are() {
    assert!(!catalogue().is_empty());
    for info in catalogue() {
        let env = create(info.id, "").unwrap();
        assert_eq!(env.agents(), info.agents);
        assert_eq!(env.size(), (info.width, info.height));
        for agent in 0..info.agents.len() {
            let space = env.action_space(agent);
            let possible = |action: u32| Action::Discrete(action).encode(space).is_some();
            assert!(info.actions.iter().all(|(action, _)| possible(*action)));
            assert!(possible(info.default_action));
        }
        let named = |wanted: u32| info.actions.iter().any(|(action, _)| *action == wanted);
        assert!(
            info.default_keys
                .iter()
                .all(|(keys, action)| !keys.is_empty() && named(*action))
        );
        assert!(named(info.default_action));
    }
}

#[test]
fn an_unknown_environment_is_an_error_that_names_the_known_ones() {
    let error = create("slime", "{}").err().unwrap();
    assert!(error.to_string().contains("slime_volleyball"), "{error}");
}

#[test]
fn a_wrong_setting_is_an_error_that_names_it() {
    for (config, word) in [
        (r#"{"gravity":2}"#, "gravity"),
        (r#"{"max_steps":0}"#, "max_steps"),
        (r#"{"max_lives":-1}"#, "-1"),
        (r#"{"human_inputs":"yes"}"#, "yes"),
        ("[", "EOF"),
        ("[]", "slime_volleyball"),
    ] {
        let error = create("slime_volleyball", config).err().unwrap();
        assert!(error.to_string().contains(word), "{config}: {error}");
    }
}

#[test]
fn equal_settings_are_equal_text_and_make_the_same_environment() {
    let id = "slime_volleyball";
    let spelled_out =
        r#"{"human_inputs":true,"max_lives":1,"max_steps":3000,"survival_reward":false}"#;
    for config in [
        json!(null),
        json!({}),
        json!({"max_steps": 3000, "max_lives": 1}),
    ] {
        assert_eq!(canonical_config(id, &config).as_deref(), Ok(spelled_out));
    }
    let other = canonical_config(id, &json!({"max_steps": 100})).unwrap();
    assert!(create(id, spelled_out).is_ok());
    assert!(create(id, &other).is_ok());
    assert_eq!(environment_digest(id, &other).len(), 64);
    assert_eq!(
        environment_digest(id, &other),
        environment_digest(id, &other)
    );
    assert_ne!(
        environment_digest(id, &other),
        environment_digest(id, spelled_out)
    );
    assert_ne!(
        environment_digest("none", &other),
        environment_digest(id, &other)
    );
}
