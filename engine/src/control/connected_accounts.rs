//! Connected accounts: list, search, create, read, update, disconnect, delete.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    accounts::LONGEST_OF_AN_ACCOUNT,
    configs::connections_of,
    credentials::{self, AuthorizationDetails},
    describe::{Created, Empty},
    error::{ApiError, Violation},
    input::{Body, Pairs, Param, Params, Query, Segment, connection_name, timestamp},
    page::{self, Sizes},
    targets::{CONNECTION_NAME, Named, TARGET, Target},
};
use crate::{
    engine::Engine,
    settings::Auth,
    store::{
        AccountChange, AccountDetails, AccountFilter, AccountSearch, ApiConfig, Credential, Cursor,
        Page,
    },
};

const LIST_SIZES: Sizes = Sizes {
    default: 10,
    max: 99,
};
const SEARCH_SIZES: Sizes = Sizes {
    default: 10,
    max: 30,
};
const MAX_CONNECTION_NAMES: usize = 20;
const PREFIX: &str = "ca_";

/// What a request brings to an account.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewConnectedAccount")]
struct Brought {
    // Not typed: see `credentials`.
    /// The key, as `static_auth` or `oauth_token`.
    #[serde(alias = "authorizationDetails")]
    #[schemars(with = "Option<AuthorizationDetails>")]
    authorization_details: Option<Value>,
    #[serde(alias = "apiConfig")]
    api_config: Option<ApiConfig>,
}

/// A request to create or update an account.
#[derive(Deserialize, JsonSchema)]
pub(super) struct WriteAccount {
    #[serde(flatten)]
    target: Target,
    /// What the account holds; an update changes what is sent.
    #[serde(alias = "connectedAccount")]
    #[schemars(required)]
    connected_account: Option<Brought>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConnectedAccountForList")]
struct ListedAccount {
    identifier: String,
    provider: String,
    status: &'static str,
    authorization_type: &'static str,
    #[schemars(extend("format" = "date-time"))]
    token_expires_at: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
    connector: String,
    #[schemars(extend("format" = "date-time"))]
    last_used_at: Option<String>,
    id: String,
    connection_id: String,
    is_org_wide_credential: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConnectedAccount")]
struct FullAccount {
    #[serde(flatten)]
    listed: ListedAccount,
    #[schemars(with = "Option<AuthorizationDetails>")]
    authorization_details: Option<Value>,
    api_config: Option<ApiConfig>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConnectedAccounts")]
pub(super) struct AccountsAnswer {
    connected_accounts: Vec<ListedAccount>,
    total_size: u64,
    next_page_token: String,
    prev_page_token: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct AccountAnswer {
    connected_account: FullAccount,
}

pub(super) struct ListAccounts;

impl Query for ListAccounts {
    const PARAMS: &'static [Param] = &[
        Param::text("organization_id", "There are no organisations here").longest(32),
        Param::text("user_id", "There are no users of organisations here").longest(32),
        Param::text(
            "connector",
            "On this connection; not beside `connection_names`",
        )
        .longest(400)
        .shaped(CONNECTION_NAME),
        Param::text("identifier", "Of this user").longest(LONGEST_OF_AN_ACCOUNT),
        Param::text("provider", "On connections of this provider").longest(50),
        Param::text(
            "query",
            "A part of the identifier, the connection or its provider, in any case",
        )
        .longest(100),
        Param::texts(
            "connection_names",
            "On these connections; not beside `connector`",
        )
        .at_most(MAX_CONNECTION_NAMES)
        .shortest(1)
        .longest(400)
        .shaped(CONNECTION_NAME),
        Param::flag(
            "is_org_wide_credential",
            "No account here belongs to an organisation",
        ),
        page::size_param(LIST_SIZES),
        page::TOKEN.longest(100),
    ];
}

pub(super) struct SearchAccounts;

impl Query for SearchAccounts {
    const PARAMS: &'static [Param] = &[
        Param::text(
            "query",
            "A part of the identifier, the connection or its provider, in any case",
        )
        .required()
        .shortest(3)
        .longest(200),
        Param::text("connection_id", "On the connection of this id"),
        page::size_param(SEARCH_SIZES),
        page::TOKEN,
    ];
}

pub(super) struct OneAccount;

impl Query for OneAccount {
    const PARAMS: &'static [Param] = &TARGET;
}

fn listed(engine: &Engine, details: AccountDetails) -> ListedAccount {
    let account = details.account;
    // A connection that left the settings has neither any more.
    let connection = engine.connections().by_id(&account.connection_id);
    let connection = connection.map(|entry| &entry.connection);
    ListedAccount {
        identifier: account.identifier,
        provider: connection.map_or_else(String::new, |connection| connection.provider.clone()),
        status: account.status.as_str(),
        authorization_type: match connection.map(|connection| &connection.auth) {
            Some(Auth::ApiKey) => "API_KEY",
            Some(Auth::Provider(_)) => "OAUTH",
            Some(Auth::None) => "NO_AUTH",
            None => "CONNECTION_TYPE_UNSPECIFIED",
        },
        token_expires_at: details.token_expires_at.map(timestamp),
        updated_at: timestamp(details.updated_at),
        connector: details.connection_name,
        last_used_at: None,
        id: account.id,
        connection_id: account.connection_id,
        is_org_wide_credential: false,
    }
}

/// Secrets leave by one path only.
fn answer(
    engine: &Engine,
    mut details: AccountDetails,
    credential: Option<&Credential>,
) -> Json<AccountAnswer> {
    Json(AccountAnswer {
        connected_account: FullAccount {
            api_config: details.api_config.take(),
            listed: listed(engine, details),
            authorization_details: credential.map(credentials::output),
        },
    })
}

fn refuse(violations: Vec<Violation>) -> Result<(), ApiError> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(violations))
    }
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    params: Params<ListAccounts>,
) -> Result<Json<AccountsAnswer>, ApiError> {
    let mut violations = Vec::new();
    let organization = params.text("organization_id", &mut violations);
    let user = params.text("user_id", &mut violations);
    let org_wide = params.flag("is_org_wide_credential", &mut violations);
    let provider = params.text("provider", &mut violations);
    let filter = AccountFilter {
        // There are no organisations here, so nothing belongs to one.
        connection_ids: if organization.is_some() || user.is_some() || org_wide == Some(true) {
            Some(Vec::new())
        } else {
            provider.map(|provider| connections_of(&engine, &provider))
        },
        connection_names: names(&params, &mut violations),
        identifier: params.text("identifier", &mut violations),
        search: looked_for(&engine, params.text("query", &mut violations)),
    };
    let size = params.text("page_size", &mut violations);
    let size = page::size(size.as_deref(), LIST_SIZES, &mut violations);
    let cursor = params.text("page_token", &mut violations);
    let cursor = page::cursor(cursor, PREFIX, &mut violations);
    refuse(violations)?;
    found(&engine, filter, size, cursor).await
}

/// The connections to list, by `connector` or by `connection_names`.
fn names(params: &Pairs, violations: &mut Vec<Violation>) -> Option<Vec<String>> {
    let connector = params.text("connector", violations);
    if let Some(connector) = &connector {
        connection_name("connector", connector, violations);
    }
    let names = params.all("connection_names");
    if names.len() > MAX_CONNECTION_NAMES {
        violations.push(Violation::new(
            "connection_names",
            "repeated.max_items",
            format!(
                "has {} entries; at most {MAX_CONNECTION_NAMES} are allowed",
                names.len()
            ),
        ));
    }
    for (index, name) in names.iter().enumerate() {
        let field = format!("connection_names[{index}]");
        if name.is_empty() {
            violations.push(Violation::new(field, "string.min_len", "is empty"));
        } else {
            connection_name(&field, name, violations);
        }
    }
    if connector.is_some() && !names.is_empty() {
        violations.push(Violation::new(
            "connection_names",
            "connector_xor_connection_names",
            "comes beside `connector`; send one of them",
        ));
    }
    match connector {
        Some(connector) => Some(vec![connector]),
        None => Some(names).filter(|names| !names.is_empty()),
    }
}

/// A text in accounts and their connections, whose providers are in the settings only.
fn looked_for(engine: &Engine, text: Option<String>) -> Option<AccountSearch> {
    let text = text?;
    let wanted = text.to_ascii_lowercase();
    let holds = |provider: &str| provider.to_ascii_lowercase().contains(&wanted);
    Some(AccountSearch {
        connection_ids: engine
            .connections()
            .iter()
            .filter(|entry| holds(&entry.connection.provider))
            .map(|entry| entry.id.clone())
            .collect(),
        text,
    })
}

pub(super) async fn search(
    State(engine): State<Arc<Engine>>,
    params: Params<SearchAccounts>,
) -> Result<Json<AccountsAnswer>, ApiError> {
    let mut violations = Vec::new();
    let query = params.text("query", &mut violations);
    if query.as_deref().unwrap_or_default().chars().count() < 3 {
        violations.push(Violation::new(
            "query",
            "string.min_len",
            "should have 3 characters or more",
        ));
    }
    let connection_id = params.text("connection_id", &mut violations);
    let size = params.text("page_size", &mut violations);
    let size = page::size(size.as_deref(), SEARCH_SIZES, &mut violations);
    let cursor = params.text("page_token", &mut violations);
    let cursor = page::cursor(cursor, PREFIX, &mut violations);
    refuse(violations)?;
    let filter = AccountFilter {
        connection_ids: connection_id.map(|id| vec![id]),
        search: looked_for(&engine, query),
        ..AccountFilter::default()
    };
    found(&engine, filter, size, cursor).await
}

async fn found(
    engine: &Engine,
    filter: AccountFilter,
    size: u32,
    cursor: Option<Cursor>,
) -> Result<Json<AccountsAnswer>, ApiError> {
    let Page {
        items,
        next,
        previous,
        total,
    } = engine.accounts().list(filter, size, cursor).await?;
    Ok(Json(AccountsAnswer {
        connected_accounts: items
            .into_iter()
            .map(|details| listed(engine, details))
            .collect(),
        total_size: total,
        next_page_token: page::token(next),
        prev_page_token: page::token(previous),
    }))
}

/// What a request brings, checked.
fn change(brought: Option<Brought>, violations: &mut Vec<Violation>) -> AccountChange {
    let Some(brought) = brought else {
        violations.push(Violation::new(
            "connected_account",
            "required",
            "is missing",
        ));
        return AccountChange::default();
    };
    AccountChange {
        credential: credentials::read(brought.authorization_details.as_ref(), violations),
        api_config: brought.api_config,
    }
}

pub(super) async fn create(
    State(engine): State<Arc<Engine>>,
    Body(request): Body<WriteAccount>,
) -> Result<Created<AccountAnswer>, ApiError> {
    let mut violations = Vec::new();
    request.target.check(&mut violations);
    let mut change = change(request.connected_account, &mut violations);
    let named = request.target.new_account(&engine, &mut violations);
    let (Some((entry, identifier)), true) = (named, violations.is_empty()) else {
        return Err(ApiError::invalid(violations));
    };
    change.credential = credentials::fitting(&entry.connection.auth, change.credential);
    let created = engine.accounts().create(entry, &identifier, change).await?;
    let created = created.ok_or_else(|| {
        ApiError::already_exists(format!(
            "user `{identifier}` has a connected account on connection `{}` already; update that one",
            entry.connection.name
        ))
    })?;
    Ok(Created(answer(&engine, created, None).0))
}

pub(super) async fn update(
    State(engine): State<Arc<Engine>>,
    Body(request): Body<WriteAccount>,
) -> Result<Json<AccountAnswer>, ApiError> {
    let mut violations = Vec::new();
    request.target.check(&mut violations);
    let mut change = change(request.connected_account, &mut violations);
    refuse(violations)?;
    let named = request.target.named(&engine)?;
    let (before, _) = existing(&engine, &named).await?;
    let entry = engine.connections().by_id(&before.account.connection_id);
    if let Some(entry) = entry {
        change.credential = credentials::fitting(&entry.connection.auth, change.credential);
    }
    let updated = engine.accounts().update(named.key(), change).await?;
    Ok(answer(
        &engine,
        updated.ok_or_else(|| named.missing())?,
        None,
    ))
}

pub(super) async fn delete(
    State(engine): State<Arc<Engine>>,
    Body(target): Body<Target>,
) -> Result<Json<Empty>, ApiError> {
    let named = checked(&engine, target)?;
    if engine.accounts().delete(named.key()).await? {
        Ok(Json(Empty {}))
    } else {
        Err(named.missing())
    }
}

/// The only answer that holds a secret.
pub(super) async fn auth(
    State(engine): State<Arc<Engine>>,
    params: Params<OneAccount>,
) -> Result<Json<AccountAnswer>, ApiError> {
    let named = queried(&engine, &params)?;
    let (details, credential) = existing(&engine, &named).await?;
    Ok(answer(&engine, details, credential.as_ref()))
}

/// By the query: the paths `/details` and `/this`.
pub(super) async fn details(
    State(engine): State<Arc<Engine>>,
    params: Params<OneAccount>,
) -> Result<Json<AccountAnswer>, ApiError> {
    let named = queried(&engine, &params)?;
    let (details, _) = existing(&engine, &named).await?;
    Ok(answer(&engine, details, None))
}

pub(super) async fn get(
    State(engine): State<Arc<Engine>>,
    Segment(id): Segment,
) -> Result<Json<AccountAnswer>, ApiError> {
    let named = checked(&engine, Target::of_id(id))?;
    let (details, _) = existing(&engine, &named).await?;
    Ok(answer(&engine, details, None))
}

/// `…/{id}:disconnect`
pub(super) async fn disconnect(
    State(engine): State<Arc<Engine>>,
    Segment(segment): Segment,
    Body(target): Body<Target>,
) -> Result<Json<AccountAnswer>, ApiError> {
    let id = segment.strip_suffix(":disconnect").unwrap_or(&segment);
    let mut violations = Vec::new();
    target.check(&mut violations);
    refuse(violations)?;
    // These stand for an account that the body names.
    let target = match id {
        "this" | "-" => target,
        id => Target::of_id(id.to_owned()),
    };
    let named = checked(&engine, target)?;
    let disconnected = engine.accounts().disconnect(named.key()).await?;
    let disconnected = disconnected.ok_or_else(|| named.missing())?;
    Ok(answer(&engine, disconnected, None))
}

fn queried<'a>(engine: &'a Engine, params: &Pairs) -> Result<Named<'a>, ApiError> {
    let mut violations = Vec::new();
    let target = Target::of_query(params, &mut violations);
    refuse(violations)?;
    checked(engine, target)
}

fn checked(engine: &Engine, target: Target) -> Result<Named<'_>, ApiError> {
    let mut violations = Vec::new();
    target.check(&mut violations);
    refuse(violations)?;
    target.named(engine)
}

async fn existing(
    engine: &Engine,
    named: &Named<'_>,
) -> Result<(AccountDetails, Option<Credential>), ApiError> {
    let found = engine.accounts().details(named.key()).await?;
    found.ok_or_else(|| named.missing())
}
