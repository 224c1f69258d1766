//! The borders of the protocol: golden bytes, bounds, and hostile input.

#![allow(clippy::unwrap_used)]

mod bounds;
mod golden;
mod hostile;
mod sample;
