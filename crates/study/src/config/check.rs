//! From a study file of the right shape to a study that can be served.

use std::collections::BTreeSet;

use igym_protocol::IceServer;
use toml::Spanned;
use toml::de::DeTable;

use super::error::Found;
use super::place::Place;
use super::python::{self, Preparation, PythonPart};
use super::raw::{IceServerSection, SceneSection, StartSection, StudyFile};
use super::{EndScene, Scene, StartScene, ending, gym};

/// The parts of a study that its file tells.
pub(super) struct Checked {
    pub(super) scenes: Vec<Scene>,
    pub(super) end: EndScene,
    pub(super) ice_servers: Vec<IceServer>,
    /// What scenes with environments in Python need.
    pub(super) python: Option<PythonPart>,
}

/// Checks what the shape alone does not say; everything that is found wrong, if anything is.
pub(super) fn check(
    file: &StudyFile,
    document: &Spanned<DeTable>,
    preparation: Preparation,
) -> Result<Checked, Vec<Found>> {
    let place = |key: &str| {
        document
            .get_ref()
            .get(key)
            .map_or(Place::start(), Place::new)
    };
    let mut found = Vec::new();
    let ice_servers = place("study").key("ice_servers");
    for (index, server) in file.study.ice_servers.iter().enumerate() {
        ice_server(server, &ice_servers.item(index), &mut found);
    }
    let python_place = place("python");
    let place = place("scenes");
    order(&file.scenes, &place, &mut found);
    let mut scenes = Vec::new();
    let mut ids = Vec::new();
    let mut end = None;
    let mut games = 0;
    let mut environments = Vec::new();
    for (index, section) in file.scenes.iter().enumerate() {
        let place = place.item(index);
        match section {
            SceneSection::Start(section) => {
                let start = start(section, file);
                ids.push(start.id.clone());
                scenes.push(Scene::Start(start));
            }
            SceneSection::Gym(section) => {
                games += 1;
                let python = &mut environments;
                let title = &file.study.title;
                let game = gym::check(
                    title,
                    section,
                    games,
                    preparation,
                    python,
                    &place,
                    &mut found,
                );
                ids.push(game.id.clone());
                scenes.push(Scene::Gym(game));
            }
            SceneSection::End(section) => {
                let scene = ending::check(section, &place, &mut found);
                ids.push(scene.id.clone());
                end = Some(scene);
            }
        }
    }
    distinct(&ids, &place, &mut found);
    if let Preparation::Done(prepared) = preparation
        && prepared.descriptions.len() > environments.len()
    {
        let message = "what was prepared does not belong to this study file";
        found.push(place.problem(message, "run `igym prepare` again"));
    }
    let python = python::part(
        file.python.as_ref(),
        &file.study.id,
        environments,
        &python_place,
        &mut found,
    );
    match end {
        Some(end) if found.is_empty() => Ok(Checked {
            scenes,
            end,
            ice_servers: file.study.ice_servers.iter().map(to_protocol).collect(),
            python,
        }),
        _ => Err(found),
    }
}

fn start(section: &StartSection, file: &StudyFile) -> StartScene {
    let title = section.title.as_ref().unwrap_or(&file.study.title);
    StartScene {
        id: section.id.clone().unwrap_or_else(|| "start".to_owned()),
        title: title.clone(),
        body: section.body.clone(),
        button: section.button.clone(),
    }
}

/// One start, then games, then one end.
fn order(scenes: &[SceneSection], place: &Place, found: &mut Vec<Found>) {
    let fix = "the order is one \"start\", one or more \"gym\", one \"end\"";
    let Some(last) = scenes.len().checked_sub(1) else {
        return found.push(place.problem("there are no scenes", fix));
    };
    if !matches!(scenes.first(), Some(SceneSection::Start(_))) {
        let at = place.item(0).key("type");
        found.push(at.problem("the first scene is not of type \"start\"", fix));
    }
    if !matches!(scenes.last(), Some(SceneSection::End(_))) {
        let at = place.item(last).key("type");
        found.push(at.problem("the last scene is not of type \"end\"", fix));
    }
    if !scenes
        .iter()
        .any(|scene| matches!(scene, SceneSection::Gym(_)))
    {
        let at = place.item(last).key("type");
        found.push(at.problem("there is no scene of type \"gym\"", fix));
    }
    for (index, scene) in scenes.iter().enumerate() {
        let at = place.item(index).key("type");
        match scene {
            SceneSection::Start(_) if index > 0 => {
                found.push(at.problem("only the first scene can be of type \"start\"", fix));
            }
            SceneSection::End(_) if index < last => {
                found.push(at.problem("only the last scene can be of type \"end\"", fix));
            }
            SceneSection::Start(_) | SceneSection::Gym(_) | SceneSection::End(_) => {}
        }
    }
}

fn distinct(ids: &[String], place: &Place, found: &mut Vec<Found>) {
    let mut taken = BTreeSet::new();
    for (index, id) in ids.iter().enumerate() {
        if !taken.insert(id) {
            let at = place.item(index).key("id");
            let message = format!("two scenes have the id `{id}`");
            found.push(at.problem(message, "give each scene an `id` of its own"));
        }
    }
}

fn ice_server(server: &IceServerSection, place: &Place, found: &mut Vec<Found>) {
    for (index, url) in server.urls.iter().enumerate() {
        let at = place.key("urls").item(index);
        let turn = url.starts_with("turn:") || url.starts_with("turns:");
        if !turn && !url.starts_with("stun:") && !url.starts_with("stuns:") {
            let fix = "begin it with `stun:` or `turn:`, such as `stun:stun.example.org:3478`";
            found.push(at.problem(format!("\"{url}\" is not a STUN or TURN address"), fix));
        } else if turn && (server.username.is_none() || server.credential.is_none()) {
            let fix = "add `username` and `credential`";
            found.push(at.problem("a TURN server needs credentials", fix));
        }
    }
}

fn to_protocol(server: &IceServerSection) -> IceServer {
    IceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    }
}
