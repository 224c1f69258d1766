//! Environments in Python: what has to be prepared for them, and what they are once it is.

use igym_protocol::EnvironmentSpec;
use serde_json::{Map, Value, json};

use super::error::Found;
use super::opened::{FRAMES_PER_SECOND, opened};
use super::place::Place;
use super::raw::GymSection;
use super::raw_python::{EnvironmentSection, OmitChoice, PythonSection};
use super::subject::Subject;
use super::{actions, controls};

/// A digest of an environment in Python takes about as long as a step.
const DIGEST_INTERVAL: u32 = 30;

/// What has to be prepared for a study with environments in Python.
#[derive(Clone, Debug, PartialEq)]
pub struct PythonPart {
    /// The study's id.
    pub study: String,
    /// Requirements, as PEP 508 writes them.
    pub packages: Vec<String>,
    pub omit: Vec<Omit>,
    /// Modules that are imported first.
    pub imports: Vec<String>,
    /// Files and folders beside the study file, beside its `*.py`; relative to it.
    pub files: Vec<String>,
    /// For each scene whose environment is in Python, in their order, its own and those of its
    /// treatments.
    pub environments: Vec<PythonEnvironment>,
    /// Ids of scenes whose environments may play differently from run to run.
    pub allow_nondeterminism: Vec<String>,
}

/// An environment in Python that sessions play.
#[derive(Clone, Debug, PartialEq)]
pub struct PythonEnvironment {
    /// The id of its scene.
    pub scene: String,
    /// The id of the treatment with which it is played; none for the scene's own.
    pub treatment: Option<String>,
    /// What to open its runtime with (`python/README.md`), as far as the study file says it.
    pub configuration: Value,
}

/// A requirement that is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omit {
    pub package: String,
    /// The modules that it would bring; none if they are to be found out.
    pub imports: Vec<String>,
}

/// What was prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The digest of the lock by which pages load Python.
    pub lock: String,
    /// For each of [`PythonPart::environments`], what its runtime says of itself when it is opened
    /// with that.
    pub descriptions: Vec<Value>,
}

/// How much is known of environments in Python.
#[derive(Clone, Copy)]
pub(super) enum Preparation<'p> {
    /// Nothing: they cannot be served. With the name of the study file.
    Missing(&'p str),
    /// Nothing yet: this is to find out what has to be prepared.
    Ahead,
    Done(&'p Prepared),
}

/// The `[python]` section, where a scene needs it.
pub(super) fn part(
    section: Option<&PythonSection>,
    study: &str,
    environments: Vec<PythonEnvironment>,
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<PythonPart> {
    if environments.is_empty() {
        if section.is_some() {
            let message = "no scene has an environment in Python";
            found.push(place.problem(message, "remove the section `[python]`"));
        }
        return None;
    }
    let section = section.cloned().unwrap_or_default();
    for (index, file) in section.files.iter().enumerate() {
        inside(file, &place.key("files").item(index), found);
    }
    for (index, module) in section.imports.iter().enumerate() {
        let at = place.key("imports").item(index);
        module_name(module, &at, found);
    }
    for (index, scene) in section.allow_nondeterminism.iter().enumerate() {
        if !environments.iter().any(|known| known.scene == *scene) {
            let at = place.key("allow_nondeterminism").item(index);
            let message = format!("no scene `{scene}` has an environment in Python");
            let scenes = environments.iter().filter(|it| it.treatment.is_none());
            let known: Vec<String> = scenes.map(|known| format!("`{}`", known.scene)).collect();
            let fix = format!("write the `id` of one that has: {}", known.join(", "));
            found.push(at.problem(&message, &fix));
        }
    }
    let omit = |choice: &OmitChoice| match choice {
        OmitChoice::Package(package) => Omit {
            package: package.clone(),
            imports: Vec::new(),
        },
        OmitChoice::Section(section) => Omit {
            package: section.package.clone(),
            imports: section.imports.clone(),
        },
    };
    Some(PythonPart {
        omit: section.omit.iter().map(omit).collect(),
        packages: section.packages,
        imports: section.imports,
        files: section.files,
        allow_nondeterminism: section.allow_nondeterminism,
        study: study.to_owned(),
        environments,
    })
}

/// An environment in Python, of a scene with this id; `environments` are those of the scenes before, and
/// get this one's configuration.
pub(super) fn check(
    (section, id): (&GymSection, &str),
    environment: &EnvironmentSection,
    preparation: Preparation,
    environments: &mut Vec<PythonEnvironment>,
    place: &Place,
    found: &mut Vec<Found>,
) -> Subject {
    if !section.config.is_empty() {
        let fix = "write `kwargs` in the section of the environment";
        let message = "`config` is for environments of the catalogue";
        found.push(place.key("config").problem(message, fix));
    }
    let at = place.key("environment");
    let name = named(environment, &at, found);
    let (controls, actions) = controls::python(section, environment.step, place, found);
    let configuration = configuration(environment, section, &actions);
    let index = environments.len();
    environments.push(PythonEnvironment {
        scene: id.to_owned(),
        treatment: None,
        configuration: configuration.clone(),
    });
    let mut subject = Subject {
        title: None,
        name,
        environment: EnvironmentSpec {
            id: "python".to_owned(),
            version: String::new(),
            config: String::new(),
        },
        size: (1, 1),
        agents: Vec::new(),
        description: None,
        controls,
        frames_per_second: FRAMES_PER_SECOND,
        digest_interval: DIGEST_INTERVAL,
    };
    let prepared = match preparation {
        Preparation::Ahead => return subject,
        Preparation::Missing(file) => {
            let message = format!("{} is in Python, and nothing is prepared", subject.name);
            found.push(at.problem(message, format!("run `igym prepare {file}`")));
            return subject;
        }
        Preparation::Done(prepared) => prepared,
    };
    let Some(opened) = opened(&environments[index], index, prepared, &at, found) else {
        return subject;
    };
    let description = opened.description;
    actions::check(section, &subject, &description, place, found);
    subject.frames_per_second = opened.frames_per_second;
    subject.environment = opened.environment;
    subject.size = description.size();
    subject.agents = description.agents().to_vec();
    subject.description = Some(description);
    subject
}

/// What the environment is called in errors, as Python calls it, where it is named well.
fn named(environment: &EnvironmentSection, place: &Place, found: &mut Vec<Found>) -> String {
    let given = [
        ("file", &environment.file),
        ("id", &environment.id),
        ("target", &environment.target),
    ];
    let given: Vec<(&str, &String)> = given
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_ref()?)))
        .collect();
    match given.as_slice() {
        [] => {
            let fix = "add `file = \"env.py\"`, `id = \"CartPole-v1\"` or \
                       `target = \"package.module:attribute\"`";
            found.push(place.problem("nothing says which environment it is", fix));
        }
        [_] => {}
        [(first, _), others @ ..] => {
            for (key, _) in others {
                let message = format!("both `{first}` and `{key}` say which environment it is");
                found.push(place.key(key).problem(message, "remove one of them"));
            }
        }
    }
    if let Some(file) = &environment.file {
        inside(file, &place.key("file"), found);
        if !file.ends_with(".py") {
            let fix = "name a file that ends in `.py`, such as `env.py`";
            let message = format!("\"{file}\" is not a file of Python");
            found.push(place.key("file").problem(message, fix));
        }
    } else if environment.attribute.is_some() {
        let fix = "add `file`, or remove it; with `target` write `package.module:attribute`";
        let message = "`attribute` says what to take from a `file`";
        found.push(place.key("attribute").problem(message, fix));
    }
    if let Some(target) = &environment.target {
        reference(
            target,
            "package.module:attribute",
            &place.key("target"),
            found,
        );
    }
    if let Some(draw) = &environment.draw {
        reference(draw, "draw.py:draw", &place.key("draw"), found);
    }
    match (given.first(), &environment.attribute) {
        (Some(("file", file)), Some(attribute)) => format!("{file}:{attribute}"),
        (Some((_, name)), _) => (*name).clone(),
        (None, _) => "the environment".to_owned(),
    }
}

/// What `open_runtime` takes, but for what belongs to an episode or to the machine.
fn configuration(
    environment: &EnvironmentSection,
    section: &GymSection,
    actions: &[Value],
) -> Value {
    let mut named = Map::new();
    for (key, value) in [
        ("file", &environment.file),
        ("attribute", &environment.attribute),
        ("id", &environment.id),
        ("target", &environment.target),
    ] {
        if let Some(value) = value {
            named.insert(key.to_owned(), value.clone().into());
        }
    }
    let kwargs: Map<String, Value> = environment.kwargs.clone().into_iter().collect();
    named.insert("kwargs".to_owned(), kwargs.into());
    let mut configuration = json!({
        "environment": named,
        "style": environment.style,
        "omit_infos": environment.omit_infos,
        "snapshot": environment.snapshot,
        "step": environment.step,
        "action_repeat": environment.action_repeat,
        "bindings": actions,
        "default_action": section.controls.default_action.clone().unwrap_or(json!(0)),
    });
    if let Some(draw) = &environment.draw {
        configuration["draw"] = json!(draw);
    }
    if let Some(size) = &environment.size {
        configuration["size"] = json!(size);
    }
    configuration
}

/// A path beside the study file.
fn inside(path: &str, place: &Place, found: &mut Vec<Found>) {
    let leaves = path.split(['/', '\\']).any(|part| part == "..");
    let absolute = path.starts_with(['/', '\\', '~']) || path.contains(':');
    if leaves || absolute || path.contains('\\') {
        let message = format!("\"{path}\" is not in the folder of the study file");
        let fix = "put it there, and write its path from there, with `/`";
        found.push(place.problem(message, fix));
    }
}

/// `place:attribute`, of a file or a module.
fn reference(text: &str, example: &str, place: &Place, found: &mut Vec<Found>) {
    let fix = || format!("write it as `{example}`");
    match text.rsplit_once(':') {
        Some((before, attribute)) if is_dotted(attribute) => {
            if before.ends_with(".py") {
                inside(before, place, found);
            } else if !is_dotted(before) {
                found.push(place.problem(format!("there is no module \"{before}\""), fix()));
            }
        }
        _ => found.push(place.problem(format!("\"{text}\" names no function"), fix())),
    }
}

fn module_name(module: &str, place: &Place, found: &mut Vec<Found>) {
    if !is_dotted(module) {
        let message = format!("\"{module}\" is not the name of a module");
        found.push(place.problem(
            message,
            "write it as `import` would name it, such as `cogrid`",
        ));
    }
}

/// Names of Python joined by dots.
fn is_dotted(text: &str) -> bool {
    text.split('.').all(|name| {
        let mut letters = name.chars();
        let first = letters.next();
        first.is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
    })
}
