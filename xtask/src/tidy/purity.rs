//! Pure rooms have no clock, no sockets, no threads, no randomness and no runtime.

use std::fs;

use anyhow::Result;

use super::edges::Manifest;
use super::{PURE, Problem, edges, source};
use crate::paths;

/// Crates that bring I/O, a clock or the system's randomness.
const CRATES: [&str; 14] = [
    "async-std",
    "axum",
    "chrono",
    "fastrand",
    "getrandom",
    "indicatif",
    "jiff",
    "mio",
    "rand",
    "rusqlite",
    "smol",
    "tokio",
    "tracing-subscriber",
    "web-time",
];

/// Features that bring them.
const FEATURES: [(&str, &str); 3] = [("uuid", "v1"), ("uuid", "v4"), ("uuid", "v7")];

/// Paths whose first words are forbidden in code.
const PATHS: [(&str, &str); 9] = [
    ("std::time::Instant", "a clock"),
    ("std::time::SystemTime", "a clock"),
    ("std::time::UNIX_EPOCH", "a clock"),
    ("std::net", "sockets"),
    ("std::thread", "threads"),
    ("std::process", "processes"),
    ("std::env", "the environment"),
    ("std::fs", "files"),
    (
        "std::hash::RandomState",
        "randomness of the operating system",
    ),
];

/// Words that are forbidden wherever they stand in a path.
const WORDS: [(&str, &str); 7] = [
    ("tokio", "a runtime"),
    ("Instant", "a clock"),
    ("SystemTime", "a clock"),
    ("getrandom", "randomness of the operating system"),
    ("thread_rng", "randomness of the operating system"),
    ("OsRng", "randomness of the operating system"),
    ("RandomState", "randomness of the operating system"),
];

pub(super) fn check() -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for manifest in edges::manifests()? {
        if PURE.contains(&manifest.room.as_str()) {
            problems.extend(check_manifest(&manifest));
            let sources = paths::root()
                .join("crates")
                .join(&manifest.room)
                .join("src");
            for file in source::files(&sources, &["rs"])? {
                let text = fs::read_to_string(&file)?;
                problems.extend(
                    check_code(&text)
                        .into_iter()
                        .map(|(line, what)| Problem::new(&file, line, what)),
                );
            }
        }
    }
    Ok(problems)
}

fn check_manifest(manifest: &Manifest) -> Vec<Problem> {
    let mut problems = Vec::new();
    for dependency in &manifest.dependencies {
        if dependency.development {
            continue;
        }
        if CRATES.contains(&dependency.name.as_str()) {
            problems.push(format!("a pure room may not depend on {}", dependency.name));
        }
        for (name, feature) in FEATURES {
            if dependency.name == name && dependency.features.iter().any(|own| own == feature) {
                problems.push(format!(
                    "a pure room may not use the feature {feature} of {name}"
                ));
            }
        }
    }
    problems
        .into_iter()
        .map(|what| Problem::new(&manifest.file, None, what))
        .collect()
}

fn check_code(text: &str) -> Vec<(usize, String)> {
    let mut problems = Vec::new();
    for (path, line) in source::paths(&source::tokens(text)) {
        let whole = PATHS.iter().find(|(forbidden, _)| {
            path == *forbidden || path.starts_with(&format!("{forbidden}::"))
        });
        let word = || {
            WORDS
                .iter()
                .find(|(forbidden, _)| path.split("::").any(|word| word == *forbidden))
        };
        if let Some((_, what)) = whole.or_else(word) {
            problems.push((line, format!("a pure room may not use {what}: `{path}`")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::check_code;

    #[test]
    fn clocks_sockets_and_threads_are_found() {
        assert_eq!(check_code("use std::time::{Duration, Instant};").len(), 1);
        assert_eq!(check_code("use std::time::Duration;").len(), 0);
        assert_eq!(check_code("let t = SystemTime::now();").len(), 1);
        assert_eq!(check_code("std::thread::spawn(f);").len(), 1);
        assert_eq!(check_code("use std::{fmt, net::TcpStream};").len(), 1);
        assert_eq!(check_code("fn instant() {} // Instant").len(), 0);
    }
}
