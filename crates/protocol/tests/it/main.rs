//! The borders of the protocol: golden bytes, bounds, and hostile input.

mod bounds;
mod golden;
mod hostile;
mod sample;
