//! A server to test, and pages that talk to it.

mod client;
mod http;
mod server;

pub(crate) use client::{Client, RawClient, hello, new_token};
pub(crate) use http::{request, request_with};
pub(crate) use server::{MODULE, TestServer};

use std::time::Duration;

/// Nothing here takes this long; a test that waits longer waits for something that never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits what must come.
pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} never came"))
}
