//! One loop for every operation: deadline, access token, send, classify, maybe wait, answer.
//! The only file that knows the HTTP library.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use url::Url;

use crate::{
    Error, ErrorKind, Result,
    credentials::{self, Credentials},
    retry::{Budget, Failure, Policy},
    tls,
    transport::answer::Answer,
};

pub(crate) mod answer;

/// The API version whose contract this crate implements.
const API_VERSION: HeaderValue = HeaderValue::from_static("20261012");
/// All but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const MAX_IN_FLIGHT: usize = 256;
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What may differ from call to call.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// For the whole call: waiting, access token and repeats included.
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retry: Policy,
    pub(crate) headers: HeaderMap,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            attempt_timeout: Duration::from_secs(20),
            retry: Policy::default(),
            headers: HeaderMap::new(),
        }
    }
}

/// One operation, ready for the wire.
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    None,
    Json(serde_json::Value),
    Form(String),
}

impl Request {
    pub(crate) fn new(method: Method, path: &[&str]) -> Self {
        Self {
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            body: Body::None,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(text) = value
            .map(|value| value.to_string())
            .filter(|text| !text.is_empty())
        {
            self.query.push((name, text));
        }
        self
    }

    pub(crate) fn json(mut self, body: serde_json::Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Where the request goes. Every segment is percent-encoded: none can add a segment.
    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        let mut path = base.path().trim_end_matches('/').to_owned();
        for segment in &self.path {
            path.push('/');
            path.extend(utf8_percent_encode(segment, SEGMENT));
        }
        url.set_path(&path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

/// What has been tried for one call so far.
#[derive(Default)]
pub(crate) struct Tries {
    attempts: u32,
    repeats: u32,
    /// A try whose end is unknown: the server may have done it.
    maybe_done: bool,
}

pub(crate) struct Transport {
    http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) credentials: Credentials,
    /// What the client was built with: the access token, which all calls share, is fetched so.
    pub(crate) options: Options,
    connect_timeout: Duration,
    language: String,
    slots: Semaphore,
    budget: Budget,
}

struct Failed {
    failure: Failure,
    error: Error,
}

impl Transport {
    pub(crate) fn new(
        base: Url,
        credentials: Credentials,
        connect_timeout: Duration,
        language: &str,
        options: Options,
    ) -> Result<Self> {
        let tls = tls::client_config().map_err(|cause| {
            Error::new(
                ErrorKind::Connection,
                "tls_unavailable",
                "could not set up TLS",
            )
            .caused_by(cause)
        })?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true)
            .user_agent(format!(
                "scalekit-vmcp-{language}/{}",
                env!("CARGO_PKG_VERSION")
            ));
        if is_loopback(&base) {
            // A server on this machine is never behind a proxy.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|cause| {
            Error::new(
                ErrorKind::Connection,
                "http_unavailable",
                "could not set up the HTTP client",
            )
            .caused_by(cause)
        })?;
        Ok(Self {
            http,
            base,
            credentials,
            options,
            connect_timeout,
            language: language.to_owned(),
            slots: Semaphore::new(MAX_IN_FLIGHT),
            budget: Budget::new(),
        })
    }

    /// The same with connections, limits and an access token of its own.
    pub(crate) fn renewed(&self) -> Result<Self> {
        let credentials = self.credentials.renewed();
        Self::new(
            self.base.clone(),
            credentials,
            self.connect_timeout,
            &self.language,
            self.options.clone(),
        )
    }

    pub(crate) fn close(&self) {
        self.slots.close();
    }

    /// Sends an operation with an access token; on 401 once more with a new one.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: &Request,
        repeatable: bool,
        options: &Options,
    ) -> Result<Answer> {
        let mut tries = Tries::default();
        let whole = async {
            let _slot = self.slots.acquire().await.map_err(|_| closed())?;
            let token = credentials::access_token(self).await?;
            match self
                .exchange(request, Some(&token), repeatable, options, &mut tries)
                .await
            {
                Err(error) if error.status() == Some(401) && error.code() != "tool_error" => {
                    self.credentials.discard(&token);
                    let fresh = credentials::access_token(self).await?;
                    self.exchange(request, Some(&fresh), repeatable, options, &mut tries)
                        .await
                }
                other => other,
            }
        };
        match timeout(options.timeout, whole).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                "deadline_exceeded",
                format!(
                    "the call did not finish within its deadline of {:?}",
                    options.timeout
                ),
            )
            .tried(tries.attempts)
            .retryable(repeatable)
            .suggest("check that the environment answers, or give the call more time")),
        }
    }

    /// Tries until there is an answer or the rules say stop. Waiting ends with the caller's deadline.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        bearer: Option<&str>,
        repeatable: bool,
        options: &Options,
        tries: &mut Tries,
    ) -> Result<Answer> {
        loop {
            tries.attempts += 1;
            let Failed { failure, error } = match self.attempt(request, bearer, options).await {
                Ok(answer) => {
                    self.budget.deposit();
                    return Ok(answer.after(tries.attempts));
                }
                Err(failed) => failed,
            };
            let gone = matches!(failure, Failure::Status(http::StatusCode::NOT_FOUND, _));
            if gone && tries.maybe_done && request.method == Method::DELETE {
                // The lost try has already deleted it.
                return Ok(Answer::empty());
            }
            tries.maybe_done |= failure.may_have_been_done();
            let repeat = tries.repeats + 1;
            match options
                .retry
                .delay(failure, repeatable, repeat, fastrand::f64())
            {
                Some(wait) if self.budget.withdraw() => {
                    tracing::debug!(target: "scalekit_vmcp", attempt = tries.attempts, ?wait, code = error.code(), "retrying");
                    tries.repeats = repeat;
                    sleep(wait).await;
                }
                _ => {
                    let passing = Policy::is_passing(failure, repeatable);
                    return Err(error.tried(tries.attempts).retryable(passing));
                }
            }
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        bearer: Option<&str>,
        options: &Options,
    ) -> Result<Answer, Failed> {
        match timeout(options.attempt_timeout, self.once(request, bearer, options)).await {
            Ok(result) => result,
            Err(_) => Err(Failed {
                failure: Failure::Broken,
                error: Error::new(
                    ErrorKind::Timeout,
                    "attempt_timeout",
                    format!(
                        "`{}` did not answer within {:?}",
                        origin(&self.base),
                        options.attempt_timeout
                    ),
                ),
            }),
        }
    }

    async fn once(
        &self,
        request: &Request,
        bearer: Option<&str>,
        options: &Options,
    ) -> Result<Answer, Failed> {
        let mut headers = options.headers.clone();
        headers.insert(HeaderName::from_static("x-api-version"), API_VERSION);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = bearer {
            let mut value =
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Failed {
                    failure: Failure::NotSent,
                    error: Error::new(
                        ErrorKind::Protocol,
                        "access_token_invalid",
                        "the access token cannot be sent as a header",
                    ),
                })?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut sending = self
            .http
            .request(request.method.clone(), request.url(&self.base))
            .headers(headers);
        sending = match &request.body {
            Body::None => sending,
            Body::Json(body) => sending
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string()),
            Body::Form(body) => sending
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.clone()),
        };
        let mut response = sending.send().await.map_err(|cause| self.broken(cause))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| self.broken(cause))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(Failed {
                    failure: Failure::Status(status, None),
                    error: Error::new(
                        ErrorKind::Protocol,
                        "answer_too_large",
                        format!(
                            "`{}` answered more than {} MiB",
                            origin(&self.base),
                            MAX_ANSWER / 1024 / 1024
                        ),
                    )
                    .status_code(status.as_u16()),
                });
            }
        }
        let answer = Answer::new(status, &headers, body.freeze());
        if status.is_success() {
            return Ok(answer);
        }
        let error = answer.refusal(&origin(&self.base), bearer);
        let failure = match error.code() {
            "tool_error" => Failure::Tool,
            _ => Failure::Status(status, answer.retry_after),
        };
        Err(Failed { failure, error })
    }

    fn broken(&self, cause: reqwest::Error) -> Failed {
        let place = origin(&self.base);
        // The URL is named by its origin only: paths hold identifiers.
        let cause = cause.without_url();
        let reason = root_cause(&cause);
        if cause.is_connect() {
            let kind = if cause.is_timeout() {
                ErrorKind::Timeout
            } else {
                ErrorKind::Connection
            };
            let error = Error::new(
                kind,
                "connect_failed",
                format!("could not connect to `{place}`: {reason}"),
            )
            .suggest("check the environment URL and that the server is running")
            .caused_by(cause);
            return Failed {
                failure: Failure::NotSent,
                error,
            };
        }
        let error = Error::new(
            ErrorKind::Connection,
            "connection_broken",
            format!("the connection to `{place}` broke: {reason}"),
        )
        .caused_by(cause);
        Failed {
            failure: Failure::Broken,
            error,
        }
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "client_closed",
        "the client has been closed",
    )
}

/// Scheme, host and port: what may be named in a message.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn root_cause(error: &dyn StdError) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_segment_can_leave_its_place() {
        let base = Url::parse("https://env.example/base/").unwrap();
        let request = Request::new(Method::GET, &["api", "a/b?c#d e:ü"]);
        assert_eq!(
            request.url(&base).as_str(),
            "https://env.example/base/api/a%2Fb%3Fc%23d%20e%3A%C3%BC"
        );
    }

    #[test]
    fn only_loopback_is_loopback() {
        for (url, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://a.localhost", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
