//! Checks the shape of a study file against its JSON Schema: names, kinds, bounds, choices.
//!
//! It knows as much of JSON Schema as `schemars` makes of the types in [`super::raw`], and finds
//! everything at once, with its place, where a deserializer would stop at the first error.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Found;
use super::kind::{
    accepts, expectation, is_name, kind, kind_of, most, scene_type, section_example,
};
use super::words::{choose, closest, list};

/// Everything wrong with the shape of `document`.
pub(super) fn check(schema: &Value, document: &Spanned<DeTable>) -> Vec<Found> {
    let mut shape = Shape {
        root: schema,
        found: Vec::new(),
    };
    shape.table(schema, document.get_ref(), 0..0, "the study file");
    shape.found
}

struct Shape<'s> {
    root: &'s Value,
    found: Vec<Found>,
}

impl<'s> Shape<'s> {
    fn value(&mut self, schema: &'s Value, value: &Spanned<DeValue>, name: &str) {
        let mut schema = self.resolve(schema);
        let mut name = name.to_owned();
        let mut others = Vec::new();
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            let choices: Vec<&Value> = choices.iter().map(|c| self.resolve(c)).collect();
            schema = match self.choice(&choices, value, &name) {
                Some(choice) => choice,
                None => return,
            };
            others = choices;
            if let Some(word) = scene_type(schema) {
                name = format!("this \"{word}\" scene");
            }
        }
        if schema.get("type").is_none() {
            return self.free(value, &name);
        }
        let span = value.span();
        if !accepts(schema, value.get_ref()) {
            let message = format!("{name} is {}", kind(value.get_ref()));
            return self.say(span, message, format!("it must be {}", expectation(schema)));
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(schema, table, span, &name),
            DeValue::Array(items) => {
                self.bounds(schema, items.len(), "Items", span, &name);
                match schema.get("items") {
                    Some(item_schema) => {
                        for item in items {
                            self.value(item_schema, item, &format!("an item of {name}"));
                        }
                    }
                    None => self.free(value, &name),
                }
            }
            DeValue::String(text) => self.text(schema, &others, text, span, &name),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                // What does not fit an i64 is far out of every range.
                let number = number.map_or(f64::INFINITY, |number| number as f64);
                self.range(schema, number, span, &name);
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse().unwrap_or(f64::NAN);
                self.range(schema, number, span, &name);
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }

    fn table(&mut self, schema: &'s Value, table: &DeTable, span: Range<usize>, name: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let property = |key: &str| properties.and_then(|properties| properties.get(key));
        // A key that is there under another name is not reported as missing too.
        let mut misspelt = Vec::new();
        for (key, value) in table {
            let key_name: &str = key.get_ref();
            match (property(key_name), schema.get("additionalProperties")) {
                (Some(property), _) => {
                    let name = self.called(property, key_name);
                    self.value(property, value, &name);
                }
                (None, Some(Value::Bool(false))) => {
                    let allowed = properties.into_iter().flat_map(Map::keys);
                    let allowed: Vec<&str> = allowed.map(String::as_str).collect();
                    let fix = choose(key_name, "its keys are", &allowed);
                    misspelt.extend(closest(key_name, allowed));
                    self.say(key.span(), format!("{name} has no key `{key_name}`"), fix);
                }
                (None, Some(schema @ Value::Object(_))) => {
                    self.value(schema, value, &format!("`{key_name}`"));
                }
                (None, Some(_) | None) => self.free(value, &format!("`{key_name}`")),
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) && !misspelt.contains(&key) {
                let example = property(key).map_or(String::new(), |p| self.example(p, key));
                let message = format!("{name} needs `{key}`");
                self.say(span.clone(), message, format!("add {example}"));
            }
        }
    }

    /// The one of `choices` that `value` is meant to be.
    fn choice(
        &mut self,
        choices: &[&'s Value],
        value: &Spanned<DeValue>,
        name: &str,
    ) -> Option<&'s Value> {
        let types: Vec<&str> = choices.iter().copied().filter_map(scene_type).collect();
        if let (DeValue::Table(table), false) = (value.get_ref(), types.is_empty()) {
            let Some(wanted) = table.get("type") else {
                let fix = format!("add a line `type = \"…\"`; the types are {}", list(&types));
                self.say(value.span(), "this scene needs `type`".to_owned(), fix);
                return None;
            };
            let word = wanted.get_ref().as_str().unwrap_or("");
            let found = choices
                .iter()
                .find(|c| scene_type(c) == Some(word))
                .copied();
            if found.is_none() {
                let message = format!("there is no scene of type \"{word}\"");
                let fix = choose(word, "the types are", &types);
                self.say(wanted.span(), message, fix);
            }
            return found;
        }
        let found = choices
            .iter()
            .find(|c| accepts(c, value.get_ref()))
            .copied();
        if found.is_none() {
            let expected: Vec<String> = choices.iter().map(|c| expectation(c)).collect();
            let message = format!("{name} is {}", kind(value.get_ref()));
            let fix = format!("it must be {}", expected.join(" or "));
            self.say(value.span(), message, fix);
        }
        found
    }

    /// `others` are what else could stand in its place.
    fn text(
        &mut self,
        schema: &Value,
        others: &[&Value],
        text: &str,
        span: Range<usize>,
        name: &str,
    ) {
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            if !words.contains(&text) {
                let mut fix = choose(text, "the choices are", &words);
                let mut sections = others.iter().filter_map(|other| section_example(other));
                if let (None, Some(example)) = (closest(text, words), sections.next()) {
                    fix += &format!("; or write a section, such as `{example}`");
                }
                self.say(span, format!("{name} cannot be \"{text}\""), fix);
            }
            return;
        }
        let length = text.chars().count();
        self.bounds(schema, length, "Length", span.clone(), name);
        if schema.get("pattern").is_some() && !is_name(text) {
            let fix = "use letters, digits, `_` and `-`, nothing else".to_owned();
            self.say(span, format!("{name} cannot be \"{text}\""), fix);
        }
    }

    fn range(&mut self, schema: &Value, number: f64, span: Range<usize>, name: &str) {
        let least = schema.get("minimum").and_then(Value::as_f64);
        let most = most(schema);
        // Not a number is inside no range.
        let inside = number.is_finite()
            && least.is_none_or(|least| number >= least)
            && most.is_none_or(|most| number <= most);
        if !inside {
            let fix = match (least, most) {
                (Some(least), Some(most)) => format!("it can be {least} to {most}"),
                (Some(least), None) => format!("it can be {least} or more"),
                (None, Some(most)) => format!("it can be {most} or less"),
                (None, None) => "write a finite number".to_owned(),
            };
            self.say(span, format!("{name} is out of range"), fix);
        }
    }

    fn bounds(&mut self, schema: &Value, length: usize, of: &str, span: Range<usize>, name: &str) {
        let bound = |prefix: &str| schema.get(format!("{prefix}{of}")).and_then(Value::as_u64);
        let unit = match of {
            "Items" => "items",
            _ => "characters",
        };
        let actual = length as u64;
        if let Some(least) = bound("min").filter(|least| actual < *least) {
            let message = match actual {
                0 => format!("{name} is empty"),
                _ => format!("{name} is too short"),
            };
            let fix = match least {
                1 => "write something, or remove the line".to_owned(),
                least => format!("it needs at least {least} {unit}"),
            };
            self.say(span, message, fix);
        } else if let Some(most) = bound("max").filter(|most| actual > *most) {
            let fix = format!("it can have at most {most} {unit}");
            self.say(span, format!("{name} is too long"), fix);
        }
    }

    /// A value that may be anything that JSON can say.
    fn free(&mut self, value: &Spanned<DeValue>, name: &str) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.free(value, &format!("`{}`", key.get_ref()));
                }
            }
            DeValue::Array(items) => {
                for item in items {
                    self.free(item, &format!("an item of {name}"));
                }
            }
            DeValue::Datetime(_) => {
                let fix = "write it as text, in quotes".to_owned();
                self.say(value.span(), format!("{name} is a date or time"), fix);
            }
            DeValue::Integer(integer) => {
                if i64::from_str_radix(integer.as_str(), integer.radix()).is_err() {
                    let fix = "write a number of at most 63 bits".to_owned();
                    self.say(value.span(), format!("{name} is out of range"), fix);
                }
            }
            DeValue::Float(float) => {
                if !float.as_str().parse().is_ok_and(f64::is_finite) {
                    let fix = "write a finite number".to_owned();
                    self.say(value.span(), format!("{name} is out of range"), fix);
                }
            }
            DeValue::String(_) | DeValue::Boolean(_) => {}
        }
    }

    /// What a key's value is called in messages.
    fn called(&self, property: &'s Value, key: &str) -> String {
        match kind_of(self.resolve(property)) {
            "object" => format!("`[{key}]`"),
            _ => format!("`{key}`"),
        }
    }

    /// What to write for a missing key.
    fn example(&self, property: &'s Value, key: &str) -> String {
        let property = self.resolve(property);
        let simplest = property.get("anyOf").and_then(|choices| choices.get(0));
        let property = simplest.map_or(property, |choice| self.resolve(choice));
        let words = property.get("enum").and_then(Value::as_array);
        match (kind_of(property), words.and_then(|words| words.first())) {
            ("object", _) => format!("a section `[{key}]`"),
            ("array", _) => format!("sections `[[{key}]]`"),
            (_, Some(word)) => format!("a line such as `{key} = {word}`"),
            (_, None) => format!("a line `{key} = \"…\"`"),
        }
    }

    fn resolve(&self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        name.and_then(|name| self.root.pointer(name.strip_prefix('#')?))
            .unwrap_or(schema)
    }

    fn say(&mut self, span: Range<usize>, message: String, fix: String) {
        self.found.push(Found { span, message, fix });
    }
}
