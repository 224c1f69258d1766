//! The study server: the adapters between participants' pages, the study and the journal.
//!
//! - [`serve`] answers HTTP (the built pages, a small JSON interface) and one WebSocket per
//!   participant.
//! - One task owns the [`Study`](igym_study::Study). It makes what the study decides durable
//!   before anybody hears of it.
//! - Uploads go from the connection straight to the journal, and are acknowledged when they are on
//!   disk.
//! - A server that starts on the data of one before it goes on where that one stopped or was
//!   killed.
//! - A participant is whoever holds the token that this server issued. Nothing in a message says
//!   who sent it; everything in a message is checked before it has an effect.
//!
//! This is the only crate with a socket, a clock and a task. It decides nothing about a study: that
//! is `igym-study`'s business. It never logs a token.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use igym_server::{ServerOptions, serve};
//! use igym_storage_sqlite::SqliteStore;
//! use igym_study::StudyConfig;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let source = std::fs::read_to_string("study.toml")?;
//! let study = StudyConfig::parse(&source, "study.toml")?;
//! let data_dir = std::path::PathBuf::from("data");
//! let store = Arc::new(SqliteStore::open(&data_dir)?);
//! let options = ServerOptions::new(study, data_dir, "127.0.0.1:8000".parse()?);
//! let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or(()) };
//! let running = serve(options, store, interrupted).await?;
//! println!("participants: http://{}/", running.address());
//! running.finished().await?;
//! # Ok(())
//! # }
//! ```

mod actor;
mod arrivals;
mod assets;
mod bucket;
mod clock;
mod commit;
mod connection;
mod error;
mod exposition;
mod file;
mod histories;
mod http;
mod intake;
mod judge;
mod lane;
mod lanes;
mod mailbox;
mod metrics;
mod options;
mod origin;
mod pages;
mod population;
mod python;
mod recall;
mod registry;
mod relays;
mod roster;
mod running;
mod sockets;
mod state;
mod summary;
mod token;
mod upload;
mod websocket;

pub use error::ServeError;
pub use options::{Rate, ServerOptions, Tuning};
pub use pages::built_file;
pub use running::{Running, serve};
pub use summary::Summary;
