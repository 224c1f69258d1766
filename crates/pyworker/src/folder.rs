//! The prepared folder: files by their content, locks, and what is remembered of preparing.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lock::{FORMAT, canonical};
use crate::{Digest, Lock, PrepareError};

/// Where a study's Python is kept: `python/` in its data folder. It can be copied to another machine,
/// which then needs no network.
#[derive(Clone, Debug)]
pub struct PreparedFolder {
    root: PathBuf,
}

/// A lock and all its files, checked: what browsers are served.
#[derive(Clone)]
pub struct Bundle {
    pub digest: Digest,
    pub lock: Lock,
    /// By digest.
    pub files: BTreeMap<Digest, Vec<u8>>,
}

/// Without the bytes of the files.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.digest.as_str();
        f.debug_struct("Bundle")
            .field("digest", &digest)
            .finish_non_exhaustive()
    }
}

impl PreparedFolder {
    /// The prepared folder of a data folder. Nothing is read or made yet.
    pub fn of(data_dir: &Path) -> Self {
        Self {
            root: data_dir.join("python"),
        }
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Reads a lock and all its files and checks every byte of them.
    pub fn bundle(&self, digest: &Digest) -> Result<Bundle, PrepareError> {
        let lock = self.lock(digest)?;
        let files: Result<_, PrepareError> = lock
            .blobs()
            .map(|(digest, _)| Ok((digest.clone(), self.blob(digest)?)))
            .collect();
        Ok(Bundle {
            digest: digest.clone(),
            files: files?,
            lock,
        })
    }

    /// Reads a lock.
    pub fn lock(&self, digest: &Digest) -> Result<Lock, PrepareError> {
        let path = self.root.join(format!("{digest}.json"));
        let text = read(&path)?;
        if Digest::of(&text) != *digest {
            return Err(PrepareError::Damaged { path });
        }
        let lock: Lock = serde_json::from_slice(&text)
            .map_err(|_| PrepareError::Damaged { path: path.clone() })?;
        match lock.format {
            FORMAT => Ok(lock),
            format => Err(PrepareError::Format { path, format }),
        }
    }

    pub(crate) fn put_lock(&self, lock: &Lock) -> Result<Digest, PrepareError> {
        let (text, digest) = (lock.canonical(), lock.digest());
        let path = self.root.join(format!("{digest}.json"));
        write(&path, text.as_bytes())?;
        Ok(digest)
    }

    /// The file with this content, checked.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Vec<u8>, PrepareError> {
        let path = self.blob_path(digest);
        let content = read(&path)?;
        match Digest::of(&content) == *digest {
            true => Ok(content),
            false => Err(PrepareError::Damaged { path }),
        }
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.as_str())
    }

    /// Keeps a file under its digest.
    pub(crate) fn put(&self, content: &[u8]) -> Result<Digest, PrepareError> {
        let digest = Digest::of(content);
        if self.blob(&digest).is_err() {
            write(&self.blob_path(&digest), content)?;
        }
        Ok(digest)
    }

    /// What was remembered under this name and of this, if anything was and it can be read.
    pub(crate) fn recall<T: DeserializeOwned>(&self, what: &str, of: &Digest) -> Option<T> {
        let text = fs::read(self.root.join(format!("{what}-{of}.json"))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(crate) fn remember(
        &self,
        what: &str,
        of: &Digest,
        value: &impl Serialize,
    ) -> Result<(), PrepareError> {
        let text = serde_json::to_vec_pretty(value).expect("texts, numbers and lists are JSON");
        write(&self.root.join(format!("{what}-{of}.json")), &text)
    }
}

/// The digest of a value's JSON.
pub(crate) fn canonical_digest(value: &impl Serialize) -> Digest {
    Digest::of(canonical(value).as_bytes())
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, PrepareError> {
    fs::read(path).map_err(|source| PrepareError::file(path, source))
}

/// Under its name a file is whole or not there.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), PrepareError> {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    let (process, part) = (std::process::id(), PARTS.fetch_add(1, Ordering::Relaxed));
    let partial = path.with_extension(format!("{process}-{part}.part"));
    let write = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::File::create(&partial)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|source| {
        // The first error is what matters; the rest may not even be there.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::debug!(%error, path = %partial.display(), "a partial file stays");
            }
            _ => {}
        }
        PrepareError::file(path, source)
    })
}
