//! The local engine and the `vmcp` command.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use scalekit_vmcp_engine::{EngineError, OwnedEngine};

use crate::failure::Failure;

#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Engine {
    pid: u32,
    owned: Mutex<OwnedEngine>,
    #[pyo3(get)]
    env_url: String,
    #[pyo3(get)]
    client_id: String,
    #[pyo3(get)]
    client_secret: String,
}

impl Engine {
    /// The lock is held while the engine works: a child must not even try it.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Send + FnOnce(&mut OwnedEngine) -> Result<T, EngineError>,
    ) -> PyResult<T> {
        if self.pid != std::process::id() {
            let message = "this engine belongs to the process that started it: start another one after a fork";
            return Err(Failure::closed("engine_of_another_process", message).raise(py));
        }
        let done = py.detach(|| {
            let mut engine = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut engine)
        });
        done.map_err(|error| Failure::from(error).raise(py))
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, options: &str) -> PyResult<Self> {
        let started = py.detach(|| OwnedEngine::start(options));
        let engine = started.map_err(|error| Failure::from(error).raise(py))?;
        Ok(Self {
            pid: std::process::id(),
            env_url: engine.env_url().to_owned(),
            client_id: engine.client_id().to_owned(),
            client_secret: engine.client_secret().to_owned(),
            owned: Mutex::new(engine),
        })
    }

    /// Stops the clock.
    fn freeze_clock(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |engine| engine.freeze_clock())
    }

    /// Moves the clock forward.
    fn advance_clock(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        self.with(py, |engine| engine.advance_clock(seconds))
    }

    /// Empties the engine.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |engine| engine.reset())
    }

    /// Stops the engine and waits for it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, OwnedEngine::close)
    }
}

/// Runs the `vmcp` command and returns its exit code.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<String>) -> u8 {
    py.detach(|| scalekit_vmcp_engine::cli::run(arguments))
}
