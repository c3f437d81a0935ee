//! Errors: core's facts as JSON, made into exceptions by Python.

use pyo3::{prelude::*, sync::PyOnceLock};
use serde_json::{Value, json};

use crate::runtime::Inside;

/// What a code means and what to do.
#[pyfunction]
pub(crate) fn explain(code: &str) -> Option<&'static str> {
    scalekit_vmcp::explain(code)
}

/// Something that went wrong, not yet an exception: it may cross threads.
pub(crate) struct Failure(Value);

impl Failure {
    /// A call that comes too late or to the wrong process.
    pub(crate) fn closed(code: &'static str, message: &'static str) -> Self {
        Self(json!({ "kind": "closed", "code": code, "message": message }))
    }

    /// The exception, in a thread of Python's.
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        let _inside = Inside::enter(py);
        self.make(py)
    }

    /// The exception, made by the one function that knows the classes. For threads that are already
    /// inside, and for those of the runtime, which the exit waits for.
    pub(crate) fn make(self, py: Python<'_>) -> PyErr {
        static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let made = MAKE
            .import(py, "scalekit_vmcp.common.exceptions", "_from_json")
            .and_then(|make| make.call1((self.0.to_string(),)));
        match made {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        }
    }
}

impl From<scalekit_vmcp::Error> for Failure {
    fn from(error: scalekit_vmcp::Error) -> Self {
        Self(error.to_json())
    }
}

#[cfg(feature = "engine")]
impl From<scalekit_vmcp_engine::EngineError> for Failure {
    fn from(error: scalekit_vmcp_engine::EngineError) -> Self {
        Self(error.to_json())
    }
}
