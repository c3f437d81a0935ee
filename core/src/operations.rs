//! The one table of operations: bindings, vectors and generated types enter by it.

use std::fmt;

use futures_util::{StreamExt, stream::BoxStream};
use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AuthorizationLink, Client, Config, ConfigPage, ConnectedAccount, ConnectedAccountPage,
    ConnectionAuthState, Error, ErrorKind, Instance, InstancePage, Result, ScopedToolPage,
    SessionToken, ToolPage, VerifiedUser,
    accounts::ListMcpConnectedAccounts,
    configs::{DeleteConfig, EnsureConfig, GetConfig, ListConfigs, NewConfig, UpdateConfig},
    connected_accounts::{
        DeleteConnectedAccount, GetAuthorizationLink, GetConnectedAccount,
        GetConnectedAccountDetails, GetOrCreateConnectedAccount, ListConnectedAccounts,
        NewConnectedAccount, SearchConnectedAccounts, UpdateConnectedAccount,
        VerifyConnectedAccountUser,
    },
    instances::{
        DeleteInstance, EnsureInstance, GetInstance, GetInstanceAuthState, ListInstances,
        UpdateInstance,
    },
    page::IterConfigs,
    tokens::CreateSessionToken,
    tools::{ListAvailableTools, ListScopedTools, ListTools},
    transport::{Request, answer::Answer},
    wait::WaitUntilActive,
};

pub(crate) mod arguments;
pub(crate) use arguments::nearest;
mod described;
#[cfg(feature = "schema")]
mod schema;
pub use described::Described;
#[cfg(feature = "schema")]
pub use schema::schema;

/// One operation. Implemented in this crate only.
pub trait Operation: DeserializeOwned + Described + Send + Sync + 'static {
    /// What it answers with.
    type Response: Serialize + Described + Send + 'static;
    /// Its name in every language, in snake case.
    const NAME: &'static str;

    /// How it crosses the wire, if it is a single request.
    #[doc(hidden)]
    const WIRE: Option<Wire> = None;

    /// Checks every rule, then does it.
    #[doc(hidden)]
    fn perform(&self, client: &Client) -> impl Future<Output = Result<Self::Response>> + Send;
}

/// One request of the API and its answer. An operation is one of these or is made of several.
pub(crate) trait Exchange {
    type Response;
    const NAME: &'static str;
    const METHOD: Method;
    /// The path, parameters in braces.
    const PATH: &'static str;
    /// Whether it may be sent again when nobody knows whether the first time worked.
    const REPEATABLE: bool;

    /// Checks every rule and says what to send.
    fn request(&self) -> Result<Request>;

    /// Reads a successful answer.
    fn response(answer: &Answer) -> Result<Self::Response>;

    /// Says what a refusal means, where this exchange knows better than its status tells.
    fn refused(error: Error) -> Error {
        error
    }
}

/// Items that come one after the other.
pub(crate) trait Listing: DeserializeOwned + Described + Send + Sync + 'static {
    type Item: Serialize + Described + Send + 'static;
    const NAME: &'static str;

    /// Sends nothing before it is polled. After an error it ends.
    fn stream(self, client: Client) -> BoxStream<'static, Result<Self::Item>>;
}

/// How an operation of a single request crosses the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wire {
    /// The HTTP method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Whether it may be sent again when nobody knows whether the first time worked.
    pub repeatable: bool,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationDescription {
    /// Its name in every language, in snake case.
    pub name: &'static str,
    /// The names of its parameters.
    pub parameters: &'static [&'static str],
    /// How it crosses the wire; `None` for one that is made of several requests.
    pub wire: Option<Wire>,
}

impl OperationDescription {
    fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            parameters: arguments::fields::<O>(),
            wire: O::WIRE,
        }
    }
}

macro_rules! table {
    (
        exchanges: $($exchange:ty => $response:ty),+;
        composed: $($composed:ty),+;
        listings: $($listing:ty),+ $(;)?
    ) => {
        $(impl Operation for $exchange {
            type Response = $response;
            const NAME: &'static str = <Self as Exchange>::NAME;
            const WIRE: Option<Wire> = Some(Wire {
                method: Self::METHOD,
                path: Self::PATH,
                repeatable: Self::REPEATABLE,
            });

            async fn perform(&self, client: &Client) -> Result<Self::Response> {
                client.exchange(self).await
            }
        })+

        /// Every operation that [`Client::call`] knows.
        pub fn operations() -> Vec<OperationDescription> {
            vec![
                $(OperationDescription::of::<$exchange>(),)+
                $(OperationDescription::of::<$composed>()),+
            ]
        }

        #[cfg(feature = "schema")]
        fn describe_all(generator: &mut schemars::SchemaGenerator) -> Vec<serde_json::Value> {
            vec![
                $(schema::describe::<$exchange>(generator),)+
                $(schema::describe::<$composed>(generator),)+
                $(schema::describe_listing::<$listing>(generator)),+
            ]
        }

        pub(crate) async fn call(client: &Client, name: &str, parameters: &str) -> Result<String> {
            match name {
                $(<$exchange as Operation>::NAME => run::<$exchange>(client, parameters).await,)+
                $(<$composed as Operation>::NAME => run::<$composed>(client, parameters).await,)+
                _ => Err(unknown(name)),
            }
        }

        pub(crate) fn stream(client: &Client, name: &str, parameters: &str) -> Result<JsonStream> {
            match name {
                $(<$listing as Listing>::NAME => {
                    let listing: $listing = arguments::read(parameters)?;
                    Ok(JsonStream::new(listing.stream(client.clone())))
                })+
                _ => Err(unknown(name)),
            }
        }
    };
}

table! {
    exchanges:
        CreateSessionToken => SessionToken,
        DeleteConfig => (),
        DeleteConnectedAccount => (),
        DeleteInstance => (),
        EnsureInstance => Instance,
        GetAuthorizationLink => AuthorizationLink,
        GetConnectedAccount => ConnectedAccount,
        GetConnectedAccountDetails => ConnectedAccount,
        GetInstance => Instance,
        GetInstanceAuthState => Vec<ConnectionAuthState>,
        ListAvailableTools => ToolPage,
        ListConfigs => ConfigPage,
        ListConnectedAccounts => ConnectedAccountPage,
        ListInstances => InstancePage,
        ListMcpConnectedAccounts => Vec<ConnectionAuthState>,
        ListScopedTools => ScopedToolPage,
        ListTools => ToolPage,
        NewConfig => Config,
        NewConnectedAccount => ConnectedAccount,
        SearchConnectedAccounts => ConnectedAccountPage,
        UpdateConfig => Config,
        UpdateConnectedAccount => ConnectedAccount,
        UpdateInstance => Instance,
        VerifyConnectedAccountUser => VerifiedUser;
    composed:
        EnsureConfig, GetConfig, GetOrCreateConnectedAccount, WaitUntilActive;
    listings:
        IterConfigs, WaitUntilActive;
}

/// Items of a stream as JSON texts: the door for language bindings.
pub struct JsonStream(BoxStream<'static, Result<String>>);

impl JsonStream {
    fn new<T: Serialize + 'static>(items: BoxStream<'static, Result<T>>) -> Self {
        Self(items.map(|item| write(&item?)).boxed())
    }

    /// The next item; `None` at the end. After an error comes the end.
    pub async fn next(&mut self) -> Option<Result<String>> {
        self.0.next().await
    }
}

impl fmt::Debug for JsonStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonStream").finish_non_exhaustive()
    }
}

fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|cause| {
        Error::new(
            ErrorKind::Protocol,
            "answer_invalid",
            "the answer cannot be written as JSON",
        )
        .caused_by(cause)
    })
}

async fn run<O: Operation>(client: &Client, parameters: &str) -> Result<String> {
    let operation: O = arguments::read(parameters)?;
    write(&operation.perform(client).await?)
}

fn unknown(name: &str) -> Error {
    let known: Vec<&str> = operations()
        .iter()
        .map(|operation| operation.name)
        .collect();
    let error = Error::argument(
        "unknown_operation",
        "operation",
        format!("there is no operation `{}`", name.escape_debug()),
    );
    match arguments::nearest(name, &known) {
        Some(near) => error.suggest(format!("did you mean `{near}`?")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_operation_once_and_its_parameters() {
        let table = operations();
        let names: std::collections::BTreeSet<_> = table.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), table.len());
        let mint = table
            .iter()
            .find(|row| row.name == "create_session_token")
            .unwrap();
        assert_eq!(
            mint.parameters,
            [
                "config_id",
                "connection_name",
                "identifier",
                "expiry_seconds",
                "access_level"
            ]
        );
        assert!(mint.wire.as_ref().unwrap().repeatable);
        let create = table.iter().find(|row| row.name == "create_config");
        assert!(!create.unwrap().wire.as_ref().unwrap().repeatable);
    }

    #[tokio::test]
    async fn an_unknown_name_is_answered_with_the_nearest() {
        let client = Client::builder()
            .env_url("https://a.example")
            .client_id("i")
            .client_secret("s")
            .build()
            .unwrap();
        let error = client.call("create_confg", "{}").await.unwrap_err();
        assert_eq!(
            (error.code(), error.suggestion()),
            ("unknown_operation", Some("did you mean `create_config`?"))
        );
        let error = client.call("zzz", "{}").await.unwrap_err();
        assert_eq!(error.suggestion(), None);
    }
}
