//! The bridge between Python's threads and event loops and the runtime that does the work.
//!
//! * One runtime per process, started by the first call. A forked child starts its own and leaves
//!   the parent's alone: its threads exist in the parent only.
//! * Every lock of this crate is taken and released while the GIL is held, and Python forks while
//!   holding it: no child inherits a lock that nobody will open.
//! * At exit all threads that could call into Python are joined, with the GIL released. Python ends
//!   the others (daemons) where they next ask for the GIL, and with Rust on their stack that would
//!   abort the process: those are parked for good, and the exit waits for those on their way out.
//! * Awaited calls finish through `call_soon_threadsafe`, never on a loop that has been closed.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread::ThreadId,
    time::{Duration, Instant},
};

use pyo3::{
    IntoPyObjectExt, exceptions::PyRuntimeError, prelude::*, sync::PyOnceLock, types::PyAny,
};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::failure::Failure;

/// How long a blocking call waits before it looks for signals.
const SLICE: Duration = Duration::from_millis(50);
/// How long the end of the process may take for work that does not stop.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What one process has; `next` is a child's, written in the child.
struct Node {
    pid: u32,
    /// `None` before the first call, and after the end.
    runtime: Mutex<Option<Runtime>>,
    /// The thread that ends the interpreter, once it has begun.
    ender: OnceLock<ThreadId>,
    /// Threads that may have to ask for the GIL with Rust on their stack.
    inside: AtomicUsize,
    next: OnceLock<Box<Node>>,
}

static FIRST: OnceLock<Box<Node>> = OnceLock::new();

impl Node {
    /// That of this process.
    fn here(_gil: Python<'_>) -> &'static Self {
        let pid = std::process::id();
        let new = || {
            Box::new(Self {
                pid,
                runtime: Mutex::default(),
                ender: OnceLock::new(),
                inside: AtomicUsize::new(0),
                next: OnceLock::new(),
            })
        };
        let mut node = FIRST.get_or_init(new);
        while node.pid != pid {
            node = node.next.get_or_init(new);
        }
        node
    }

    /// The runtime, started if need be.
    fn handle(&self, py: Python<'_>) -> PyResult<Handle> {
        if self.ender.get().is_some() {
            let failure = Failure::closed("runtime_closed", "the interpreter is shutting down");
            return Err(failure.raise(py));
        }
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle().clone());
        }
        let started = start().map_err(|error| {
            PyRuntimeError::new_err(format!("cannot start the threads of the client: {error}"))
        })?;
        Ok(runtime.insert(started).handle().clone())
    }

    /// Whether another thread is ending the interpreter.
    fn ends_without_us(&self) -> bool {
        let us = std::thread::current().id();
        self.ender.get().is_some_and(|ender| *ender != us)
    }
}

fn start() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .thread_name("scalekit-vmcp")
        .enable_all()
        .build()
}

/// Around all that gives the GIL away or runs Python.
pub(crate) struct Inside(&'static Node);

impl Inside {
    pub(crate) fn enter(py: Python<'_>) -> Self {
        let node = Node::here(py);
        node.inside.fetch_add(1, Ordering::SeqCst);
        let inside = Self(node);
        if node.ends_without_us() {
            inside.detach(py, || ());
        }
        inside
    }

    /// Works without the GIL; comes back only if that is safe.
    pub(crate) fn detach<T: Send>(&self, py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
        py.detach(|| {
            let value = work();
            if self.0.ends_without_us() {
                self.0.inside.fetch_sub(1, Ordering::SeqCst);
                loop {
                    std::thread::park();
                }
            }
            value
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends the runtime; called at exit. Work under way is dropped.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>) {
    let node = Node::here(py);
    let _ = node.ender.set(std::thread::current().id());
    let runtime = node.runtime.lock();
    let runtime = runtime.unwrap_or_else(PoisonError::into_inner).take();
    py.detach(|| {
        let ends_at = Instant::now() + LAST_WAIT;
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(LAST_WAIT);
        }
        while node.inside.load(Ordering::SeqCst) > 0 && Instant::now() < ends_at {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// A call under way.
#[pyclass(frozen, module = "scalekit_vmcp._native")]
pub(crate) struct Task(tokio::task::AbortHandle);

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
    let work = scalekit_vmcp::Records::during(records, work);
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
    let handle = Node::here(py).handle(py)?;
    let inside = Inside::enter(py);
    let (sender, mut receiver) = sync_channel(1);
    let task = handle.spawn(async move {
        // The receiver is gone only when a signal handler has raised.
        let _ = sender.send(work.await);
    });
    loop {
        let receiver = &mut receiver;
        match inside.detach(py, move || receiver.recv_timeout(SLICE)) {
            Ok(outcome) => return outcome.map_err(|failure| failure.make(py)),
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
    let handle = Node::here(py).handle(py)?;
    let work = handle.spawn(work);
    let task = Task(work.abort_handle());
    handle.spawn(async move {
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
            let error = failure.map_or_else(broken, |failure| failure.make(py));
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
