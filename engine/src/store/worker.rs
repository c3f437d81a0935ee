//! One thread that owns one database connection and runs the closures it is sent, in order.

use std::{
    sync::mpsc::{self, Sender},
    thread::JoinHandle,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::{StoreError, changes::Changes};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

pub(super) struct Worker {
    behavior: TransactionBehavior,
    changes: Option<Changes>,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread; every job will be one transaction of this behaviour, and tells what it
    /// changed.
    pub(super) fn start(
        name: &str,
        mut connection: Connection,
        behavior: TransactionBehavior,
        changes: Option<Changes>,
    ) -> std::io::Result<Worker> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in inbox {
                    job(&mut connection);
                }
            })?;
        Ok(Worker {
            behavior,
            changes,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Runs `job` in a transaction that is committed when it succeeds and leaves no trace when it
    /// does not. Once started it runs to its end, even if nobody waits for the answer any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(job, move |result| drop(answer.send(result)))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// The same, blocking this thread: only for the moments while the store is being opened.
    pub(super) fn run_now<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::channel();
        self.send(job, move |result| drop(answer.send(result)))?;
        answered.recv().map_err(|_| StoreError::Closed)?
    }

    /// Runs it without waiting; `answer` is told how it ended.
    pub(super) fn send<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
        answer: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let (behavior, changes) = (self.behavior, self.changes.clone());
        let job: Job = Box::new(move |connection| {
            answer(in_transaction(connection, behavior, changes.as_ref(), job));
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    changes: Option<&Changes>,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let value = job(&transaction)?;
    let changed = changes.map(|_| Changes::of(&transaction)).transpose()?;
    transaction.commit()?;
    if let (Some(changes), Some(changed)) = (changes, changed) {
        changes.tell(&changed);
    }
    Ok(value)
}

impl Drop for Worker {
    /// Waits for the jobs already sent, so that the connection is closed when this returns.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to wait for.
            let _ = thread.join();
        }
    }
}
