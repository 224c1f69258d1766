//! Episodes at their border: virtual time, a simulated network, seeded keys.
// Helpers of tests may panic too; clippy knows only the test functions.
#![allow(clippy::unwrap_used)]

mod drawing;
#[cfg(feature = "fault-injection")]
mod fault;
mod flush;
mod foreign;
mod input;
mod journal;
mod mixer;
mod outbox;
mod parity;
mod plan;
mod python;
mod random;
mod rejoining;
mod routing;
mod served;
mod world;
