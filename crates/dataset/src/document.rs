//! The documentation that every export carries: `columns.json` and `README.md`.

use std::fmt::Write as _;
use std::io::Write as _;

use serde::Serialize;

use crate::column::Column;
use crate::table::{Sink, Written, create};
use crate::{ExportError, Format, StudyOpening};

/// What each table is.
const TABLES: [(&str, &str); 15] = [
    (
        "runs",
        "One row for each time a server began to serve the study.",
    ),
    ("participants", "One row for each participant."),
    (
        "identities",
        "Not for publication. One row for each participant: what leads back to the person and their payment.",
    ),
    (
        "scenes",
        "One row for each scene that a participant entered.",
    ),
    (
        "sessions",
        "One row for each group that was matched to play together.",
    ),
    (
        "connections",
        "One row for each report of a page about its link to a partner.",
    ),
    (
        "episodes",
        "One row for each episode: what was planned, how it ended, whether its data agree, and how it went on each player's machine.",
    ),
    (
        "frames",
        "Facts. One file for each episode, one row for each canonical frame: computed from the inputs in the journal, never from a guess. Row t holds the observation before frame t, the action, then reward, ends and info. A reset row comes first and a row with the final observation last.",
    ),
    (
        "differences",
        "One row for each place where two accounts of an episode differ. Empty if all data agree.",
    ),
    (
        "rejoins",
        "One row for each page that was loaded while an episode was played and went on with it.",
    ),
    (
        "links",
        "One row for each page's report about its link to a partner over an episode.",
    ),
    (
        "presented",
        "Not facts, but what was on screen. One row for each frame and agent as a participant's page first showed it; where `predicted` is true the page had guessed the input.",
    ),
    (
        "keys",
        "One row for each key that went down or up while a page played.",
    ),
    (
        "network",
        "One row for each sample of a link, taken about once a second.",
    ),
    (
        "events",
        "One row for each rollback, stall, change of visibility, change of the way to a partner, or error on a page.",
    ),
];

#[derive(Serialize)]
pub(crate) struct Document {
    program: String,
    study: Option<String>,
    study_title: Option<String>,
    #[serde(skip)]
    format: Format,
    tables: Vec<TableDocument>,
}

#[derive(Serialize)]
struct TableDocument {
    name: &'static str,
    about: &'static str,
    files: Vec<String>,
    rows: u64,
    columns: Vec<ColumnDocument>,
}

#[derive(Serialize)]
struct ColumnDocument {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    unit: &'static str,
    about: String,
}

impl Document {
    pub(crate) fn new(opening: Option<&StudyOpening>, format: Format) -> Self {
        Self {
            program: format!("igym {}", env!("CARGO_PKG_VERSION")),
            study: opening.map(|opening| opening.study.clone()),
            study_title: opening.map(|opening| opening.title.clone()),
            format,
            tables: Vec::new(),
        }
    }

    /// Takes up a finished table; its name is one of [`TABLES`].
    pub(crate) fn add(&mut self, table: &str, written: Written) {
        let Some(&(name, about)) = TABLES.iter().find(|(name, _)| *name == table) else {
            unreachable!("the table {table} has no description")
        };
        let path = match name {
            "frames" => "frames/<session>-<episode>",
            name => name,
        };
        let endings: &[&str] = match self.format {
            Format::Csv => &["csv"],
            Format::Parquet => &["parquet"],
            Format::Both => &["csv", "parquet"],
        };
        self.tables.push(TableDocument {
            name,
            about,
            files: endings.iter().map(|end| format!("{path}.{end}")).collect(),
            rows: written.rows,
            columns: written
                .columns
                .into_iter()
                .map(ColumnDocument::from)
                .collect(),
        });
    }

    pub(crate) fn write(&self, sink: &mut dyn Sink) -> Result<(), ExportError> {
        let mut json =
            serde_json::to_string_pretty(self).expect("a document holds nothing that JSON cannot");
        json.push('\n');
        for (file, text) in [("columns.json", json), ("README.md", self.readme())] {
            let mut writer = create(sink, file)?;
            writer
                .write_all(text.as_bytes())
                .and_then(|()| writer.flush())
                .map_err(|error| ExportError::new(file, error))?;
        }
        Ok(())
    }

    fn readme(&self) -> String {
        let mut text = String::new();
        let title = self.study_title.as_deref().unwrap_or("a study");
        text.push_str(&format!("# Data of {title}\n\n"));
        text.push_str(INTRODUCTION);
        for table in &self.tables {
            let files = table.files.join("`, `");
            let _ = write!(
                text,
                "\n## {}\n\n{}\n\nFiles: `{files}`. Rows: {}.\n\n",
                table.name, table.about, table.rows
            );
            text.push_str("| column | type | unit | meaning |\n|---|---|---|---|\n");
            for column in &table.columns {
                let _ = writeln!(
                    text,
                    "| `{}` | {} | {} | {} |",
                    escaped(&column.name),
                    column.kind,
                    column.unit,
                    escaped(&column.about)
                );
            }
        }
        text
    }
}

const INTRODUCTION: &str = "\
Written by `igym export` from the study's journal. The same journal always gives the same files.

- **Do not publish `identities`.** It alone holds recruiters' ids, completion codes and what
  browsers say they are; delete its files before you share this folder, and nothing else is lost.
  Read `study-….toml` first, too: it is the study file as it was written, with a code that is the
  same for everyone or the password of an ICE server, if you wrote one. Never publish the journal.
- **Facts are in `frames`.** Each frame was computed again from the inputs in the journal. What
  participants *saw*, guesses included, is in `presented` and nowhere else.
- **Verdicts.** `verified`: every page's own account and the re-simulation are equal to the last
  frame. `partial`: what there is agrees, but a seal or rows are missing. `desync`: a page computed
  something else from the same inputs. `disputed`: two uploads contradict each other about an
  input. Where accounts differ, `episodes` says where first, and `differences` what each says.
- **Empty cells** are unknown or do not apply: what an agent that has ended did or got is empty,
  never 0. In CSV they are empty text, in Parquet null.
- **Keys of tables.** `session` and `episode` name an episode; `frame` counts its frames from 0;
  `participant` names a person; `player` is their place in the session, from 0.
- **Times.** `…_at_ms` is the server's clock. `at_us` is a page's own clock; those of two pages do
  not agree.
- Texts in `user_agent`, `key`, `message` and `detail` come from participants' browsers as they
  are. Import them as text; a spreadsheet may take one that begins with `=` for a formula.
";

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

impl From<Column> for ColumnDocument {
    fn from(column: Column) -> Self {
        Self {
            name: column.name,
            kind: column.kind.name(),
            unit: column.unit,
            about: column.about,
        }
    }
}
