//! How interpreters of one lock are started.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Digest, Headless, HeadlessError, Node, PATIENCE, Pool, PreparedFolder};

pub(crate) struct Interpreters<'a> {
    pub(crate) node: &'a Node,
    pub(crate) program: PathBuf,
    pub(crate) folder: &'a PreparedFolder,
    pub(crate) lock: &'a Digest,
}

impl Interpreters<'_> {
    pub(crate) fn start(&self, hash_seed: Option<&str>) -> Result<Headless, HeadlessError> {
        Headless::start(
            self.node,
            &self.program,
            self.folder,
            self.lock,
            hash_seed,
            PATIENCE,
        )
    }

    pub(crate) fn pool(&self, most: usize) -> Arc<Pool> {
        Pool::new(
            self.node.clone(),
            self.program.clone(),
            self.folder.clone(),
            self.lock.clone(),
            most,
            PATIENCE,
        )
    }
}
