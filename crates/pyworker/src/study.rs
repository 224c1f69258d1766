//! What a study says about its Python, and what preparing it needs to know.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::resolve::name_of;

/// The Python of a study.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PythonStudy {
    /// The folder of the study file.
    pub folder: PathBuf,
    /// Requirements, as PEP 508 has them.
    pub packages: Vec<String>,
    /// Requirements of packages that are dropped.
    pub omit: Vec<Omit>,
    /// Modules that are imported before the stubs of what is omitted are made.
    pub imports: Vec<String>,
    /// Files and folders that come along with the modules of the study's folder.
    pub files: Vec<String>,
    /// Those of each scene that has any in Python, in their order.
    pub environments: Vec<Environment>,
    /// Those of them, by the names of their scenes, that may play differently from run to run.
    pub allowed: BTreeSet<String>,
}

/// A requirement that is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omit {
    pub package: String,
    /// Its modules, which are empty from then on. Empty: those that are known of the package, or one
    /// of its name.
    pub imports: Vec<String>,
}

/// An environment of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The scene's id.
    pub name: String,
    /// The id of the treatment with which the scene plays it; none for the scene's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<String>,
    /// What `open_runtime` takes, without `base` and without what an episode decides.
    pub configuration: Json,
}

/// How to prepare.
#[derive(Clone, Debug)]
pub struct Preparing {
    /// Where programs and wheels are kept that any study may need.
    pub cache: PathBuf,
    /// A folder of wheels, looked into before anything else.
    pub wheels: Option<PathBuf>,
    /// Resolve again, although the packages of this study were resolved before.
    pub upgrade: bool,
    /// Environments, by the names of their scenes, that may play differently from run to run, besides those
    /// that the study allows.
    pub allowed: BTreeSet<String>,
    /// Node may be installed into the cache if there is none.
    pub install_node: bool,
}

/// The modules of packages whose modules have other names.
const MODULES: [(&str, &str); 11] = [
    ("opencv-contrib-python-headless", "cv2"),
    ("opencv-contrib-python", "cv2"),
    ("opencv-python", "cv2"),
    ("opencv-python-headless", "cv2"),
    ("pillow", "PIL"),
    ("pygame-ce", "pygame"),
    ("pymunk", "pymunk"),
    ("pyopengl", "OpenGL"),
    ("pyyaml", "yaml"),
    ("scikit-image", "skimage"),
    ("scikit-learn", "sklearn"),
];

impl Environment {
    /// What messages call it.
    pub fn title(&self) -> String {
        title(&self.name, self.treatment.as_deref())
    }
}

/// A scene by its id, and one of its treatments.
pub(crate) fn title(scene: &str, treatment: Option<&str>) -> String {
    match treatment {
        Some(treatment) => format!("{scene} (treatment {treatment})"),
        None => scene.to_owned(),
    }
}

impl PythonStudy {
    /// The modules that are to be empty ones.
    pub(crate) fn stubs(&self) -> Vec<String> {
        self.omit.iter().flat_map(Omit::modules).collect()
    }

    /// What opens an environment in a Python that was not started from the lock.
    pub(crate) fn native(&self, configuration: &Json) -> Json {
        let mut complete = based(configuration, &self.folder.display().to_string());
        if let Some(environment) = complete["environment"].as_object_mut() {
            environment.insert("imports".to_owned(), json!(self.imports));
            environment.insert("stubs".to_owned(), json!(self.stubs()));
        }
        complete
    }
}

/// The configuration with the folder that the study's files are in.
pub(crate) fn based(configuration: &Json, base: &str) -> Json {
    let mut complete = configuration.clone();
    if let Some(fields) = complete.as_object_mut() {
        fields.insert("base".to_owned(), json!(base));
    }
    complete
}

/// Where interpreters of a lock have the study's files.
pub(crate) const BASE: &str = "/igym/study";

impl Omit {
    fn modules(&self) -> Vec<String> {
        if !self.imports.is_empty() {
            return self.imports.clone();
        }
        let name = name_of(&self.package);
        let known = MODULES.iter().find(|(package, _)| *package == name);
        vec![known.map_or_else(
            || name.replace('-', "_"),
            |(_, module)| (*module).to_owned(),
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stubs_have_the_names_that_are_imported() {
        let omit = |package: &str, imports: &[&str]| Omit {
            package: package.to_owned(),
            imports: imports.iter().map(|name| (*name).to_owned()).collect(),
        };
        let study = PythonStudy {
            omit: vec![
                omit("OpenCV_Python", &[]),
                omit("some-thing", &[]),
                omit("matplotlib", &["matplotlib", "pylab"]),
            ],
            ..PythonStudy::default()
        };
        assert_eq!(study.stubs(), ["cv2", "some_thing", "matplotlib", "pylab"]);
    }
}
