//! A disk with no room: the error reaches the caller, and the store goes on once there is room.

#![cfg(target_os = "linux")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use igym_storage::{Filter, JournalStore};

use crate::support::{append, event, open};

/// Set for the process that may not write large files.
const DIRECTORY: &str = "IGYM_TEST_FILL";

/// Not a test of its own, see below. Appends until that fails, waits for room, and appends again.
#[test]
fn filler() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory));
    let mut stored = 0;
    let error = loop {
        match append(&store, vec![event(stored)]) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    // Still readable, and still failing, not broken.
    assert_eq!(store.last_id().unwrap(), u64::from(stored));
    append(&store, vec![event(stored)]).expect_err("there is still no room");
    println!("\nfull after {stored}: {error}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let ids = append(&store, vec![event(stored)]).expect("there is room again");
    println!("\nwent on with {}", ids[0]);
}

#[test]
fn a_full_disk_is_reported_and_survived() {
    let directory = tempfile::tempdir().unwrap();
    // A limit on the size of files stands for the disk: the process cannot write past it, and the
    // limit is lifted from outside while it runs.
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -S -f 400; exec \"$0\" --exact full_disk::filler --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line_with = |start: &str| {
        output
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| Some(line.strip_prefix(start)?.to_owned()))
            .expect("it said so before it ended")
    };
    let report = line_with("full after ");
    let (stored, error) = report.split_once(": ").unwrap();
    let stored: u64 = stored.parse().unwrap();
    assert!(stored > 10, "it stored {stored}");
    assert!(error.contains("disk"), "{error}");
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited", "--pid", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(lifted.success());
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(line_with("went on with "), (stored + 1).to_string());
    assert!(child.wait().unwrap().success());
    let entries = open(directory.path()).read(Filter::default()).unwrap();
    assert_eq!(entries.len() as u64, stored + 1);
}
