//! Every dependency has a line in docs/dependencies.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Problem;
use crate::paths;

pub(super) fn check() -> Result<Vec<Problem>> {
    let file = paths::root().join("docs/dependencies.md");
    let documented = documented(&fs::read_to_string(&file)?);
    let mut used = cargo(&fs::read_to_string(paths::root().join("Cargo.toml"))?)?;
    for manifest in ["web/package.json", "tests/e2e/package.json"] {
        used.extend(npm(&paths::root().join(manifest))?);
    }
    let missing = used
        .difference(&documented)
        .map(|name| format!("`{name}` has no line: why, licence, build cost"));
    let gone = documented
        .difference(&used)
        .map(|name| format!("`{name}` is not used any more"));
    Ok(missing
        .chain(gone)
        .map(|what| Problem::new(&file, None, what))
        .collect())
}

/// The names in the first column of the tables.
fn documented(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

fn cargo(manifest: &str) -> Result<BTreeSet<String>> {
    let manifest: toml::Table = manifest.parse()?;
    Ok(manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies")?.as_table())
        .map(|table| {
            table
                .keys()
                .filter(|name| !name.starts_with("igym-"))
                .cloned()
                .collect()
        })
        .unwrap_or_default())
}

/// The names in `dependencies` and `devDependencies`.
fn npm(file: &Path) -> Result<BTreeSet<String>> {
    let manifest: serde_json::Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    Ok(["dependencies", "devDependencies"]
        .iter()
        .filter_map(|kind| manifest.get(kind)?.as_object())
        .flat_map(|table| table.keys().cloned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{cargo, documented};

    #[test]
    fn names_are_read_from_manifest_and_table() {
        let used = cargo("[workspace.dependencies]\nanyhow = \"1\"\nigym-gym = { path = \"x\" }")
            .expect("valid TOML");
        assert_eq!(
            used,
            documented("| part | why |\n|---|---|\n| `anyhow` | errors |\n")
        );
    }
}
