//! From pipes or a URL to a connected upstream: which era it speaks, and why it could not be connected.

use std::{error::Error, sync::Arc, time::Duration};

use rmcp::{
    ClientHandler, ClientServiceExt as _, RoleClient,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    service::{ClientInitializeError, ClientLifecycleMode, NotificationContext, RunningService},
    transport::{Transport, async_rw::AsyncRwTransport},
};
use tokio::time::timeout;

use super::{
    Deadlines, MAX_MESSAGE, Owner, ToolsChanged,
    child::Process,
    client::Upstream,
    error::{Phase, Tail, UpstreamError},
    http,
    listing::{Freshness, Shelf},
    probe::Probe,
    progress::{Listeners, Telling},
    stdout::Watched,
    templates::redact,
};

/// How long a child that closed its output may take to end by itself.
const EXIT_GRACE: Duration = Duration::from_secs(1);

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
    pub(super) shelf: Arc<Shelf>,
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
        let (stdout, unreadable) = Watched::new(stdout);
        let transport =
            AsyncRwTransport::new_client(stdout, stdin).with_max_line_length(MAX_MESSAGE + 1);
        let transport = Probe::new(transport, self.deadlines.probe);
        let outcome = tokio::select! {
            outcome = self.handshake(transport) => outcome,
            () = cancelled => Outcome::Cancelled,
        };
        let outcome = match outcome {
            Outcome::Done(service, freshness) => {
                let child = Some((process, unreadable));
                return Ok(Upstream::new(self, *service, freshness, child).await);
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
            Outcome::Done(service, freshness) => {
                Ok(Upstream::new(self, *service, freshness, None).await)
            }
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
        let freshness = Arc::new(Freshness::new(&self.owner.account_id, &self.changes));
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
}

enum Outcome {
    Done(Box<RunningService<RoleClient, Handler>>, Arc<Freshness>),
    Failed(Box<ClientInitializeError>),
    TimedOut,
    Cancelled,
}

/// What we answer an upstream: nothing is offered, only changes of the tools are heard.
pub(super) struct Handler {
    freshness: Arc<Freshness>,
    /// Served by the transport; kept here to be found again.
    pub(super) listeners: Listeners,
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

/// Whether a handshake failed because nobody is there any more.
fn is_closed(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::ConnectionClosed(_)
        | ClientInitializeError::TransportError { .. } => true,
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => is_closed(fallback),
        _ => false,
    }
}

/// Of two handshakes that failed, the second, which says more.
fn last(error: &ClientInitializeError) -> &ClientInitializeError {
    match error {
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => last(fallback),
        error => error,
    }
}

/// An upstream may answer anything, at any length.
pub(super) fn shorten(error: &dyn Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
