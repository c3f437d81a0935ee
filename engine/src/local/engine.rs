//! Starts, steers and stops an engine in this process.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, middleware};
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
    watch::watch,
    wire::{Scissors, Wire},
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
    pub(super) engine: Arc<Engine>,
    /// What ids follow from.
    seed: Mutex<Option<u64>>,
    pub(super) plane: Arc<DataPlane>,
    upstreams: Arc<Upstreams>,
    accounts_folder: PathBuf,
}

/// Why a reset did not finish.
#[derive(Debug, thiserror::Error)]
pub(in crate::local) enum ResetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot empty the folder of the accounts: {0}")]
    Folder(#[from] io::Error),
}

impl Parts {
    pub(super) async fn reset(&self, seed: Option<u64>) -> Result<(), ResetError> {
        let seed = {
            let mut kept = self.seed.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = seed.or(*kept);
            *kept
        };
        // First, so that nothing below waits for what hangs.
        self.engine.faults().clear();
        // New requests wait at the gate; those under way end because their upstreams do.
        let (_shut, ()) = tokio::join!(self.plane.shut(), self.upstreams.stop_all());
        self.upstreams.stop_all().await;
        self.engine.audit().forget();
        self.engine.store().reset(seed).await?;
        self.plane.forget();
        self.upstreams.forget_deleted();
        match tokio::fs::remove_dir_all(&self.accounts_folder).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        self.engine.clock().reset();
        self.engine.journal().clear();
        if let Some(seed) = seed {
            self.seed_numbers(seed);
        }
        Ok(())
    }

    /// What follows from the seed and is not in the database.
    fn seed_numbers(&self, seed: u64) {
        self.engine.request_ids().seed(seed);
        self.engine.faults().seed(seed);
    }

    /// Ends what waits for a test: requests that hang and waits for the journal.
    fn let_go(&self) {
        self.engine.faults().clear();
        self.engine.journal().close();
    }
}

/// An engine running in this process, on a port of 127.0.0.1.
///
/// It speaks the REST API of an environment and serves MCP at each config's URL. Dropping it stops
/// it; [`close`](Self::close) does so in good order.
pub struct LocalEngine {
    pub(super) parts: Arc<Parts>,
    admin_token: Option<SecretString>,
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

    /// The bearer token of the test controls under `/_local/`; none while they are off, see
    /// [`test_controls`](LocalEngineBuilder::test_controls).
    pub fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// Stops serving and every upstream process, and waits for it: new requests are refused, those
    /// under way have 1.5 seconds to finish. Takes no longer than 2 seconds, whatever happens.
    pub async fn close(mut self) {
        let deadline = Instant::now() + CLOSE_WITHIN;
        self.parts.let_go();
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
        let background = self.parts.engine.accounts().ended();
        // Left behind, it would keep the database open; but nobody waits for ever.
        let _ = timeout_at(deadline, background).await;
        // A child that outlives this is killed in the background.
        let _ = timeout_at(deadline, self.parts.upstreams.stop_all()).await;
    }
}

impl Drop for LocalEngine {
    fn drop(&mut self) {
        self.drain.stop().cancel();
        self.cut.cancel();
        self.parts.let_go();
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
    test_controls: bool,
    seed: Option<u64>,
    unwatched: bool,
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

    /// Whether the test controls answer over HTTP too, under `/_local/`, to the
    /// [admin token](LocalEngine::admin_token). By default they do not, and those paths do not exist;
    /// the methods of [`LocalEngine`] work always.
    #[must_use]
    pub fn test_controls(mut self, on: bool) -> Self {
        self.test_controls = on;
        self
    }

    /// Lets the ids of configs, accounts, instances and requests, the UUIDs of servers and the chance
    /// of faults follow from this seed: the same steps give the same ones, also after a reset.
    /// Secrets, links and tokens stay random.
    #[must_use]
    pub fn seed_ids(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Keeps no journal: for an engine that nobody can ask for it.
    pub(crate) fn unwatched(mut self) -> Self {
        self.unwatched = true;
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

        let settings = self.settings.unwrap_or_default();
        let named = settings
            .clients
            .first()
            .map(|client| (client.id.clone(), client.secret.clone()));
        let client_is_generated = named.is_none();
        let engine = Arc::new(Engine::open(settings, &folder, base, Clock::default())?);
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
            &upstreams,
            cut.child_token(),
        ));
        let parts = Arc::new(Parts {
            engine: Arc::clone(&engine),
            seed: Mutex::new(self.seed),
            plane: Arc::clone(&plane),
            upstreams,
            accounts_folder: folder.join("accounts"),
        });
        if let Some(seed) = self.seed {
            let seeded = engine.store().seed_ids(seed).await;
            seeded.map_err(|error| StartError::Open(error.to_string()))?;
            parts.seed_numbers(seed);
        }
        if self.unwatched {
            engine.journal().disable();
        }
        let admin_token = self
            .test_controls
            .then(|| SecretString::from(Uuid::new_v4().simple().to_string()));
        let pages = connect_page::router(Arc::clone(&engine))
            .map_err(|error| StartError::Open(error.to_string()))?;
        let mut changing = Router::new()
            .merge(pages)
            .merge(control::router(Arc::clone(&engine)));
        if let Some(token) = &admin_token {
            let parts = Arc::clone(&parts);
            changing = changing.merge(controls::router(parts, token.expose_secret()));
        }
        let settled = middleware::from_fn_with_state(Arc::clone(&plane), data::settle);
        let router = changing.layer(settled).merge(data::router(plane));
        let watched = middleware::from_fn_with_state(Arc::clone(&engine), watch);
        let router = router
            .layer(watched)
            .layer(middleware::from_fn_with_state(port, guard::check))
            .layer(middleware::from_fn_with_state(drain.clone(), drain::admit))
            .layer(middleware::from_fn_with_state(engine, request_log::record));
        let server = serve(listener, router, drain.stop());
        Ok(LocalEngine {
            parts,
            admin_token,
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
    tokio::spawn(async move {
        let service = router.into_make_service_with_connect_info::<Scissors>();
        let serving =
            axum::serve(Wire(listener), service).with_graceful_shutdown(stop.cancelled_owned());
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
