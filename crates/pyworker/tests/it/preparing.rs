//! From a study to a folder that can be served.

use std::fs;
use std::path::Path;

use igym_pyworker::{PrepareError, PreparedFolder, Quiet, find, prepare, prepare_if};
use serde_json::json;

use crate::support::{COUNTER, Heard, Place, platform, preparing, slimevb};

#[test]
fn an_environment_of_the_index_is_prepared_once_and_then_needs_nothing() {
    let place = Place::new(&[("study.toml", "")]);
    let (study, folder, platform) = (slimevb(&place), place.prepared(), platform());
    assert!(find(&study, &folder, &platform).unwrap().is_none());
    let heard = Heard::default();
    let prepared = prepare(&study, &folder, &platform, &preparing(), &heard).unwrap();
    assert!(heard.steps().len() > 3, "{:?}", heard.steps());
    for number in 1..=5 {
        let told = format!("interpreter {number} of 5");
        assert!(heard.steps().iter().any(|step| step.ends_with(&told)));
    }

    let lock = folder.lock(&prepared.lock).unwrap();
    let package = |name: &str| {
        lock.packages
            .iter()
            .find(|one| one.name == name)
            .expect("a package")
    };
    assert_eq!(package("numpy").version, "2.2.5");
    assert!(package("numpy").file.ends_with("wasm32.whl"));
    assert_eq!(package("slimevb").version, "0.1.1");
    assert!(lock.packages.iter().all(|one| one.name != "opencv-python"));
    assert_eq!(lock.stubs, ["cv2"]);
    let description = &prepared.descriptions[0];
    assert_eq!(description["agents"], json!(["agent_left", "agent_right"]));
    assert_eq!(description["bindings"][0], json!(["01", "01"]));
    let found = &prepared.report.environments[0];
    assert!(found.deterministic, "{}", found.diagnosis);
    assert!(found.diagnosis.contains("120 frames") || found.diagnosis.contains("121 frames"));
    assert!(prepared.report.bytes > 15_000_000);

    // Nothing is done a second time, and nothing is asked of any other machine.
    let heard = Heard::default();
    let again = prepare(&study, &folder, &platform, &preparing(), &heard).unwrap();
    assert_eq!((again, heard.steps()), (prepared.clone(), Vec::new()));

    // A copy is as good, wherever it is.
    let copy = Place::new(&[]);
    copy_folder(folder.path(), copy.prepared().path());
    let found = find(&study, &copy.prepared(), &platform).unwrap().unwrap();
    assert_eq!(found, prepared);
}

#[test]
fn the_same_study_has_the_same_lock_and_another_study_another() {
    let [one, other] = [0, 1].map(|_| Place::new(&[("env.py", COUNTER)]));
    let environment = json!({"environment": {"file": "env.py"}, "bindings": [1, 2]});
    let prepared = prepare_quietly(&one, environment.clone());
    copy_doctor(&one.prepared(), &other.prepared());
    let heard = Heard::default();
    let study = other.study("count", environment.clone());
    let again = prepare(&study, &other.prepared(), &platform(), &preparing(), &heard).unwrap();
    assert_eq!(again.lock, prepared.lock);
    assert_eq!(again.descriptions, prepared.descriptions);
    // What the doctor found counts for this lock: it was not asked again.
    assert!(
        heard
            .steps()
            .iter()
            .any(|step| step.contains("playing count"))
    );
    assert!(!heard.steps().iter().any(|step| step.contains("examining")));

    other.write("levels.py", "LEVELS = 3\n");
    assert!(
        find(&study, &other.prepared(), &platform())
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_damaged_file_is_refused_by_its_hash_and_written_again() {
    let place = Place::new(&[("env.py", COUNTER)]);
    let environment = json!({"environment": {"file": "env.py"}});
    let prepared = prepare_quietly(&place, environment.clone());
    let (study, folder) = (place.study("count", environment), place.prepared());
    let lock = folder.lock(&prepared.lock).unwrap();
    let wasm = lock
        .core
        .iter()
        .find(|file| file.name.ends_with(".wasm"))
        .unwrap();
    let path = folder.path().join("blobs").join(wasm.sha256.as_str());
    let mut content = fs::read(&path).unwrap();
    content[1_000_000] ^= 1;
    fs::write(&path, content).unwrap();

    let error = find(&study, &folder, &platform()).unwrap_err();
    assert!(
        matches!(&error, PrepareError::Damaged { path: found } if *found == path),
        "{error}"
    );
    assert!(folder.bundle(&prepared.lock).is_err());
    let mended = prepare(&study, &folder, &platform(), &preparing(), &Quiet).unwrap();
    assert_eq!(mended.lock, prepared.lock);
    assert_eq!(folder.bundle(&prepared.lock).unwrap().files.len(), 7);
}

#[test]
fn a_package_without_a_wheel_for_pyodide_is_refused_with_the_line_to_try() {
    let place = Place::new(&[]);
    let mut study = slimevb(&place);
    study.omit.clear();
    let refused = prepare(&study, &place.prepared(), &platform(), &preparing(), &Quiet);
    let Err(PrepareError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.omit, ["opencv-python"]);
    let names: Vec<&str> = refusal.culprits.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["opencv-python"]);
    let text = refusal.to_string();
    assert!(text.contains("none for Pyodide"), "{text}");
    assert!(text.contains(r#"omit = ["opencv-python"]"#), "{text}");
}

#[test]
fn an_error_of_the_environment_is_told_with_file_and_line() {
    let raising = COUNTER.replace(
        "        self.count += int(action)\n",
        "        self.step_by(action)\n",
    );
    assert_ne!(raising, COUNTER);
    let place = Place::new(&[("env.py", &raising)]);
    let environment = json!({"environment": {"file": "env.py"}});
    let study = place.study("count", environment);
    let error = prepare(&study, &place.prepared(), &platform(), &preparing(), &Quiet).unwrap_err();
    let raised = error.raised().expect("the environment's").clone();
    let line = raising
        .lines()
        .position(|line| line.contains("step_by"))
        .unwrap()
        + 1;
    assert!(raised.file.is_some_and(|file| file.ends_with("env.py")));
    assert_eq!(raised.line, Some(line as u32));
    let text = error.to_string();
    assert!(text.contains("count") && text.contains("step_by"), "{text}");
    // The place is said once, and the traceback has nothing of the platform's.
    assert_eq!(text.matches(&format!("line {line})")).count(), 1, "{text}");
    assert!(!text.contains("interactive_gym"), "{text}");
}

#[test]
fn what_does_not_fit_the_study_is_found_before_anything_is_examined() {
    let place = Place::new(&[("env.py", COUNTER)]);
    // An action that nobody can do is the study's to tell, which knows the key and its line.
    let environment = json!({"environment": {"file": "env.py"}, "bindings": [1, 9]});
    let study = place.study("count", environment);
    let (folder, heard) = (place.prepared(), Heard::default());
    let fits = |opened: &igym_pyworker::PreparedStudy| {
        assert_eq!(opened.descriptions[0]["bindings"], json!([["01"], [null]]));
        false
    };
    let error = prepare_if(&study, &folder, &platform(), &preparing(), &heard, &fits).unwrap_err();
    assert!(matches!(error, PrepareError::Declined), "{error}");
    let steps = heard.steps();
    assert!(steps.iter().any(|step| step.contains("playing count")));
    assert!(
        !steps.iter().any(|step| step.contains("examining")),
        "{steps:?}"
    );
}

#[test]
fn what_plays_differently_from_run_to_run_is_refused_unless_it_is_allowed_by_name() {
    // It is the same within one interpreter, and another one in the next.
    let restless = COUNTER.replace("return self.count, float", "return STARTED, float");
    assert_ne!(restless, COUNTER);
    let restless = format!("import time\n\nSTARTED = time.time()\n{restless}");
    let place = Place::new(&[("env.py", &restless)]);
    let study = place.study("count", json!({"environment": {"file": "env.py"}}));
    let (folder, platform) = (place.prepared(), platform());
    let error = prepare(&study, &folder, &platform, &preparing(), &Quiet).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, PrepareError::Nondeterministic { .. }),
        "{text}"
    );
    assert!(
        text.contains("fresh interpreter") && text.contains(r#"allow_nondeterminism = ["count"]"#),
        "{text}"
    );
    assert!(find(&study, &folder, &platform).unwrap().is_none());

    // For once, or in the study, which holds as long as it says so.
    let mut allowing = preparing();
    allowing.allowed.insert("count".to_owned());
    let mut trusting = study.clone();
    trusting.allowed.insert("count".to_owned());
    assert!(find(&trusting, &folder, &platform).unwrap().is_none());
    for (study, preparing) in [(&study, &allowing), (&trusting, &preparing())] {
        let heard = Heard::default();
        let prepared = prepare(study, &folder, &platform, preparing, &heard).unwrap();
        assert!(!prepared.report.environments[0].deterministic);
        assert!(
            !heard.steps().iter().any(|step| step.contains("examining")),
            "{:?}",
            heard.steps()
        );
    }
}

fn prepare_quietly(place: &Place, environment: serde_json::Value) -> igym_pyworker::PreparedStudy {
    let study = place.study("count", environment);
    prepare(&study, &place.prepared(), &platform(), &preparing(), &Quiet)
        .expect("the tests' folder can be used")
}

fn copy_doctor(from: &PreparedFolder, to: &PreparedFolder) {
    fs::create_dir_all(to.path()).expect("the tests' folder can be used");
    for entry in fs::read_dir(from.path()).expect("the tests' folder can be used") {
        let path = entry.expect("the tests' folder can be used").path();
        let name = path
            .file_name()
            .expect("the tests' folder can be used")
            .to_owned();
        if name.to_string_lossy().starts_with("doctor-") {
            fs::copy(&path, to.path().join(name)).expect("the tests' folder can be used");
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the tests' folder can be used");
    for entry in fs::read_dir(from).expect("the tests' folder can be used") {
        let path = entry.expect("the tests' folder can be used").path();
        let target = to.join(path.file_name().expect("the tests' folder can be used"));
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, &target).expect("the tests' folder can be used")),
        }
    }
}
