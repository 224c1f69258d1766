//! A study with an environment of its own in Python, from the file to what is served.

use std::path::Path;

use crate::program::{Run, command, text};

const STUDY: &str = r#"
[study]
id = "counting"
title = "Counting"

[[scenes]]
type = "start"

[[scenes]]
type = "gym"
id = "count"
environment = { file = "env.py" }
frames_per_second = 10
countdown_s = 0

[scenes.controls.bindings]
ArrowUp = { action = 1, label = "One more" }

[[scenes]]
type = "end"
"#;

const ENVIRONMENT: &str = include_str!("../../../pyworker/tests/it/counter.py");

/// With what `cargo xtask` builds before it tests.
fn igym(folder: &Path, arguments: &[&str]) -> Run {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = command(arguments);
    command.current_dir(folder);
    command.env("IGYM_WEB", root.join("web/dist"));
    command.env("IGYM_CACHE", root.join("target/python-cache"));
    Run::of(command.output().unwrap())
}

#[test]
fn a_study_in_python_is_checked_prepared_and_examined() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("study.toml"), STUDY).unwrap();
    let missing = igym(folder, &["check", "study.toml"]).expect(2);
    assert!(
        missing.err.contains("scene count: there is no file env.py"),
        "{}",
        missing.err
    );
    std::fs::write(folder.join("env.py"), ENVIRONMENT).unwrap();

    let checked = igym(folder, &["check", "study.toml"]).expect(0);
    assert!(
        checked.out.contains("Python is not prepared (for count)"),
        "{}",
        checked.out
    );
    treatments_are_named(folder);
    let prepared = igym(folder, &["prepare", "study.toml"]).expect(0);
    let lock = prepared
        .out
        .split("Lock       ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let file = folder.join(format!("data/counting/python/{}.json", lock.unwrap()));
    assert!(file.is_file(), "{}", prepared.out);
    for told in [
        "MB per participant",
        "a step takes",
        "kB a second, at 10 frames per second",
    ] {
        assert!(prepared.out.contains(told), "{told}: {}", prepared.out);
    }
    let checked = igym(folder, &["check", "study.toml"]).expect(0);
    assert!(
        checked.out.contains("1. count (python, 1 player,"),
        "{}",
        checked.out
    );
    // What was found is where the study was prepared: a folder that is named counts.
    std::fs::rename(folder.join("data/counting"), folder.join("elsewhere")).unwrap();
    let examined = igym(folder, &["doctor", "study.toml", "--data", "elsewhere"]).expect(0);
    assert!(
        examined.out.contains("under all conditions"),
        "{}",
        examined.out
    );
    assert!(!folder.join("data/counting").exists(), "{}", examined.err);
    std::fs::rename(folder.join("elsewhere"), folder.join("data/counting")).unwrap();

    // Nothing is remembered of another environment.
    let mended = ENVIRONMENT.replace("self.count >= 1000", "self.count >= self.most");
    std::fs::write(folder.join("env.py"), mended).unwrap();
    let checked = igym(folder, &["check", "study.toml"]).expect(0);
    assert!(
        checked.out.contains("Python is not prepared"),
        "{}",
        checked.out
    );
    let broken = igym(
        folder,
        &["serve", text(&folder.join("study.toml")), "--port", "0"],
    )
    .expect(2);
    assert!(
        broken.err.contains("env.py") && broken.err.contains("most"),
        "{}",
        broken.err
    );
}

/// Each treatment has an environment of its own.
fn treatments_are_named(folder: &Path) {
    let end = "[[scenes]]\ntype = \"end\"";
    let treatments = "[[scenes.treatments]]\nid = \"bold\"\nkwargs = { least = 2 }\n";
    let treated = STUDY.replace(end, &format!("{treatments}{end}"));
    assert_ne!(treated, STUDY);
    std::fs::write(folder.join("treated.toml"), treated).unwrap();
    let checked = igym(folder, &["check", "treated.toml"]).expect(0);
    let named = "Python is not prepared (for count, count (treatment bold))";
    assert!(checked.out.contains(named), "{}", checked.out);
    // Its constructor takes no arguments.
    let refused = igym(
        folder,
        &["prepare", "treated.toml", "--data", "data/counting"],
    )
    .expect(2);
    for told in ["count (treatment bold): ", "least"] {
        assert!(refused.err.contains(told), "{}", refused.err);
    }
}
