//! Connected accounts over REST: where a user stands with a config, and links for the user.

use std::sync::Arc;

use axum::{Json, extract::State};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{
    configs::no_config,
    error::{ApiError, Violation},
    input::{Body, Segment, config_id, identifier, longest, non_empty, timestamp},
    mappings::did_you_mean,
};
use crate::{
    accounts::{AccountRecord, IssuedLink},
    engine::{ConnectionEntry, Engine},
    store::MappingRecord,
};

/// The longest identifier that an account can have.
pub(super) const LONGEST_OF_AN_ACCOUNT: usize = 100;

#[derive(Deserialize)]
pub(super) struct ListAccounts {
    identifier: Option<String>,
    #[serde(alias = "includeAuthLink")]
    include_auth_link: Option<bool>,
}

#[derive(Serialize)]
struct AccountOutput {
    connection_id: String,
    connection_name: String,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_account_status: Option<&'static str>,
    authentication_link: String,
}

#[derive(Serialize)]
pub(super) struct AccountsAnswer {
    connected_accounts: Vec<AccountOutput>,
}

#[derive(Deserialize)]
pub(super) struct MagicLink {
    id: Option<String>,
    connector: Option<String>,
    identifier: Option<String>,
    #[serde(alias = "organizationId")]
    organization_id: Option<String>,
    #[serde(alias = "userId")]
    user_id: Option<String>,
    state: Option<String>,
    #[serde(alias = "userVerifyUrl")]
    user_verify_url: Option<String>,
}

#[derive(Serialize)]
pub(super) struct MagicLinkAnswer {
    link: String,
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

    // First, because it creates accounts.
    let links = if request.include_auth_link.unwrap_or_default() {
        // A connection that left the settings has no page to send anybody to.
        let connections: Vec<&ConnectionEntry> = config
            .mappings
            .iter()
            .filter_map(|mapping| engine.connections().by_id(&mapping.connection_id))
            .collect();
        engine
            .accounts()
            .issue_links(&identifier, &connections)
            .await?
    } else {
        Vec::new()
    };
    let ids = config
        .mappings
        .iter()
        .map(|mapping| mapping.connection_id.clone());
    let accounts = engine.accounts().find(&identifier, ids.collect()).await?;
    let states = config.mappings.into_iter().zip(accounts);
    Ok(Json(AccountsAnswer {
        connected_accounts: states
            .map(|(mapping, account)| output(&engine, mapping, account, &links))
            .collect(),
    }))
}

fn output(
    engine: &Engine,
    mapping: MappingRecord,
    account: Option<AccountRecord>,
    links: &[IssuedLink],
) -> AccountOutput {
    let entry = engine.connections().by_id(&mapping.connection_id);
    let link = links
        .iter()
        .find(|link| link.account.connection_id == mapping.connection_id);
    AccountOutput {
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
    check_lengths(&request)?;
    let (entry, identifier) = target(&engine, request).await?;
    let issued = engine.accounts().issue_links(&identifier, &[entry]).await?;
    let link = issued
        .first()
        .ok_or_else(|| ApiError::not_found("there is no link for this account"))?;
    Ok(Json(MagicLinkAnswer {
        link: link.link.expose_secret().to_owned(),
        expiry: timestamp(link.expires_at),
    }))
}

fn check_lengths(request: &MagicLink) -> Result<(), ApiError> {
    let mut violations = Vec::new();
    for (field, text, max) in [
        ("id", &request.id, 32),
        ("connector", &request.connector, 400),
        ("identifier", &request.identifier, LONGEST_OF_AN_ACCOUNT),
        ("organization_id", &request.organization_id, 32),
        ("user_id", &request.user_id, 32),
        ("state", &request.state, 512),
        ("user_verify_url", &request.user_verify_url, 2048),
    ] {
        longest(
            field,
            text.as_deref().unwrap_or_default(),
            max,
            &mut violations,
        );
    }
    let url = request.user_verify_url.as_deref().unwrap_or_default();
    if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) {
        violations.push(Violation::new(
            "user_verify_url",
            "string.pattern",
            "should start with `http://` or `https://`",
        ));
    }
    if let Some(id) = request.id.as_deref().filter(|id| !id.is_empty())
        && !id.starts_with("ca_")
    {
        violations.push(Violation::new(
            "id",
            "string.prefix",
            format!("is `{id}`; ids of connected accounts start with `ca_`"),
        ));
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(violations))
    }
}

/// The connection and the user a link is for: an account by its id, else by name and identifier.
async fn target(
    engine: &Engine,
    request: MagicLink,
) -> Result<(&ConnectionEntry, String), ApiError> {
    if let Some(id) = non_empty(request.id) {
        let missing = || ApiError::not_found(format!("there is no connected account `{id}`"));
        let account = engine
            .accounts()
            .find_by_id(&id)
            .await?
            .ok_or_else(missing)?;
        let entry = engine.connections().by_id(&account.connection_id);
        return Ok((entry.ok_or_else(missing)?, account.identifier));
    }
    let (connector, identifier) = (non_empty(request.connector), non_empty(request.identifier));
    let (Some(connector), Some(identifier)) = (connector, identifier) else {
        return Err(ApiError::bad_request(
            "send `id`, or `connector` and `identifier`, to say whose account the link is for",
        ));
    };
    let entry = engine.connections().get(&connector).ok_or_else(|| {
        let names = engine
            .connections()
            .iter()
            .map(|entry| &*entry.connection.name);
        ApiError::not_found(format!(
            "there is no connection `{connector}`{}",
            did_you_mean(&connector, names)
        ))
    })?;
    Ok((entry, identifier))
}
