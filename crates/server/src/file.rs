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

    /// The answer of [`gzip`](Self::gzip), if that takes no time.
    pub(crate) fn gzip_at_once(&self) -> Option<Option<Bytes>> {
        match self.content.len() < LEAST_BYTES {
            true => Some(None),
            false => self.gzip.get().cloned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_once_is_there_at_once() {
        let file = File::new(vec![7; 2 * LEAST_BYTES], "text/plain");
        assert_eq!(file.gzip_at_once(), None, "it takes time");
        let compressed = file.gzip();
        assert!(compressed.is_some());
        assert_eq!(file.clone().gzip_at_once(), Some(compressed));
        let small = File::new(vec![7; LEAST_BYTES - 1], "text/plain");
        assert_eq!(small.gzip_at_once(), Some(None));
        assert_eq!(small.gzip(), None);
    }
}
