//! Session tokens: the credential of one agent run, for one user on one MCP server.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{
    configs::no_config,
    error::{ApiError, Violation},
    input::{Body, Segment, config_id, duration_seconds, identifier, shown, timestamp},
    targets::no_connection,
};
use crate::{
    accounts::AccountStatus,
    engine::{ConnectionEntry, Engine},
    signing::{AccessLevel, Claims, TokenType},
};

const MIN_SECONDS: i64 = 60;
const MAX_SECONDS: i64 = 86_400;
const DEFAULT_SECONDS: i64 = 3600;
const MAX_IDENTIFIER: usize = 255;

/// 60 to 86400 seconds, as the document describes them; fractions are taken too.
const EXPIRY: &str =
    "^([6-9][0-9]|[1-9][0-9]{2,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)s$";

#[derive(Deserialize, JsonSchema)]
pub(super) struct CreateToken {
    // The path names the target; a second one is refused, and so not described.
    #[schemars(skip)]
    #[serde(alias = "mcpConfigId")]
    mcp_config_id: Option<String>,
    #[schemars(skip)]
    #[serde(alias = "keyId")]
    key_id: Option<String>,
    /// The user.
    #[schemars(required, length(min = 1, max = 255))]
    identifier: Option<String>,
    /// Seconds from `60s` to `86400s`; an hour if it is left out.
    #[schemars(regex(pattern = EXPIRY))]
    expiry: Option<String>,
    /// `READ_ONLY` shows only tools that are annotated read-only.
    #[serde(alias = "accessLevel")]
    #[schemars(extend("enum" = ["", "FULL", "READ_ONLY", null]))]
    access_level: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct TokenAnswer {
    token: String,
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
}

/// What a request asks for, checked.
struct Wish {
    identifier: String,
    seconds: i64,
    access_level: Option<AccessLevel>,
}

impl CreateToken {
    fn check(self) -> Result<Wish, ApiError> {
        let mut violations = Vec::new();
        let identifier = identifier(self.identifier, Some(MAX_IDENTIFIER), &mut violations);
        let seconds = seconds(self.expiry.as_deref(), &mut violations);
        let access_level = match self.access_level.as_deref().unwrap_or_default() {
            "" | "FULL" => None,
            "READ_ONLY" => Some(AccessLevel::ReadOnly),
            other => {
                violations.push(Violation::new(
                    "access_level",
                    "string.in",
                    format!("is `{}`; it should be `FULL` or `READ_ONLY`", shown(other)),
                ));
                None
            }
        };
        if violations.is_empty() {
            Ok(Wish {
                identifier,
                seconds,
                access_level,
            })
        } else {
            Err(ApiError::invalid(violations))
        }
    }
}

fn seconds(expiry: Option<&str>, violations: &mut Vec<Violation>) -> i64 {
    let Some(text) = expiry else {
        return DEFAULT_SECONDS;
    };
    let seconds = duration_seconds(text);
    let description = match seconds {
        Some(seconds) if (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) => return seconds,
        Some(_) => format!("is `{}`; it should be from `60s` to `86400s`", shown(text)),
        None => format!(
            "is `{}`; it should be a duration in seconds such as `3600s`",
            shown(text)
        ),
    };
    violations.push(Violation::new("expiry", "duration", description));
    DEFAULT_SECONDS
}

/// Both targets at once make no sense; the path names one of them.
fn refuse_second_target(other: Option<&str>, field: &str) -> Result<(), ApiError> {
    if other.unwrap_or_default().is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(vec![Violation::new(
        field,
        "mcp_config_id_xor_key_id",
        "names a second target; a token is for one config or one connection",
    )]))
}

/// The server a token will open.
struct Target<'a> {
    /// How a refusal calls it.
    called: String,
    url: String,
    config_id: Option<String>,
    /// For the connection form.
    connection_id: Option<String>,
    connections: Vec<&'a ConnectionEntry>,
}

pub(super) async fn for_config(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
    Body(request): Body<CreateToken>,
) -> Result<Json<TokenAnswer>, ApiError> {
    let id = config_id(id)?;
    refuse_second_target(request.key_id.as_deref(), "key_id")?;
    let wish = request.check()?;
    let config = engine.store().config(&id).await?;
    let config = config.ok_or_else(|| no_config(&id))?;
    if config.mappings.is_empty() {
        return Err(ApiError::failed_precondition(format!(
            "config `{}` has no connections; update it with at least one before minting a token",
            config.name
        )));
    }
    let mut connections = Vec::new();
    for mapping in &config.mappings {
        match engine.connections().by_id(&mapping.connection_id) {
            Some(entry) => connections.push(entry),
            None => {
                return Err(ApiError::failed_precondition(format!(
                    "connection `{}` of config `{}` is no longer configured; add it again or update the config",
                    mapping.connection_name, config.name
                )));
            }
        }
    }
    let target = Target {
        called: format!("config `{}`", config.name),
        url: engine.server_url(&config.server_uuid),
        config_id: Some(config.id),
        connection_id: None,
        connections,
    };
    mint(&engine, target, wish).await
}

pub(super) async fn for_connection(
    State(engine): State<Arc<Engine>>,
    Segment(name): Segment,
    Body(request): Body<CreateToken>,
) -> Result<Json<TokenAnswer>, ApiError> {
    refuse_second_target(request.mcp_config_id.as_deref(), "mcp_config_id")?;
    let wish = request.check()?;
    let entry = engine
        .connections()
        .get_in_any_case(&name)
        .ok_or_else(|| no_connection(&engine, &name))?;
    let target = Target {
        called: format!("connection `{}`", entry.connection.name),
        url: engine.connection_url(&entry.connection.name),
        config_id: None,
        connection_id: Some(entry.id.clone()),
        connections: vec![entry],
    };
    mint(&engine, target, wish).await
}

async fn mint(
    engine: &Engine,
    target: Target<'_>,
    wish: Wish,
) -> Result<Json<TokenAnswer>, ApiError> {
    let account_ids = account_ids(engine, &target, &wish.identifier).await?;
    let now = engine.clock().now().as_second();
    let expires_at = now.saturating_add(wish.seconds);
    let token = engine.signer().sign(&Claims {
        iss: engine.issuer().to_owned(),
        sub: wish.identifier,
        aud: target.url,
        iat: now,
        exp: expires_at,
        jti: uuid::Uuid::new_v4().to_string(),
        token_type: TokenType::McpSession,
        mcp_cfg: target.config_id,
        conn_id: target.connection_id,
        ca_ids: Some(account_ids),
        access_level: wish.access_level,
    })?;
    Ok(Json(TokenAnswer {
        token: token.expose_secret().to_owned(),
        expires_at: timestamp(Timestamp::from_second(expires_at).unwrap_or(Timestamp::MAX)),
    }))
}

/// The user's accounts on every connection of the target, in order; all of them active.
async fn account_ids(
    engine: &Engine,
    target: &Target<'_>,
    identifier: &str,
) -> Result<Vec<String>, ApiError> {
    let ids = target.connections.iter().map(|entry| entry.id.clone());
    let found = engine.accounts().find(identifier, ids.collect()).await?;
    let mut obstacles = Vec::new();
    for (entry, account) in target.connections.iter().zip(&found) {
        let name = &entry.connection.name;
        match account {
            Some(account) if account.status == AccountStatus::Active => {}
            Some(account) => obstacles.push(format!("connection `{name}` is `{}`", account.status)),
            None if entry.connection.auth.needs_credential() => {
                obstacles.push(format!("connection `{name}` has no connected account"));
            }
            // Nothing for the user to do: the account is made below.
            None => {}
        }
    }
    if !obstacles.is_empty() {
        return Err(ApiError::failed_precondition(format!(
            "user `{identifier}` cannot use {} yet: {}; send the user an authorization link",
            target.called,
            obstacles.join(", ")
        )));
    }
    let accounts = if found.iter().all(Option::is_some) {
        found.into_iter().flatten().collect()
    } else {
        engine
            .accounts()
            .ensure(identifier, &target.connections)
            .await?
    };
    Ok(accounts.into_iter().map(|account| account.id).collect())
}
