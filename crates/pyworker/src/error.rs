//! Why a study in Python cannot be prepared.

use std::io;
use std::path::{Path, PathBuf};

use igym_gym::ForeignError;

use crate::{HeadlessError, Refusal};

/// Why a study in Python cannot be prepared, or what is prepared not be used. The text says what to
/// do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    #[error("cannot read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{} is not what it was when it was written\n  hint: delete it and run `igym prepare` again",
        path.display()
    )]
    Damaged { path: PathBuf },
    #[error(
        "{} has format {format}, which this program does not read\n  hint: run `igym prepare` again",
        path.display()
    )]
    Format { path: PathBuf, format: u32 },
    /// The program was built without something, or something is missing on this machine.
    #[error("{what}\n  hint: {hint}")]
    Missing { what: String, hint: String },
    /// Another program failed; what it said last.
    #[error("{program} failed:\n{said}\n  hint: {hint}")]
    Program {
        program: &'static str,
        said: String,
        hint: &'static str,
    },
    /// A file that the study names, or brings.
    #[error("{what}")]
    Study { what: String },
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A wheel of Pyodide's that is not the one it must be.
    #[error("{} is not the wheel {name} of Pyodide {pyodide}: its sha256 is {found}", path.display())]
    Wheel {
        name: &'static str,
        pyodide: &'static str,
        path: PathBuf,
        found: String,
    },
    #[error("{name}: {}{}", placed(error), traceback(error))]
    Environment { name: String, error: ForeignError },
    #[error("{name}: {what}")]
    Unusable { name: String, what: String },
    /// It plays differently from run to run.
    #[error(
        "{report}\n  hint: two people would not play the same game; mend it, or allow it in \
         study.toml, under [python]: allow_nondeterminism = [\"{scene}\"]"
    )]
    Nondeterministic { scene: String, report: String },
    #[error(transparent)]
    Headless(#[from] HeadlessError),
    /// Whoever asked for preparing has seen what the environments say of themselves, and does not go on.
    #[error("the study does not fit its environments")]
    Declined,
    /// A failure, and what is to be known of the packages with which it happened.
    #[error("{error}{}", listed(notes))]
    Noted {
        error: Box<PrepareError>,
        notes: Vec<String>,
    },
}

impl PrepareError {
    /// With these notes, if there are any.
    pub(crate) fn noted(self, notes: &[String]) -> Self {
        match notes {
            [] => self,
            notes => Self::Noted {
                error: Box::new(self),
                notes: notes.to_vec(),
            },
        }
    }

    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

fn listed(notes: &[String]) -> String {
    notes
        .iter()
        .map(|note| format!("\n  note: {note}"))
        .collect()
}

/// What was raised says itself where, if it was raised by a line of somebody's.
fn placed(error: &ForeignError) -> String {
    let told = error
        .line
        .is_some_and(|line| error.message.contains(&format!(", line {line})")));
    match told {
        true => error.message.clone(),
        false => error.to_string(),
    }
}

/// The researcher sees what a programmer needs.
fn traceback(error: &ForeignError) -> String {
    match error.details.trim() {
        "" => String::new(),
        details => format!("\n{details}"),
    }
}
