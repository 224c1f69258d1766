//! `igym check`, and how every command reads a study.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use igym_study::{ConfigError, Scene, StudyConfig};

use crate::arguments::CheckOptions;
use crate::exit::Exit;

pub(crate) fn run(options: &CheckOptions) -> Result<Exit> {
    let study = match read(&options.study)? {
        Ok(study) => study,
        Err(mistakes) => {
            say(&mistakes);
            return Ok(Exit::Found);
        }
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{} can be served.\n", options.study.display())?;
    writeln!(out, "  {}: {}", study.id, study.title)?;
    for (index, scene) in study.scenes.iter().enumerate() {
        match scene {
            Scene::Start(start) => writeln!(out, "  {index}. {} (a page)", start.id)?,
            Scene::Gym(game) => writeln!(
                out,
                "  {index}. {} ({}, {} players, {})",
                game.id,
                game.environment.id,
                game.players(),
                count(game.episodes, "episode"),
            )?,
        }
    }
    writeln!(out, "  {}. {} (the end)", study.scenes.len(), study.end.id)?;
    Ok(Exit::Good)
}

/// Reads a study file. The outer error is a file that cannot be read, the inner one mistakes in
/// it.
pub(crate) fn read(path: &Path) -> Result<Result<StudyConfig, ConfigError>> {
    let source = fs::read_to_string(path).with_context(|| {
        let path = path.display();
        format!("cannot read the study {path}\n  hint: `igym init` writes one to begin with")
    })?;
    Ok(StudyConfig::parse(&source, &path.display().to_string()))
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
