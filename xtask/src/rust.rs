//! Cargo's part: format, lints, tests, the `igym` program.

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::paths;
use crate::process::{run, step};

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

/// Clippy over all targets, warnings denied.
pub(crate) fn clippy() -> Result<()> {
    step("clippy", || {
        run(cargo()
            .args(["clippy", "--workspace", "--all-targets", "--profile"])
            .args([PROFILE, "--", "-D", "warnings"]))
    })
}

/// All tests of the workspace.
pub(crate) fn test() -> Result<()> {
    step("cargo test", || {
        run(cargo().args(["test", "--workspace", "--profile", PROFILE]))
    })
}

/// Builds the `igym` program.
pub(crate) fn igym() -> Result<()> {
    step("the igym program", || {
        run(cargo().args(["build", "--package", "igym-cli", "--profile", PROFILE]))
    })
}
