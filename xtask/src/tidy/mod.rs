//! The house rules, checked: `cargo xtask tidy`, and a test of this crate.

mod dependencies;
mod documents;
mod edges;
mod files;
mod purity;
mod source;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::paths;
use crate::process::{note, step};

/// The rooms in the order of the house: each may depend only on rooms before it.
const HOUSE: [&str; 14] = [
    "rollback",
    "gym",
    "envs",
    "protocol",
    "study",
    "play",
    "dataset",
    "storage",
    "storage-sqlite",
    "pyworker",
    "server",
    "browser",
    "bot",
    "cli",
];

/// Rooms that get bytes, time and randomness as arguments and do no I/O of their own.
const PURE: [&str; 7] = [
    "rollback", "gym", "envs", "protocol", "study", "play", "dataset",
];

/// A broken rule and where.
struct Problem {
    file: PathBuf,
    line: Option<usize>,
    what: String,
}

impl Problem {
    fn new(file: &Path, line: impl Into<Option<usize>>, what: impl Into<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            line: line.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", paths::shown(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

pub(crate) fn run() -> Result<()> {
    step("tidy", || {
        for file in files::long()? {
            note(&format!("long: {file}"));
        }
        let problems = check()?;
        for problem in &problems {
            eprintln!("  {problem}");
        }
        if !problems.is_empty() {
            bail!("{} house rules are broken", problems.len());
        }
        Ok(())
    })
}

fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    problems.extend(edges::check()?);
    problems.extend(purity::check()?);
    problems.extend(files::check()?);
    problems.extend(dependencies::check()?);
    problems.extend(documents::check()?);
    Ok(problems)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_keeps_the_house_rules() {
        let problems = super::check().expect("the repository can be read");
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}
