//! What an environment is, and what is the same for all of them.
//!
//! - [`MultiAgentEnv`]: reset, step, observe, save, load, render; in the spirit of PettingZoo's
//!   parallel environments and Gymnasium ≥ 0.26.
//! - [`Space`], [`Action`], [`Value`]: what agents do and see, each with one canonical encoding,
//!   so that equal values are equal bytes on every peer.
//! - [`Simulation`]: an environment under the platform's rules (who acts, which input is valid,
//!   when an episode ends, what is hashed). Browser, server and verifier run this same code.
//! - [`Foreign`]: an environment that is not in this program, behind a [`Runtime`]: bytes in, bytes
//!   out, as `python/README.md` says.
//! - [`Surface`] and [`Display`]: what an environment draws, and what a page must be told so that
//!   it shows that.
//! - [`numpy`]: numpy's random generator, bit for bit, for environments ported from Python.
//!
//! **Invariant:** nothing here reads a clock, a file, a socket or the system's randomness, and no
//! bytes from outside make it panic: inputs become the default action, encodings become an error.
//!
//! ```
//! use igym_gym::{Action, Space};
//!
//! let keys = Space::Discrete { n: 6 };
//! assert_eq!(Action::Discrete(3).encode(&keys), Some(vec![3]));
//! assert_eq!(Action::decode(&keys, &[3]), Some(Action::Discrete(3)));
//! assert_eq!(Action::decode(&keys, &[6]), None);
//! ```

mod action;
mod canonical;
mod color;
mod display;
mod draft;
mod draw;
mod env;
mod foreign;
mod foreign_answer;
mod foreign_batch;
mod foreign_description;
mod foreign_error;
mod foreign_space;
pub mod numpy;
mod outcome;
mod shape;
mod simulation;
mod space;
mod surface;
mod value;

pub use action::Action;
pub use canonical::DecodeError;
pub use color::{Color, ColorError};
pub use display::{Display, DrawDelta, ImageSize};
pub use draft::Draft;
pub use draw::{Asset, DrawList, DrawObject};
pub use env::{AgentStep, LoadError, MultiAgentEnv};
pub use foreign::{Foreign, Runtime};
pub use foreign_answer::{Answer, Details, Observations, Picture, Pixels};
pub use foreign_batch::Operations;
pub use foreign_description::{Description, DescriptionError, configuration};
pub use foreign_error::{ForeignError, ForeignErrorKind};
pub use foreign_space::ActionSpace;
pub use outcome::{AgentOutcome, Outcome};
pub use shape::{Align, Shape, Stroke};
pub use simulation::{MAX_INPUT_BYTES, Rules, SetupError, Simulation, SnapshotError, StepRecord};
pub use space::{SPACE_ELEMENTS, Space};
pub use surface::Surface;
pub use value::{DType, Value};
