//! What a connection of `vmcp.toml` says of its tools: their names, and others for them.

use std::{collections::BTreeMap, ops::Range};

use toml::Spanned;

use super::{
    file::{Checked, complain},
    names::{MAX_TOOL_NAME, Names, check, is_allowed},
};

/// A table of texts, each with its place.
pub(super) type Pairs = BTreeMap<Spanned<String>, Spanned<String>>;

/// The upstream's own names and where they are.
pub(super) type ToolNames = (Range<usize>, Vec<String>);

/// The names that `tools` promises.
pub(super) fn promised(entry: Option<Spanned<Vec<Spanned<String>>>>) -> Checked<Option<ToolNames>> {
    let Some(entry) = entry else { return Ok(None) };
    let span = entry.span();
    if entry.get_ref().is_empty() {
        return complain(
            span,
            "`tools` is empty; leave it out to take the names from the upstream",
        );
    }
    let mut names: Vec<String> = Vec::new();
    for name in entry.into_inner() {
        if name.get_ref().is_empty() || names.contains(name.get_ref()) {
            return complain(
                name.span(),
                format!("tool `{}` is empty or named twice", name.get_ref()),
            );
        }
        names.push(name.into_inner());
    }
    Ok(Some((span, names)))
}

/// How the tools are called, by `prefix` and `rename`.
pub(super) fn names(prefix: Option<Spanned<String>>, rename: Option<Pairs>) -> Checked<Names> {
    if let Some(prefix) = &prefix {
        let text = prefix.get_ref();
        let fits = (1..MAX_TOOL_NAME).contains(&text.len());
        if !fits || !text.bytes().all(is_allowed) {
            return complain(
                prefix.span(),
                format!(
                    "`prefix` should be 1 to {} letters, digits, `_`, `-` and `.`",
                    MAX_TOOL_NAME - 1
                ),
            );
        }
    }
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for (tool, name) in rename.unwrap_or_default() {
        if let Err(error) = check(name.get_ref()) {
            return complain(name.span(), format!("no tool can be called so: {error}"));
        }
        let other = renamed.iter().find(|(_, new)| *new == name.get_ref());
        if let Some((other, new)) = other {
            return complain(
                name.span(),
                format!("`{new}` is already the new name of `{other}`; choose another one"),
            );
        }
        renamed.insert(tool.into_inner(), name.into_inner());
    }
    let prefix = prefix.map(Spanned::into_inner).unwrap_or_default();
    Ok(Names::new(prefix, renamed))
}

/// The exposed names of tools that are known before any upstream is asked.
pub(super) fn exposed((span, tools): ToolNames, names: &Names) -> Checked<Vec<String>> {
    let unknown = names
        .renamed()
        .find(|name| !tools.iter().any(|tool| tool == name));
    if let Some(name) = unknown {
        return complain(
            span,
            format!(
                "`rename` names the tool `{name}`, which is not among these; check its spelling"
            ),
        );
    }
    let name = |tool: &String| match names.exposed(tool) {
        Ok(name) => Ok(name.into_owned()),
        Err(error) => complain(
            span.clone(),
            format!(
                "the tool `{tool}` cannot be shown: {error}; give it another name with `rename`"
            ),
        ),
    };
    tools.iter().map(name).collect()
}
