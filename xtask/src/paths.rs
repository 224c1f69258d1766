//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask/ is a folder of the repository")
        .to_path_buf()
}

/// Where cargo builds; also holds the Python environment and the private Node, if one is needed.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// The pages' sources.
pub(crate) fn web() -> PathBuf {
    root().join("web")
}

/// The end-to-end tests.
pub(crate) fn e2e() -> PathBuf {
    root().join("tests/e2e")
}

/// The `igym` program as end-to-end tests and `cargo xtask run` build it.
pub(crate) fn igym() -> PathBuf {
    target()
        .join(crate::rust::PROFILE)
        .join(format!("igym{}", env::consts::EXE_SUFFIX))
}

/// `path` as a person would write it from the root of the repository.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
