//! From a study to everything that browsers and headless interpreters need to run it.

use std::path::Path;
use std::time::Instant;

use igym_gym::ForeignError;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::doctor::{self, Diagnosis};
use crate::folder::canonical_digest;
use crate::interpreters::Interpreters;
use crate::lock::{Archive, CoreFile, FORMAT, HASH_SEED};
use crate::native::{self, Comparison};
use crate::packages::{self, Resolved};
use crate::study::{BASE, based, title};
use crate::trial::{self, about};
use crate::{
    Digest, Environment, Lock, Node, PYODIDE, Platform, PrepareError, PreparedFolder, Preparing,
    Progress, PythonStudy, sources,
};

/// A study whose Python can be served.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedStudy {
    pub lock: Digest,
    /// What each environment says of itself, in the order of the study's. The same whenever the
    /// study is.
    pub descriptions: Vec<Json>,
    pub report: Report,
}

/// What preparing found out, for the researcher.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What a participant loads before the first game, in bytes.
    pub bytes: u64,
    /// How long an interpreter took to start here, in milliseconds.
    pub start_ms: u64,
    /// `slimevb 0.1.1`
    pub packages: Vec<String>,
    pub environments: Vec<EnvironmentReport>,
    /// What the researcher should know.
    pub notes: Vec<String>,
}

/// What preparing found out about an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentReport {
    /// The scene's id.
    pub name: String,
    /// The id of the treatment with which the scene plays it; none for the scene's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<String>,
    /// Whether it played the same in all interpreters.
    pub deterministic: bool,
    /// What the doctor says.
    pub diagnosis: String,
    /// What playing costs.
    pub costs: String,
    /// What each participant uploads per frame, in bytes.
    pub frame_bytes: f64,
    /// What the researcher should know.
    pub notes: Vec<String>,
}

impl EnvironmentReport {
    /// What messages call it.
    pub fn title(&self) -> String {
        title(&self.name, self.treatment.as_deref())
    }
}

/// A study that was prepared, as it is remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    lock: Digest,
    descriptions: Vec<Json>,
    report: Report,
}

/// What the doctor is remembered to have found.
#[derive(Serialize, Deserialize)]
struct Findings {
    #[serde(flatten)]
    diagnosis: Diagnosis,
    notes: Vec<String>,
}

/// What was prepared of exactly this study, with every file checked; nothing if it was not. It needs
/// no network, no Node and no Python.
pub fn find(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
) -> Result<Option<PreparedStudy>, PrepareError> {
    let sources = sources::archive(&study.folder, &study.files)?;
    find_with(study, folder, platform, &Digest::of(&sources))
}

fn find_with(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
    sources: &Digest,
) -> Result<Option<PreparedStudy>, PrepareError> {
    let inputs = inputs(study, platform, sources);
    let Some(remembered) = folder.recall::<Remembered>("study", &inputs) else {
        return Ok(None);
    };
    folder.bundle(&remembered.lock)?;
    Ok(Some(PreparedStudy {
        lock: remembered.lock,
        descriptions: remembered.descriptions,
        report: remembered.report,
    }))
}

/// All that decides what preparing comes to, but for what was resolved.
fn inputs(study: &PythonStudy, platform: &Platform, sources: &Digest) -> Digest {
    let python = (
        &study.packages,
        &study.omit,
        &study.imports,
        &study.environments,
        &study.allowed,
    );
    canonical_digest(&(FORMAT, python, sources, platform.digest()))
}

/// Whether the study fits its environments, from what they say of themselves.
pub type Fits<'a> = dyn Fn(&PreparedStudy) -> bool + 'a;

/// Prepares a study, or finds that it is prepared: resolves and fetches its packages, then opens
/// each environment, plays some seconds of it, and examines whether it plays the same from run to
/// run.
pub fn prepare(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
    preparing: &Preparing,
    progress: &dyn Progress,
) -> Result<PreparedStudy, PrepareError> {
    prepare_if(study, folder, platform, preparing, progress, &|_| true)
}

/// Like [`prepare`]. `fits` is given the study before its environments are examined, which takes minutes, with no
/// report of them yet; if it says no, so does this, with [`PrepareError::Declined`].
pub fn prepare_if(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
    preparing: &Preparing,
    progress: &dyn Progress,
    fits: &Fits<'_>,
) -> Result<PreparedStudy, PrepareError> {
    let sources = sources::archive(&study.folder, &study.files)?;
    let digest = Digest::of(&sources);
    if !preparing.upgrade {
        match find_with(study, folder, platform, &digest) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            // What is damaged is written again.
            Err(error) => progress.note(&error.to_string()),
        }
    }
    let examined = examined(study, folder, platform, preparing, &sources, progress, fits);
    let prepared = examined?;
    for environment in &prepared.report.environments {
        let allowed = [&study.allowed, &preparing.allowed];
        let allowed = allowed
            .iter()
            .any(|names| names.contains(&environment.name));
        if !environment.deterministic && !allowed {
            return Err(PrepareError::Nondeterministic {
                scene: environment.name.clone(),
                report: environment.diagnosis.clone(),
            }
            .noted(&prepared.report.notes));
        }
    }
    let remembered = Remembered {
        lock: prepared.lock.clone(),
        descriptions: prepared.descriptions.clone(),
        report: prepared.report.clone(),
    };
    folder.remember("study", &inputs(study, platform, &digest), &remembered)?;
    Ok(prepared)
}

/// What the doctor says about a study's environments. Unlike [`prepare`] it refuses none.
pub fn diagnose(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
    preparing: &Preparing,
    progress: &dyn Progress,
) -> Result<Report, PrepareError> {
    let sources = sources::archive(&study.folder, &study.files)?;
    if let Ok(Some(found)) = find_with(study, folder, platform, &Digest::of(&sources)) {
        return Ok(found.report);
    }
    let examined = examined(
        study,
        folder,
        platform,
        preparing,
        &sources,
        progress,
        &|_| true,
    );
    Ok(examined?.report)
}

fn examined(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
    preparing: &Preparing,
    sources: &[u8],
    progress: &dyn Progress,
    fits: &Fits<'_>,
) -> Result<PreparedStudy, PrepareError> {
    let node = match Node::find(&preparing.cache) {
        Err(_) if preparing.install_node => Node::install(&preparing.cache, progress)?,
        found => found?,
    };
    let resolved = match packages::recall(folder, study).filter(|_| !preparing.upgrade) {
        Some(resolved) => resolved,
        None => packages::resolve(folder, study, preparing, progress)?,
    };
    for note in &resolved.notes {
        progress.note(note);
    }
    let lock = locked(study, folder, platform, sources, &resolved)?;
    let digest = folder.put_lock(&lock)?;
    let interpreters = Interpreters {
        node: &node,
        program: platform.headless(&preparing.cache)?,
        folder,
        lock: &digest,
    };
    played(
        study,
        folder,
        &lock,
        &interpreters,
        &resolved,
        progress,
        fits,
    )
    .map_err(|error| error.noted(&resolved.notes))
}

/// Opens, plays and examines each environment.
fn played(
    study: &PythonStudy,
    folder: &PreparedFolder,
    lock: &Lock,
    interpreters: &Interpreters<'_>,
    resolved: &Resolved,
    progress: &dyn Progress,
    fits: &Fits<'_>,
) -> Result<PreparedStudy, PrepareError> {
    progress.step("starting Python");
    let since = Instant::now();
    let mut headless = interpreters.start(None)?;
    headless.versions()?;
    let report = Report {
        bytes: lock.bytes(),
        start_ms: since.elapsed().as_millis() as u64,
        packages: names(resolved),
        environments: Vec::new(),
        notes: resolved.notes.clone(),
    };
    let pool = interpreters.pool(1);
    pool.adopt(headless);
    let (mut descriptions, mut costs) = (Vec::new(), Vec::new());
    for environment in &study.environments {
        let name = &environment.title();
        progress.step(&format!("playing {name}"));
        let configuration = based(&environment.configuration, BASE);
        let opened = pool.open(&configuration.to_string());
        let runtime = opened.map_err(|error| about(name, error))?;
        let description = runtime.description().clone();
        checked(name, &description)?;
        costs.push(trial::play(runtime, name, &configuration)?);
        descriptions.push(description);
    }
    let mut prepared = PreparedStudy {
        lock: interpreters.lock.clone(),
        descriptions: descriptions.iter().cloned().map(trial::lasting).collect(),
        report,
    };
    if !fits(&prepared) {
        return Err(PrepareError::Declined);
    }
    let opened = descriptions.iter().zip(costs);
    for (environment, (description, costs)) in study.environments.iter().zip(opened) {
        let mut notes = texts(&description["notes"]);
        let found = findings(study, folder, lock, interpreters, environment, progress)?;
        notes.extend(found.notes);
        prepared.report.environments.push(EnvironmentReport {
            name: environment.name.clone(),
            treatment: environment.treatment.clone(),
            deterministic: found.diagnosis.deterministic,
            diagnosis: found.diagnosis.text,
            costs: costs.text(),
            frame_bytes: costs.frame_bytes,
            notes,
        });
    }
    Ok(prepared)
}

/// Writes all files into the folder and says what they are.
fn locked(
    study: &PythonStudy,
    folder: &PreparedFolder,
    platform: &Platform,
    sources: &[u8],
    resolved: &Resolved,
) -> Result<Lock, PrepareError> {
    let mut core = Vec::new();
    for (name, content) in &platform.core {
        core.push(CoreFile {
            name: (*name).to_owned(),
            sha256: folder.put(content)?,
            bytes: content.len() as u64,
        });
    }
    let archive = |file: &str, content: &[u8]| {
        Ok::<_, PrepareError>(Archive {
            file: file.to_owned(),
            sha256: folder.put(content)?,
            bytes: content.len() as u64,
        })
    };
    Ok(Lock {
        format: FORMAT,
        pyodide: PYODIDE.to_owned(),
        hash_seed: HASH_SEED.to_owned(),
        core,
        packages: resolved.packages.clone(),
        platform: archive("interactive_gym.zip", &platform.package)?,
        study: archive("study.zip", sources)?,
        stubs: study.stubs(),
        imports: study.imports.clone(),
    })
}

/// A runtime that cannot be trusted to play the same as others is not used.
fn checked(name: &str, description: &Json) -> Result<(), PrepareError> {
    let hash_seed = description["hash_seed"].as_str().unwrap_or_default();
    match hash_seed == HASH_SEED {
        true => Ok(()),
        false => Err(PrepareError::Unusable {
            name: name.to_owned(),
            what: format!("Python was started with the hash seed {hash_seed:?}, not {HASH_SEED:?}"),
        }),
    }
}

/// What the doctor finds, or has found in the same environment of the same lock.
fn findings(
    study: &PythonStudy,
    folder: &PreparedFolder,
    lock: &Lock,
    interpreters: &Interpreters<'_>,
    environment: &Environment,
    progress: &dyn Progress,
) -> Result<Findings, PrepareError> {
    let name = &environment.title();
    let configuration = &environment.configuration;
    let key = canonical_digest(&(
        interpreters.lock,
        name,
        configuration,
        doctor::FRAMES,
        doctor::SEED,
    ));
    if let Some(known) = folder.recall("doctor", &key) {
        return Ok(known);
    }
    let examined = doctor::examine(interpreters, &based(configuration, BASE), name, progress);
    let diagnosis = examined.map_err(|error| about(name, error))?;
    let mut notes: Vec<String> = diagnosis
        .suspects
        .iter()
        .filter(|line| diagnosis.deterministic && !line.contains(LIBRARY))
        .map(|line| format!("it calls {line}; nothing differed, but see that nothing comes of it"))
        .collect();
    progress.step(&format!("comparing {name} with this machine's own Python"));
    let package = folder.blob_path(&lock.platform.sha256);
    let native = study.native(configuration);
    match native::compare(Path::new("python3"), &package, &native, &diagnosis.plain) {
        Comparison::Same => notes.push("this machine's own Python plays the same".to_owned()),
        Comparison::Different(what) => notes.push(format!(
            "natively it plays differently ({what}): an agent that was trained there may act \
             differently here"
        )),
        Comparison::Skipped(why) => {
            notes.push(format!(
                "not compared with this machine's own Python: {why}"
            ));
        }
    }
    let found = Findings { diagnosis, notes };
    folder.remember("doctor", &key, &found)?;
    Ok(found)
}

fn names(resolved: &Resolved) -> Vec<String> {
    let packages = resolved.packages.iter();
    packages
        .map(|package| format!("{} {}", package.name, package.version))
        .collect()
}

fn texts(list: &Json) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Where Pyodide has Python's own modules: what they do is known.
const LIBRARY: &str = "/lib/python313.zip/";

/// What Python raised, for whoever shows it in another way.
impl PrepareError {
    /// The error that the environment raised, if that is what it is.
    pub fn raised(&self) -> Option<&ForeignError> {
        match self {
            Self::Environment { error, .. } => Some(error),
            Self::Noted { error, .. } => error.raised(),
            _ => None,
        }
    }
}
