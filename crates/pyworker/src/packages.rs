//! A study's packages in the prepared folder: resolved once, and from then on the same.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::folder::canonical_digest;
use crate::lock::Package;
use crate::pylock::{self, Locked};
use crate::resolve::{self, CONSTRAINTS, PYTHON, Resolver, name_of};
use crate::tools::Tools;
use crate::wheels::{self, Work};
use crate::{Digest, PYODIDE, PrepareError, PreparedFolder, Preparing, Progress, PythonStudy};

/// What is remembered of resolving.
#[derive(Serialize, Deserialize)]
pub(crate) struct Resolved {
    pub(crate) packages: Vec<Package>,
    pub(crate) notes: Vec<String>,
}

/// What the packages depend on: not on what is installed on this machine, nor on the day.
fn inputs(study: &PythonStudy) -> Digest {
    let omit: Vec<&str> = study.omit.iter().map(|omit| &*omit.package).collect();
    canonical_digest(&(&study.packages, omit, CONSTRAINTS, PYTHON, PYODIDE))
}

/// The packages as they were resolved, if they were and all are there.
pub(crate) fn recall(folder: &PreparedFolder, study: &PythonStudy) -> Option<Resolved> {
    if study.packages.is_empty() {
        let (packages, notes) = Default::default();
        return Some(Resolved { packages, notes });
    }
    let resolved: Resolved = folder.recall("packages", &inputs(study))?;
    let there = |package: &Package| folder.blob(&package.sha256).is_ok();
    resolved.packages.iter().all(there).then_some(resolved)
}

/// Resolves the packages and fetches them.
pub(crate) fn resolve(
    folder: &PreparedFolder,
    study: &PythonStudy,
    preparing: &Preparing,
    progress: &dyn Progress,
) -> Result<Resolved, PrepareError> {
    for requirement in &study.packages {
        if name_of(requirement).is_empty() || requirement.contains('\n') {
            return Err(PrepareError::Study {
                what: format!(
                    "python.packages: {requirement:?} is no requirement: write it as \"name\" or \
                     \"name==1.2.3\""
                ),
            });
        }
    }
    let cache = &preparing.cache;
    let tools = Tools::find(cache, progress)?;
    let given = preparing.wheels.as_deref();
    let known = wheels::folder(&tools, cache, given, progress)?;
    let mut links = vec![known.display().to_string()];
    links.extend(given.map(|given| given.display().to_string()));
    links.extend(tools.links.iter().cloned());
    let mut resolver = Resolver::new(&tools, links, Work::new(cache)?);
    let omit: Vec<String> = study.omit.iter().map(|omit| omit.package.clone()).collect();
    let earlier: Option<Resolved> = folder.recall("packages", &inputs(study));
    let (mut packages, notes) = match earlier.filter(|_| !preparing.upgrade) {
        // A file is missing or damaged: it is fetched again, and nothing else is taken in its place.
        Some(earlier) => {
            let folders = [Some(&*known), given];
            let wheels = earlier
                .packages
                .into_iter()
                .map(|package| pinned(package, folders));
            let wheels: Vec<Locked> = wheels.collect();
            let packages = fetch(folder, &tools, &resolver.work, &wheels, progress)?;
            (packages, earlier.notes)
        }
        None => loop {
            let (wheels, notes) = resolver.resolve(&study.packages, &omit, progress)?;
            let packages = fetch(folder, &tools, &resolver.work, &wheels, progress)?;
            let files = wheels
                .iter()
                .map(|wheel| (wheel, folder.blob_path(&wheel.sha256)));
            if !resolver.pass_over(files)? {
                break (packages, notes);
            }
        },
    };
    packages.sort();
    let resolved = Resolved { packages, notes };
    folder.remember("packages", &inputs(study), &resolved)?;
    Ok(resolved)
}

/// A package that is decided, where it is if it is on this machine.
fn pinned(package: Package, folders: [Option<&Path>; 2]) -> Locked {
    let near = folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join(&package.file));
    let near = near
        .filter(|path| path.is_file())
        .map(|path| path.display().to_string())
        .next();
    Locked {
        name: package.name,
        version: package.version,
        file: package.file,
        url: near.unwrap_or_else(|| "index://".to_owned()),
        sha256: package.sha256,
    }
}

fn fetch(
    folder: &PreparedFolder,
    tools: &Tools,
    work: &Work,
    wheels: &[Locked],
    progress: &dyn Progress,
) -> Result<Vec<Package>, PrepareError> {
    let mut far = Vec::new();
    for wheel in wheels {
        let near = pylock::local(&wheel.url).and_then(|path| fs::read(path).ok());
        match near {
            Some(content) => drop(folder.put(&content)?),
            None if folder.blob(&wheel.sha256).is_err() => far.push(wheel),
            None => {}
        }
    }
    if !far.is_empty() {
        progress.step(&match far.len() {
            1 => format!("fetching {}", far[0].file),
            number => format!("fetching {number} packages"),
        });
        let wanted = far
            .iter()
            .map(|one| (&*one.name, &*one.version, one.sha256.as_str()));
        resolve::fetch(tools, wanted, &work.0)?;
    }
    let mut packages = Vec::new();
    for wheel in wheels {
        let fetched = work.0.join(&wheel.file);
        if let Ok(content) = fs::read(&fetched) {
            folder.put(&content)?;
        }
        // Of this very content, or it is an error.
        let bytes = folder.blob(&wheel.sha256)?.len() as u64;
        packages.push(Package {
            name: wheel.name.clone(),
            version: wheel.version.clone(),
            file: wheel.file.clone(),
            sha256: wheel.sha256.clone(),
            bytes,
        });
    }
    Ok(packages)
}
