//! Reads the case files of a directory.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::{Case, bad_input::Table};

/// The table of errors, which is no file of cases.
pub(super) const TABLE: &str = "errors.json";

/// Where this repository keeps its vectors.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// All cases of a directory that this system can play, in the order of file names.
pub fn load(directory: &Path) -> Result<Vec<Case>, String> {
    let entries = fs::read_dir(directory)
        .map_err(|cause| format!("could not list `{}`: {cause}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter(|path| path.file_name().is_some_and(|name| name != TABLE))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)
            .map_err(|cause| format!("could not read `{}`: {cause}", file.display()))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        cases.extend(load_file(&stem, &text)?);
    }
    cases.retain(|case| cfg!(unix) || !case.unix_only);
    let mut seen = HashSet::new();
    match cases.iter().find(|case| !seen.insert(case.id.as_str())) {
        Some(twice) => Err(format!("two cases are called `{}`", twice.id)),
        None => Ok(cases),
    }
}

/// The cases of one file; their ids start with the file's name.
pub fn load_file(stem: &str, text: &str) -> Result<Vec<Case>, String> {
    let unread = |cause| format!("`{stem}.json` is not a list of cases: {cause}");
    let entries: Vec<Value> = serde_json::from_str(text).map_err(unread)?;
    let mut cases = Vec::new();
    for mut entry in entries {
        match entry.get_mut("table").map(Value::take) {
            None => cases.push(Case::deserialize(entry).map_err(unread)?),
            Some(table) => {
                let table = Table::deserialize(table).map_err(unread)?;
                cases.extend(table.cases(stem)?);
            }
        }
    }
    for case in &cases {
        case.check()?;
        if !case.id.starts_with(&format!("{stem}/")) {
            return Err(format!(
                "case `{}` of `{stem}.json` must be called `{stem}/…`",
                case.id
            ));
        }
    }
    Ok(cases)
}
