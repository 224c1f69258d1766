//! Cargo's part: format, lints, tests, the `igym` program.

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::process::{run, step};
use crate::{paths, web};

/// One profile for tests, browsers and `run`, so that everything is compiled once: dev, optimised
/// enough to keep real time.
pub(crate) const PROFILE: &str = "e2e";

/// This toolchain's cargo.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::root());
    command
}

/// Is everything formatted?
pub(crate) fn format() -> Result<()> {
    step("rustfmt", || {
        run(cargo().args(["fmt", "--all", "--", "--check"]))
    })
}

/// What lints, tests and generated files are made from: everything, with every feature, so that
/// it is compiled once for all of them.
pub(crate) const EVERYTHING: [&str; 4] = ["--workspace", "--all-features", "--profile", PROFILE];

/// Clippy over all targets, warnings denied.
pub(crate) fn clippy() -> Result<()> {
    step("clippy", || {
        run(cargo()
            .arg("clippy")
            .args(EVERYTHING)
            .args(["--all-targets", "--", "-D", "warnings"]))
    })
}

/// All tests of the workspace.
pub(crate) fn test() -> Result<()> {
    step("cargo test", || {
        let mut test = cargo();
        // Some start Pyodide.
        web::node()?.lend(&mut test);
        run(test.arg("test").args(EVERYTHING).arg("--no-fail-fast"))
    })
}

/// Builds the `igym` program.
pub(crate) fn igym() -> Result<()> {
    step("the igym program", || {
        run(cargo().args(["build", "--package", "igym-cli", "--profile", PROFILE]))
    })
}

/// Builds the `igym` program from what the tests were built from.
pub(crate) fn igym_of_tests() -> Result<()> {
    step("the igym program", || {
        run(cargo().arg("test").args(EVERYTHING).arg("--no-run"))
    })
}
