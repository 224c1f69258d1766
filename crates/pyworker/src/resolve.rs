//! Which wheels a study's requirements come to: uv's resolver, for Pyodide's platform.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::folder::write;
use crate::pylock::{self, Locked};
use crate::refusal::{self, Refusal};
use crate::tools::{OFFLINE, Tools};
use crate::wheels::Work;
use crate::{PrepareError, Progress};

/// What does not run in Pyodide although its wheel says nothing against it.
pub(crate) const CONSTRAINTS: &str = "\
# gymnasium 1.4.0 imports _multiprocessing, which Pyodide has not.
gymnasium<1.4
";

/// The Python of Pyodide 0.28.
pub(crate) const PYTHON: &str = "3.13";

/// The most names that are left out to find a line that a study could have.
const MOST_OMITTED: usize = 8;

/// Where wheels may come from, besides the index.
pub(crate) struct Resolver<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) links: Vec<String>,
    pub(crate) work: Work,
}

/// What uv found, or why it found nothing.
enum Compiled {
    Wheels(Vec<Locked>),
    Refused(String),
}

impl Resolver<'_> {
    /// The wheels of everything that the requirements need, but for what is to be omitted; and notes
    /// for the researcher.
    pub(crate) fn resolve(
        &self,
        requirements: &[String],
        omit: &[String],
        progress: &dyn Progress,
    ) -> Result<(Vec<Locked>, Vec<String>), PrepareError> {
        progress.step("resolving the study's packages for Pyodide");
        let wheels = match self.compile(requirements, omit, &["--only-binary", ":all:"])? {
            Compiled::Wheels(wheels) => wheels,
            Compiled::Refused(said) => {
                progress.step("finding out which package cannot run in Pyodide");
                return Err(self.refuse(requirements, omit, &said)?.into());
            }
        };
        let notes = self.older(requirements, omit, &wheels)?;
        Ok((wheels, notes))
    }

    fn compile(
        &self,
        requirements: &[String],
        omit: &[String],
        more: &[&str],
    ) -> Result<Compiled, PrepareError> {
        let file = |name: &str, lines: String| {
            let path = self.work.0.join(name);
            write(&path, lines.as_bytes()).map(|()| path)
        };
        // A marker that never holds: the requirement is there and asks for nothing.
        let omitted = omit
            .iter()
            .map(|name| format!("{name} ; python_version < \"0\"\n"));
        let mut command = self.tools.uv();
        command.args([
            "pip",
            "compile",
            "--no-header",
            "--no-annotate",
            "--no-python-downloads",
        ]);
        command.args([
            "--python-platform",
            "wasm32-pyodide2025",
            "--python-version",
            PYTHON,
        ]);
        command.args(["--format", "pylock.toml"]).args(more);
        for links in &self.links {
            command.arg("--find-links").arg(links);
        }
        command
            .arg("--override")
            .arg(file("omitted.txt", omitted.collect())?);
        command
            .arg("--constraint")
            .arg(file("constraints.txt", CONSTRAINTS.to_owned())?);
        command.arg(file("requirements.in", requirements.join("\n"))?);
        let output = command.output().map_err(|error| PrepareError::Missing {
            what: format!("cannot start uv: {error}"),
            hint: "install uv".to_owned(),
        })?;
        if output.status.success() {
            return Ok(Compiled::Wheels(pylock::read(&String::from_utf8_lossy(
                &output.stdout,
            ))?));
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if refusal::is_one(&said) {
            return Ok(Compiled::Refused(said));
        }
        Err(PrepareError::Program {
            program: "uv pip compile",
            said: crate::tools::last_lines(&said, 20),
            hint: OFFLINE,
        })
    }

    /// Who is to blame, and what to omit so that the rest can be had.
    fn refuse(
        &self,
        requirements: &[String],
        omit: &[String],
        said: &str,
    ) -> Result<Refusal, PrepareError> {
        let direct: BTreeSet<String> = requirements.iter().map(|one| name_of(one)).collect();
        let mut culprits = refusal::culprits(said);
        let mut left_out = omit.to_vec();
        let mut last = said.to_owned();
        let solved = loop {
            let named = refusal::culprits(&last);
            let more: Vec<String> = named
                .iter()
                .map(|culprit| culprit.name.clone())
                .filter(|name| !direct.contains(name) && !left_out.contains(name))
                .collect();
            if more.is_empty() || left_out.len() + more.len() > omit.len() + MOST_OMITTED {
                break None;
            }
            left_out.extend(more);
            match self.compile(requirements, &left_out, &["--only-binary", ":all:"])? {
                Compiled::Wheels(wheels) => break Some(wheels),
                Compiled::Refused(said) => {
                    for culprit in refusal::culprits(&said) {
                        if !culprits.iter().any(|known| known.name == culprit.name) {
                            culprits.push(culprit);
                        }
                    }
                    last = said;
                }
            }
        };
        let Some(solved) = solved else {
            // Omitting does not help: who cannot be had is what the study asks for itself.
            culprits.retain(|culprit| direct.contains(&culprit.name));
            return Ok(Refusal::new(culprits, Vec::new(), said));
        };
        let needed = self.needed(requirements, omit, left_out, &solved)?;
        culprits.retain(|culprit| needed.contains(&culprit.name));
        Ok(Refusal::new(culprits, [omit, &needed].concat(), said))
    }

    /// Of what was left out beyond `omit` that without which there are not the same wheels.
    fn needed(
        &self,
        requirements: &[String],
        omit: &[String],
        left_out: Vec<String>,
        solved: &[Locked],
    ) -> Result<Vec<String>, PrepareError> {
        let mut needed: Vec<String> = left_out[omit.len()..].to_vec();
        for name in needed.clone() {
            let without: Vec<String> = needed.iter().filter(|one| **one != name).cloned().collect();
            let all = [omit, &without].concat();
            match self.compile(requirements, &all, &["--only-binary", ":all:"])? {
                Compiled::Wheels(wheels) if wheels == solved => needed = without,
                Compiled::Wheels(_) | Compiled::Refused(_) => {}
            }
        }
        Ok(needed)
    }

    /// A resolver takes an older version without a word where the newest needs what cannot be had.
    fn older(
        &self,
        requirements: &[String],
        omit: &[String],
        wheels: &[Locked],
    ) -> Result<Vec<String>, PrepareError> {
        let alone = ["--only-binary", ":all:", "--no-deps"];
        let Compiled::Wheels(newest) = self.compile(requirements, omit, &alone)? else {
            return Ok(Vec::new());
        };
        let mut notes = Vec::new();
        for newest in newest {
            let taken = wheels.iter().find(|wheel| wheel.name == newest.name);
            let Some(taken) = taken.filter(|taken| taken.version != newest.version) else {
                continue;
            };
            let mut pinned = requirements.to_vec();
            pinned.push(format!("{}=={}", newest.name, newest.version));
            let why = match self.compile(&pinned, omit, &["--only-binary", ":all:"])? {
                Compiled::Wheels(_) => String::new(),
                Compiled::Refused(said) => format!(": {}", self.refuse(&pinned, omit, &said)?),
            };
            notes.push(format!(
                "{} {} is taken, not the newest, {}{why}",
                taken.name, taken.version, newest.version
            ));
        }
        Ok(notes)
    }
}

/// Fetches wheels with pip into a folder: exactly these.
pub(crate) fn fetch<'a>(
    tools: &Tools,
    wheels: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    work: &Path,
) -> Result<(), PrepareError> {
    let wanted = work.join("wanted.txt");
    let lines =
        wheels.map(|(name, version, sha)| format!("{name}=={version} --hash=sha256:{sha}\n"));
    write(&wanted, lines.collect::<String>().as_bytes())?;
    let mut download = tools.pip();
    download.args(["download", "--quiet", "--no-deps", "--require-hashes"]);
    download.args([
        "--only-binary",
        ":all:",
        "--implementation",
        "cp",
        "--python-version",
        PYTHON,
    ]);
    for platform in ["pyemscripten_2025_0_wasm32", "pyodide_2025_0_wasm32"] {
        download.args(["--platform", platform]);
    }
    download
        .arg("--dest")
        .arg(work)
        .arg("--requirement")
        .arg(&wanted);
    crate::tools::said("pip download", download.output(), OFFLINE)?;
    fs::remove_file(&wanted).map_err(|source| PrepareError::file(&wanted, source))
}

/// The package that a requirement is about, as indexes write it.
pub(crate) fn name_of(requirement: &str) -> String {
    let name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let end = requirement
        .find(|character| !name(character))
        .unwrap_or(requirement.len());
    let mut normal = String::new();
    for part in requirement[..end]
        .split(['-', '_', '.'])
        .filter(|part| !part.is_empty())
    {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(&part.to_ascii_lowercase());
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_index() {
        for (requirement, name) in [
            ("SlimeVB", "slimevb"),
            ("gymnasium[classic-control]<1.4", "gymnasium"),
            (
                "Typing_Extensions ; python_version < '3.12'",
                "typing-extensions",
            ),
            ("a.b--c @ https://x.example/c.whl", "a-b-c"),
        ] {
            assert_eq!(name_of(requirement), name, "{requirement}");
        }
    }
}
