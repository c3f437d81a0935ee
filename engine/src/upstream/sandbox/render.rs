//! Fills the templates of a sandbox file.

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::upstream::templates::{Piece, pieces};

/// What the templates of one call may use.
pub(super) struct Values<'a> {
    pub(super) arguments: &'a JsonObject,
    pub(super) identifier: &'a str,
    pub(super) log: String,
}

impl Values<'_> {
    /// Fills every string inside a value. With `typed`, a string that is one placeholder becomes
    /// the argument itself (a number stays a number).
    pub(super) fn fill(&self, template: &Value, typed: bool) -> Value {
        match template {
            Value::String(text) => match only_argument(text) {
                Some(path) if typed => self
                    .argument(path)
                    .cloned()
                    .unwrap_or_else(|| Value::String(String::new())),
                _ => Value::String(self.text(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item, typed)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (key.clone(), self.fill(value, typed)))
                .collect(),
            other => other.clone(),
        }
    }

    /// Fills a text. Arguments that are not text become compact JSON; missing ones, nothing.
    pub(super) fn text(&self, template: &str) -> String {
        let mut filled = String::new();
        for piece in pieces(template) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Placeholder("identifier") => filled.push_str(self.identifier),
                Piece::Placeholder("log") => filled.push_str(&self.log),
                Piece::Placeholder(name) => {
                    match name
                        .strip_prefix("arguments.")
                        .and_then(|path| self.argument(path))
                    {
                        Some(Value::String(text)) => filled.push_str(text),
                        Some(value) => filled.push_str(&value.to_string()),
                        None => {}
                    }
                }
            }
        }
        filled
    }

    /// `a.b` is the property `b` of the argument `a`, unless an argument is called `a.b`.
    fn argument(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.arguments.get(path) {
            return Some(value);
        }
        let mut parts = path.split('.');
        let first = self.arguments.get(parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            value => value.get(part),
        })
    }
}

/// The path of the one argument a text consists of.
fn only_argument(text: &str) -> Option<&str> {
    let mut pieces = pieces(text);
    match (pieces.next(), pieces.next()) {
        (Some(Piece::Placeholder(name)), None) => name.strip_prefix("arguments."),
        _ => None,
    }
}

/// The first placeholder of a text that nothing is known about.
pub(super) fn unknown(text: &str) -> Option<String> {
    placeholders(text)
        .find(|name| !matches!(*name, "identifier" | "log") && !name.starts_with("arguments."))
        .map(str::to_owned)
}

/// Whether a text shows the user's log.
pub(super) fn wants_log(text: &str) -> bool {
    placeholders(text).any(|name| name == "log")
}

fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The first thing found in any string of a value.
pub(super) fn any<T>(value: &Value, find: &impl Fn(&str) -> Option<T>) -> Option<T> {
    match value {
        Value::String(text) => find(text),
        Value::Array(items) => items.iter().find_map(|item| any(item, find)),
        Value::Object(fields) => fields.values().find_map(|item| any(item, find)),
        _ => None,
    }
}
