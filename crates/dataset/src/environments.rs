//! Where environments come from that are not in this program.

use igym_gym::Runtime;
use igym_protocol::EnvironmentSpec;

use crate::Cancel;

/// The id of every environment that is behind bytes; its version names what it runs in.
pub(crate) const FOREIGN: &str = "python";

/// Opens environments that are not in this program, so that their episodes can be played again.
pub trait Environments: Send + Sync {
    /// A runtime of the environment, opened with `configuration`
    /// ([`igym_gym::configuration`]); else why there is none, and what to do about it. Waiting for
    /// one ends once it is cancelled.
    fn open(
        &self,
        spec: &EnvironmentSpec,
        configuration: &str,
        cancel: &Cancel,
    ) -> Result<Box<dyn Runtime>, String>;

    /// What runs them, as it goes into the data ("Pyodide 0.28.3 in Node v20.20.2"), once one was
    /// opened.
    fn runtime_name(&self) -> Option<String>;

    /// Stops everything that runs, for good: who waits for an answer hears that the runtime is gone.
    fn stop(&self) {}
}

/// For studies whose environments are all in this program.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeOnly;

impl Environments for NativeOnly {
    fn open(
        &self,
        _spec: &EnvironmentSpec,
        _configuration: &str,
        _cancel: &Cancel,
    ) -> Result<Box<dyn Runtime>, String> {
        Err("it is not in this program, and nothing was given that runs it".to_owned())
    }

    fn runtime_name(&self) -> Option<String> {
        None
    }
}
