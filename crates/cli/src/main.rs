//! The `igym` program: writes, checks and serves a study, exports and verifies its data.
//!
//! It reads arguments, opens files and the journal, shows progress, and says what went wrong in a
//! sentence with a way out. What a study does is in `igym-study`, how it is served in
//! `igym-server`, what its data say in `igym-dataset`: none of that is decided here.
//!
//! Exit codes: 0, all is well; 1, the command did its work and found something wrong; 2, it could
//! not do its work. Results go to standard output, progress and complaints to standard error.

mod arguments;
mod bots;
mod check;
mod data;
mod doctor;
mod exit;
mod export;
mod folder;
mod init;
mod prepare;
mod progress;
mod python;
mod schema;
mod serve;
mod table;
mod verify;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command, LogFormat};
use crate::exit::Exit;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = logging(&arguments).and_then(|()| run(arguments.command));
    result.unwrap_or_else(|error| exit::report(&error)).into()
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Init(options) => init::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Prepare(options) => prepare::run(&options),
        Command::Serve(options) => serve::run(options),
        Command::Export(options) => export::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Bots(options) => bots::run(&options),
        Command::Schema => schema::run(),
    }
}

fn logging(arguments: &Arguments) -> anyhow::Result<()> {
    let otherwise = match arguments.command {
        Command::Serve(_) => "info",
        Command::Init(_)
        | Command::Check(_)
        | Command::Prepare(_)
        | Command::Export(_)
        | Command::Verify(_)
        | Command::Doctor(_)
        | Command::Bots(_)
        | Command::Schema => "warn",
    };
    let directives = arguments.log.as_deref().unwrap_or(otherwise);
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| anyhow::anyhow!("--log {directives:?} is not a filter: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
