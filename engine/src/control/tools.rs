//! Tools as the API shows them: of every connection, or of those a user has connected.

use std::sync::Arc;

use axum::{Json, extract::State};
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    accounts::LONGEST_OF_AN_ACCOUNT,
    error::{ApiError, Violation},
    input::{Pairs, Param, Params, Query, connection_name, snake_case},
    page::{self, Sizes},
    targets::{CONNECTION_NAME, Named, account_id},
};
use crate::{
    accounts::{AccountRecord, AccountStatus},
    engine::{ConnectionEntry, Engine},
    store::{Cursor, Page},
};

const DEFAULT_SIZE: u32 = 300;
/// What is more is cut, not refused.
const MAX_SIZE: u32 = 1000;
/// With `filter.query`.
const MAX_QUERY_SIZE: u32 = 100;
const PREFIX: &str = "conn_";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Tool")]
struct ToolOutput {
    id: String,
    provider: String,
    definition: Map<String, Value>,
    metadata: Option<Map<String, Value>>,
    tags: Vec<String>,
    is_default: Option<bool>,
    #[schemars(extend("format" = "date-time"))]
    updated_at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScopedTool")]
struct ScopedOutput {
    tool: ToolOutput,
    identifier: String,
    connected_account_id: String,
}

/// The pages around a list of tools.
#[derive(Serialize, JsonSchema)]
struct Pages {
    next_page_token: String,
    total_size: u64,
    prev_page_token: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Tools")]
pub(super) struct ToolsAnswer {
    #[serde(flatten)]
    pages: Pages,
    tool_names: Vec<String>,
    tools: Vec<ToolOutput>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScopedTools")]
pub(super) struct ScopedAnswer {
    #[serde(flatten)]
    pages: Pages,
    tools: Vec<ScopedOutput>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AvailableTools")]
pub(super) struct AvailableAnswer {
    #[serde(flatten)]
    pages: Pages,
    tools: Vec<ToolOutput>,
}

/// One tool of one connection.
struct Known<'a> {
    /// What lists are sorted by: connection, then name.
    key: String,
    name: String,
    entry: &'a ConnectionEntry,
    /// As MCP has it.
    tool: Value,
}

impl Known<'_> {
    fn output(&self) -> ToolOutput {
        let hash = digest(&SHA256, self.key.as_bytes());
        let number = hash.as_ref().iter().take(8);
        let number = number.fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let provider = &self.entry.connection.provider;
        ToolOutput {
            id: format!("tool_{number:020}"),
            provider: provider.clone(),
            definition: definition(&self.name, provider, &self.tool),
            metadata: None,
            tags: Vec::new(),
            is_default: None,
            updated_at: None,
        }
    }
}

/// The definition in the API's own casing; schemas are passed on as they are.
fn definition(name: &str, provider: &str, tool: &Value) -> Map<String, Value> {
    let hints = tool.get("annotations").and_then(Value::as_object);
    let title = tool
        .get("title")
        .or_else(|| hints?.get("title"))
        .and_then(Value::as_str);
    let mut definition = Map::new();
    let mut put = |key: &str, value: Value| definition.insert(key.to_owned(), value);
    put("name", json!(name));
    put("display_name", json!(title.unwrap_or(name)));
    let description = tool.get("description").and_then(Value::as_str);
    put("description", json!(description.unwrap_or_default()));
    put("provider", json!(provider));
    let input = tool.get("inputSchema").cloned();
    put("input_schema", input.unwrap_or_else(|| json!({})));
    if let Some(output) = tool.get("outputSchema") {
        put("output_schema", output.clone());
    }
    if let Some(hints) = hints {
        let hints = hints.iter();
        put(
            "annotations",
            hints
                .map(|(key, value)| (snake_case(key), value.clone()))
                .collect::<Map<_, _>>()
                .into(),
        );
    }
    definition
}

/// The known tools of these connections, sorted.
async fn known<'a>(
    engine: &Engine,
    entries: impl Iterator<Item = &'a ConnectionEntry>,
) -> Result<Vec<Known<'a>>, ApiError> {
    let mut known = Vec::new();
    for entry in entries {
        for tool in engine.tool_definitions(&entry.connection).await? {
            let Some(name) = tool.get("name").and_then(Value::as_str) else {
                continue;
            };
            known.push(Known {
                key: format!("{}/{name}", entry.id),
                name: name.to_owned(),
                entry,
                tool,
            });
        }
    }
    known.sort_by(|one, other| one.key.cmp(&other.key));
    // An upstream that lists one name twice: the first stays.
    known.dedup_by(|one, other| one.key == other.key);
    Ok(known)
}

/// A larger page is cut to 1000.
const PAGE_SIZE: Param = page::size_param(Sizes {
    default: DEFAULT_SIZE,
    max: u32::MAX,
});

const IDENTIFIER: Param = Param::text("identifier", "The user")
    .required()
    .shortest(1)
    .longest(LONGEST_OF_AN_ACCOUNT);

pub(super) struct ListTools;

impl Query for ListTools {
    const PARAMS: &'static [Param] = &[
        Param::flag("filter.summary", "Answers the names only"),
        Param::text("filter.provider", "Of connections of this provider").longest(50),
        Param::text(
            "filter.identifier",
            "Of connections on which this user has an account",
        )
        .longest(LONGEST_OF_AN_ACCOUNT),
        Param::texts("filter.tool_name", "Of these names"),
        Param::text(
            "filter.query",
            "Whose name holds all these words, in any case",
        )
        .shortest(3)
        .longest(100),
        Param::text(
            "filter.connector",
            "Of this connection; needs `filter.identifier`",
        )
        .longest(400)
        .shaped(CONNECTION_NAME),
        Param::text("filter.organization_id", "There are no organisations here").longest(32),
        Param::text("filter.user_id", "There are no users of organisations here").longest(32),
        Param::text(
            "filter.connected_account_id",
            "Of the connection of this account",
        )
        .longest(100)
        .shaped("^(ca_.*)?$"),
        PAGE_SIZE,
        page::TOKEN,
    ];
}

pub(super) struct ListScoped;

impl Query for ListScoped {
    const PARAMS: &'static [Param] = &[
        IDENTIFIER,
        Param::texts("filter.providers", "Of connections of these providers"),
        Param::texts("filter.tool_names", "Of these names"),
        Param::texts("filter.connection_names", "Of these connections"),
        PAGE_SIZE,
        page::TOKEN,
    ];
}

pub(super) struct ListAvailable;

impl Query for ListAvailable {
    const PARAMS: &'static [Param] = &[IDENTIFIER, PAGE_SIZE, page::TOKEN];
}

/// The size of the page and where it starts.
fn place(params: &Pairs, violations: &mut Vec<Violation>) -> (u32, Option<Cursor>) {
    let any = Sizes {
        default: DEFAULT_SIZE,
        max: u32::MAX,
    };
    let size = params.text("page_size", violations);
    let size = page::size(size.as_deref(), any, violations).min(MAX_SIZE);
    let cursor = params.text("page_token", violations);
    (size, page::cursor(cursor, PREFIX, violations))
}

/// One page of tools, and the pages around it.
fn turn(known: Vec<Known<'_>>, (size, cursor): (u32, Option<Cursor>)) -> (Vec<Known<'_>>, Pages) {
    let Page {
        items,
        next,
        previous,
        total,
    } = page::slice(known, size, cursor.as_ref(), |known| &known.key);
    let pages = Pages {
        next_page_token: page::token(next),
        total_size: total,
        prev_page_token: page::token(previous),
    };
    (items, pages)
}

/// The user's accounts, each with its connection.
async fn accounts_of<'a>(
    engine: &'a Engine,
    identifier: &str,
) -> Result<Vec<(&'a ConnectionEntry, AccountRecord)>, ApiError> {
    let ids = engine.connections().iter().map(|entry| entry.id.clone());
    let found = engine.accounts().find(identifier, ids.collect()).await?;
    let pairs = engine.connections().iter().zip(found);
    Ok(pairs
        .filter_map(|(entry, account)| Some((entry, account?)))
        .collect())
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    params: Params<ListTools>,
) -> Result<Json<ToolsAnswer>, ApiError> {
    let mut violations = Vec::new();
    let (mut size, cursor) = place(&params, &mut violations);
    let summary = params.flag("filter.summary", &mut violations);
    let provider = params.text("filter.provider", &mut violations);
    let names = params.all("filter.tool_name");
    let query = params.text("filter.query", &mut violations);
    if query
        .as_ref()
        .is_some_and(|query| query.chars().count() < 3)
    {
        violations.push(Violation::new(
            "filter.query",
            "string.min_len",
            "should have 3 characters or more",
        ));
    }
    if query.is_some() {
        size = size.min(MAX_QUERY_SIZE);
    }
    let organization = params.text("filter.organization_id", &mut violations);
    let user = params.text("filter.user_id", &mut violations);
    let owner = owner(&params, &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let entries = match owner {
        // There are no organisations here, so nothing belongs to one.
        _ if organization.is_some() || user.is_some() => Vec::new(),
        owner => connections(&engine, owner).await?,
    };
    let words: Vec<String> = query
        .unwrap_or_default()
        .split(|letter: char| letter.is_whitespace() || letter == '_')
        .map(str::to_lowercase)
        .collect();
    let mut known = known(&engine, entries.into_iter()).await?;
    known.retain(|known| {
        let provider = provider.as_deref();
        provider.is_none_or(|name| known.entry.connection.provider.eq_ignore_ascii_case(name))
            && (names.is_empty() || names.contains(&known.name))
            && words
                .iter()
                .all(|word| known.name.to_lowercase().contains(word))
    });
    let (known, pages) = turn(known, (size, cursor));
    let known = known.iter();
    Ok(Json(if summary == Some(true) {
        ToolsAnswer {
            pages,
            tool_names: known.map(|known| known.name.clone()).collect(),
            tools: Vec::new(),
        }
    } else {
        ToolsAnswer {
            pages,
            tool_names: Vec::new(),
            tools: known.map(Known::output).collect(),
        }
    }))
}

/// Whose tools to list.
enum Owner {
    Everybody,
    User(String),
    UserOn {
        connector: String,
        identifier: String,
    },
    Account(String),
}

fn owner(params: &Pairs, violations: &mut Vec<Violation>) -> Owner {
    let identifier = params.text("filter.identifier", violations);
    let id = params.text("filter.connected_account_id", violations);
    if let Some(id) = &id {
        account_id("filter.connected_account_id", id, violations);
    }
    let connector = params.text("filter.connector", violations);
    if let Some(name) = &connector {
        connection_name("filter.connector", name, violations);
    }
    match (id, connector, identifier) {
        (Some(id), ..) => Owner::Account(id),
        (None, Some(connector), Some(identifier)) => Owner::UserOn {
            connector,
            identifier,
        },
        (None, Some(_), None) => {
            violations.push(Violation::new(
                "filter.connector",
                "filter.connector.identifier",
                "needs `filter.identifier` beside it; or send `filter.connected_account_id`",
            ));
            Owner::Everybody
        }
        (None, None, Some(identifier)) => Owner::User(identifier),
        (None, None, None) => Owner::Everybody,
    }
}

/// The connections whose tools an owner is shown. An account that is named must be there.
async fn connections(engine: &Engine, owner: Owner) -> Result<Vec<&ConnectionEntry>, ApiError> {
    let named = match owner {
        Owner::Everybody => return Ok(engine.connections().iter().collect()),
        Owner::User(identifier) => {
            let accounts = accounts_of(engine, &identifier).await?;
            return Ok(accounts.into_iter().map(|(entry, _)| entry).collect());
        }
        Owner::UserOn {
            connector,
            identifier,
        } => Named::of_user(engine, &connector, identifier)?,
        Owner::Account(id) => Named::Id(id),
    };
    let found = engine.accounts().details(named.key()).await?;
    let (details, _) = found.ok_or_else(|| named.missing())?;
    let entry = engine.connections().by_id(&details.account.connection_id);
    Ok(entry.into_iter().collect())
}

/// The tools of the connections on which this user has an active account, each with its account.
async fn of_user<'a>(
    engine: &'a Engine,
    identifier: &str,
) -> Result<(Vec<Known<'a>>, Vec<AccountRecord>), ApiError> {
    let mut accounts = accounts_of(engine, identifier).await?;
    accounts.retain(|(_, account)| account.status == AccountStatus::Active);
    let (entries, accounts): (Vec<_>, Vec<_>) = accounts.into_iter().unzip();
    Ok((known(engine, entries.into_iter()).await?, accounts))
}

fn required_identifier(params: &Pairs, violations: &mut Vec<Violation>) -> String {
    let identifier = params.text("identifier", violations);
    super::input::identifier(identifier, Some(LONGEST_OF_AN_ACCOUNT), violations)
}

pub(super) async fn scoped(
    State(engine): State<Arc<Engine>>,
    params: Params<ListScoped>,
) -> Result<Json<ScopedAnswer>, ApiError> {
    let mut violations = Vec::new();
    let identifier = required_identifier(&params, &mut violations);
    let place = place(&params, &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let providers = params.all("filter.providers");
    let names = params.all("filter.tool_names");
    let connections = params.all("filter.connection_names");
    let (mut known, accounts) = of_user(&engine, &identifier).await?;
    known.retain(|known| {
        let connection = &known.entry.connection;
        let provider = |name: &String| connection.provider.eq_ignore_ascii_case(name);
        (providers.is_empty() || providers.iter().any(provider))
            && (names.is_empty() || names.contains(&known.name))
            && (connections.is_empty() || connections.contains(&connection.name))
    });
    let (known, pages) = turn(known, place);
    let tools = known.iter().filter_map(|known| {
        let mut accounts = accounts.iter();
        let account = accounts.find(|account| account.connection_id == known.entry.id)?;
        Some(ScopedOutput {
            tool: known.output(),
            identifier: account.identifier.clone(),
            connected_account_id: account.id.clone(),
        })
    });
    Ok(Json(ScopedAnswer {
        tools: tools.collect(),
        pages,
    }))
}

pub(super) async fn available(
    State(engine): State<Arc<Engine>>,
    params: Params<ListAvailable>,
) -> Result<Json<AvailableAnswer>, ApiError> {
    let mut violations = Vec::new();
    let identifier = required_identifier(&params, &mut violations);
    let place = place(&params, &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    let (known, _) = of_user(&engine, &identifier).await?;
    let (known, pages) = turn(known, place);
    Ok(Json(AvailableAnswer {
        tools: known.iter().map(Known::output).collect(),
        pages,
    }))
}
