//! What the API answers, as typed values. Forgiving: a missing field, `null` and `""` are one
//! thing, and unknown fields are ignored.

mod account;
mod config;
mod connected_account;
mod instance;
mod time;
mod token;
mod tool;
mod wire;

pub use account::{AccountChange, AccountStatus, ConnectionAuthState};
pub(crate) use config::ConfigAnswer;
pub use config::{Config, ConfigPage, ConnectionToolMapping, EnsuredConfig, Outcome, Tools};
pub(crate) use connected_account::ConnectedAccountAnswer;
pub use connected_account::{
    AuthorizationDetails, AuthorizationLink, ConnectedAccount, ConnectedAccountPage, VerifiedUser,
};
pub(crate) use instance::InstanceAnswer;
pub use instance::{Instance, InstancePage};
pub(crate) use token::is_bearer;
pub use token::{AccessLevel, SessionToken};
pub use tool::{ScopedTool, ScopedToolPage, Tool, ToolPage};
