//! `cargo xtask test`: every check and test, cheapest first.

use std::time::Instant;

use anyhow::Result;

use crate::process::elapsed;
use crate::wasm::Variant;
use crate::{chaos, e2e, python, rust, setup, tidy, types, wasm, web};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this part
    #[arg(value_enum)]
    part: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Format, generated files, house rules, clippy, cargo tests
    Rust,
    /// The Python package, with real environments
    Python,
    /// The WebAssembly module against the native program; lint, types and tests of the pages
    Web,
    /// Two browsers, imposed networks
    E2e,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let start = Instant::now();
    let wants = |part| options.part.is_none_or(|only| only == part);
    if options.part.is_none() {
        setup::run()?;
    }
    if wants(Part::Rust) {
        rust::format()?;
        types::check()?;
        tidy::run()?;
        rust::clippy()?;
        python::environment()?;
        // Pyodide without a browser is tested as it is built with the pages.
        wasm::build(Variant::Normal)?;
        web::build(Variant::Normal)?;
        rust::test()?;
    }
    if wants(Part::Python) {
        python::environment()?;
        python::test()?;
    }
    if wants(Part::Web) {
        wasm::build(Variant::Normal)?;
        wasm::test()?;
        web::check()?;
        web::build(Variant::Normal)?;
    }
    if wants(Part::E2e) {
        e2e::all()?;
        chaos::after_tests()?;
    }
    println!("\nall parts passed in {}", elapsed(start.elapsed()));
    Ok(())
}
