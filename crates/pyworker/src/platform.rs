//! What this program brings for Python: Pyodide's core, our package, and the program for Node.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::write;
use crate::{Digest, PrepareError};

/// The version of Pyodide whose core the pages are built with.
pub const PYODIDE: &str = "0.28.3";

/// What Pyodide loads of itself.
const CORE: [&str; 5] = [
    "pyodide-lock.json",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "pyodide.mjs",
    "python_stdlib.zip",
];
const PACKAGE: &str = "interactive_gym.zip";
const HEADLESS: &str = "headless.mjs";

/// Pyodide's core, the package `interactive_gym`, and the program for Node, as they were built with
/// the pages.
#[derive(Clone, Debug)]
pub struct Platform {
    /// By name.
    pub(crate) core: BTreeMap<&'static str, Vec<u8>>,
    pub(crate) package: Vec<u8>,
    headless: Vec<u8>,
}

impl Platform {
    /// From the built pages: `read` gives the file at a path, such as `pyodide/pyodide.mjs`.
    pub fn load(read: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, PrepareError> {
        let found = |folder: &str, name: &str| {
            let path = format!("{folder}/{name}");
            read(&path).ok_or_else(|| PrepareError::Missing {
                what: format!("the built pages have no {path}"),
                hint: "build them with `cargo xtask web`".to_owned(),
            })
        };
        let core = CORE.map(|name| Ok((name, found("pyodide", name)?)));
        Ok(Self {
            core: core.into_iter().collect::<Result<_, PrepareError>>()?,
            package: found("python", PACKAGE)?,
            headless: found("python", HEADLESS)?,
        })
    }

    /// What a lock depends on here.
    pub(crate) fn digest(&self) -> Digest {
        let mut text = String::new();
        for (name, content) in self.core.iter().chain([(&PACKAGE, &self.package)]) {
            text.push_str(&format!("{name} {}\n", Digest::of(content)));
        }
        Digest::of(text.as_bytes())
    }

    /// Puts the program for Node where Node can read it.
    pub fn headless(&self, cache: &Path) -> Result<PathBuf, PrepareError> {
        let digest = Digest::of(&self.headless);
        let path = cache.join("headless").join(format!("{digest}.mjs"));
        if !fs::read(&path).is_ok_and(|content| content == self.headless) {
            write(&path, &self.headless)?;
        }
        Ok(path)
    }
}
