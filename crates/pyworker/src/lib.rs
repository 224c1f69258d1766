//! Studies in Python: prepares them, and runs them without a browser.
//!
//! - [`prepare`] resolves a study's packages for Pyodide, keeps everything that an interpreter is made
//!   of in a [`PreparedFolder`] under a [`Lock`], plays each environment, and examines whether it
//!   plays the same from run to run. [`find`] finds what was prepared, without network, Node or Python.
//! - [`Headless`] is one interpreter in a process of Node; a [`Pool`] of them opens environments as
//!   [`igym_gym::Runtime`]s. A crash or a hang is an error of the call, and costs one process.
//!   [`PythonEnvironments`] does that for whoever plays episodes again.
//!
//! Other programs do the work of resolving and fetching: uv and pip, with the settings of this
//! machine. Nothing here names an index. Nothing here knows what a study, an episode or a participant
//! is, and nothing from a participant comes here.
//!
//! ```no_run
//! use igym_pyworker::{Platform, PreparedFolder, PythonStudy, find};
//!
//! # fn run(study: &PythonStudy) -> Result<(), igym_pyworker::PrepareError> {
//! let folder = PreparedFolder::of("data/my-study".as_ref());
//! let platform = Platform::load(|path| std::fs::read(format!("web/dist/{path}")).ok())?;
//! match find(study, &folder, &platform)? {
//!     Some(prepared) => println!("{} loads {} bytes", prepared.lock, prepared.report.bytes),
//!     None => println!("run `igym prepare`"),
//! }
//! # Ok(())
//! # }
//! ```

mod alone;
mod archive;
mod digest;
mod doctor;
mod environments;
mod error;
mod folder;
mod headless;
mod interpreters;
mod lock;
mod native;
mod node;
mod packages;
mod platform;
mod pool;
mod prepare;
mod progress;
mod pylock;
mod refusal;
mod resolve;
mod sources;
mod study;
mod tools;
mod trial;
mod wheels;

pub use digest::{Digest, NoDigest};
pub use environments::PythonEnvironments;
pub use error::PrepareError;
pub use folder::{Bundle, PreparedFolder};
pub use headless::{Headless, HeadlessError, PATIENCE, Versions};
pub use lock::{Archive, CoreFile, Lock, Package};
pub use node::Node;
pub use platform::{PYODIDE, Platform};
pub use pool::{HeadlessRuntime, Pool};
pub use prepare::{
    EnvironmentReport, Fits, PreparedStudy, Report, diagnose, find, prepare, prepare_if,
};
pub use progress::{Progress, Quiet};
pub use refusal::{Culprit, Refusal};
pub use study::{Environment, Omit, Preparing, PythonStudy};
