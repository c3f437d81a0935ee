//! What `vmcp.toml` says: the clients that may call the API and the connections that bring tools.

mod file;
mod limits;
mod names;
mod oauth;
mod placeholders;
mod tools;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use url::Url;

pub(crate) use self::{
    file::{in_connection_names, without_values},
    limits::Limits,
    names::Names,
};
use crate::store::CredentialKind;

/// Everything an engine is told at start.
#[derive(Debug, Default)]
pub struct Settings {
    /// What the connect page calls the application; `None` leaves it unnamed.
    pub(crate) app_name: Option<String>,
    pub(crate) clients: Vec<ClientSettings>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) limits: Limits,
    /// How many records of calls are kept, if the file says so.
    pub(crate) audit_keep: Option<u32>,
}

impl Settings {
    /// Reads a `vmcp.toml`. Relative paths in it start at its own folder.
    pub fn from_file(path: &Path) -> Result<Settings, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
            path: path.to_owned(),
            source,
        })?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        file::parse(&text, directory, &path.display().to_string())
    }

    /// Reads the text of a `vmcp.toml`. Relative paths in it start at `directory`.
    pub fn from_toml(text: &str, directory: &Path) -> Result<Settings, SettingsError> {
        file::parse(text, directory, "vmcp.toml")
    }
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file could not be read.
    #[error("cannot read the settings file `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file was read and something in it is wrong.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// The file, as it was named.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong and what to do.
        message: String,
    },
}

/// One pair of API credentials.
#[derive(Debug)]
pub(crate) struct ClientSettings {
    pub(crate) id: String,
    pub(crate) secret: SecretString,
}

/// A source of tools.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) name: String,
    /// What the API answers as `provider`; the upper-cased name unless the file says otherwise.
    pub(crate) provider: String,
    pub(crate) source: Source,
    pub(crate) auth: Auth,
    /// How its tools are called.
    pub(crate) names: Names,
    /// The tools that the file promises, by their exposed names; `None` leaves the catalogue to the
    /// upstream.
    pub(crate) tools: Option<Vec<String>>,
}

/// How a user's account on a connection becomes `ACTIVE`.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    /// No authorization: active as soon as the account exists.
    None,
    /// The user types a key into the connect page.
    ApiKey,
    /// The connect page sends the user to an OAuth 2.1 provider.
    Provider(Arc<OAuthProvider>),
}

impl Auth {
    /// Whether an account needs a credential before it is active.
    pub(crate) fn needs_credential(&self) -> bool {
        self.credential().is_some()
    }

    /// What an account needs before it is active.
    pub(crate) fn credential(&self) -> Option<CredentialKind> {
        match self {
            Auth::None => None,
            Auth::ApiKey => Some(CredentialKind::Key),
            Auth::Provider(_) => Some(CredentialKind::Tokens),
        }
    }
}

/// An OAuth 2.1 provider, and the engine as its client: authorization code with PKCE.
#[derive(Debug)]
pub(crate) struct OAuthProvider {
    pub(crate) discovery: Discovery,
    pub(crate) client_id: String,
    /// `None` for a public client.
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) scopes: Vec<String>,
    /// Whom the tokens are for (RFC 8707), where the provider wants to know.
    pub(crate) resource: Option<Url>,
    /// What this provider wants besides, such as `access_type`.
    pub(crate) authorization_parameters: BTreeMap<String, String>,
}

/// Where a provider's endpoints are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// In the metadata of this issuer (RFC 8414, or the discovery of `OpenID` Connect), as the file spells it.
    Issuer(String),
    /// In the file, for providers without metadata.
    Endpoints { authorization: Url, token: Url },
}

/// Where a connection's tools really come from.
#[derive(Debug)]
pub(crate) enum Source {
    Command(CommandSource),
    Http(HttpSource),
    Sandbox(PathBuf),
}

/// An MCP server started as a child process, one per account, spoken to over stdio.
pub(crate) struct CommandSource {
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    /// Values may hold the placeholders `{account_dir}`, `{identifier}`, `{api_key}`.
    pub(crate) env: BTreeMap<String, String>,
    /// The folder of `vmcp.toml`, where relative paths of the command are resolved.
    pub(crate) directory: PathBuf,
}

/// An MCP server reached over Streamable HTTP.
pub(crate) struct HttpSource {
    pub(crate) url: Url,
    /// Values may hold the placeholders `{identifier}`, `{api_key}`, `{access_token}`.
    pub(crate) headers: BTreeMap<String, String>,
}

// Values of environment and headers may be secrets written out: only their names are shown.

impl fmt::Debug for CommandSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSource")
            .field("command", &self.command)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("directory", &self.directory)
            .finish()
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSource")
            .field("url", &self.url.as_str())
            .field("headers", &self.headers.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests;
