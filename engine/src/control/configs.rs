//! Configs: create, list, get, update, delete.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    describe::{Created, Empty},
    error::{ApiError, Violation},
    input::{Body, Param, Params, Query, Segment, config_id, longest, non_empty, shown},
    mappings::{self, MappingInput, MappingOutput},
    page,
};
use crate::{
    accounts::AccountRecord,
    engine::Engine,
    store::{ConfigChange, ConfigFilter, ConfigRecord, NewConfig},
};

const MAX_NAME: usize = 100;

#[derive(Deserialize, JsonSchema)]
pub(super) struct CreateConfig {
    /// Unique, and the same for ever.
    #[schemars(required, length(min = 1, max = 100), regex(pattern = "^[a-z0-9_-]+$"))]
    name: Option<String>,
    description: Option<String>,
    /// Which tools of which connections it shows; an empty list in an update changes nothing.
    #[serde(alias = "connectionToolMappings")]
    #[schemars(length(max = 25))]
    connection_tool_mappings: Option<Vec<MappingInput>>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct UpdateConfig {
    description: Option<String>,
    /// Which tools of which connections it shows; an empty list in an update changes nothing.
    #[serde(alias = "connectionToolMappings")]
    #[schemars(length(max = 25))]
    connection_tool_mappings: Option<Vec<MappingInput>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpConfig")]
pub(super) struct ConfigOutput {
    id: String,
    name: String,
    description: String,
    connection_tool_mappings: Vec<MappingOutput>,
    mcp_server_url: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigAnswer {
    config: ConfigOutput,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigsAnswer {
    configs: Vec<ConfigOutput>,
    next_page_token: String,
    prev_page_token: String,
    total_size: u64,
}

impl ConfigOutput {
    /// Adds one user's accounts, mapping by mapping.
    pub(super) fn with_accounts(mut self, accounts: Vec<Option<AccountRecord>>) -> ConfigOutput {
        for (mapping, account) in self.connection_tool_mappings.iter_mut().zip(accounts) {
            mapping.set_account(account);
        }
        self
    }
}

pub(super) fn output(engine: &Engine, config: ConfigRecord) -> ConfigOutput {
    ConfigOutput {
        mcp_server_url: engine.server_url(&config.server_uuid),
        id: config.id,
        name: config.name,
        description: config.description,
        connection_tool_mappings: config
            .mappings
            .into_iter()
            .map(|mapping| MappingOutput::new(engine, mapping))
            .collect(),
    }
}

fn answer(engine: &Engine, config: ConfigRecord) -> Json<ConfigAnswer> {
    Json(ConfigAnswer {
        config: output(engine, config),
    })
}

pub(super) struct ListConfigs;

impl Query for ListConfigs {
    const PARAMS: &'static [Param] = &[
        Param::text("filter.id", "Exactly this id"),
        Param::text("filter.name", "Exactly this name, in any case")
            .longest(MAX_NAME)
            .shaped("^[a-zA-Z0-9_-]*$"),
        Param::text(
            "filter.provider",
            "Those with a connection of this provider",
        ),
        Param::text(
            "filter.mcp_server_url",
            "The one behind this URL, which ends with a UUID",
        )
        .shaped("^$|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
        Param::text("search", "A part of the name, in any case"),
        page::size_param(page::SIZES),
        page::TOKEN,
    ];
}

/// The refusal for a config that is not there.
pub(super) fn no_config(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "there is no config `{id}`; it may have been deleted"
    ))
}

pub(super) async fn create(
    State(engine): State<Arc<Engine>>,
    Body(request): Body<CreateConfig>,
) -> Result<Created<ConfigAnswer>, ApiError> {
    let mut violations = Vec::new();
    let name = request.name.unwrap_or_default();
    check_name(&name, &mut violations);
    let mappings = request.connection_tool_mappings.unwrap_or_default();
    let mappings = mappings::check(&engine, mappings, &mut violations).await?;
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let config = NewConfig {
        name: name.clone(),
        description: request.description.unwrap_or_default(),
        mappings,
    };
    match engine.store().create_config(config).await? {
        Some(config) => Ok(Created(answer(&engine, config).0)),
        None => Err(ApiError::already_exists(format!(
            "there is a config named `{name}` already; choose another name or update that one"
        ))),
    }
}

pub(super) fn check_name(name: &str, violations: &mut Vec<Violation>) {
    if name.is_empty() {
        violations.push(Violation::new("name", "required", "is missing"));
    } else if !name.bytes().all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    }) {
        violations.push(Violation::new(
            "name",
            "string.pattern",
            format!(
                "is `{}`; use lower-case letters, digits, `_` and `-` only",
                shown(name)
            ),
        ));
    }
    longest("name", name, MAX_NAME, violations);
}

pub(super) async fn get(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
) -> Result<Json<ConfigAnswer>, ApiError> {
    let id = config_id(id)?;
    let config = engine.store().config(&id).await?;
    Ok(answer(&engine, config.ok_or_else(|| no_config(&id))?))
}

pub(super) async fn update(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
    Body(request): Body<UpdateConfig>,
) -> Result<Json<ConfigAnswer>, ApiError> {
    let id = config_id(id)?;
    let mut violations = Vec::new();
    // On the wire an empty list or text cannot be told from an absent one: both change nothing.
    let mappings = request.connection_tool_mappings.unwrap_or_default();
    let mappings = mappings::check(&engine, mappings, &mut violations).await?;
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let change = ConfigChange {
        description: non_empty(request.description),
        mappings: Some(mappings).filter(|mappings| !mappings.is_empty()),
    };
    let config = engine.store().update_config(&id, change).await?;
    Ok(answer(&engine, config.ok_or_else(|| no_config(&id))?))
}

pub(super) async fn delete(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
) -> Result<Json<Empty>, ApiError> {
    let id = config_id(id)?;
    if engine.store().delete_config(&id).await? {
        Ok(Json(Empty {}))
    } else {
        Err(no_config(&id))
    }
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    params: Params<ListConfigs>,
) -> Result<Json<ConfigsAnswer>, ApiError> {
    let mut violations = Vec::new();
    let size = params.text("page_size", &mut violations);
    let size = page::size(size.as_deref(), page::SIZES, &mut violations);
    let cursor = params.text("page_token", &mut violations);
    let cursor = page::cursor(cursor, "cfg_", &mut violations);
    let url = params.text("filter.mcp_server_url", &mut violations);
    let provider = params.text("filter.provider", &mut violations);
    let filter = ConfigFilter {
        id: params.text("filter.id", &mut violations),
        name: params.text("filter.name", &mut violations),
        server_uuid: server_uuid(url, &mut violations),
        connection_ids: provider.map(|provider| connections_of(&engine, &provider)),
        search: params.text("search", &mut violations),
    };
    if let Some(name) = &filter.name {
        check_filter_name(name, &mut violations);
    }
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let page = engine.store().list_configs(filter, size, cursor).await?;
    Ok(Json(ConfigsAnswer {
        configs: page
            .items
            .into_iter()
            .map(|config| output(&engine, config))
            .collect(),
        next_page_token: page::token(page.next),
        prev_page_token: page::token(page.previous),
        total_size: page.total,
    }))
}

fn check_filter_name(name: &str, violations: &mut Vec<Violation>) {
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    {
        violations.push(Violation::new(
            "filter.name",
            "string.pattern",
            format!(
                "is `{}`; names hold letters, digits, `_` and `-` only",
                shown(name)
            ),
        ));
    }
}

/// The UUID at the end of an MCP server's URL.
fn server_uuid(url: Option<String>, violations: &mut Vec<Violation>) -> Option<String> {
    let url = url?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next();
    let uuid = last.and_then(|last| Uuid::try_parse(last).ok());
    if uuid.is_none() {
        violations.push(Violation::new(
            "filter.mcp_server_url",
            "string.uuid",
            format!("is `{}`; the URL of a server ends with a UUID", shown(&url)),
        ));
    }
    uuid.map(|uuid| uuid.to_string())
}

/// The connections of a provider.
pub(super) fn connections_of(engine: &Engine, provider: &str) -> Vec<String> {
    engine
        .connections()
        .iter()
        .filter(|entry| entry.connection.provider.eq_ignore_ascii_case(provider))
        .map(|entry| entry.id.clone())
        .collect()
}
