//! Bots play through a server that is killed again and again.

use std::process::Command;

use anyhow::Result;

use crate::process::{run as run_command, step};
use crate::rust::{EVERYTHING, cargo};
use crate::wasm::Variant;
use crate::{paths, rust, wasm, web};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often the server is killed
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Pairs of bots that play at the same time
    #[arg(long, default_value_t = 4)]
    pairs: u32,
    /// The same instants as in an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// Use what is built already
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        wasm::build(Variant::Normal)?;
        web::build(Variant::Normal)?;
        rust::igym()?;
    }
    chaos(options.kills, options.pairs, options.seed)
}

/// With the program and the pages that the tests before it have built.
pub(crate) fn after_tests() -> Result<()> {
    chaos(20, 3, None)
}

fn chaos(kills: u32, pairs: u32, seed: Option<u64>) -> Result<()> {
    // Tests build the programs of packages that have tests of their own only: this one has none.
    run_command(
        cargo()
            .arg("build")
            .args(EVERYTHING)
            .args(["--bin", "igym-chaos"]),
    )?;
    step(&format!("{kills} kills of a server in play"), || {
        let mut command = Command::new(paths::igym().with_file_name("igym-chaos"));
        command
            .args(["--kills", &kills.to_string()])
            .args(["--pairs", &pairs.to_string()])
            .arg("--program")
            .arg(paths::igym())
            .arg("--web")
            .arg(web::out(Variant::Normal));
        if let Some(seed) = seed {
            command.args(["--seed", &seed.to_string()]);
        }
        run_command(&mut command)
    })
}
