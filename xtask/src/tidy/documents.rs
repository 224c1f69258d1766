//! Each invariant that ARCHITECTURE.md states names the check that holds it.

use std::fs;

use anyhow::Result;

use super::Problem;
use crate::paths;

const INVARIANT: &str = "**Invariant:**";
const HELD_BY: &str = "Held by ";

pub(super) fn check() -> Result<Vec<Problem>> {
    let file = paths::root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&file)?;
    let mut problems = Vec::new();
    for (line, invariant) in invariants(&text) {
        let references = references(&invariant);
        if references.is_empty() {
            problems.push(Problem::new(
                &file,
                line,
                "an invariant says what holds it: Held by `path/of/file::name_of_test`",
            ));
        }
        for (path, name) in references {
            let found = fs::read_to_string(paths::root().join(&path))
                .is_ok_and(|text| text.contains(&name));
            if !found {
                problems.push(Problem::new(&file, line, format!("{path} has no `{name}`")));
            }
        }
    }
    Ok(problems)
}

/// The paragraphs that state an invariant, and where they begin.
fn invariants(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        if line.contains(INVARIANT) {
            found.push((at + 1, line.to_owned()));
            open = true;
        } else if line.trim().is_empty() {
            open = false;
        } else if let (true, Some((_, paragraph))) = (open, found.last_mut()) {
            paragraph.push(' ');
            paragraph.push_str(line.trim());
        }
    }
    found
}

/// The `path::name`s after "Held by".
fn references(invariant: &str) -> Vec<(String, String)> {
    let Some((_, held_by)) = invariant.split_once(HELD_BY) else {
        return Vec::new();
    };
    held_by
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|reference| reference.split_once("::"))
        .map(|(path, name)| (path.to_owned(), name.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{invariants, references};

    #[test]
    fn an_invariant_runs_to_the_end_of_its_paragraph() {
        let text = "x\n\n**Invariant:** a b.\nHeld by `a/b.rs::c` and `d.ts::e f`.\n\nnot this";
        let found = invariants(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 3);
        assert_eq!(
            references(&found[0].1),
            [
                ("a/b.rs".to_owned(), "c".to_owned()),
                ("d.ts".to_owned(), "e f".to_owned())
            ]
        );
    }
}
