//! The server over real HTTP and WebSocket connections, with a real journal.

#![allow(clippy::unwrap_used)]

mod assets;
mod episode;
mod forged;
mod forged_table;
mod greeting;
mod hostile;
mod journey;
mod judging;
mod kills;
mod lanes;
mod limits;
mod logs;
mod metrics;
mod origin;
mod pages;
mod python;
mod raising;
mod rejoining;
mod relays;
mod reloads;
mod restarts;
mod returning;
mod storage;
mod support;
mod uploads;
