//! Tools of the environment: what there is, and what one user can use.

use http::Method;
use serde::Deserialize;

use crate::{
    Call, Client, Result, ScopedToolPage, ToolPage,
    client::optional_texts,
    operations::Exchange,
    rules,
    transport::{Request, answer::Answer},
};

impl Client {
    /// Lists the tools that there are, a page at a time: names to put into a config.
    ///
    /// # Errors
    /// Before any request: `query_invalid`, `connection_name_invalid`, `identifier_invalid`,
    /// `text_too_long`, `id_invalid`, `page_size_out_of_range`. From the server: `not_found` for an
    /// account that does not exist, `bad_request` for a connection without a user.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client.list_tools().provider("GMAIL").await?;
    /// for tool in &page.tools {
    ///     println!("{:?}", tool.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_tools(&self) -> Call<ListTools> {
        self.start(ListTools::default())
    }

    /// Lists the tools that one user can use, each with the account that it acts with.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `identifier_invalid`, `page_size_out_of_range`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client
    ///     .list_scoped_tools("user_123")
    ///     .connection_names(["gmail"])
    ///     .await?;
    /// println!("{} tools", page.total_size);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_scoped_tools(&self, identifier: impl Into<String>) -> Call<ListScopedTools> {
        self.start(ListScopedTools {
            identifier: Some(identifier.into()),
            ..ListScopedTools::default()
        })
    }

    /// Lists the tools that are available to one user, without saying through which account
    /// (docs/assumptions.md 36).
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `identifier_invalid`, `page_size_out_of_range`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client.list_available_tools("user_123").await?;
    /// println!("{} tools", page.total_size);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_available_tools(&self, identifier: impl Into<String>) -> Call<ListAvailableTools> {
        self.start(ListAvailableTools {
            identifier: Some(identifier.into()),
            ..ListAvailableTools::default()
        })
    }
}

/// See [`Client::list_tools`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListTools {
    /// Only tools of this connection; the API wants `identifier` beside it.
    connection_name: Option<String>,
    /// The user whose account is meant: up to 100 characters.
    identifier: Option<String>,
    /// Only tools of this provider: up to 50 characters.
    provider: Option<String>,
    /// Only the tools with these names.
    tool_name: Option<Vec<String>>,
    /// Only tools whose name holds each of these words: 3 to 100 characters.
    query: Option<String>,
    /// The organization of the account that is meant: up to 32 characters.
    organization_id: Option<String>,
    /// The user, by the environment's own id: up to 32 characters.
    user_id: Option<String>,
    /// The account that is meant, instead of `connection_name` and `identifier`.
    connected_account_id: Option<String>,
    /// Answer with names only.
    summary: Option<bool>,
    /// At most this many on a page: up to 1000; 300 by assumption if not set.
    page_size: Option<i64>,
    /// The cursor of another page.
    page_token: Option<String>,
}

optional_texts! { ListTools:
    /// Only tools of this connection; the API wants [`identifier`](Call::identifier) beside it.
    connection_name,
    /// The user whose account is meant: up to 100 characters.
    identifier,
    /// Only tools of this provider, such as `GMAIL`: up to 50 characters.
    provider,
    /// Only tools whose name holds each of these words: 3 to 100 characters.
    query,
    /// The organization of the account that is meant: up to 32 characters.
    organization_id,
    /// The user, by the environment's own id: up to 32 characters.
    user_id,
    /// The account that is meant, instead of connection and identifier.
    connected_account_id,
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
}

impl Call<ListTools> {
    /// Only the tools with these names.
    pub fn tool_name<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.operation.tool_name = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Answers with names only, in [`ToolPage::tool_names`].
    pub fn summary(mut self, summary: bool) -> Self {
        self.operation.summary = Some(summary);
        self
    }

    /// At most this many on a page: up to 1000, 300 by assumption if not set.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

impl Exchange for ListTools {
    type Response = ToolPage;
    const NAME: &'static str = "list_tools";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/tools";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        Ok(Request::new(Self::METHOD, &["api", "v1", "tools"])
            .query("filter.summary", self.summary)
            .query(
                "filter.provider",
                rules::text("provider", self.provider.as_deref(), 50)?,
            )
            .query(
                "filter.identifier",
                rules::account_identifier(self.identifier.as_deref())?,
            )
            .query_each("filter.tool_name", self.tool_name.as_deref())
            .query("filter.query", rules::query(self.query.as_deref(), 100)?)
            .query(
                "filter.connector",
                rules::connection_name(self.connection_name.as_deref())?,
            )
            .query(
                "filter.organization_id",
                rules::text("organization_id", self.organization_id.as_deref(), 32)?,
            )
            .query(
                "filter.user_id",
                rules::text("user_id", self.user_id.as_deref(), 32)?,
            )
            .query(
                "filter.connected_account_id",
                rules::account_id(self.connected_account_id.as_deref(), 100)?,
            )
            .query("page_size", rules::tool_page_size(self.page_size)?)
            .query("page_token", self.page_token.as_deref()))
    }

    fn response(answer: &Answer) -> Result<ToolPage> {
        answer.json()
    }
}

/// See [`Client::list_scoped_tools`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListScopedTools {
    /// The user: 1 to 100 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
    /// Only tools of these providers.
    providers: Option<Vec<String>>,
    /// Only the tools with these names.
    tool_names: Option<Vec<String>>,
    /// Only tools of these connections.
    connection_names: Option<Vec<String>>,
    /// At most this many on a page.
    page_size: Option<i64>,
    /// The cursor of another page.
    page_token: Option<String>,
}

optional_texts! { ListScopedTools:
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
}

impl Call<ListScopedTools> {
    /// Only tools of these providers.
    pub fn providers<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.operation.providers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only the tools with these names.
    pub fn tool_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.operation.tool_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only tools of these connections.
    pub fn connection_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.operation.connection_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// At most this many on a page.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

impl Exchange for ListScopedTools {
    type Response = ScopedToolPage;
    const NAME: &'static str = "list_scoped_tools";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/tools/scoped";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        rules::required("identifier", self.identifier.as_deref())?;
        Ok(
            Request::new(Self::METHOD, &["api", "v1", "tools", "scoped"])
                .query(
                    "identifier",
                    rules::account_identifier(self.identifier.as_deref())?,
                )
                .query_each("filter.providers", self.providers.as_deref())
                .query_each("filter.tool_names", self.tool_names.as_deref())
                .query_each("filter.connection_names", self.connection_names.as_deref())
                .query("page_size", rules::tool_page_size(self.page_size)?)
                .query("page_token", self.page_token.as_deref()),
        )
    }

    fn response(answer: &Answer) -> Result<ScopedToolPage> {
        answer.json()
    }
}

/// See [`Client::list_available_tools`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListAvailableTools {
    /// The user: 1 to 100 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
    /// At most this many on a page.
    page_size: Option<i64>,
    /// The cursor of another page.
    page_token: Option<String>,
}

optional_texts! { ListAvailableTools:
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
}

impl Call<ListAvailableTools> {
    /// At most this many on a page.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

impl Exchange for ListAvailableTools {
    type Response = ToolPage;
    const NAME: &'static str = "list_available_tools";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/tools/available";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        rules::required("identifier", self.identifier.as_deref())?;
        Ok(
            Request::new(Self::METHOD, &["api", "v1", "tools", "available"])
                .query(
                    "identifier",
                    rules::account_identifier(self.identifier.as_deref())?,
                )
                .query("page_size", rules::tool_page_size(self.page_size)?)
                .query("page_token", self.page_token.as_deref()),
        )
    }

    fn response(answer: &Answer) -> Result<ToolPage> {
        answer.json()
    }
}
