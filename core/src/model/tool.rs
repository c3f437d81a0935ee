//! Tools of the catalogue, as the API describes them.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    time,
    wire::{blank_is_none, null_is_default},
};

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Tool {
    /// Assigned by the server.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub id: Option<String>,
    /// The provider, such as `GMAIL`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub provider: Option<String>,
    /// What it does and takes, as the server has it: `name`, `description`, `input_schema` (JSON
    /// Schema), and perhaps `output_schema`, `annotations`, `display_name`, `category`.
    #[serde(default, deserialize_with = "null_is_default")]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>"))]
    pub definition: Map<String, Value>,
    /// More about it, as the server has it.
    #[serde(default, deserialize_with = "null_is_default")]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>"))]
    pub metadata: Map<String, Value>,
    /// Words to find it by.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tags: Vec<String>,
    /// Whether its provider shows it without being asked.
    #[serde(default)]
    pub is_default: Option<bool>,
    /// When it was last changed.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub updated_at: Option<SystemTime>,
}

impl Tool {
    /// The name to call it by.
    pub fn name(&self) -> Option<&str> {
        self.definition.get("name")?.as_str()
    }
}

/// One page of tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "ListToolsResponse")))]
#[non_exhaustive]
pub struct ToolPage {
    /// The tools of this page; none where only names were asked for.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tools: Vec<Tool>,
    /// The names alone, where `summary` asked for them.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tool_names: Vec<String>,
    /// How many tools match, over all pages.
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

/// A tool that one user can use, and through which account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScopedTool {
    /// The tool.
    #[serde(default)]
    pub tool: Option<Tool>,
    /// The user.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub identifier: Option<String>,
    /// The user's account that it acts with.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub connected_account_id: Option<String>,
}

/// One page of the tools that a user can use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "ListScopedToolsResponse")))]
#[non_exhaustive]
pub struct ScopedToolPage {
    /// The tools of this page.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tools: Vec<ScopedTool>,
    /// How many tools match, over all pages.
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
