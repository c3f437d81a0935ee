//! Configs: named lists of connections and tools.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    AccountStatus,
    account::status,
    wire::{blank_is_none, null_is_default, present},
};

/// A Virtual MCP server: one endpoint per agent role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "McpConfig")))]
#[non_exhaustive]
pub struct Config {
    /// Assigned by the server, such as `cfg_85630864460904897`.
    #[serde(deserialize_with = "present")]
    pub id: String,
    /// Unique in the environment; cannot change.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// Free text.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub description: Option<String>,
    /// The connections and their tools, at most 25.
    #[serde(default, deserialize_with = "null_is_default")]
    pub connection_tool_mappings: Vec<ConnectionToolMapping>,
    /// The static MCP endpoint, shared by all users; none where the environment has none.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub mcp_server_url: Option<String>,
}

/// One connection of a config and which of its tools are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "McpConfigConnectionToolMapping")))]
#[non_exhaustive]
pub struct ConnectionToolMapping {
    /// The name of the connection; it must exist already.
    #[serde(default, deserialize_with = "null_is_default")]
    pub connection_name: String,
    /// The tools shown.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>"))]
    #[cfg_attr(feature = "schema", schemars(extend("x-all-tools" = true)))]
    pub tools: Tools,
    /// Output only: the connection's id.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub connection_id: Option<String>,
    /// Output only: the provider, such as `GMAIL`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub provider: Option<String>,
    /// Output only, and only inside an instance: the user's account.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub connected_account_id: Option<String>,
    /// Output only, and only inside an instance: the status of that account.
    #[serde(default, deserialize_with = "status")]
    pub connected_account_status: Option<AccountStatus>,
}

impl ConnectionToolMapping {
    /// Shows exactly `tools` of a connection. At least one: an empty list is refused when sent.
    pub fn new<T: Into<String>>(
        connection_name: impl Into<String>,
        tools: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::of(
            connection_name.into(),
            Tools::Only(tools.into_iter().map(Into::into).collect()),
        )
    }

    /// Shows every tool of a connection, those included that it gains later.
    pub fn all(connection_name: impl Into<String>) -> Self {
        Self::of(connection_name.into(), Tools::All)
    }

    fn of(connection_name: String, tools: Tools) -> Self {
        Self {
            connection_name,
            tools,
            connection_id: None,
            provider: None,
            connected_account_id: None,
            connected_account_status: None,
        }
    }
}

/// Which tools of a connection a config shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tools {
    /// Every tool of the connection.
    #[default]
    All,
    /// These tools, in this order; never empty on the wire.
    Only(Vec<String>),
}

impl Serialize for Tools {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_none(),
            Self::Only(names) => names.serialize(serializer),
        }
    }
}

/// On the wire `[]`, `null` and a missing list all mean *every tool*.
impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Vec<String>>::deserialize(deserializer)? {
            Some(names) if !names.is_empty() => Self::Only(names),
            _ => Self::All,
        })
    }
}

/// One page of configs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "ListMcpConfigsResponse")))]
#[non_exhaustive]
pub struct ConfigPage {
    /// The configs of this page.
    #[serde(default, deserialize_with = "null_is_default")]
    pub configs: Vec<Config>,
    /// How many configs match, over all pages.
    #[serde(default, deserialize_with = "null_is_default")]
    #[cfg_attr(feature = "schema", schemars(extend("x-python" = "total_count")))]
    pub total_size: u64,
    /// Cursor of the next page; none on the last.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub next_page_token: Option<String>,
    /// Cursor of the page before; none on the first.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-python" = "previous_page_token")))]
    pub prev_page_token: Option<String>,
}

/// The answer of `ensure_config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EnsuredConfig {
    /// The config as it is now.
    pub config: Config,
    /// What was done: `created`, `updated` or `unchanged`.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["created", "updated", "unchanged"])))]
    pub outcome: Outcome,
    /// What is shown now and was not before, by connection. Every tool of a connection stands for
    /// all that were not shown before.
    pub tools_added: Vec<ConnectionToolMapping>,
    /// What was shown before and is not any more, by connection. Every tool of a connection stands
    /// for all that are not shown now.
    pub tools_removed: Vec<ConnectionToolMapping>,
    /// Whether agents can now do more than before.
    pub widened: bool,
}

/// What `ensure_config` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// There was no such config.
    Created,
    /// It differed, and was changed.
    Updated,
    /// It was as wanted already.
    Unchanged,
}

/// The envelope in which create, get and update answer.
#[derive(Deserialize)]
pub(crate) struct ConfigAnswer {
    pub(crate) config: Config,
}
