//! Export and verify, on journals in a real store.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc;

use igym_protocol::{CloseReason, EpisodePlan, Record, SessionState, Verdict};
use igym_storage::{JournalStore as _, NewEntry};
use igym_storage_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::program::{command, igym, text};
use crate::support::{Played, SESSION, entries, participant, plan, play};

pub(crate) fn store(folder: &Path, records: Vec<Record>) {
    append(&SqliteStore::open(folder).unwrap(), records);
}

pub(crate) fn append(store: &SqliteStore, records: Vec<Record>) {
    let new = entries(records).into_iter().map(|entry| NewEntry {
        at_ms: entry.at_ms,
        record: entry.record,
    });
    let (done, answer) = mpsc::channel();
    store.append(
        new.collect(),
        Box::new(move |result| done.send(result).unwrap()),
    );
    answer.recv().unwrap().unwrap();
}

pub(crate) fn opened() -> Vec<Record> {
    vec![
        Record::StudyOpened {
            study: "pilot".into(),
            title: "A pilot".into(),
            digest: "d1".into(),
            source: String::new(),
            version: "0.1.0".into(),
            build: "b1".into(),
            seed: "00".into(),
        },
        Record::SessionOpened {
            session: SESSION,
            scene: 1,
            members: vec![participant(0), participant(1)],
            treatment: None,
        },
        Record::SessionEntered {
            session: SESSION,
            state: SessionState::Playing,
        },
    ]
}

fn closed(played: &Played) -> Vec<Record> {
    played.records(
        CloseReason::Sealed,
        igym_dataset::judge(&played.log(), &igym_dataset::NativeOnly),
    )
}

fn two_episodes() -> [Played; 2] {
    let second = EpisodePlan {
        episode: 1,
        ..plan(2, 8)
    };
    [play(plan(2, 7)), play(second)]
}

/// Exports and verifies two episodes after `change` was made to the second.
fn study(change: impl FnOnce(&mut Played)) -> TempDir {
    let [first, mut second] = two_episodes();
    change(&mut second);
    let folder = TempDir::new().unwrap();
    let mut records = opened();
    records.extend(closed(&first));
    records.extend(closed(&second));
    store(folder.path(), records);
    folder
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            for (inner, bytes) in files(&path) {
                found.insert(format!("{name}/{inner}"), bytes);
            }
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn good_data_verify() {
    let data = study(|_| ());
    let run = igym(&["verify", text(data.path())]).expect(0);
    assert!(run.out.contains("2 episodes: 2 verified."), "{}", run.out);
    assert!(run.out.contains(&SESSION.to_string()), "{}", run.out);
    assert_eq!(run.err, "", "no bar where nobody looks at one");
    let quiet = igym(&["verify", "--quiet", text(data.path())]).expect(0);
    assert_eq!(quiet.out, "2 episodes: 2 verified.\n");
    let by_environment = command(&["verify"])
        .env("IGYM_DATA", data.path())
        .output()
        .unwrap();
    assert!(by_environment.status.success());
}

#[test]
fn a_desync_is_found_and_named() {
    let data = study(|played| {
        let row = played.pages[1].rows.get_mut(&19).unwrap();
        row.digest.as_mut().unwrap()[0] ^= 1;
    });
    let run = igym(&["verify", text(data.path())]).expect(1);
    assert!(
        run.out.contains("2 episodes: 1 verified, 1 desync."),
        "{}",
        run.out
    );
    let difference = "frame 19, digest: player 1 / re-simulation";
    assert!(run.out.contains(difference), "{}", run.out);
    // Exported all the same, with the verdict.
    let out = data.path().join("tables");
    igym(&["export", text(data.path()), "--out", text(&out)]).expect(0);
    let differences = fs::read_to_string(out.join("differences.csv")).unwrap();
    assert!(differences.contains("digest"), "{differences}");
}

#[test]
fn a_forged_input_is_disputed() {
    let data = study(|played| played.pages[0].journal.authored[9].input = vec![9]);
    let run = igym(&["verify", text(data.path())]).expect(1);
    assert!(run.out.contains("1 disputed"), "{}", run.out);
    assert!(
        run.out.contains("frame 9, inputs: player 0 / player 1"),
        "{}",
        run.out
    );
}

#[test]
fn a_missing_seal_is_partial_and_no_error() {
    let data = study(|played| played.pages[0].seal = None);
    let run = igym(&["verify", text(data.path())]).expect(0);
    assert!(run.out.contains("1 verified, 1 partial"), "{}", run.out);
    assert!(run.out.contains("no seal of player 0"), "{}", run.out);
}

#[test]
fn data_that_changed_since_the_server_judged_them_are_an_error() {
    let [first, mut second] = two_episodes();
    let judgement = igym_dataset::judge(&second.log(), &igym_dataset::NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Verified);
    second.pages[0].seal = None;
    let folder = TempDir::new().unwrap();
    let mut records = opened();
    records.extend(closed(&first));
    records.extend(second.records(CloseReason::Sealed, judgement));
    store(folder.path(), records);
    let run = igym(&["verify", text(folder.path())]).expect(1);
    assert!(run.err.contains("not what the server found"), "{}", run.err);
}

#[test]
fn an_episode_that_no_server_has_judged_yet_says_so() {
    let folder = unjudged();
    let data = text(folder.path());
    let run = igym(&["verify", data]).expect(0);
    assert!(run.out.contains("2 episodes: 2 verified."), "{}", run.out);
    let line = run.out.lines().find(|line| line.contains("none yet"));
    assert!(line.is_some_and(|line| line.contains("verified")));
    let owed = "1 episode is over and has no verdict of the server yet";
    assert!(run.err.contains(owed), "{}", run.err);
    let quiet = igym(&["verify", "--quiet", data]).expect(0);
    assert!(quiet.out.contains("none yet"), "{}", quiet.out);

    let out = folder.path().join("tables");
    let run = igym(&["export", data, "--out", text(&out)]).expect(0);
    assert!(run.err.contains(owed), "{}", run.err);
    let run = igym(&["doctor", data]);
    let said = "1 closed, 0 not closed, 1 over and not judged yet";
    assert!(run.out.contains(said), "{}", run.out);
    assert!(
        !igym(&["verify", text(study(|_| ()).path())])
            .err
            .contains("no verdict")
    );
}

/// A server stopped before it had judged the second episode.
fn unjudged() -> TempDir {
    let [first, second] = two_episodes();
    let folder = TempDir::new().unwrap();
    let mut records = opened();
    records.extend(closed(&first));
    for mut record in closed(&second) {
        if let Record::EpisodeClosed {
            session, episode, ..
        } = record
        {
            record = Record::EpisodeJudging { session, episode };
        }
        records.push(record);
    }
    store(folder.path(), records);
    folder
}

/// It is no news that something was wrong with an episode that the server could not judge.
#[test]
fn what_the_server_could_not_judge_has_not_changed_since() {
    let [first, mut second] = two_episodes();
    second.pages[0].journal.authored[9].input = vec![9];
    let folder = TempDir::new().unwrap();
    let mut records = opened();
    records.extend(closed(&first));
    records.extend(second.records(CloseReason::Sealed, igym_dataset::not_judged()));
    store(folder.path(), records);
    let run = igym(&["verify", text(folder.path())]).expect(1);
    assert!(run.out.contains("1 disputed"), "{}", run.out);
    assert!(
        !run.err.contains("not what the server found"),
        "{}",
        run.err
    );
}

#[test]
fn one_session_can_be_chosen() {
    let data = study(|_| ());
    let run = igym(&[
        "verify",
        text(data.path()),
        "--session",
        &SESSION.to_string(),
    ])
    .expect(0);
    assert!(run.out.contains("2 episodes"), "{}", run.out);
    let other = "00000000-0000-0000-0000-000000000001";
    let run = igym(&["verify", text(data.path()), "--session", other]).expect(2);
    assert!(
        run.err.contains(other) && run.err.contains("hint"),
        "{}",
        run.err
    );
}

#[test]
fn an_episode_of_another_version_cannot_be_verified() {
    let data = study(|played| played.plan.environment.version = "0.0.0-other".into());
    // The server of that version found it verified; what this program finds says nothing.
    let run = igym(&["verify", text(data.path())]).expect(2);
    assert!(run.err.contains("0.0.0-other"), "{}", run.err);
    assert!(run.out.contains("1 not to be played again"), "{}", run.out);
    let run = igym(&["export", text(data.path())]).expect(1);
    assert!(
        run.err.contains("warning: no frames of episode 1"),
        "{}",
        run.err
    );
}

#[test]
fn exports_are_written_beside_the_data_and_replaced_whole() {
    let data = study(|_| ());
    let run = igym(&["export", text(data.path())]).expect(0);
    assert!(
        run.out.contains("2 episodes") && run.out.contains("2 verified"),
        "{}",
        run.out
    );
    let out = data.path().join("export");
    let first = files(&out);
    for name in [
        "README.md".to_owned(),
        "columns.json".to_owned(),
        "episodes.csv".to_owned(),
        "episodes.parquet".to_owned(),
        format!("frames/{SESSION}-1.csv"),
        format!("frames/{SESSION}-1.parquet"),
    ] {
        assert!(first.contains_key(&name), "{name}");
    }
    fs::write(out.join("stale.csv"), "old").unwrap();
    igym(&["export", text(data.path())]).expect(0);
    assert!(
        files(&out) == first,
        "the same journal gives the same files, and nothing else"
    );
    let beside: Vec<String> = fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("export"))
        .collect();
    assert_eq!(beside, ["export"], "nothing is left over");
}

#[test]
fn a_format_can_be_chosen() {
    let data = study(|_| ());
    for (format, other) in [("csv", ".parquet"), ("parquet", ".csv")] {
        igym(&["export", text(data.path()), "--format", format]).expect(0);
        let files = files(&data.path().join("export"));
        assert!(files.contains_key(&format!("episodes.{format}")));
        assert!(!files.keys().any(|name| name.ends_with(other)), "{other}");
    }
}

#[test]
fn files_of_others_are_never_replaced() {
    let data = study(|_| ());
    let out = TempDir::new().unwrap();
    fs::write(out.path().join("thesis.txt"), "years of work").unwrap();
    let run = igym(&["export", text(data.path()), "--out", text(out.path())]).expect(2);
    assert!(run.err.contains("--out"), "{}", run.err);
    assert_eq!(files(out.path()).len(), 1);
    let file = out.path().join("thesis.txt");
    igym(&["export", text(data.path()), "--out", text(&file)]).expect(2);
    assert_eq!(fs::read_to_string(file).unwrap(), "years of work");
}

#[test]
fn a_study_that_nobody_played_has_nothing_to_show() {
    let folder = TempDir::new().unwrap();
    store(folder.path(), opened());
    let run = igym(&["verify", text(folder.path())]).expect(0);
    assert!(run.out.contains("No episodes yet"), "{}", run.out);
    let run = igym(&["export", text(folder.path())]).expect(0);
    assert!(run.out.contains("No episodes yet"), "{}", run.out);
    assert!(folder.path().join("export/sessions.csv").exists());
}

#[test]
fn a_folder_without_a_journal_is_code_2() {
    let folder = TempDir::new().unwrap();
    for command in ["export", "verify"] {
        let run = igym(&[command, text(folder.path())]).expect(2);
        assert!(
            run.err.contains("error:") && run.err.contains("journal"),
            "{}",
            run.err
        );
    }
    assert_eq!(
        files(folder.path()).len(),
        0,
        "looking leaves nothing behind"
    );
}
