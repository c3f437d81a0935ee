//! The local engine and the `vmcp` command.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use scalekit_vmcp_engine::{EngineControls, OwnedEngine};

use crate::{
    failure::Failure,
    runtime::{Inside, Records, run},
};

#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Engine {
    pid: u32,
    owned: Mutex<OwnedEngine>,
    controls: EngineControls,
    #[pyo3(get)]
    env_url: String,
    #[pyo3(get)]
    client_id: String,
    #[pyo3(get)]
    client_secret: String,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, options: &str) -> PyResult<Self> {
        let started = Inside::enter(py).detach(py, || OwnedEngine::start(options));
        let engine = started.map_err(|error| Failure::from(error).raise(py))?;
        Ok(Self {
            pid: std::process::id(),
            env_url: engine.env_url().to_owned(),
            client_id: engine.client_id().to_owned(),
            client_secret: engine.client_secret().to_owned(),
            controls: engine.controls(),
            owned: Mutex::new(engine),
        })
    }

    /// Does what a test control does, JSON in and out.
    #[pyo3(signature = (operation, request, future=None, records=None))]
    fn control<'py>(
        &self,
        py: Python<'py>,
        operation: String,
        request: String,
        future: Option<Py<PyAny>>,
        records: Option<Py<Records>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = self.controls.run(operation, request);
        run(py, future, records, async {
            work.await.map_err(Failure::from)
        })
    }

    /// Stops the engine and waits for it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        // The lock is held while the engine ends: a child must not even try it.
        if self.pid != std::process::id() {
            let message = "this engine belongs to the process that started it: start another one after a fork";
            return Err(Failure::closed("engine_of_another_process", message).raise(py));
        }
        let closed = Inside::enter(py).detach(py, || {
            let mut engine = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
            engine.close()
        });
        closed.map_err(|error| Failure::from(error).raise(py))
    }
}

/// Runs the `vmcp` command and returns its exit code.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<String>) -> u8 {
    Inside::enter(py).detach(py, || scalekit_vmcp_engine::cli::run(arguments))
}
