//! `errors.json`: the one table of errors, from HTTP status to class in every language.

use std::{fs, path::Path, sync::LazyLock};

use serde::Deserialize;

use super::file::{TABLE as TABLE_FILE, directory};

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
    /// The case that fails with this kind and code, and states status and message.
    pub example: Option<String>,
    /// Why there can be no such case.
    pub unreachable: Option<String>,
}

/// The class of an error in a language; the sentence says why there is none.
pub(super) fn class_of(kind: &str, code: &str, language: &str) -> Result<String, String> {
    static TABLE: LazyLock<Result<Vec<KindRow>, String>> =
        LazyLock::new(|| load_table(&directory()));
    let table = TABLE.as_ref().map_err(String::clone)?;
    let row = table.iter().find(|row| row.kind == kind);
    let class = row.and_then(|row| row.codes.iter().find(|class| class.code == code));
    let (Some(row), Some(class)) = (row, class) else {
        return Err(format!("`{TABLE_FILE}` has no `{kind}`/`{code}`"));
    };
    match language {
        "rust" => Ok("Error".to_owned()),
        "python" => Ok(class.python.as_ref().unwrap_or(&row.python).clone()),
        "node" => Ok(class.node.as_ref().unwrap_or(&row.node).clone()),
        other => Err(format!(
            "the report must name its `language`, not `{other}`"
        )),
    }
}

pub fn load_table(directory: &Path) -> Result<Vec<KindRow>, String> {
    let text = fs::read_to_string(directory.join(TABLE_FILE))
        .map_err(|cause| format!("could not read `{TABLE_FILE}`: {cause}"))?;
    serde_json::from_str(&text).map_err(|cause| format!("`{TABLE_FILE}` cannot be read: {cause}"))
}
