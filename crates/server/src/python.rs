//! What pages load for environments in Python: a lock, and the files that it names.
//!
//! All of it is in memory, checked. A request can only name one of these files, so no path that a
//! client makes up ever reaches the file system. Everything is known by its content and never
//! changes.

use std::collections::BTreeMap;

use axum::body::Bytes;
use igym_pyworker::Bundle;

use crate::{file::File, pages::content_type};

#[derive(Default)]
pub(crate) struct Python {
    /// By what follows `/python/`.
    files: BTreeMap<String, File>,
}

impl Python {
    pub(crate) fn new(bundle: Option<&Bundle>) -> Self {
        let Some(bundle) = bundle else {
            return Self::default();
        };
        let Bundle {
            digest,
            lock,
            files,
        } = bundle;
        let contents: BTreeMap<_, Bytes> = files
            .iter()
            .map(|(digest, content)| (digest, Bytes::from(content.clone())))
            .collect();
        let file = |content: &Bytes, name: &str| File::new(content.clone(), content_type(name));
        let mut served = BTreeMap::new();
        let name = format!("{digest}.json");
        served.insert(name.clone(), file(&lock.canonical().into(), &name));
        for (digest, content) in &contents {
            served.insert(format!("blobs/{digest}"), file(content, ""));
        }
        // Pyodide finds its own files by their names, beside each other.
        for own in &lock.core {
            if let Some(content) = contents.get(&own.sha256) {
                let path = format!("core/{}/{}", lock.pyodide, own.name);
                served.insert(path, file(content, &own.name));
            }
        }
        Self { files: served }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }
}
