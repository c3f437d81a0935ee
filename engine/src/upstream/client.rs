//! One connected upstream: the MCP client over a child or over HTTP, and the tools it told us.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    Peer, RoleClient,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, Tool},
    service::{ClientCacheConfig, RunningService, ServiceError},
};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, timeout},
};

use super::{
    Deadlines, Owner,
    child::Process,
    connect::{Connect, Era, Handler},
    error::{Phase, Tail, UpstreamError},
    http,
    listing::{Broken, Freshness, Listing, Shelf, all_pages, listen},
    progress::{Listeners, Progress},
    stdout::Reason,
};

/// How long rmcp may take to say goodbye.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// A connected upstream of one account. Dropping it stops it in the background.
pub(super) struct Upstream {
    connection: String,
    owner: Owner,
    deadlines: Deadlines,
    peer: Peer<RoleClient>,
    service: Mutex<RunningService<RoleClient, Handler>>,
    process: Option<Process>,
    /// Told when a child sends what cannot be read.
    unreadable: Option<watch::Receiver<Reason>>,
    /// A request could not be delivered: the next one gets a new upstream.
    broken: AtomicBool,
    freshness: Arc<Freshness>,
    /// A child, or a server with a subscription, says when its tools change; others must be asked.
    tells_changes: bool,
    tools: Mutex<Option<Listing>>,
    shelf: Arc<Shelf>,
    listeners: Listeners,
}

/// Whether nobody had to be asked.
pub(super) struct Known(pub(super) bool);

impl Upstream {
    pub(super) async fn new(
        connect: Connect,
        service: RunningService<RoleClient, Handler>,
        freshness: Arc<Freshness>,
        child: Option<(Process, watch::Receiver<Reason>)>,
    ) -> Self {
        let peer = service.peer().clone();
        let is_child = child.is_some();
        let (process, unreadable) = child.unzip();
        let listeners = service.service().listeners.clone();
        // One cache is enough, and ours knows when it is stale.
        peer.set_response_cache_config(ClientCacheConfig::disabled())
            .await;
        let subscribed = tells_changes(&peer);
        if subscribed {
            tokio::spawn(listen(peer.clone(), Arc::clone(&freshness)));
        }
        Self {
            connection: connect.connection,
            owner: connect.owner,
            deadlines: connect.deadlines,
            peer,
            service: Mutex::new(service),
            process,
            unreadable,
            broken: AtomicBool::new(false),
            freshness,
            tells_changes: subscribed || is_child,
            tools: Mutex::default(),
            shelf: connect.shelf,
            listeners,
        }
    }

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

    /// The revision of MCP that was agreed on.
    pub(super) fn protocol_version(&self) -> Option<String> {
        let info = self.peer.peer_info()?;
        Some(info.protocol_version.to_string())
    }

    /// The full listing, and whether it was known. Callers at the same time share one, and none waits longer than it
    /// may take: an upstream that hangs is given up for all of them.
    pub(super) async fn tools(&self) -> Result<(Arc<[Tool]>, Known), UpstreamError> {
        let listing = timeout(self.deadlines.list, self.listing()).await;
        listing.unwrap_or_else(|_| {
            self.broken.store(true, Ordering::SeqCst);
            Err(self.timed_out(Phase::List))
        })
    }

    async fn listing(&self) -> Result<(Arc<[Tool]>, Known), UpstreamError> {
        let mut cached = self.tools.lock().await;
        // Read before listing: a change on the way makes this listing old.
        let generation = self.freshness.generation();
        if let Some(listing) = cached.as_ref()
            && listing.generation == generation
            && !self.freshness.is_unknown()
            && (self.tells_changes || listing.at.elapsed() < self.deadlines.listing_life)
        {
            return Ok((Arc::clone(&listing.tools), Known(true)));
        }
        let listed = self.readable(Box::pin(all_pages(&self.peer))).await?;
        let listed = listed.map_err(|broken| match broken {
            Broken::Service(error) => self.failure(error, Phase::List),
            Broken::Endless(what) => UpstreamError::Endless {
                connection: self.connection.as_str().into(),
                what,
            },
        })?;
        // The same tools stay the same listing, so that nobody downstream sees a change.
        let tools = match cached.take() {
            Some(before) if *before.tools == *listed => before.tools,
            _ => self.shelf.put(&self.connection, listed),
        };
        *cached = Some(Listing {
            generation,
            at: Instant::now(),
            tools: Arc::clone(&tools),
        });
        Ok((tools, Known(false)))
    }

    /// One call, never repeated. Dropping the future cancels it at the upstream.
    pub(super) async fn call(
        &self,
        mut request: CallToolRequestParams,
        progress: Option<Progress>,
    ) -> Result<CallToolResult, UpstreamError> {
        let _listening = progress.map(|progress| self.listeners.listen(&mut request, progress));
        let calling = self.readable(Box::pin(self.peer.call_tool_once(request)));
        let response = timeout(self.deadlines.call, calling)
            .await
            .map_err(|_| {
                // A slow tool, or a dead upstream: the next listing tells which.
                self.freshness.changed();
                self.timed_out(Phase::Call)
            })??
            .map_err(|error| self.failure(error, Phase::Call))?;
        let answer = match response {
            CallToolResponse::Complete(result) => return Ok(result),
            CallToolResponse::InputRequired(_) => "a request for more input",
            CallToolResponse::Task(_) => "a task",
            _ => "something unknown",
        };
        Err(self.unexpected(answer.to_owned()))
    }

    /// Waits for an answer, unless the child sends what nobody can read: whose answer that was is unknown.
    async fn readable<T>(&self, answer: impl Future<Output = T>) -> Result<T, UpstreamError> {
        let Some(mut unreadable) = self.unreadable.clone() else {
            return Ok(answer.await);
        };
        unreadable.mark_unchanged();
        tokio::select! {
            answer = answer => Ok(answer),
            Ok(()) = unreadable.changed() => Err(UpstreamError::Unreadable {
                connection: self.connection.as_str().into(),
                reason: unreadable.borrow().clone(),
            }),
        }
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

    fn failure(&self, error: ServiceError, phase: Phase) -> UpstreamError {
        let connection = self.connection.as_str().into();
        match error {
            ServiceError::McpError(error) => UpstreamError::Refused { connection, error },
            ServiceError::TransportSend(error) => {
                let failure = match &self.process {
                    Some(_) => UpstreamError::Closed { connection },
                    None => http::failure(&connection, error.error.as_ref(), &self.owner),
                };
                // A server that answers needs no new greeting, unless it has forgotten the last one.
                let answered = match failure {
                    UpstreamError::HttpStatus { status, .. } => status != 404,
                    UpstreamError::Unreadable { .. } | UpstreamError::NotMcp { .. } => true,
                    _ => false,
                };
                if !answered {
                    self.broken.store(true, Ordering::SeqCst);
                }
                failure
            }
            ServiceError::TransportClosed | ServiceError::Cancelled { .. } => {
                UpstreamError::Closed { connection }
            }
            _ => self.unexpected(format!("what is no result of {phase}")),
        }
    }

    fn unexpected(&self, answer: String) -> UpstreamError {
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
