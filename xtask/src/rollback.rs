//! The rollback engine's own measurements and long tests.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::paths;
use crate::process::{output, step};
use crate::rust::cargo;

#[derive(Args)]
pub(crate) struct Bench {
    /// One table only (cpu, wire, sessions, quality), and nothing is written down
    #[arg(long)]
    only: Option<String>,
}

const BEGIN: &str = "<!-- rollback: begin -->";
const END: &str = "<!-- rollback: end -->";

/// Builds the engine and its peers with all optimisation, measures them side by side, and writes the
/// tables into docs/benchmarks.md.
pub(crate) fn bench(options: &Bench) -> Result<()> {
    let manifest = paths::root().join("bench/rollback/Cargo.toml");
    let printed = step("the engine and its peers, side by side", || {
        let mut command = cargo();
        command
            .args(["run", "--release", "--quiet", "--locked", "--manifest-path"])
            .arg(&manifest)
            .arg("--target-dir")
            .arg(paths::root().join("target/bench"))
            .arg("--")
            .args(&options.only);
        let output = output(&mut command)?;
        anyhow::ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).context("the bench prints text")
    })?;
    println!("{printed}");
    if options.only.is_none() {
        let path = paths::root().join("docs/benchmarks.md");
        let text = fs::read_to_string(&path)?;
        fs::write(&path, between(&text, &printed)?)?;
    }
    Ok(())
}

/// The document with other tables.
fn between(text: &str, tables: &str) -> Result<String> {
    let missing = "docs/benchmarks.md has no place for the rollback tables";
    let (before, rest) = text.split_once(BEGIN).context(missing)?;
    let (_, after) = rest.split_once(END).context(missing)?;
    Ok(format!(
        "{before}{BEGIN}\n{}\n\n{END}{after}",
        tables.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_replace_tables() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb");
        let new = between(&text, "\n| x |\n").expect("there is a place");
        assert_eq!(new, format!("a\n{BEGIN}\n\n| x |\n\n{END}\nb"));
        assert_eq!(between(&new, "\n| x |\n").expect("still"), new);
        assert!(between("a", "").is_err());
    }
}
