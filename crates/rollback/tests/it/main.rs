//! Tests at the crate's border: engines that talk over a simulated network, and bytes from anywhere.

#![allow(clippy::unwrap_used)]

mod authority;
mod bytes;
mod case;
mod closing;
mod contract;
mod delay;
mod desync;
mod duel;
mod example;
mod faults;
mod game;
mod hardships;
mod horizon;
mod host;
mod hostile;
mod joining;
mod journal;
mod leaving;
mod log;
mod moving;
mod network;
mod pacing;
mod packets;
mod parity;
mod players;
mod rejoin;
mod rejoining;
mod relay;
mod reload;
mod resync;
mod rng;
mod seats;
mod spectating;
mod states;
mod stats;
mod strategies;
mod timing;
mod timing_world;
mod traffic;
mod world;
