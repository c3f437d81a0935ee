//! Where tools really come from: one upstream MCP server per connection and account, or a sandbox.
//!
//! The only room that starts processes or opens connections to upstream servers.

mod breaker;
mod child;
mod client;
mod connect;
mod error;
mod http;
mod injected;
mod listing;
mod os;
mod pool;
mod probe;
mod progress;
mod room;
pub(crate) mod sandbox;
mod session;
mod slot;
mod stdout;
mod templates;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rmcp::model::{CallToolRequestParams, CallToolResult, ErrorData, Tool};
use secrecy::SecretString;
use tokio::sync::RwLock;

use self::{client::Known, pool::Pool, sandbox::Sandbox};
pub(crate) use self::{
    error::{Phase, UpstreamError},
    progress::Progress,
};
use crate::{
    local::clock::Clock,
    outbound::Outbound,
    settings::{Connection, Limits, Source},
};

/// Until a child may start at all, where as many run as may.
const ROOM_DEADLINE: Duration = Duration::from_secs(20);
/// From the start of a child, or the first request over HTTP, to the end of the handshake.
const CONNECT_DEADLINE: Duration = Duration::from_secs(20);
/// All pages of `tools/list`.
const LIST_DEADLINE: Duration = Duration::from_secs(20);
/// One `tools/call`.
const CALL_DEADLINE: Duration = Duration::from_secs(60);
/// How long a child may be silent on `server/discover` before it is taken for a legacy server.
const PROBE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the listing of an upstream that cannot tell changes is taken to be true.
const LISTING_LIFE: Duration = Duration::from_secs(10);

/// The largest message of an upstream that is read.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The deepest: what `serde_json` reads.
const MAX_DEPTH: usize = 127;

/// The time each step may take.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    room: Duration,
    connect: Duration,
    list: Duration,
    call: Duration,
    probe: Duration,
    listing_life: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            room: ROOM_DEADLINE,
            connect: CONNECT_DEADLINE,
            list: LIST_DEADLINE,
            call: CALL_DEADLINE,
            probe: PROBE_DEADLINE,
            listing_life: LISTING_LIFE,
        }
    }
}

/// One connected account: on whose behalf, where its files are, with which credential.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) account_id: String,
    pub(crate) identifier: String,
    /// The private folder of the account; created when it is first needed.
    pub(crate) directory: PathBuf,
    pub(crate) credential: Option<SecretString>,
}

/// Told the account whose upstream says that its tools changed; nobody until there is somebody.
type ToolsChanged = Arc<OnceLock<Box<dyn Fn(&str) + Send + Sync>>>;

/// All upstreams of an engine. Share it in an [`Arc`]; dropping it leaves nothing running.
pub(crate) struct Upstreams {
    deadlines: Deadlines,
    pool: Pool,
    changes: ToolsChanged,
    sandboxes: Mutex<HashMap<String, Arc<Sandbox>>>,
    /// Held by calls of sandboxes; who deletes an account waits for them, and then removes its folder.
    writing: Arc<RwLock<()>>,
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstreams").finish_non_exhaustive()
    }
}

impl Upstreams {
    /// Gets ready; no thread, process or connection is started before it is needed.
    pub(crate) fn new(outbound: Outbound, limits: Limits, clock: Clock) -> Self {
        Self::with_deadlines(outbound, Deadlines::default(), limits, clock)
    }

    fn with_deadlines(
        outbound: Outbound,
        deadlines: Deadlines,
        limits: Limits,
        clock: Clock,
    ) -> Self {
        let changes = ToolsChanged::default();
        Self {
            deadlines,
            pool: Pool::new(outbound, deadlines, limits, clock, Arc::clone(&changes)),
            changes,
            sandboxes: Mutex::default(),
            writing: Arc::default(),
        }
    }

    /// Lets `listener` know, by the account, when an upstream says that its tools changed.
    pub(crate) fn on_tools_changed(&self, listener: impl Fn(&str) + Send + Sync + 'static) {
        // One engine has one data plane.
        let _ = self.changes.set(Box::new(listener));
    }

    /// Every tool of a connection as this account sees it, from a cache while the upstream lives
    /// and reports no change.
    pub(crate) async fn tools(
        &self,
        connection: &Arc<Connection>,
        owner: &Owner,
    ) -> Result<Arc<[Tool]>, UpstreamError> {
        match &connection.source {
            Source::Sandbox(path) => Ok(self.sandbox(&connection.name, path)?.tools()),
            Source::Command(_) | Source::Http(_) => {
                let upstream = self.pool.get(connection, owner).await?;
                let tools = upstream.tools().await;
                match &tools {
                    Ok((_, Known(true))) => self.pool.alive(&connection.name, owner),
                    tools => self.pool.note(&connection.name, owner, tools),
                }
                tools.map(|(tools, _)| tools)
            }
        }
    }

    /// The tools of a connection that are known without asking anybody: those of a sandbox.
    pub(crate) fn canned_tools(
        &self,
        connection: &Connection,
    ) -> Result<Option<Arc<[Tool]>>, UpstreamError> {
        match &connection.source {
            Source::Sandbox(path) => Ok(Some(self.sandbox(&connection.name, path)?.tools())),
            Source::Command(_) | Source::Http(_) => Ok(None),
        }
    }

    /// Calls a tool by the name the upstream knows. A call that may have been executed is never repeated, and
    /// dropping the future cancels it at the upstream. A sandbox makes no progress.
    pub(crate) async fn call(
        &self,
        connection: &Arc<Connection>,
        owner: &Owner,
        request: CallToolRequestParams,
        progress: Option<Progress>,
    ) -> Result<CallToolResult, UpstreamError> {
        let Source::Sandbox(path) = &connection.source else {
            let upstream = self.pool.get(connection, owner).await?;
            let result = upstream.call(request, progress).await;
            self.pool.note(&connection.name, owner, &result);
            return result;
        };
        let sandbox = self.sandbox(&connection.name, path)?;
        let writing = Arc::clone(&self.writing).read_owned().await;
        let closed = || UpstreamError::Closed {
            connection: connection.name.as_str().into(),
        };
        if self.pool.is_retired(owner) {
            return Err(closed());
        }
        let unknown = ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None);
        // To its end, even if nobody waits: what it writes is in the account's folder.
        let owner = owner.clone();
        let calling = tokio::spawn(async move {
            let answer = sandbox.call(&owner, request).await;
            drop(writing);
            answer
        });
        match calling.await.map_err(|_| closed())? {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(UpstreamError::Refused {
                connection: connection.name.as_str().into(),
                error: unknown,
            }),
            Err(error) => Err(sandbox_error(&connection.name, error)),
        }
    }

    /// Until when, by the engine's clock, the upstream of an account rests; `None` if it does not.
    pub(crate) fn retry_at(&self, connection: &str, account_id: &str) -> Option<Timestamp> {
        let key = (connection.to_owned(), account_id.to_owned());
        self.pool.breakers().retry_at(&key)
    }

    /// Which revision of MCP the upstream of an account speaks; `None` while none is connected.
    pub(crate) fn protocol_version(&self, connection: &str, account_id: &str) -> Option<String> {
        self.pool
            .connected(connection, account_id)?
            .protocol_version()
    }

    /// Stops what runs for an account, and returns when it has ended.
    pub(crate) async fn forget_account(&self, account_id: &str) {
        self.pool.stop(|account| account == account_id).await;
    }

    /// The same for an account that is no more: nothing is started for it again, even by a request
    /// that is under way.
    pub(crate) async fn delete_account(&self, account_id: &str) {
        self.pool.retire(account_id);
        self.forget_account(account_id).await;
        drop(self.writing.write().await);
    }

    /// Forgets which accounts are no more; only while no request is under way that could name one.
    pub(crate) fn forget_deleted(&self) {
        self.pool.forget_retired();
    }

    /// Stops everything, and returns when it has ended. The next request starts anew.
    pub(crate) async fn stop_all(&self) {
        self.pool.stop(|_| true).await;
    }

    /// How many accounts are known to be no more.
    #[cfg(test)]
    pub(crate) fn deleted(&self) -> usize {
        self.pool.retired()
    }

    /// How many upstreams are connected; sandboxes run nothing.
    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        self.pool.running()
    }

    fn deadline(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect => self.deadlines.connect,
            Phase::List => self.deadlines.list,
            Phase::Call => self.deadlines.call,
        }
    }

    fn sandbox(&self, connection: &str, path: &Path) -> Result<Arc<Sandbox>, UpstreamError> {
        let mut sandboxes = lock(&self.sandboxes);
        if let Some(sandbox) = sandboxes.get(connection) {
            return Ok(Arc::clone(sandbox));
        }
        let loaded = Sandbox::load(path).map_err(|error| sandbox_error(connection, error))?;
        let sandbox = Arc::new(loaded);
        sandboxes.insert(connection.to_owned(), Arc::clone(&sandbox));
        Ok(sandbox)
    }
}

fn sandbox_error(connection: &str, error: sandbox::SandboxError) -> UpstreamError {
    UpstreamError::Sandbox {
        connection: connection.into(),
        source: Arc::new(error),
    }
}

/// What these locks protect is never half-written, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
