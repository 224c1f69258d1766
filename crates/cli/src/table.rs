//! Text in columns.

use std::collections::BTreeMap;

use igym_protocol::Verdict;

/// Rows under a header, each column as wide as its widest cell.
pub(crate) fn aligned<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&header.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// "2 verified, 1 partial".
pub(crate) fn verdicts(counts: &BTreeMap<Verdict, u32>, impossible: usize) -> String {
    let mut parts: Vec<String> = counts
        .iter()
        .map(|(verdict, count)| format!("{count} {}", name(*verdict)))
        .collect();
    if impossible > 0 {
        parts.push(format!("{impossible} not to be played again"));
    }
    parts.join(", ")
}

/// What to say of episodes that are over and that the server has not judged.
pub(crate) fn awaiting(episodes: u32) -> Option<String> {
    let which = match episodes {
        0 => return None,
        1 => "1 episode is over and has".to_owned(),
        many => format!("{many} episodes are over and have"),
    };
    Some(format!(
        "{which} no verdict of the server yet: it judges while it runs, and at its start what the one \
         before it owed; the verdicts found here are of the journal as it is now"
    ))
}

/// The verdict's word.
pub(crate) fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Partial => "partial",
        Verdict::Desync => "desync",
        Verdict::Disputed => "disputed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["1".to_owned(), "b".to_owned()],
            ["long".to_owned(), String::new()],
        ];
        assert_eq!(aligned(["a", "é"], &rows), "a     é\n1     b\nlong\n");
    }
}
