//! The environments at their border.

mod catalogue;
mod differential;
mod golden;
mod rules;
mod scene;
