//! The local engine of `scalekit-vmcp`: the REST API of Virtual MCP servers on an embedded
//! database, and a data plane that really serves MCP. Unofficial.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use scalekit_vmcp_engine::{LocalEngine, Settings};
//!
//! let engine = LocalEngine::builder()
//!     .settings(Settings::from_file("vmcp.toml".as_ref())?)
//!     .start()
//!     .await?;
//! println!("{} {} {}", engine.env_url(), engine.client_id(), engine.client_secret());
//! engine.close().await;
//! # Ok(())
//! # }
//! ```

mod accounts;
mod audit;
mod bearer;
pub mod cli;
mod control;
mod data;
mod engine;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod local;
mod outbound;
mod settings;
mod signing;
mod store;
mod upstream;

/// The test controls: what a [`LocalEngine`] takes and answers when a test steers it.
pub mod controls {
    pub use crate::local::{
        audit::{AuditFilter, AuditRecord, Decision},
        controls::{
            AccountStatus, AuthLink, AuthLinkState, CompletedLink, ControlError, Seed, SeedAccount,
            SeedConfig,
        },
        diagnostics::{DiagnosedError, Diagnosis, DiagnosticsFilter, LeftOutTool},
        faults::{AddedFault, Fault},
        journal::{JournalFilter, JournalRecord, Outcome, RecordKind},
    };
}

pub use local::{
    EngineControls, EngineError, LocalEngine, LocalEngineBuilder, OwnedEngine, StartError,
};
pub use settings::{Settings, SettingsError};
