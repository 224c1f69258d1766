//! The JSON Schema of `study.toml`.

use serde_json::{Map, Value};

use super::raw::StudyFile;

/// The schema as a value. TOML has no null, so what schemars says of nulls is taken out.
pub(super) fn schema() -> Value {
    let mut schema = schemars::schema_for!(StudyFile).to_value();
    tidy(&mut schema);
    schema
}

/// The JSON Schema of `study.toml`, for editors; a copy is in `docs/study.schema.json`.
pub fn json_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    text.push('\n');
    text
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            without_null(object);
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
        if let [Value::Object(choice)] = choices.as_slice() {
            let choice = choice.clone();
            schema.remove("anyOf");
            schema.extend(choice);
        }
    }
}
