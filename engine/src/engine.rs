//! One engine: what the control plane, the data plane and the connect page share.

mod clients;
mod connections;
mod request_ids;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

pub(crate) use self::connections::{ConnectionEntry, Connections};
use self::{clients::Clients, request_ids::RequestIds};
use crate::{
    accounts::Accounts,
    audit::{Audit, KEPT},
    local::{clock::Clock, faults::Faults, journal::Journal},
    outbound::{Outbound, OutboundError},
    settings::{Connection, Names, Settings},
    signing::{Signer, SigningError},
    store::{ConfigRecord, ConnectionName, Store, StoreError},
    upstream::Upstreams,
};

/// All but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("cannot use the data folder `{}`: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot open the database `{}`: {source}", path.display())]
    Store { path: PathBuf, source: StoreError },
    #[error("cannot load the keys of the engine: {0}")]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

/// The shared state of a running engine.
#[derive(Debug)]
pub(crate) struct Engine {
    store: Store,
    upstreams: Arc<Upstreams>,
    accounts: Accounts,
    signer: Signer,
    clock: Clock,
    connections: Arc<Connections>,
    clients: Clients,
    app_name: Option<String>,
    request_ids: RequestIds,
    faults: Faults,
    journal: Journal,
    audit: Audit,
    base: String,
}

impl Engine {
    /// Opens the data folder (made if it is missing) for these settings. `base_url` is where the
    /// engine will be reached. Blocks for some milliseconds.
    pub(crate) fn open(
        settings: Settings,
        data_directory: &Path,
        base_url: Url,
        clock: Clock,
    ) -> Result<Engine, OpenError> {
        make_private_folder(data_directory).map_err(|source| OpenError::Folder {
            path: data_directory.to_owned(),
            source,
        })?;
        let path = database(data_directory);
        let failed = |source| OpenError::Store {
            path: path.clone(),
            source,
        };
        let store = Store::open(&path).map_err(failed)?;
        let names = settings
            .connections
            .iter()
            .map(|connection| ConnectionName {
                name: connection.name.clone(),
                credential: connection.auth.credential(),
            })
            .collect();
        let ids = store.register_connections(names).map_err(failed)?;
        let connections = Arc::new(Connections::new(ids, settings.connections));
        let clients = Clients::load(&settings.clients, &store)?;
        let signer = Signer::load(&store, clock.clone())?;
        let audit = Audit::load(&store, settings.audit_keep.unwrap_or(KEPT))?;
        let base = String::from(base_url).trim_end_matches('/').to_owned();
        let outbound = Outbound::new()?;
        let upstreams = Arc::new(Upstreams::new(
            outbound.clone(),
            settings.limits,
            clock.clone(),
        ));
        let accounts = Accounts::new(
            store.clone(),
            Arc::clone(&connections),
            Arc::clone(&upstreams),
            outbound,
            clock.clone(),
            base.clone(),
            data_directory.join("accounts"),
        );
        Ok(Engine {
            store,
            upstreams,
            accounts,
            signer,
            connections,
            clients,
            app_name: settings.app_name,
            request_ids: RequestIds::default(),
            faults: Faults::default(),
            journal: Journal::new(clock.clone()),
            audit,
            clock,
            base,
        })
    }

    /// Refuses a data folder that another engine uses.
    pub(crate) fn check_free(data_directory: &Path) -> Result<(), OpenError> {
        let path = database(data_directory);
        Store::check_free(&path).map_err(|source| OpenError::Store { path, source })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn upstreams(&self) -> &Arc<Upstreams> {
        &self.upstreams
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What people know the application by, if the settings say so.
    pub(crate) fn app_name(&self) -> Option<&str> {
        self.app_name.as_deref()
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(crate) fn request_ids(&self) -> &RequestIds {
        &self.request_ids
    }

    /// What goes wrong because a test wants it to.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was asked of this engine.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What tools were called.
    pub(crate) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The generated pair, while the settings name no client.
    pub(crate) fn default_client(&self) -> Option<(&str, &SecretString)> {
        self.clients.generated()
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The connection of exactly this name.
    pub(crate) fn connection(&self, name: &str) -> Option<&Arc<Connection>> {
        Some(&self.connections.get(name)?.connection)
    }

    /// The id (`conn_…`) of the connection of exactly this name.
    pub(crate) fn connection_id(&self, name: &str) -> Option<&str> {
        Some(&self.connections.get(name)?.id)
    }

    /// The `iss` of all tokens: where the engine is reached, without a slash at the end.
    pub(crate) fn issuer(&self) -> &str {
        &self.base
    }

    /// The URL of a config's MCP server, and the audience of its tokens.
    pub(crate) fn server_url(&self, uuid: &str) -> String {
        format!("{}/mcp/v3/servers/{uuid}", self.base)
    }

    /// The URL of a connection's MCP server, and the audience of its tokens.
    pub(crate) fn connection_url(&self, name: &str) -> String {
        let name = utf8_percent_encode(name, SEGMENT);
        format!("{}/mcp/v3/connections/{name}", self.base)
    }

    /// The definitions of a connection's tools, in MCP's own form and under their exposed names: those
    /// of its sandbox file, else its last listing, whoever it was made for. Empty while nobody has
    /// listed it.
    pub(crate) async fn tool_definitions(
        &self,
        connection: &Connection,
    ) -> Result<Vec<Value>, StoreError> {
        let mut tools: Vec<Value> = match self.upstreams.canned_tools(connection) {
            Ok(Some(tools)) => tools
                .iter()
                .filter_map(|tool| serde_json::to_value(tool).ok())
                .collect(),
            Ok(None) => {
                let listed = self.store.load_catalogue(&connection.name).await?;
                listed.unwrap_or_default()
            }
            // One broken file does not take the other connections down.
            Err(error) => {
                tracing::warn!(connection = connection.name, %error, "cannot list tools");
                Vec::new()
            }
        };
        tools.retain_mut(|tool| expose(&connection.names, tool).is_some());
        Ok(tools)
    }

    /// The config behind an MCP server's URL, as of now.
    pub(crate) async fn config_by_server_uuid(
        &self,
        uuid: &str,
    ) -> Result<Option<ConfigRecord>, StoreError> {
        self.store.config_by_server_uuid(uuid).await
    }
}

/// Gives a tool its exposed name; `None` if it has none.
fn expose(names: &Names, tool: &mut Value) -> Option<()> {
    let name = tool.get_mut("name")?;
    *name = names.exposed(name.as_str()?).ok()?.into_owned().into();
    Some(())
}

fn database(data_directory: &Path) -> PathBuf {
    data_directory.join("vmcp.db")
}

/// A new folder is for its owner only, and git ignores it: its key opens what its database holds.
fn make_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    std::fs::write(path.join(".gitignore"), "*\n")
}
