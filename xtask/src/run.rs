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
    /// Where its data go [default: data/<the study's folder>]
    #[arg(long)]
    data: Option<PathBuf>,
    /// The port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let study = options
        .study
        .canonicalize()
        .with_context(|| format!("there is no study at {}", options.study.display()))?;
    let data = options.data.clone().unwrap_or_else(|| default_data(&study));

    build(Variant::Normal)?;

    println!();
    println!("  Participant link   http://localhost:{}/", options.port);
    println!("                     (each opening is a new participant: open it in two tabs)");
    println!("  Data               {}", paths::shown(&data));
    println!("  Stop               Ctrl-C");
    println!();
    serve(
        Command::new(paths::igym())
            .arg("serve")
            .arg(&study)
            .arg("--data")
            .arg(&data)
            .args(["--address", &format!("127.0.0.1:{}", options.port)])
            .arg("--web")
            .arg(web::out(Variant::Normal)),
    )
}

/// Module, pages, program.
pub(crate) fn build(variant: Variant) -> Result<()> {
    step("the build", || {
        wasm::build(variant)?;
        web::build(variant)?;
        rust::igym()
    })
}

fn default_data(study: &std::path::Path) -> PathBuf {
    let folder = study
        .parent()
        .and_then(|folder| folder.file_name())
        .map(|name| name.to_string_lossy().replace('_', "-"))
        .unwrap_or_else(|| "study".to_owned());
    paths::root().join("data").join(folder)
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
