//! Instances: the older, per-user form of a Virtual MCP server.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{
    Config, time,
    wire::{blank_is_none, null_is_default, present},
};

/// One user's own Virtual MCP server (PREVIEW): a config bound to a user, with a URL of its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "McpInstance")))]
#[non_exhaustive]
pub struct Instance {
    /// Assigned by the server, such as `inst_85630864460904897`.
    #[serde(deserialize_with = "present")]
    pub id: String,
    /// A name to show.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub name: Option<String>,
    /// The user.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub user_identifier: Option<String>,
    /// The config, with the user's account in each mapping.
    #[serde(default)]
    pub config: Option<Config>,
    /// When an agent last used it.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub last_used_at: Option<SystemTime>,
    /// When it was last changed.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub updated_at: Option<SystemTime>,
    /// The user's own MCP endpoint; none where the environment has none. Whoever holds it acts as the
    /// user: kept out of texts and logs.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-secret" = true)))]
    pub url: Option<String>,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("user_identifier", &self.user_identifier)
            .field("config", &self.config)
            .field("last_used_at", &self.last_used_at)
            .field("updated_at", &self.updated_at)
            .field("url", &self.url.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// One page of instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "ListMcpInstancesResponse")))]
#[non_exhaustive]
pub struct InstancePage {
    /// The instances of this page.
    #[serde(default, deserialize_with = "null_is_default")]
    pub instances: Vec<Instance>,
    /// How many instances match, over all pages.
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

/// The envelope in which ensure, get and update answer.
#[derive(Deserialize)]
pub(crate) struct InstanceAnswer {
    pub(crate) instance: Instance,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_a_credential_and_in_no_debug_text() {
        let url = "https://env.example/mcp/v1/unguessable";
        let instance: Instance =
            serde_json::from_value(serde_json::json!({ "id": "inst_1", "url": url })).unwrap();
        assert_eq!(instance.url.as_deref(), Some(url));
        assert!(!format!("{instance:?}").contains("unguessable"));
    }
}
