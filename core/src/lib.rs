//! Virtual MCP servers for agent developers (unofficial client of Scalekit `AgentKit`).
//!
//! A *config* is one MCP endpoint per agent role: a named list of connections and the tools each
//! may show. A *session* is one agent run on it with one user's credentials: a URL and a bearer
//! token that stays valid until the run ends.
//!
//! ```no_run
//! # async fn example() -> Result<(), scalekit_vmcp::Error> {
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

mod accounts;
mod client;
mod configs;
mod credentials;
mod error;
mod explain;
mod flight;
mod model;
mod operations;
mod page;
mod retry;
mod rules;
mod session;
#[cfg(test)]
mod testing;
mod tls;
mod tokens;
mod transport;

pub use accounts::ListMcpConnectedAccounts;
pub use client::{Call, Client, ClientBuilder};
pub use configs::{DeleteConfig, GetConfig, ListConfigs, NewConfig, UpdateConfig};
pub use error::{Error, ErrorKind};
pub use explain::{codes, explain};
pub use model::{
    AccessLevel, AccountStatus, Config, ConfigPage, ConnectionAuthState, ConnectionToolMapping,
    SessionToken, Tools,
};
#[cfg(feature = "schema")]
pub use operations::schema;
pub use operations::{JsonStream, Operation, OperationDescription, operations};
pub use page::IterConfigs;
pub use session::{OpenSession, Session};
pub use tokens::{CreateSessionToken, Target};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
