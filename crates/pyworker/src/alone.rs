//! One at a time: programs that install into a cache that they share.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use crate::{PrepareError, Progress};

/// Held by whoever changes a part of the cache. The operating system lets go of it when the process ends, so
/// one that was killed leaves nothing to clean up.
pub(crate) struct Alone(File);

impl Alone {
    /// Waits until nobody else has this part.
    pub(crate) fn with(
        cache: &Path,
        part: &str,
        progress: &dyn Progress,
    ) -> Result<Self, PrepareError> {
        let path = cache.join(format!("{part}.lock"));
        let cannot = |source| PrepareError::file(&path, source);
        fs::create_dir_all(cache).map_err(cannot)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.step("waiting for another igym that installs into the same cache");
                file.lock().map_err(cannot)?;
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        Ok(Self(file))
    }
}

impl Drop for Alone {
    /// Closing the file would do, if a process that is just being started had not got it, too.
    fn drop(&mut self) {
        // If this fails, closing the file is what is left.
        drop(self.0.unlock());
    }
}
