//! The client, which outlives a fork.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use pyo3::prelude::*;
use scalekit_vmcp::Client as Core;

use crate::{
    failure::Failure,
    runtime::{Inside, Records, run},
    session::{self, Session},
    stream::Stream,
};

/// A core client and how to make another one in a child process.
pub(crate) struct Handle {
    origin: Origin,
    current: Mutex<PerProcess<Core>>,
}

enum Origin {
    Options { options: String, closed: AtomicBool },
    Derived { from: Arc<Handle>, options: String },
}

impl Origin {
    /// `before` is the client of the process that this one was forked from.
    fn make(&self, before: Option<&Core>) -> Result<Core, Failure> {
        match self {
            Self::Options { options, closed } => {
                let client = match before {
                    Some(before) => before.for_new_process()?,
                    None => Core::from_json(options)?,
                };
                if closed.load(Ordering::Relaxed) {
                    client.close();
                }
                Ok(client)
            }
            Self::Derived { from, options } => Ok(from.client()?.with_json(options)?),
        }
    }

    fn close(&self) {
        match self {
            Self::Options { closed, .. } => closed.store(true, Ordering::Relaxed),
            Self::Derived { from, .. } => from.origin.close(),
        }
    }
}

impl Handle {
    fn new(origin: Origin) -> Result<Self, Failure> {
        let current = Mutex::new(PerProcess::new(origin.make(None)?));
        Ok(Self { origin, current })
    }

    /// The client of this process. To be called with the GIL held.
    pub(crate) fn client(&self) -> Result<Core, Failure> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.get(|before| self.origin.make(before))
    }
}

/// A value of one process. In a forked child it is made anew; the old one is left as it is, because
/// connections and threads behind it are the parent's.
pub(crate) struct PerProcess<T> {
    pid: u32,
    /// `None` only while it is dropped.
    value: Option<T>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            pid: std::process::id(),
            value: Some(value),
        }
    }

    /// The value, if it is this process's.
    pub(crate) fn own(&self) -> Option<&T> {
        self.value
            .as_ref()
            .filter(|_| self.pid == std::process::id())
    }

    pub(crate) fn get(
        &mut self,
        renew: impl FnOnce(Option<&T>) -> Result<T, Failure>,
    ) -> Result<T, Failure>
    where
        T: Clone,
    {
        if let Some(value) = self.own() {
            return Ok(value.clone());
        }
        let value = renew(self.value.as_ref())?;
        *self = Self::new(value.clone());
        Ok(value)
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            mem::forget(self.value.take());
        }
    }
}

#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Client(Arc<Handle>);

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, options: String) -> PyResult<Self> {
        let closed = AtomicBool::new(false);
        // Reading certificates takes a while, and no lock is needed for it.
        let handle =
            Inside::enter(py).detach(py, || Handle::new(Origin::Options { options, closed }));
        Ok(Self(Arc::new(handle.map_err(|failure| failure.raise(py))?)))
    }

    /// The same client with options for its calls.
    fn with_options(&self, py: Python<'_>, options: String) -> PyResult<Self> {
        let from = Arc::clone(&self.0);
        let handle = Handle::new(Origin::Derived { from, options });
        Ok(Self(Arc::new(handle.map_err(|failure| failure.raise(py))?)))
    }

    /// Runs an operation; JSON in and out.
    #[pyo3(signature = (operation, parameters, future=None, records=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: String,
        parameters: String,
        future: Option<Py<PyAny>>,
        records: Option<Py<Records>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client(py)?;
        run(py, future, records, async move {
            Ok(client.call(&operation, &parameters).await?)
        })
    }

    /// Starts a stream; sends nothing.
    fn stream(&self, py: Python<'_>, operation: &str, parameters: &str) -> PyResult<Stream> {
        let stream = self.client(py)?.stream(operation, parameters);
        let stream = stream.map_err(|error| Failure::from(error).raise(py))?;
        Ok(Stream::new(stream))
    }

    /// Opens a session.
    #[pyo3(signature = (parameters, future=None, records=None))]
    fn open_session<'py>(
        &self,
        py: Python<'py>,
        parameters: String,
        future: Option<Py<PyAny>>,
        records: Option<Py<Records>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (client, handle) = (self.client(py)?, Arc::clone(&self.0));
        run::<Session>(py, future, records, async move {
            let session = client.open_session_json(&parameters).await?;
            Ok(session::Session::new(session, handle))
        })
    }

    /// Ends this client and all that were derived from the same one.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.client(py)?.close();
        self.0.origin.close();
        Ok(())
    }
}

impl Client {
    fn client(&self, py: Python<'_>) -> PyResult<Core> {
        self.0.client().map_err(|failure| failure.raise(py))
    }
}
