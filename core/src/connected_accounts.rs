//! Connected accounts by themselves: links to authorize, credentials brought along, verification.
//! How a user stands with a config is in `accounts`.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    AuthorizationDetails, AuthorizationLink, Call, Client, ConnectedAccount, ConnectedAccountPage,
    Error, ErrorKind, Result, VerifiedUser,
    client::optional_texts,
    model::ConnectedAccountAnswer,
    operations::{Exchange, Operation},
    rules,
    transport::{Request, answer::Answer},
};

const PATH: [&str; 3] = ["api", "v1", "connected_accounts"];

/// Whose account on which connection: a pair of names, or the account's id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountRef {
    connection_name: Option<String>,
    identifier: Option<String>,
    connected_account_id: Option<String>,
}

impl AccountRef {
    /// The account of a user on a connection.
    pub fn new(connection_name: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self {
            connection_name: Some(connection_name.into()),
            identifier: Some(identifier.into()),
            connected_account_id: None,
        }
    }

    /// The account with this id, such as `ca_85630864460904897`.
    pub fn id(connected_account_id: impl Into<String>) -> Self {
        Self {
            connected_account_id: Some(connected_account_id.into()),
            ..Self::default()
        }
    }
}

impl Client {
    /// Makes a link that lets a user authorize a connection. It works once, and until
    /// [`AuthorizationLink::expiry`]; the account is created if there is none.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `connection_name_invalid`, `identifier_invalid`
    /// (1 to 100 characters), `id_invalid`, `text_too_long`, `user_verify_url_invalid`. From the
    /// server: `not_found` for a connection that does not exist.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{AccountRef, Client};
    ///
    /// let client = Client::from_env()?;
    /// let link = client
    ///     .get_authorization_link(AccountRef::new("crm", "user_123"))
    ///     .await?;
    /// println!("send the user to {}", link.link);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_authorization_link(&self, account: AccountRef) -> Call<GetAuthorizationLink> {
        self.start(GetAuthorizationLink::of(account))
    }

    /// The account of a user on a connection, created if there is none; credentials and settings
    /// that are given are written either way.
    ///
    /// # Errors
    /// Those of [`create_connected_account`](Self::create_connected_account) and
    /// [`update_connected_account`](Self::update_connected_account), but never `conflict`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConnectedAccount};
    ///
    /// let client = Client::from_env()?;
    /// let account = client
    ///     .get_or_create_connected_account(NewConnectedAccount::new("crm", "user_456"))
    ///     .await?;
    /// assert!(!account.is_active());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_or_create_connected_account(
        &self,
        account: NewConnectedAccount,
    ) -> Call<GetOrCreateConnectedAccount> {
        self.start(GetOrCreateConnectedAccount(account))
    }

    /// Creates an account. Without credentials it waits for the user to authorize.
    ///
    /// Repeated only where the server cannot have done it.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `connection_name_invalid`, `identifier_invalid`
    /// (1 to 100 characters), `text_too_long`, `authorization_details_invalid`. From the server:
    /// `conflict` when the user has an account on that connection, `bad_request` (or `not_found`)
    /// for a connection that does not exist.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{AuthorizationDetails, Client, NewConnectedAccount};
    ///
    /// let client = Client::from_env()?;
    /// let account = client
    ///     .create_connected_account(
    ///         NewConnectedAccount::new("crm", "user_789")
    ///             .authorization_details(AuthorizationDetails::static_auth([("api_key", "k3y")])),
    ///     )
    ///     .await?;
    /// assert!(account.is_active());
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_connected_account(
        &self,
        account: NewConnectedAccount,
    ) -> Call<NewConnectedAccount> {
        self.start(account)
    }

    /// Changes credentials or settings of an account; what is not set stays, and settings are
    /// merged with those that are there.
    ///
    /// # Errors
    /// Those of [`create_connected_account`](Self::create_connected_account), and `not_found`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{AccountRef, AuthorizationDetails, Client, NewConnectedAccount};
    ///
    /// let client = Client::from_env()?;
    /// let user = NewConnectedAccount::new("crm", "user_with_new_key");
    /// client.create_connected_account(user).await?;
    /// let account = client
    ///     .update_connected_account(AccountRef::new("crm", "user_with_new_key"))
    ///     .authorization_details(AuthorizationDetails::static_auth([("api_key", "k3y")]))
    ///     .await?;
    /// assert!(account.is_active());
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_connected_account(&self, account: AccountRef) -> Call<UpdateConnectedAccount> {
        self.start(UpdateConnectedAccount::of(account))
    }

    /// Lists accounts, a page at a time, without their credentials.
    ///
    /// # Errors
    /// Before any request: `connection_name_invalid`, `identifier_invalid`, `text_too_long`,
    /// `target_ambiguous`, `too_many_names` (20 connections), `page_size_out_of_range`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client.list_connected_accounts().connection_name("crm").await?;
    /// for account in page.connected_accounts {
    ///     println!("{} {:?}", account.identifier, account.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_connected_accounts(&self) -> Call<ListConnectedAccounts> {
        self.start(ListConnectedAccounts::default())
    }

    /// Finds accounts by a part of their user, of their connection or of its provider, in any case:
    /// a page at a time, without their credentials.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `query_invalid` (3 to 200 characters),
    /// `page_size_out_of_range`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client.search_connected_accounts("user_").page_size(30).await?;
    /// for account in page.connected_accounts {
    ///     println!("{} on {}", account.identifier, account.connection_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn search_connected_accounts(
        &self,
        query: impl Into<String>,
    ) -> Call<SearchConnectedAccounts> {
        self.start(SearchConnectedAccounts {
            query: Some(query.into()),
            ..SearchConnectedAccounts::default()
        })
    }

    /// Gets one account **with its credentials**.
    /// [`get_connected_account_details`](Self::get_connected_account_details) leaves them out.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `connection_name_invalid`, `identifier_invalid`,
    /// `id_invalid`. From the server: `not_found`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{AccountRef, AuthorizationDetails, Client, NewConnectedAccount};
    ///
    /// let client = Client::from_env()?;
    /// let user = NewConnectedAccount::new("crm", "user_with_key")
    ///     .authorization_details(AuthorizationDetails::static_auth([("api_key", "k3y")]));
    /// client.create_connected_account(user).await?;
    /// let account = client
    ///     .get_connected_account(AccountRef::new("crm", "user_with_key"))
    ///     .await?;
    /// assert!(account.authorization_details.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_connected_account(&self, account: AccountRef) -> Call<GetConnectedAccount> {
        self.start(GetConnectedAccount::of(account))
    }

    /// Gets one account without its credentials.
    ///
    /// # Errors
    /// Those of [`get_connected_account`](Self::get_connected_account).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{AccountRef, Client, NewConnectedAccount};
    ///
    /// let client = Client::from_env()?;
    /// let user = NewConnectedAccount::new("crm", "user_with_details");
    /// client.create_connected_account(user).await?;
    /// let account = client
    ///     .get_connected_account_details(AccountRef::new("crm", "user_with_details"))
    ///     .await?;
    /// assert!(account.authorization_details.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_connected_account_details(
        &self,
        account: AccountRef,
    ) -> Call<GetConnectedAccountDetails> {
        self.start(GetConnectedAccountDetails::of(account))
    }

    /// Deletes an account and its credentials.
    ///
    /// # Errors
    /// Those of [`get_connected_account`](Self::get_connected_account).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{AccountRef, Client, NewConnectedAccount};
    ///
    /// let client = Client::from_env()?;
    /// let user = NewConnectedAccount::new("crm", "user_who_leaves");
    /// client.create_connected_account(user).await?;
    /// client
    ///     .delete_connected_account(AccountRef::new("crm", "user_who_leaves"))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_connected_account(&self, account: AccountRef) -> Call<DeleteConnectedAccount> {
        self.start(DeleteConnectedAccount::of(account))
    }

    /// Confirms that the user who has authorized is the one whom the application knows: the account
    /// goes from `PENDING_VERIFICATION` to `ACTIVE`. `auth_request_id` is in the query of the URL
    /// that the user's browser was sent to; `identifier` must come from the application's own
    /// session, never from that URL.
    ///
    /// Repeated only where the server cannot have done it.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `text_too_long`, `identifier_invalid` (1 to 200
    /// characters). From the server: `user_mismatch` when it was another user, `not_found` when
    /// the flow has ended or was confirmed before.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, ErrorKind};
    ///
    /// let client = Client::from_env()?;
    /// // In the handler of the verify URL; both values would come from the request.
    /// let (auth_request_id, user_of_the_session) = ("req_from_the_query", "user_123");
    /// match client
    ///     .verify_connected_account_user(auth_request_id, user_of_the_session)
    ///     .await
    /// {
    ///     Ok(verified) => println!("go on to {:?}", verified.post_user_verify_redirect_url),
    ///     Err(error) if error.kind() == ErrorKind::NotFound => println!("start again: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn verify_connected_account_user(
        &self,
        auth_request_id: impl Into<String>,
        identifier: impl Into<String>,
    ) -> Call<VerifyConnectedAccountUser> {
        self.start(VerifyConnectedAccountUser {
            auth_request_id: Some(auth_request_id.into()),
            identifier: Some(identifier.into()),
        })
    }
}

/// A path one level deeper.
fn below(name: &'static str) -> [&'static str; 4] {
    let [api, version, accounts] = PATH;
    [api, version, accounts, name]
}

fn account(answer: &Answer) -> Result<ConnectedAccount> {
    Ok(answer.json::<ConnectedAccountAnswer>()?.connected_account)
}

/// The wire's names for what says whose account is meant; empty values are left out.
fn put_texts<'a>(
    body: &mut Map<String, Value>,
    fields: impl IntoIterator<Item = (&'static str, Option<&'a str>)>,
) {
    for (name, text) in fields {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            body.insert(name.to_owned(), text.into());
        }
    }
}

/// Defines an operation on one account: the three fields that name it, and its own.
macro_rules! on_account {
    (
        $(#[$about:meta])*
        $name:ident {
            $($(#[$field_about:meta])* $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The connection, with `identifier`; or `connected_account_id`.
            connection_name: Option<String>,
            /// The user: 1 to 100 characters.
            identifier: Option<String>,
            /// The id of the account; or `connection_name` and `identifier`.
            connected_account_id: Option<String>,
            $($(#[$field_about])* $field: Option<$ty>,)*
        }

        impl $name {
            fn of(account: AccountRef) -> Self {
                Self {
                    connection_name: account.connection_name,
                    identifier: account.identifier,
                    connected_account_id: account.connected_account_id,
                    $($field: None,)*
                }
            }

            /// Whose account, checked, in the wire's names.
            fn account(&self) -> Result<[(&'static str, Option<&str>); 3]> {
                rules::account(
                    self.connection_name.as_deref(),
                    self.identifier.as_deref(),
                    self.connected_account_id.as_deref(),
                )
            }
        }
    };
}

on_account! {
    /// See [`Client::get_authorization_link`].
    GetAuthorizationLink {
        /// Comes back in the query of `user_verify_url`: up to 512 characters.
        state: String,
        /// Where the user's browser goes after authorizing, so that the application can confirm who
        /// it was: an `http(s)` URL of up to 2048 characters.
        user_verify_url: String,
    }
}

optional_texts! { GetAuthorizationLink:
    /// Comes back in the query of the verify URL, against forged requests: up to 512 characters.
    state,
    /// Where the user's browser goes after authorizing, so that the application can confirm who it
    /// was: an `http(s)` URL of up to 2048 characters.
    user_verify_url,
}

impl Exchange for GetAuthorizationLink {
    type Response = AuthorizationLink;
    const NAME: &'static str = "get_authorization_link";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/connected_accounts/magic_link";
    /// A repeat makes a second link at most; the first one dies on its own.
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let mut body = Map::new();
        put_texts(&mut body, self.account()?);
        put_texts(
            &mut body,
            [
                ("state", rules::text("state", self.state.as_deref(), 512)?),
                (
                    "user_verify_url",
                    rules::user_verify_url(self.user_verify_url.as_deref())?,
                ),
            ],
        );
        Request::new(Self::METHOD, &below("magic_link")).json(&body)
    }

    fn response(answer: &Answer) -> Result<AuthorizationLink> {
        answer.json()
    }
}

/// The account to create.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct NewConnectedAccount {
    /// The connection.
    #[cfg_attr(feature = "schema", schemars(required))]
    connection_name: Option<String>,
    /// The user: 1 to 100 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
    /// Credentials that were obtained elsewhere: an object with one of the keys `oauth_token`,
    /// `static_auth`, `google_dwd`, `trusted_idp`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Map<String, Value>>", extend("x-secret" = true)))]
    authorization_details: Option<AuthorizationDetails>,
    /// The organization: up to 32 characters.
    organization_id: Option<String>,
    /// The user, by the environment's own id: up to 32 characters.
    user_id: Option<String>,
    /// Settings of the user on this connection, as the connection wants them.
    api_config: Option<Map<String, Value>>,
}

impl NewConnectedAccount {
    /// The account of this user on this connection.
    pub fn new(connection_name: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self {
            connection_name: Some(connection_name.into()),
            identifier: Some(identifier.into()),
            ..Self::default()
        }
    }

    /// Credentials that were obtained elsewhere.
    #[must_use]
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Self {
        self.authorization_details = Some(details);
        self
    }

    /// The organization: up to 32 characters.
    #[must_use]
    pub fn organization_id(mut self, organization_id: impl Into<String>) -> Self {
        self.organization_id = Some(organization_id.into());
        self
    }

    /// The user, by the environment's own id: up to 32 characters.
    #[must_use]
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// Settings of the user on this connection, as the connection wants them.
    #[must_use]
    pub fn api_config(mut self, api_config: Map<String, Value>) -> Self {
        self.api_config = Some(api_config);
        self
    }

    fn account(&self) -> AccountRef {
        AccountRef {
            connection_name: self.connection_name.clone(),
            identifier: self.identifier.clone(),
            connected_account_id: None,
        }
    }
}

/// Credentials and settings as they are sent.
fn written(
    details: Option<&AuthorizationDetails>,
    api_config: Option<&Map<String, Value>>,
) -> Result<Value> {
    let mut account = Map::new();
    if let Some(details) = details {
        rules::authorization_details(details.as_map())?;
        account.insert("authorization_details".to_owned(), json!(details));
    }
    if let Some(api_config) = api_config {
        account.insert("api_config".to_owned(), json!(api_config));
    }
    Ok(account.into())
}

impl Exchange for NewConnectedAccount {
    type Response = ConnectedAccount;
    const NAME: &'static str = "create_connected_account";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/connected_accounts";
    const REPEATABLE: bool = false;

    fn request(&self) -> Result<Request> {
        rules::required("connection_name", self.connection_name.as_deref())?;
        rules::required("identifier", self.identifier.as_deref())?;
        let account = rules::account(
            self.connection_name.as_deref(),
            self.identifier.as_deref(),
            None,
        )?;
        let mut body = Map::new();
        put_texts(&mut body, account);
        put_texts(
            &mut body,
            rules::owner(self.organization_id.as_deref(), self.user_id.as_deref())?,
        );
        body.insert(
            "connected_account".to_owned(),
            written(
                self.authorization_details.as_ref(),
                self.api_config.as_ref(),
            )?,
        );
        let request = Request::new(Self::METHOD, &PATH).json(&body)?;
        Ok(match &self.authorization_details {
            Some(details) => request.secrets_of(details.as_map()),
            None => request,
        })
    }

    fn response(answer: &Answer) -> Result<ConnectedAccount> {
        account(answer)
    }
}

/// See [`Client::get_or_create_connected_account`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GetOrCreateConnectedAccount(NewConnectedAccount);

impl Operation for GetOrCreateConnectedAccount {
    type Response = ConnectedAccount;
    const NAME: &'static str = "get_or_create_connected_account";

    async fn perform(&self, client: &Client) -> Result<ConnectedAccount> {
        // Checks every rule before anything is sent.
        self.0.request()?;
        let client = client.for_one_call();
        client.as_one_call(self.settle(&client)).await
    }
}

impl GetOrCreateConnectedAccount {
    async fn settle(&self, client: &Client) -> Result<ConnectedAccount> {
        if let Some(found) = self.find(client).await? {
            return Ok(found);
        }
        match client.exchange(&self.0).await {
            // Somebody else was faster, or the answer to our own request was lost.
            Err(error) if error.kind() == ErrorKind::Conflict || error.is_lost() => {
                self.find(client).await?.ok_or(error)
            }
            created => created,
        }
    }

    /// The account, with what is given written to it.
    async fn find(&self, client: &Client) -> Result<Option<ConnectedAccount>> {
        let wanted = &self.0;
        let found = if wanted.authorization_details.is_none() && wanted.api_config.is_none() {
            let details = GetConnectedAccountDetails::of(wanted.account());
            client.exchange(&details).await
        } else {
            let update = UpdateConnectedAccount {
                authorization_details: wanted.authorization_details.clone(),
                organization_id: wanted.organization_id.clone(),
                user_id: wanted.user_id.clone(),
                api_config: wanted.api_config.clone(),
                ..UpdateConnectedAccount::of(wanted.account())
            };
            client.exchange(&update).await
        };
        match found {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }
}

on_account! {
    /// See [`Client::update_connected_account`].
    UpdateConnectedAccount {
        /// New credentials: an object with one of the keys `oauth_token`, `static_auth`,
        /// `google_dwd`, `trusted_idp`.
        #[cfg_attr(feature = "schema", schemars(with = "Option<Map<String, Value>>", extend("x-secret" = true)))]
        authorization_details: AuthorizationDetails,
        /// The organization: up to 32 characters.
        organization_id: String,
        /// The user, by the environment's own id: up to 32 characters.
        user_id: String,
        /// Settings, merged with those that are there.
        api_config: Map<String, Value>,
    }
}

optional_texts! { UpdateConnectedAccount:
    /// The organization: up to 32 characters.
    organization_id,
    /// The user, by the environment's own id: up to 32 characters.
    user_id,
}

impl Call<UpdateConnectedAccount> {
    /// New credentials.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Self {
        self.operation.authorization_details = Some(details);
        self
    }

    /// Settings, merged with those that are there.
    pub fn api_config(mut self, api_config: Map<String, Value>) -> Self {
        self.operation.api_config = Some(api_config);
        self
    }
}

impl Exchange for UpdateConnectedAccount {
    type Response = ConnectedAccount;
    const NAME: &'static str = "update_connected_account";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/api/v1/connected_accounts";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let mut body = Map::new();
        put_texts(&mut body, self.account()?);
        put_texts(
            &mut body,
            rules::owner(self.organization_id.as_deref(), self.user_id.as_deref())?,
        );
        if self.authorization_details.is_none() && self.api_config.is_none() {
            return Err(Error::argument(
                "argument_missing",
                "authorization_details",
                "`authorization_details` or `api_config` is required: there is nothing to change",
            ));
        }
        body.insert(
            "connected_account".to_owned(),
            written(
                self.authorization_details.as_ref(),
                self.api_config.as_ref(),
            )?,
        );
        let request = Request::new(Self::METHOD, &PATH).json(&body)?;
        Ok(match &self.authorization_details {
            Some(details) => request.secrets_of(details.as_map()),
            None => request,
        })
    }

    fn response(answer: &Answer) -> Result<ConnectedAccount> {
        account(answer)
    }
}

/// See [`Client::list_connected_accounts`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListConnectedAccounts {
    /// Only accounts on this connection.
    connection_name: Option<String>,
    /// Only accounts of this user: up to 100 characters.
    identifier: Option<String>,
    /// Only accounts of this provider: up to 50 characters.
    provider: Option<String>,
    /// Only accounts on these connections: up to 20; or `connection_name`.
    connection_names: Option<Vec<String>>,
    /// At most this many on a page: 1 to 99; 10 by assumption if not set.
    page_size: Option<i64>,
    /// The cursor of another page.
    page_token: Option<String>,
}

optional_texts! { ListConnectedAccounts:
    /// Only accounts on this connection.
    connection_name,
    /// Only accounts of this user: up to 100 characters.
    identifier,
    /// Only accounts of this provider, such as `GMAIL`: up to 50 characters.
    provider,
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
}

impl Call<ListConnectedAccounts> {
    /// Only accounts on these connections: up to 20.
    pub fn connection_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.operation.connection_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// At most this many on a page: 1 to 99, the server's choice (10 by assumption) if not set.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

impl Exchange for ListConnectedAccounts {
    type Response = ConnectedAccountPage;
    const NAME: &'static str = "list_connected_accounts";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/connected_accounts";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let names = rules::connection_names(
            self.connection_name.as_deref(),
            self.connection_names.as_deref(),
        )?;
        Ok(Request::new(Self::METHOD, &PATH)
            .query(
                "connector",
                rules::connection_name(self.connection_name.as_deref())?,
            )
            .query(
                "identifier",
                rules::account_identifier(self.identifier.as_deref())?,
            )
            .query(
                "provider",
                rules::text("provider", self.provider.as_deref(), 50)?,
            )
            .query("page_size", rules::account_page_size(self.page_size)?)
            .query(
                "page_token",
                rules::text("page_token", self.page_token.as_deref(), 100)?,
            )
            .query_each("connection_names", names))
    }

    fn response(answer: &Answer) -> Result<ConnectedAccountPage> {
        answer.json()
    }
}

/// See [`Client::search_connected_accounts`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchConnectedAccounts {
    /// A part of the user, of the connection or of its provider, in any case: 3 to 200 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    query: Option<String>,
    /// Only accounts on the connection with this id.
    connection_id: Option<String>,
    /// At most this many on a page: 1 to 30; 10 by assumption if not set.
    page_size: Option<i64>,
    /// The cursor of another page.
    page_token: Option<String>,
}

optional_texts! { SearchConnectedAccounts:
    /// Only accounts on the connection with this id.
    connection_id,
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
}

impl Call<SearchConnectedAccounts> {
    /// At most this many on a page: 1 to 30, the server's choice (10 by assumption) if not set.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

impl Exchange for SearchConnectedAccounts {
    type Response = ConnectedAccountPage;
    const NAME: &'static str = "search_connected_accounts";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/connected_accounts:search";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        rules::required("query", self.query.as_deref())?;
        Ok(Request::new(Self::METHOD, &PATH)
            .verb("search")
            .query("query", rules::query(self.query.as_deref(), 200)?)
            .query("connection_id", self.connection_id.as_deref())
            .query("page_size", rules::page_size(self.page_size)?)
            .query("page_token", self.page_token.as_deref()))
    }

    fn response(answer: &Answer) -> Result<ConnectedAccountPage> {
        answer.json()
    }
}

on_account! {
    /// See [`Client::get_connected_account`].
    GetConnectedAccount {}
}

impl Exchange for GetConnectedAccount {
    type Response = ConnectedAccount;
    const NAME: &'static str = "get_connected_account";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/connected_accounts/auth";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        Ok(Request::new(Self::METHOD, &below("auth")).queries(self.account()?))
    }

    fn response(answer: &Answer) -> Result<ConnectedAccount> {
        account(answer)
    }
}

on_account! {
    /// See [`Client::get_connected_account_details`].
    GetConnectedAccountDetails {}
}

impl Exchange for GetConnectedAccountDetails {
    type Response = ConnectedAccount;
    const NAME: &'static str = "get_connected_account_details";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/connected_accounts/details";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        Ok(Request::new(Self::METHOD, &below("details")).queries(self.account()?))
    }

    fn response(answer: &Answer) -> Result<ConnectedAccount> {
        account(answer)
    }
}

on_account! {
    /// See [`Client::delete_connected_account`].
    DeleteConnectedAccount {}
}

impl Exchange for DeleteConnectedAccount {
    type Response = ();
    const NAME: &'static str = "delete_connected_account";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/connected_accounts:delete";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let mut body = Map::new();
        put_texts(&mut body, self.account()?);
        Request::new(Self::METHOD, &PATH)
            .verb("delete")
            .deletes()
            .json(&body)
    }

    fn response(_: &Answer) -> Result<()> {
        Ok(())
    }
}

/// See [`Client::verify_connected_account_user`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyConnectedAccountUser {
    /// From the query of the URL that the user's browser was sent to: up to 1000 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    auth_request_id: Option<String>,
    /// The user whom the application knows: 1 to 200 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
}

impl Exchange for VerifyConnectedAccountUser {
    type Response = VerifiedUser;
    const NAME: &'static str = "verify_connected_account_user";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/connected_accounts/user/verify";
    const REPEATABLE: bool = false;

    fn request(&self) -> Result<Request> {
        const ID: &str = "auth_request_id";
        let id = rules::required(ID, self.auth_request_id.as_deref())?;
        rules::text(ID, Some(id), 1000)?;
        let identifier = rules::identifier_up_to(200, self.identifier.as_deref())?;
        let [api, version, accounts] = PATH;
        Request::new(Self::METHOD, &[api, version, accounts, "user", "verify"])
            .json(&json!({ "auth_request_id": id, "identifier": identifier }))
    }

    fn response(answer: &Answer) -> Result<VerifiedUser> {
        answer.json()
    }

    fn refused(error: Error) -> Error {
        if error.kind() != ErrorKind::PermissionDenied {
            return error;
        }
        error.recoded("user_mismatch").suggest(
            "do not connect the account: let the user whom your application knows authorize again",
        )
    }
}
