//! The study's own Python files, as one archive.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::path::{Component, Path};

use crate::PrepareError;
use crate::archive::zip;

/// Every participant loads them.
const MOST_BYTES: u64 = 64 << 20;
const MOST_FILES: usize = 10_000;

/// Every `.py` of the study's folder and of the packages in it (folders with an `__init__.py`), and
/// `files`: files, or folders with everything in them, beside the study file.
pub(crate) fn archive(folder: &Path, files: &[String]) -> Result<Vec<u8>, PrepareError> {
    let mut sources = Sources::default();
    sources.modules(folder, "")?;
    for name in files {
        sources.named(folder, name)?;
    }
    let files = sources.files.iter();
    Ok(zip(files.map(|(name, content)| (&**name, &**content))))
}

/// By name with forward slashes; sorted, so that an archive is the same wherever it is made.
#[derive(Default)]
struct Sources {
    files: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Sources {
    fn modules(&mut self, folder: &Path, prefix: &str) -> Result<(), PrepareError> {
        for (name, kind) in entries(folder)? {
            let path = folder.join(&name);
            if kind.is_file() && name.ends_with(".py") {
                self.add(&path, format!("{prefix}{name}"))?;
            } else if kind.is_dir() && path.join("__init__.py").is_file() {
                self.modules(&path, &format!("{prefix}{name}/"))?;
            }
        }
        Ok(())
    }

    fn named(&mut self, folder: &Path, name: &str) -> Result<(), PrepareError> {
        let relative = Path::new(name);
        let plain = |part| matches!(part, Component::Normal(_));
        if name.is_empty() || !relative.components().all(plain) {
            return Err(PrepareError::Study {
                what: format!(
                    "python.files: {name:?} is not a file or folder below the study's: name it from \
                     there, without `..`"
                ),
            });
        }
        let path = folder.join(relative);
        let about = fs::metadata(&path).map_err(|error| PrepareError::Study {
            what: format!("python.files: cannot read {}: {error}", path.display()),
        })?;
        let name = name.trim_end_matches('/').to_owned();
        match about.is_dir() {
            true => self.everything(&path, &format!("{name}/")),
            false => self.add(&path, name),
        }
    }

    fn everything(&mut self, folder: &Path, prefix: &str) -> Result<(), PrepareError> {
        for (name, kind) in entries(folder)? {
            let path = folder.join(&name);
            if kind.is_file() {
                self.add(&path, format!("{prefix}{name}"))?;
            } else if kind.is_dir() {
                self.everything(&path, &format!("{prefix}{name}/"))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, name: String) -> Result<(), PrepareError> {
        let content = fs::read(path).map_err(|source| PrepareError::file(path, source))?;
        self.bytes += content.len() as u64;
        self.files.insert(name, content);
        if self.bytes > MOST_BYTES || self.files.len() > MOST_FILES {
            return Err(PrepareError::Study {
                what: format!(
                    "the study's Python files are more than {} MB or {MOST_FILES} files, with {}: \
                     every participant would load them; keep the study in a folder of its own",
                    MOST_BYTES >> 20,
                    path.display()
                ),
            });
        }
        Ok(())
    }
}

/// Names that are text, but for hidden ones and what Python itself leaves. Links are not followed.
fn entries(folder: &Path) -> Result<Vec<(String, FileType)>, PrepareError> {
    let cannot = |source| PrepareError::file(folder, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let kind = entry.file_type().map_err(cannot)?;
        match entry.file_name().into_string() {
            Ok(name) if !name.starts_with('.') && name != "__pycache__" => found.push((name, kind)),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_packages_and_named_files_are_taken_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "env.py",
            "study.toml",
            "game/__init__.py",
            "game/rules.py",
            "game/notes.txt",
            "game/__pycache__/rules.cpython-313.pyc",
            "venv/lib/thing.py",
            "levels/one.txt",
            "levels/deep/two.txt",
            ".hidden.py",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let mut sources = Sources::default();
        sources.modules(root, "").unwrap();
        sources.named(root, "levels/").unwrap();
        let names: Vec<&str> = sources.files.keys().map(String::as_str).collect();
        let expected = ["env.py", "game/__init__.py", "game/rules.py"];
        assert_eq!(names[..3], expected);
        assert_eq!(names[3..], ["levels/deep/two.txt", "levels/one.txt"]);
        let files = ["levels".to_owned()];
        assert_eq!(
            archive(root, &files).unwrap(),
            archive(root, &files).unwrap()
        );
        for wrong in ["..", "../x", "/etc/passwd", "missing.txt", "", "."] {
            let error = sources.named(root, wrong).unwrap_err();
            assert!(
                matches!(error, PrepareError::Study { .. }),
                "{wrong}: {error}"
            );
        }
    }
}
