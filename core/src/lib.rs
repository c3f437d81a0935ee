//! Virtual MCP servers for agent developers (unofficial client of Scalekit `AgentKit`).
//!
//! A *config* is one MCP endpoint per agent role: a named list of connections and the tools each
//! may show. A *session* is one agent run on it with one user's credentials: a URL and a bearer
//! token that stays valid until the run ends.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), scalekit_vmcp::Error> {
//! use std::time::Duration;
//! use scalekit_vmcp::{Client, NewConfig};
//!
//! let client = Client::from_env()?;
//! let config = client
//!     .create_config(
//!         NewConfig::new("email-calendar-agent")
//!             .connection("gmail", ["gmail_fetch_mails"])
//!             .all_tools_of("googlecalendar"),
//!     )
//!     .await?;
//!
//! let session = client
//!     .open_session(&config, "user_123")
//!     .expiry(Duration::from_secs(3600))
//!     .await?;
//! let (url, headers) = (session.url(), session.headers().await?);
//! # Ok(())
//! # }
//! ```
//!
//! Every call answers with [`Error`], which says what went wrong, with what, and what to do.
//!
//! # Features
//!
//! None is on by default, and a client needs none. `schema` adds the JSON Schema of every operation's parameters
//! and result, from which types for other languages are written.

mod accounts;
mod check;
mod client;
mod configs;
mod connected_accounts;
mod credentials;
mod error;
mod explain;
mod flight;
mod instances;
mod model;
mod operations;
mod page;
mod records;
mod retry;
mod rules;
mod session;
#[cfg(test)]
mod testing;
mod tls;
mod tokens;
mod tools;
mod transport;
mod wait;

pub use accounts::ListMcpConnectedAccounts;
pub use check::{SessionReport, SessionWarning, ToolReport};
pub use client::{Call, Client, ClientBuilder};
pub use configs::{DeleteConfig, EnsureConfig, GetConfig, ListConfigs, NewConfig, UpdateConfig};
pub use connected_accounts::{
    AccountRef, DeleteConnectedAccount, GetAuthorizationLink, GetConnectedAccount,
    GetConnectedAccountDetails, GetOrCreateConnectedAccount, ListConnectedAccounts,
    NewConnectedAccount, SearchConnectedAccounts, UpdateConnectedAccount,
    VerifyConnectedAccountUser,
};
pub use error::{Error, ErrorKind};
pub use explain::{codes, explain};
pub use instances::{
    DeleteInstance, EnsureInstance, GetInstance, GetInstanceAuthState, ListInstances,
    UpdateInstance,
};
pub use model::{
    AccessLevel, AccountChange, AccountStatus, AuthorizationDetails, AuthorizationLink, Config,
    ConfigPage, ConnectedAccount, ConnectedAccountPage, ConnectionAuthState, ConnectionToolMapping,
    EnsuredConfig, Instance, InstancePage, Outcome, ScopedTool, ScopedToolPage, SessionToken, Tool,
    ToolPage, Tools, VerifiedUser,
};
#[cfg(feature = "schema")]
pub use operations::schema;
pub use operations::{Described, JsonStream, Operation, OperationDescription, Wire, operations};
pub use page::IterConfigs;
#[doc(hidden)]
pub use records::{Log, Records};
pub use session::{OpenSession, Session};
pub use tokens::{CreateSessionToken, Target};
pub use tools::{ListAvailableTools, ListScopedTools, ListTools};
pub use wait::WaitUntilActive;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
