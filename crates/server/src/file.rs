//! A file that is served: what is in it, and the same in fewer bytes.

use std::{
    io::{self, Write as _},
    sync::{Arc, OnceLock},
};

use axum::body::Bytes;
use flate2::{Compression, write::GzEncoder};

/// Smaller files fit into a packet or two anyway.
const LEAST_BYTES: usize = 4 * 1024;

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) content: Bytes,
    pub(crate) content_type: &'static str,
    /// Made when it is first asked for; none where it would save less than a tenth.
    gzip: Arc<OnceLock<Option<Bytes>>>,
}

impl File {
    pub(crate) fn new(content: impl Into<Bytes>, content_type: &'static str) -> Self {
        Self {
            content: content.into(),
            content_type,
            gzip: Arc::default(),
        }
    }

    /// The content in gzip, where that is worth it. The first call may take a second.
    pub(crate) fn gzip(&self) -> Option<Bytes> {
        self.gzip
            .get_or_init(|| {
                let content = &self.content;
                if content.len() < LEAST_BYTES {
                    return None;
                }
                let compressed = compress(content).ok()?;
                let worth_it = compressed.len() < content.len() / 10 * 9;
                worth_it.then(|| compressed.into())
            })
            .clone()
    }
}

fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}
