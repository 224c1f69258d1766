//! Border tests of studies: configurations by their text, studies by their effects.
#![allow(clippy::unwrap_used)]

mod authors;
mod config;
mod config_errors;
mod config_python;
mod config_python_errors;
mod config_treatments;
mod cuts;
mod failures;
mod journal;
mod ledger;
mod life;
mod links;
mod machines;
mod noise;
mod ops;
mod pages;
mod raising;
mod random;
mod rejoins;
mod restarts;
mod treatments;
mod world;
