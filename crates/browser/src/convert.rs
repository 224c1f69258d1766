//! Between JavaScript's numbers and ours.

use std::fmt::Display;

use igym_rollback::Micros;
use wasm_bindgen::JsError;

/// Milliseconds to microseconds; what is not a time counts as 0.
pub(crate) fn micros(milliseconds: f64) -> Micros {
    Micros((milliseconds * 1e3).round() as u64)
}

/// Microseconds to milliseconds.
pub(crate) fn milliseconds(at: Micros) -> f64 {
    at.0 as f64 / 1e3
}

pub(crate) fn thrown(error: impl Display) -> JsError {
    JsError::new(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_border() {
        for ms in [0.0, 0.005, 16.667, 1_000_000.125] {
            assert!((milliseconds(micros(ms)) - ms).abs() < 0.001);
        }
        for odd in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(micros(odd), Micros(0));
        }
    }
}
