//! The programs that preparing needs: uv, which resolves, and pip, which fetches. Playing needs none
//! of them.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::alone::Alone;
use crate::{PrepareError, Progress};

/// The first uv that knows Pyodide's platform says so in its help.
const PLATFORM: &str = "wasm32-pyodide2025";
const LINKS: &str = "UV_FIND_LINKS";
pub(crate) const OFFLINE: &str =
    "preparing needs the network once; a folder that is prepared can be copied here";

/// uv, and a Python with pip.
pub(crate) struct Tools {
    uv: PathBuf,
    python: PathBuf,
    settings: BTreeMap<&'static str, String>,
    /// Folders and pages of wheels that pip looks into on this machine.
    pub(crate) links: Vec<String>,
}

impl Tools {
    /// Finds them, or installs them into the cache.
    pub(crate) fn find(cache: &Path, progress: &dyn Progress) -> Result<Self, PrepareError> {
        Self::found_or_installed(&[PathBuf::from("uv")], &python()?, cache, progress)
    }

    /// `uvs` are looked at before the one in the cache.
    fn found_or_installed(
        uvs: &[PathBuf],
        base: &Path,
        cache: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, PrepareError> {
        let program = |name: &str| {
            let file = format!("{name}{}", env::consts::EXE_SUFFIX);
            cache.join("tools").join(BIN).join(file)
        };
        let (own_uv, own_python) = (program("uv"), program("python"));
        let found = || {
            let uv = uvs.iter().chain([&own_uv]).find(|uv| knows_pyodide(uv))?;
            let pythons = [base, &own_python];
            let python = pythons.into_iter().find(|python| has_pip(python))?;
            Some(Self::set_up(uv.clone(), python.to_owned()))
        };
        if let Some(tools) = found() {
            return Ok(tools);
        }
        let _alone = Alone::with(cache, "tools", progress)?;
        // Somebody else may have installed them meanwhile.
        if let Some(tools) = found() {
            return Ok(tools);
        }
        progress.step("installing uv, the Python package of that name, into the cache");
        let made = Command::new(base)
            .args(["-m", "venv", "--clear"])
            .arg(cache.join("tools"))
            .output();
        let hint = "install Python's venv module (Debian: python3-venv), or uv";
        said("python3 -m venv", made, hint)?;
        let mut install = Command::new(&own_python);
        install.args(["-m", "pip", "install", "--quiet"]);
        install.args(["--disable-pip-version-check", "uv"]);
        said("pip install uv", install.output(), OFFLINE)?;
        Ok(Self::set_up(own_uv, own_python))
    }

    fn set_up(uv: PathBuf, python: PathBuf) -> Self {
        let mut settings = settings(&python);
        let links = settings.remove(LINKS).unwrap_or_default();
        // uv refuses folders that are not there, pip passes over them.
        let there = |link: &&str| link.contains("://") || Path::new(link).is_dir();
        let links = links.split(',').filter(there).map(str::to_owned).collect();
        Self {
            uv,
            python,
            settings,
            links,
        }
    }

    /// uv, set up as pip is on this machine where nothing else is said.
    pub(crate) fn uv(&self) -> Command {
        let mut command = Command::new(&self.uv);
        command.envs(&self.settings).arg("--no-progress");
        command
    }

    pub(crate) fn pip(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
        for (pip, uv) in [
            ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
            ("PIP_INDEX_URL", "UV_INDEX_URL"),
        ] {
            if let (None, Some(index)) = (env::var_os(pip), env::var_os(uv)) {
                command.env(pip, index);
            }
        }
        command
    }

    pub(crate) fn python(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.envs(&self.settings);
        command
    }
}

#[cfg(windows)]
const BIN: &str = "Scripts";
#[cfg(not(windows))]
const BIN: &str = "bin";

/// A Python that is new enough.
fn python() -> Result<PathBuf, PrepareError> {
    let new = "import sys; assert sys.version_info >= (3, 10)";
    ["python3", "python", "/usr/bin/python3"]
        .map(PathBuf::from)
        .into_iter()
        .find(|python| succeeds(Command::new(python).args(["-c", new])))
        .ok_or_else(|| PrepareError::Missing {
            what: "there is no Python 3.10 or newer on this machine".to_owned(),
            hint:
                "install one (python3): it is needed once, to prepare, and not to serve; a folder \
                   that was prepared elsewhere can be copied here"
                    .to_owned(),
        })
}

fn knows_pyodide(uv: &Path) -> bool {
    let help = Command::new(uv)
        .args(["pip", "compile", "--help"])
        .stdin(Stdio::null())
        .output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains(PLATFORM))
}

fn has_pip(python: &Path) -> bool {
    succeeds(Command::new(python).args(["-m", "pip", "--version"]))
}

fn succeeds(command: &mut Command) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// uv reads none of pip's settings; here it gets those that say where packages come from, unless it
/// has its own.
fn settings(python: &Path) -> BTreeMap<&'static str, String> {
    let own = [
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
    ];
    if own.iter().any(|name| env::var_os(name).is_some()) {
        return BTreeMap::new();
    }
    let mut command = Command::new(python);
    command.args(["-m", "pip", "--disable-pip-version-check", "config", "list"]);
    let listed = command.stdin(Stdio::null()).output();
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    from_pip(&listed.unwrap_or_default())
}

/// Of lines such as `global.index-url='…'`; what the environment says (`:env:`) counts first.
fn from_pip(listed: &str) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    let (environment, files): (Vec<_>, Vec<_>) =
        listed.lines().partition(|line| line.starts_with(":env:"));
    for line in files.into_iter().chain(environment) {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches(['\'', '"']);
        let words: Vec<&str> = value
            .split(['\n', ' '])
            .flat_map(|word| word.split("\\n"))
            .collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let (name, value) = match key.rsplit_once('.').map_or("", |(_, name)| name) {
            "index-url" => ("UV_DEFAULT_INDEX", value.to_owned()),
            "extra-index-url" => ("UV_INDEX", words.join(" ")),
            "find-links" => (LINKS, words.join(",")),
            "trusted-host" => ("UV_INSECURE_HOST", words.join(" ")),
            "cert" if env::var_os("SSL_CERT_FILE").is_none() => ("SSL_CERT_FILE", value.to_owned()),
            _ => continue,
        };
        found.insert(name, value);
    }
    found
}

/// What a program printed, if it did what it should.
pub(crate) fn said(
    program: &'static str,
    output: std::io::Result<Output>,
    hint: &'static str,
) -> Result<String, PrepareError> {
    let output = output.map_err(|error| PrepareError::Missing {
        what: format!("cannot start {program}: {error}"),
        hint: hint.to_owned(),
    })?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(PrepareError::Program {
            program,
            said: last_lines(&String::from_utf8_lossy(&output.stderr), 20),
            hint,
        }),
    }
}

/// What explains a failure stands at the end.
pub(crate) fn last_lines(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps what it is told.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Progress for Heard {
        fn step(&self, what: &str) {
            self.0.lock().unwrap().push(what.to_owned());
        }

        fn note(&self, _text: &str) {}
    }

    #[test]
    fn of_two_that_find_nothing_in_a_cache_one_installs_and_both_can_work() {
        let cache = tempfile::tempdir().unwrap();
        let (base, heard) = (python().unwrap(), Heard::default());
        let work = || {
            let tools = Tools::found_or_installed(&[], &base, cache.path(), &heard).unwrap();
            assert!(tools.uv.starts_with(cache.path()));
            assert!(knows_pyodide(&tools.uv) && succeeds(tools.pip().arg("--version")));
        };
        std::thread::scope(|scope| {
            let both = [scope.spawn(work), scope.spawn(work)];
            both.into_iter().for_each(|one| one.join().unwrap());
        });
        let heard = heard.0.into_inner().unwrap();
        let installing = heard.iter().filter(|step| step.contains("installing uv"));
        assert_eq!(installing.count(), 1, "{heard:?}");
    }

    #[test]
    fn uv_gets_where_pip_gets_packages_from() {
        let listed = ":env:.index-url='https://packages.example/simple'\n\
                      global.index-url='https://other.example/simple'\n\
                      global.timeout='60'\n\
                      :env:.extra-index-url='https://a.example https://b.example'\n\
                      install.find-links='/wheels'\n";
        let found = from_pip(listed);
        assert_eq!(found["UV_DEFAULT_INDEX"], "https://packages.example/simple");
        assert_eq!(found["UV_INDEX"], "https://a.example https://b.example");
        assert_eq!(found["UV_FIND_LINKS"], "/wheels");
        assert_eq!(found.len(), 3);
        assert_eq!(from_pip("").len(), 0);
    }
}
