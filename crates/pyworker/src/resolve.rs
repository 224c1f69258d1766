//! Which wheels a study's requirements come to: uv's resolver, for Pyodide's platform.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::write;
use crate::pylock::{self, Locked};
use crate::refusal::{self, Culprit, Refusal};
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

/// What the Python of Pyodide calls itself, where it matters to the last number.
const PYTHONS: [&str; 2] = [PYTHON, "3.13.2"];

/// Prints of each wheel what it says of Python, where that excludes all of the given ones.
const UNFIT: &str = include_str!("unfit.py");

/// The most versions that are passed over because of what they say of Python.
const MOST_UNFIT: usize = 40;

/// Packages that bring the same modules: who leaves out one means all.
const SAME: [&[&str]; 2] = [
    &["pygame", "pygame-ce"],
    &[
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ],
];

/// The most names that are left out to find a line that a study could have.
const MOST_OMITTED: usize = 8;

/// Where wheels may come from, besides the index.
pub(crate) struct Resolver<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) links: Vec<String>,
    pub(crate) work: Work,
    /// Versions that are passed over.
    unfit: Vec<Unfit>,
}

/// A version whose package says that it is not for Pyodide's Python, which uv does not look at where
/// it is an upper bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    name: String,
    version: String,
    /// What it says: `<3.13,>=3.9`
    wanted: String,
}

/// What uv found, or why it found nothing.
enum Compiled {
    Wheels(Vec<Locked>),
    Refused(String),
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(tools: &'a Tools, links: Vec<String>, work: Work) -> Self {
        let unfit = Vec::new();
        Self {
            tools,
            links,
            work,
            unfit,
        }
    }

    /// The wheels of everything that the requirements need, but for what is to be omitted; and notes
    /// for the researcher.
    pub(crate) fn resolve(
        &self,
        requirements: &[String],
        omit: &[String],
        progress: &dyn Progress,
    ) -> Result<(Vec<Locked>, Vec<String>), PrepareError> {
        progress.step("resolving the study's packages for Pyodide");
        let wheels = match self.compile(requirements, omit)? {
            Compiled::Wheels(wheels) => wheels,
            Compiled::Refused(said) => {
                progress.step("finding out which package cannot run in Pyodide");
                return Err(self.refuse(requirements, omit, &said)?.into());
            }
        };
        let mut notes = self.older(requirements, omit, &wheels)?;
        notes.extend(self.useless(requirements, omit, &wheels)?);
        Ok((wheels, notes))
    }

    /// Passes over those versions among these wheels, which are all in their files, that are not for
    /// Pyodide's Python. Whether there were any: then what was resolved does not hold.
    pub(crate) fn pass_over<'w>(
        &mut self,
        wheels: impl Iterator<Item = (&'w Locked, PathBuf)>,
    ) -> Result<bool, PrepareError> {
        let wheels: Vec<(&Locked, PathBuf)> = wheels.collect();
        let mut command = self.tools.python();
        command.args(["-c", UNFIT]).arg(PYTHONS.join(","));
        command.args(wheels.iter().map(|(_, path)| path));
        let said = crate::tools::said("python", command.output(), OFFLINE)?;
        let known = self.unfit.len();
        for line in said.lines() {
            let Some((number, wanted)) = line.split_once('\t') else {
                continue;
            };
            let Some((wheel, _)) = number.parse().ok().and_then(|at: usize| wheels.get(at)) else {
                continue;
            };
            self.unfit.push(Unfit {
                name: wheel.name.clone(),
                version: wheel.version.clone(),
                wanted: wanted.to_owned(),
            });
        }
        Ok(self.unfit.len() > known && self.unfit.len() <= MOST_UNFIT)
    }

    fn compile(&self, requirements: &[String], omit: &[String]) -> Result<Compiled, PrepareError> {
        let unfit = self.unfit.iter();
        let passed: String = unfit
            .map(|unfit| format!("{}!={}\n", unfit.name, unfit.version))
            .collect();
        self.compile_with(&(CONSTRAINTS.to_owned() + &passed), requirements, omit, &[])
    }

    fn compile_with(
        &self,
        constraints: &str,
        requirements: &[String],
        omit: &[String],
        more: &[&str],
    ) -> Result<Compiled, PrepareError> {
        let file = |name: &str, lines: String| {
            let path = self.work.0.join(name);
            write(&path, lines.as_bytes()).map(|()| path)
        };
        // A marker that never holds: the requirement is there and asks for nothing.
        let omitted = all_of(omit)
            .into_iter()
            .map(|name| format!("{name} ; python_version < \"0\"\n"));
        let mut command = self.tools.uv();
        command.args([
            "pip",
            "compile",
            "--no-header",
            "--no-annotate",
            "--no-python-downloads",
            "--only-binary",
            ":all:",
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
            .arg(file("constraints.txt", constraints.to_owned())?);
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

    /// Who is to blame, and what to omit so that the rest can be had: the newest of what the study asks
    /// for, if that is to be had at all.
    fn refuse(
        &self,
        requirements: &[String],
        omit: &[String],
        said: &str,
    ) -> Result<Refusal, PrepareError> {
        let newest: Vec<String> = self
            .newest(requirements, omit)?
            .iter()
            .map(|one| format!("{}=={}", one.name, one.version))
            .collect();
        let pinned = [requirements, &newest].concat();
        let refusal = match self.compile(&pinned, omit)? {
            Compiled::Refused(said) if !newest.is_empty() => {
                Some(self.refuse_these(&pinned, omit, &said)?)
            }
            _ => None,
        };
        let mut refusal = match refusal {
            Some(refusal) if !refusal.omit.is_empty() => refusal,
            _ => self.refuse_these(requirements, omit, said)?,
        };
        if refusal.omit.is_empty() {
            for unfit in &self.unfit {
                refusal.culprits.push(Culprit {
                    name: unfit.name.clone(),
                    reason: unfit.reason(),
                });
            }
            for culprit in &mut refusal.culprits {
                if culprit.reason.starts_with(refusal::NO_VERSION)
                    && let Some(newest) = self
                        .newest(std::slice::from_ref(&culprit.name), &[])?
                        .first()
                {
                    culprit.reason += &format!("; the newest is {}", newest.version);
                }
            }
        }
        Ok(refusal)
    }

    /// The newest of what is asked for, whatever it needs.
    fn newest(
        &self,
        requirements: &[String],
        omit: &[String],
    ) -> Result<Vec<Locked>, PrepareError> {
        match self.compile_with(CONSTRAINTS, requirements, omit, &["--no-deps"])? {
            Compiled::Wheels(newest) => Ok(newest),
            Compiled::Refused(_) => Ok(Vec::new()),
        }
    }

    /// What is omitted although nothing asks for it.
    fn useless(
        &self,
        requirements: &[String],
        omit: &[String],
        wheels: &[Locked],
    ) -> Result<Vec<String>, PrepareError> {
        let mut notes = Vec::new();
        for (at, name) in omit.iter().enumerate() {
            let mut others = omit.to_vec();
            others.remove(at);
            let same = all_of(std::slice::from_ref(name));
            if others.iter().any(|other| same.contains(&name_of(other))) {
                continue;
            }
            if let Compiled::Wheels(with) = self.compile(requirements, &others)?
                && with == wheels
            {
                notes.push(format!(
                    "omit: no package asks for {name}; see that its name is right"
                ));
            }
        }
        Ok(notes)
    }

    fn refuse_these(
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
            match self.compile(requirements, &left_out)? {
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
            match self.compile(requirements, &all)? {
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
        let mut notes = Vec::new();
        for newest in self.newest(requirements, omit)? {
            let taken = wheels.iter().find(|wheel| wheel.name == newest.name);
            let Some(taken) = taken.filter(|taken| taken.version != newest.version) else {
                continue;
            };
            let mut pinned = requirements.to_vec();
            pinned.push(format!("{}=={}", newest.name, newest.version));
            let unfit = self.unfit.iter();
            let mut unfit = unfit.filter(|one| one.name == newest.name);
            if let Some(unfit) = unfit.find(|one| one.version == newest.version) {
                notes.push(format!(
                    "{} {} is taken, not the newest: {} {}",
                    taken.name,
                    taken.version,
                    newest.name,
                    unfit.reason()
                ));
                continue;
            }
            let why = match self.compile(&pinned, omit)? {
                Compiled::Wheels(_) => String::new(),
                Compiled::Refused(said) => {
                    format!(": {}", self.refuse_these(&pinned, omit, &said)?)
                }
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
        // Whoever asked sees to that: here nothing could be taken instead.
        "--ignore-requires-python",
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

impl Unfit {
    fn reason(&self) -> String {
        format!(
            "{} is for Python {} only; Pyodide's is {PYTHON}",
            self.version, self.wanted
        )
    }
}

/// These packages, and those that bring the same modules.
fn all_of(names: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in names {
        let name = name_of(name);
        for same in SAME.iter().filter(|same| same.contains(&&*name)) {
            all.extend(same.iter().map(|name| (*name).to_owned()));
        }
        all.insert(name);
    }
    all
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
