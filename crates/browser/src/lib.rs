//! The WebAssembly surface of a peer.

use wasm_bindgen::prelude::*;

/// BLAKE3 of `bytes` as hexadecimal digits.
#[wasm_bindgen]
pub fn digest_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
