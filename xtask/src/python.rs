//! The Python environment of the differential tests: the packages that native environments are
//! compared with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{probe, run_quietly, step};
use crate::{debian, paths};

/// Its interpreter.
pub(crate) fn interpreter() -> PathBuf {
    paths::root().join("target/venv/bin/python")
}

/// Makes the environment, or makes it anew when the requirements have changed.
pub(crate) fn environment() -> Result<()> {
    let requirements = paths::root().join("python/requirements-differential.txt");
    let wanted = fs::read(&requirements)
        .with_context(|| format!("cannot read {}", paths::shown(&requirements)))?;
    let venv = paths::root().join("target/venv");
    let installed = venv.join("installed-requirements.txt");
    if interpreter().exists() && fs::read(&installed).is_ok_and(|copy| copy == wanted) {
        return Ok(());
    }
    let base = base()?;
    step("the Python packages of the differential tests", || {
        fs::create_dir_all(paths::root().join("target"))?;
        run_quietly(
            Command::new(&base)
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
        )?;
        run_quietly(
            Command::new(interpreter())
                .args(["-m", "pip", "install", "--quiet", "--no-deps"])
                .args(["--disable-pip-version-check", "--requirement"])
                .arg(&requirements),
        )?;
        fs::write(&installed, &wanted)?;
        Ok(())
    })
}

/// A Python that can make environments with pip in them.
fn base() -> Result<PathBuf> {
    let usable = |program: &Path| {
        probe(
            program,
            &[
                "-c",
                "import sys, venv, ensurepip; assert sys.version_info >= (3, 10)",
            ],
        )
        .is_some()
    };
    for program in ["python3", "/usr/bin/python3"] {
        if usable(Path::new(program)) {
            return Ok(program.into());
        }
    }
    debian::need(
        "Python with venv",
        || usable(Path::new("/usr/bin/python3")),
        &["python3", "python3-venv"],
        "install Python 3.10 or newer with its venv module",
    )?;
    Ok("/usr/bin/python3".into())
}
