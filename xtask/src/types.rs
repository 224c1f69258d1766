//! Files generated from the Rust types: TypeScript and the JSON Schema of `study.toml`. They are
//! committed, and a difference from what the types say now is an error.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{run_quietly, step};
use crate::{paths, rust};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail if a generated file is not up to date
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check { check() } else { write() }
}

/// Are the committed files what the types say now?
pub(crate) fn check() -> Result<()> {
    step("generated files are up to date", || {
        let fresh = Generated::make()?;
        let mut stale = differences(&read(&types_directory())?, &fresh.types);
        if fs::read_to_string(schema_file()).ok().as_deref() != Some(&fresh.schema) {
            stale.push(paths::shown(&schema_file()));
        }
        if !stale.is_empty() {
            bail!(
                "not what the Rust types say: {}; run `cargo xtask types`",
                stale.join(", ")
            );
        }
        Ok(())
    })
}

fn write() -> Result<()> {
    step("generating files from the Rust types", || {
        let fresh = Generated::make()?;
        let directory = types_directory();
        for name in read(&directory)?.keys() {
            fs::remove_file(directory.join(name))?;
        }
        for (name, text) in &fresh.types {
            let file = directory.join(name);
            fs::create_dir_all(file.parent().unwrap_or(&directory))?;
            fs::write(file, text)?;
        }
        fs::write(schema_file(), &fresh.schema)?;
        Ok(())
    })
}

struct Generated {
    /// File name → text.
    types: BTreeMap<String, String>,
    schema: String,
}

impl Generated {
    fn make() -> Result<Self> {
        let directory = paths::target().join("generated-types");
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        run_quietly(
            rust::cargo()
                .arg("test")
                .args(rust::EVERYTHING)
                .args(["--quiet", "--lib", "export_bindings"])
                .env("TS_RS_EXPORT_DIR", &directory),
        )?;
        run_quietly(rust::cargo().arg("build").args(rust::EVERYTHING).args([
            "--quiet",
            "--example",
            "schema",
        ]))?;
        let schema = paths::target()
            .join(rust::PROFILE)
            .join(format!("examples/schema{}", env::consts::EXE_SUFFIX));
        let schema = Command::new(&schema)
            .output()
            .with_context(|| format!("cannot run {}", paths::shown(&schema)))?;
        if !schema.status.success() {
            bail!(
                "the example that prints the schema failed ({})",
                schema.status
            );
        }
        Ok(Self {
            types: read(&directory)?,
            schema: String::from_utf8(schema.stdout)?,
        })
    }
}

fn types_directory() -> PathBuf {
    paths::web().join("src/generated")
}

fn schema_file() -> PathBuf {
    paths::root().join("docs/study.schema.json")
}

/// The TypeScript files below `directory`, but for the module's bindings.
fn read(directory: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    collect(directory, directory, &mut files)?;
    Ok(files)
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "wasm" {
                collect(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "ts") {
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

fn differences(
    committed: &BTreeMap<String, String>,
    fresh: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut names: Vec<_> = committed.keys().chain(fresh.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| committed.get(*name) != fresh.get(*name))
        .map(|name| format!("web/src/generated/{name}"))
        .collect()
}
