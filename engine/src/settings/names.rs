//! How a connection's tools are called. Their exposed names are those of configs, lists and calls;
//! only the upstream is told its own.

use std::{borrow::Cow, collections::BTreeMap};

use thiserror::Error;

/// Model providers refuse tools with longer names.
pub(crate) const MAX_TOOL_NAME: usize = 64;

/// Says what each tool of a connection is called. The answer follows from these settings and the
/// upstream's name alone, whatever else there is in a config or in the upstream's list.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    prefix: String,
    /// By the upstream's name.
    renamed: BTreeMap<String, String>,
    /// The same by the exposed name.
    originals: BTreeMap<String, String>,
}

/// Why a tool cannot be shown under the name it would have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NameError {
    #[error("`{0}` is longer than {MAX_TOOL_NAME} characters")]
    TooLong(String),
    #[error("`{0}` is empty, or holds other characters than letters, digits, `_`, `-` and `.`")]
    Invalid(String),
    #[error("`{name}` is what `rename` calls the tool `{renamed}`")]
    Taken { name: String, renamed: String },
}

impl NameError {
    /// The reason, for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            NameError::TooLong(_) => "name_too_long",
            NameError::Invalid(_) => "name_invalid",
            NameError::Taken { .. } => "name_taken",
        }
    }
}

impl Names {
    /// `renamed` leads from upstream names to exposed ones, no two to the same; these have no prefix.
    pub(super) fn new(prefix: String, renamed: BTreeMap<String, String>) -> Names {
        let originals = renamed
            .iter()
            .map(|(upstream, exposed)| (exposed.clone(), upstream.clone()))
            .collect();
        Names {
            prefix,
            renamed,
            originals,
        }
    }

    /// What everybody but the upstream calls its tool `upstream`. No two tools get the same name.
    pub(crate) fn exposed<'a>(&'a self, upstream: &'a str) -> Result<Cow<'a, str>, NameError> {
        if let Some(name) = self.renamed.get(upstream) {
            return Ok(Cow::Borrowed(name));
        }
        let name = match self.prefix.as_str() {
            "" => Cow::Borrowed(upstream),
            prefix => Cow::Owned(format!("{prefix}{upstream}")),
        };
        check(&name)?;
        match self.originals.get(&*name) {
            None => Ok(name),
            Some(renamed) => Err(NameError::Taken {
                name: name.into_owned(),
                renamed: renamed.clone(),
            }),
        }
    }

    /// What the upstream calls the tool that everybody else calls `exposed`.
    pub(crate) fn upstream<'a>(&'a self, exposed: &'a str) -> Option<&'a str> {
        match self.originals.get(exposed) {
            Some(name) => Some(name),
            // A tool that `rename` names has only its new name.
            None => (exposed.strip_prefix(&*self.prefix))
                .filter(|name| !self.renamed.contains_key(*name)),
        }
    }

    /// The upstream's names of those that are renamed.
    pub(super) fn renamed(&self) -> impl Iterator<Item = &str> {
        self.renamed.keys().map(String::as_str)
    }

    /// Whether every tool is called as its upstream calls it.
    pub(crate) fn are_plain(&self) -> bool {
        self.prefix.is_empty() && self.renamed.is_empty()
    }
}

/// Whether a tool may be called so.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || !name.bytes().all(is_allowed) {
        return Err(NameError::Invalid(shortened(name)));
    }
    if name.len() > MAX_TOOL_NAME {
        return Err(NameError::TooLong(shortened(name)));
    }
    Ok(())
}

/// Whether names of tools may hold this byte.
pub(super) fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}

/// A name of any length, for a message.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(2 * MAX_TOOL_NAME) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(prefix: &str, renamed: &[(&str, &str)]) -> Names {
        let renamed = renamed
            .iter()
            .map(|(one, other)| ((*one).into(), (*other).into()));
        Names::new(prefix.to_owned(), renamed.collect())
    }

    #[test]
    fn a_renamed_tool_has_that_name_and_every_other_the_prefix() {
        let names = names("crm_", &[("find", "search"), ("old", "crm_new")]);
        for (upstream, exposed) in [("find", "search"), ("get", "crm_get"), ("old", "crm_new")] {
            assert_eq!(names.exposed(upstream).unwrap(), exposed);
            assert_eq!(names.upstream(exposed), Some(upstream));
        }
        for nobody in ["find", "crm_find", "crm_old", "get", ""] {
            assert_eq!(names.upstream(nobody), None, "{nobody}");
        }
        let taken = names.exposed("new").unwrap_err();
        assert_eq!(taken.reason(), "name_taken");
        assert!(taken.to_string().contains("`old`"), "{taken}");
    }

    #[test]
    fn two_tools_can_swap_their_names() {
        let names = names("", &[("a", "b"), ("b", "a")]);
        assert_eq!(
            (names.exposed("a").unwrap(), names.exposed("b").unwrap()),
            ("b".into(), "a".into())
        );
    }

    #[test]
    fn what_no_provider_takes_has_no_name() {
        let names = names("crm_", &[]);
        let fits = "x".repeat(MAX_TOOL_NAME - 4);
        assert!(names.exposed(&fits).is_ok());
        for (upstream, reason) in [
            (&*format!("{fits}x"), "name_too_long"),
            ("a b", "name_invalid"),
            ("ü", "name_invalid"),
            ("a/b", "name_invalid"),
        ] {
            assert_eq!(names.exposed(upstream).unwrap_err().reason(), reason);
        }
        assert!(Names::default().exposed("").is_err());
        let huge = Names::default().exposed(&"y".repeat(10_000)).unwrap_err();
        assert!(huge.to_string().len() < 300);
    }

    proptest! {
        #[test]
        fn no_two_tools_share_a_name_and_each_leads_back(
            prefix in "[ab]{0,2}",
            renamed in prop::collection::btree_map("[ab]{1,3}", "[ab]{1,4}", 0..4),
            tools in prop::collection::btree_set("[ab]{1,4}", 0..12),
        ) {
            let mut new = std::collections::BTreeSet::new();
            let renamed: BTreeMap<_, _> =
                renamed.into_iter().filter(|(_, name)| new.insert(name.clone())).collect();
            let names = Names::new(prefix, renamed);
            let mut seen = std::collections::BTreeSet::new();
            for tool in &tools {
                let Ok(exposed) = names.exposed(tool) else { continue };
                prop_assert!(seen.insert(exposed.to_string()), "{exposed} twice");
                prop_assert_eq!(names.upstream(&exposed), Some(tool.as_str()));
            }
        }

        /// What has no tool behind it leads nowhere, or to a tool that has exactly this name.
        #[test]
        fn the_way_back_is_the_way_there(
            prefix in "[ab]{0,2}",
            renamed in prop::collection::btree_map("[ab]{1,3}", "[ab]{1,4}", 0..4),
            asked in "[ab]{1,6}",
        ) {
            let mut new = std::collections::BTreeSet::new();
            let renamed: BTreeMap<_, _> =
                renamed.into_iter().filter(|(_, name)| new.insert(name.clone())).collect();
            let names = Names::new(prefix, renamed);
            if let Some(upstream) = names.upstream(&asked).filter(|name| !name.is_empty()) {
                prop_assert_eq!(names.exposed(upstream).unwrap(), asked.as_str());
            }
        }
    }
}
