//! The client: one per environment, cheap to clone.

use std::{
    collections::HashMap,
    fmt,
    future::IntoFuture,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    Error, JsonStream, Result, Session,
    credentials::Credentials,
    operations::{self, Exchange, Operation},
    rules, session, tls,
    transport::{
        Connecting, Options, Request, Transport, answer::Answer, deadline_exceeded, is_loopback,
        origin,
    },
};

mod options;

const URL_VARIABLES: [&str; 2] = ["SCALEKIT_ENVIRONMENT_URL", "SCALEKIT_ENV_URL"];
const ID_VARIABLES: [&str; 1] = ["SCALEKIT_CLIENT_ID"];
const SECRET_VARIABLES: [&str; 1] = ["SCALEKIT_CLIENT_SECRET"];

/// A client of one environment: base URL, client id, client secret.
///
/// Making one sends nothing; the access token is fetched with the first call and kept. Clones
/// share connections, access token and limits (256 requests in flight).
///
/// Every call needs a running Tokio runtime.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    options: Options,
}

struct Shared {
    transport: Arc<Transport>,
    /// The static URL of each config seen by `open_session`.
    urls: Mutex<HashMap<String, String>>,
    allow_insecure_http: bool,
}

impl Client {
    /// Starts a client from explicit values; what is not given comes from the environment.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client from `SCALEKIT_ENVIRONMENT_URL` (or `SCALEKIT_ENV_URL`), `SCALEKIT_CLIENT_ID` and
    /// `SCALEKIT_CLIENT_SECRET`.
    ///
    /// # Errors
    /// Names the variable that is missing, or the rule that its value breaks.
    pub fn from_env() -> Result<Self> {
        Self::builder().build()
    }

    /// The same client with another deadline for the whole of each call, repeats included (60 s by
    /// default).
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let mut client = self.clone();
        client.options.timeout = timeout;
        client
    }

    /// The same client with another number of repeats after a failed try (3 by default, 0 for
    /// none).
    #[must_use]
    pub fn with_max_retries(&self, max_retries: u32) -> Self {
        let mut client = self.clone();
        client.options.retry.max_retries = max_retries;
        client
    }

    /// The same client with one more header on each request, such as `traceparent`.
    ///
    /// # Errors
    /// `header_invalid` when name or value cannot be sent, or the name is one that the client
    /// itself sets.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self> {
        let refused = |why: &str| {
            Error::argument(
                "header_invalid",
                "headers",
                format!("header `{}` {why}", name.escape_debug()),
            )
        };
        let name: HeaderName = name.parse().map_err(|_| refused("is not a header name"))?;
        if matches!(
            name.as_str(),
            "accept"
                | "accept-encoding"
                | "authorization"
                | "connection"
                | "content-length"
                | "content-type"
                | "host"
                | "transfer-encoding"
                | "user-agent"
                | "x-api-version"
        ) {
            return Err(refused("is set by the client itself"));
        }
        let value: HeaderValue = value
            .parse()
            .map_err(|_| refused("has a value that cannot be sent"))?;
        let mut client = self.clone();
        client.options.headers.insert(name, value);
        Ok(client)
    }

    /// The base URL of the environment.
    pub fn env_url(&self) -> &Url {
        &self.shared.transport.base
    }

    /// Runs an operation by name: the door for language bindings.
    ///
    /// `parameters` is a JSON object, the answer JSON text. [`operations()`](crate::operations())
    /// lists the names.
    ///
    /// # Errors
    /// Those of the operation, and `unknown_operation`, `unknown_argument`, `argument_type`.
    #[doc(hidden)]
    pub async fn call(&self, operation: &str, parameters: &str) -> Result<String> {
        operations::call(self, operation, parameters).await
    }

    /// Starts a stream by name: the door for language bindings. Sends nothing before the first
    /// [`JsonStream::next`].
    ///
    /// # Errors
    /// `unknown_operation`, `unknown_argument`, `argument_type`.
    #[doc(hidden)]
    pub fn stream(&self, operation: &str, parameters: &str) -> Result<JsonStream> {
        operations::stream(self, operation, parameters)
    }

    /// Opens a session from JSON parameters (`config_id` and perhaps its `mcp_server_url`, or
    /// `connection_name`; `identifier`, `expiry_seconds`, `access_level`): the door for language
    /// bindings.
    ///
    /// # Errors
    /// Those of [`open_session`](Self::open_session), `unknown_argument`, `argument_type`.
    #[doc(hidden)]
    pub async fn open_session_json(&self, parameters: &str) -> Result<Session> {
        let parameters: session::Parameters = operations::arguments::read(parameters)?;
        parameters.open(self.clone()).await
    }

    /// A client from JSON options: the door for language bindings. The options are the builder's,
    /// durations in seconds with the suffix `_seconds`.
    ///
    /// # Errors
    /// Those of [`ClientBuilder::build`], `unknown_argument`, `argument_type`,
    /// `timeout_invalid`.
    #[doc(hidden)]
    pub fn from_json(options: &str) -> Result<Self> {
        let options: options::ClientOptions = operations::arguments::read(options)?;
        options.build()
    }

    /// The same client with JSON options for one call (`timeout_seconds`, `max_retries`,
    /// `headers`): the door for language bindings.
    ///
    /// # Errors
    /// `unknown_argument`, `argument_type`, `timeout_invalid`, `header_invalid`.
    #[doc(hidden)]
    pub fn with_json(&self, options: &str) -> Result<Self> {
        let options: options::CallOptions = operations::arguments::read(options)?;
        options.apply(self)
    }

    /// Ends this client and all its clones: calls that wait are told so, calls made later fail
    /// with the kind `closed`. Calls under way finish; idle connections are closed.
    pub fn close(&self) {
        self.shared.transport.close();
    }

    /// The same client with connections and an access token of its own: for a process that was
    /// forked, where those of this one are the parent's. Nothing is read from the environment
    /// again.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    #[doc(hidden)]
    pub fn for_new_process(&self) -> Result<Self> {
        let transport = self.shared.transport.renewed()?;
        let shared = Shared {
            transport: Arc::new(transport),
            urls: Mutex::new(HashMap::new()),
            allow_insecure_http: self.shared.allow_insecure_http,
        };
        Ok(Self {
            shared: Arc::new(shared),
            options: self.options.clone(),
        })
    }

    pub(crate) fn start<O>(&self, operation: O) -> Call<O> {
        Call {
            client: self.clone(),
            operation,
        }
    }

    pub(crate) async fn exchange<E: Exchange>(&self, exchange: &E) -> Result<E::Response> {
        let request = exchange.request()?;
        let answer = self
            .shared
            .transport
            .send(&request, E::REPEATABLE, &self.options)
            .await
            .map_err(E::refused)?;
        E::response(&answer)
    }

    pub(crate) async fn ask_mcp(&self, request: &Request, token: &str) -> Result<Answer> {
        let transport = &self.shared.transport;
        transport.ask_mcp(request, token, &self.options).await
    }

    /// The same client for several requests that are one call: the deadline holds for all of them
    /// together, and starts now.
    pub(crate) fn for_one_call(&self) -> Self {
        let mut client = self.clone();
        client.options.deadline = Some(self.options.ends_at());
        client
    }

    /// Several requests that are one call. Where they are sent by [`for_one_call`](Self::for_one_call)
    /// it is the one under way that says what was tried in vain.
    pub(crate) async fn as_one_call<T>(
        &self,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        // On the heap: some of these futures are large.
        tokio::time::timeout_at(self.options.ends_at(), Box::pin(work))
            .await
            .unwrap_or_else(|_| Err(deadline_exceeded(self.options.timeout).retryable(true)))
    }

    /// Reads the URL of an MCP server, for which the rules of the environment's hold. Or says what is
    /// wrong with it, without repeating it.
    pub(crate) fn mcp_url(&self, text: &str) -> Result<Url, String> {
        let url = readable(text)?;
        let flaw = flaw(&url).map(str::to_owned);
        match flaw.or_else(|| insecure(&url, self.shared.allow_insecure_http)) {
            Some(why) => Err(why),
            None => Ok(url),
        }
    }

    pub(crate) fn known_url(&self, config_id: &str) -> Option<String> {
        self.shared
            .urls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(config_id)
            .cloned()
    }

    pub(crate) fn remember_url(&self, config_id: &str, url: &str) {
        /// Far more roles than anyone has; bounds what odd callers can make us keep.
        const MOST: usize = 10_000;
        let mut urls = self
            .shared
            .urls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if urls.len() >= MOST {
            urls.clear();
        }
        urls.insert(config_id.to_owned(), url.to_owned());
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("env_url", &self.env_url().as_str())
            .field("client_id", &self.shared.transport.credentials.client_id)
            .finish_non_exhaustive()
    }
}

/// An operation about to be sent: set what is optional, then `.await` it. Nothing is sent before.
#[must_use = "nothing is sent before `.await`"]
#[derive(Debug, Clone)]
pub struct Call<O> {
    pub(crate) client: Client,
    pub(crate) operation: O,
}

impl<O: Operation> IntoFuture for Call<O> {
    type Output = Result<O::Response>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.operation.perform(&self.client).await })
    }
}

/// Setters for texts that an operation may leave out.
macro_rules! optional_texts {
    ($operation:ty: $($(#[$about:meta])+ $name:ident),+ $(,)?) => {
        impl $crate::Call<$operation> {
            $(
                $(#[$about])+
                pub fn $name(mut self, $name: impl Into<String>) -> Self {
                    self.operation.$name = Some($name.into());
                    self
                }
            )+
        }
    };
}
pub(crate) use optional_texts;

/// Collects what a [`Client`] needs.
#[derive(Default, Clone)]
pub struct ClientBuilder {
    env_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    allow_insecure_http: bool,
    ca_file: Option<PathBuf>,
    connect_timeout: Option<Duration>,
    /// The language that the caller writes, for the `user-agent`.
    language: Option<String>,
    options: Options,
}

impl ClientBuilder {
    /// The base URL of the environment, such as `https://acme.scalekit.com`; `https://` is assumed
    /// where no scheme is given.
    #[must_use]
    pub fn env_url(mut self, env_url: impl Into<String>) -> Self {
        self.env_url = Some(env_url.into());
        self
    }

    /// The client id, such as `skc_…`.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// The client secret.
    #[must_use]
    pub fn client_secret(mut self, client_secret: impl Into<SecretString>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// Allows `http://` beyond this machine. Tokens then travel unprotected.
    #[must_use]
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// A PEM file with the certificates of further CAs, trusted in addition to the system's and
    /// Mozilla's.
    #[must_use]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// Deadline of each call as a whole: waiting, access token and repeats included. 60 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Deadline of each single try. 20 s.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options.attempt_timeout = timeout;
        self
    }

    /// Deadline for connecting. 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Repeats after a failed try, where repeating is harmless. 3.
    #[must_use]
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.options.retry.max_retries = max_retries;
        self
    }

    /// Waits between tries are random, up to `base` at first, doubled each time up to `cap`.
    /// 250 ms and 8 s.
    #[must_use]
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.options.retry.base = base;
        self.options.retry.cap = cap;
        self
    }

    /// Makes the client. Sends nothing.
    ///
    /// # Errors
    /// `argument_missing`, `argument_whitespace`, `env_url_invalid`, `env_url_insecure`,
    /// `timeout_invalid` (0 or more than a year) or `max_retries_invalid` (more than 100), naming the
    /// argument; where one is missing, its environment variable too. `ca_file_invalid`, naming the
    /// file.
    pub fn build(self) -> Result<Client> {
        self.build_from(|name| std::env::var(name).ok())
    }

    fn build_from(self, variable: impl Fn(&str) -> Option<String>) -> Result<Client> {
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        };
        let env_url = self
            .env_url
            .or_else(|| first(&URL_VARIABLES))
            .ok_or_else(|| missing("env_url", &URL_VARIABLES))?;
        let client_id = self
            .client_id
            .or_else(|| first(&ID_VARIABLES))
            .filter(|id| !id.is_empty())
            .ok_or_else(|| missing("client_id", &ID_VARIABLES))?;
        let client_secret = self
            .client_secret
            .or_else(|| first(&SECRET_VARIABLES).map(SecretString::from))
            .filter(|secret| !secret.expose_secret().is_empty())
            .ok_or_else(|| missing("client_secret", &SECRET_VARIABLES))?;
        let options = &self.options;
        for (argument, timeout) in [
            ("timeout", Some(options.timeout)),
            ("attempt_timeout", Some(options.attempt_timeout)),
            ("connect_timeout", self.connect_timeout),
        ] {
            rules::duration(argument, timeout.map(|timeout| timeout.as_secs_f64()))?;
        }
        rules::retries(Some(options.retry.max_retries.into()))?;
        rules::credential("client_id", &client_id)?;
        rules::credential("client_secret", client_secret.expose_secret())?;
        let base = environment(&env_url, self.allow_insecure_http)?;
        let credentials = Credentials::new(client_id, client_secret);
        let more_roots = match &self.ca_file {
            Some(file) => tls::roots_of(file)?,
            None => Vec::new(),
        };
        let connecting = Connecting {
            timeout: self.connect_timeout.unwrap_or(Duration::from_secs(10)),
            more_roots,
            language: self.language.unwrap_or_else(|| "rust".to_owned()),
        };
        let transport = Transport::new(base, credentials, connecting, self.options.clone())?;
        let shared = Shared {
            transport: Arc::new(transport),
            urls: Mutex::new(HashMap::new()),
            allow_insecure_http: self.allow_insecure_http,
        };
        Ok(Client {
            shared: Arc::new(shared),
            options: self.options,
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password; it is checked only when the client is built.
        f.debug_struct("ClientBuilder")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

fn missing(argument: &'static str, variables: &[&str]) -> Error {
    let names: Vec<String> = variables.iter().map(|name| format!("`{name}`")).collect();
    Error::argument(
        "argument_missing",
        argument,
        format!("`{argument}` is required"),
    )
    .suggest(format!("pass it, or set {}", names.join(" or ")))
}

/// Reads the environment URL. Its text is not repeated in errors: it may hold a password.
fn environment(text: &str, allow_insecure_http: bool) -> Result<Url> {
    let invalid = |why: &str| {
        Error::argument("env_url_invalid", "env_url", format!("`env_url` {why}"))
            .suggest("copy it from the dashboard, such as `https://acme.scalekit.com`")
    };
    let text = text.trim();
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url = readable(&whole).map_err(invalid)?;
    if let Some(why) = flaw(&url) {
        return Err(invalid(why));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not hold a query or a fragment"));
    }
    if let Some(why) = insecure(&url, allow_insecure_http) {
        let message = format!("`env_url` {why}");
        return Err(Error::argument("env_url_insecure", "env_url", message)
            .suggest("use `https://`, or allow insecure HTTP explicitly"));
    }
    Ok(url)
}

fn readable(text: &str) -> Result<Url, &'static str> {
    // A URL parser would leave line breaks out silently.
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    Url::parse(text).map_err(|_| "is not a URL")
}

/// Why nothing can be sent to this URL.
fn flaw(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Some("must be an `https://` URL");
    }
    let named = !url.username().is_empty() || url.password().is_some();
    named.then_some("must not hold a user name or a password")
}

/// Why no secret may be sent to this URL.
fn insecure(url: &Url, allow_insecure_http: bool) -> Option<String> {
    let exposed = url.scheme() == "http" && !is_loopback(url) && !allow_insecure_http;
    exposed.then(|| {
        format!(
            "is `{}`, but `http://` is for this machine only: secrets would travel unprotected",
            origin(url)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(
        pairs: &'static [(&'static str, &'static str)],
    ) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn explicit_beats_environment_and_both_names_work() {
        let set = variables(&[
            ("SCALEKIT_ENV_URL", "https://b.example"),
            ("SCALEKIT_CLIENT_ID", "skc_1"),
            ("SCALEKIT_CLIENT_SECRET", "s3cret"),
        ]);
        let client = Client::builder().build_from(&set).unwrap();
        assert_eq!(client.env_url().as_str(), "https://b.example/");
        let client = Client::builder()
            .env_url("a.example/")
            .build_from(&set)
            .unwrap();
        assert_eq!(client.env_url().as_str(), "https://a.example/");
        let both = variables(&[
            ("SCALEKIT_ENV_URL", "https://b.example"),
            ("SCALEKIT_ENVIRONMENT_URL", "https://a.example"),
            ("SCALEKIT_CLIENT_ID", "skc_1"),
            ("SCALEKIT_CLIENT_SECRET", "s3cret"),
        ]);
        assert_eq!(
            Client::builder()
                .build_from(both)
                .unwrap()
                .env_url()
                .as_str(),
            "https://a.example/"
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_variable() {
        let error = Client::builder()
            .env_url("https://a.example")
            .client_id("skc_1")
            .build_from(|_| None)
            .unwrap_err();
        assert_eq!(
            (error.code(), error.argument_name()),
            ("argument_missing", Some("client_secret"))
        );
        assert!(
            error
                .suggestion()
                .unwrap()
                .contains("SCALEKIT_CLIENT_SECRET")
        );
    }

    #[test]
    fn white_space_around_a_secret_is_an_error_that_does_not_show_it() {
        for (id, secret, argument) in [
            (" skc_1", "hunter2", "client_id"),
            ("skc_1", "hunter2\n", "client_secret"),
        ] {
            let error = Client::builder()
                .env_url(" https://a.example\n")
                .client_id(id)
                .client_secret(secret)
                .build()
                .unwrap_err();
            assert_eq!(
                (error.code(), error.argument_name()),
                ("argument_whitespace", Some(argument))
            );
            assert!(!format!("{error:?}{error}").contains("hunter2"));
        }
    }

    #[test]
    fn bad_urls_are_refused_without_repeating_them() {
        for (url, code) in [
            ("http://env.example", "env_url_insecure"),
            ("https://user:hunter2@env.example", "env_url_invalid"),
            ("https://env.example/?token=hunter2", "env_url_invalid"),
            ("ftp://env.example", "env_url_invalid"),
            ("https://", "env_url_invalid"),
            ("", "env_url_invalid"),
        ] {
            let error = environment(url, false).unwrap_err();
            assert_eq!(error.code(), code, "{url}");
            assert!(!format!("{error:?}{error}").contains("hunter2"));
        }
        assert!(environment("http://env.example", true).is_ok());
        assert!(environment("http://127.0.0.1:8080", false).is_ok());
    }

    #[test]
    fn no_secret_in_debug() {
        let builder = Client::builder()
            .env_url("https://a:hunter2@a.example")
            .client_id("skc_1")
            .client_secret("hunter2");
        assert!(!format!("{builder:?}").contains("hunter2"));
        let client = builder.env_url("https://a.example").build().unwrap();
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_deadline_without_end_is_fine() {
        let server = crate::testing::Server::start(|_, _| {
            (
                200,
                r#"{"access_token":"a.t","config":{"id":"c"}}"#.to_owned(),
            )
        })
        .await;
        let client = server.client().with_timeout(Duration::MAX);
        assert_eq!(client.get_config("c").await.unwrap().id, "c");
    }

    #[test]
    fn the_builder_checks_what_the_packages_check() {
        let builder = || {
            Client::builder()
                .env_url("https://a.example")
                .client_id("i")
                .client_secret("s")
        };
        for (builder, argument) in [
            (builder().timeout(Duration::ZERO), "timeout"),
            (builder().attempt_timeout(Duration::ZERO), "attempt_timeout"),
            (builder().connect_timeout(Duration::MAX), "connect_timeout"),
            (builder().max_retries(101), "max_retries"),
        ] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.argument_name(), Some(argument));
        }
        assert!(builder().max_retries(100).build().is_ok());
    }

    #[test]
    fn headers_of_the_client_cannot_be_replaced() {
        let client = Client::builder()
            .env_url("https://a.example")
            .client_id("i")
            .client_secret("s")
            .build()
            .unwrap();
        assert!(client.with_header("traceparent", "00-1-2-01").is_ok());
        for (name, value) in [
            ("Authorization", "x"),
            ("accept", "x"),
            ("accept-encoding", "x"),
            ("User-Agent", "x"),
            ("a b", "x"),
            ("x-a", "line\nbreak"),
        ] {
            assert_eq!(
                client.with_header(name, value).unwrap_err().code(),
                "header_invalid",
                "{name}"
            );
        }
    }
}
