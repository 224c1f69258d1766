//! Node's part: packages, lints, types, unit tests and the build of the pages.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{note, probe, run as run_command, run_quietly, step};
use crate::wasm::Variant;
use crate::{debian, paths, wasm};

/// The oldest Node and npm that the build tools run on.
const NODE: (u32, u32) = (20, 19);
const NPM: (u32, u32) = (11, 0);
/// What is installed from the npm registry, into the target folder, where the machine's is older.
const PRIVATE: [&str; 2] = ["node@22", "npm@11"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build with the fault-injection module, into a folder of its own
    #[arg(long)]
    fault_injection: bool,
}

/// A Node that is new enough.
pub(crate) struct Node {
    /// Where its programs are, if they are not simply on the PATH.
    directory: Option<PathBuf>,
}

impl Node {
    /// One of its programs: `node`, `npm`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        match &self.directory {
            Some(directory) => directory.join(name),
            None => PathBuf::from(name),
        }
    }

    /// A command of an npm package of `project`, e.g. `vite`.
    pub(crate) fn tool(&self, project: &Path, name: &str) -> Command {
        self.command(project.join("node_modules/.bin").join(name))
    }

    /// A command that finds this Node first.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.lend(&mut command);
        command
    }

    /// Lets a command find this Node first.
    pub(crate) fn lend(&self, command: &mut Command) {
        if let Some(directory) = &self.directory {
            command.env("PATH", path_with(directory));
        }
    }

    fn is_new_enough(&self) -> bool {
        version(&self.command(self.program("node"))) >= Some(NODE)
            && version(&self.command(self.program("npm"))) >= Some(NPM)
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let variant = if options.fault_injection {
        Variant::FaultInjection
    } else {
        Variant::Normal
    };
    wasm::build(variant)?;
    build(variant)
}

/// Where the built pages go.
pub(crate) fn out(variant: Variant) -> PathBuf {
    match variant {
        Variant::Normal => paths::web().join("dist"),
        Variant::FaultInjection => paths::target().join("fault-injection/dist"),
    }
}

/// Finds, or installs, a Node that is new enough.
pub(crate) fn node() -> Result<Node> {
    let own = Node { directory: None };
    if own.is_new_enough() {
        return Ok(own);
    }
    let directory = paths::target().join("node");
    let private = Node {
        directory: Some(directory.join("node_modules/.bin")),
    };
    if private.is_new_enough() {
        return Ok(private);
    }
    debian::need(
        "Node",
        || probe("node", &["--version"]).is_some() && probe("npm", &["--version"]).is_some(),
        &["nodejs", "npm"],
        "install Node 20.19 or newer, with npm 11",
    )?;
    step("a newer Node and npm, from the npm registry", || {
        fs::create_dir_all(&directory)?;
        run_quietly(
            Command::new("npm")
                .args([
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--no-save",
                    "--prefix",
                ])
                .arg(&directory)
                .args(PRIVATE),
        )
    })?;
    if !private.is_new_enough() {
        bail!("Node is too old: install Node 20.19 or newer, with npm 11");
    }
    Ok(private)
}

/// Installs a project's packages as its lock file has them, if they are not there already.
pub(crate) fn install(project: &Path) -> Result<()> {
    let lock = fs::read(project.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", paths::shown(project)))?;
    let installed = project.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|copy| copy == lock) {
        return Ok(());
    }
    step(&format!("npm ci in {}", paths::shown(project)), || {
        let node = node()?;
        run_quietly(
            node.command(node.program("npm"))
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(project),
        )?;
        fs::write(&installed, &lock)?;
        Ok(())
    })
}

/// Lint, types and unit tests of the pages and of the end-to-end tests.
pub(crate) fn check() -> Result<()> {
    let (web, e2e) = (paths::web(), paths::e2e());
    install(&web)?;
    install(&e2e)?;
    let node = node()?;
    step("lint and types of the TypeScript", || {
        for script in ["lint", "typecheck"] {
            run_command(&mut npm_run(&node, &web, script))?;
        }
        // The end-to-end tests are held to the same rules by the same tools.
        run_command(
            node.tool(&web, "biome")
                .args(["check", "."])
                .current_dir(&e2e),
        )?;
        run_command(node.tool(&web, "tsc").arg("--noEmit").current_dir(&e2e))
    })?;
    step("unit tests of the TypeScript", || {
        run_command(&mut npm_run(&node, &web, "test"))
    })
}

fn npm_run(node: &Node, project: &Path, script: &str) -> Command {
    let mut command = node.command(node.program("npm"));
    command
        .args(["run", "--silent", script])
        .current_dir(project);
    command
}

/// Builds the pages around a module that is built already.
pub(crate) fn build(variant: Variant) -> Result<()> {
    let web = paths::web();
    install(&web)?;
    let node = node()?;
    step(
        &format!("the pages ({})", paths::shown(&out(variant))),
        || {
            run_command(
                node.tool(&web, "vite")
                    .args(["build", "--logLevel", "warn", "--emptyOutDir", "--outDir"])
                    .arg(out(variant))
                    .env("IGYM_WASM_DIR", variant.out())
                    .current_dir(&web),
            )?;
            note(&format!("built into {}", paths::shown(&out(variant))));
            Ok(())
        },
    )
}

fn path_with(directory: &Path) -> OsString {
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(directory.to_path_buf()).chain(env::split_paths(&rest)))
        .unwrap_or(rest)
}

/// Major and minor version that a program prints, if it runs.
fn version(program: &Command) -> Option<(u32, u32)> {
    let mut command = Command::new(program.get_program());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let output = command.arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(parse_version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(parse_version("11.19.1"), Some((11, 19)));
        assert_eq!(parse_version("not found"), None);
        assert!(parse_version("v9.2.0") < Some((11, 0)));
    }
}
