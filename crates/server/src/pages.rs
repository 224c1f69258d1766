//! The built pages, read once when the server starts: what is served is what its digest says.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use axum::body::Bytes;
use rust_embed::Embed;

use crate::{ServeError, file::File};

const INDEX: &str = "index.html";
/// Where Pyodide's files are, a WebAssembly module of its own among them.
const PYODIDE: &str = "pyodide/";

/// The pages that were built into this program.
#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Embedded;

/// Folders beside the pages that are not pages: what a study in Python is prepared from. Participants
/// get it under its digests.
const NO_PAGES: [&str; 2] = ["pyodide/", "python/"];

/// A file of the built pages by its path: of a folder, or else of those in this program.
pub fn built_file(directory: Option<&Path>, path: &str) -> Option<Vec<u8>> {
    match directory {
        Some(directory) => fs::read(directory.join(path)).ok(),
        None => Some(Embedded::get(path)?.data.into_owned()),
    }
}

pub(crate) struct Pages {
    files: BTreeMap<String, File>,
    index: File,
    /// BLAKE3 of the WebAssembly module, in hexadecimal.
    build: String,
    module: Bytes,
}

impl Pages {
    /// Reads the pages of a folder, or else those in this program.
    pub(crate) fn load(directory: Option<&Path>) -> Result<Self, ServeError> {
        let files = match directory {
            Some(directory) => {
                let mut files = BTreeMap::new();
                read_folder(directory, "", &mut files).map_err(|(path, source)| {
                    match source.kind() {
                        io::ErrorKind::NotFound => ServeError::PagesMissing {
                            directory: Some(directory.to_owned()),
                        },
                        _ => ServeError::File { path, source },
                    }
                })?;
                files
            }
            None => Embedded::iter()
                .filter(|path| is_page(path))
                .filter_map(|path| {
                    let content = Embedded::get(&path)?.data.into_owned();
                    Some((path.into_owned(), content))
                })
                .collect(),
        };
        Self::new(files, directory)
    }

    fn new(files: BTreeMap<String, Vec<u8>>, directory: Option<&Path>) -> Result<Self, ServeError> {
        let directory = directory.map(Path::to_owned);
        let files: BTreeMap<String, File> = files
            .into_iter()
            .map(|(path, content)| {
                let file = File::new(content, content_type(&path));
                (path, file)
            })
            .collect();
        let Some(index) = files.get(INDEX).cloned() else {
            return Err(ServeError::PagesMissing { directory });
        };
        let modules: Vec<&File> = files
            .iter()
            .filter(|(path, _)| path.ends_with(".wasm") && !path.starts_with(PYODIDE))
            .map(|(_, file)| file)
            .collect();
        let [module] = modules[..] else {
            let found = modules.len();
            return Err(ServeError::NoModule { directory, found });
        };
        let module = module.content.clone();
        Ok(Self {
            build: blake3::hash(&module).to_hex().to_string(),
            module,
            index,
            files,
        })
    }

    pub(crate) fn index(&self) -> &File {
        &self.index
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    pub(crate) fn build(&self) -> &str {
        &self.build
    }

    /// Keeps the module that participants are given beside their data: years later it can say
    /// again what it said then.
    pub(crate) fn archive(&self, data_dir: &Path) -> Result<(), ServeError> {
        let builds = data_dir.join("builds");
        let path = builds.join(format!("{}.wasm", self.build));
        let write = || {
            if path.is_file() {
                return Ok(());
            }
            fs::create_dir_all(&builds)?;
            // Under its name it is whole or not there.
            let partial = path.with_extension("partial");
            fs::write(&partial, &self.module)?;
            fs::File::open(&partial)?.sync_all()?;
            fs::rename(&partial, &path)
        };
        write().map_err(|source| ServeError::File { path, source })
    }
}

fn is_page(path: &str) -> bool {
    !NO_PAGES.iter().any(|folder| path.starts_with(folder))
}

/// Reads all files below `folder`; their names have forward slashes on every system.
fn read_folder(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), (PathBuf, io::Error)> {
    let at_folder = |error| (folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(at_folder)? {
        let entry = entry.map_err(at_folder)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            let folder = format!("{name}/");
            if is_page(&folder) {
                read_folder(&path, &folder, files)?;
            }
        } else {
            let content = fs::read(&path).map_err(|error| (path, error))?;
            files.insert(name, content);
        }
    }
    Ok(())
}

pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> BTreeMap<String, Vec<u8>> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), b"content".to_vec()))
            .collect()
    }

    #[test]
    fn pages_have_an_index_and_one_module() {
        let names = ["index.html", "assets/b.wasm", "pyodide/pyodide.asm.wasm"];
        let pages = Pages::new(files(&names), None);
        assert_eq!(
            pages.unwrap().build(),
            blake3::hash(b"content").to_hex().as_str()
        );
        let error = |names| Pages::new(files(names), None).err().unwrap();
        assert!(matches!(
            error(&["assets/b.wasm"]),
            ServeError::PagesMissing { .. }
        ));
        for (names, expected) in [
            (&["index.html"][..], 0),
            (&["index.html", "a.wasm", "b.wasm"], 2),
        ] {
            assert!(
                matches!(error(names), ServeError::NoModule { found, .. } if found == expected)
            );
        }
    }

    #[test]
    fn what_python_is_made_of_is_no_page() {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"content").unwrap();
        };
        for path in [
            "index.html",
            "assets/b.wasm",
            "pyodide/c.wasm",
            "python/d.mjs",
        ] {
            write(path);
        }
        let pages = Pages::load(Some(directory.path())).unwrap();
        let names: Vec<_> = pages.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["assets/b.wasm", "index.html"]);
        let built = built_file(Some(directory.path()), "pyodide/c.wasm");
        assert_eq!(built.as_deref(), Some(&b"content"[..]));
    }

    #[test]
    fn the_module_is_kept_under_its_digest() {
        let directory = tempfile::tempdir().unwrap();
        let pages = Pages::new(files(&["index.html", "b.wasm"]), None).unwrap();
        for _ in 0..2 {
            pages.archive(directory.path()).unwrap();
        }
        let kept = fs::read_dir(directory.path().join("builds")).unwrap();
        let kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(kept, [format!("{}.wasm", pages.build()).as_str()]);
    }
}
