//! Environments in Python for whoever plays episodes again: judging, verifying, exporting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use igym_dataset::{Cancel, Environments};
use igym_gym::Runtime;
use igym_protocol::EnvironmentSpec;
use serde_json::Value as Json;

use crate::study::{BASE, based};
use crate::{Digest, HeadlessError, Node, Platform, Pool, PrepareError, PreparedFolder};

/// Interpreters of one lock that run at once, at least: one for every two processors is judged with, and
/// one that hangs holds up no other.
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
    stopped: AtomicBool,
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
            stopped: AtomicBool::new(false),
        }
    }

    /// Starts an interpreter of a lock and waits until it runs: whoever waits for the first judgement
    /// does not wait for that, and one that cannot run is heard of at once.
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
        let most = thread::available_parallelism().map_or(MOST, |it| it.get().max(MOST));
        let pool = Pool::new(node, program, folder, lock.clone(), most, self.patience);
        pools.insert(lock.clone(), pool.clone());
        Ok(pool)
    }
}

impl Environments for PythonEnvironments {
    fn open(
        &self,
        spec: &EnvironmentSpec,
        configuration: &str,
        cancel: &Cancel,
    ) -> Result<Box<dyn Runtime>, String> {
        if self.stopped.load(SeqCst) {
            return Err(HeadlessError::Stopped.to_string());
        }
        let lock: Digest = spec.version.parse().map_err(|_| {
            let version = &spec.version;
            format!("{version:?} is no lock of a study in Python")
        })?;
        let configuration: Json =
            serde_json::from_str(configuration).map_err(|error| error.to_string())?;
        let configuration = based(&configuration, BASE).to_string();
        let pool = self.pool(&lock).map_err(|error| error.to_string())?;
        let runtime = pool.open_until(&configuration, cancel);
        Ok(Box::new(runtime.map_err(|error| error.to_string())?))
    }

    fn runtime_name(&self) -> Option<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join("; "))
    }

    fn stop(&self) {
        self.stopped.store(true, SeqCst);
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.values().for_each(|pool| pool.stop());
    }
}
