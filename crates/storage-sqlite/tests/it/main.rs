//! The SQLite journal, driven through the storage trait.

#![allow(clippy::unwrap_used)]

mod append;
mod crash;
mod full_disk;
mod open;
mod read;
mod support;
