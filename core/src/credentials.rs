//! The access token of an environment: fetched on first use, cached, one flight.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded;

use crate::{
    Error, ErrorKind, Result,
    flight::Flight,
    model::is_bearer,
    records::TARGET,
    transport::{Body, Request, Transport, Tries, origin},
};

/// A token is not used in the last minute of its life, nor in its last tenth.
const MARGIN: Duration = Duration::from_secs(60);

pub(crate) struct Credentials {
    pub(crate) client_id: String,
    client_secret: SecretString,
    cached: Mutex<Option<Cached>>,
    flight: Flight<Arc<str>>,
}

struct Cached {
    token: Arc<str>,
    /// `None`: the server named no lifetime; good until refused.
    until: Option<Instant>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Credentials {
    pub(crate) fn new(client_id: String, client_secret: SecretString) -> Self {
        Self {
            client_id,
            client_secret,
            cached: Mutex::new(None),
            flight: Flight::new(),
        }
    }

    /// The same credentials without a token.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.client_id.clone(), self.client_secret.clone())
    }

    /// Forgets a token that the server refused, unless it has been replaced already.
    pub(crate) fn discard(&self, token: &str) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached
            .as_ref()
            .is_some_and(|cached| &*cached.token == token)
        {
            *cached = None;
            tracing::info!(target: TARGET, "the access token was refused; a new one is fetched");
        }
    }

    /// The cached token, or a new one: however many callers wait, one fetch.
    async fn get<F>(&self, fetch: impl FnOnce() -> F) -> Result<Arc<str>>
    where
        F: Future<Output = Result<Arc<str>>> + Send + 'static,
    {
        match self.cached() {
            Some(token) => Ok(token),
            None => self.flight.join(|| self.cached(), fetch).await,
        }
    }

    fn cached(&self) -> Option<Arc<str>> {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cached.as_ref()?;
        cached
            .until
            .is_none_or(|until| Instant::now() < until)
            .then(|| Arc::clone(&cached.token))
    }

    fn keep(&self, token: &Arc<str>, expires_in: Option<u64>, asked_at: Instant) {
        let until = expires_in.map(|seconds| {
            let life = Duration::from_secs(seconds.min(365 * 86_400));
            asked_at + life.saturating_sub(MARGIN.min(life / 10))
        });
        let cached = Cached {
            token: Arc::clone(token),
            until,
        };
        self.flight.land(|| {
            *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        });
    }

    fn request(&self) -> Request {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .finish();
        let mut request = Request::new(Method::POST, &["oauth", "token"]);
        request.body = Body::Form(form);
        request
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The access token of a transport's credentials.
pub(crate) async fn access_token(transport: &Arc<Transport>) -> Result<Arc<str>> {
    let fetch = || fetch(Arc::clone(transport));
    transport.credentials.get(fetch).await
}

async fn fetch(transport: Arc<Transport>) -> Result<Arc<str>> {
    let credentials = &transport.credentials;
    let asked_at = Instant::now();
    let answer = transport
        // A second access token harms no one.
        .exchange(
            &credentials.request(),
            None,
            true,
            &transport.options,
            &mut Tries::default(),
        )
        .await
        .map_err(|cause| explain(cause, &transport))?;
    let answer: TokenAnswer = answer.json().map_err(|cause| explain(cause, &transport))?;
    let text = answer.access_token;
    if !is_bearer(&text) {
        let error = Error::new(
            ErrorKind::Protocol,
            "answer_invalid",
            "`access_token` is not a bearer token",
        );
        return Err(explain(error, &transport));
    }
    let token: Arc<str> = text.into();
    credentials.keep(&token, answer.expires_in, asked_at);
    Ok(token)
}

fn explain(cause: Error, transport: &Transport) -> Error {
    // Of any request, and the first one is for an access token.
    if cause.code() == "certificate_untrusted" {
        return cause;
    }
    let place = origin(&transport.base);
    let refused = matches!(cause.status(), Some(400 | 401 | 403));
    let (kind, code) = if refused {
        (ErrorKind::Unauthenticated, "client_credentials_refused")
    } else {
        (cause.kind(), "access_token_unavailable")
    };
    // The server's own words are left out: it was sent the secret and may repeat it.
    let message = match cause.status() {
        _ if refused => {
            format!(
                "`{place}` refused the client credentials of `{}`",
                transport.credentials.client_id.escape_debug()
            )
        }
        Some(status) if cause.kind() != ErrorKind::Protocol => {
            format!("could not get an access token: `{place}` answered {status}")
        }
        _ => format!("could not get an access token: {}", cause.message()),
    };
    let mut error = Error::new(kind, code, message)
        .request(cause.request_id().map(str::to_owned))
        .wait(cause.retry_after())
        .tried(cause.attempts())
        .retryable(!refused && cause.is_retryable());
    if let Some(status) = cause.status() {
        error = error.status_code(status);
    }
    let suggestion = if refused {
        Some(
            "check `client_id` and `client_secret`, and that they belong to this environment"
                .to_owned(),
        )
    } else {
        cause.suggestion().map(str::to_owned)
    };
    if let Some(text) = suggestion {
        error = error.suggest(text);
    }
    if cause.status().is_none() {
        error.caused_by(cause)
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{HashMap, HashSet},
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::join_all;
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;
    use crate::testing::Server;

    const CONFIG: &str = r#"{"config":{"id":"cfg_1"}}"#;

    #[tokio::test]
    async fn many_first_calls_fetch_one_token() {
        let server = Server::start(|request, _| match request {
            "POST /oauth/token" => (
                200,
                r#"{"access_token":"a.t","expires_in":86399}"#.to_owned(),
            ),
            _ => (200, CONFIG.to_owned()),
        })
        .await;
        let client = server.client();
        let calls = (0..200).map(|_| client.get_config("cfg_1").into_future());
        assert!(
            join_all(calls)
                .await
                .into_iter()
                .all(|result| result.is_ok())
        );
        assert_eq!(server.count("POST /oauth/token"), 1);
        assert_eq!(server.count("GET /api/v1/mcp/configs/cfg_1"), 200);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn a_thousand_callers_fetch_a_token_only_when_the_last_one_was_refused() {
        let credentials = Arc::new(Credentials::new("skc_1".to_owned(), "s".to_owned().into()));
        let (fetched, refused) = (AtomicUsize::new(0), Mutex::new(HashSet::new()));
        let world = Arc::new((fetched, refused));
        let callers: Vec<_> = (0..1_000)
            .map(|_| {
                let (credentials, world) = (Arc::clone(&credentials), Arc::clone(&world));
                tokio::spawn(async move {
                    for _ in 0..40 {
                        let fetch = || {
                            let (credentials, world) =
                                (Arc::clone(&credentials), Arc::clone(&world));
                            async move {
                                let number = world.0.fetch_add(1, Ordering::SeqCst);
                                let wanted = number == 0
                                    || world
                                        .1
                                        .lock()
                                        .unwrap()
                                        .contains(&format!("token-{}", number - 1));
                                assert!(wanted, "token {number} was fetched for nothing");
                                let token: Arc<str> = format!("token-{number}").into();
                                credentials.keep(&token, None, Instant::now());
                                Ok(token)
                            }
                        };
                        let token = credentials.get(fetch).await.unwrap();
                        world.1.lock().unwrap().insert(token.to_string());
                        credentials.discard(&token);
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_token_near_its_end_is_replaced_before_it_is_refused() {
        let server = Server::start(|request, _| match request {
            // Nine tenths of a second are left after the margin.
            "POST /oauth/token" => (200, r#"{"access_token":"a.t","expires_in":1}"#.to_owned()),
            _ => (200, CONFIG.to_owned()),
        })
        .await;
        let client = server.client();
        client.get_config("cfg_1").await.unwrap();
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(950)).await;
        tokio::time::resume();
        client.get_config("cfg_1").await.unwrap();
        assert_eq!(server.count("POST /oauth/token"), 2);
    }

    #[tokio::test]
    async fn a_server_that_repeats_the_secret_does_not_get_it_into_an_error() {
        for status in [400, 401, 500] {
            let server = Server::start(move |_, body| {
                let body = serde_json::json!({ "message": body, "error": body, "error_description": body });
                (status, body.to_string())
            })
            .await;
            let error = server
                .client()
                .with_max_retries(0)
                .get_config("cfg_1")
                .await
                .unwrap_err();
            let mut texts = format!("{error} {error:?} {}", error.to_json());
            let mut cause = std::error::Error::source(&error);
            while let Some(deeper) = cause {
                texts.extend([deeper.to_string(), format!("{deeper:?}")]);
                cause = deeper.source();
            }
            assert!(!texts.contains(Server::SECRET), "{status}: {texts}");
        }
    }

    /// What one of many callers does, and when.
    #[derive(Debug, Clone)]
    enum Step {
        Ask,
        /// Asks and goes away before there can be an answer.
        AskAndLeave,
        /// Asks, and then says that the token was refused.
        AskAndDiscard,
    }

    /// What the server gives out: it takes a while, and the token has a lifetime or none.
    type Grant = (u64, Option<u64>);

    fn plan() -> impl Strategy<Value = (Vec<(u64, Step)>, Vec<Grant>)> {
        let step = prop_oneof![
            4 => Just(Step::Ask),
            1 => Just(Step::AskAndLeave),
            2 => Just(Step::AskAndDiscard),
        ];
        let steps = prop::collection::vec((0u64..300_000, step), 1..40);
        // Lifetimes much longer than fetching takes: else every token is late.
        let grant = (0u64..500, prop::option::weighted(0.9, 10u64..200));
        (steps, prop::collection::vec(grant, 1..8))
    }

    #[derive(Default)]
    struct World {
        running: AtomicUsize,
        granted: Mutex<HashMap<Arc<str>, Option<Instant>>>,
        refused: Mutex<HashSet<Arc<str>>>,
    }

    impl World {
        /// Stands in for the request; counts how many run at once.
        async fn fetch(
            self: Arc<Self>,
            credentials: Arc<Credentials>,
            grants: Arc<[Grant]>,
        ) -> Result<Arc<str>> {
            assert_eq!(self.running.fetch_add(1, Ordering::SeqCst), 0);
            let asked_at = Instant::now();
            let number = self.granted.lock().unwrap().len();
            let (takes, life) = grants[number % grants.len()];
            sleep(Duration::from_millis(takes)).await;
            let token: Arc<str> = format!("token-{number}").into();
            credentials.keep(&token, life, asked_at);
            // A tenth of the life, and a minute at most, are left over.
            let until = life.map(|life| {
                asked_at + Duration::from_secs(life)
                    - Duration::from_millis((life * 100).min(60_000))
            });
            self.granted
                .lock()
                .unwrap()
                .insert(Arc::clone(&token), until);
            assert_eq!(self.running.fetch_sub(1, Ordering::SeqCst), 1);
            Ok(token)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_token_is_late_or_refused_and_no_two_are_fetched_at_once((steps, grants) in plan()) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let problems = runtime.block_on(async {
                let credentials = Arc::new(Credentials::new("skc_1".to_owned(), "s".to_owned().into()));
                let (world, grants) = (Arc::new(World::default()), Arc::from(grants));
                let callers = steps.into_iter().map(async |(at, step)| {
                    sleep(Duration::from_millis(at)).await;
                    let refused = world.refused.lock().unwrap().clone();
                    let fetch = || {
                        Arc::clone(&world).fetch(Arc::clone(&credentials), Arc::clone(&grants))
                    };
                    let asking = credentials.get(fetch);
                    if matches!(step, Step::AskAndLeave) {
                        futures_util::FutureExt::now_or_never(asking);
                        return None;
                    }
                    let token = match asking.await {
                        Ok(token) => token,
                        Err(error) => return Some(format!("{at} ms: {error}")),
                    };
                    let until = world.granted.lock().unwrap()[&token];
                    if until.is_some_and(|until| until <= Instant::now()) {
                        return Some(format!("{at} ms: `{token}` is late"));
                    }
                    if refused.contains(&token) {
                        return Some(format!("{at} ms: `{token}` had been refused"));
                    }
                    if matches!(step, Step::AskAndDiscard) {
                        credentials.discard(&token);
                        world.refused.lock().unwrap().insert(token);
                    }
                    None
                });
                join_all(callers).await.into_iter().flatten().collect::<Vec<_>>()
            });
            prop_assert!(problems.is_empty(), "{problems:?}");
        }
    }
}
