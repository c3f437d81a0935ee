//! A session: one agent run's URL and a credential that stays valid until the run ends.

use std::{
    fmt,
    future::IntoFuture,
    sync::{Arc, Mutex, PoisonError, TryLockError},
    time::{Duration, SystemTime},
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::{
    AccessLevel, Client, Error, ErrorKind, Result, SessionToken, Target,
    flight::Flight,
    tokens::CreateSessionToken,
    transport::{Request, origin},
};

mod call;

/// Below this share of its life a token is renewed in the background.
const RENEW_BELOW: f64 = 0.2;
/// Below this a caller waits for the new token rather than take the old one.
const WAIT_BELOW: Duration = Duration::from_secs(10);
/// What to do about a URL that must not be sent a token.
const OTHER_URL: &str = "use the `https://` URL that the environment gives the config, or allow insecure HTTP explicitly";
/// After a renewal that failed while the old token still works.
const RENEW_AGAIN_AFTER: Duration = Duration::from_secs(5);

impl Client {
    /// Opens a session: mints a token for this user and gives it a URL.
    ///
    /// `target` is a config, its id, or [`Target::connection`]. The token is renewed while the
    /// session is used, so a run may last longer than any token; an unused session sends nothing,
    /// and there is nothing to close.
    ///
    /// # Errors
    /// Those of [`create_session_token`](Self::create_session_token), and
    /// `authorization_required`: the error lists each connection that the user must authorize
    /// first, with a fresh link. `mcp_server_url_missing` when the environment gives the config no
    /// URL, `mcp_server_url_invalid` when a token must not be sent to the one that it has: the rules
    /// are those of the environment's own.
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
    ///     .create_config(NewConfig::new("docs-session").all_tools_of("crm"))
    ///     .await?;
    /// match client
    ///     .open_session(&config, "user_123")
    ///     .expiry(Duration::from_secs(3_600))
    ///     .await
    /// {
    ///     Ok(session) => println!("connect the agent to {}", session.url()),
    ///     Err(error) => match error.authorization_required() {
    ///         Some(accounts) => println!("{} accounts need authorization", accounts.len()),
    ///         None => return Err(error),
    ///     },
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_session(
        &self,
        target: impl Into<Target>,
        identifier: impl Into<String>,
    ) -> OpenSession {
        let target = target.into();
        let identifier = identifier.into();
        OpenSession {
            client: self.clone(),
            mint: CreateSessionToken::new(target.clone(), identifier.clone()),
            target,
            identifier,
        }
    }
}

/// A session about to be opened: set what is optional, then `.await` it.
#[must_use = "nothing is sent before `.await`"]
#[derive(Debug, Clone)]
pub struct OpenSession {
    client: Client,
    target: Target,
    identifier: String,
    mint: CreateSessionToken,
}

impl OpenSession {
    /// How long each token lives: 60 seconds to 24 hours, 1 hour if not set.
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.mint.set_expiry(expiry);
        self
    }

    /// What the session may do; everything if not set.
    pub fn access_level(mut self, access_level: AccessLevel) -> Self {
        self.mint.set_access_level(access_level);
        self
    }
}

/// The parameters of `open_session` as bindings write them.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    /// The id of the config; or `connection_name`.
    config_id: Option<String>,
    /// The config's URL, where the caller has the whole config.
    mcp_server_url: Option<String>,
    /// The connection, with all its tools; or `config_id`.
    connection_name: Option<String>,
    /// The user: 1 to 255 characters.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
    /// Lifetime of each token in seconds: 60 to 86,400; 3,600 if not set.
    expiry_seconds: Option<f64>,
    /// `FULL` (if not set) or `READ_ONLY`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["FULL", "READ_ONLY", null])))]
    access_level: Option<String>,
}

impl Parameters {
    pub(crate) fn open(self, client: Client) -> OpenSession {
        let target = match &self.connection_name {
            Some(name) => Target::connection(name),
            None => Target::Config {
                id: self.config_id.clone().unwrap_or_default(),
                url: self.mcp_server_url,
            },
        };
        let mint = CreateSessionToken {
            config_id: self.config_id,
            connection_name: self.connection_name,
            identifier: self.identifier.clone(),
            expiry_seconds: self.expiry_seconds,
            access_level: self.access_level,
        };
        OpenSession {
            client,
            target,
            identifier: self.identifier.unwrap_or_default(),
            mint,
        }
    }
}

impl IntoFuture for OpenSession {
    type Output = Result<Session>;
    type IntoFuture = BoxFuture<'static, Result<Session>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let lifetime = self.mint.lifetime()?;
            let minter = Minter {
                client: self.client,
                target: self.target,
                identifier: self.identifier,
                mint: self.mint,
            };
            let given = minter.given_url()?;
            let asked_at = Instant::now();
            let client = minter.client.for_one_call();
            let minting = async {
                let token = minter.mint(&client).await?;
                Ok((token, minter.url(&client, given).await?))
            };
            let (token, url) = client.as_one_call(minting).await?;
            let current = Current {
                token,
                good_until: asked_at + lifetime,
                renew_from: asked_at,
            };
            Ok(Session(Arc::new(Shared {
                url,
                lifetime,
                minter,
                current: Mutex::new(current),
                flight: Flight::new(),
            })))
        })
    }
}

/// One agent run: a URL and a bearer token that stays valid. Clones share the token.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    url: Url,
    lifetime: Duration,
    minter: Minter,
    current: Mutex<Current>,
    flight: Flight<SessionToken>,
}

#[derive(Clone)]
struct Current {
    token: SessionToken,
    /// By our clock: only durations are compared, so the server's clock may be off.
    good_until: Instant,
    /// No background renewal before this.
    renew_from: Instant,
}

/// What a session does for a caller who asks for a token.
#[derive(PartialEq)]
enum Need {
    Nothing,
    /// In the background: the token at hand still works.
    Renewal,
    /// The caller waits for it.
    NewToken,
}

impl Current {
    fn left(&self) -> Duration {
        self.good_until.saturating_duration_since(Instant::now())
    }

    fn need(&self, lifetime: Duration) -> Need {
        let left = self.left();
        if left < WAIT_BELOW {
            Need::NewToken
        } else if left < lifetime.mul_f64(RENEW_BELOW) && Instant::now() >= self.renew_from {
            Need::Renewal
        } else {
            Need::Nothing
        }
    }
}

/// All that is needed to mint the next token.
struct Minter {
    client: Client,
    target: Target,
    identifier: String,
    mint: CreateSessionToken,
}

impl Session {
    /// The name of the header that carries the credential.
    pub const CREDENTIAL_HEADER: &str = "authorization";

    /// The HTTP status with which a server refuses a credential: a hook of an MCP client then calls
    /// [`rejected`](Self::rejected) and repeats the request once.
    pub const REFUSED_STATUS: u16 = 401;

    /// The MCP endpoint to connect to.
    pub fn url(&self) -> &str {
        self.0.url.as_str()
    }

    /// The user this session acts for.
    pub fn identifier(&self) -> &str {
        &self.0.minter.identifier
    }

    /// A token that is valid now. Usually the one at hand; near its end a new one.
    ///
    /// # Errors
    /// Those of [`Client::open_session`] when the old token is about to end and no new one can be
    /// had: `authorization_required` says which account went inactive.
    pub async fn token(&self) -> Result<SessionToken> {
        let lifetime = self.0.lifetime;
        let current = self.current();
        match current.need(lifetime) {
            Need::Nothing => Ok(current.token),
            Need::Renewal => {
                drop(self.renewal(|current| current.need(lifetime) == Need::Nothing));
                Ok(current.token)
            }
            Need::NewToken => {
                // What was under way already may come too late: then once more.
                for _ in 0..2 {
                    self.renewal(|current| current.need(lifetime) != Need::NewToken)
                        .await?;
                    let current = self.current();
                    if !current.left().is_zero() {
                        return Ok(current.token);
                    }
                }
                Err(late())
            }
        }
    }

    /// A token that lives at least this long from now, for a client that cannot take a new one in
    /// the middle of its run. The one at hand if it does, else a new one.
    ///
    /// # Errors
    /// `valid_for_too_long` when no token of this session lives that long; else those of
    /// [`token`](Self::token).
    pub async fn token_valid_for(&self, valid_for: Duration) -> Result<SessionToken> {
        if valid_for > self.0.lifetime {
            let message = format!(
                "`valid_for` must be at most the `expiry` of the session, {} seconds, got {} seconds",
                self.0.lifetime.as_secs(),
                valid_for.as_secs_f64()
            );
            return Err(Error::argument("valid_for_too_long", "valid_for", message)
                .suggest("open the session with an `expiry` of at least the run, up to 24 hours"));
        }
        let until = Instant::now() + valid_for;
        let will_do = |current: &Current| current.good_until >= until;
        // What was under way already may be too old: then once more.
        for _ in 0..2 {
            if will_do(&self.current()) {
                return self.token().await;
            }
            self.renewal(will_do).await?;
        }
        if will_do(&self.current()) {
            self.token().await
        } else {
            Err(late())
        }
    }

    /// The headers for a request to [`url`](Self::url): `Authorization`, always fresh.
    ///
    /// # Errors
    /// Those of [`token`](Self::token).
    pub async fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, bearer(&self.token().await?)?);
        Ok(headers)
    }

    /// The `Authorization` value for a request to `url`, always fresh: what a hook of an MCP
    /// client calls before each request.
    ///
    /// # Errors
    /// `wrong_origin` for a URL of another server: the token is for one server only. Else those of
    /// [`token`](Self::token).
    pub async fn authorization_for(&self, url: &str) -> Result<HeaderValue> {
        let asked = Url::parse(url)
            .map_err(|_| Error::argument("argument_type", "url", "`url` is not a URL"))?;
        if asked.origin() != self.0.url.origin() {
            let message = format!(
                "the session's token is for `{}`, not for `{}`",
                origin(&self.0.url),
                origin(&asked)
            );
            return Err(Error::argument("wrong_origin", "url", message)
                .suggest("use the token with `session.url` only"));
        }
        bearer(&self.token().await?)
    }

    /// Says that the server refused a credential (HTTP 401), so that the next one is new: what a
    /// hook calls before it repeats a request once. `credential` is the token, or the whole
    /// `Authorization` value that carried it; one that has been replaced already causes no mint.
    ///
    /// # Errors
    /// Those of [`Client::open_session`].
    pub async fn rejected(&self, credential: &str) -> Result<()> {
        let token = credential.strip_prefix("Bearer ").unwrap_or(credential);
        if self.current().token.token() == token {
            self.renewal(|current| current.token.token() != token)
                .await
                .map(drop)
        } else {
            Ok(())
        }
    }

    /// The same session on another client: for a process that was forked, where the connections
    /// of the old one are the parent's. The token at hand goes along if it can be had without
    /// waiting.
    #[must_use]
    #[doc(hidden)]
    pub fn on_client(&self, client: &Client) -> Self {
        let shared = &self.0;
        // After a fork the lock may be held by a thread that exists in the parent only: waiting for
        // it would be for ever. Then the token at hand is given up, and the first use mints one.
        let current = match shared.current.try_lock() {
            Ok(current) => current.clone(),
            Err(TryLockError::Poisoned(current)) => current.into_inner().clone(),
            Err(TryLockError::WouldBlock) => Current {
                token: SessionToken::spent(),
                good_until: Instant::now(),
                renew_from: Instant::now(),
            },
        };
        Self(Arc::new(Shared {
            url: shared.url.clone(),
            lifetime: shared.lifetime,
            minter: Minter {
                client: client.clone(),
                target: shared.minter.target.clone(),
                identifier: shared.minter.identifier.clone(),
                mint: shared.minter.mint.clone(),
            },
            current: Mutex::new(current),
            flight: Flight::new(),
        }))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.minter.client
    }

    pub(crate) fn target(&self) -> &Target {
        &self.0.minter.target
    }

    pub(crate) fn parsed_url(&self) -> &Url {
        &self.0.url
    }

    pub(crate) fn access_level(&self) -> AccessLevel {
        match self.0.minter.mint.access_level.as_deref() {
            Some("READ_ONLY") => AccessLevel::ReadOnly,
            _ => AccessLevel::Full,
        }
    }

    fn current(&self) -> Current {
        let current = self.0.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the clock of the token's issuer shows now.
    pub(crate) fn issuer_time(&self) -> Option<SystemTime> {
        let current = self.current();
        current.token.expires_at()?.checked_sub(current.left())
    }

    /// The URL that the token at hand is for, if it says so. Only for explaining a refusal: tokens
    /// are opaque (docs/assumptions.md 39).
    pub(crate) fn audience(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Audience {
            One(String),
            Many(Vec<String>),
        }
        #[derive(Deserialize)]
        struct Claims {
            aud: Audience,
        }
        let current = self.current();
        let payload = current.token.token().split('.').nth(1)?;
        let claims: Claims =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let candidates = match claims.aud {
            Audience::One(one) => vec![one],
            Audience::Many(many) => many,
        };
        let mut urls = candidates
            .into_iter()
            .filter(|text| text.starts_with("https://") || text.starts_with("http://"));
        let first = urls.next()?;
        // One that is the session's own settles it.
        Some(urls.find(|other| other == self.url()).unwrap_or(first))
    }

    /// Mints the next token, unless the one at hand will do: however many callers ask, one request,
    /// which ends even if they leave.
    fn renewal<D: FnOnce(&Current) -> bool>(
        &self,
        will_do: D,
    ) -> impl Future<Output = Result<SessionToken>> + use<D> {
        let shared = &self.0;
        let have = || {
            Some(self.current())
                .filter(|current| will_do(current))
                .map(|current| current.token)
        };
        shared.flight.join(have, || {
            let shared = Arc::clone(shared);
            async move {
                let asked_at = Instant::now();
                let client = shared.minter.client.for_one_call();
                let minted = client.as_one_call(shared.minter.mint(&client)).await;
                shared.flight.land(|| {
                    let mut current = shared
                        .current
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    match &minted {
                        Ok(token) => {
                            *current = Current {
                                token: token.clone(),
                                good_until: asked_at + shared.lifetime,
                                renew_from: asked_at,
                            };
                        }
                        Err(_) => current.renew_from = Instant::now() + RENEW_AGAIN_AFTER,
                    }
                });
                minted
            }
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("url", &self.url())
            .field("identifier", &self.identifier())
            .finish_non_exhaustive()
    }
}

impl Minter {
    async fn mint(&self, client: &Client) -> Result<SessionToken> {
        let refused = match client.exchange(&self.mint).await {
            Err(error) if error.code() == "bad_request" => error,
            result => return result,
        };
        let Target::Config { id, .. } = &self.target else {
            return Err(refused);
        };
        let accounts = client
            .list_mcp_connected_accounts(id.as_str(), self.identifier.as_str())
            .include_auth_link(true)
            .await;
        let inactive: Vec<_> = accounts
            .unwrap_or_default()
            .into_iter()
            .filter(|account| !account.is_active())
            .collect();
        if inactive.is_empty() {
            Err(refused)
        } else {
            Err(Error::authorization(inactive, refused))
        }
    }

    /// The URL that the caller passed with the config.
    fn given_url(&self) -> Result<Option<Url>> {
        let Target::Config { url: Some(url), .. } = &self.target else {
            return Ok(None);
        };
        if url.is_empty() {
            return Ok(None);
        }
        self.client.mcp_url(url).map(Some).map_err(|why| {
            let message = format!("`mcp_server_url` {why}");
            Error::argument("mcp_server_url_invalid", "mcp_server_url", message).suggest(OTHER_URL)
        })
    }

    async fn url(&self, client: &Client, given: Option<Url>) -> Result<Url> {
        let id = match (&self.target, given) {
            (_, Some(url)) => return Ok(url),
            (Target::Connection(name), None) => {
                let request = Request::new(http::Method::GET, &["mcp", "v3", "connections", name]);
                return Ok(request.url(client.env_url()));
            }
            (Target::Config { id, .. }, None) => id,
        };
        let text = if let Some(url) = client.known_url(id) {
            url
        } else {
            let config = client.get_config(id.as_str()).await?;
            let url = config.mcp_server_url.ok_or_else(|| {
                Error::new(
                    ErrorKind::Protocol,
                    "mcp_server_url_missing",
                    format!("config `{id}` has no `mcp_server_url`"),
                )
                .suggest("ask for Virtual MCP server URLs to be enabled in this environment")
            })?;
            client.remember_url(id, &url);
            url
        };
        client.mcp_url(&text).map_err(|why| {
            Error::new(
                ErrorKind::Protocol,
                "mcp_server_url_invalid",
                format!("the `mcp_server_url` of config `{id}` {why}"),
            )
            .suggest(OTHER_URL)
        })
    }
}

fn late() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "deadline_exceeded",
        "the new session token took longer to come than it lives",
    )
    .suggest("check that the environment answers, or open the session with a longer `expiry`")
    .retryable(true)
}

fn bearer(token: &SessionToken) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.token())).map_err(|_| {
        Error::new(
            ErrorKind::Protocol,
            "answer_invalid",
            "the session token cannot be sent as a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
