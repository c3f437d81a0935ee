//! The engine as a thing to start, steer and stop: a listener on this machine, a clock under test
//! control, and reset.

pub(crate) mod clock;
mod controls;
mod drain;
mod engine;
mod guard;
mod owned;
pub(crate) mod request_log;

pub use engine::{LocalEngine, LocalEngineBuilder, StartError};
pub use owned::{EngineError, OwnedEngine};
