//! The browser's WebAssembly module.
//!
//! The module is compiled with this toolchain's own wasm32 target where it is installed (rustup
//! does that by itself from rust-toolchain.toml), else with the standard library built from source
//! by Debian's compiler of the same vintage. `wasm-bindgen` runs as a library of the very version
//! that the module is compiled against, so that the two are never out of step.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{note, probe, run as run_command, step};
use crate::{debian, paths, rust, web};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compile in the switch that flips one bit of the state (for tests only); goes to a folder of
    /// its own
    #[arg(long)]
    fault_injection: bool,
}

/// Which module is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// What participants get.
    Normal,
    /// With the switch that flips one bit of the state.
    FaultInjection,
}

impl Variant {
    /// Where its JavaScript and `.wasm` file go.
    pub(crate) fn out(self) -> PathBuf {
        match self {
            Self::Normal => paths::web().join("src/generated/wasm"),
            Self::FaultInjection => paths::target().join("fault-injection/wasm"),
        }
    }
}

/// How to compile for the browser on this machine.
pub(crate) enum Toolchain {
    /// The toolchain's own target.
    Installed,
    /// Debian's compiler, with the standard library from source.
    Debian { linker: PathBuf },
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let variant = if options.fault_injection {
        Variant::FaultInjection
    } else {
        Variant::Normal
    };
    build(variant)
}

/// Finds, or installs, what compiles to WebAssembly.
pub(crate) fn toolchain() -> Result<Toolchain> {
    let libraries = probe("rustc", &["--print", "target-libdir", "--target", TARGET])
        .context("cannot run rustc")?;
    if Path::new(&libraries).exists() {
        return Ok(Toolchain::Installed);
    }
    debian::need(
        "a compiler for WebAssembly",
        || {
            Path::new(DEBIAN_RUSTC).exists()
                && probe(DEBIAN_RUSTC, &["--print", "sysroot"]).is_some_and(|sysroot| {
                    Path::new(&sysroot)
                        .join("lib/rustlib/src/rust/library/std")
                        .exists()
                })
        },
        &["rustc-web", "rust-web-src"],
        "install the target wasm32-unknown-unknown of the toolchain in rust-toolchain.toml",
    )?;
    let sysroot = probe("rustc", &["--print", "sysroot"]).context("cannot run rustc")?;
    let host = host()?;
    let linker = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    if !linker.exists() {
        bail!("this toolchain has no linker at {}", linker.display());
    }
    Ok(Toolchain::Debian { linker })
}

/// Compiles the module and writes what JavaScript imports.
pub(crate) fn build(variant: Variant) -> Result<()> {
    let what = match variant {
        Variant::Normal => "the browser's module (WebAssembly)",
        Variant::FaultInjection => "the browser's module with fault injection (WebAssembly)",
    };
    step(what, || {
        let toolchain = toolchain()?;
        let module = compile(&toolchain, variant)?;
        bind(&module, &variant.out())?;
        let file = variant.out().join("igym_browser_bg.wasm");
        let kilobytes = std::fs::metadata(&file)?.len().div_ceil(1024);
        note(&format!("{}: {kilobytes} KB", paths::shown(&file)));
        Ok(())
    })
}

fn compile(toolchain: &Toolchain, variant: Variant) -> Result<PathBuf> {
    let directory = paths::target().join("wasm");
    let mut command = rust::cargo();
    command
        .args(["build", "--package", "igym-browser", "--lib"])
        .args(["--profile", "wasm", "--target", TARGET, "--target-dir"])
        .arg(&directory);
    if variant == Variant::FaultInjection {
        command.args(["--features", "fault-injection"]);
    }
    // Flags and wrappers meant for this machine's programs would change the module.
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_RUSTFLAGS",
    ] {
        command.env_remove(name);
    }
    if let Toolchain::Debian { linker } = toolchain {
        note("with Debian's rustc and the standard library from source");
        command
            .env("RUSTC", DEBIAN_RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
            .arg("-Zbuild-std=std,panic_abort");
    }
    run_command(&mut command)?;
    Ok(directory.join(TARGET).join("wasm/igym_browser.wasm"))
}

fn bind(module: &Path, out: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out)
        .context("wasm-bindgen")
}

/// The module's own tests, in Node: the same bits as the native program, and a whole episode.
pub(crate) fn test() -> Result<()> {
    step("the browser's module against the native program", || {
        let node = web::node()?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(paths::root().join("crates/browser/tests"))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".test.mjs") {
                files.push(path);
            }
        }
        run_command(
            node.command(node.program("node"))
                .args(["--test", "--test-reporter=spec"])
                .args(files)
                .current_dir(paths::root())
                .env("IGYM_WASM_DIR", Variant::Normal.out()),
        )
    })
}

fn host() -> Result<String> {
    probe("rustc", &["-vV"])
        .and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        })
        .context("`rustc -vV` names no host")
}
