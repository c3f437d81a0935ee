//! One connected upstream: the MCP client over a child or over HTTP, and the tools it told us.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rmcp::{
    ClientHandler, ClientServiceExt as _, Peer, RoleClient,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
        Implementation, ProtocolVersion, SubscriptionFilter, Tool,
    },
    service::{
        ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, NotificationContext,
        RunningService, ServiceError,
    },
    transport::{Transport, async_rw::AsyncRwTransport},
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    Deadlines, Owner, ToolsChanged,
    child::Process,
    error::{Phase, Tail, UpstreamError},
    http,
    probe::Probe,
    progress::{Listeners, Progress, Telling},
    templates::redact,
};

/// How long rmcp may take to say goodbye.
const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// How long a child that closed its output may take to end by itself.
const EXIT_GRACE: Duration = Duration::from_secs(1);

/// A connected upstream of one account. Dropping it stops it in the background.
pub(super) struct Upstream {
    connection: String,
    owner: Owner,
    deadlines: Deadlines,
    peer: Peer<RoleClient>,
    service: Mutex<RunningService<RoleClient, Handler>>,
    process: Option<Process>,
    /// A request could not be delivered: the next one gets a new upstream.
    broken: AtomicBool,
    freshness: Arc<Freshness>,
    /// A child, or a server with a subscription, says when its tools change; others must be asked.
    tells_changes: bool,
    tools: Mutex<Option<Listing>>,
    listeners: Listeners,
}

struct Listing {
    generation: u64,
    at: Instant,
    tools: Arc<[Tool]>,
}

/// Whether a listing is still true.
struct Freshness {
    account_id: String,
    changes: ToolsChanged,
    generation: AtomicU64,
    /// The upstream promised to tell changes, but the subscription ended.
    unknown: AtomicBool,
}

impl Freshness {
    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// The upstream said so: who is interested is told.
    fn told(&self) {
        self.changed();
        if let Some(told) = self.changes.get() {
            told(&self.account_id);
        }
    }
}

/// What we answer an upstream: nothing is offered, only changes of the tools are heard.
struct Handler {
    freshness: Arc<Freshness>,
    /// Served by the transport; kept here to be found again.
    listeners: Listeners,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("scalekit-vmcp", env!("CARGO_PKG_VERSION")),
        )
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.freshness.told();
    }
}

/// Which handshake to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Unknown,
    /// Only `initialize`: an earlier connect found out.
    Legacy,
}

impl Era {
    fn lifecycle(self) -> ClientLifecycleMode {
        match self {
            Self::Unknown => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
            },
            Self::Legacy => ClientLifecycleMode::Initialize,
        }
    }
}

/// What a connect needs to know.
pub(super) struct Connect {
    pub(super) connection: String,
    pub(super) owner: Owner,
    pub(super) deadlines: Deadlines,
    pub(super) era: Era,
    pub(super) changes: ToolsChanged,
}

impl Connect {
    /// Makes an upstream of a child's pipes.
    pub(super) async fn child(
        self,
        process: Process,
        stdout: tokio::process::ChildStdout,
        stdin: tokio::process::ChildStdin,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Upstream, UpstreamError> {
        let transport = Probe::new(
            AsyncRwTransport::new_client(stdout, stdin),
            self.deadlines.probe,
        );
        let outcome = tokio::select! {
            outcome = self.handshake(transport) => outcome,
            () = cancelled => Outcome::Cancelled,
        };
        let outcome = match outcome {
            Outcome::Done(service, freshness) => {
                return Ok(self.upstream(*service, freshness, Some(process)).await);
            }
            other => other,
        };
        // A dead child explains more than a closed pipe: give it the time to be one.
        let died = matches!(&outcome, Outcome::Failed(error) if is_closed(error))
            && timeout(EXIT_GRACE, process.ended()).await.is_ok();
        process.kill();
        let status = process.ended().await;
        let stderr = process.stderr();
        let connection = self.connection.into();
        Err(match outcome {
            _ if died => UpstreamError::StartFailed {
                connection,
                reason: format!("it ended before it answered ({status})"),
                stderr,
            },
            Outcome::Failed(error) => UpstreamError::NotMcp {
                connection,
                reason: redact(&shorten(last(&error)), self.owner.credential.as_ref()),
                stderr,
            },
            Outcome::TimedOut => UpstreamError::TimedOut {
                connection,
                phase: Phase::Connect,
                stderr,
            },
            Outcome::Cancelled | Outcome::Done(..) => UpstreamError::Closed { connection },
        })
    }

    /// Makes an upstream of an HTTP transport.
    pub(super) async fn http(
        self,
        transport: impl Transport<RoleClient> + 'static,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Upstream, UpstreamError> {
        let outcome = tokio::select! {
            outcome = self.handshake(transport) => outcome,
            () = cancelled => Outcome::Cancelled,
        };
        match outcome {
            Outcome::Done(service, freshness) => Ok(self.upstream(*service, freshness, None).await),
            Outcome::Failed(error) => Err(self.http_failure(&error)),
            Outcome::TimedOut => Err(UpstreamError::TimedOut {
                connection: self.connection.into(),
                phase: Phase::Connect,
                stderr: Tail::default(),
            }),
            Outcome::Cancelled => Err(UpstreamError::Closed {
                connection: self.connection.into(),
            }),
        }
    }

    fn http_failure(&self, error: &ClientInitializeError) -> UpstreamError {
        match error {
            ClientInitializeError::TransportError { error, .. } => {
                http::failure(&self.connection, error.error.as_ref(), &self.owner)
            }
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                self.http_failure(fallback)
            }
            error => UpstreamError::NotMcp {
                connection: self.connection.as_str().into(),
                reason: redact(&shorten(error), self.owner.credential.as_ref()),
                stderr: Tail::default(),
            },
        }
    }

    async fn handshake(&self, transport: impl Transport<RoleClient> + 'static) -> Outcome {
        let freshness = Arc::new(Freshness {
            account_id: self.owner.account_id.clone(),
            changes: Arc::clone(&self.changes),
            generation: AtomicU64::default(),
            unknown: AtomicBool::default(),
        });
        let handler = Handler {
            freshness: Arc::clone(&freshness),
            listeners: Listeners::default(),
        };
        let transport = Telling::new(transport, handler.listeners.clone());
        let serving = handler.serve_with_lifecycle(transport, self.era.lifecycle());
        match timeout(self.deadlines.connect, serving).await {
            Ok(Ok(service)) => Outcome::Done(Box::new(service), freshness),
            Ok(Err(error)) => Outcome::Failed(Box::new(error)),
            Err(_) => Outcome::TimedOut,
        }
    }

    async fn upstream(
        self,
        service: RunningService<RoleClient, Handler>,
        freshness: Arc<Freshness>,
        process: Option<Process>,
    ) -> Upstream {
        let peer = service.peer().clone();
        let is_child = process.is_some();
        let listeners = service.service().listeners.clone();
        // One cache is enough, and ours knows when it is stale.
        peer.set_response_cache_config(ClientCacheConfig::disabled())
            .await;
        let subscribed = tells_changes(&peer);
        if subscribed {
            tokio::spawn(listen(peer.clone(), Arc::clone(&freshness)));
        }
        Upstream {
            connection: self.connection,
            owner: self.owner,
            deadlines: self.deadlines,
            peer,
            service: Mutex::new(service),
            process,
            broken: AtomicBool::new(false),
            freshness,
            tells_changes: subscribed || is_child,
            tools: Mutex::default(),
            listeners,
        }
    }
}

enum Outcome {
    Done(Box<RunningService<RoleClient, Handler>>, Arc<Freshness>),
    Failed(Box<ClientInitializeError>),
    TimedOut,
    Cancelled,
}

impl Upstream {
    /// Whether the next request needs a new one.
    pub(super) fn is_closed(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
            || self.peer.is_transport_closed()
            || self.process.as_ref().is_some_and(Process::has_ended)
    }

    /// Whether two of them must never run side by side: they share the account's folder.
    pub(super) fn is_child(&self) -> bool {
        self.process.is_some()
    }

    /// The era that the next connect of this connection may rely on.
    pub(super) fn era(&self) -> Era {
        match self.peer.peer_info() {
            Some(info) if info.protocol_version.has_initialize() => Era::Legacy,
            _ => Era::Unknown,
        }
    }

    /// The full listing. Callers at the same time share one, and none waits longer than it may
    /// take: an upstream that hangs is given up for all of them.
    pub(super) async fn tools(&self) -> Result<Arc<[Tool]>, UpstreamError> {
        let listing = timeout(self.deadlines.list, self.listing()).await;
        listing.unwrap_or_else(|_| {
            self.broken.store(true, Ordering::SeqCst);
            Err(self.timed_out(Phase::List))
        })
    }

    async fn listing(&self) -> Result<Arc<[Tool]>, UpstreamError> {
        let mut cached = self.tools.lock().await;
        // Read before listing: a change on the way makes this listing old.
        let generation = self.freshness.generation.load(Ordering::SeqCst);
        if let Some(listing) = cached.as_ref()
            && listing.generation == generation
            && !self.freshness.unknown.load(Ordering::SeqCst)
            && (self.tells_changes || listing.at.elapsed() < self.deadlines.listing_life)
        {
            return Ok(Arc::clone(&listing.tools));
        }
        let listed = self.peer.list_all_tools().await;
        let listed = listed.map_err(|error| self.failure(error))?;
        // The same tools stay the same listing, so that nobody downstream sees a change.
        let tools = match cached.take() {
            Some(before) if *before.tools == *listed => before.tools,
            _ => listed.into(),
        };
        *cached = Some(Listing {
            generation,
            at: Instant::now(),
            tools: Arc::clone(&tools),
        });
        Ok(tools)
    }

    /// One call, never repeated. Dropping the future cancels it at the upstream.
    pub(super) async fn call(
        &self,
        mut request: CallToolRequestParams,
        progress: Option<Progress>,
    ) -> Result<CallToolResult, UpstreamError> {
        let _listening = progress.map(|progress| self.listeners.listen(&mut request, progress));
        let calling = timeout(self.deadlines.call, self.peer.call_tool_once(request)).await;
        let response = calling
            .map_err(|_| self.timed_out(Phase::Call))?
            .map_err(|error| self.failure(error))?;
        let answer = match response {
            CallToolResponse::Complete(result) => return Ok(result),
            CallToolResponse::InputRequired(_) => "a request for more input",
            CallToolResponse::Task(_) => "a task",
            _ => "something unknown",
        };
        Err(self.unexpected(answer))
    }

    /// Stops it and returns when nothing of it runs any more.
    pub(super) async fn stop(&self) {
        if let Some(process) = &self.process {
            process.begin_stop();
        }
        let closing = self
            .service
            .lock()
            .await
            .close_with_timeout(CLOSE_GRACE)
            .await;
        if let Err(error) = closing {
            tracing::error!(connection = self.connection, %error, "an MCP client panicked");
        }
        if let Some(process) = &self.process {
            process.ended().await;
        }
    }

    fn failure(&self, error: ServiceError) -> UpstreamError {
        let connection = self.connection.as_str().into();
        match error {
            ServiceError::McpError(error) => UpstreamError::Refused { connection, error },
            ServiceError::TransportSend(error) => {
                self.broken.store(true, Ordering::SeqCst);
                if self.process.is_some() {
                    UpstreamError::Closed { connection }
                } else {
                    http::failure(&connection, error.error.as_ref(), &self.owner)
                }
            }
            ServiceError::TransportClosed | ServiceError::Cancelled { .. } => {
                UpstreamError::Closed { connection }
            }
            _ => self.unexpected("a result of another kind"),
        }
    }

    fn unexpected(&self, answer: &'static str) -> UpstreamError {
        UpstreamError::Unexpected {
            connection: self.connection.as_str().into(),
            answer,
        }
    }

    fn timed_out(&self, phase: Phase) -> UpstreamError {
        UpstreamError::TimedOut {
            connection: self.connection.as_str().into(),
            phase,
            stderr: Tail::default(),
        }
    }
}

/// Whether a modern upstream promised to tell changes; legacy ones tell unasked.
fn tells_changes(peer: &Peer<RoleClient>) -> bool {
    peer.peer_info().is_some_and(|info| {
        let promised = info
            .capabilities
            .tools
            .as_ref()
            .and_then(|tools| tools.list_changed);
        !info.protocol_version.has_initialize() && promised == Some(true)
    })
}

async fn listen(peer: Peer<RoleClient>, freshness: Arc<Freshness>) {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    if let Ok(mut subscription) = peer.listen(filter).await {
        // What changed before the upstream began to listen is unknown.
        freshness.changed();
        while let Ok(Some(_)) = subscription.next().await {
            freshness.told();
        }
    }
    freshness.unknown.store(true, Ordering::SeqCst);
}

/// Whether a handshake failed because nobody is there any more.
fn is_closed(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::ConnectionClosed(_)
        | ClientInitializeError::TransportError { .. } => true,
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => is_closed(fallback),
        _ => false,
    }
}

/// An upstream may answer anything, at any length.
/// Of two handshakes that failed, the second, which says more.
fn last(error: &ClientInitializeError) -> &ClientInitializeError {
    match error {
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => last(fallback),
        error => error,
    }
}

fn shorten(error: &dyn Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
