//! What a study's interpreter is made of, by name and content.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// The format of locks that this program writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// `PYTHONHASHSEED` of every interpreter that plays.
pub(crate) const HASH_SEED: &str = "0";

/// Everything that an interpreter of a study is made of. Browsers and the headless process load
/// exactly this, so its [digest](Lock::digest) says what was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// 1.
    pub format: u32,
    /// The version of Pyodide.
    pub pyodide: String,
    /// `PYTHONHASHSEED`; it is fixed when an interpreter starts.
    pub hash_seed: String,
    /// Pyodide's own files, by name.
    pub core: Vec<CoreFile>,
    /// Wheels, by name.
    pub packages: Vec<Package>,
    /// The package `interactive_gym`.
    pub platform: Archive,
    /// The study's Python files.
    pub study: Archive,
    /// Modules that are replaced by empty ones.
    pub stubs: Vec<String>,
    /// Modules that are imported before the stubs are made.
    pub imports: Vec<String>,
}

/// A file of Pyodide's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreFile {
    pub name: String,
    pub sha256: Digest,
    pub bytes: u64,
}

/// A wheel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// The name of the wheel's file.
    pub file: String,
    pub sha256: Digest,
    pub bytes: u64,
}

/// A zip archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    pub file: String,
    pub sha256: Digest,
    pub bytes: u64,
}

impl Lock {
    /// The lock as it is kept and served: JSON with sorted keys and nothing between them.
    pub fn canonical(&self) -> String {
        canonical(self)
    }

    /// The digest of [`canonical`](Self::canonical): what the lock is called by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical().as_bytes())
    }

    /// All files, with their sizes in bytes.
    pub fn blobs(&self) -> impl Iterator<Item = (&Digest, u64)> {
        let core = self.core.iter().map(|file| (&file.sha256, file.bytes));
        let packages = self.packages.iter().map(|file| (&file.sha256, file.bytes));
        let archives = [&self.platform, &self.study].map(|file| (&file.sha256, file.bytes));
        core.chain(packages).chain(archives)
    }

    /// What a browser loads before the first game, in bytes.
    pub fn bytes(&self) -> u64 {
        self.blobs().map(|(_, bytes)| bytes).sum()
    }
}

/// JSON with sorted keys.
pub(crate) fn canonical(value: &impl Serialize) -> String {
    // A `Value`'s maps are sorted.
    let value = serde_json::to_value(value).expect("texts, numbers and lists are JSON");
    value.to_string()
}
