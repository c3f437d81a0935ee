//! A session, which keeps its token across a fork.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{prelude::*, types::PyAny};

use crate::{
    client::{Handle, PerProcess},
    failure::Failure,
    runtime::{Records, run},
};

#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Session {
    #[pyo3(get)]
    url: String,
    #[pyo3(get)]
    identifier: String,
    current: Mutex<PerProcess<scalekit_vmcp::Session>>,
    client: Arc<Handle>,
}

impl Session {
    pub(crate) fn new(session: scalekit_vmcp::Session, client: Arc<Handle>) -> Self {
        Self {
            url: session.url().to_owned(),
            identifier: session.identifier().to_owned(),
            current: Mutex::new(PerProcess::new(session)),
            client,
        }
    }

    fn session(&self, py: Python<'_>) -> PyResult<scalekit_vmcp::Session> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let session = current.get(|inherited| {
            let client = self.client.client()?;
            let session = inherited.map(|session| session.on_client(&client));
            session.ok_or_else(|| Failure::closed("session_closed", "the session has ended"))
        });
        session.map_err(|failure| failure.raise(py))
    }
}

#[pymethods]
impl Session {
    #[classattr]
    const CREDENTIAL_HEADER: &'static str = scalekit_vmcp::Session::CREDENTIAL_HEADER;
    #[classattr]
    const REFUSED_STATUS: u16 = scalekit_vmcp::Session::REFUSED_STATUS;

    /// Does one of the things that a session does; JSON in and out.
    #[pyo3(signature = (operation, parameters, future=None, records=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: String,
        parameters: String,
        future: Option<Py<PyAny>>,
        records: Option<Py<Records>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        run(py, future, records, async move {
            Ok(session.call(&operation, &parameters).await?)
        })
    }
}
