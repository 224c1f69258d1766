//! Kinds of value, as a schema asks for them and as a study file has them.

use serde_json::Value;
use toml::de::DeValue;

/// The kind that `schema` asks for, in the schema's own word.
pub(super) fn kind_of(schema: &Value) -> &str {
    schema.get("type").and_then(Value::as_str).unwrap_or("")
}

/// Whether `value` is of the kind that `schema` asks for.
pub(super) fn accepts(schema: &Value, value: &DeValue) -> bool {
    match value {
        DeValue::String(_) => kind_of(schema) == "string",
        DeValue::Integer(_) => matches!(kind_of(schema), "integer" | "number"),
        DeValue::Float(_) => kind_of(schema) == "number",
        DeValue::Boolean(_) => kind_of(schema) == "boolean",
        DeValue::Array(_) => kind_of(schema) == "array",
        DeValue::Table(_) => kind_of(schema) == "object",
        DeValue::Datetime(_) => false,
    }
}

/// What `schema` asks for, in words.
pub(super) fn expectation(schema: &Value) -> String {
    let words = schema.get("enum").and_then(Value::as_array);
    match (kind_of(schema), words) {
        ("string", Some(words)) => {
            let words: Vec<String> = words.iter().map(Value::to_string).collect();
            words.join(" or ")
        }
        ("string", None) => "text, in quotes".to_owned(),
        ("integer", _) => "a whole number".to_owned(),
        ("number", _) => "a number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("array", _) => "a list".to_owned(),
        (_, _) => "a section".to_owned(),
    }
}

/// What `value` is, in words.
pub(super) fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// The largest number that `schema` allows.
pub(super) fn most(schema: &Value) -> Option<f64> {
    let named = schema.get("maximum").and_then(Value::as_f64);
    named.or_else(|| match schema.get("format")?.as_str()? {
        "uint8" => Some(f64::from(u8::MAX)),
        "uint16" => Some(f64::from(u16::MAX)),
        "uint32" => Some(f64::from(u32::MAX)),
        _ => None,
    })
}

/// The one value that `type` has in a table of this schema, if it has one.
pub(super) fn scene_type(schema: &Value) -> Option<&str> {
    match schema
        .pointer("/properties/type/enum")?
        .as_array()?
        .as_slice()
    {
        [word] => word.as_str(),
        _ => None,
    }
}

/// The section that the schema gives as an example, as a study file writes it.
pub(super) fn section_example(schema: &Value) -> Option<String> {
    let example = schema.get("examples")?.get(0)?.as_object()?;
    let lines: Vec<String> = example
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    Some(format!("{{ {} }}", lines.join(", ")))
}

/// The one pattern that the schema uses.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
