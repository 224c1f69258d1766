//! Studies to prepare, and one cache for all runs of the tests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use igym_pyworker::{
    Environment, Omit, Platform, PreparedFolder, Preparing, Progress, PythonStudy,
};
use serde_json::json;
use tempfile::TempDir;

/// What `cargo xtask` builds before it tests.
pub(crate) fn platform() -> Platform {
    let dist = repository().join("web/dist");
    Platform::load(|path| fs::read(dist.join(path)).ok())
        .expect("cargo xtask web has built the pages")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where wheels and programs stay from one run to the next.
pub(crate) fn cache() -> PathBuf {
    repository().join("target/python-cache")
}

pub(crate) fn preparing() -> Preparing {
    Preparing {
        cache: cache(),
        wheels: None,
        upgrade: false,
        allowed: BTreeSet::new(),
        install_node: false,
    }
}

/// A study's folder and its data folder.
pub(crate) struct Place {
    folder: PathBuf,
    /// It goes with the place.
    _temporary: Option<TempDir>,
    /// Another run of the tests waits until this one has ended.
    _alone: Option<File>,
}

impl Place {
    /// Empty but for these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        Self {
            folder: folder.path().to_owned(),
            _temporary: Some(folder),
            _alone: None,
        }
        .with(files)
    }

    /// The same, for one that lives as long as the tests run: nobody would remove a temporary folder.
    pub(crate) fn kept(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let alone = File::create(folder.with_extension("lock")).expect("a file");
        alone.lock().expect("nobody holds it for ever");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("what an earlier run left can be removed");
        }
        Self {
            folder,
            _temporary: None,
            _alone: Some(alone),
        }
        .with(files)
    }

    fn with(self, files: &[(&str, &str)]) -> Self {
        fs::create_dir_all(self.folder.join("study")).expect("a folder");
        for (name, content) in files {
            self.write(name, content);
        }
        self
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.folder.join("study").join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn prepared(&self) -> PreparedFolder {
        PreparedFolder::of(&self.folder.join("data"))
    }

    /// A study of this folder with one environment.
    pub(crate) fn study(&self, name: &str, configuration: serde_json::Value) -> PythonStudy {
        PythonStudy {
            folder: self.folder.join("study"),
            environments: vec![Environment {
                name: name.to_owned(),
                treatment: None,
                configuration,
            }],
            ..PythonStudy::default()
        }
    }
}

/// Slime volleyball from the index, as two people would play it.
pub(crate) fn slimevb(place: &Place) -> PythonStudy {
    let mut study = place.study(
        "volley",
        json!({"environment": {"target": "slime_volleyball.slimevolley_env:SlimeVolleyEnv",
                "kwargs": {"config": {"human_inputs": true}}},
            "bindings": [1, 2, 3], "default_action": 0}),
    );
    study.packages = vec!["slimevb==0.1.1".to_owned()];
    study.omit = vec![Omit {
        package: "opencv-python".to_owned(),
        imports: Vec::new(),
    }];
    study
}

/// An environment of the study's own that needs no package.
pub(crate) const COUNTER: &str = include_str!("counter.py");

/// Keeps what it is told.
#[derive(Default)]
pub(crate) struct Heard {
    steps: Mutex<Vec<String>>,
    notes: Mutex<Vec<String>>,
}

impl Heard {
    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn steps(&self) -> Vec<String> {
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Progress for Heard {
    fn step(&self, what: &str) {
        eprintln!("{what}");
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what.to_owned());
    }

    fn note(&self, text: &str) {
        eprintln!("note: {text}");
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.to_owned());
    }
}
