//! `cargo xtask run`: from a clone to a study that is being served.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{line, note, step};
use crate::wasm::Variant;
use crate::{paths, rust, wasm, web};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The study to serve
    #[arg(long, default_value = "examples/slime_volleyball/study.toml")]
    study: PathBuf,
    /// Where its data go [default: data/<id of the study>]
    #[arg(long)]
    data: Option<PathBuf>,
    /// The port to listen on
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let study = options
        .study
        .canonicalize()
        .with_context(|| format!("there is no study at {}", options.study.display()))?;
    build(Variant::Normal)?;
    eprintln!();
    // It says itself where participants go, where the data are and how to stop.
    let mut command = Command::new(paths::igym());
    command
        .current_dir(paths::root())
        .arg("serve")
        .arg(&study)
        .args(["--port", &options.port.to_string()])
        .arg("--web")
        .arg(web::out(Variant::Normal));
    if let Some(data) = &options.data {
        command.arg("--data").arg(std::path::absolute(data)?);
    }
    serve(&mut command)
}

/// Module, pages, program.
pub(crate) fn build(variant: Variant) -> Result<()> {
    step("the build", || {
        wasm::build(variant)?;
        web::build(variant)?;
        rust::igym()
    })
}

/// Becomes the server, so that Ctrl-C and signals reach it and nothing else.
#[cfg(unix)]
fn serve(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    note("the server did not start");
    Err(error).with_context(|| format!("cannot start `{}`", line(command)))
}

#[cfg(not(unix))]
fn serve(command: &mut Command) -> Result<()> {
    note(&line(command));
    crate::process::run(command)
}
