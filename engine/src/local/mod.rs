//! The engine as a thing to start, steer and stop: a listener on this machine, a clock under test
//! control, and all else a test may want of it.

pub(crate) mod audit;
pub(crate) mod clock;
pub(crate) mod controls;
pub(crate) mod diagnostics;
mod drain;
mod engine;
pub(crate) mod faults;
mod guard;
pub(crate) mod journal;
mod owned;
pub(crate) mod request_log;
mod steered;
mod watch;
mod wire;

pub use engine::{LocalEngine, LocalEngineBuilder, StartError};
pub use owned::{EngineControls, EngineError, OwnedEngine};
