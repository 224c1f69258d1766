//! What is said about a study file that cannot be served.

use std::fmt;
use std::ops::Range;

/// Why a study file cannot be served: everything that was found wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Report(self))]
#[non_exhaustive]
pub struct ConfigError {
    pub file: String,
    /// In the order of the file, at least one.
    pub problems: Vec<Problem>,
}

/// One thing wrong with a study file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The line as it stands in the file.
    pub text: String,
    /// How many characters of the line, from `column` on, it is about.
    pub width: usize,
}

/// A problem by its place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) fix: String,
}

impl ConfigError {
    pub(super) fn new(file: &str, source: &str, mut found: Vec<Found>) -> Self {
        found.sort_by_key(|found| (found.span.start, found.span.end));
        found.dedup();
        Self {
            file: file.to_owned(),
            problems: found
                .into_iter()
                .map(|found| locate(source, found))
                .collect(),
        }
    }
}

fn locate(source: &str, found: Found) -> Problem {
    let start = floor(source, found.span.start);
    let end = floor(source, found.span.end).max(start);
    let before = &source[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = source[line_start..].lines().next().unwrap_or("");
    let column = source[line_start..start].chars().count() + 1;
    let on_this_line = source[start..end].lines().next().unwrap_or("");
    Problem {
        line: before.matches('\n').count() + 1,
        column,
        message: found.message,
        fix: found.fix,
        text: line.to_owned(),
        width: on_this_line.chars().count().max(1),
    }
}

/// The largest character boundary of `source` that is not above `at`.
fn floor(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Report<'a>(&'a ConfigError);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            let Problem {
                line,
                column,
                message,
                fix,
                text,
                width,
            } = problem;
            let margin = line.to_string().len();
            writeln!(f, "{}:{line}:{column}: {message}", self.0.file)?;
            writeln!(f, "{line} | {text}")?;
            writeln!(
                f,
                "{:margin$} | {:indent$}{:^<width$}",
                "",
                "",
                "",
                indent = column - 1
            )?;
            write!(f, "fix: {fix}")?;
        }
        Ok(())
    }
}
