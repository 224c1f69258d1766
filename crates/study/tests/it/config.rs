//! study.toml: what is read.

use std::time::Duration;

use igym_protocol::{InputMode, Outcome, Prediction};
use igym_study::{
    Code, EXAMPLE, GymScene, RelayRule, Scene, SeatRule, Seeds, StudyConfig, json_schema,
};

pub(crate) const SMALL: &str = r#"
[study]
id = "small"
title = "Small"
[[scenes]]
type = "start"
[[scenes]]
type = "gym"
environment = "slime_volleyball"
[[scenes]]
type = "end"
"#;

pub(crate) fn parse(source: &str) -> StudyConfig {
    StudyConfig::parse(source, "study.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn game(config: &StudyConfig) -> &GymScene {
    config.game(1).expect("a game")
}

/// The small study with these lines in its game.
pub(crate) fn with_game(lines: &str) -> String {
    let environment = "environment = \"slime_volleyball\"\n";
    SMALL.replace(environment, &format!("{environment}{lines}\n"))
}

#[test]
fn the_example_is_short_runs_and_is_the_one_in_examples() {
    let config = parse(EXAMPLE);
    assert!(EXAMPLE.lines().count() < 40);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/slime_volleyball/study.toml"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), EXAMPLE);
    assert_eq!(
        (config.id.as_str(), config.scenes.len()),
        ("slime_volleyball", 2)
    );
    assert_eq!(config.source(), EXAMPLE);
    // What is commented out is right too.
    let uncommented = EXAMPLE
        .replace("# [scenes.controls", "[scenes.controls")
        .replace("# \"ArrowUp", "\"ArrowUp")
        .replace("# redirect", "redirect");
    let config = parse(&uncommented);
    assert_eq!(game(&config).controls.bindings.len(), 1);
    let page = config.end.page(Outcome::Completed);
    let address = page.redirect_with(Some("A B"));
    assert_eq!(
        address.as_deref(),
        Some("https://example.org/done?code=A%20B")
    );
}

#[test]
fn what_is_not_written_has_a_default() {
    let config = parse(SMALL);
    let Scene::Start(start) = &config.scenes[0] else {
        panic!("starts");
    };
    assert_eq!(
        (start.id.as_str(), start.title.as_str()),
        ("start", "Small")
    );
    assert_eq!(start.button, "Continue");
    let game = game(&config);
    assert_eq!(
        (game.id.as_str(), game.title.as_str()),
        ("gym", "Slime volleyball")
    );
    assert_eq!(game.environment.version, "1");
    assert!(game.environment.config.contains("\"max_lives\":1"));
    assert_eq!(game.seat_groups, [["agent_left"], ["agent_right"]]);
    assert_eq!((game.seats, &game.seeds), (SeatRule::Fixed, &Seeds::Draw));
    assert_eq!((game.episodes, game.frames_per_second), (1, 30));
    assert_eq!((game.input_delay, game.max_steps), (2, 10_000));
    assert!(!game.timed, "nobody said how long an episode lasts");
    let delay = |fps: u16| {
        let config = parse(&with_game(&format!("frames_per_second = {fps}")));
        config.game(1).unwrap().input_delay
    };
    assert_eq!([5, 10, 15, 20, 30, 60].map(delay), [0, 0, 1, 1, 2, 2]);
    assert_eq!(game.window, Duration::from_millis(500));
    assert_eq!(game.smoothing, Duration::from_millis(100));
    assert_eq!(
        (game.digest_interval, game.prediction),
        (1, Prediction::RepeatLast)
    );
    assert_eq!(game.lobby_timeout, Duration::from_secs(300));
    assert_eq!(game.relay, RelayRule::Fallback);
    let connecting = |game: &GymScene| (game.connection_attempts, game.connection_timeout);
    assert_eq!(connecting(game), (2, Duration::from_secs(5)));
    let never = parse(&with_game("relay = \"never\""));
    let never = never.game(1).unwrap();
    assert_eq!(never.relay, RelayRule::Never);
    assert_eq!(connecting(never), (3, Duration::from_secs(15)));
    assert_eq!(game.countdown, Duration::from_secs(3));
    assert_eq!(game.reconnect_grace, Duration::from_secs(10));
    assert_eq!(game.flush_timeout, Duration::from_secs(5));
    assert_eq!(game.controls.mode, InputMode::HeldKeys);
    let first = &game.controls.bindings[0];
    assert_eq!((first.keys.len(), first.label.as_str()), (2, "Jump left"));
    for outcome in [
        Outcome::Completed,
        Outcome::LobbyTimeout,
        Outcome::ConnectionFailed,
        Outcome::ValidationFailed,
        Outcome::PartnerLeft,
        Outcome::Left,
    ] {
        let page = config.end.page(outcome);
        assert!(!page.title.is_empty() && !page.body.is_empty());
        assert_eq!(page.code == Code::None, outcome == Outcome::Left);
    }
}

#[test]
fn everything_can_be_set() {
    let config = parse(&with_game(
        r#"
        id = "play"
        title = "Play"
        config = { max_lives = 5 }
        episodes = 3
        seats = "random"
        seat_groups = [["agent_right", "agent_left"]]
        seeds = [1, 2, 4294967295]
        frames_per_second = 60
        input_delay = 0
        smoothing_ms = 0
        window_ms = 250
        max_steps = 600
        digest_interval = 30
        prediction = "default"
        controls.mode = "single_keystroke"
        controls.bindings = { "d+w" = 4, a = "left", "+" = "JUMP", Space = 3 }
        lobby_timeout_s = 60
        relay = "never"
        connection_attempts = 5
        connection_timeout_s = 7.5
        validation_timeout_s = 8
        countdown_s = 0
        reconnect_grace_s = 0.25
        flush_timeout_s = 2
        episode_timeout_s = 100"#,
    ));
    let game = game(&config);
    assert_eq!(game.players(), 1);
    assert_eq!(game.seeds, Seeds::Listed(vec![1, 2, u32::MAX]));
    assert_eq!((game.episodes, game.seats), (3, SeatRule::Random));
    assert_eq!(
        (game.frames_per_second, game.prediction),
        (60, Prediction::Default)
    );
    assert_eq!((game.smoothing, game.input_delay), (Duration::ZERO, 0));
    assert_eq!(game.reconnect_grace, Duration::from_millis(250));
    assert_eq!(game.relay, RelayRule::Never);
    assert_eq!(game.connection_timeout, Duration::from_millis(7_500));
    assert_eq!(game.episode_timeout, Duration::from_secs(100));
    assert_eq!(game.controls.mode, InputMode::SingleKeystroke);
    let bindings: Vec<(String, u32)> = game
        .controls
        .bindings
        .iter()
        .map(|binding| (binding.keys.join(" and "), binding.action))
        .collect();
    let expected = [("d and w", 4), ("a", 1), ("+", 3), (" ", 3)];
    let expected = expected.map(|(keys, action)| (keys.to_owned(), action));
    assert_eq!(
        bindings, expected,
        "more keys first, else in the order of the file"
    );
}

#[test]
fn each_outcome_can_have_its_own_page() {
    let config = parse(&format!(
        r#"{SMALL}
        title = "Done"
        code = "C0DE"
        redirect = "https://example.org/{{code}}"
        [scenes.outcomes]
        lobby_timeout = {{ title = "Alone", code = "none" }}
        partner_left = {{ body = "Sorry.", redirect = "https://example.org/other" }}
        left = {{ code = "draw" }}"#
    ));
    let page = |outcome| config.end.page(outcome);
    assert_eq!(page(Outcome::Completed).title, "Done");
    assert_eq!(
        page(Outcome::Completed).code,
        Code::Fixed("C0DE".to_owned())
    );
    let alone = page(Outcome::LobbyTimeout);
    assert_eq!((alone.title.as_str(), &alone.code), ("Alone", &Code::None));
    assert_eq!(alone.redirect, None, "it has no code to bring along");
    let partner = page(Outcome::PartnerLeft);
    assert_eq!(partner.body, "Sorry.");
    assert_eq!(
        partner.redirect.as_deref(),
        Some("https://example.org/other")
    );
    assert_eq!(partner.code, Code::Fixed("C0DE".to_owned()));
    let left = page(Outcome::Left);
    assert_eq!((&left.code, &left.redirect), (&Code::Draw, &None));
}

#[test]
fn the_digest_is_of_what_is_said_not_of_how() {
    let digest = |source: &str| parse(source).digest();
    let small = digest(SMALL);
    assert_eq!(small.len(), 64);
    assert_eq!(small, digest(&format!("# A remark\n{SMALL}\n")));
    assert_eq!(
        small,
        digest(&with_game(
            "episodes = 1\ninput_delay = 2\nseeds = \"draw\""
        ))
        .as_str()
    );
    let changes = [
        "episodes = 2",
        "input_delay = 3",
        "smoothing_ms = 99",
        "body = \"x\"",
        "config = { max_lives = 2 }",
        "frames_per_second = 31",
        "controls.bindings = { a = 1, b = 1 }",
        "controls.bindings = { b = 1, a = 1 }",
        "seat_groups = [[\"agent_right\"], [\"agent_left\"]]",
    ];
    let mut digests: Vec<String> = changes
        .iter()
        .map(|lines| digest(&with_game(lines)))
        .collect();
    digests.push(small);
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn the_published_schema_is_the_present_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/study.schema.json");
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == json_schema(),
        "docs/study.schema.json is not up to date; write it with: \
         cargo run -p igym-study --example schema > docs/study.schema.json"
    );
}
