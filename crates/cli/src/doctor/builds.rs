//! The modules that participants were given.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::doctor::Report;

pub(crate) fn report(folder: &Path, played: &BTreeSet<String>, report: &mut Report) {
    let builds = folder.join("builds");
    let mut kept = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&builds).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        match fs::read(&path) {
            Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == name => {
                kept.insert(name.into_owned());
            }
            Ok(_) => wrong.push(format!("{name}.wasm is not what its name says")),
            Err(error) => wrong.push(format!("{name}.wasm: {error}")),
        }
    }
    for build in played.difference(&kept) {
        if !wrong.iter().any(|line| line.starts_with(build)) {
            wrong.push(format!("{build}.wasm is missing"));
        }
    }
    if wrong.is_empty() {
        return report.good("builds", format!("{} as their names say", kept.len()));
    }
    report.bad(
        "builds",
        wrong.join("; "),
        "the journal is not touched by it; put back the named file from a backup, or from the \
         release that was served, so that the data can be verified with what was played",
    );
}
