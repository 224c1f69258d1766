//! Environments in Python for whoever plays episodes again: judging, verifying, exporting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use igym_dataset::Environments;
use igym_gym::Runtime;
use igym_protocol::EnvironmentSpec;
use serde_json::Value as Json;

use crate::study::{BASE, based};
use crate::{Digest, Node, Platform, Pool, PrepareError, PreparedFolder};

/// Interpreters of one lock that run at once: two episodes are judged at a time.
const MOST: usize = 4;

/// Opens environments in headless interpreters of the locks in a prepared folder. Nothing is looked for
/// before the first is opened.
pub struct PythonEnvironments {
    folder: PreparedFolder,
    cache: PathBuf,
    platform: Box<LoadPlatform>,
    patience: Duration,
    pools: Mutex<BTreeMap<Digest, Arc<Pool>>>,
    /// What ran what was opened.
    names: Mutex<BTreeSet<String>>,
}

type LoadPlatform = dyn Fn() -> Result<Platform, PrepareError> + Send + Sync;

impl PythonEnvironments {
    /// `platform` has the program for Node; Node is on the PATH or in `cache`. No call may take longer than `patience`.
    pub fn new(
        folder: PreparedFolder,
        platform: impl Fn() -> Result<Platform, PrepareError> + Send + Sync + 'static,
        cache: PathBuf,
        patience: Duration,
    ) -> Self {
        Self {
            folder,
            cache,
            platform: Box::new(platform),
            patience,
            pools: Mutex::default(),
            names: Mutex::default(),
        }
    }

    /// Starts an interpreter of a lock: whoever waits for the first judgement does not wait for that.
    pub fn warm(&self, lock: &Digest) -> Result<(), PrepareError> {
        Ok(self.pool(lock)?.warm()?)
    }

    fn pool(&self, lock: &Digest) -> Result<Arc<Pool>, PrepareError> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(lock) {
            return Ok(pool.clone());
        }
        let bundle = self.folder.bundle(lock)?;
        let program = (self.platform)()?.headless(&self.cache)?;
        let node = Node::find(&self.cache)?;
        let name = format!("Pyodide {} in Node {}", bundle.lock.pyodide, node.version());
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name);
        let folder = self.folder.clone();
        let pool = Pool::new(node, program, folder, lock.clone(), MOST, self.patience);
        pools.insert(lock.clone(), pool.clone());
        Ok(pool)
    }
}

impl Environments for PythonEnvironments {
    fn open(
        &self,
        spec: &EnvironmentSpec,
        configuration: &str,
    ) -> Result<Box<dyn Runtime>, String> {
        let lock: Digest = spec.version.parse().map_err(|_| {
            let version = &spec.version;
            format!("{version:?} is no lock of a study in Python")
        })?;
        let configuration: Json =
            serde_json::from_str(configuration).map_err(|error| error.to_string())?;
        let configuration = based(&configuration, BASE).to_string();
        let pool = self.pool(&lock).map_err(|error| error.to_string())?;
        let runtime = pool.open(&configuration);
        Ok(Box::new(runtime.map_err(|error| error.to_string())?))
    }

    fn runtime_name(&self) -> Option<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join("; "))
    }
}
