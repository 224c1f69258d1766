//! Help, init, check, schema, and what is said about mistakes.

use std::fs;

use tempfile::TempDir;

use crate::program::{igym, text};

#[test]
fn help_shows_examples_and_exit_codes() {
    let run = igym(&["--help"]).expect(0);
    for word in [
        "init",
        "check",
        "serve",
        "export",
        "verify",
        "doctor",
        "schema",
        "Exit codes",
    ] {
        assert!(run.out.contains(word), "{word}");
    }
    for command in [
        "init", "check", "serve", "export", "verify", "doctor", "schema",
    ] {
        let run = igym(&[command, "--help"]).expect(0);
        assert!(run.out.contains("Example"), "{command}: {}", run.out);
    }
    assert!(igym(&["serve", "--help"]).out.contains("IGYM_PORT"));
    assert!(igym(&["--version"]).expect(0).out.starts_with("igym "));
}

#[test]
fn mistakes_in_the_arguments_are_code_2() {
    igym(&[]).expect(2);
    igym(&["play"]).expect(2);
    igym(&["serve", "study.toml", "--port", "many"]).expect(2);
    igym(&["serve", "study.toml", "--seed", "12"]).expect(2);
    igym(&["serve", "study.toml", "--address", "1.2.3.4"]).expect(2);
    igym(&["verify", "data", "--session", "first"]).expect(2);
    let run = igym(&["schema", "--log", "a=b=c"]).expect(2);
    assert!(run.err.contains("--log"), "{}", run.err);
}

#[test]
fn init_writes_a_study_that_can_be_served_and_never_overwrites_one() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("deep/pilot");
    let run = igym(&["init", text(&target)]).expect(0);
    assert!(run.out.contains("igym serve"), "{}", run.out);
    let study = target.join("study.toml");
    let written = fs::read_to_string(&study).unwrap();
    assert!(written.contains('#'), "it is commented");
    assert!(written.lines().count() < 40);
    let run = igym(&["check", text(&study)]).expect(0);
    assert!(run.out.contains("can be served"), "{}", run.out);

    fs::write(&study, "mine").unwrap();
    let run = igym(&["init", text(&target)]).expect(2);
    assert!(
        run.err.contains("already there") && run.err.contains("hint"),
        "{}",
        run.err
    );
    assert_eq!(fs::read_to_string(&study).unwrap(), "mine");
}

#[test]
fn a_mistake_in_a_study_is_named_with_its_line_and_a_fix() {
    let folder = TempDir::new().unwrap();
    igym(&["init", text(folder.path())]).expect(0);
    let study = folder.path().join("study.toml");
    let mut source = fs::read_to_string(&study).unwrap();
    source.push_str("\ncolour = \"red\"\n");
    let line = source.lines().count();
    fs::write(&study, source).unwrap();
    let place = format!("study.toml:{line}:1:");
    for (command, code) in [("check", 1), ("serve", 2)] {
        let run = igym(&[command, text(&study)]).expect(code);
        assert!(run.err.contains(&place), "{}", run.err);
        assert!(run.err.contains("fix:"), "{}", run.err);
        assert!(run.err.contains("1 mistake"), "{}", run.err);
    }
    let broken = folder.path().join("broken.toml");
    fs::write(&broken, "id = \"a\nb\"").unwrap();
    let run = igym(&["check", text(&broken)]).expect(1);
    assert!(run.err.contains("broken.toml:1:"), "{}", run.err);
}

#[test]
fn a_study_that_is_not_there_is_code_2_with_a_hint() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("nothing.toml");
    for command in ["check", "serve"] {
        let run = igym(&[command, text(&missing)]).expect(2);
        assert!(run.err.contains("nothing.toml"), "{}", run.err);
        assert!(run.err.contains("hint: `igym init`"), "{}", run.err);
    }
    assert!(!folder.path().join("data").exists(), "nothing was begun");
}

#[test]
fn the_schema_is_json() {
    let run = igym(&["schema"]).expect(0);
    let schema: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert!(schema["properties"].is_object());
}
