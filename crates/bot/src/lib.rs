//! Participants without a browser: they load-test a study, fill its lobby, and stand in for people
//! in tests of the server.
//!
//! A [`Browser`] keeps what a real one keeps between page loads: the address with the token, and
//! uploads that the server has not acknowledged. A [`Page`] is one page load: a state machine that
//! follows the server's views, plays episodes with random keys on the same code as a participant's
//! worker, and uploads what it did. [`Browser::visit`] drives a page over a real WebSocket; dropping
//! its future is a crash of the page.
//!
//! Bots have no WebRTC: their packets go through the server's relay, so a study with `relay =
//! "never"` cannot be played by them. They simulate natively and vouch for the build that the server
//! gives to browsers, as the two are compared bit by bit when the project is tested; they refuse a
//! server of another version.
//!
//! They never act as somebody who has no token of their own, and they are not people: the journal
//! knows them by their user agent, `igym-bot`.

mod browser;
mod fingers;
mod page;
mod uploads;

pub use browser::{BotError, Browser, Ending};
pub use page::{Page, PageError, Transmit};
pub use uploads::{Acknowledged, Kept};
