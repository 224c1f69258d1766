//! The gym at its border.
// Helpers of tests may panic too; clippy knows only the test functions.
#![allow(clippy::unwrap_used)]

mod canonical;
mod display;
mod foreign;
mod numpy;
mod simulation;
mod surface;
mod toy;
mod vectors;
