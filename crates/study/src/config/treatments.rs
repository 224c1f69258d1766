//! What differs for some of the groups.
//!
//! Treatments may change what happens in a game, not who plays it or how: the page shows the same size,
//! keys and pace to everybody, and people wait for each other before they have a treatment.

use std::collections::{BTreeMap, BTreeSet};

use igym_gym::Description;
use igym_protocol::EnvironmentSpec;
use serde_json::Value;

use super::error::Found;
use super::opened::{Opened, opened};
use super::place::Place;
use super::python::{Preparation, PythonEnvironment};
use super::raw::{GymSection, TreatmentSection};
use super::raw_python::EnvironmentChoice;
use super::subject::Subject;
use super::words::list;
use super::{Treatment, actions, gym};

/// The treatments of a scene that plays `subject`, whose own environment is the last of `environments` if
/// it is in Python; those of its treatments are added.
pub(super) fn check(
    section: &GymSection,
    subject: &Subject,
    preparation: Preparation,
    environments: &mut Vec<PythonEnvironment>,
    place: &Place,
    found: &mut Vec<Found>,
) -> Vec<Treatment> {
    let place = place.key("treatments");
    distinct(&section.treatments, &place, found);
    let own = environments.last().cloned();
    let mut treatments = Vec::new();
    for (index, treatment) in section.treatments.iter().enumerate() {
        let at = place.item(index);
        let environment = match &section.environment {
            EnvironmentChoice::Python(_) => {
                let own = own.iter();
                environments.extend(own.map(|own| with_kwargs(own, treatment, &at, found)));
                python(section, subject, preparation, environments, &at, found)
            }
            EnvironmentChoice::Native(_) => native(section, subject, treatment, &at, found),
        };
        if let Some(environment) = environment {
            treatments.push(Treatment {
                id: treatment.id.clone(),
                environment_digest: igym_envs::environment_digest(
                    &environment.id,
                    &environment.config,
                ),
                environment,
            });
        }
    }
    treatments
}

fn distinct(treatments: &[TreatmentSection], place: &Place, found: &mut Vec<Found>) {
    let mut taken = BTreeSet::new();
    for (index, TreatmentSection { id, .. }) in treatments.iter().enumerate() {
        if !taken.insert(id) {
            let at = place.item(index).key("id");
            let message = format!("two treatments of the scene have the id `{id}`");
            found.push(at.problem(message, "give each treatment an `id` of its own"));
        }
    }
}

/// What an environment of the catalogue is with the treatment's settings.
fn native(
    section: &GymSection,
    subject: &Subject,
    treatment: &TreatmentSection,
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<EnvironmentSpec> {
    if !treatment.kwargs.is_empty() {
        let message = "`kwargs` are for environments in Python";
        let fix = "write `config`, for those of the catalogue";
        found.push(place.key("kwargs").problem(message, fix));
    }
    let known = igym_envs::find(&subject.environment.id).ok()?;
    // What is wrong with the scene's own settings is said once.
    if subject.environment.config.is_empty() {
        return None;
    }
    let settings = over(&section.config, &treatment.config);
    let config = place.key("config");
    Some(gym::environment(known, settings, &config, found))
}

/// The scene's own environment in Python with the treatment's arguments.
fn with_kwargs(
    own: &PythonEnvironment,
    treatment: &TreatmentSection,
    place: &Place,
    found: &mut Vec<Found>,
) -> PythonEnvironment {
    if !treatment.config.is_empty() {
        let message = "`config` is for environments of the catalogue";
        let fix = "write `kwargs`, for those in Python";
        found.push(place.key("config").problem(message, fix));
    }
    let mut configuration = own.configuration.clone();
    for (key, value) in &treatment.kwargs {
        configuration["environment"]["kwargs"][key] = value.clone();
    }
    PythonEnvironment {
        scene: own.scene.clone(),
        treatment: Some(treatment.id.clone()),
        configuration,
    }
}

/// What was prepared of the last of `environments`.
fn python(
    section: &GymSection,
    subject: &Subject,
    preparation: Preparation,
    environments: &[PythonEnvironment],
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<EnvironmentSpec> {
    let Preparation::Done(prepared) = preparation else {
        return None;
    };
    // What is wrong with the scene's own environment is said once.
    let own = subject.description.as_ref()?;
    let (environment, before) = environments.split_last()?;
    let opened = opened(environment, before.len(), prepared, place, found)?;
    let name = environment.treatment.as_deref().unwrap_or_default();
    let place = place.key("kwargs");
    let pace = section.frames_per_second.is_none();
    for (message, fix) in differences(&opened, own, pace.then_some(subject.frames_per_second)) {
        let message = format!("the treatment `{name}` {message} in the scene without it");
        found.push(place.problem(message, fix));
    }
    Some(opened.environment)
}

/// In what the environment is not played as the scene's own is, each with its fix. `pace` is the scene's,
/// where the study does not say it.
fn differences(opened: &Opened, own: &Description, pace: Option<u16>) -> Vec<(String, String)> {
    let with = &opened.description;
    let mut different = Vec::new();
    let unchanged = |what: &str| format!("leave out of its `kwargs` what changes the {what}");
    if with.agents() == own.agents() {
        let mut agents = own.agents().iter().enumerate();
        if let Some((index, agent)) = agents.find(|it| !acts_alike(with, own, it.0)) {
            let can = |description: &Description| {
                let space = description.space(index);
                space.map_or(String::new(), actions::in_words)
            };
            let message = format!(
                "has other actions for `{agent}`: {}, and {}",
                can(with),
                can(own)
            );
            different.push((message, unchanged("actions")));
        }
    } else {
        let names = |description: &Description| {
            list(
                &description
                    .agents()
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            )
        };
        let message = format!("has the agents {}, and {}", names(with), names(own));
        different.push((message, unchanged("agents")));
    }
    let ((width, height), (own_width, own_height)) = (with.size(), own.size());
    if with.size() != own.size() {
        different.push((
            format!("draws {width} by {height} pixels, and {own_width} by {own_height}"),
            format!("write `size = [{own_width}, {own_height}]` in the section of the environment"),
        ));
    }
    if let Some(pace) = pace.filter(|pace| *pace != opened.frames_per_second) {
        different.push((
            format!(
                "has {} frames per second, and {pace}",
                opened.frames_per_second
            ),
            format!("write `frames_per_second = {pace}` in the scene"),
        ));
    }
    different
}

/// Whether keys mean the same to the agent with this index, and so does pressing none.
fn acts_alike(with: &Description, own: &Description, agent: usize) -> bool {
    let seat = own.agents().get(agent..=agent).unwrap_or_default();
    let keys = (0..own.bindings()).map(Some).chain([None]);
    let alike = |key: Option<usize>| {
        let bound = |it: &Description| key.map(|key| it.bound(key, agent));
        with.input(seat, key) == own.input(seat, key) && bound(with) == bound(own)
    };
    with.space(agent) == own.space(agent) && keys.into_iter().all(alike)
}

fn over(
    scene: &BTreeMap<String, Value>,
    treatment: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let both = scene.iter().chain(treatment);
    both.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
