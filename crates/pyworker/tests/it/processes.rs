//! Interpreters that do as they are told, and those that do not.

use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use igym_dataset::{Cancel, Environments as _};
use igym_gym::Runtime as _;
use igym_protocol::EnvironmentSpec;
use igym_pyworker::{
    Digest, Headless, HeadlessError, HeadlessRuntime, Node, PATIENCE, Pool, PythonEnvironments,
    Quiet, prepare,
};
use serde_json::{Value as Json, json};

use crate::support::{COUNTER, Place, cache, platform, preparing};

/// `reset` with 905 crashes the process, with 906 it never ends, with 907 it asks for a file that is missing,
/// with 908 it leaves Python, with 909 it aborts WebAssembly, with 910 it says which process it is.
const TRAPS: &str = r#"
from env import Counter


class Traps(Counter):
    def reset(self, seed=None, options=None):
        print("reset with", seed)
        if seed == 905:
            from js import process
            process.exit(3)
        while seed == 906:
            pass
        if seed == 907:
            open("/igym/study/missing.txt")
        if seed == 908:
            import sys
            sys.exit(3)
        if seed == 909:
            import os
            os.abort()
        if seed == 910:
            from js import process
            raise RuntimeError(f"process {process.pid}")
        return super().reset()
"#;

struct Prepared {
    place: Place,
    lock: Digest,
}

/// One study for all tests here.
fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let files = [("env.py", COUNTER), ("traps.py", TRAPS)];
        let place = Place::kept("processes", &files);
        let study = place.study("count", json!({"environment": {"file": "env.py"}}));
        let prepared = prepare(&study, &place.prepared(), &platform(), &preparing(), &Quiet)
            .expect("the tests' folder can be used");
        Prepared {
            place,
            lock: prepared.lock,
        }
    })
}

fn pool(most: usize, patience: Duration) -> Arc<Pool> {
    let Prepared { place, lock } = prepared();
    let (node, program) = (
        Node::find(&cache()).expect("the tests' folder can be used"),
        platform()
            .headless(&cache())
            .expect("the tests' folder can be used"),
    );
    Pool::new(
        node,
        program,
        place.prepared(),
        lock.clone(),
        most,
        patience,
    )
}

fn traps() -> String {
    let environment = json!({"file": "traps.py", "attribute": "Traps"});
    json!({"environment": environment, "base": "/igym/study", "max_steps": 50}).to_string()
}

/// The error at the end of an answer.
fn error_of(answer: &[u8]) -> Json {
    assert_eq!(answer[..2], [1, 0xff], "an answer that is an error");
    serde_json::from_slice(&answer[6..]).expect("the error is JSON")
}

#[test]
fn a_crash_is_an_error_of_the_episode_and_the_next_one_gets_another_process() {
    let pool = pool(1, PATIENCE);
    let mut runtime = pool.open(&traps()).unwrap();
    // What is printed does not get between the answers.
    assert_eq!(runtime.reset(1)[..2], [1, 6]);
    let error = error_of(&runtime.reset(905));
    assert_eq!(error["kind"], "runtime");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("exit status: 3") && message.contains("reset with 905"),
        "{message}"
    );
    assert_eq!(error_of(&runtime.run(&[1, 0]))["kind"], "runtime");
    drop(runtime);
    assert_eq!(pool.open(&traps()).unwrap().reset(1)[..2], [1, 6]);
}

/// The number of the interpreter's process.
fn process_of(runtime: &mut HeadlessRuntime) -> String {
    let error = error_of(&runtime.reset(910));
    let message = error["message"].as_str().expect("a text");
    let (_, number) = message.split_once("process ").expect("its number");
    number.trim().to_owned()
}

fn kill(process: &str) {
    let killed = Command::new("kill").args(["-9", process]).status();
    assert!(killed.expect("there is kill").success());
}

/// Ctrl-C in a terminal is for a whole group.
#[cfg(target_os = "linux")]
#[test]
fn an_interpreter_is_in_a_group_of_its_own() {
    let pool = pool(1, PATIENCE);
    let process = process_of(&mut pool.open(&traps()).unwrap());
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // After the name in brackets: state, parent, group.
    let (_, after) = stat.rsplit_once(')').expect("a name");
    let group = after.split_whitespace().nth(2).expect("a group");
    assert_eq!(group, process);
}

#[test]
fn one_that_was_killed_while_it_was_idle_is_replaced() {
    let pool = pool(1, PATIENCE);
    pool.warm().unwrap();
    let mut runtime = pool.open(&traps()).unwrap();
    let process = process_of(&mut runtime);
    drop(runtime);
    kill(&process);
    let mut runtime = pool.open(&traps()).unwrap();
    assert_ne!(process_of(&mut runtime), process);
}

#[test]
fn a_pool_that_is_stopped_ends_who_is_in_use_and_lets_nobody_wait() {
    let pool = pool(1, PATIENCE);
    let mut runtime = pool.open(&traps()).unwrap();
    thread::scope(|threads| {
        let cancel = Cancel::default();
        let waits = threads.spawn({
            let (pool, cancel) = (pool.clone(), cancel.clone());
            move || pool.open_until(&traps(), &cancel).map(drop)
        });
        cancel.cancel();
        let given_up = waits.join().expect("it does not panic");
        assert!(matches!(given_up, Err(HeadlessError::Stopped)));
        let hangs = threads.spawn(move || error_of(&runtime.reset(906)));
        let waits = threads.spawn(|| pool.open(&traps()).map(drop));
        pool.stop();
        let error = hangs.join().expect("it does not panic");
        assert_eq!(error["kind"], "runtime");
        let given_up = waits.join().expect("it does not panic");
        assert!(matches!(given_up, Err(HeadlessError::Stopped)));
    });
    let given_up = pool.open(&traps()).map(drop);
    assert!(matches!(given_up, Err(HeadlessError::Stopped)));
}

#[test]
fn one_that_does_not_start_is_heard_of_when_it_is_warmed() {
    let Prepared { place, .. } = prepared();
    let nothing = place.prepared().path().join("no-program.mjs");
    let node = Node::find(&cache()).expect("the tests' folder can be used");
    let lock = Digest::of(b"any");
    let pool = Pool::new(node, nothing, place.prepared(), lock, 1, PATIENCE);
    let failed = pool.warm();
    assert!(
        matches!(failed, Err(HeadlessError::Crashed(..))),
        "{failed:?}"
    );
}

#[test]
fn an_interpreter_that_stopped_is_not_used_again() {
    let pool = pool(1, PATIENCE);
    let mut runtime = pool.open(&traps()).unwrap();
    let error = error_of(&runtime.reset(909));
    assert_eq!(error["kind"], "runtime", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("Python stopped"), "{message}");
    drop(runtime);
    assert_eq!(pool.open(&traps()).unwrap().reset(1)[..2], [1, 6]);
}

#[test]
fn one_that_hangs_is_stopped() {
    let pool = pool(1, Duration::from_secs(5));
    let mut runtime = pool.open(&traps()).unwrap();
    let error = error_of(&runtime.reset(906));
    assert_eq!(error["kind"], "runtime");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("did not answer in 5 s"),
        "{error}"
    );
    drop(runtime);
    // The next one is another process, which has its start to wait for.
    assert!(pool.open(&traps()).is_ok());
}

#[test]
fn what_python_raises_is_answered_and_the_process_goes_on() {
    let pool = pool(1, PATIENCE);
    let mut runtime = pool.open(&traps()).unwrap();
    let error = error_of(&runtime.reset(907));
    assert_eq!(error["kind"], "environment");
    let line = TRAPS
        .lines()
        .position(|line| line.contains("missing.txt"))
        .unwrap()
        + 1;
    assert_eq!(error["line"], json!(line));
    let error = error_of(&runtime.reset(908));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("SystemExit: 3"), "{message}");
    assert!(error["file"].as_str().unwrap().ends_with("traps.py"));
    assert_eq!(runtime.reset(1)[..2], [1, 6]);
    drop(runtime);
    let missing = json!({"environment": {"file": "nowhere.py"}, "base": "/igym/study"});
    let refused = pool.open(&missing.to_string()).map(drop);
    let Err(HeadlessError::Python(error)) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.message.contains("nowhere.py"), "{error}");
}

#[test]
fn episodes_are_played_again_in_the_lock_that_they_were_played_in() {
    let Prepared { place, lock } = prepared();
    let environments =
        PythonEnvironments::new(place.prepared(), || Ok(platform()), cache(), PATIENCE);
    environments.warm(lock).unwrap();
    let spec = |version: &str| EnvironmentSpec {
        id: "python".to_owned(),
        version: version.to_owned(),
        config: String::new(),
    };
    // Where the study's files are the interpreter knows, not the plan.
    let configuration = json!({"environment": {"file": "env.py"}, "max_steps": 50}).to_string();
    let opened = environments.open(&spec(lock.as_str()), &configuration, &Cancel::default());
    assert_eq!(opened.unwrap().reset(1)[..2], [1, 6]);
    let name = environments.runtime_name().unwrap();
    assert!(name.starts_with("Pyodide 0.28.3 in Node v"), "{name}");
    for other in ["0.1.1", Digest::of(b"another lock").as_str()] {
        let refused = environments
            .open(&spec(other), &configuration, &Cancel::default())
            .map(drop);
        assert!(refused.is_err_and(|error| error.contains(other)));
    }
}

#[test]
fn an_interpreter_says_what_it_is() {
    let Prepared { place, lock } = prepared();
    let (node, program) = (
        Node::find(&cache()).unwrap(),
        platform().headless(&cache()).unwrap(),
    );
    let folder = place.prepared();
    let mut headless = Headless::start(&node, &program, &folder, lock, None, PATIENCE).unwrap();
    let versions = headless.versions().unwrap();
    assert_eq!(
        (&*versions.pyodide, &*versions.node),
        ("0.28.3", node.version())
    );
    assert!(versions.python.starts_with("3.13"));
}
