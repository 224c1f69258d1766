//! Tables on disk: what they say, that both formats say it, and that every column is documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use igym_dataset::{Format, Journal, judge};
use igym_protocol::{CloseReason, Outcome, Record, Verdict};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use tempfile::TempDir;

use crate::support::{Played, SESSION, entries, export_to, participant, plan, play};

/// A study with two episodes: one verified, one in which player 1 left at frame 33.
fn study() -> (Journal, Vec<Played>) {
    let first = play(plan(2, 7));
    let mut second = play(igym_protocol::EpisodePlan {
        episode: 1,
        ..plan(2, 8)
    });
    for page in &mut second.pages {
        page.seal = None;
    }
    second.pages[1].journal.authored.truncate(30);
    second.pages[0].journal.received.truncate(34);
    let mut records = vec![
        Record::StudyOpened {
            study: "pilot".into(),
            title: "A pilot".into(),
            digest: "d1d2".into(),
            source: "id = \"pilot\"\n".into(),
            version: "0.1.0".into(),
            build: "b1".into(),
            seed: "00".into(),
        },
        Record::ParticipantArrived {
            participant: participant(0),
            token_hash: "TOKEN-HASH".into(),
            external_id: None,
        },
        Record::PageLoaded {
            participant: participant(0),
            incarnation: 1,
            resume_key_hash: "KEY-HASH".into(),
            user_agent: "Browser, \"quoted\"\nline".into(),
        },
        Record::ParticipantEnded {
            participant: participant(0),
            outcome: Outcome::PartnerLeft,
            code: None,
        },
    ];
    records.extend(first.records(CloseReason::Sealed, judge(&first.log())));
    records.extend(second.records(CloseReason::Cut, judge(&second.log())));
    (Journal::from_entries(entries(records)), vec![first, second])
}

struct Csv {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Csv {
    fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap();
        Self {
            columns: reader
                .headers()
                .unwrap()
                .iter()
                .map(str::to_owned)
                .collect(),
            rows: reader
                .records()
                .map(|row| row.unwrap().iter().map(str::to_owned).collect())
                .collect(),
        }
    }

    fn cell(&self, row: usize, column: &str) -> &str {
        let index = self.columns.iter().position(|name| name == column);
        &self.rows[row][index.unwrap_or_else(|| panic!("no column {column}"))]
    }

    fn column(&self, column: &str) -> Vec<&str> {
        (0..self.rows.len())
            .map(|row| self.cell(row, column))
            .collect()
    }
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let name = path.strip_prefix(directory).unwrap();
                    found.insert(name.to_str().unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

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
fn both_formats_say_the_same() {
    let (journal, _) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Both);
    let mut compared = 0;
    for file in files(directory.path()).keys() {
        let Some(table) = file.strip_suffix(".csv") else {
            continue;
        };
        let csv = Csv::read(&directory.path().join(file));
        let path = directory.path().join(format!("{table}.parquet"));
        let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
        let columns: Vec<String> = reader
            .metadata()
            .file_metadata()
            .schema()
            .get_fields()
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        assert_eq!(columns, csv.columns, "{table}");
        let rows: Vec<_> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), csv.rows.len(), "{table}");
        for (row, text) in rows.iter().zip(&csv.rows) {
            for ((name, field), text) in row.get_column_iter().zip(text) {
                assert!(
                    equal(field, text),
                    "{table}.{name}: {field:?} is not {text:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared} cells were compared");
}

fn equal(field: &Field, text: &str) -> bool {
    match field {
        Field::Null => text.is_empty(),
        Field::Bool(value) => text.parse() == Ok(*value),
        Field::Long(value) => text.parse() == Ok(*value),
        Field::Float(value) => text.parse::<f32>().unwrap().to_bits() == value.to_bits(),
        Field::Double(value) => text.parse::<f64>().unwrap().to_bits() == value.to_bits(),
        Field::Str(value) => text == value,
        other => panic!("a cell of an unexpected type: {other:?}"),
    }
}

#[test]
fn two_exports_are_the_same_bytes() {
    let (journal, _) = study();
    let directories = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    for directory in &directories {
        export_to(directory.path(), &journal, Format::Both);
    }
    let [one, other] = directories.map(|directory| files(directory.path()));
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        other.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &one {
        assert!(other[name] == *bytes, "{name} differs");
    }
    assert!(one.contains_key("study-d1d2.toml"));
}

#[test]
fn every_column_is_documented() {
    let (journal, _) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Csv);
    let text = fs::read_to_string(directory.path().join("columns.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let readme = fs::read_to_string(directory.path().join("README.md")).unwrap();
    let mut documented: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for table in document["tables"].as_array().unwrap() {
        let name = table["name"].as_str().unwrap();
        assert!(readme.contains(&format!("\n## {name}\n")), "{name}");
        let columns = documented.entry(name.to_owned()).or_default();
        for column in table["columns"].as_array().unwrap() {
            for part in ["name", "type", "unit", "about"] {
                assert_ne!(column[part].as_str().unwrap(), "", "{part} in {name}");
            }
            let column = column["name"].as_str().unwrap();
            assert!(readme.contains(&format!("| `{column}` |")), "{column}");
            assert!(columns.insert(column.to_owned()), "{name}.{column} twice");
        }
    }
    let mut seen = BTreeSet::new();
    for file in files(directory.path())
        .keys()
        .filter(|file| file.ends_with(".csv"))
    {
        let table = match file.split_once('/') {
            Some((folder, _)) => folder,
            None => file.trim_end_matches(".csv"),
        };
        for column in Csv::read(&directory.path().join(file)).columns {
            assert!(documented[table].contains(&column), "{table}.{column}");
            seen.insert((table.to_owned(), column));
        }
    }
    let all: usize = documented.values().map(BTreeSet::len).sum();
    assert_eq!(seen.len(), all, "nothing is documented that is not there");
}

#[test]
fn no_secret_is_exported() {
    let (journal, _) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Csv);
    for (name, bytes) in files(directory.path()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("TOKEN-HASH") && !text.contains("KEY-HASH"),
            "{name}"
        );
    }
    let participants = Csv::read(&directory.path().join("participants.csv"));
    assert_eq!(
        participants.cell(0, "user_agent"),
        "Browser, \"quoted\"\nline"
    );
    assert_eq!(participants.cell(0, "outcome"), "partner_left");
}

#[test]
fn differences_are_exported_with_what_each_account_says() {
    let mut played = play(plan(2, 7));
    let row = played.pages[1].rows.get_mut(&19).unwrap();
    row.digest.as_mut().unwrap()[0] ^= 0x80;
    let records = played.records(CloseReason::Sealed, judge(&played.log()));
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
    let records = played.records(CloseReason::Sealed, judge(&played.log()));
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
fn an_empty_study_has_empty_tables() {
    let directory = TempDir::new().unwrap();
    let summary = export_to(directory.path(), &Journal::default(), Format::Both);
    assert_eq!(summary.episodes, 0);
    let files = files(directory.path());
    assert!(files.contains_key("episodes.parquet"));
    assert_eq!(
        Csv::read(&directory.path().join("episodes.csv")).rows.len(),
        0
    );
}
