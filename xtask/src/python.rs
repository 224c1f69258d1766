//! The Python environment of the tests, with the packages that native environments are compared with
//! and those that the Python package plays; and that package's own tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{probe, run, run_quietly, step};
use crate::{debian, paths};

/// Its interpreter.
pub(crate) fn interpreter() -> PathBuf {
    paths::root().join("target/venv/bin/python")
}

/// What is installed in it.
const REQUIREMENTS: [&str; 2] = [
    "python/requirements-differential.txt",
    "python/requirements-tests.txt",
];

/// Makes the environment, or makes it anew when the requirements have changed.
pub(crate) fn environment() -> Result<()> {
    let requirements = REQUIREMENTS.map(|file| paths::root().join(file));
    let mut wanted = Vec::new();
    for file in &requirements {
        let text = fs::read(file).with_context(|| format!("cannot read {}", paths::shown(file)))?;
        wanted.extend(text);
    }
    let venv = paths::root().join("target/venv");
    let installed = venv.join("installed-requirements.txt");
    if interpreter().exists() && fs::read(&installed).is_ok_and(|copy| copy == wanted) {
        return Ok(());
    }
    let base = base()?;
    step("the Python packages of the tests", || {
        fs::create_dir_all(paths::root().join("target"))?;
        run_quietly(
            Command::new(&base)
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
        )?;
        let mut install = Command::new(interpreter());
        install
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .arg("--disable-pip-version-check");
        for file in &requirements {
            install.arg("--requirement").arg(file);
        }
        run_quietly(&mut install)?;
        fs::write(&installed, &wanted)?;
        Ok(())
    })
}

/// The tests of the Python package.
pub(crate) fn test() -> Result<()> {
    step("pytest", || {
        run(Command::new(interpreter())
            .args(["-m", "pytest"])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(paths::root().join("python")))
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
