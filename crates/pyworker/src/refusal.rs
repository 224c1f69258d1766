//! Packages that cannot run in Pyodide, by name and reason.

use std::collections::BTreeMap;
use std::fmt;

/// Requirements that cannot be met in Pyodide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The packages that cannot be had.
    pub culprits: Vec<Culprit>,
    /// With these left out the rest can be had. Empty: leaving out does not help.
    pub omit: Vec<String>,
    /// The end of what the resolver said.
    pub said: String,
}

/// A package that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    pub name: String,
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(culprits: Vec<Culprit>, omit: Vec<String>, said: &str) -> Self {
        Self {
            culprits,
            omit,
            said: conclusion(said),
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.culprits[..] {
            [] => write!(
                f,
                "the packages do not go together in Pyodide:\n{}",
                self.said
            )?,
            culprits => {
                let lines: Vec<String> = culprits
                    .iter()
                    .map(|one| format!("{} {}", one.name, one.reason))
                    .collect();
                f.write_str(&lines.join("\n"))?;
            }
        }
        if self.omit.is_empty() {
            let all = |reason: &str| {
                let mut culprits = self.culprits.iter();
                !self.culprits.is_empty() && culprits.all(|one| one.reason.starts_with(reason))
            };
            return f.write_str(if all(UNKNOWN) {
                "\n  hint: check the name; an index knows a package by the name that `pip install` takes"
            } else if all(NO_VERSION) {
                "\n  hint: ask for a version that there is, or for none"
            } else if self.culprits.is_empty() {
                "\n  hint: ask for other versions under `packages`"
            } else {
                "\n  hint: it cannot be part of a study; if the environment can do without it, take it \
                 out of `packages`"
            });
        }
        let names: Vec<String> = self.omit.iter().map(|name| format!("{name:?}")).collect();
        write!(
            f,
            "\n  hint: if the environment can do without, try under [python]: omit = [{}]",
            names.join(", ")
        )
    }
}

/// How the reason begins where the index knows no such package.
const UNKNOWN: &str = "is not on the index";
/// How it begins where the index knows the package, but no such version.
pub(crate) const NO_VERSION: &str = "has no version that fits";

/// Whether uv says that there is no solution, and not that it could not look.
pub(crate) fn is_one(said: &str) -> bool {
    said.contains("No solution found")
}

/// Who cannot be had, from what uv says.
pub(crate) fn culprits(said: &str) -> Vec<Culprit> {
    // The hints are one paragraph each; the explanation above them wraps in the middle of sentences.
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for hint in said.split("\nhint: ").skip(1) {
        let mut quoted = hint.split('`').skip(1).step_by(2);
        let Some(name) = quoted.next() else {
            continue;
        };
        if hint.starts_with("Wheels are available for") {
            let version = hint
                .split("(v")
                .nth(1)
                .and_then(|rest| rest.split(')').next());
            let platforms: Vec<&str> = quoted.map(system).collect();
            let reason = format!(
                "{}has wheels for {} only, none for Pyodide",
                version
                    .map(|version| format!("{version} "))
                    .unwrap_or_default(),
                distinct(&platforms).join(", "),
            );
            found.insert(name.to_owned(), reason);
        } else if hint.starts_with("Wheels are required for") {
            let reason =
                "has no wheel for Pyodide (Python 3.13, WebAssembly), and none in pure Python";
            found
                .entry(name.to_owned())
                .or_insert_with(|| reason.to_owned());
        }
    }
    for words in said.split_whitespace().collect::<Vec<_>>().windows(4) {
        if words[1..] == ["was", "not", "found"] {
            found.insert(words[0].to_owned(), UNKNOWN.to_owned());
        }
    }
    for part in said.split("there is no version of ").skip(1) {
        let wanted = part.split([' ', '\n']).next().unwrap_or_default();
        let end = wanted
            .find(['=', '<', '>', '!', '~'])
            .unwrap_or(wanted.len());
        let (name, version) = wanted.split_at(end);
        found
            .entry(name.to_owned())
            .or_insert_with(|| format!("{NO_VERSION} {version}"));
    }
    let culprit = |(name, reason)| Culprit { name, reason };
    found.into_iter().map(culprit).collect()
}

fn system(tag: &str) -> &str {
    match tag {
        tag if tag.contains("linux") => "Linux",
        tag if tag.starts_with("macosx") => "macOS",
        tag if tag.starts_with("win") => "Windows",
        tag => tag,
    }
}

fn distinct<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut distinct: Vec<&str> = Vec::new();
    for name in names {
        if !distinct.contains(name) {
            distinct.push(name);
        }
    }
    distinct
}

/// What uv concludes from it all: its last sentence.
fn conclusion(said: &str) -> String {
    let cause = said.split("\nhint: ").next().unwrap_or_default();
    let sentence = cause.rfind("Because").max(cause.rfind("And because"));
    let last = sentence.map_or(cause, |at| &cause[at..]);
    last.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "error: No solution found when resolving dependencies
  cause: Because all versions of opencv-python have no wheels with a matching platform tag
         (e.g., `pyemscripten_2025_0_wasm32`) and slimevb>=0.1.1 depends on opencv-python, we can conclude that slimevb>=0.1.1 cannot be used.
         And because you require slimevb==0.1.1, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for `opencv-python` because building from source is disabled for all packages (i.e., with `--no-build`)

hint: You require CPython 3.13 (`cp313`), but we only found wheels for `opencv-python` (v3.4.8.29) with the following Python ABI tags: `cp27m`, `cp38`

hint: Wheels are available for `opencv-python` (v4.13.0.92) on the following platforms: `manylinux_2_28_x86_64`, `manylinux2014_x86_64`, `macosx_13_0_arm64`, `win_amd64`
";

    #[test]
    fn a_refusal_names_package_reason_and_line_to_try() {
        assert!(is_one(SAID));
        let refusal = Refusal::new(culprits(SAID), vec!["opencv-python".to_owned()], SAID);
        let text = refusal.to_string();
        let reason =
            "opencv-python 4.13.0.92 has wheels for Linux, macOS, Windows only, none for Pyodide";
        assert!(text.starts_with(reason), "{text}");
        assert!(text.ends_with(r#"omit = ["opencv-python"]"#), "{text}");
        let conclusion = "And because you require slimevb==0.1.1, we can conclude that your requirements \
                          are unsatisfiable.";
        assert_eq!(refusal.said, conclusion);
    }

    #[test]
    fn a_package_that_is_not_there_is_named() {
        let said = "error: No solution found when resolving dependencies\n  cause: Because no-such-package \
                    was not found in the package registry and you require no-such-package, we …";
        let found = culprits(said);
        assert_eq!(found[0].name, "no-such-package");
        assert!(
            Refusal::new(found, Vec::new(), said)
                .to_string()
                .contains("is not on the index")
        );
    }
}
