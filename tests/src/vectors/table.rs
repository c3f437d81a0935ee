//! `errors.json`: the one table of errors, from HTTP status to class in every language.

use std::{fs, path::Path};

use serde::Deserialize;

use super::file::TABLE;

/// One kind of error and what it is called elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindRow {
    pub kind: String,
    /// The class in Python, where a code names none of its own.
    pub python: String,
    /// The class in Node, where a code names none of its own.
    pub node: String,
    pub codes: Vec<Class>,
}

/// One code of a kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub code: String,
    /// The statuses that become this code: exact, `3xx` and `5xx` for the rest of a hundred,
    /// `other` for what nothing else names.
    #[serde(default)]
    pub statuses: Vec<String>,
    pub python: Option<String>,
    pub node: Option<String>,
}

pub fn load_table(directory: &Path) -> Result<Vec<KindRow>, String> {
    let text = fs::read_to_string(directory.join(TABLE))
        .map_err(|cause| format!("could not read `{TABLE}`: {cause}"))?;
    serde_json::from_str(&text).map_err(|cause| format!("`{TABLE}` cannot be read: {cause}"))
}
