//! The bridge between Python's threads and event loops and the runtime that does the work.
//!
//! * One runtime per process, started by the first call. A forked child starts its own and leaves
//!   the parent's alone: its threads exist in the parent only.
//! * A lock that a child may need is taken and released while the GIL is held, and Python forks
//!   while holding it: no child inherits a lock that nobody will open.
//! * At exit all threads that could call into Python are joined, with the GIL released. Python ends
//!   the others (daemons) where they next ask for the GIL, and with Rust on their stack that would
//!   abort the process: those are parked for good, and the exit waits for those on their way out.
//! * Awaited calls finish through `call_soon_threadsafe`, never on a loop that has been closed.

use std::{
    mem,
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
    /// Outcomes on their way to their futures.
    ready: Mutex<Vec<Delivery>>,
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
                ready: Mutex::default(),
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

/// What a call may come to.
pub(crate) trait Outcome: for<'py> IntoPyObject<'py> + Send + 'static {}
impl<T: for<'py> IntoPyObject<'py> + Send + 'static> Outcome for T {}

/// Does the work: with a `future` of a running event loop at once returns the task that will settle
/// it, else waits and returns the outcome.
pub(crate) fn run<T: Outcome>(
    py: Python<'_>,
    future: Option<Py<PyAny>>,
    records: Option<Py<Records>>,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> PyResult<Bound<'_, PyAny>> {
    let records = records.map(|records| records.get().0.clone());
    let work = scalekit_vmcp::Records::during(records, work);
    match future {
        None => wait(py, work)?.into_bound_py_any(py),
        Some(future) => settle_later(py, future, work)?.into_bound_py_any(py),
    }
}

fn wait<T: Outcome>(
    py: Python<'_>,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> PyResult<T> {
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

fn settle_later<T: Outcome>(
    py: Python<'_>,
    future: Py<PyAny>,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> PyResult<Task> {
    let node = Node::here(py);
    let handle = node.handle(py)?;
    let work = handle.spawn(work);
    let task = Task(work.abort_handle());
    handle.spawn(async move {
        let outcome = match work.await {
            Ok(outcome) => outcome.map_err(Some),
            // Whoever cancelled is not waiting any more.
            Err(error) if error.is_cancelled() => return,
            Err(_) => Err(None),
        };
        node.deliver(Box::new(move |py| match outcome {
            Ok(value) => (future, value, py.None()).into_py_any(py),
            Err(failure) => {
                let error = failure.map_or_else(broken, |failure| failure.make(py));
                (future, py.None(), error).into_py_any(py)
            }
        }));
    });
    Ok(task)
}

/// Makes what settles a future: itself, a value, an error.
type Delivery = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

impl Node {
    /// All that are ready by the time the GIL is had go together: to take it and to wake a loop costs
    /// more than all else.
    fn deliver(&'static self, delivery: Delivery) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push(delivery);
        if ready.len() == 1 {
            // Waiting for the GIL must not keep the workers from their work.
            tokio::task::spawn_blocking(|| Python::attach(|py| self.settle(py)));
        }
    }

    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        static SETTLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let settle = SETTLE.import(py, "scalekit_vmcp._bridge", "settle")?;
        let ready = mem::take(&mut *self.ready.lock().unwrap_or_else(PoisonError::into_inner));
        let made = |delivery: Delivery| delivery(py).ok();
        let outcomes: Vec<_> = ready.into_iter().filter_map(made).collect();
        settle.call1((outcomes,)).map(drop)
    }
}

/// The work panicked: a bug of ours.
fn broken() -> PyErr {
    PyRuntimeError::new_err("the client failed inside; please report this")
}
