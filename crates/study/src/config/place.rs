//! Where a value stands in a study file.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::error::Found;

/// A value in the file, or the nearest thing around it that is there.
#[derive(Clone)]
pub(super) struct Place<'d> {
    span: Range<usize>,
    value: Option<&'d DeValue<'d>>,
}

impl<'d> Place<'d> {
    pub(super) fn new(value: &'d Spanned<DeValue<'d>>) -> Self {
        Self {
            span: value.span(),
            value: Some(value.get_ref()),
        }
    }

    /// The start of the file.
    pub(super) fn start() -> Self {
        Self {
            span: 0..0,
            value: None,
        }
    }

    /// The value of `key`, or this place if there is none.
    pub(super) fn key(&self, key: &str) -> Self {
        let table = self.value.and_then(DeValue::as_table);
        match table.and_then(|table| table.get(key)) {
            Some(value) => Self::new(value),
            None => self.without_value(),
        }
    }

    pub(super) fn item(&self, index: usize) -> Self {
        let items = self.value.and_then(DeValue::as_array);
        match items.and_then(|items| items.get(index)) {
            Some(value) => Self::new(value),
            None => self.without_value(),
        }
    }

    /// The keys of this table with their own places, in the order of the file.
    pub(super) fn keys(&self) -> Vec<(String, Self)> {
        let table = self.value.and_then(DeValue::as_table);
        let keys = table.into_iter().flat_map(|table| table.keys());
        let mut keys: Vec<(String, Self)> = keys
            .map(|key| {
                let span = key.span();
                (key.get_ref().to_string(), Self { span, value: None })
            })
            .collect();
        keys.sort_by_key(|(_, place)| place.span.start);
        keys
    }

    pub(super) fn problem(&self, message: impl Into<String>, fix: impl Into<String>) -> Found {
        Found {
            span: self.span.clone(),
            message: message.into(),
            fix: fix.into(),
        }
    }

    fn without_value(&self) -> Self {
        Self {
            span: self.span.clone(),
            value: None,
        }
    }
}
