//! The native half of the Python package: handles, the bridge to Python's threads and event
//! loops, and errors. What an operation means is core's business, how it reads is Python's.

mod client;
#[cfg(feature = "engine")]
mod engine;
mod failure;
mod runtime;
mod session;
mod stream;

/// See `_native.pyi`. Its locks count on the GIL, also across a fork.
#[pyo3::pymodule(gil_used = true)]
mod _native {
    use pyo3::{prelude::*, types::PyModule, wrap_pyfunction};

    #[pymodule_export]
    use crate::client::Client;
    #[cfg(feature = "engine")]
    #[pymodule_export]
    use crate::engine::{Engine, run_command};
    #[pymodule_export]
    use crate::failure::explain;
    #[pymodule_export]
    use crate::runtime::{Records, Task};
    #[pymodule_export]
    use crate::session::Session;
    #[pymodule_export]
    use crate::stream::Stream;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let shutdown = wrap_pyfunction!(crate::runtime::shutdown, module)?;
        let atexit = module.py().import("atexit")?;
        atexit.call_method1("register", (shutdown,)).map(drop)
    }
}
