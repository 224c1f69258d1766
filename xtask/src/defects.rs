//! Deliberate defects of the rollback engine, each of which a named test must catch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::paths;
use crate::process::{note, output};
use crate::rust::PROFILE;

#[derive(Args)]
pub(crate) struct Options {
    /// Only defects whose name holds this
    #[arg(long, default_value = "")]
    only: String,
}

const CRATE: &str = "crates/rollback";
const LIST: &str = "crates/rollback/tests/defects.toml";

/// One change of the source that must not go unnoticed.
#[derive(Debug)]
struct Defect {
    name: String,
    file: String,
    find: String,
    replace: String,
    caught_by: String,
}

/// Puts each defect into a copy of the crate and expects its test to fail.
pub(crate) fn run(options: &Options) -> Result<()> {
    let copy = paths::root().join("target/defects");
    let mut missed = Vec::new();
    let defects = list()?;
    for defect in defects.iter().filter(|d| d.name.contains(&options.only)) {
        fresh_copy(&copy)?;
        let path = copy.join(CRATE).join("src").join(&defect.file);
        fs::write(&path, defect.apply()?)?;
        let caught = caught(&copy, defect)?;
        let mark = if caught { "✓" } else { "✗" };
        note(&format!("{mark} {}: {}", defect.name, defect.caught_by));
        if !caught {
            missed.push(defect.name.as_str());
        }
    }
    ensure!(missed.is_empty(), "not caught: {}", missed.join(", "));
    Ok(())
}

fn list() -> Result<Vec<Defect>> {
    let text = fs::read_to_string(paths::root().join(LIST))?;
    let document: toml::Table = text.parse().context(LIST)?;
    let entries = document.get("defect").and_then(|list| list.as_array());
    let field = |entry: &toml::Value, name: &str| {
        let text = entry.get(name).and_then(|value| value.as_str());
        text.map(str::to_owned)
            .with_context(|| format!("{LIST}: a defect without `{name}`"))
    };
    let entries = entries.with_context(|| format!("{LIST}: no [[defect]]"))?;
    entries
        .iter()
        .map(|entry| {
            Ok(Defect {
                name: field(entry, "name")?,
                file: field(entry, "file")?,
                find: field(entry, "find")?,
                replace: field(entry, "replace")?,
                caught_by: field(entry, "caught_by")?,
            })
        })
        .collect()
}

impl Defect {
    /// The file with the defect in it.
    fn apply(&self) -> Result<String> {
        let path = paths::root().join(CRATE).join("src").join(&self.file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let found = text.matches(&self.find).count();
        ensure!(
            found == 1,
            "{LIST}: {}: `{}` is {found} times in {}, not once",
            self.name,
            self.find,
            self.file
        );
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

/// A workspace of this one crate.
fn fresh_copy(copy: &Path) -> Result<()> {
    let root = paths::root();
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut lines = manifest.lines();
    let members = lines.find(|line| line.starts_with("members = ["));
    let members = members.context("Cargo.toml: no line with the members")?;
    fs::create_dir_all(copy)?;
    let alone = manifest.replace(members, &format!("members = [\"{CRATE}\"]"));
    write_changed(&copy.join("Cargo.toml"), alone.as_bytes())?;
    write_changed(
        &copy.join("Cargo.lock"),
        &fs::read(root.join("Cargo.lock"))?,
    )?;
    // Cases that an earlier defect failed on.
    _ = fs::remove_file(copy.join(CRATE).join("tests/it/regressions.txt"));
    copy_folder(&root.join(CRATE), &copy.join(CRATE))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a file has a name")?);
        match path.is_dir() {
            true => copy_folder(&path, &target)?,
            false => write_changed(&target, &fs::read(&path)?)?,
        }
    }
    Ok(())
}

/// What has not changed keeps its time, so that it is not built again.
fn write_changed(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// Runs the tests over the copy: true if the named one fails.
fn caught(copy: &Path, defect: &Defect) -> Result<bool> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(copy)
        .args(["test", "--profile", PROFILE, "--all-features"])
        .args(["--lib", "--test", "it", "--no-fail-fast", "--target-dir"])
        .arg(copy.join("target"))
        .arg(&defect.caught_by)
        .args(["--", "--exact"])
        .env("IGYM_ROLLBACK_CASES", "300")
        // That it fails is enough: nobody reads the smallest case.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .stdin(Stdio::null());
    let output = output(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("could not compile") {
        bail!("{} does not compile:\n{errors}", defect.name);
    }
    let name = format!("test {} ... ", defect.caught_by);
    ensure!(text.contains(&name), "there is no {}", defect.caught_by);
    Ok(text.contains(&format!("{name}FAILED")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_can_be_put_in() {
        let defects = list().expect("the list can be read");
        assert!(defects.len() >= 20);
        for defect in defects {
            let defective = defect.apply().expect("it has its place");
            assert!(!defective.is_empty());
        }
    }
}
