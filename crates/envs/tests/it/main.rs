//! The environments at their border.
// Helpers of tests may panic too; clippy knows only the test functions.
#![allow(clippy::unwrap_used)]

mod catalogue;
mod differential;
mod golden;
mod rules;
mod runtime;
mod scene;
