//! The one decision on the data plane: which tools a session may see *and* call.

use std::collections::HashMap;

use rmcp::model::Tool;

use super::gate::{Grant, Mapping};
use crate::store::Tools;

/// Whether a session may use a tool of a connection. `tools/list` and `tools/call` both ask here
/// and nowhere else, so that a tool which is not listed cannot be called.
pub(super) fn admit(grant: &Grant, mapping: &Mapping, tool: &Tool) -> bool {
    in_scope(mapping, &tool.name) && (!grant.read_only || is_read_only(tool))
}

/// Whether a mapping can hold a tool of this name at all.
pub(super) fn in_scope(mapping: &Mapping, name: &str) -> bool {
    match &mapping.tools {
        Tools::All => true,
        Tools::Only(names) => names.iter().any(|allowed| allowed == name),
    }
}

/// A tool that does not say so is taken to change things.
fn is_read_only(tool: &Tool) -> bool {
    tool.annotations
        .as_ref()
        .and_then(|hints| hints.read_only_hint)
        == Some(true)
}

/// The admitted tools of a session, in the config's order, and the names that are left out because two
/// connections bring them: guessing whose one is could act with the wrong account.
pub(super) fn admitted<'a, T>(
    grant: &Grant,
    listings: &'a [(&Mapping, T)],
) -> (Vec<&'a Tool>, Vec<&'a str>)
where
    T: AsRef<[Tool]>,
{
    let clashing = clashes(grant, listings);
    let mut found = Vec::new();
    for (mapping, listing) in listings {
        let tools = listing.as_ref().iter();
        found.extend(
            tools.filter(|tool| {
                admit(grant, mapping, tool) && !clashing.contains(&tool.name.as_ref())
            }),
        );
    }
    (found, clashing)
}

/// The one admitted tool of this name, with its connection: what [`admitted`] holds of it, found
/// without looking at the others.
pub(super) fn find<'a, T>(
    grant: &Grant,
    listings: &'a [(&'a Mapping, T)],
    name: &str,
) -> Option<(&'a Mapping, &'a T, &'a Tool)>
where
    T: AsRef<[Tool]>,
{
    let mut owners = listings.iter().filter_map(|(mapping, listing)| {
        let mut tools = listing.as_ref().iter();
        let tool = tools.find(|tool| tool.name == name && admit(grant, mapping, tool))?;
        Some((*mapping, listing, tool))
    });
    let owner = owners.next()?;
    owners.next().is_none().then_some(owner)
}

/// The names that more than one connection brings.
pub(super) fn clashes<'a, T>(grant: &Grant, listings: &'a [(&Mapping, T)]) -> Vec<&'a str>
where
    T: AsRef<[Tool]>,
{
    let mut owners: HashMap<&str, usize> = HashMap::new();
    let mut clashing = Vec::new();
    for (index, (mapping, listing)) in listings.iter().enumerate() {
        for tool in listing.as_ref() {
            let name = tool.name.as_ref();
            let admitted = admit(grant, mapping, tool);
            if admitted
                && *owners.entry(name).or_insert(index) != index
                && !clashing.contains(&name)
            {
                clashing.push(name);
            }
        }
    }
    clashing
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use proptest::prelude::*;
    use rmcp::model::ToolAnnotations;

    use super::*;
    use crate::settings::{Auth, Connection, Names, Source};

    fn mapping(connection: &str, tools: Tools) -> Mapping {
        let connection = Connection {
            name: connection.to_owned(),
            provider: connection.to_uppercase(),
            source: Source::Sandbox(PathBuf::new()),
            auth: Auth::None,
            names: Names::default(),
            tools: None,
        };
        Mapping {
            connection: Arc::new(connection),
            tools,
            account: None,
        }
    }

    fn tool(name: &str, read_only: Option<bool>) -> Tool {
        let tool = Tool::new(name.to_owned(), "", Arc::default());
        match read_only {
            Some(hint) => tool.with_annotations(ToolAnnotations::new().read_only(hint)),
            None => tool,
        }
    }

    fn grant(read_only: bool) -> Grant {
        Grant {
            config_id: None,
            identifier: "user_1".to_owned(),
            scope: Vec::new(),
            read_only,
        }
    }

    fn names(grant: &Grant, listings: &[(&Mapping, Vec<Tool>)]) -> Vec<String> {
        let (found, _) = admitted(grant, listings);
        found.iter().map(|tool| tool.name.to_string()).collect()
    }

    #[test]
    fn a_list_admits_exactly_its_tools_and_all_admits_every_one() {
        let only = mapping("git", Tools::Only(vec!["git_log".to_owned()]));
        let all = mapping("notes", Tools::All);
        let listings = [
            (&only, vec![tool("git_log", None), tool("git_commit", None)]),
            (&all, vec![tool("read", None), tool("write", None)]),
        ];
        assert_eq!(
            names(&grant(false), &listings),
            ["git_log", "read", "write"]
        );
    }

    #[test]
    fn a_read_only_session_gets_only_what_says_that_it_reads() {
        let all = mapping("notes", Tools::All);
        let listings = [(
            &all,
            vec![
                tool("read", Some(true)),
                tool("write", Some(false)),
                tool("silent", None),
            ],
        )];
        assert_eq!(names(&grant(true), &listings), ["read"]);
    }

    #[test]
    fn a_name_of_two_connections_is_left_out() {
        let (left, right) = (mapping("a", Tools::All), mapping("b", Tools::All));
        let listings = [
            (&left, vec![tool("search", None), tool("left", None)]),
            (&right, vec![tool("search", None), tool("right", None)]),
        ];
        assert_eq!(names(&grant(false), &listings), ["left", "right"]);
    }

    proptest! {
        /// Calls look only at the listings that can hold the name; that must not change the answer.
        #[test]
        fn what_a_call_finds_is_what_the_list_shows(
            connections in prop::collection::vec(
                (prop::collection::vec(("[abc]", any::<Option<bool>>()), 0..4), prop::option::of(prop::collection::vec("[abc]", 1..3))),
                0..4,
            ),
            read_only in any::<bool>(),
            wanted in "[abcd]",
        ) {
            let grant = grant(read_only);
            let listings: Vec<(Mapping, Vec<Tool>)> = connections
                .into_iter()
                .enumerate()
                .map(|(index, (tools, only))| {
                    let scope = only.map_or(Tools::All, Tools::Only);
                    let tools = tools.iter().map(|(name, hint)| tool(name, *hint)).collect();
                    (mapping(&format!("c{index}"), scope), tools)
                })
                .collect();
            let all: Vec<_> = listings.iter().map(|(mapping, tools)| (mapping, tools.clone())).collect();
            let candidates: Vec<_> = all.iter().filter(|(mapping, _)| in_scope(mapping, &wanted)).cloned().collect();
            let listed = names(&grant, &all).contains(&wanted);
            let callable = find(&grant, &candidates, &wanted).is_some_and(|(_, _, tool)| tool.name == wanted);
            prop_assert_eq!(listed, callable);
        }
    }
}
