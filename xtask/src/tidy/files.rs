//! Files: short, documented, and tests that wait for conditions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Problem, source};
use crate::paths;

/// A file longer than this says more than one thing.
const HARD_LIMIT: usize = 600;
/// A file longer than this is reported.
const SOFT_LIMIT: usize = 400;

/// What may not stand in any test: the name, and what to do instead.
const TEST_WORDS: [(&str, &str, &str); 5] = [
    (
        "rs",
        "# [ ignore",
        "a test that does not run proves nothing",
    ),
    ("ts", ". skip (", "a test that does not run proves nothing"),
    ("ts", ". fixme (", "a test that does not run proves nothing"),
    ("ts", ". only (", "it hides all other tests"),
    (
        "ts",
        "waitForTimeout",
        "wait for a condition, never for a time",
    ),
];

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in all()? {
        let text = fs::read_to_string(&file)?;
        let lines = text.lines().count();
        if lines > HARD_LIMIT {
            problems.push(Problem::new(
                &file,
                None,
                format!("{lines} lines: split it, {HARD_LIMIT} are the limit"),
            ));
        }
        problems.extend(check_words(&file, &text));
        if is_root(&file) && !text.starts_with("//!") {
            problems.push(Problem::new(
                &file,
                1,
                "a crate opens with what it is for and what it does not do",
            ));
        }
    }
    Ok(problems)
}

/// Files that are worth a look, though not against a rule.
pub(super) fn long() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in all()? {
        let lines = fs::read_to_string(&file)?.lines().count();
        if (SOFT_LIMIT + 1..=HARD_LIMIT).contains(&lines) {
            found.push(format!("{} has {lines} lines", paths::shown(&file)));
        }
    }
    Ok(found)
}

fn all() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "web", "tests"] {
        files.extend(source::files(&paths::root().join(folder), &["rs", "ts"])?);
    }
    Ok(files)
}

/// The first file of a crate.
fn is_root(file: &Path) -> bool {
    file.ends_with("src/lib.rs") || file.ends_with("src/main.rs")
}

fn check_words(file: &Path, text: &str) -> Vec<Problem> {
    let tokens = source::tokens(text);
    let extension = file.extension().unwrap_or_default();
    let mut problems = Vec::new();
    for (kind, words, why) in TEST_WORDS {
        if extension != kind {
            continue;
        }
        let words: Vec<_> = words.split(' ').collect();
        for window in tokens.windows(words.len()) {
            if window.iter().map(|token| &token.text).eq(words.iter()) {
                problems.push(Problem::new(
                    file,
                    window[0].line,
                    format!("`{}`: {why}", words.concat()),
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check_words;

    #[test]
    fn tests_that_do_not_run_are_found() {
        let found = |name: &str, text| check_words(Path::new(name), text).len();
        assert_eq!(found("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
        assert_eq!(found("a.ts", "test.skip('x', f);"), 1);
        assert_eq!(found("a.ts", "await page.waitForTimeout(500);"), 1);
        assert_eq!(found("a.ts", "// test.skip(\ntest('x', f);"), 0);
    }
}
