//! `igym prepare`.

use std::io::{self, Write as _};

use anyhow::Result;
use igym_pyworker::{EnvironmentReport, Report};
use igym_study::{Scene, StudyConfig};

use crate::arguments::PrepareOptions;
use crate::check;
use crate::exit::Exit;
use crate::python::{Loaded, Python};

pub(crate) fn run(options: &PrepareOptions) -> Result<Exit> {
    let mut python = Python::new(&options.python, options.web.as_deref());
    python.upgrade = options.upgrade;
    let loaded = match python.load(&options.study, options.data.as_deref())? {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            check::say(&mistakes);
            return Ok(Exit::Found);
        }
    };
    let mut out = io::stdout().lock();
    let Loaded {
        study,
        data,
        prepared,
    } = loaded;
    let Some(prepared) = prepared else {
        let file = options.study.display();
        writeln!(
            out,
            "{file} has no environment in Python: there is nothing to prepare."
        )?;
        return Ok(Exit::Good);
    };
    writeln!(out, "{} is prepared.\n", options.study.display())?;
    writeln!(out, "  Lock       {}", prepared.lock)?;
    let folder = data.join("python");
    writeln!(
        out,
        "  Folder     {}",
        std::path::absolute(folder)?.display()
    )?;
    say(&mut out, &prepared.report, &study)?;
    Ok(Exit::Good)
}

/// What preparing found out.
fn say(out: &mut impl io::Write, report: &Report, study: &StudyConfig) -> io::Result<()> {
    let packages = match &report.packages[..] {
        [] => "none".to_owned(),
        packages => packages.join(", "),
    };
    let megabytes = report.bytes as f64 / 1e6;
    writeln!(out, "  Packages   {packages}")?;
    writeln!(
        out,
        "  Loads      {megabytes:.1} MB per participant, once per browser"
    )?;
    writeln!(
        out,
        "  Starts     in {:.1} s on this machine",
        report.start_ms as f64 / 1e3
    )?;
    for note in &report.notes {
        writeln!(out, "  Note       {note}")?;
    }
    for environment in &report.environments {
        let EnvironmentReport {
            name,
            costs,
            frame_bytes,
            diagnosis,
            notes,
            ..
        } = environment;
        writeln!(out, "\n  {}", environment.title())?;
        writeln!(out, "    {costs}")?;
        if let Some(rate) = frames_per_second(study, name) {
            let kilobytes = frame_bytes * f64::from(rate) / 1e3;
            writeln!(
                out,
                "    each participant uploads about {kilobytes:.1} kB a second, at {rate} frames per second"
            )?;
        }
        for line in diagnosis.lines().chain(notes.iter().map(String::as_str)) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

fn frames_per_second(study: &StudyConfig, scene: &str) -> Option<u16> {
    study.scenes.iter().find_map(|one| match one {
        Scene::Gym(game) if game.id == scene => Some(game.frames_per_second),
        Scene::Gym(_) | Scene::Start(_) => None,
    })
}
