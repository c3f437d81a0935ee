//! Connected accounts: whether a user has authorized the connections of a config.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Call, Client, ConnectionAuthState, Result,
    operations::Exchange,
    rules,
    transport::{Request, answer::Answer},
};

impl Client {
    /// Says for each connection of a config how one user stands with it. Run it before each
    /// session, or let [`open_session`](Self::open_session) do so.
    ///
    /// # Errors
    /// Before any request: `argument_missing`. From the server: `not_found`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(NewConfig::new("docs-accounts").all_tools_of("crm"))
    ///     .await?;
    /// let accounts = client
    ///     .list_mcp_connected_accounts(&config.id, "user_123")
    ///     .include_auth_link(true)
    ///     .await?;
    /// for account in accounts.iter().filter(|account| !account.is_active()) {
    ///     let link = account.authentication_link.as_deref();
    ///     println!("{} needs authorization: {link:?}", account.connection_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_mcp_connected_accounts(
        &self,
        config_id: impl Into<String>,
        identifier: impl Into<String>,
    ) -> Call<ListMcpConnectedAccounts> {
        self.start(ListMcpConnectedAccounts {
            config_id: Some(config_id.into()),
            identifier: Some(identifier.into()),
            include_auth_link: None,
        })
    }
}

/// See [`Client::list_mcp_connected_accounts`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListMcpConnectedAccounts {
    /// The id of the config.
    #[cfg_attr(feature = "schema", schemars(required))]
    config_id: Option<String>,
    /// The user: any text that is theirs alone; tokens allow 255 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
    /// Also create missing accounts and return a fresh link for each connection.
    include_auth_link: Option<bool>,
}

impl Call<ListMcpConnectedAccounts> {
    /// Also creates the accounts that are missing and returns for each connection a fresh link, those
    /// that are `ACTIVE` too. It works once and for about a minute, and whoever opens it connects the
    /// account. Without it nothing is created.
    pub fn include_auth_link(mut self, include: bool) -> Self {
        self.operation.include_auth_link = Some(include);
        self
    }
}

impl Exchange for ListMcpConnectedAccounts {
    type Response = Vec<ConnectionAuthState>;
    const NAME: &'static str = "list_mcp_connected_accounts";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/mcp/configs/{config_id}/connected_accounts";
    /// A repeat makes a second link at most; the first one dies on its own.
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let id = rules::path_segment("config_id", self.config_id.as_deref())?;
        let mut body = Map::new();
        body.insert(
            "identifier".to_owned(),
            rules::user("identifier", self.identifier.as_deref())?.into(),
        );
        if let Some(include) = self.include_auth_link {
            body.insert("include_auth_link".to_owned(), Value::Bool(include));
        }
        Request::new(
            Self::METHOD,
            &["api", "v1", "mcp", "configs", id, "connected_accounts"],
        )
        .json(&body)
    }

    fn response(answer: &Answer) -> Result<Vec<ConnectionAuthState>> {
        #[derive(Deserialize)]
        struct Accounts {
            connected_accounts: Option<Vec<ConnectionAuthState>>,
        }
        Ok(answer
            .json::<Accounts>()?
            .connected_accounts
            .unwrap_or_default())
    }
}
