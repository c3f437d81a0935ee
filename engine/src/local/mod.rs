//! The engine as a thing to start, steer and stop: a listener on this machine, a clock under test
//! control, and reset.

pub(crate) mod clock;
mod controls;
mod engine;
mod guard;

pub use engine::{LocalEngine, LocalEngineBuilder, StartError};
