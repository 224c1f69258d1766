//! Which packages are taken, and what is said of those that are not: with wheels that the tests make.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use igym_pyworker::{Omit, PrepareError, Preparing, PythonStudy, Refusal, prepare};
use serde_json::json;

use crate::support::{Heard, Place, platform, preparing};

/// Makes wheels of the packages that it is given: name, version, Requires-Python, what is required.
const MAKE: &str = r#"
import json, sys, zipfile

for name, version, python, required in json.load(sys.stdin):
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Python: {python}\n" if python else ""
    metadata += "".join(f"Requires-Dist: {one}\n" for one in required)
    with zipfile.ZipFile(f"{sys.argv[1]}/{stem}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}/__init__.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{stem}/close_v2.py", "")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
"#;

/// The newest arena needs a window and a solver, which are nowhere; before, a window was enough. The
/// newest bounds are not for Pyodide's Python.
fn wheels(folder: &Path) -> Preparing {
    let packages = json!([
        ["igymtest-arena", "1.0", "", ["igymtest-window"]],
        [
            "igymtest-arena",
            "2.0",
            "",
            ["igymtest-window", "igymtest-solver"]
        ],
        ["igymtest-screen", "1.0", "", []],
        ["igymtest-screen", "2.0", ">=3.9", ["pygame-ce>=2.3"]],
        ["igymtest-bounds", "1.0", ">=3.8", []],
        ["igymtest-bounds", "2.0", ">=3.8,<3.13", []],
    ]);
    let wheels = folder.join("wheels");
    fs::create_dir_all(&wheels).expect("the tests' folder can be used");
    let mut python = Command::new("python3")
        .args(["-c", MAKE])
        .arg(&wheels)
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    serde_json::to_writer(python.stdin.take().expect("it is piped"), &packages)
        .expect("Python reads");
    assert!(python.wait().expect("it ends").success());
    Preparing {
        wheels: Some(wheels),
        ..preparing()
    }
}

/// A study of these packages whose environment is not there: its preparing ends with an error in any case.
fn study(place: &Place, packages: &[&str], omit: &[&str]) -> PythonStudy {
    let target = "igymtest_screen.close_v1:env";
    let mut study = place.study("arena", json!({"environment": {"target": target}}));
    study.packages = packages.iter().map(|name| (*name).to_owned()).collect();
    let omit = omit.iter().map(|name| Omit {
        package: (*name).to_owned(),
        imports: Vec::new(),
    });
    study.omit = omit.collect();
    study
}

/// What preparing says at its end, and the notes before.
fn failed(packages: &[&str], omit: &[&str]) -> (PrepareError, Vec<String>) {
    let place = Place::new(&[("study.toml", "")]);
    let study = study(&place, packages, omit);
    let preparing = wheels(&study.folder);
    let heard = Heard::default();
    let prepared = prepare(&study, &place.prepared(), &platform(), &preparing, &heard);
    let error = prepared.expect_err("its environment is not there");
    (error, heard.notes())
}

fn refused(packages: &[&str], omit: &[&str]) -> Refusal {
    match failed(packages, omit) {
        (PrepareError::Refused(refusal), _) => refusal,
        (error, _) => panic!("{error}"),
    }
}

#[test]
fn what_to_omit_is_what_the_newest_version_needs_all_at_once() {
    let refusal = refused(&["igymtest-arena"], &[]);
    let mut omit = refusal.omit.clone();
    omit.sort();
    assert_eq!(omit, ["igymtest-solver", "igymtest-window"], "{refusal}");
}

#[test]
fn an_older_version_is_told_of_before_and_with_every_failure() {
    let (error, notes) = failed(&["igymtest-arena"], &["igymtest-window"]);
    let told = "igymtest-arena 1.0 is taken, not the newest, 2.0: igymtest-solver";
    assert!(notes.iter().any(|note| note.contains(told)), "{notes:?}");
    assert!(error.to_string().contains(told), "{error}");
    assert!(error.raised().is_some());
}

#[test]
fn packages_that_bring_the_same_modules_are_omitted_together() {
    let (error, notes) = failed(&["igymtest-screen"], &["pygame"]);
    assert_eq!(notes, Vec::<String>::new());
    let text = error.to_string();
    // It was the newest that was opened, and what it has instead is named.
    assert!(text.contains("igymtest_screen has close_v2"), "{text}");
    let (_, notes) = failed(&["igymtest-screen"], &["pygame", "igymtest-nobody"]);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("no package asks for igymtest-nobody"));
}

#[test]
fn a_version_that_is_not_for_this_python_is_passed_over() {
    let (error, notes) = failed(&["igymtest-bounds"], &[]);
    let told = "igymtest-bounds 1.0 is taken, not the newest: igymtest-bounds 2.0 is for Python";
    assert!(
        notes.iter().any(|note| note.contains(told)),
        "{notes:?} {error}"
    );
    let refusal = refused(&["igymtest-bounds==2.0"], &[]).to_string();
    assert!(refusal.contains("2.0 is for Python"), "{refusal}");
    assert!(refusal.contains("Pyodide's is 3.13"), "{refusal}");
}

#[test]
fn a_name_or_a_version_that_is_not_there_is_told_from_a_package_that_cannot_run() {
    let text = refused(&["igymtest-aerna"], &[]).to_string();
    assert!(
        text.contains("igymtest-aerna is not on the index"),
        "{text}"
    );
    assert!(text.contains("check the name"), "{text}");
    let text = refused(&["igymtest-bounds==9.9"], &[]).to_string();
    assert!(text.contains("has no version that fits ==9.9"), "{text}");
    assert!(text.contains("the newest is"), "{text}");
}
