//! `Session::check`: does an agent that connects now get its tools, and what do they cost?

mod diagnosis;
mod mcp;
mod message;

use std::{
    collections::HashSet,
    fmt,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use serde_json::json;

use crate::{
    AccessLevel, ConnectionAuthState, ConnectionToolMapping, Result, Session, Target, Tools,
};

/// Names beyond this are refused by some models and agent frameworks.
const LONGEST_NAME: usize = 64;
/// Clocks that differ by less are taken as equal.
const SKEW: Duration = Duration::from_secs(60);

/// The codes of warnings.
#[cfg(feature = "schema")]
const WARNINGS: [&str; 9] = [
    "account_not_active",
    "accounts_unreadable",
    "clock_skew",
    "config_unreadable",
    "name_too_long",
    "name_twice",
    "no_tools",
    "read_only",
    "tools_missing",
];

/// What an agent would find on a session's MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SessionReport {
    /// The MCP revision that was spoken, such as `2026-07-28`.
    pub protocol_version: String,
    /// The tools, in the server's order.
    pub tools: Vec<ToolReport>,
    /// Bytes of all that a model is told about the tools.
    pub schema_bytes: u64,
    /// About how many tokens that is: bytes ÷ 4, an estimate.
    pub estimated_tokens: u64,
    /// Tools that the config names and the server does not show, by connection.
    pub missing_tools: Vec<ConnectionToolMapping>,
    /// What works but may surprise.
    pub warnings: Vec<SessionWarning>,
}

/// One tool of a [`SessionReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ToolReport {
    /// The name to call it by.
    pub name: String,
    /// What it does, in the words that a model is given.
    pub description: Option<String>,
    /// Whether it is annotated as read-only.
    pub read_only: bool,
    /// Bytes of name, description and input schema as JSON: what a model is told.
    pub schema_bytes: u64,
    /// About how many tokens that is: bytes ÷ 4, an estimate.
    pub estimated_tokens: u64,
}

/// What works but may surprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SessionWarning {
    /// `account_not_active`, `accounts_unreadable`, `clock_skew`, `config_unreadable`,
    /// `name_too_long`, `name_twice`, `no_tools`, `read_only` or `tools_missing`.
    #[cfg_attr(feature = "schema", schemars(extend("x-values" = WARNINGS)))]
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

impl SessionWarning {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl Session {
    /// Asks the MCP server for its tools, as an agent would, and reports what it would find: the
    /// tools and their size, configured tools that are missing, names that are too long, accounts of
    /// the user that are not `ACTIVE`, so that calls would fail. No tool is called.
    ///
    /// Config and accounts are looked at once the tools are known. What cannot be looked at, for lack
    /// of a permission perhaps, is a warning and no error.
    ///
    /// It speaks MCP 2026-07-28, else 2025-11-25 with `initialize`. A token that is refused is
    /// replaced once.
    ///
    /// # Errors
    /// Those of [`token`](Self::token), and what keeps an agent from its tools: `mcp_unreachable`,
    /// `session_token_refused` (401), `wrong_audience` and `clock_skew` (401 for these reasons),
    /// `mcp_forbidden` (403), `mcp_server_not_found` (404), `mcp_error` (the server answers with an
    /// MCP error), `not_mcp` (something else answers at the URL), `answer_too_large` (more than 10,000
    /// tools, or 16 MiB of them); for other statuses what a call of the API says.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(NewConfig::new("docs-check").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let session = client.open_session(&config, "user_123").await?;
    /// let report = session.check().await?;
    /// assert_eq!(report.tools[0].name, "gmail_fetch_mails");
    /// println!("about {} tokens", report.estimated_tokens);
    /// for warning in &report.warnings {
    ///     println!("{}", warning.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self) -> Result<SessionReport> {
        let client = self.client();
        client.as_one_call(self.report()).await
    }

    async fn report(&self) -> Result<SessionReport> {
        let found = mcp::Conversation::with(self).list_tools().await?;
        let mut warnings = Vec::new();
        let tools: Vec<ToolReport> = found.tools.iter().map(ToolReport::of).collect();
        if tools.is_empty() {
            let message = "the MCP server shows no tools";
            warnings.push(SessionWarning::new("no_tools", message));
        }
        warnings.extend(names(&tools));
        if let Some(skew) = self.skew(found.date).filter(Skew::matters) {
            let message =
                format!("the clock of the MCP server is {skew} that of the token's issuer");
            warnings.push(SessionWarning::new("clock_skew", message));
        }
        let missing_tools = match self.missing(&tools).await {
            Ok(missing) => missing,
            Err(error) => {
                let message = format!("the config cannot be compared with the tools: {error}");
                warnings.push(SessionWarning::new("config_unreadable", message));
                Vec::new()
            }
        };
        if !missing_tools.is_empty() {
            let message = format!(
                "the config names tools that the MCP server does not show: {}",
                list(&missing_tools)
            );
            warnings.push(SessionWarning::new("tools_missing", message));
        }
        match self.inactive().await {
            Ok(inactive) if inactive.is_empty() => {}
            Ok(inactive) => {
                let message = format!(
                    "calls would fail until the user has authorized {}",
                    inactive.join(", ")
                );
                warnings.push(SessionWarning::new("account_not_active", message));
            }
            Err(error) => {
                let message = format!("the user's accounts cannot be looked at: {error}");
                warnings.push(SessionWarning::new("accounts_unreadable", message));
            }
        }
        if self.access_level() == AccessLevel::ReadOnly {
            let message = "the session is read-only: tools that are not annotated so are not shown";
            warnings.push(SessionWarning::new("read_only", message));
        }
        let schema_bytes = tools.iter().map(|tool| tool.schema_bytes).sum();
        Ok(SessionReport {
            protocol_version: found.protocol_version,
            tools,
            schema_bytes,
            estimated_tokens: tokens(schema_bytes),
            missing_tools,
            warnings,
        })
    }

    /// The tools that the config names and that are not there.
    async fn missing(&self, tools: &[ToolReport]) -> Result<Vec<ConnectionToolMapping>> {
        let Target::Config { id, .. } = self.target() else {
            return Ok(Vec::new());
        };
        let config = self.client().get_config(id).await?;
        let absent = |name: &&String| !tools.iter().any(|tool| tool.name == **name);
        Ok(config
            .connection_tool_mappings
            .iter()
            .filter_map(|mapping| match &mapping.tools {
                Tools::All => None,
                Tools::Only(names) => {
                    let names: Vec<&String> = names.iter().filter(absent).collect();
                    (!names.is_empty())
                        .then(|| ConnectionToolMapping::new(&mapping.connection_name, names))
                }
            })
            .collect())
    }

    /// The user's accounts that are not `ACTIVE`, each with its status.
    async fn inactive(&self) -> Result<Vec<String>> {
        let Target::Config { id, .. } = self.target() else {
            return Ok(Vec::new());
        };
        let accounts = self
            .client()
            .list_mcp_connected_accounts(id, self.identifier())
            .include_auth_link(false)
            .await?;
        let inactive = accounts.iter().filter(|account| !account.is_active());
        Ok(inactive.map(ConnectionAuthState::in_words).collect())
    }

    /// How far the clock of a server is from that of whoever issued the token at hand.
    fn skew(&self, date: Option<SystemTime>) -> Option<Skew> {
        let (date, issuer) = (date?, self.issuer_time()?);
        Some(match date.duration_since(issuer) {
            Ok(by) => Skew { by, ahead: true },
            Err(error) => Skew {
                by: error.duration(),
                ahead: false,
            },
        })
    }
}

/// The distance of two clocks.
struct Skew {
    by: Duration,
    ahead: bool,
}

impl Skew {
    fn matters(&self) -> bool {
        self.by > SKEW
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.ahead { "ahead of" } else { "behind" };
        let seconds = self.by.as_secs();
        match (seconds + 30) / 60 {
            minutes @ 0..120 => write!(f, "{minutes} min {direction}"),
            _ => write!(f, "{} h {direction}", (seconds + 1800) / 3600),
        }
    }
}

impl ToolReport {
    fn of(tool: &mcp::Tool) -> Self {
        // What frameworks hand to a model.
        let told = json!({
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.input_schema,
        });
        let schema_bytes = told.to_string().len() as u64;
        Self {
            name: tool.name.clone(),
            description: tool.description.clone(),
            read_only: tool.annotations.read_only_hint == Some(true),
            schema_bytes,
            estimated_tokens: tokens(schema_bytes),
        }
    }
}

fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

fn names(tools: &[ToolReport]) -> Vec<SessionWarning> {
    let mut seen = HashSet::new();
    let mut warnings = Vec::new();
    for ToolReport { name, .. } in tools {
        let length = name.chars().count();
        if length > LONGEST_NAME {
            let message = format!(
                "tool `{}` has a name of {length} characters: models and frameworks that allow {LONGEST_NAME} leave it out",
                name.escape_debug()
            );
            warnings.push(SessionWarning::new("name_too_long", message));
        }
        if !seen.insert(name) {
            let message = format!("two tools are called `{}`", name.escape_debug());
            warnings.push(SessionWarning::new("name_twice", message));
        }
    }
    warnings
}

fn list(mappings: &[ConnectionToolMapping]) -> String {
    let each = mappings.iter().map(|mapping| {
        let names = match &mapping.tools {
            Tools::All => String::new(),
            Tools::Only(names) => names.join("`, `"),
        };
        format!("`{names}` of `{}`", mapping.connection_name)
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
