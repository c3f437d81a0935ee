//! What the API answers, as typed values. Forgiving: a missing field, `null` and `""` are one
//! thing, and unknown fields are ignored.

mod account;
mod config;
mod token;
mod wire;

pub use account::{AccountStatus, ConnectionAuthState};
pub(crate) use config::ConfigAnswer;
pub use config::{Config, ConfigPage, ConnectionToolMapping, Tools};
pub use token::{AccessLevel, SessionToken};
