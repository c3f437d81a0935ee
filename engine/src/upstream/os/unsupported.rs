//! Children on systems where nothing yet guarantees that they die with the engine.

use std::{io, process::ExitStatus};

use super::{Spawned, Spec};

/// Starts nothing.
#[derive(Default)]
pub(in crate::upstream) struct Children;

impl Children {
    #[expect(clippy::unused_async, reason = "the same signature as on Unix")]
    pub(in crate::upstream) async fn spawn(&self, _spec: Spec) -> io::Result<Spawned> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::upstream) fn shut_down(&self) {}
}

/// There is none.
pub(in crate::upstream) enum Child {}

impl Child {
    #[expect(clippy::unused_async, reason = "the same signature as on Unix")]
    pub(in crate::upstream) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match *self {}
    }

    pub(in crate::upstream) fn terminate(&self) {
        match *self {}
    }

    pub(in crate::upstream) fn kill(&self) {
        match *self {}
    }
}
