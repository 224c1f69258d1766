//! A foreign environment's runtime, as an object of JavaScript.

use igym_gym::{ForeignError, ForeignErrorKind, Runtime};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = "
/** Runs an environment that is not in the module: bytes in, bytes out, as python/README.md says. */
export interface ForeignRuntime {
    reset(seed: number): Uint8Array;
    run(batch: Uint8Array): Uint8Array;
}
";

#[wasm_bindgen]
extern "C" {
    /// `ForeignRuntime`. What it is given is a copy that it may keep; what it gives is copied.
    #[wasm_bindgen(typescript_type = "ForeignRuntime")]
    pub type JsRuntime;

    #[wasm_bindgen(method, catch)]
    fn reset(this: &JsRuntime, seed: u32) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn run(this: &JsRuntime, batch: Vec<u8>) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(catch, js_name = String)]
    fn text(value: &JsValue) -> Result<String, JsValue>;
}

/// The object, for the rooms that know nothing of JavaScript.
pub(crate) struct Foreign(pub(crate) JsRuntime);

impl Runtime for Foreign {
    fn reset(&mut self, seed: u32) -> Vec<u8> {
        self.0.reset(seed).unwrap_or_else(|thrown| gone(&thrown))
    }

    fn run(&mut self, batch: &[u8]) -> Vec<u8> {
        let answer = self.0.run(batch.to_vec());
        answer.unwrap_or_else(|thrown| gone(&thrown))
    }
}

/// The answer of a runtime that threw: an interpreter that still runs tells its errors in answers.
fn gone(thrown: &JsValue) -> Vec<u8> {
    let thrown = text(thrown).unwrap_or_default();
    let message = format!("the interpreter failed: {thrown}");
    ForeignError::new(ForeignErrorKind::Runtime, message).answer()
}
