//! Builds, runs and tests the project: `cargo xtask run`, `cargo xtask test`.
//!
//! Each command does all that it needs, on a fresh machine too: it says which tool is missing,
//! installs it by name where it may (Debian, as root) and otherwise prints the exact command and
//! stops. Nothing is fetched but from package registries, by their own clients. Crates do not
//! depend on this one, and it depends on none of theirs.

mod chaos;
mod debian;
mod defects;
mod e2e;
mod paths;
mod process;
mod python;
mod rollback;
mod run;
mod rust;
mod setup;
mod soak;
mod test;
mod tidy;
mod types;
mod wasm;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests Interactive Gym")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds everything and serves the slime volleyball study (or another one)
    Run(run::Options),
    /// Runs every check and test, or one part of them
    Test(test::Options),
    /// Installs what is missing and nothing else
    Setup,
    /// Builds the browser's WebAssembly module
    Wasm(wasm::Options),
    /// Builds the pages into web/dist
    Web(web::Options),
    /// Checks the house rules: edges between crates, purity, file lengths, documents
    Tidy,
    /// Generates the TypeScript types and the JSON Schema of study.toml
    Types(types::Options),
    /// Runs the end-to-end tests, or those whose name matches
    E2e(e2e::Options),
    /// Lets bots play through a server that is killed again and again
    Chaos(chaos::Options),
    /// Plays many episodes with two browsers under one network and counts the verdicts
    Episodes(e2e::Episodes),
    /// Measures key-to-frame times at several round trips and writes them down
    Measure(e2e::Measure),
    /// Measures the rollback engine beside `ggrs` and `fortress-rollback` and writes the tables down
    BenchRollback(rollback::Bench),
    /// Plays the rollback engine's property tests over a million random cases
    Soak(soak::Options),
    /// Puts deliberate defects into a copy of the rollback engine: its tests must catch each
    Defects(defects::Options),
    /// Takes the README's picture anew
    Picture(e2e::Picture),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Setup => setup::run(),
        Command::Wasm(options) => wasm::run(&options),
        Command::Web(options) => web::run(&options),
        Command::Tidy => tidy::run(),
        Command::Types(options) => types::run(&options),
        Command::E2e(options) => e2e::run(&options),
        Command::Chaos(options) => chaos::run(&options),
        Command::Episodes(options) => e2e::episodes(&options),
        Command::Measure(options) => e2e::measure(&options),
        Command::BenchRollback(options) => rollback::bench(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Defects(options) => defects::run(&options),
        Command::Picture(options) => e2e::picture(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
