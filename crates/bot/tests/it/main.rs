//! Bots take part in studies of the real server, and pages of theirs die in play.

#![allow(clippy::unwrap_used)]

mod studies;
