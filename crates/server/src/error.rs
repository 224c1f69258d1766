//! Why a server could not start or go on.

use std::{io, net::SocketAddr, path::PathBuf};

use igym_storage::StorageError;
use igym_study::RestoreError;

/// Why a server could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    #[error("cannot listen on {address}: choose another --port, or stop what uses it")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(
        "there are no built pages{}: build them with `cargo xtask web`",
        at(directory)
    )]
    PagesMissing { directory: Option<PathBuf> },
    #[error(
        "the built pages{} hold {found} WebAssembly modules instead of one: build them again with \
         `cargo xtask web`",
        at(directory)
    )]
    NoModule {
        directory: Option<PathBuf>,
        found: usize,
    },
    #[error(
        "the study has environments in Python, and what is to be served is not what it was prepared \
         with: run `igym prepare`"
    )]
    NotPrepared,
    #[error("cannot read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("the operating system gave no random numbers: {reason}")]
    Random { reason: String },
    #[error("the server's {task} task broke down; what was acknowledged is on disk")]
    Crashed { task: &'static str },
}

fn at(directory: &Option<PathBuf>) -> String {
    match directory {
        Some(directory) => format!(" in {}", directory.display()),
        None => " in this program".to_owned(),
    }
}
