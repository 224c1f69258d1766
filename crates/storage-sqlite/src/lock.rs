//! Keeps two servers from sharing one data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write,
    path::Path,
};

use igym_storage::StorageError;

use crate::schema::io_error;

pub(crate) const FILE: &str = "journal.lock";

/// Held for as long as a server writes to the directory; the operating system lets go of it when
/// the process ends, so a killed server leaves nothing to clean up.
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    pub(crate) fn acquire(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| io_error(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                let holder = match holder.trim() {
                    "" => "unknown process",
                    holder => holder,
                };
                return Err(StorageError::InUse {
                    directory: directory.to_owned(),
                    holder: holder.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io_error(&path, &error)),
        }
        // Only for the message above: a full disk must not keep a server from starting.
        let note = file
            .set_len(0)
            .and_then(|()| writeln!(file, "process {}", std::process::id()));
        drop(note);
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Closing the file would do, if nobody else had it: a process that another thread is just
    /// starting has it too, for a moment.
    fn drop(&mut self) {
        // If this fails, closing the file is what is left.
        drop(self.file.unlock());
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn a_process_that_is_being_started_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(folder.path()).unwrap();
        assert!(Lock::acquire(folder.path()).is_err());
        let in_the_other_process = lock.file.try_clone().unwrap();
        drop(lock);
        Lock::acquire(folder.path()).unwrap();
        drop(in_the_other_process);
    }
}
