//! Doctor, on folders that are whole and folders that are not.

use std::fs;
use std::path::Path;

use igym_protocol::{CloseReason, Record};
use igym_storage_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::data::{opened, store};
use crate::program::{Run, igym, text};
use crate::support::{plan, play};

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A played episode with its build.
fn folder() -> TempDir {
    let build = blake3::hash(MODULE).to_hex().to_string();
    let mut plan = plan(2, 7);
    plan.digests.build.clone_from(&build);
    let played = play(plan);
    let mut records = opened();
    if let Record::StudyOpened { build: served, .. } = &mut records[0] {
        served.clone_from(&build);
    }
    records.extend(played.records(
        CloseReason::Sealed,
        igym_dataset::judge(&played.log(), &igym_dataset::NativeOnly),
    ));
    let folder = TempDir::new().unwrap();
    store(folder.path(), records);
    fs::create_dir(folder.path().join("builds")).unwrap();
    fs::write(build_file(folder.path()), MODULE).unwrap();
    folder
}

fn build_file(folder: &Path) -> std::path::PathBuf {
    let name = blake3::hash(MODULE).to_hex();
    folder.join(format!("builds/{name}.wasm"))
}

fn doctor(folder: &Path) -> Run {
    igym(&["doctor", text(folder)])
}

#[track_caller]
fn finds(folder: &Path, what: &str) {
    let before = fs::read(folder.join("journal.sqlite")).unwrap();
    let run = doctor(folder).expect(1);
    let line = run.out.lines().find(|line| line.contains("BAD")).unwrap();
    assert!(line.contains(what), "{}", run.out);
    assert!(run.out.contains("What to do:"), "{}", run.out);
    assert_eq!(fs::read(folder.join("journal.sqlite")).unwrap(), before);
}

fn change(folder: &Path, statement: &str) {
    let connection = rusqlite::Connection::open(folder.join("journal.sqlite")).unwrap();
    assert!(connection.execute(statement, []).unwrap() > 0);
}

#[test]
fn a_sound_folder_is_sound_also_while_it_is_used() {
    let folder = folder();
    let run = doctor(folder.path()).expect(0);
    assert!(run.out.contains("The data are sound."), "{}", run.out);
    assert!(run.out.contains("1 closed, 0 not closed"), "{}", run.out);
    let _server = SqliteStore::open(folder.path()).unwrap();
    let run = doctor(folder.path()).expect(0);
    assert!(run.out.contains("in use by process"), "{}", run.out);
}

#[test]
fn a_corrupted_file_is_found() {
    let folder = folder();
    let file = folder.path().join("journal.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page..page + 2_000].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    finds(folder.path(), "file");
}

#[test]
fn a_truncated_record_is_found() {
    let folder = folder();
    change(
        folder.path(),
        "UPDATE journal SET body = substr(body, 1, 20) WHERE id = \
         (SELECT min(id) FROM journal WHERE seq IS NOT NULL)",
    );
    finds(folder.path(), "damaged");
}

#[test]
fn a_gap_in_the_uploads_is_found() {
    let folder = folder();
    change(
        folder.path(),
        "DELETE FROM journal WHERE id = (SELECT min(id) FROM journal WHERE seq IS NOT NULL)",
    );
    finds(folder.path(), "1 missing of page load 1");
}

#[test]
fn a_plan_of_nobody_is_found() {
    let folder = folder();
    change(
        folder.path(),
        "DELETE FROM journal WHERE kind = 'session_opened'",
    );
    finds(folder.path(), "a session that was not opened");
}

#[test]
fn missing_and_changed_builds_are_found() {
    let folder = folder();
    fs::write(build_file(folder.path()), b"another").unwrap();
    finds(folder.path(), "not what its name says");
    fs::remove_file(build_file(folder.path())).unwrap();
    finds(folder.path(), "missing");
}

/// The copy of a folder in use is what a crash leaves.
fn crashed() -> TempDir {
    let whole = folder();
    let server = SqliteStore::open(whole.path()).unwrap();
    for record in opened().into_iter().take(1).cycle().take(4) {
        crate::data::append(&server, vec![record]);
    }
    let copy = TempDir::new().unwrap();
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        fs::copy(whole.path().join(name), copy.path().join(name)).unwrap();
    }
    drop(server);
    fs::create_dir(copy.path().join("builds")).unwrap();
    fs::write(build_file(copy.path()), MODULE).unwrap();
    // `opened` names a build of its own.
    copy
}

#[test]
fn a_torn_log_is_told_from_a_damaged_one() {
    let torn = crashed();
    let log = torn.path().join("journal.sqlite-wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes.truncate(bytes.len() - 1_000);
    fs::write(&log, &bytes).unwrap();
    let run = doctor(torn.path());
    assert!(run.out.contains("its last write is torn"), "{}", run.out);

    let damaged = crashed();
    let log = damaged.path().join("journal.sqlite-wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes[32 + 24 + 100] ^= 1;
    fs::write(&log, &bytes).unwrap();
    finds(damaged.path(), "behind the damage");
}

#[test]
fn what_is_no_data_folder_is_code_2() {
    let folder = TempDir::new().unwrap();
    doctor(folder.path()).expect(2);
    fs::write(folder.path().join("journal.sqlite"), "Dear diary, ").unwrap();
    doctor(folder.path()).expect(2);
}
