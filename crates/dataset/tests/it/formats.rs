//! Both formats, the same bytes each time, every column documented, nothing secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use igym_dataset::{Format, Journal};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use tempfile::TempDir;

use crate::support::export_to;
use crate::tables::{Csv, files, study};

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
    assert_eq!(participants.cell(0, "outcome"), "partner_left");
}

#[test]
fn what_identifies_people_is_in_one_table() {
    let (journal, _) = study();
    let directory = TempDir::new().unwrap();
    export_to(directory.path(), &journal, Format::Csv);
    let identities = Csv::read(&directory.path().join("identities.csv"));
    let participants = Csv::read(&directory.path().join("participants.csv"));
    assert_eq!(
        identities.column("participant"),
        participants.column("participant")
    );
    for (column, value) in [
        ("external_id", "PROLIFIC-1"),
        ("code", "CODE-1"),
        ("user_agent", "Browser, \"quoted\"\nline"),
    ] {
        assert_eq!(identities.cell(0, column), value);
    }
    for (name, bytes) in files(directory.path()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("SEED-OF-ALL-DRAWS"), "{name}");
        for identifying in ["PROLIFIC-1", "CODE-1", "\"\"quoted\"\""] {
            let found = text.contains(identifying);
            assert_eq!(found, name == "identities.csv", "{identifying} in {name}");
        }
    }
    let readme = fs::read_to_string(directory.path().join("README.md")).unwrap();
    assert!(readme.contains("Do not publish `identities`"));
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
