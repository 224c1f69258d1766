//! A folder that is complete or not there at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use igym_dataset::Sink;

/// A file that only an export has.
const MARK: &str = "columns.json";

/// Files are written beside the folder and take its place when all are there.
pub(crate) struct NewFolder {
    target: PathBuf,
    work: PathBuf,
    done: bool,
}

impl NewFolder {
    /// Begins to write `target`. An earlier export there will be replaced; anything else is an
    /// error.
    pub(crate) fn begin(target: &Path) -> Result<Self> {
        if !is_free(target)? {
            bail!(
                "{} holds files that are no export, and they stay as they are\n  hint: choose \
                 another folder with --out",
                target.display()
            );
        }
        let cannot = || format!("cannot write to {}", target.display());
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(cannot)?;
        }
        let work = beside(target, "part");
        // Of a process with this number that was killed.
        remove(&work).with_context(cannot)?;
        fs::create_dir(&work).with_context(cannot)?;
        Ok(Self {
            target: target.to_owned(),
            work,
            done: false,
        })
    }

    /// Puts the folder in its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        let swap = || -> io::Result<()> {
            let old = beside(&self.target, "old");
            remove(&old)?;
            match fs::rename(&self.target, &old) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                renamed => renamed?,
            }
            fs::rename(&self.work, &self.target)?;
            remove(&old)
        };
        swap().with_context(|| format!("cannot write to {}", self.target.display()))?;
        self.done = true;
        Ok(())
    }
}

impl Sink for NewFolder {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn Write + Send>> {
        let path = self.work.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(Box::new(File::create_new(path)?))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.done {
            // The first error was reported; this is only about tidiness.
            let _ = remove(&self.work);
        }
    }
}

/// Whether nothing but an earlier export would be lost.
fn is_free(target: &Path) -> Result<bool> {
    let cannot = || format!("cannot look into {}", target.display());
    match fs::read_dir(target) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        entries => {
            let empty = entries.with_context(cannot)?.next().is_none();
            Ok(empty || target.join(MARK).is_file())
        }
    }
}

/// A hidden sibling.
fn beside(target: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.{what}", std::process::id()));
    target.with_file_name(name)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
