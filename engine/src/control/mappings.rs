//! Which connections and tools a config names, and whether they exist.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{error::Violation, input::shown};
use crate::{
    accounts::AccountRecord,
    engine::Engine,
    settings::Connection,
    store::{MappingRecord, NewMapping, StoreError, Tools},
};

const MAX_MAPPINGS: usize = 25;
/// About the tools of one mapping.
const MOST_COMPLAINTS: usize = 10;
const FIELD: &str = "connection_tool_mappings";

/// A mapping as it is sent to us. What is output only is not even read.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewMcpConfigConnectionToolMapping")]
pub(super) struct MappingInput {
    /// A connection that exists.
    #[serde(alias = "connectionName")]
    #[schemars(required, length(min = 1))]
    connection_name: Option<String>,
    /// Empty means all.
    tools: Option<Vec<String>>,
}

impl MappingInput {
    pub(super) fn new(connection_name: String, tools: Option<Vec<String>>) -> MappingInput {
        MappingInput {
            connection_name: Some(connection_name),
            tools,
        }
    }
}

/// A mapping as we answer it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpConfigConnectionToolMapping")]
pub(super) struct MappingOutput {
    connection_id: String,
    connection_name: String,
    provider: String,
    /// Empty means all.
    tools: Vec<String>,
    /// This and the status: of the user of an instance, never on a bare config.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_account_status: Option<&'static str>,
}

impl MappingOutput {
    pub(super) fn new(engine: &Engine, mapping: MappingRecord) -> MappingOutput {
        let entry = engine.connections().by_id(&mapping.connection_id);
        MappingOutput {
            connection_id: mapping.connection_id,
            connection_name: mapping.connection_name,
            // A connection that left the settings has none any more.
            provider: entry.map_or_else(String::new, |entry| entry.connection.provider.clone()),
            tools: match mapping.tools {
                Tools::All => Vec::new(),
                Tools::Only(names) => names,
            },
            connected_account_id: None,
            connected_account_status: None,
        }
    }

    pub(super) fn set_account(&mut self, account: Option<AccountRecord>) {
        self.connected_account_status = account.as_ref().map(|account| account.status.as_str());
        self.connected_account_id = account.map(|account| account.id);
    }
}

/// Checks mappings against the connections and their known tools.
pub(super) async fn check(
    engine: &Engine,
    mappings: Vec<MappingInput>,
    violations: &mut Vec<Violation>,
) -> Result<Vec<NewMapping>, StoreError> {
    if mappings.len() > MAX_MAPPINGS {
        violations.push(Violation::new(
            FIELD,
            "repeated.max_items",
            format!(
                "has {} entries; at most {MAX_MAPPINGS} are allowed",
                mappings.len()
            ),
        ));
        return Ok(Vec::new());
    }
    let mut checked: Vec<NewMapping> = Vec::new();
    // Which connection brings a tool; one that two bring could not be called.
    let mut owners: HashMap<String, String> = HashMap::new();
    for (index, mapping) in mappings.into_iter().enumerate() {
        let field = format!("{FIELD}[{index}].connection_name");
        let name = mapping.connection_name.unwrap_or_default();
        if name.is_empty() {
            violations.push(Violation::new(field, "required", "is missing"));
            continue;
        }
        let Some(entry) = engine.connections().get(&name) else {
            let nearest = did_you_mean(&name, engine.connections().names());
            violations.push(Violation::new(
                field,
                "connection.exists",
                format!("names no connection: `{}`{nearest}", shown(&name)),
            ));
            continue;
        };
        if checked.iter().any(|other| other.connection_id == entry.id) {
            violations.push(Violation::new(
                field,
                "repeated.unique",
                format!("names `{name}` a second time; put all its tools into one entry"),
            ));
            continue;
        }
        let names = mapping.tools.unwrap_or_default();
        for tool in exposed(engine, &entry.connection, &names).await? {
            match owners.get(&tool) {
                Some(other) => violations.push(Violation::new(
                    format!("{FIELD}[{index}].tools"),
                    "tool.unique",
                    format!("`{tool}` of `{name}` is also a tool of `{other}`; show it from one of them only"),
                )),
                None => {
                    owners.insert(tool, name.clone());
                }
            }
        }
        let tools = tools(engine, &entry.connection, index, names, violations).await?;
        checked.push(NewMapping {
            connection_id: entry.id.clone(),
            tools,
        });
    }
    Ok(checked)
}

/// The names that a mapping shows: those it names, or all that its connection is known to have.
async fn exposed(
    engine: &Engine,
    connection: &Connection,
    names: &[String],
) -> Result<Vec<String>, StoreError> {
    let mut names = if names.is_empty() {
        known_tools(engine, connection).await?.unwrap_or_default()
    } else {
        names.to_vec()
    };
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

async fn tools(
    engine: &Engine,
    connection: &Connection,
    mapping: usize,
    names: Vec<String>,
    violations: &mut Vec<Violation>,
) -> Result<Tools, StoreError> {
    if names.is_empty() {
        return Ok(Tools::All);
    }
    let known = known_tools(engine, connection).await?;
    let mut distinct: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    let known: Option<HashSet<String>> = known.map(HashSet::from_iter);
    let before = violations.len();
    for (index, name) in names.into_iter().enumerate() {
        // Nobody reads ten thousand complaints, and each is a search for a likely name.
        if violations.len() - before >= MOST_COMPLAINTS {
            break;
        }
        let field = || format!("{FIELD}[{mapping}].tools[{index}]");
        match &known {
            _ if name.is_empty() => {
                violations.push(Violation::new(field(), "string.min_len", "is empty"));
            }
            Some(known) if !known.contains(&name) => {
                let nearest = did_you_mean(&name, known.iter().map(String::as_str));
                violations.push(Violation::new(
                    field(),
                    "tool.exists",
                    format!(
                        "names no tool of `{}`: `{}`{nearest}",
                        connection.name,
                        shown(&name)
                    ),
                ));
            }
            _ if !seen.insert(name.clone()) => {}
            _ => distinct.push(name),
        }
    }
    Ok(Tools::Only(distinct))
}

/// The names of a connection's tools: as the settings promise them, or as it last listed them.
/// `None` while nobody knows.
async fn known_tools(
    engine: &Engine,
    connection: &Connection,
) -> Result<Option<Vec<String>>, StoreError> {
    if connection.tools.is_some() {
        return Ok(connection.tools.clone());
    }
    let listed = engine.store().load_catalogue(&connection.name).await?;
    let exposed = |tool: &Value| {
        let name = connection.names.exposed(tool.get("name")?.as_str()?);
        Some(name.ok()?.into_owned())
    };
    Ok(listed.map(|tools| tools.iter().filter_map(exposed).collect()))
}

/// `; did you mean …?` with up to three names that look like this one, or nothing.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    // The longest name there can be; comparing takes the product of both lengths.
    if name.len() > 400 {
        return String::new();
    }
    let mut near: Vec<(f64, &str)> = known
        .map(|candidate| {
            let likeness = strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let names: Vec<String> = near
        .iter()
        .take(3)
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", names.join(", "))
    }
}
