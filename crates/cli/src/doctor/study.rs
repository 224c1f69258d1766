//! Whether a study's environments play the same from run to run.

use std::io::{self, Write as _};

use anyhow::Result;

use crate::arguments::DoctorOptions;
use crate::check;
use crate::exit::Exit;
use crate::python::{Python, Source, folder, read};

pub(super) fn run(options: &DoctorOptions) -> Result<Exit> {
    let mut out = io::stdout().lock();
    let source = match read(&options.subject)? {
        Ok(Source::Native(_)) => {
            let study = options.subject.display();
            writeln!(
                out,
                "{study} has no environment in Python. Those of the catalogue play the same on every \
                 machine."
            )?;
            return Ok(Exit::Good);
        }
        Ok(Source::Python(source)) => source,
        Err(mistakes) => {
            check::say(&mistakes);
            return Ok(Exit::Failed);
        }
    };
    let python = Python::new(&options.python, options.web.as_deref());
    let data = folder(options.data.as_deref(), &source.id);
    let report = python.diagnose(&source.python, &data)?;
    let mut exit = Exit::Good;
    for environment in &report.environments {
        writeln!(out, "{}", environment.diagnosis)?;
        for note in &environment.notes {
            writeln!(out, "  {note}")?;
        }
        if !environment.deterministic {
            exit = Exit::Found;
        }
    }
    Ok(exit)
}
