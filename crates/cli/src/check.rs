//! `igym check`.

use std::io::{self, Write as _};

use anyhow::Result;
use igym_pyworker::Environment;
use igym_study::{ConfigError, Scene, StudyConfig};

use crate::arguments::CheckOptions;
use crate::exit::Exit;
use crate::python::{Python, PythonSource, Source, folder, read};

pub(crate) fn run(options: &CheckOptions) -> Result<Exit> {
    let (study, python) = match read(&options.study)? {
        Ok(Source::Native(study)) => (study, None),
        Ok(Source::Python(source)) => {
            let python = Python::new(&options.python, options.web.as_deref());
            let data = folder(options.data.as_deref(), &source.id);
            let Some(prepared) = python.find(&source.python, &data)? else {
                return not_prepared(options, &source);
            };
            match source.whole(&prepared) {
                Ok(study) => (study, Some(prepared)),
                Err(mistakes) => {
                    say(&mistakes);
                    return Ok(Exit::Found);
                }
            }
        }
        Err(mistakes) => {
            say(&mistakes);
            return Ok(Exit::Found);
        }
    };
    tell(options, &study)?;
    if let Some(prepared) = python {
        let mut out = io::stdout().lock();
        let packages = prepared.report.packages.join(", ");
        writeln!(out, "\n  Python is prepared: {packages}")?;
    }
    Ok(Exit::Good)
}

fn not_prepared(options: &CheckOptions, source: &PythonSource) -> Result<Exit> {
    let study = options.study.display();
    let environments = source.python.environments.iter();
    let titles: Vec<String> = environments.map(Environment::title).collect();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{study} has no mistakes that can be seen before it is prepared.\n"
    )?;
    writeln!(
        out,
        "  Python is not prepared (for {}): `igym prepare {study}` does it, and `igym serve` too.",
        titles.join(", ")
    )?;
    Ok(Exit::Good)
}

/// What participants go through.
fn tell(options: &CheckOptions, study: &StudyConfig) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} can be served.\n", options.study.display())?;
    writeln!(out, "  {}: {}", study.id, study.title)?;
    for (index, scene) in study.scenes.iter().enumerate() {
        match scene {
            Scene::Start(start) => writeln!(out, "  {index}. {} (a page)", start.id)?,
            Scene::Gym(game) => {
                let ids: Vec<&str> = game.treatments.iter().map(|it| &*it.id).collect();
                writeln!(
                    out,
                    "  {index}. {} ({}, {}, {}{})",
                    game.id,
                    game.environment.id,
                    count(u32::try_from(game.players()).unwrap_or(u32::MAX), "player"),
                    count(game.episodes, "episode"),
                    match ids.join(" or ") {
                        none if none.is_empty() => none,
                        ids => format!(", treatment {ids}"),
                    },
                )?;
            }
        }
    }
    writeln!(out, "  {}. {} (the end)", study.scenes.len(), study.end.id)?;
    Ok(())
}

/// Lists the mistakes of a study file.
pub(crate) fn say(mistakes: &ConfigError) {
    eprintln!("{mistakes}\n");
    let number = u32::try_from(mistakes.problems.len()).unwrap_or(u32::MAX);
    eprintln!("error: {} in {}", count(number, "mistake"), mistakes.file);
}

/// "1 episode", "2 episodes".
pub(crate) fn count(number: u32, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}
