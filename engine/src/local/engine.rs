//! Starts, steers and stops an engine in this process.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware, serve::ListenerExt};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::{
    clock::Clock,
    controls,
    drain::{self, Drain},
    guard, request_log,
};
use crate::{
    accounts::connect_page,
    control,
    data::{self, DataPlane},
    engine::{Engine, OpenError},
    settings::{Settings, SettingsError},
    store::StoreError,
    upstream::Upstreams,
};

/// How long closing the engine takes at most, and how much of that requests under way have to finish.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
const FINISH_WITHIN: Duration = Duration::from_millis(1500);

/// How long connections have to write their last bytes.
const FLUSH_WITHIN: Duration = Duration::from_millis(100);

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings are wrong; the message says where and how.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The port is taken or not allowed.
    #[error("cannot listen on `127.0.0.1:{port}`: {source}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The folder for the engine's data cannot be used.
    #[error("cannot use the data folder `{folder}`: {source}")]
    DataFolder {
        /// The folder.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
    /// The database cannot be opened; the message says why.
    #[error("{0}")]
    Open(String),
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        Self::Open(error.to_string())
    }
}

/// What the running server and its owner share.
pub(super) struct Parts {
    pub(super) clock: Clock,
    pub(super) admin_token: String,
    engine: Arc<Engine>,
    plane: Arc<DataPlane>,
    upstreams: Arc<Upstreams>,
    accounts_folder: PathBuf,
}

/// Why a reset did not finish.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot empty the folder of the accounts: {0}")]
    Folder(#[from] io::Error),
}

impl Parts {
    pub(super) async fn reset(&self) -> Result<(), ResetError> {
        // New requests wait at the gate; those under way end because their upstreams do.
        let (_shut, ()) = tokio::join!(self.plane.shut(), self.upstreams.stop_all());
        self.upstreams.stop_all().await;
        self.engine.store().reset().await?;
        self.plane.forget();
        self.upstreams.forget_deleted();
        match tokio::fs::remove_dir_all(&self.accounts_folder).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        self.clock.reset();
        Ok(())
    }
}

/// An engine running in this process, on a port of 127.0.0.1.
///
/// It speaks the REST API of an environment and serves MCP at each config's URL. Dropping it stops
/// it; [`close`](Self::close) does so in good order.
pub struct LocalEngine {
    parts: Arc<Parts>,
    env_url: String,
    client_id: String,
    client_secret: SecretString,
    client_is_generated: bool,
    drain: Drain,
    /// Ends what has no end of its own: MCP streams, and calls that are still under way.
    cut: CancellationToken,
    server: Option<JoinHandle<()>>,
    // Last, so that the folder outlives what works in it.
    _temporary: Option<TempDir>,
}

impl LocalEngine {
    /// Starts to describe an engine.
    pub fn builder() -> LocalEngineBuilder {
        LocalEngineBuilder::default()
    }

    /// The environment URL to give to a client, such as `http://127.0.0.1:49152`.
    pub fn env_url(&self) -> &str {
        &self.env_url
    }

    /// The id of an API client: the first of the settings, else a generated one.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret of that client.
    pub fn client_secret(&self) -> &str {
        self.client_secret.expose_secret()
    }

    /// Whether the engine made that client itself, because the settings name none.
    pub fn client_is_generated(&self) -> bool {
        self.client_is_generated
    }

    /// The bearer token of the test controls under `/_local/`.
    pub fn admin_token(&self) -> &str {
        &self.parts.admin_token
    }

    /// Stops the engine's clock: tokens and links no longer age.
    pub fn freeze_clock(&self) {
        self.parts.clock.freeze();
    }

    /// Moves the engine's clock forward, frozen or not.
    pub fn advance_clock(&self, by: Duration) {
        self.parts.clock.advance(by);
    }

    /// Empties the engine: configs, accounts, links and what upstreams stored; the clock runs and
    /// shows real time again. API clients stay.
    ///
    /// # Errors
    /// When the database or the folder of the accounts cannot be emptied.
    pub async fn reset(&self) -> Result<(), io::Error> {
        self.parts.reset().await.map_err(io::Error::other)
    }

    /// Stops serving and every upstream process, and waits for it: new requests are refused, those
    /// under way have 1.5 seconds to finish. Takes no longer than 2 seconds, whatever happens.
    pub async fn close(mut self) {
        let deadline = Instant::now() + CLOSE_WITHIN;
        let finished = timeout(FINISH_WITHIN, self.drain.run()).await.is_ok();
        if !finished {
            tracing::warn!("requests under way were cut off");
        }
        self.cut.cancel();
        if let Some(server) = self.server.take() {
            let abort = server.abort_handle();
            if timeout(FLUSH_WITHIN, server).await.is_err() {
                abort.abort();
            }
        }
        // A child that outlives this is killed in the background.
        let _ = timeout_at(deadline, self.parts.upstreams.stop_all()).await;
    }
}

impl Drop for LocalEngine {
    fn drop(&mut self) {
        self.drain.stop().cancel();
        self.cut.cancel();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl fmt::Debug for LocalEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEngine")
            .field("env_url", &self.env_url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Collects what a [`LocalEngine`] needs; everything has a default.
#[derive(Debug, Default)]
pub struct LocalEngineBuilder {
    settings: Option<Settings>,
    data_folder: Option<PathBuf>,
    port: u16,
}

impl LocalEngineBuilder {
    /// The connections and clients. None by default; see [`Settings::from_file`].
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Where the database and the accounts' files live. By default a temporary folder that goes
    /// away with the engine.
    #[must_use]
    pub fn data_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_folder = Some(folder.into());
        self
    }

    /// The port on 127.0.0.1; by default any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the engine. When this returns, it answers.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(self) -> Result<LocalEngine, StartError> {
        let (folder, temporary) = data_folder(self.data_folder)?;
        let listen_error = |source| StartError::Listen {
            port: self.port,
            source,
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                // It may be taken by an engine on the same folder, which is worth more to know.
                Engine::check_free(&folder)?;
                return Err(listen_error(error));
            }
        };
        let port = listener.local_addr().map_err(listen_error)?.port();
        let env_url = format!("http://127.0.0.1:{port}");
        let base = Url::parse(&env_url)
            .map_err(|error| StartError::Open(format!("`{env_url}` is not a URL: {error}")))?;

        let clock = Clock::default();
        let settings = self.settings.unwrap_or_default();
        let named = settings
            .clients
            .first()
            .map(|client| (client.id.clone(), client.secret.clone()));
        let client_is_generated = named.is_none();
        let engine = Arc::new(Engine::open(settings, &folder, base, clock.clone())?);
        let (client_id, client_secret) = named
            .or_else(|| {
                let (id, secret) = engine.default_client()?;
                Some((id.to_owned(), secret.clone()))
            })
            .ok_or_else(|| StartError::Open("the engine has no API client".to_owned()))?;
        let upstreams = Arc::clone(engine.upstreams());
        let (drain, cut) = (Drain::default(), CancellationToken::new());
        let plane = Arc::new(DataPlane::new(
            Arc::clone(&engine),
            Arc::clone(&upstreams),
            cut.child_token(),
        ));
        let parts = Arc::new(Parts {
            clock,
            admin_token: Uuid::new_v4().simple().to_string(),
            engine: Arc::clone(&engine),
            plane: Arc::clone(&plane),
            upstreams,
            accounts_folder: folder.join("accounts"),
        });
        let pages = connect_page::router(Arc::clone(&engine))
            .map_err(|error| StartError::Open(error.to_string()))?;
        let router = Router::new()
            .merge(data::router(plane))
            .merge(pages)
            .merge(controls::router(Arc::clone(&parts)))
            .merge(control::router(engine))
            .layer(middleware::from_fn_with_state(port, guard::check))
            .layer(middleware::from_fn_with_state(drain.clone(), drain::admit))
            .layer(middleware::from_fn(request_log::record));
        let server = serve(listener, router, drain.stop());
        Ok(LocalEngine {
            parts,
            env_url,
            client_id,
            client_secret,
            client_is_generated,
            drain,
            cut,
            server: Some(server),
            _temporary: temporary,
        })
    }
}

fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> JoinHandle<()> {
    // Without this each small answer waits some 40 ms for the client's acknowledgement.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(%error, "the engine stopped serving");
        }
    })
}

fn data_folder(wanted: Option<PathBuf>) -> Result<(PathBuf, Option<TempDir>), StartError> {
    let failed = |folder: &Path, source| StartError::DataFolder {
        folder: folder.display().to_string(),
        source,
    };
    if let Some(folder) = wanted {
        // Children run in other folders, so what they are told must not be relative. The engine
        // makes the folder, private.
        let folder = std::path::absolute(&folder).map_err(|error| failed(&folder, error))?;
        return Ok((folder, None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("vmcp-")
        .tempdir()
        .map_err(|error| failed(&std::env::temp_dir(), error))?;
    Ok((temporary.path().to_path_buf(), Some(temporary)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reset_forgets_which_accounts_are_no_more() {
        let engine = LocalEngine::builder().start().await.unwrap();
        let upstreams = &engine.parts.upstreams;
        upstreams.delete_account("ca_1").await;
        assert_eq!(upstreams.deleted(), 1);
        engine.reset().await.unwrap();
        assert_eq!(upstreams.deleted(), 0);
        engine.close().await;
    }
}
