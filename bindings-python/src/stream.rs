//! Items that come one after the other.

use std::sync::Arc;

use pyo3::{prelude::*, types::PyAny};
use scalekit_vmcp::JsonStream;
use tokio::sync::Mutex;

use crate::{
    client::PerProcess,
    failure::Failure,
    runtime::{Records, run},
};

#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Stream(PerProcess<Arc<Mutex<Option<JsonStream>>>>);

impl Stream {
    pub(crate) fn new(stream: JsonStream) -> Self {
        Self(PerProcess::new(Arc::new(Mutex::new(Some(stream)))))
    }
}

#[pymethods]
impl Stream {
    /// The next item as JSON; `None` at the end.
    #[pyo3(signature = (future=None, records=None))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        future: Option<Py<PyAny>>,
        records: Option<Py<Records>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(stream) = self.0.own() else {
            let message = "this iterator belongs to the process that started it: start another one after a fork";
            return Err(Failure::closed("iterator_of_another_process", message).raise(py));
        };
        let stream = Arc::clone(stream);
        run(py, future, records, async move {
            let mut place = stream.lock().await;
            let Some(mut items) = place.take() else {
                return Ok(None);
            };
            // Who stops waiting here drops the items, and with them the request.
            let next = items.next().await.transpose()?;
            *place = Some(items);
            Ok(next)
        })
    }
}
