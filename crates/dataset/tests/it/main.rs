//! Border tests: journals are made as pages make them, then judged and exported.
#![allow(clippy::unwrap_used)]

mod commons;
mod exporting;
mod foreign;
mod formats;
mod history;
mod journal;
mod judging;
mod pages;
mod played;
mod support;
mod tables;
