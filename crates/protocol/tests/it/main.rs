//! The borders of the protocol: golden bytes, bounds, and hostile input.

mod bounds;
#![allow(clippy::unwrap_used)]

mod golden;
mod hostile;
mod sample;
