//! One loop for every operation: deadline, access token, send, classify, maybe wait, answer.
//! The only file that knows the HTTP library.

use std::{
    error::Error as StdError,
    io, mem,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rustls::pki_types::CertificateDer;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout, timeout_at},
};
use url::Url;

use self::answer::Answer;
pub(crate) use self::request::{Body, Request};
use crate::{
    Error, ErrorKind, Result,
    credentials::{self, Credentials},
    records::TARGET,
    retry::{Budget, Failure, Policy},
    tls,
};

pub(crate) mod answer;
mod request;

/// The API version whose contract this crate implements.
const API_VERSION: HeaderValue = HeaderValue::from_static("20261012");
const MAX_IN_FLIGHT: usize = 256;
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What may differ from call to call.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// For the whole call: waiting, access token and repeats included.
    pub(crate) timeout: Duration,
    /// When the call ends of which this request is a part.
    pub(crate) deadline: Option<Instant>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retry: Policy,
    pub(crate) headers: HeaderMap,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            deadline: None,
            attempt_timeout: Duration::from_secs(20),
            retry: Policy::default(),
            headers: HeaderMap::new(),
        }
    }
}

impl Options {
    /// When a call that starts now must have ended.
    pub(crate) fn ends_at(&self) -> Instant {
        /// Longer than any program runs.
        const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);
        self.deadline
            .unwrap_or_else(|| Instant::now() + self.timeout.min(FOREVER))
    }
}

/// What has been tried for one call so far.
#[derive(Default)]
pub(crate) struct Tries {
    attempts: u32,
    repeats: u32,
    /// A try whose end is unknown: the server may have done it.
    maybe_done: bool,
    /// A repeat that could only start later than this is not waited for.
    ends_at: Option<Instant>,
    /// What came of the last try, if that was not the end.
    last: Option<Error>,
}

pub(crate) struct Transport {
    /// `None` once closed: idle connections end with it.
    http: RwLock<Option<reqwest::Client>>,
    pub(crate) base: Url,
    pub(crate) credentials: Credentials,
    /// What the client was built with: the access token, which all calls share, is fetched so.
    pub(crate) options: Options,
    connecting: Connecting,
    slots: Semaphore,
    budget: Budget,
}

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Connecting {
    pub(crate) timeout: Duration,
    /// Of a file; those of the system and Mozilla's are always trusted.
    pub(crate) more_roots: Vec<CertificateDer<'static>>,
    /// What the caller writes, for the `user-agent`.
    pub(crate) language: String,
}

struct Failed {
    failure: Failure,
    error: Error,
}

impl Transport {
    pub(crate) fn new(
        base: Url,
        credentials: Credentials,
        connecting: Connecting,
        options: Options,
    ) -> Result<Self> {
        let tls = tls::client_config(&connecting.more_roots).map_err(|cause| {
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
            .connect_timeout(connecting.timeout)
            .tcp_nodelay(true)
            .user_agent(format!(
                "scalekit-vmcp-{}/{}",
                connecting.language,
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
            http: RwLock::new(Some(http)),
            base,
            credentials,
            options,
            connecting,
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
            self.connecting.clone(),
            self.options.clone(),
        )
    }

    pub(crate) fn close(&self) {
        self.slots.close();
        let mut http = self.http.write().unwrap_or_else(PoisonError::into_inner);
        *http = None;
    }

    fn http(&self) -> Result<reqwest::Client> {
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner);
        http.clone().ok_or_else(closed)
    }

    /// Sends an operation with an access token; on 401 once more with a new one.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: &Request,
        repeatable: bool,
        options: &Options,
    ) -> Result<Answer> {
        let ends_at = options.ends_at();
        let mut tries = Tries {
            ends_at: Some(ends_at),
            ..Tries::default()
        };
        let mut waiting = true;
        let whole = async {
            let _slot = self.slots.acquire().await.map_err(|_| closed())?;
            waiting = false;
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
        match timeout_at(ends_at, whole).await {
            Ok(result) => result,
            Err(_) => Err(late(waiting, options.timeout, repeatable, tries)),
        }
    }

    /// Sends a request to an MCP server, with a session token. Whatever its status is, the answer is
    /// one.
    pub(crate) async fn ask_mcp(
        &self,
        request: &Request,
        token: &str,
        options: &Options,
    ) -> Result<Answer> {
        let _slot = self.slots.acquire().await.map_err(|_| closed())?;
        self.exchange(request, Some(token), true, options, &mut Tries::default())
            .await
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
        // A call under way keeps it to its end.
        let http = self.http()?;
        loop {
            tries.attempts += 1;
            let begun = Instant::now();
            let Failed { failure, error } =
                match self.attempt(&http, request, bearer, options).await {
                    Ok(answer) => {
                        self.budget.deposit();
                        self.tell(request, tries, begun, Ok(&answer));
                        return Ok(answer.after(tries.attempts));
                    }
                    Err(failed) => failed,
                };
            self.tell(request, tries, begun, Err(&error));
            let gone = matches!(failure, Failure::Status(http::StatusCode::NOT_FOUND, _));
            if gone && tries.maybe_done && request.deletes {
                // The lost try has already deleted it.
                return Ok(Answer::empty());
            }
            tries.maybe_done |= failure.may_have_been_done();
            let repeat = tries.repeats + 1;
            let wait = options
                .retry
                .delay(failure, repeatable, repeat, fastrand::f64())
                // Nobody would be there any more.
                .filter(|wait| tries.ends_at.is_none_or(|end| Instant::now() + *wait < end));
            match wait {
                Some(wait) if self.budget.withdraw() => {
                    tracing::info!(
                        target: TARGET,
                        method = request.method.as_str(),
                        path = request.url(&self.base).path(),
                        attempt = tries.attempts,
                        code = error.code(),
                        wait_ms = milliseconds(wait),
                        "`{}` failed and will be tried again",
                        request.name(&self.base),
                    );
                    tries.repeats = repeat;
                    tries.last = Some(error);
                    sleep(wait).await;
                }
                _ => {
                    let passing = Policy::is_passing(failure, repeatable);
                    return Err(error.tried(tries.attempts).retryable(passing));
                }
            }
        }
    }

    /// What came of a try, for logs.
    fn tell(
        &self,
        request: &Request,
        tries: &Tries,
        begun: Instant,
        outcome: Result<&Answer, &Error>,
    ) {
        let (status, code, request_id) = match outcome {
            Ok(answer) => (
                Some(answer.status.as_u16()),
                None,
                answer.request_id.as_deref(),
            ),
            Err(error) => (error.status(), Some(error.code()), error.request_id()),
        };
        tracing::debug!(
            target: TARGET,
            method = request.method.as_str(),
            path = request.url(&self.base).path(),
            attempt = tries.attempts,
            status,
            code,
            request_id,
            duration_ms = milliseconds(begun.elapsed()),
            "`{}` was {}",
            request.name(&self.base),
            status.map_or_else(|| "not answered".to_owned(), |status| format!("answered with {status}")),
        );
    }

    async fn attempt(
        &self,
        http: &reqwest::Client,
        request: &Request,
        bearer: Option<&str>,
        options: &Options,
    ) -> Result<Answer, Failed> {
        match timeout(
            options.attempt_timeout,
            self.once(http, request, bearer, options),
        )
        .await
        {
            Ok(result) => result,
            Err(_) => Err(Failed {
                failure: Failure::Broken,
                error: Error::new(
                    ErrorKind::Timeout,
                    "attempt_timeout",
                    format!(
                        "`{}` did not answer within {:?}",
                        origin(&request.url(&self.base)),
                        options.attempt_timeout
                    ),
                ),
            }),
        }
    }

    async fn once(
        &self,
        http: &reqwest::Client,
        request: &Request,
        bearer: Option<&str>,
        options: &Options,
    ) -> Result<Answer, Failed> {
        let mut headers = options.headers.clone();
        if let Some(mcp) = &request.mcp {
            headers.extend(mcp.headers.clone());
        } else {
            headers.insert(HeaderName::from_static("x-api-version"), API_VERSION);
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = bearer {
            let mut value =
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Failed {
                    failure: Failure::Lasting,
                    error: Error::new(
                        ErrorKind::Protocol,
                        "access_token_invalid",
                        "the access token cannot be sent as a header",
                    ),
                })?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let url = request.url(&self.base);
        let place = origin(&url);
        let mut sending = http.request(request.method.clone(), url).headers(headers);
        sending = match &request.body {
            Body::None => sending,
            Body::Json(body) => sending
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone()),
            Body::Form(body) => sending
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.clone()),
        };
        let mut response = sending
            .send()
            .await
            .map_err(|cause| broken(&place, cause))?;
        let (status, headers) = (response.status(), mem::take(response.headers_mut()));
        let mut answer = Answer::new(status, headers);
        let events = request
            .mcp
            .as_ref()
            .filter(|_| answer.is("text/event-stream"));
        let mut enough = events.map(|mcp| (mcp.enough)());
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|cause| broken(&place, cause))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(Failed {
                    failure: Failure::Lasting,
                    error: Error::new(
                        ErrorKind::Protocol,
                        "answer_too_large",
                        format!(
                            "`{place}` answered more than {} MiB",
                            MAX_ANSWER / 1024 / 1024
                        ),
                    )
                    .status_code(status.as_u16()),
                });
            }
            if enough.as_mut().is_some_and(|enough| enough(&chunk)) {
                break;
            }
        }
        answer.body = body.freeze();
        if status.is_success() || request.mcp.is_some() {
            return Ok(answer);
        }
        let secrets = request.secrets.iter().map(String::as_str).chain(bearer);
        let error = answer.refusal(&place, secrets);
        let failure = match error.code() {
            "tool_error" => Failure::Tool,
            _ => Failure::Status(status, answer.retry_after),
        };
        Err(Failed { failure, error })
    }
}

fn broken(place: &str, cause: reqwest::Error) -> Failed {
    // The URL is named by its origin only: paths hold identifiers.
    let cause = cause.without_url();
    let reason = root_cause(&cause);
    if let Some(rustls::Error::InvalidCertificate(_)) = find(&cause) {
        let error = Error::new(
            ErrorKind::Connection,
            "certificate_untrusted",
            format!("the certificate of `{place}` is not trusted: {reason}"),
        )
        .suggest("check the environment URL and this machine's clock; pass the certificate of a CA of your own as `ca_file`")
        .caused_by(cause);
        return Failed {
            failure: Failure::Lasting,
            error,
        };
    }
    // A body that breaks off has an error of the connection below.
    let damaged = cause.is_decode() && cause.source().is_some_and(<dyn StdError>::is::<io::Error>);
    if damaged {
        let error = Error::new(
            ErrorKind::Protocol,
            "answer_invalid",
            format!("`{place}` answered with a body that cannot be decompressed: {reason}"),
        )
        .caused_by(cause);
        return Failed {
            failure: Failure::Lasting,
            error,
        };
    }
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
    let failure = if find(&cause).is_some_and(is_refusal) {
        Failure::NotSent
    } else {
        Failure::Broken
    };
    let error = Error::new(
        ErrorKind::Connection,
        "connection_broken",
        format!("the connection to `{place}` broke: {reason}"),
    )
    .caused_by(cause);
    Failed { failure, error }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "client_closed",
        "the client has been closed",
    )
}

/// `waiting` says that the call was never let in.
fn late(waiting: bool, deadline: Duration, repeatable: bool, tries: Tries) -> Error {
    let error = if waiting {
        Error::new(
            ErrorKind::Timeout,
            "deadline_exceeded",
            format!("the call could not start, behind {MAX_IN_FLIGHT} others, within its deadline of {deadline:?}"),
        )
        .suggest("start fewer calls at once, or give each more time")
    } else {
        deadline_exceeded(deadline)
    };
    let error = error
        .tried(tries.attempts)
        // What was never sent has not been done.
        .retryable(repeatable || tries.attempts == 0);
    match tries.last {
        Some(last) => error
            .request(last.request_id().map(str::to_owned))
            .caused_by(last),
        None => error,
    }
}

pub(crate) fn deadline_exceeded(timeout: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        "deadline_exceeded",
        format!("the call did not finish within its deadline of {timeout:?}"),
    )
    .suggest("check that the environment answers, or give the call more time")
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

/// Whether HTTP/2 says that the server has not looked at the request: its stream was refused, or
/// the connection ends and this stream came too late.
fn is_refusal(error: &h2::Error) -> bool {
    let reason = error.reason();
    error.is_remote()
        && (error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM)
            || error.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
}

/// The first cause of this type.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an `io::Error` is that of what it wraps, not what it wraps.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn root_cause(error: &dyn StdError) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Server;

    #[tokio::test]
    async fn a_server_in_trouble_is_asked_again_a_hundred_times_and_no_more() {
        let server = Server::start(|request, _| match request {
            "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
            _ => (503, String::new()),
        })
        .await;
        let client = server.client();
        for _ in 0..40 {
            client.get_config("cfg_1").await.unwrap_err();
        }
        assert_eq!(server.count("GET /api/v1/mcp/configs/cfg_1"), 40 + 100);
    }

    #[test]
    fn a_call_that_ran_late_may_be_made_again_where_that_is_harmless() {
        let minute = Duration::from_secs(60);
        for (repeatable, attempts, harmless) in
            [(true, 2, true), (false, 1, false), (false, 0, true)]
        {
            let tries = Tries {
                attempts,
                ..Tries::default()
            };
            let error = late(false, minute, repeatable, tries);
            assert_eq!(
                (error.attempts(), error.is_retryable()),
                (attempts, harmless)
            );
        }
    }

    #[tokio::test]
    async fn a_repeat_that_would_come_too_late_is_not_waited_for() {
        let server = Server::start(|request, _| match request {
            "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
            _ => (503, r#"{"message":"maintenance until noon"}"#.to_owned()),
        })
        .await;
        let hour = Duration::from_secs(3_600);
        let client = crate::Client::builder()
            .env_url(server.client().env_url().as_str())
            .client_id("skc_1")
            .client_secret("s")
            .backoff(100 * hour, 100 * hour)
            .build()
            .unwrap();
        let error = client.get_config("cfg_1").await.unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(503), 1));
        assert!(error.message().contains("maintenance"), "{error}");
    }

    #[test]
    fn a_call_that_ran_late_names_what_went_wrong_before() {
        let last = Error::new(ErrorKind::Server, "service_unavailable", "maintenance")
            .request(Some("req_1".to_owned()));
        let tries = Tries {
            attempts: 2,
            last: Some(last),
            ..Tries::default()
        };
        let error = late(false, Duration::from_secs(1), true, tries);
        assert_eq!(
            (error.code(), error.request_id()),
            ("deadline_exceeded", Some("req_1"))
        );
        assert_eq!(StdError::source(&error).unwrap().to_string(), "maintenance");
    }

    #[test]
    fn a_cause_is_found_below_an_io_error() {
        let untrusted = || rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::other(untrusted()));
        assert_eq!(find(&wrapped), Some(&untrusted()));
        assert!(find::<h2::Error>(&wrapped).is_none());
        // What this side says of HTTP/2 is no word of the server's.
        assert!(!is_refusal(&h2::Error::from(h2::Reason::REFUSED_STREAM)));
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
