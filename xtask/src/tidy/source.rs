//! Enough of Rust's and TypeScript's syntax to look for words in code and not in comments.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 6] = [
    "node_modules",
    "target",
    "dist",
    "generated",
    "results",
    ".git",
];

/// All files below `directory` whose name ends in one of `extensions`, sorted.
pub(super) fn files(directory: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if directory.exists() {
        collect(directory, extensions, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_ref()) && !name.starts_with("target") {
                collect(&path, extensions, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|wanted| *wanted == extension))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// A word or a single mark of punctuation, and the line it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// The tokens of Rust or TypeScript, without comments and without what is in quotes.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '`' {
            quoted(rest, first)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = character(rest) {
            length
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(Token {
                text: rest[..length].to_owned(),
                line,
            });
            length
        } else {
            if !first.is_whitespace() {
                tokens.push(Token {
                    text: first.to_string(),
                    line,
                });
            }
            first.len_utf8()
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// `r"…"` and `r#"…"#`.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(1 + hashes + 1 + length)
}

/// `'x'` and `'\n'`, but not a lifetime.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    if let Some(escape) = body.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        return escape[skipped..]
            .find('\'')
            .map(|end| 2 + skipped + end + 1);
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..]
        .starts_with('\'')
        .then(|| 1 + first.len_utf8() + 1)
}

/// Every path that a file names in code, as `a::b::c`, with `use a::{b, c}` written out.
pub(super) fn paths(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].text == "use" {
            at = use_tree(tokens, at + 1, "", &mut paths);
        } else if is_identifier(&tokens[at]) {
            let (path, line, next) = plain_path(tokens, at);
            paths.push((path, line));
            at = next;
        } else {
            at += 1;
        }
    }
    paths
}

fn is_identifier(token: &Token) -> bool {
    token
        .text
        .starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_colons(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at..at + 2), Some([a, b]) if a.text == ":" && b.text == ":")
}

fn plain_path(tokens: &[Token], mut at: usize) -> (String, usize, usize) {
    let line = tokens[at].line;
    let mut path = tokens[at].text.clone();
    at += 1;
    while is_colons(tokens, at) && tokens.get(at + 2).is_some_and(is_identifier) {
        path.push_str("::");
        path.push_str(&tokens[at + 2].text);
        at += 3;
    }
    (path, line, at)
}

/// Reads one tree of a `use` from `at`; returns where it ends.
fn use_tree(
    tokens: &[Token],
    mut at: usize,
    prefix: &str,
    found: &mut Vec<(String, usize)>,
) -> usize {
    let mut path = prefix.to_owned();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ":" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(tokens, at, &path, found);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => break,
            word => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                path.push_str(word);
                at += 1;
            }
        }
    }
    if !path.is_empty() {
        found.push((path, line));
    }
    if tokens.get(at).is_some_and(|token| token.text == ";") {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{paths, tokens};

    fn found(text: &str) -> Vec<String> {
        paths(&tokens(text))
            .into_iter()
            .map(|(path, _)| path)
            .collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        assert_eq!(
            found("use std::{fmt, time::{Duration, Instant as Now}, net};\nlet x = 1;"),
            [
                "std::fmt",
                "std::time::Duration",
                "std::time::Instant",
                "std::net",
                "let",
                "x"
            ]
        );
        assert_eq!(
            found("fn f() { std::thread::spawn(g) }"),
            ["fn", "f", "std::thread::spawn", "g"]
        );
    }

    #[test]
    fn comments_and_quotes_hold_no_code() {
        assert_eq!(
            found("// Instant\n/* Instant */ \"Instant\" r#\"In\"stant\"# 'I' '\\n' &'a b"),
            ["a", "b"]
        );
    }

    #[test]
    fn lines_are_counted_through_quotes_and_comments() {
        let found = tokens("\"a\nb\" /*\n*/ // x\nword");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 4);
    }
}
