//! Debian packages: installed where this process may, else named in one line.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{probe, run_quietly, step};

/// Makes sure that a tool is there. `present` tells whether it is; `packages` are Debian's names
/// for it, `elsewhere` the one line for a person on another system.
pub(crate) fn need(
    tool: &str,
    present: impl Fn() -> bool,
    packages: &[&str],
    elsewhere: &str,
) -> Result<()> {
    if present() {
        return Ok(());
    }
    let command = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if !is_debian() {
        bail!("{tool} is missing: {elsewhere}");
    }
    if !is_root() {
        bail!("{tool} is missing: run `sudo {command}`");
    }
    step(&format!("{tool} is missing: {command}"), || {
        install(packages)
    })?;
    if !present() {
        bail!("{tool} is still missing after `{command}`: {elsewhere}");
    }
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    if apt(&["install"], packages).is_ok() {
        return Ok(());
    }
    // The lists of a new machine are empty or old.
    apt(&["update"], &[])?;
    apt(&["install"], packages)
}

fn apt(verb: &[&str], packages: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .arg("--yes")
        .arg("--quiet")
        .args(verb);
    if !packages.is_empty() {
        command.arg("--no-install-recommends").args(packages);
    }
    run_quietly(&mut command)
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release
        .lines()
        .any(|line| line == "ID=debian" || line.starts_with("ID_LIKE=") && line.contains("debian"))
}

fn is_root() -> bool {
    probe("id", &["-u"]).is_some_and(|id| id == "0")
}
