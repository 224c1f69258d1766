//! Which room may depend on which, read from the manifests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{HOUSE, Problem};
use crate::paths;

/// A manifest and what it depends on.
pub(super) struct Manifest {
    pub(super) file: PathBuf,
    /// The folder's name.
    pub(super) room: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a dependency table.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) features: Vec<String>,
    /// Only for tests.
    pub(super) development: bool,
}

pub(super) fn check() -> Result<Vec<Problem>> {
    let manifests = manifests()?;
    let mut problems = Vec::new();
    for room in HOUSE {
        if !manifests.iter().any(|manifest| manifest.room == room) {
            let folder = paths::root().join("crates").join(room);
            problems.push(Problem::new(
                &folder,
                None,
                "the house has this room, the tree has not",
            ));
        }
    }
    for manifest in &manifests {
        problems.extend(check_manifest(manifest));
    }
    Ok(problems)
}

fn check_manifest(manifest: &Manifest) -> Vec<Problem> {
    let Some(own) = place(&manifest.room) else {
        return vec![Problem::new(
            &manifest.file,
            None,
            "not a room of the house: add it to HOUSE in xtask/src/tidy/mod.rs and to ARCHITECTURE.md",
        )];
    };
    manifest
        .dependencies
        .iter()
        .filter_map(|dependency| {
            let room = dependency.name.strip_prefix("igym-")?;
            let allowed = place(room).is_some_and(|other| other < own);
            (!allowed).then(|| {
                Problem::new(
                    &manifest.file,
                    None,
                    format!(
                        "{} may depend only on rooms before it, not on {room}",
                        manifest.room
                    ),
                )
            })
        })
        .collect()
}

fn place(room: &str) -> Option<usize> {
    HOUSE.iter().position(|name| *name == room)
}

/// The manifests of all rooms.
pub(super) fn manifests() -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for entry in fs::read_dir(paths::root().join("crates"))? {
        let folder = entry?.path();
        let file = folder.join("Cargo.toml");
        if file.exists() {
            manifests.push(read(&folder, &file)?);
        }
    }
    manifests.sort_by(|a, b| a.room.cmp(&b.room));
    Ok(manifests)
}

fn read(folder: &Path, file: &Path) -> Result<Manifest> {
    let text = fs::read_to_string(file)?;
    let room = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    parse(&text, room, file).with_context(|| format!("in {}", paths::shown(file)))
}

fn parse(text: &str, room: String, file: &Path) -> Result<Manifest> {
    let manifest: toml::Table = text.parse()?;
    let mut dependencies = Vec::new();
    collect(&manifest, &mut dependencies);
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        for target in targets.values().filter_map(toml::Value::as_table) {
            collect(target, &mut dependencies);
        }
    }
    Ok(Manifest {
        file: file.to_path_buf(),
        room,
        dependencies,
    })
}

fn collect(table: &toml::Table, found: &mut Vec<Dependency>) {
    for (kind, development) in [
        ("dependencies", false),
        ("build-dependencies", false),
        ("dev-dependencies", true),
    ] {
        let Some(lines) = table.get(kind).and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, value) in lines {
            let features = value
                .get("features")
                .and_then(toml::Value::as_array)
                .map(|features| {
                    features
                        .iter()
                        .filter_map(|feature| feature.as_str().map(str::to_owned))
                        .collect()
                })
                .unwrap_or_default();
            found.push(Dependency {
                name: name.clone(),
                features,
                development,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check_manifest, parse};

    fn problems(room: &str, text: &str) -> usize {
        let manifest = parse(text, room.to_owned(), Path::new("Cargo.toml")).expect("valid TOML");
        check_manifest(&manifest).len()
    }

    #[test]
    fn an_edge_must_point_to_an_earlier_room() {
        assert_eq!(
            problems("play", "[dependencies]\nigym-gym.workspace = true"),
            0
        );
        assert_eq!(
            problems("gym", "[dependencies]\nigym-play.workspace = true"),
            1
        );
        assert_eq!(
            problems("gym", "[dev-dependencies]\nigym-gym.workspace = true"),
            1
        );
        assert_eq!(
            problems(
                "gym",
                "[target.'cfg(unix)'.dependencies]\nigym-server = { path = \"../server\" }"
            ),
            1
        );
    }

    #[test]
    fn a_room_must_have_its_place() {
        assert_eq!(problems("attic", "[dependencies]"), 1);
    }
}
