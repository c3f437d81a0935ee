//! Where a user stands with a config, and links for the user.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    configs::no_config,
    error::{ApiError, Violation},
    input::{Body, Segment, config_id, identifier, longest, non_empty, timestamp},
    targets::{Named, Target},
};
use crate::{
    accounts::{AccountRecord, IssuedLink},
    engine::{ConnectionEntry, Engine},
    store::{ConfigRecord, MappingRecord, Verification},
};

/// The longest identifier that an account can have.
pub(super) const LONGEST_OF_AN_ACCOUNT: usize = 100;

#[derive(Deserialize, JsonSchema)]
pub(super) struct ListAccounts {
    /// The user.
    #[schemars(required, length(min = 1))]
    identifier: Option<String>,
    /// Makes missing accounts, and a link for each connection.
    #[serde(alias = "includeAuthLink")]
    include_auth_link: Option<bool>,
}

/// Where a user stands with one connection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpConnectionAuthState")]
pub(super) struct AuthState {
    pub(super) connection_id: String,
    pub(super) connection_name: String,
    pub(super) provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connected_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connected_account_status: Option<&'static str>,
    pub(super) authentication_link: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpConnectedAccounts")]
pub(super) struct AccountsAnswer {
    connected_accounts: Vec<AuthState>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct MagicLink {
    #[serde(flatten)]
    target: Target,
    /// Comes back beside `auth_request_id`.
    #[schemars(length(max = 512))]
    state: Option<String>,
    /// Where the browser goes to say who the user is.
    #[serde(alias = "userVerifyUrl")]
    #[schemars(length(max = 2048), regex(pattern = "^$|^https?://"))]
    user_verify_url: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct MagicLinkAnswer {
    link: String,
    /// When the link dies.
    #[schemars(extend("format" = "date-time"))]
    expiry: String,
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
    Body(request): Body<ListAccounts>,
) -> Result<Json<AccountsAnswer>, ApiError> {
    let id = config_id(id)?;
    let mut violations = Vec::new();
    // No account can have a longer identifier, so none is created for one.
    let creates = request.include_auth_link.unwrap_or_default();
    let max = creates.then_some(LONGEST_OF_AN_ACCOUNT);
    let identifier = identifier(request.identifier, max, &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let config = engine.store().config(&id).await?;
    let config = config.ok_or_else(|| no_config(&id))?;

    let connected_accounts = states(&engine, config, &identifier, creates).await?;
    Ok(Json(AccountsAnswer { connected_accounts }))
}

/// Where a user stands with every connection of a config; with links, missing accounts are made.
pub(super) async fn states(
    engine: &Engine,
    config: ConfigRecord,
    identifier: &str,
    with_links: bool,
) -> Result<Vec<AuthState>, ApiError> {
    // First, because it creates accounts.
    let links = if with_links {
        // A connection that left the settings has no page to send anybody to.
        let connections: Vec<&ConnectionEntry> = config
            .mappings
            .iter()
            .filter_map(|mapping| engine.connections().by_id(&mapping.connection_id))
            .collect();
        engine
            .accounts()
            .issue_links(identifier, &connections, None)
            .await?
    } else {
        Vec::new()
    };
    let accounts = engine.accounts().find(identifier, config.connection_ids());
    let states = config.mappings.into_iter().zip(accounts.await?);
    Ok(states
        .map(|(mapping, account)| output(engine, mapping, account, &links))
        .collect())
}

fn output(
    engine: &Engine,
    mapping: MappingRecord,
    account: Option<AccountRecord>,
    links: &[IssuedLink],
) -> AuthState {
    let entry = engine.connections().by_id(&mapping.connection_id);
    let link = links
        .iter()
        .find(|link| link.account.connection_id == mapping.connection_id);
    AuthState {
        provider: entry.map_or_else(String::new, |entry| entry.connection.provider.clone()),
        connection_id: mapping.connection_id,
        connection_name: mapping.connection_name,
        connected_account_status: account.as_ref().map(|account| account.status.as_str()),
        connected_account_id: account.map(|account| account.id),
        authentication_link: link
            .map_or_else(String::new, |link| link.link.expose_secret().to_owned()),
    }
}

pub(super) async fn magic_link(
    State(engine): State<Arc<Engine>>,
    Body(request): Body<MagicLink>,
) -> Result<Json<MagicLinkAnswer>, ApiError> {
    let mut violations = Vec::new();
    request.target.check(&mut violations);
    let verification = verification(request.user_verify_url, request.state, &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let named = request.target.named(&engine)?;
    let missing = named.missing();
    let (entry, identifier) = match named {
        Named::User { entry, identifier } => (entry, identifier),
        Named::Id(id) => {
            let account = engine.accounts().find_by_id(&id).await?;
            let found = account.and_then(|account| {
                let entry = engine.connections().by_id(&account.connection_id)?;
                Some((entry, account.identifier))
            });
            found.ok_or(missing)?
        }
    };
    let issued = engine
        .accounts()
        .issue_links(&identifier, &[entry], verification.as_ref())
        .await?;
    let link = issued
        .first()
        .ok_or_else(|| ApiError::not_found("there is no link for this account"))?;
    Ok(Json(MagicLinkAnswer {
        link: link.link.expose_secret().to_owned(),
        expiry: timestamp(link.expires_at),
    }))
}

/// Where the browser goes after the page of the link. A `state` without a place to take it to is
/// of no use.
fn verification(
    url: Option<String>,
    state: Option<String>,
    violations: &mut Vec<Violation>,
) -> Option<Verification> {
    let (url, state) = (non_empty(url), non_empty(state));
    longest(
        "state",
        state.as_deref().unwrap_or_default(),
        512,
        violations,
    );
    let url = url?;
    longest("user_verify_url", &url, 2048, violations);
    let is_http = url.starts_with("http://") || url.starts_with("https://");
    if !is_http || Url::parse(&url).is_err() {
        violations.push(Violation::new(
            "user_verify_url",
            "string.pattern",
            "should be a URL that starts with `http://` or `https://`",
        ));
    }
    Some(Verification { url, state })
}
