//! A session, which keeps its token across a fork.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{prelude::*, types::PyAny};
use serde_json::json;

use crate::{
    client::{Handle, PerProcess},
    failure::Failure,
    runtime::run,
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
    /// The token that is valid now, as JSON.
    #[pyo3(signature = (future=None))]
    fn token<'py>(
        &self,
        py: Python<'py>,
        future: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        run(py, future, async move {
            Ok(session.token().await?.token().to_owned())
        })
    }

    /// The headers of a request, as pairs.
    #[pyo3(signature = (future=None))]
    fn headers<'py>(
        &self,
        py: Python<'py>,
        future: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        run(py, future, async move {
            let headers = session.headers().await?;
            let pair = |(name, value): (&_, &_)| (text_of(name), text_of(value));
            let pairs: Vec<(String, String)> = headers.iter().map(pair).collect();
            Ok(pairs)
        })
    }

    /// The credential for a request to `url`.
    #[pyo3(signature = (url, future=None))]
    fn authorization_for<'py>(
        &self,
        py: Python<'py>,
        url: String,
        future: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        run(py, future, async move {
            Ok(text_of(&session.authorization_for(&url).await?))
        })
    }

    /// Says that the server refused a credential.
    #[pyo3(signature = (credential, future=None))]
    fn rejected<'py>(
        &self,
        py: Python<'py>,
        credential: String,
        future: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        run(py, future, async move {
            Ok(session.rejected(&credential).await?)
        })
    }

    /// What an agent would find, as JSON.
    #[pyo3(signature = (future=None))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        future: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        run(py, future, async move {
            Ok(json!(session.check().await?).to_string())
        })
    }
}

/// Names and values of headers that core makes are ASCII.
fn text_of(bytes: &impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}
