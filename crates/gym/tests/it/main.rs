//! The gym at its border.

mod canonical;
mod display;
mod numpy;
mod simulation;
mod surface;
mod toy;
