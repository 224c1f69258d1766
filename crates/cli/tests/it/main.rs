//! The program as people run it: arguments in, text, files and an exit code out.
#![allow(clippy::unwrap_used)]

/// Played episodes, as in the tests of `igym-dataset`.
#[allow(dead_code)]
#[path = "../../../dataset/tests/it/support.rs"]
mod support;

mod commands;
mod data;
mod doctor;
mod program;
mod python;
mod serve;
