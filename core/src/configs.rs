//! Configs: create once per agent role, then get, list, update, delete.

mod ensure;

use futures_util::TryStreamExt;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use self::ensure::EnsureConfig;
use crate::{
    Call, Client, Config, ConfigPage, ConnectionToolMapping, Error, ErrorKind, Result, Target,
    Tools,
    client::optional_texts,
    model::ConfigAnswer,
    operations::{Exchange, Operation},
    rules,
    transport::{Request, answer::Answer},
};

impl Client {
    /// Creates a config: one Virtual MCP server per agent role, not per user.
    ///
    /// Repeated only where the server cannot have done it: when the connection breaks in the middle,
    /// look for the name before creating it again.
    ///
    /// # Errors
    /// Before any request: `config_name_invalid`, `too_many_mappings`, `tools_empty`,
    /// `argument_missing`. From the server: `conflict` when the name is taken, `bad_request` for
    /// a connection or tool that does not exist.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(
    ///         NewConfig::new("docs-create")
    ///             .description("Reads mail and plans meetings")
    ///             .connection("gmail", ["gmail_fetch_mails"])
    ///             .all_tools_of("googlecalendar"),
    ///     )
    ///     .await?;
    /// assert!(config.mcp_server_url.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_config(&self, config: NewConfig) -> Call<NewConfig> {
        self.start(config)
    }

    /// Gets one config by its id.
    ///
    /// # Errors
    /// `not_found` when there is none with this id.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(NewConfig::new("docs-get").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let same = client.get_config(&config.id).await?;
    /// assert_eq!(same.name, "docs-get");
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_config(&self, config_id: impl Into<String>) -> Call<GetConfig> {
        self.start(GetConfig {
            config_id: Some(config_id.into()),
            name: None,
        })
    }

    /// Gets one config by its name, which is unique in the environment: one list request, and one
    /// more for each further page of what the server's filter lets through.
    ///
    /// # Errors
    /// Before any request: `config_name_invalid`. `not_found` when there is none with exactly this
    /// name.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, ErrorKind, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-get-by-name").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let config = client.get_config_by_name("docs-get-by-name").await?;
    /// assert_eq!(config.connection_tool_mappings.len(), 1);
    ///
    /// let error = client.get_config_by_name("docs-nobody").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_config_by_name(&self, name: impl Into<String>) -> Call<GetConfig> {
        self.start(GetConfig {
            config_id: None,
            name: Some(name.into()),
        })
    }

    /// Lists configs, a page at a time.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client.list_configs().page_size(30).await?;
    /// println!("{} of {} configs", page.configs.len(), page.total_size);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_configs(&self) -> Call<ListConfigs> {
        self.start(ListConfigs::default())
    }

    /// Changes a config; what is not set stays. Running sessions see the change at once.
    ///
    /// # Errors
    /// Those of [`create_config`](Self::create_config), `cannot_clear` for an empty description or
    /// an empty list (the API cannot clear either), and `not_found`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, ConnectionToolMapping, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(NewConfig::new("docs-update").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let mut mappings = config.connection_tool_mappings;
    /// mappings.push(ConnectionToolMapping::all("googlecalendar"));
    /// let config = client
    ///     .update_config(&config.id)
    ///     .connection_tool_mappings(mappings)
    ///     .await?;
    /// assert_eq!(config.connection_tool_mappings.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_config(&self, config_id: impl Into<String>) -> Call<UpdateConfig> {
        self.start(UpdateConfig {
            config_id: Some(config_id.into()),
            ..UpdateConfig::default()
        })
    }

    /// Deletes a config. Its URL stops working at once, for running sessions too.
    ///
    /// # Errors
    /// `not_found` when there is none with this id.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(NewConfig::new("docs-delete").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// client.delete_config(&config.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_config(&self, config_id: impl Into<String>) -> Call<DeleteConfig> {
        self.start(DeleteConfig {
            config_id: Some(config_id.into()),
        })
    }
}

/// A mapping as a caller writes it: what a response carries besides is accepted and not sent.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ConnectionToolMappingInput"))]
#[serde(deny_unknown_fields)]
struct Mapping {
    /// The name of the connection; it must exist already.
    #[cfg_attr(feature = "schema", schemars(required))]
    connection_name: Option<String>,
    /// The tools shown, at least one; every tool if left out.
    #[cfg_attr(feature = "schema", schemars(extend("x-all-tools" = true)))]
    tools: Option<Vec<String>>,
    /// Accepted from responses and not sent.
    #[serde(rename = "connection_id")]
    _connection_id: Option<String>,
    /// Accepted from responses and not sent.
    #[serde(rename = "provider")]
    _provider: Option<String>,
    /// Accepted from responses and not sent.
    #[serde(rename = "connected_account_id")]
    _connected_account_id: Option<String>,
    /// Accepted from responses and not sent.
    #[serde(rename = "connected_account_status")]
    _connected_account_status: Option<String>,
}

impl From<Mapping> for ConnectionToolMapping {
    fn from(mapping: Mapping) -> Self {
        let name = mapping.connection_name.unwrap_or_default();
        match mapping.tools {
            None => Self::all(name),
            Some(tools) => Self::new(name, tools),
        }
    }
}

fn read_mappings<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<ConnectionToolMapping>>, D::Error> {
    let mappings = Option::<Vec<Mapping>>::deserialize(deserializer)?;
    Ok(mappings.map(|mappings| mappings.into_iter().map(Into::into).collect()))
}

fn wire_mappings(mappings: &[ConnectionToolMapping]) -> Value {
    mappings
        .iter()
        .map(|mapping| match &mapping.tools {
            Tools::All => json!({ "connection_name": mapping.connection_name }),
            Tools::Only(tools) => {
                json!({ "connection_name": mapping.connection_name, "tools": tools })
            }
        })
        .collect()
}

/// The config to create.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct NewConfig {
    /// 1 to 100 of `a-z`, `0-9`, `_`, `-`; unique in the environment; cannot change.
    #[cfg_attr(feature = "schema", schemars(required))]
    name: Option<String>,
    /// Free text.
    description: Option<String>,
    /// The connections and their tools, at most 25.
    #[serde(default, deserialize_with = "read_mappings")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Mapping>>"))]
    connection_tool_mappings: Option<Vec<ConnectionToolMapping>>,
}

impl NewConfig {
    /// A config with this name: 1 to 100 of `a-z`, `0-9`, `_`, `-`, unique in the environment.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// A free text about it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Shows exactly these tools of a connection; at least one.
    #[must_use]
    pub fn connection<T: Into<String>>(
        self,
        name: impl Into<String>,
        tools: impl IntoIterator<Item = T>,
    ) -> Self {
        self.mapping(ConnectionToolMapping::new(name, tools))
    }

    /// Shows every tool of a connection, those included that it gains later.
    #[must_use]
    pub fn all_tools_of(self, name: impl Into<String>) -> Self {
        self.mapping(ConnectionToolMapping::all(name))
    }

    /// Adds a mapping, such as one read from another config. At most 25 in all.
    #[must_use]
    pub fn mapping(mut self, mapping: ConnectionToolMapping) -> Self {
        self.connection_tool_mappings
            .get_or_insert_default()
            .push(mapping);
        self
    }
}

impl Exchange for NewConfig {
    type Response = Config;
    const NAME: &'static str = "create_config";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/mcp/configs";
    const REPEATABLE: bool = false;

    fn request(&self) -> Result<Request> {
        let name = rules::config_name(self.name.as_deref())?;
        let mappings = self.connection_tool_mappings.as_deref().unwrap_or_default();
        rules::mappings(mappings)?;
        let mut body = Map::new();
        body.insert("name".to_owned(), name.into());
        if let Some(description) = self.description.as_deref().filter(|text| !text.is_empty()) {
            body.insert("description".to_owned(), description.into());
        }
        body.insert(
            "connection_tool_mappings".to_owned(),
            wire_mappings(mappings),
        );
        Request::new(Self::METHOD, &["api", "v1", "mcp", "configs"]).json(&body)
    }

    fn response(answer: &Answer) -> Result<Config> {
        Ok(answer.json::<ConfigAnswer>()?.config)
    }
}

/// See [`Client::get_config`] and [`Client::get_config_by_name`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetConfig {
    /// The id of the config; or `name`.
    config_id: Option<String>,
    /// The exact name of the config; or `config_id`.
    name: Option<String>,
}

impl Exchange for GetConfig {
    type Response = Config;
    const NAME: &'static str = "get_config";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/mcp/configs/{config_id}";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let id = rules::path_segment("config_id", self.config_id.as_deref())?;
        Ok(Request::new(
            Self::METHOD,
            &["api", "v1", "mcp", "configs", id],
        ))
    }

    fn response(answer: &Answer) -> Result<Config> {
        Ok(answer.json::<ConfigAnswer>()?.config)
    }
}

impl Operation for GetConfig {
    type Response = Config;
    const NAME: &'static str = <Self as Exchange>::NAME;

    async fn perform(&self, client: &Client) -> Result<Config> {
        let name = match (&self.config_id, &self.name) {
            (Some(_), Some(_)) => {
                return Err(Error::argument(
                    "target_ambiguous",
                    "name",
                    "pass `config_id` or `name`, not both",
                ));
            }
            (None, Some(name)) => rules::config_name(Some(name))?,
            (_, None) => return client.exchange(self).await,
        };
        let client = client.for_one_call();
        let found = client.as_one_call(find(&client, name)).await?;
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "not_found",
                format!("there is no config with the name `{name}`"),
            )
        })
    }
}

/// The config with exactly this name: the server's filter ignores case.
async fn find(client: &Client, name: &str) -> Result<Option<Config>> {
    let mut configs = client.iter_configs().filter_name(name).stream();
    while let Some(config) = configs.try_next().await? {
        if config.name == name {
            return Ok(Some(config));
        }
    }
    Ok(None)
}

/// See [`Client::list_configs`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListConfigs {
    /// At most this many on a page: 1 to 30; 20 by assumption if not set.
    pub(crate) page_size: Option<i64>,
    /// The cursor of another page.
    pub(crate) page_token: Option<String>,
    /// Only the config with this id.
    pub(crate) filter_id: Option<String>,
    /// Only configs with a connection of this provider.
    pub(crate) filter_provider: Option<String>,
    /// Only the config with this whole name, in any case.
    pub(crate) filter_name: Option<String>,
    /// Only the config behind this URL.
    pub(crate) filter_mcp_server_url: Option<String>,
    /// Only configs whose name holds this text.
    pub(crate) search: Option<String>,
}

impl ListConfigs {
    /// Another page of the same list.
    pub(crate) fn at(mut self, page_token: String) -> Self {
        self.page_token = Some(page_token);
        self
    }
}

impl Call<ListConfigs> {
    /// At most this many on a page: 1 to 30, the server's choice (20 by assumption) if not set.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

optional_texts! { ListConfigs:
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
    /// Only the config with this id.
    filter_id,
    /// Only configs with a connection of this provider.
    filter_provider,
    /// Only the config with this whole name, in any case.
    filter_name,
    /// Only the config behind this URL.
    filter_mcp_server_url,
    /// Only configs whose name holds this text.
    search,
}

impl Exchange for ListConfigs {
    type Response = ConfigPage;
    const NAME: &'static str = "list_configs";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/mcp/configs";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        Ok(Request::new(Self::METHOD, &["api", "v1", "mcp", "configs"])
            .query("filter.id", self.filter_id.as_deref())
            .query("filter.provider", self.filter_provider.as_deref())
            .query(
                "filter.name",
                rules::filter_name(self.filter_name.as_deref())?,
            )
            .query(
                "filter.mcp_server_url",
                self.filter_mcp_server_url.as_deref(),
            )
            .query("search", self.search.as_deref())
            .query("page_size", rules::page_size(self.page_size)?)
            .query("page_token", self.page_token.as_deref()))
    }

    fn response(answer: &Answer) -> Result<ConfigPage> {
        answer.json()
    }
}

/// See [`Client::update_config`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateConfig {
    /// The id of the config.
    #[cfg_attr(feature = "schema", schemars(required))]
    config_id: Option<String>,
    /// The new description; not empty, because the API cannot clear it.
    description: Option<String>,
    /// The new list, which replaces the whole old one; not empty.
    #[serde(default, deserialize_with = "read_mappings")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Mapping>>"))]
    connection_tool_mappings: Option<Vec<ConnectionToolMapping>>,
}

impl Call<UpdateConfig> {
    /// The new description; not empty.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.operation.description = Some(description.into());
        self
    }

    /// The new list, which replaces the whole old one; not empty.
    pub fn connection_tool_mappings(
        mut self,
        mappings: impl IntoIterator<Item = ConnectionToolMapping>,
    ) -> Self {
        self.operation.connection_tool_mappings = Some(mappings.into_iter().collect());
        self
    }
}

impl Exchange for UpdateConfig {
    type Response = Config;
    const NAME: &'static str = "update_config";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/api/v1/mcp/configs/{config_id}";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let id = rules::path_segment("config_id", self.config_id.as_deref())?;
        let mut body = Map::new();
        if let Some(description) = &self.description {
            if description.is_empty() {
                return Err(cannot_clear("description", "write another text instead"));
            }
            body.insert("description".to_owned(), description.as_str().into());
        }
        if let Some(mappings) = &self.connection_tool_mappings {
            if mappings.is_empty() {
                return Err(cannot_clear(
                    "connection_tool_mappings",
                    "delete the config instead",
                ));
            }
            rules::mappings(mappings)?;
            body.insert(
                "connection_tool_mappings".to_owned(),
                wire_mappings(mappings),
            );
        }
        Request::new(Self::METHOD, &["api", "v1", "mcp", "configs", id]).json(&body)
    }

    fn response(answer: &Answer) -> Result<Config> {
        Ok(answer.json::<ConfigAnswer>()?.config)
    }
}

/// On the wire an empty value is the same as none: sending it would silently change nothing.
fn cannot_clear(argument: &'static str, suggestion: &str) -> Error {
    Error::argument(
        "cannot_clear",
        argument,
        format!("`{argument}` must not be empty: the API cannot clear it"),
    )
    .suggest(format!(
        "leave it out to keep what is there, or {suggestion}"
    ))
}

/// See [`Client::delete_config`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteConfig {
    /// The id of the config.
    #[cfg_attr(feature = "schema", schemars(required))]
    config_id: Option<String>,
}

impl Exchange for DeleteConfig {
    type Response = ();
    const NAME: &'static str = "delete_config";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/api/v1/mcp/configs/{config_id}";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let id = rules::path_segment("config_id", self.config_id.as_deref())?;
        Ok(Request::new(
            Self::METHOD,
            &["api", "v1", "mcp", "configs", id],
        ))
    }

    fn response(_: &Answer) -> Result<()> {
        Ok(())
    }
}

impl From<Config> for Target {
    fn from(config: Config) -> Self {
        Self::from(&config)
    }
}

impl From<&Config> for Target {
    fn from(config: &Config) -> Self {
        Self::Config {
            id: config.id.clone(),
            url: config.mcp_server_url.clone(),
        }
    }
}
