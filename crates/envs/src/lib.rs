//! Environments in Rust: fast enough to be simulated again many times a frame, and the same bits
//! in a browser, on the server and years later in a verifier.
//!
//! [`catalogue`] lists them, [`create`] makes one from its id and configuration. Each port of a
//! Python environment has a differential test against the Python package.
//!
//! **Invariant:** an environment uses only operations whose results are the same bits on x86-64,
//! aarch64 and wasm32, and nothing random but what its seed gives.
//!
//! ```
//! let mut env = igym_envs::create("slime_volleyball", r#"{"max_steps":500}"#)?;
//! env.reset(7);
//! assert_eq!(env.agents(), ["agent_left", "agent_right"]);
//! # Ok::<(), igym_envs::CreateError>(())
//! ```

mod catalogue;
mod parity;
mod slime_volleyball;

pub use catalogue::{
    CreateError, EnvironmentInfo, canonical_config, catalogue, create, environment_digest, find,
};
pub use parity::reference_trajectory;
pub use slime_volleyball::{SlimeVolleyball, SlimeVolleyballConfig};
