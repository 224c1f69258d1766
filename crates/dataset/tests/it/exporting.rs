//! What the tables say.

use std::collections::BTreeMap;

use igym_dataset::{Format, Journal, NativeOnly, judge};
use igym_protocol::{CloseReason, Measurement, Outcome, Record, SessionId, Verdict};
use tempfile::TempDir;

use crate::support::{SESSION, entries, export_to, participant, plan, play};
use crate::tables::{Csv, files, study};

#[test]
fn frames_hold_observation_action_and_outcome_in_their_rows() {
    let (journal, played) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Csv);
    let frames = Csv::read(&directory.path().join(format!("frames/{SESSION}-0.csv")));
    let count = played[0].rows.len();
    assert_eq!(frames.rows.len(), count + 2);

    let kinds = frames.column("row");
    assert_eq!(kinds[0], "reset");
    assert!(kinds[1..=count].iter().all(|kind| *kind == "step"));
    assert_eq!(kinds[count + 1], "final");
    let expected: Vec<String> = (-1..=count as i64).map(|frame| frame.to_string()).collect();
    assert_eq!(frames.column("frame"), expected);

    let observations: Vec<&String> = frames
        .columns
        .iter()
        .filter(|name| name.starts_with("observation."))
        .collect();
    assert!(observations.len() > 2);
    let row = |index: usize| -> Vec<&str> {
        observations
            .iter()
            .map(|name| frames.cell(index, name))
            .collect()
    };
    assert_eq!(row(0), row(1), "frame 0 begins where reset ended");
    assert_ne!(row(1), row(count), "something moved");
    assert!(
        row(count + 1).iter().all(|cell| !cell.is_empty()),
        "the final observation is there"
    );

    for (frame, canonical) in played[0].rows.iter().enumerate() {
        for (player, agent) in ["agent_left", "agent_right"].iter().enumerate() {
            let input = canonical.inputs[player][0];
            assert_eq!(
                frames.cell(frame + 1, &format!("action.{agent}")),
                input.to_string()
            );
            assert_eq!(
                frames.cell(frame + 1, &format!("player.{player}.input")),
                format!("{input:02x}")
            );
        }
        let hash: String = canonical
            .hash
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(frames.cell(frame + 1, "chain_hash"), hash);
        assert_eq!(
            frames.cell(frame + 1, "state_hash").is_empty(),
            canonical.digest.is_none()
        );
    }
    for column in [
        "action.agent_left",
        "reward.agent_left",
        "terminated.agent_left",
        "chain_hash",
    ] {
        assert_eq!(frames.cell(0, column), "", "{column} of the reset row");
        assert_eq!(
            frames.cell(count + 1, column),
            "",
            "{column} of the final row"
        );
    }
    assert_eq!(frames.cell(1, "player.0.source"), "lead");
    assert_eq!(frames.cell(3, "player.0.source"), "human");
    assert_eq!(frames.cell(3, "player.0.delay"), "2");
    assert_eq!(
        frames.cell(3, "player.0.participant"),
        participant(0).to_string()
    );
    let ended: Vec<&str> = ["terminated", "truncated"]
        .iter()
        .map(|end| frames.cell(count, &format!("{end}.agent_left")))
        .collect();
    assert!(ended.contains(&"true"), "{ended:?}");
}

#[test]
fn a_cut_episode_marks_what_rests_on_a_copy() {
    let (journal, _) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Csv);
    let frames = Csv::read(&directory.path().join(format!("frames/{SESSION}-1.csv")));
    assert_eq!(frames.rows.len(), 34 + 2);
    assert_eq!(frames.cell(30, "player.1.attested"), "false");
    assert_eq!(frames.cell(31, "player.1.attested"), "true");
    assert_eq!(frames.cell(31, "player.1.attested_by"), "0");
    assert_eq!(frames.cell(31, "player.1.source"), "");
    assert_eq!(frames.cell(31, "player.0.attested"), "false");
}

#[test]
fn episodes_say_how_it_went() {
    let (journal, played) = study();
    let directory = TempDir::new().unwrap();
    let summary = export_to(directory.path(), &journal, Format::Csv);
    assert_eq!(summary.episodes, 2);
    assert_eq!(summary.frames, played[0].rows.len() as u64 + 34);
    assert_eq!(
        summary.verdicts,
        BTreeMap::from([(Verdict::Verified, 1), (Verdict::Partial, 1)])
    );
    assert!(summary.problems.is_empty());

    let episodes = Csv::read(&directory.path().join("episodes.csv"));
    assert_eq!(episodes.column("study"), ["pilot", "pilot"]);
    assert_eq!(episodes.column("verdict"), ["verified", "partial"]);
    assert_eq!(episodes.column("recorded_verdict"), ["verified", "partial"]);
    assert_eq!(episodes.column("close_reason"), ["sealed", "cut"]);
    assert_eq!(episodes.column("player.1.attested_inputs"), ["0", "4"]);
    assert_eq!(episodes.column("player.1.sealed_frame")[1], "");
    assert_eq!(episodes.cell(0, "player.0.rollbacks"), "4");
    assert_eq!(episodes.cell(0, "player.0.loss"), "0.1");
    assert_eq!(episodes.cell(0, "player.0.rtt_median_us"), "41000");
    assert_eq!(episodes.cell(0, "player.0.key_to_frame_p95_us"), "");
    let share: f64 = episodes
        .cell(0, "player.0.data_channel_share")
        .parse()
        .unwrap();
    let count = played[0].rows.len() as f64;
    assert_eq!(
        share,
        (count - 1.0) / count,
        "one input came over the relay"
    );
}

#[test]
fn guesses_are_kept_apart_from_facts() {
    let (journal, played) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Csv);
    let presented = Csv::read(&directory.path().join("presented.csv"));
    let first: Vec<usize> = (0..presented.rows.len())
        .filter(|row| presented.cell(*row, "episode") == "0")
        .collect();
    assert_eq!(first.len(), played[0].rows.len() * 2 * 2);
    for row in first {
        let frame: u32 = presented.cell(row, "frame").parse().unwrap();
        let own = presented.cell(row, "player") == presented.cell(row, "agent_player");
        let guess = frame.is_multiple_of(3) && !own;
        assert_eq!(presented.cell(row, "predicted"), guess.to_string());
        assert_ne!(presented.cell(row, "action"), "");
    }
    for (file, bytes) in files(directory.path()) {
        let header = String::from_utf8_lossy(&bytes);
        let header = header.lines().next().unwrap_or("");
        assert!(
            !header.contains("predicted") || file == "presented.csv",
            "{file} has guesses"
        );
    }
}

#[test]
fn differences_are_exported_with_what_each_account_says() {
    let mut played = play(plan(2, 7));
    let row = played.pages[1].rows.get_mut(&19).unwrap();
    row.digest.as_mut().unwrap()[0] ^= 0x80;
    let records = played.records(CloseReason::Sealed, judge(&played.log(), &NativeOnly));
    let directory = TempDir::new().unwrap();
    export_to(
        directory.path(),
        &Journal::from_entries(entries(records)),
        Format::Csv,
    );
    let differences = Csv::read(&directory.path().join("differences.csv"));
    assert_eq!(differences.column("field"), ["digest", "digest"]);
    assert_eq!(differences.column("first"), ["player 1", "player 0"]);
    assert_eq!(differences.column("second"), ["re-simulation", "player 1"]);
    assert_ne!(
        differences.cell(0, "first_value"),
        differences.cell(0, "second_value")
    );
    let episodes = Csv::read(&directory.path().join("episodes.csv"));
    assert_eq!(episodes.cell(0, "verdict"), "desync");
    assert_eq!(episodes.cell(0, "first_difference_frame"), "19");
    assert_eq!(
        episodes.cell(0, "first_difference_between"),
        "player 1 / re-simulation"
    );
    let frames = Csv::read(&directory.path().join(format!("frames/{SESSION}-0.csv")));
    assert_eq!(
        frames.rows.len(),
        played.rows.len() + 2,
        "facts are there all the same"
    );
}

#[test]
fn an_episode_of_another_version_is_listed_without_frames() {
    let mut played = play(plan(2, 7));
    played.plan.environment.version = "0.0.0-other".into();
    let records = played.records(CloseReason::Sealed, judge(&played.log(), &NativeOnly));
    let directory = TempDir::new().unwrap();
    let journal = Journal::from_entries(entries(records));
    let summary = export_to(directory.path(), &journal, Format::Csv);
    assert_eq!(summary.problems.len(), 1);
    let episodes = Csv::read(&directory.path().join("episodes.csv"));
    assert_eq!(episodes.cell(0, "verdict"), "");
    assert!(episodes.cell(0, "problem").contains("0.0.0-other"));
    assert!(!directory.path().join("frames").exists());
}

#[test]
fn what_environments_did_on_machines_is_in_scenes_and_sessions() {
    let played = play(plan(2, 3));
    let measured = |rollback_us| Record::Measured {
        participant: participant(0),
        scene: 1,
        incarnation: 1,
        measurement: Measurement {
            step_us: 310,
            save_us: 40,
            load_us: 90,
            rollback_us,
        },
    };
    let failed = |player| Record::EnvironmentFailed {
        session: SESSION,
        episode: 0,
        player,
        frame: 7,
        message: "env.py:12: \"quoted\", and more".to_owned(),
    };
    let mut records = Vec::new();
    for who in [0, 1] {
        records.push(Record::ParticipantArrived {
            participant: participant(who),
            token_hash: String::new(),
            external_id: None,
        });
        records.push(Record::SceneEntered {
            participant: participant(who),
            scene: 1,
            scene_id: "gym".to_owned(),
        });
    }
    records.extend([
        measured(9_000),
        measured(8_000),
        Record::EnvironmentUnable {
            participant: participant(1),
            scene: 1,
            message: "no memory".to_owned(),
        },
        Record::ParticipantEnded {
            participant: participant(0),
            outcome: Outcome::TooSlow,
            code: None,
        },
        Record::ParticipantEnded {
            participant: participant(1),
            outcome: Outcome::EnvironmentFailed,
            code: None,
        },
    ]);
    let opened = |session, treatment| Record::SessionOpened {
        session,
        scene: 1,
        members: vec![participant(0), participant(1)],
        treatment,
    };
    records.push(opened(SESSION, Some("shared".to_owned())));
    records.extend(played.records(CloseReason::Cut, judge(&played.log(), &NativeOnly)));
    records.extend([failed(1), failed(0)]);
    records.push(opened(SessionId(uuid::Uuid::from_u128(404)), None));
    let directory = TempDir::new().unwrap();
    let journal = Journal::from_entries(entries(records));
    export_to(directory.path(), &journal, Format::Csv);
    let table = |name: &str| Csv::read(&directory.path().join(format!("{name}.csv")));
    let scenes = table("scenes");
    assert_eq!(scenes.column("measured_step_us"), ["310", ""]);
    assert_eq!(scenes.column("measured_save_us"), ["40", ""]);
    assert_eq!(scenes.column("measured_load_us"), ["90", ""]);
    assert_eq!(
        scenes.column("measured_rollback_us"),
        ["8000", ""],
        "the last"
    );
    assert_eq!(scenes.column("unable"), ["", "no memory"]);
    let ended = table("participants");
    assert_eq!(ended.column("outcome"), ["too_slow", "environment_failed"]);
    let sessions = table("sessions");
    assert_eq!(sessions.column("treatment"), ["shared", ""]);
    assert_eq!(sessions.column("failed_player"), ["1", ""], "the first");
    assert_eq!(sessions.column("failed_episode"), ["0", ""]);
    assert_eq!(sessions.column("failed_frame"), ["7", ""]);
    assert_eq!(
        sessions.column("failure"),
        ["env.py:12: \"quoted\", and more", ""]
    );
}
