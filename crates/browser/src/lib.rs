//! The WebAssembly surface of a peer: what the participant's Web Worker calls.
//!
//! It turns JavaScript's values (numbers of milliseconds, byte arrays, JSON) into those of
//! `igym-play` and back, and holds no logic of its own. Times are milliseconds of one monotonic
//! clock, as `performance.now()` gives them; which clock is the worker's business, as long as keys
//! are stamped by the same one.
//!
//! What it must never do: import anything but JavaScript's own functions (no `env`), swallow a
//! panic, or hold the test-only fault injection in a production build.

mod convert;
mod delivery;
mod episode;
mod outbox;
mod panic;
mod preview;
mod runtime;

pub use delivery::{Delivery, decode_delivery, encode_relay};
pub use episode::{Episode, Packet, foreign_configuration};
pub use outbox::{Kept, Outbox, Settled};
pub use preview::{ForeignPreview, preview};
pub use runtime::JsRuntime;

use wasm_bindgen::prelude::*;

/// BLAKE3 of `bytes` in hexadecimal digits: of this module's own bytes, the build digest.
#[wasm_bindgen]
pub fn digest_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// What VALIDATING compares of an environment: its id, the version compiled in, its configuration.
#[wasm_bindgen]
pub fn environment_digest(id: &str, config: &str) -> String {
    igym_envs::environment_digest(id, config)
}

/// The parity probe of `igym-envs`: every build of it must return the same text.
#[wasm_bindgen]
pub fn reference_trajectory(seed: u32, frames: u32) -> String {
    igym_envs::reference_trajectory(seed, frames)
}

/// Runs once, when the module is instantiated.
#[wasm_bindgen(start)]
fn start() {
    panic::report_to_javascript();
}
