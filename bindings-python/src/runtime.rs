//! The bridge between Python's threads and event loops and the runtime that does the work.
//!
//! * One runtime per process, started by the first call. A forked child starts its own and leaves
//!   the parent's alone: its threads exist in the parent only.
//! * Every lock of this crate is taken and released while the GIL is held, and Python forks while
//!   holding it: no child inherits a lock that nobody will open.
//! * At exit all threads that could call into Python are joined, with the GIL released. A Python
//!   thread (a daemon) still waiting then is parked for good: to come back would abort the process.
//! * Awaited calls finish through `call_soon_threadsafe`, never on a loop that has been closed.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        mpsc::{RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use pyo3::{
    IntoPyObjectExt, exceptions::PyRuntimeError, prelude::*, sync::PyOnceLock, types::PyAny,
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::AbortHandle,
};

use crate::failure::Failure;

/// How long a blocking call waits before it looks for signals.
const SLICE: Duration = Duration::from_millis(50);
/// How long the end of the process may take for work that does not stop.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// The runtime of one process; `next` is that of a child, written in the child.
struct Node {
    pid: u32,
    handle: Handle,
    /// `None` once the interpreter has begun to exit.
    runtime: Mutex<Option<Runtime>>,
    next: OnceLock<Box<Node>>,
}

static FIRST: OnceLock<Box<Node>> = OnceLock::new();

impl Node {
    fn start() -> PyResult<Box<Self>> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .thread_name("scalekit-vmcp")
            .enable_all()
            .build()
            .map_err(|error| {
                PyRuntimeError::new_err(format!("cannot start the threads of the client: {error}"))
            })?;
        Ok(Box::new(Self {
            pid: std::process::id(),
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            next: OnceLock::new(),
        }))
    }

    fn is_closing(&self) -> bool {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        runtime.is_none()
    }
}

/// The runtime of this process, if one was started.
fn existing(_gil: Python<'_>) -> Result<&'static Node, &'static OnceLock<Box<Node>>> {
    let pid = std::process::id();
    let mut place = &FIRST;
    while let Some(node) = place.get() {
        if node.pid == pid {
            return Ok(node);
        }
        place = &node.next;
    }
    Err(place)
}

/// The runtime of this process, started if need be.
fn node(py: Python<'_>) -> PyResult<&'static Node> {
    let node = match existing(py) {
        Ok(node) => node,
        Err(place) => {
            let started = Node::start()?;
            place.get_or_init(|| started)
        }
    };
    if node.is_closing() {
        let error = Failure::closed("runtime_closed", "the interpreter is shutting down");
        return Err(error.raise(py));
    }
    Ok(node)
}

/// Ends the runtime; called at exit. Work under way is dropped.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>) {
    let Ok(node) = existing(py) else { return };
    let runtime = node
        .runtime
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(runtime) = runtime {
        py.detach(|| runtime.shutdown_timeout(LAST_WAIT));
    }
}

/// A call under way.
#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Task(AbortHandle);

#[pymethods]
impl Task {
    /// Drops the call, its request included; nothing if it has ended.
    fn cancel(&self) {
        self.0.abort();
    }
}

/// What a call did, for `logging`.
#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Records(scalekit_vmcp::Records);

#[pymethods]
impl Records {
    #[new]
    fn new(level: &str) -> Self {
        Self(scalekit_vmcp::Records::new(level))
    }

    /// The records as a JSON list, once.
    fn take(&self) -> String {
        self.0.take()
    }
}

/// Does the work: with a `future` of a running event loop at once returns the task that will settle
/// it, else waits and returns the outcome.
pub(crate) fn run<T, F>(
    py: Python<'_>,
    future: Option<Py<PyAny>>,
    records: Option<Py<Records>>,
    work: F,
) -> PyResult<Bound<'_, PyAny>>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let records = records.map(|records| records.get().0.clone());
    let work = async move {
        match records {
            Some(records) => records.during(work).await,
            None => work.await,
        }
    };
    match future {
        None => wait(py, work)?.into_bound_py_any(py),
        Some(future) => settle_later(py, future, work)?.into_bound_py_any(py),
    }
}

fn wait<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let node = node(py)?;
    let (sender, receiver) = sync_channel(1);
    let task = node.handle.spawn(async move {
        // The receiver is gone only when a signal handler has raised.
        let _ = sender.send(work.await);
    });
    // The receiver is not `Sync`, and need not be.
    let receiver = Mutex::new(receiver);
    loop {
        let slice = py.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            match receiver.recv_timeout(SLICE) {
                Err(_) if node.is_closing() => loop {
                    std::thread::park();
                },
                outcome => outcome,
            }
        });
        match slice {
            Ok(outcome) => return outcome.map_err(|failure| failure.raise(py)),
            Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| task.abort())?,
            Err(RecvTimeoutError::Disconnected) => return Err(broken()),
        }
    }
}

fn settle_later<T, F>(py: Python<'_>, future: Py<PyAny>, work: F) -> PyResult<Task>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let node = node(py)?;
    let work = node.handle.spawn(work);
    let task = Task(work.abort_handle());
    node.handle.spawn(async move {
        let outcome = match work.await {
            Ok(outcome) => outcome.map_err(Some),
            // Whoever cancelled is not waiting any more.
            Err(error) if error.is_cancelled() => return,
            Err(_) => Err(None),
        };
        // Waiting for the GIL must not keep the workers from their work.
        let settled = tokio::task::spawn_blocking(move || {
            Python::attach(|py| {
                // A loop that was closed meanwhile has nobody left to tell.
                let _ = settle(py, future.bind(py), outcome);
            });
        });
        let _ = settled.await;
    });
    Ok(task)
}

fn settle<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    future: &Bound<'py, PyAny>,
    outcome: Result<T, Option<Failure>>,
) -> PyResult<()> {
    static SETTLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let target = future.call_method0("get_loop")?;
    if target.call_method0("is_closed")?.is_truthy()? {
        return Ok(());
    }
    let (value, error) = match outcome {
        Ok(value) => (value.into_bound_py_any(py)?, None),
        Err(failure) => {
            let error = failure.map_or_else(broken, |failure| failure.raise(py));
            (py.None().into_bound(py), Some(error))
        }
    };
    let settle = SETTLE.import(py, "scalekit_vmcp._bridge", "settle")?;
    let arguments = (settle, future, value, error);
    target
        .call_method1("call_soon_threadsafe", arguments)
        .map(drop)
}

/// The work panicked: a bug of ours.
fn broken() -> PyErr {
    PyRuntimeError::new_err("the client failed inside; please report this")
}
