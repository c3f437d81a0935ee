//! Session tokens: the credential of one agent run.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::{
    AccessLevel, Call, Client, Error, Result, SessionToken,
    operations::Exchange,
    rules,
    transport::{Request, answer::Answer},
};

/// What a session token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A config's Virtual MCP server.
    Config {
        /// The config's id.
        id: String,
        /// Its `mcp_server_url`, if known.
        url: Option<String>,
    },
    /// One connection with all its tools; no config needed.
    Connection(String),
}

impl Target {
    /// The config with this id.
    pub fn config(id: impl Into<String>) -> Self {
        Self::Config {
            id: id.into(),
            url: None,
        }
    }

    /// The connection with this name, spelled as in the environment: minting ignores case, the
    /// server's URL does not.
    pub fn connection(name: impl Into<String>) -> Self {
        Self::Connection(name.into())
    }
}

/// A bare text is the id of a config.
impl From<&str> for Target {
    fn from(id: &str) -> Self {
        Self::config(id)
    }
}

/// A bare text is the id of a config.
impl From<String> for Target {
    fn from(id: String) -> Self {
        Self::config(id)
    }
}

/// A bare text is the id of a config.
impl From<&String> for Target {
    fn from(id: &String) -> Self {
        Self::config(id)
    }
}

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

impl Client {
    /// Mints a session token for one user: fresh for every agent run, never reused.
    ///
    /// [`open_session`](Self::open_session) does this and keeps the token valid until the run
    /// ends.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `identifier_invalid` (1 to 255 characters),
    /// `expiry_out_of_range`. From the server: `bad_request` when an account of the user is not
    /// `ACTIVE` or the config has no connections, `not_found`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// use std::time::Duration;
    ///
    /// let config = client
    ///     .create_config(NewConfig::new("docs-token").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let token = client
    ///     .create_session_token(&config, "user_123")
    ///     .expiry(Duration::from_secs(1_800))
    ///     .await?;
    /// let authorization = format!("Bearer {}", token.token());
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_session_token(
        &self,
        target: impl Into<Target>,
        identifier: impl Into<String>,
    ) -> Call<CreateSessionToken> {
        self.start(CreateSessionToken::new(target.into(), identifier.into()))
    }
}

/// See [`Client::create_session_token`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSessionToken {
    /// The id of the config that the token opens; or `connection_name`.
    pub(crate) config_id: Option<String>,
    /// The connection that the token opens, with all its tools; or `config_id`.
    pub(crate) connection_name: Option<String>,
    /// The user: 1 to 255 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(crate) identifier: Option<String>,
    /// Lifetime in seconds: 60 to 86,400; 3,600 if not set; a fraction is cut off.
    pub(crate) expiry_seconds: Option<f64>,
    /// `FULL` (if not set) or `READ_ONLY`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["FULL", "READ_ONLY", null])))]
    pub(crate) access_level: Option<String>,
}

/// What is sent.
#[derive(Serialize)]
struct Body<'a> {
    identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_level: Option<&'a str>,
}

impl CreateSessionToken {
    pub(crate) fn new(target: Target, identifier: String) -> Self {
        let (config_id, connection_name) = match target {
            Target::Config { id, .. } => (Some(id), None),
            Target::Connection(name) => (None, Some(name)),
        };
        Self {
            config_id,
            connection_name,
            identifier: Some(identifier),
            ..Self::default()
        }
    }

    pub(crate) fn set_expiry(&mut self, expiry: Duration) {
        self.expiry_seconds = Some(expiry.as_secs_f64());
    }

    pub(crate) fn set_access_level(&mut self, access_level: AccessLevel) {
        self.access_level = Some(access_level.as_str().to_owned());
    }

    /// The lifetime asked for, or the API's default.
    pub(crate) fn lifetime(&self) -> Result<Duration> {
        let seconds = rules::expiry(self.expiry_seconds)?.unwrap_or(rules::DEFAULT_EXPIRY);
        Ok(Duration::from_secs(seconds.into()))
    }

    fn path(&self) -> Result<[&str; 6]> {
        match (self.config_id.as_deref(), self.connection_name.as_deref()) {
            (Some(_), Some(_)) => Err(Error::argument(
                "target_ambiguous",
                "connection_name",
                "pass `config_id` or `connection_name`, not both: a token opens one server",
            )),
            (None, Some(name)) => Ok([
                "api",
                "v1",
                "mcp",
                "connections",
                rules::path_segment("connection_name", Some(name))?,
                "tokens",
            ]),
            (id, None) => Ok([
                "api",
                "v1",
                "mcp",
                "configs",
                rules::path_segment("config_id", id)?,
                "tokens",
            ]),
        }
    }
}

impl Call<CreateSessionToken> {
    /// How long the token lives: 60 seconds to 24 hours, 1 hour if not set; a fraction of a second
    /// is cut off.
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.operation.set_expiry(expiry);
        self
    }

    /// What it may do; everything if not set.
    pub fn access_level(mut self, access_level: AccessLevel) -> Self {
        self.operation.set_access_level(access_level);
        self
    }
}

impl Exchange for CreateSessionToken {
    type Response = SessionToken;
    const NAME: &'static str = "create_session_token";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/mcp/configs/{config_id}/tokens";
    /// A second token harms no one; a refused repeat would end a run.
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let path = self.path()?;
        let body = Body {
            identifier: rules::identifier(self.identifier.as_deref())?,
            expiry: rules::expiry(self.expiry_seconds)?.map(|seconds| format!("{seconds}s")),
            access_level: rules::access_level(self.access_level.as_deref())?,
        };
        Request::new(Self::METHOD, &path).json(&body)
    }

    fn response(answer: &Answer) -> Result<SessionToken> {
        answer.json()
    }
}
