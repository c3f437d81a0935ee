//! The one table of operations: bindings, vectors and generated types enter by it.

use std::fmt;

use futures_util::{StreamExt, stream::BoxStream};
use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Client, Error, ErrorKind, IterConfigs, Result,
    accounts::ListMcpConnectedAccounts,
    configs::{DeleteConfig, GetConfig, ListConfigs, NewConfig, UpdateConfig},
    tokens::CreateSessionToken,
    transport::{Request, answer::Answer},
};

pub(crate) mod arguments;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "schema")]
pub use schema::schema;

/// Without the feature `schema` every type will do.
#[cfg(not(feature = "schema"))]
pub trait Described {}
#[cfg(not(feature = "schema"))]
impl<T> Described for T {}
/// A type that can say what its JSON looks like.
#[cfg(feature = "schema")]
pub trait Described: schemars::JsonSchema {}
#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> Described for T {}

/// One operation of the API. Implemented in this crate only.
pub trait Operation: DeserializeOwned + Described + Send + Sync + 'static {
    /// What it answers with.
    type Response: Serialize + Described + Send + 'static;
    /// Its name in every language, in snake case.
    const NAME: &'static str;
    /// The HTTP method.
    const METHOD: Method;
    /// The path, parameters in braces.
    const PATH: &'static str;
    /// Whether it may be sent again when nobody knows whether the first time worked.
    const REPEATABLE: bool;

    /// Checks every rule and says what to send.
    #[doc(hidden)]
    fn request(&self) -> Result<Request>;

    /// Reads a successful answer.
    #[doc(hidden)]
    fn response(answer: &Answer) -> Result<Self::Response>;
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationDescription {
    /// Its name in every language, in snake case.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// The names of its parameters.
    pub parameters: &'static [&'static str],
    /// Whether it may be sent again when nobody knows whether the first time worked.
    pub repeatable: bool,
}

impl OperationDescription {
    fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            method: O::METHOD,
            path: O::PATH,
            parameters: arguments::fields::<O>(),
            repeatable: O::REPEATABLE,
        }
    }
}

macro_rules! table {
    ($($operation:ty),+ $(,)?) => {
        /// Every operation that [`Client::call`] knows.
        pub fn operations() -> Vec<OperationDescription> {
            vec![$(OperationDescription::of::<$operation>()),+]
        }

        #[cfg(feature = "schema")]
        fn describe_all(generator: &mut schemars::SchemaGenerator) -> Vec<serde_json::Value> {
            vec![$(schema::describe::<$operation>(generator)),+]
        }

        pub(crate) async fn call(client: &Client, name: &str, parameters: &str) -> Result<String> {
            match name {
                $(<$operation as Operation>::NAME => run::<$operation>(client, parameters).await,)+
                _ => Err(unknown(name)),
            }
        }
    };
}

table![
    CreateSessionToken,
    DeleteConfig,
    GetConfig,
    ListConfigs,
    ListMcpConnectedAccounts,
    NewConfig,
    UpdateConfig
];

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

pub(crate) fn stream(client: &Client, name: &str, parameters: &str) -> Result<JsonStream> {
    match name {
        "iter_configs" => {
            let selection = arguments::read(parameters)?;
            Ok(JsonStream::new(
                IterConfigs::new(client.clone(), selection).stream(),
            ))
        }
        _ => Err(unknown(name)),
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
    write(&client.run(&operation).await?)
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
        let mut names: Vec<_> = table.iter().map(|row| row.name).collect();
        names.dedup();
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
        assert!(mint.repeatable);
        assert!(
            !table
                .iter()
                .find(|row| row.name == "create_config")
                .unwrap()
                .repeatable
        );
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
