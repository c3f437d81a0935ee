//! Instances: one user's named use of a config (a preview of the published API).

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    accounts::{self, AuthState, LONGEST_OF_AN_ACCOUNT},
    configs::{self, ConfigOutput},
    describe::Empty,
    error::{ApiError, Violation},
    input::{Body, Param, Params, Query, Segment, instance_id, non_empty, shown, timestamp},
    page,
};
use crate::{
    engine::Engine,
    store::{InstanceChange, InstanceFilter, InstanceRecord, NewInstance, Taken},
};

#[derive(Deserialize, JsonSchema)]
pub(super) struct EnsureInstance {
    name: Option<String>,
    /// The name of a config that exists.
    #[serde(alias = "configName")]
    #[schemars(required, length(min = 1))]
    config_name: Option<String>,
    #[serde(alias = "userIdentifier")]
    #[schemars(required, length(min = 1))]
    user_identifier: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct UpdateInstance {
    name: Option<String>,
    #[serde(alias = "configName")]
    config_name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpInstance")]
struct InstanceOutput {
    id: String,
    name: String,
    user_identifier: String,
    config: ConfigOutput,
    #[schemars(extend("format" = "date-time"))]
    last_used_at: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
    /// Nothing is served per instance.
    url: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct InstanceAnswer {
    instance: InstanceOutput,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct InstancesAnswer {
    instances: Vec<InstanceOutput>,
    next_page_token: String,
    prev_page_token: String,
    total_size: u64,
}

/// Like [`AuthState`], but what is not there is empty.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpInstanceConnectionAuthState")]
struct ConnectionState {
    connection_id: String,
    connection_name: String,
    provider: String,
    connected_account_id: String,
    connected_account_status: &'static str,
    authentication_link: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct AuthStates {
    connections: Vec<ConnectionState>,
}

fn no_instance(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "there is no instance `{id}`; it may have been deleted"
    ))
}

/// The instance with its config as it stands for its user; `None` if the config has just gone.
async fn output(
    engine: &Engine,
    instance: InstanceRecord,
) -> Result<Option<InstanceOutput>, ApiError> {
    let Some(config) = engine.store().config(&instance.config_id).await? else {
        return Ok(None);
    };
    let accounts = engine
        .accounts()
        .find(&instance.user_identifier, config.connection_ids())
        .await?;
    let config = configs::output(engine, config).with_accounts(accounts);
    Ok(Some(InstanceOutput {
        id: instance.id,
        name: instance.name,
        user_identifier: instance.user_identifier,
        config,
        last_used_at: None,
        updated_at: timestamp(instance.updated_at),
        url: "",
    }))
}

async fn answer(
    engine: &Engine,
    instance: Option<InstanceRecord>,
    id: &str,
) -> Result<Json<InstanceAnswer>, ApiError> {
    let instance = match instance {
        Some(instance) => output(engine, instance).await?,
        None => None,
    };
    let instance = instance.ok_or_else(|| no_instance(id))?;
    Ok(Json(InstanceAnswer { instance }))
}

/// The config of this name; the refusal is a violation.
async fn config_id(
    engine: &Engine,
    name: &str,
    violations: &mut Vec<Violation>,
) -> Result<String, ApiError> {
    let id = engine.store().config_id_by_name(name).await?;
    if id.is_none() {
        violations.push(Violation::new(
            "config_name",
            "config.exists",
            format!("names no config: `{}`", shown(name)),
        ));
    }
    Ok(id.unwrap_or_default())
}

pub(super) async fn ensure(
    State(engine): State<Arc<Engine>>,
    Body(request): Body<EnsureInstance>,
) -> Result<Json<InstanceAnswer>, ApiError> {
    let mut violations = Vec::new();
    let mut required = |field: &'static str, text: Option<String>| {
        let text = text.unwrap_or_default();
        if text.is_empty() {
            violations.push(Violation::new(field, "required", "is missing"));
        }
        text
    };
    let config_name = required("config_name", request.config_name);
    let user_identifier = required("user_identifier", request.user_identifier);
    let config_id = if config_name.is_empty() {
        String::new()
    } else {
        config_id(&engine, &config_name, &mut violations).await?
    };
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let instance = NewInstance {
        config_id,
        default_name: format!("{config_name}-{user_identifier}"),
        user_identifier,
        name: non_empty(request.name),
    };
    let now = engine.clock().now();
    let ensured = engine.store().ensure_instance(instance, now).await?;
    // A config that goes in this very moment takes its instances along.
    let ensured = match ensured {
        Some(ensured) => output(&engine, ensured).await?,
        None => None,
    };
    let instance = ensured.ok_or_else(|| {
        ApiError::bad_request(format!("config `{config_name}` has just been deleted"))
    })?;
    Ok(Json(InstanceAnswer { instance }))
}

pub(super) struct ListInstances;

impl Query for ListInstances {
    const PARAMS: &'static [Param] = &[
        Param::text("filter.id", "Exactly this id"),
        Param::text("filter.name", "Exactly this name"),
        Param::text("filter.config_name", "Of the config of this name"),
        Param::text("filter.user_identifier", "Of this user"),
        Param::text("search", "A part of the name or of the user, in any case"),
        page::size_param(page::SIZES),
        page::TOKEN,
    ];
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    params: Params<ListInstances>,
) -> Result<Json<InstancesAnswer>, ApiError> {
    let mut violations = Vec::new();
    let size = params.text("page_size", &mut violations);
    let size = page::size(size.as_deref(), page::SIZES, &mut violations);
    let cursor = params.text("page_token", &mut violations);
    let cursor = page::cursor(cursor, "inst_", &mut violations);
    let filter = InstanceFilter {
        id: params.text("filter.id", &mut violations),
        name: params.text("filter.name", &mut violations),
        config_name: params.text("filter.config_name", &mut violations),
        user_identifier: params.text("filter.user_identifier", &mut violations),
        search: params.text("search", &mut violations),
    };
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let page = engine.store().list_instances(filter, size, cursor).await?;
    let mut instances = Vec::with_capacity(page.items.len());
    for instance in page.items {
        instances.extend(output(&engine, instance).await?);
    }
    Ok(Json(InstancesAnswer {
        instances,
        next_page_token: page::token(page.next),
        prev_page_token: page::token(page.previous),
        total_size: page.total,
    }))
}

pub(super) async fn get(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
) -> Result<Json<InstanceAnswer>, ApiError> {
    let id = instance_id(id)?;
    let instance = engine.store().instance(&id).await?;
    answer(&engine, instance, &id).await
}

pub(super) async fn update(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
    Body(request): Body<UpdateInstance>,
) -> Result<Json<InstanceAnswer>, ApiError> {
    let id = instance_id(id)?;
    let mut violations = Vec::new();
    let config_id = match non_empty(request.config_name) {
        Some(name) => Some(config_id(&engine, &name, &mut violations).await?),
        None => None,
    };
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let change = InstanceChange {
        name: non_empty(request.name),
        config_id,
    };
    let now = engine.clock().now();
    match engine.store().update_instance(&id, change, now).await? {
        Ok(instance) => answer(&engine, instance, &id).await,
        Err(Taken) => Err(ApiError::already_exists(
            "the user has an instance of that config and name already; choose another name",
        )),
    }
}

pub(super) async fn delete(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
) -> Result<Json<Empty>, ApiError> {
    let id = instance_id(id)?;
    if engine.store().delete_instance(&id).await? {
        Ok(Json(Empty {}))
    } else {
        Err(no_instance(&id))
    }
}

pub(super) struct GetAuthState;

impl Query for GetAuthState {
    const PARAMS: &'static [Param] = &[Param::flag(
        "include_auth_links",
        "Makes missing accounts, and a link for each connection",
    )];
}

/// `…/{id}:get_auth_state`
pub(super) async fn auth_state(
    State(engine): State<Arc<Engine>>,
    Segment(segment): Segment,
    params: Params<GetAuthState>,
) -> Result<Json<AuthStates>, ApiError> {
    let id = segment.strip_suffix(":get_auth_state").unwrap_or(&segment);
    let id = instance_id(id.to_owned())?;
    let mut violations = Vec::new();
    let with_links = params.flag("include_auth_links", &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let instance = engine.store().instance(&id).await?;
    let instance = instance.ok_or_else(|| no_instance(&id))?;
    let config = engine.store().config(&instance.config_id).await?;
    let config = config.ok_or_else(|| no_instance(&id))?;
    let (user, with_links) = (&instance.user_identifier, with_links == Some(true));
    if with_links && user.chars().count() > LONGEST_OF_AN_ACCOUNT {
        return Err(ApiError::failed_precondition(format!(
            "the identifier of the instance's user has more than {LONGEST_OF_AN_ACCOUNT} characters, which no connected account can have"
        )));
    }
    let states = accounts::states(&engine, config, user, with_links).await?;
    Ok(Json(AuthStates {
        connections: states.into_iter().map(ConnectionState::from).collect(),
    }))
}

impl From<AuthState> for ConnectionState {
    fn from(state: AuthState) -> ConnectionState {
        ConnectionState {
            connection_id: state.connection_id,
            connection_name: state.connection_name,
            provider: state.provider,
            connected_account_id: state.connected_account_id.unwrap_or_default(),
            connected_account_status: state.connected_account_status.unwrap_or_default(),
            authentication_link: state.authentication_link,
        }
    }
}
