//! Episodes of environments that are not in this program.

use std::sync::atomic::{AtomicU32, Ordering};

use igym_dataset::{
    Cancel, Environments, Field, Format, Journal, NativeOnly, Reading, ResimulationError, examine,
    judge, judge_until, not_judged,
};
use igym_gym::Runtime;
use igym_protocol::{CloseReason, EnvironmentSpec, Verdict};
use tempfile::TempDir;

use crate::commons::{Commons, plan, play};
use crate::support::{SESSION, entries, export_with};
use crate::tables::Csv;

const GOOD: Commons = Commons {
    raises_at: None,
    dies_at: None,
    strays_at: None,
    unwritable_at: None,
};

#[test]
fn an_episode_behind_bytes_is_judged_as_any_other() {
    let played = play(plan(), GOOD);
    let examination = examine(&played.log(), &GOOD).unwrap();
    assert_eq!(examination.judgement.verdict, Verdict::Verified);
    assert_eq!(examination.canonical, played.rows);
    assert_eq!(examination.canonical.len(), 12);
    assert_eq!(examination.runtime.as_deref(), Some("a test's interpreter"));
    assert_eq!(examination.failure, None);

    let strays = Commons {
        strays_at: Some(7),
        ..GOOD
    };
    let difference = judge(&played.log(), &strays).first_difference.unwrap();
    assert_eq!(
        (difference.frame, difference.field.as_str()),
        (7, "outcome")
    );
}

#[test]
fn what_cannot_be_played_again_is_neither_good_nor_the_fault_of_a_browser() {
    let mut played = play(plan(), GOOD);
    let error = examine(&played.log(), &NativeOnly).unwrap_err().to_string();
    assert!(error.contains("not in this program"), "{error}");
    assert_eq!(judge(&played.log(), &NativeOnly), not_judged());
    assert_eq!(not_judged().verdict, Verdict::Partial);
    let dies = Commons {
        dies_at: Some(4),
        ..GOOD
    };
    let error = examine(&played.log(), &dies).unwrap_err().to_string();
    assert!(error.contains("Node is gone"), "{error}");
    assert_eq!(judge(&played.log(), &dies), not_judged());
    let cancel = Cancel::default();
    assert!(judge_until(&played.log(), &GOOD, &cancel).is_ok());
    cancel.cancel();
    let given_up = judge_until(&played.log(), &GOOD, &cancel);
    assert_eq!(given_up, Err(ResimulationError::Cancelled));
    played.plan.environment.version = "another".to_owned();
    let error = examine(&played.log(), &GOOD).unwrap_err().to_string();
    assert!(error.contains("igym prepare"), "{error}");
}

#[test]
fn an_environment_that_raised_ends_its_episode_there() {
    let raises = Commons {
        raises_at: Some(6),
        ..GOOD
    };
    let mut played = play(plan(), raises);
    assert_eq!(played.rows.len(), 6);
    // The inputs of the frame that raised are in the journal.
    for (player, page) in (0_u8..).zip(&mut played.pages) {
        let mut input = page.journal.authored.last().unwrap().clone();
        assert_eq!((input.frame, input.player), (5, player));
        input.frame = 6;
        page.journal.authored.push(input);
    }
    let examination = examine(&played.log(), &raises).unwrap();
    assert_eq!(examination.judgement.verdict, Verdict::Partial);
    assert_eq!(examination.canonical, played.rows);
    assert_eq!(
        examination.failure.unwrap().to_string(),
        "commons.py:7: the well is dry"
    );
    assert_eq!(examination.differences, []);

    // One that did not raise when it was played is another matter.
    let played = play(plan(), GOOD);
    let examination = examine(&played.log(), &raises).unwrap();
    assert_eq!(examination.judgement.verdict, Verdict::Desync);
    let difference = &examination.differences[0];
    assert_eq!((difference.frame, difference.field), (6, Field::Outcome));
    assert_eq!(
        difference.between,
        [Reading::Player(0), Reading::Resimulation]
    );
}

#[test]
fn frames_hold_what_python_saw_and_did() {
    let played = play(plan(), GOOD);
    let judgement = judge(&played.log(), &GOOD);
    let journal = Journal::from_entries(entries(played.records(CloseReason::Sealed, judgement)));
    let directory = TempDir::new().unwrap();
    let summary = export_with(directory.path(), &journal, Format::Both, &GOOD);
    assert_eq!((summary.frames, summary.problems.len()), (12, 0));
    let frames = Csv::read(&directory.path().join(format!("frames/{SESSION}-0.csv")));
    assert_eq!(frames.rows.len(), 14);
    let column = |name: &str| -> Vec<&str> { frames.column(name)[..6].to_vec() };

    // Rows: reset, frames 0 to 4, …
    assert_eq!(
        column("row"),
        ["reset", "step", "step", "step", "step", "step"]
    );
    assert_eq!(
        column("observation.ann.at.0"),
        ["0.0", "0.0", "1.0", "2.0", "3.0", "4.0"]
    );
    assert_eq!(
        column("observation.ann.news"),
        ["day 0", "day 0", "", "day 2", "", "day 4"]
    );
    // Ben's last frame is 2; what he saw then stands before frame 3.
    assert_eq!(column("observation.ben"), ["5", "5", "5", "5", "9", ""]);
    assert_eq!(column("reward.ben"), ["", "5.0", "", "9.0", "", ""]);
    assert_eq!(column("terminated.ben"), ["", "false", "", "true", "", ""]);
    // Ann's actions are counted from 10; in frame 1 the environment waited.
    assert_eq!(column("action.ann"), ["", "10", "", "12", "13", "10"]);
    assert_eq!(column("action.ben.turn"), ["", "-1", "", "-1", "", ""]);
    assert_eq!(
        column("action.ben.grasp.1"),
        ["", "false", "", "true", "", ""]
    );
    assert_eq!(column("info.ann.soil"), ["loam", "", "", "", "", ""]);
    assert_eq!(column("info.ann.day"), ["", "0", "1", "2", "3", "4"]);
    let nested = r#"{"yields":[1,"corn"]}"#;
    assert_eq!(column("info.ann.harvest"), ["", nested, "", "", nested, ""]);
    assert_eq!(frames.cell(13, "observation.ann.at.0"), "12.0");
    assert_eq!(frames.cell(6, "player.1.input"), "0501");

    let episodes = Csv::read(&directory.path().join("episodes.csv"));
    assert_eq!(episodes.cell(0, "verdict"), "verified");
    assert_eq!(episodes.cell(0, "resimulated_in"), "a test's interpreter");
    let shown = Csv::read(&directory.path().join("presented.csv"));
    assert_eq!(shown.column("action")[..4], ["10", "", "11", ""]);
    let columns = std::fs::read_to_string(directory.path().join("columns.json")).unwrap();
    assert!(
        columns.contains("one of 10 to 15 (11 sow, 12 reap)"),
        "actions have names"
    );
    assert!(columns.contains("one of -1 to 0"));
}

#[test]
fn equal_journals_behind_bytes_give_equal_bytes() {
    let played = play(plan(), GOOD);
    let judgement = judge(&played.log(), &GOOD);
    let records = played.records(CloseReason::Sealed, judgement);
    let [one, other] = [0, 1].map(|_| {
        let journal = Journal::from_entries(entries(records.clone()));
        let directory = TempDir::new().unwrap();
        export_with(directory.path(), &journal, Format::Both, &GOOD);
        crate::tables::files(directory.path())
    });
    assert!(one.len() > 10);
    assert_eq!(one, other);
}

/// Counts how often an environment is opened.
struct Counted(Commons, AtomicU32);

impl Environments for Counted {
    fn open(
        &self,
        spec: &EnvironmentSpec,
        configuration: &str,
        cancel: &Cancel,
    ) -> Result<Box<dyn Runtime>, String> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.open(spec, configuration, cancel)
    }

    fn runtime_name(&self) -> Option<String> {
        self.0.runtime_name()
    }
}

#[test]
fn an_export_plays_an_episode_behind_bytes_once() {
    let raises = Commons {
        raises_at: Some(6),
        ..GOOD
    };
    for game in [GOOD, raises] {
        let played = play(plan(), game);
        let judgement = judge(&played.log(), &game);
        let journal =
            Journal::from_entries(entries(played.records(CloseReason::Sealed, judgement)));
        let counted = Counted(game, AtomicU32::new(0));
        let directory = TempDir::new().unwrap();
        let summary = export_with(directory.path(), &journal, Format::Csv, &counted);
        assert_eq!(summary.frames, played.rows.len() as u64);
        assert_eq!(counted.1.into_inner(), 1);
    }
}

#[test]
fn what_cannot_be_written_down_changes_no_verdict() {
    let unwritable = Commons {
        unwritable_at: Some(4),
        ..GOOD
    };
    let played = play(plan(), GOOD);
    let judgement = judge(&played.log(), &unwritable);
    assert_eq!(judgement.verdict, Verdict::Verified);
    let journal = Journal::from_entries(entries(played.records(CloseReason::Sealed, judgement)));
    let directory = TempDir::new().unwrap();
    let summary = export_with(directory.path(), &journal, Format::Csv, &unwritable);
    assert_eq!(summary.verdicts.len(), 0);
    let [(_, _, problem)] = &summary.problems[..] else {
        panic!("{:?}", summary.problems);
    };
    assert!(problem.contains("a socket is no value"), "{problem}");
}
