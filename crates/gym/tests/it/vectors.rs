//! The bytes that Rust and Python must agree on: one file of vectors, checked from both sides.

use std::collections::BTreeMap;
use std::path::Path;

use igym_gym::{Action, AgentOutcome, Align, Color, DType, Draft, Outcome, Space, Surface, Value};
use serde_json::{Value as Json, json};

/// Set it to write the expected bytes anew.
const UPDATE: &str = "IGYM_UPDATE_GOLDEN";

#[test]
fn both_languages_agree_on_the_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vectors.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let golden: Json = serde_json::from_str(&text).unwrap();
    let mut ours = golden.clone();
    for entry in list(&mut ours["values"]) {
        let encoded = value(&entry["value"]).encode();
        assert!(Value::decode(&encoded).is_ok());
        entry["hex"] = hex(&encoded).into();
    }
    for entry in list(&mut ours["outcomes"]) {
        let encoded = outcome(&entry["outcome"]).encode();
        assert!(Outcome::decode(&encoded).is_ok());
        entry["hex"] = hex(&encoded).into();
    }
    for entry in list(&mut ours["actions"]) {
        let space = space(&entry["space"]);
        let action = action(&space, &entry["action"]);
        let encoded = action.encode(&space).expect("it is an action");
        assert_eq!(Action::decode(&space, &encoded), Some(action));
        entry["hex"] = hex(&encoded).into();
    }
    for entry in list(&mut ours["not_actions"]) {
        let space = space(&entry["space"]);
        let data = bytes(entry["hex"].as_str().unwrap());
        assert_eq!(Action::decode(&space, &data), None, "{entry}");
    }
    for entry in list(&mut ours["drawings"]) {
        entry["frames"] = frames(entry);
    }
    if std::env::var_os(UPDATE).is_some() {
        let text = serde_json::to_string_pretty(&ours).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
        return;
    }
    for part in ["values", "outcomes", "actions", "drawings"] {
        let (ours, golden) = (&ours[part], &golden[part]);
        assert!(ours.as_array().unwrap().len() >= 4, "{part} are compared");
        for (ours, golden) in ours
            .as_array()
            .unwrap()
            .iter()
            .zip(golden.as_array().unwrap())
        {
            assert_eq!(
                ours, golden,
                "if that is meant, run this test with {UPDATE}=1"
            );
        }
    }
}

fn list(json: &mut Json) -> &mut Vec<Json> {
    json.as_array_mut().unwrap()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

fn float(json: &Json) -> f64 {
    f64::from_le_bytes(bytes(json.as_str().unwrap()).try_into().unwrap())
}

fn bytes(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dtype(json: &Json) -> DType {
    DType::ALL
        .into_iter()
        .find(|dtype| dtype.name() == json.as_str().unwrap())
        .unwrap()
}

fn shape(json: &Json) -> Vec<u32> {
    let extents = json.as_array().unwrap().iter();
    extents.map(|extent| number(extent) as u32).collect()
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap()
}

/// A value by its kind: `{"int": "5"}`; floats and arrays by the hex of their bytes.
fn value(json: &Json) -> Value {
    let (kind, inner) = json.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(inner.as_bool().unwrap()),
        "int" => Value::Int(inner.as_str().unwrap().parse().unwrap()),
        "float" => Value::Float(float(inner)),
        "str" => Value::Str(text(inner)),
        "bytes" => Value::Bytes(bytes(inner.as_str().unwrap())),
        "list" => Value::List(inner.as_array().unwrap().iter().map(value).collect()),
        "map" => Value::Map(map(inner)),
        "array" => Value::Array {
            dtype: dtype(&inner["dtype"]),
            shape: shape(&inner["shape"]),
            bytes: bytes(inner["hex"].as_str().unwrap()),
        },
        _ => panic!("no kind of value: {kind}"),
    }
}

fn map(json: &Json) -> BTreeMap<String, Value> {
    let entries = json.as_array().unwrap().iter();
    entries
        .map(|entry| (text(&entry[0]), value(&entry[1])))
        .collect()
}

fn outcome(json: &Json) -> Outcome {
    let agents = json["agents"].as_array().unwrap().iter();
    Outcome {
        agents: agents
            .map(|cell| AgentOutcome {
                agent: text(&cell["agent"]),
                reward: (!cell["reward"].is_null()).then(|| float(&cell["reward"])),
                terminated: cell["terminated"].as_bool(),
                truncated: cell["truncated"].as_bool(),
                platform_truncated: cell["platform"].as_bool().unwrap(),
                info: map(&cell["info"]),
            })
            .collect(),
        terminal: json["terminal"].as_bool().unwrap(),
    }
}

fn space(json: &Json) -> Space {
    match json["kind"].as_str().unwrap() {
        "discrete" => Space::Discrete {
            n: number(&json["n"]) as u32,
        },
        "multi_discrete" => Space::MultiDiscrete {
            n: shape(&json["n"]),
        },
        "multi_binary" => Space::MultiBinary {
            n: number(&json["n"]) as u32,
        },
        "box" => Space::Box {
            low: number(&json["low"]),
            high: number(&json["high"]),
            dtype: dtype(&json["dtype"]),
            shape: shape(&json["shape"]),
        },
        "dict" => Space::dict(
            json["entries"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, entry)| (name.clone(), space(entry))),
        ),
        kind => panic!("no kind of space: {kind}"),
    }
}

fn action(space: &Space, json: &Json) -> Action {
    let numbers = || json.as_array().unwrap().iter().map(number);
    match space {
        Space::Discrete { .. } => Action::Discrete(number(json) as u32),
        Space::MultiDiscrete { .. } => Action::MultiDiscrete(numbers().map(|n| n as u32).collect()),
        Space::MultiBinary { .. } => Action::MultiBinary(numbers().map(|bit| bit != 0.0).collect()),
        Space::Box { .. } => Action::Box(numbers().collect()),
        Space::Dict(entries) => Action::Dict(
            entries
                .iter()
                .map(|(name, space)| (name.clone(), action(space, &json[name])))
                .collect(),
        ),
    }
}

/// What each commit of a list of drawing calls gives.
fn frames(entry: &Json) -> Json {
    let mut surface = Surface::new(
        number(&entry["width"]) as u32,
        number(&entry["height"]) as u32,
    );
    let mut frames = Vec::new();
    for call in entry["calls"].as_array().unwrap() {
        let arguments = call["arguments"].as_array().unwrap();
        let n = |place: usize| number(&arguments[place]);
        let t = |place: usize| text(&arguments[place]);
        let draft = match call["call"].as_str().unwrap() {
            "rect" => surface.rect(n(0), n(1), n(2), n(3)),
            "circle" => surface.circle(n(0), n(1), n(2)),
            "ellipse" => surface.ellipse(n(0), n(1), n(2), n(3)),
            "arc" => surface.arc(n(0), n(1), n(2), n(3), n(4)),
            "line" => surface.line(points(&arguments[0])),
            "polygon" => surface.polygon(points(&arguments[0])),
            "text" => surface.text(t(0), n(1), n(2)),
            "image" => surface.image(t(0), n(1), n(2), n(3), n(4)),
            other => {
                match other {
                    "register_image" => surface.register_image(t(0), t(1)),
                    "register_atlas" => surface.register_atlas(t(0), t(1), t(2)),
                    "remove" => surface.remove(&t(0)),
                    "reset" => surface.reset(),
                    "commit" => {
                        let list = surface.commit();
                        frames.push(json!({"objects": list.objects, "omitted": list.omitted}));
                    }
                    _ => panic!("no drawing call: {other}"),
                }
                continue;
            }
        };
        keywords(draft, &call["keywords"]);
    }
    Json::Array(frames)
}

fn points(json: &Json) -> Vec<(f64, f64)> {
    let pairs = json.as_array().unwrap().iter();
    pairs
        .map(|pair| (number(&pair[0]), number(&pair[1])))
        .collect()
}

fn color(json: &Json) -> Color {
    match json {
        Json::String(name) => name.parse().unwrap(),
        rgb => {
            let part = |place: usize| number(&rgb[place]) as u8;
            Color::rgb(part(0), part(1), part(2))
        }
    }
}

fn keywords(mut draft: Draft<'_>, keywords: &Json) {
    let keywords = keywords.as_object().unwrap();
    if let Some(outline) = keywords.get("stroke_color") {
        draft = draft.stroke(color(outline), number(&keywords["stroke_width"]));
    }
    let persistent = keywords.contains_key("persistent");
    for (name, value) in keywords {
        draft = match name.as_str() {
            "color" => draft.color(color(value)),
            "border_radius" => draft.border_radius(number(value)),
            "width" => draft.width(number(value)),
            "size" => draft.size(number(value)),
            "font" => draft.font(text(value)),
            "align" => draft.align(match value.as_str().unwrap() {
                "center" => Align::Center,
                "right" => Align::Right,
                _ => Align::Left,
            }),
            "frame" => draft.frame(text(value)),
            "angle" => draft.angle(number(value)),
            "id" if persistent => draft.persistent(text(value)),
            "id" => draft.id(text(value)),
            "relative" => draft.relative(),
            "depth" => draft.depth(number(value)),
            "alpha" => draft.alpha(number(value)),
            "tween_duration" => draft.tween(number(value) as u32),
            "stroke_color" | "stroke_width" | "persistent" => draft,
            _ => panic!("no keyword: {name}"),
        };
    }
}
