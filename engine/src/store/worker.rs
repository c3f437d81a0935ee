//! One thread that owns one database connection and runs the closures it is sent, in order.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::{StoreError, changes::Changes};

/// How long what has time waits, so that many can become one.
const LATER: Duration = Duration::from_millis(50);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

enum Message {
    Now(Job),
    Later(Job),
}

pub(super) struct Worker {
    behavior: TransactionBehavior,
    changes: Option<Changes>,
    jobs: Option<Sender<Message>>,
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
        let (jobs, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&inbox, &mut connection))?;
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
        self.send(Message::Now, job, move |result| drop(answer.send(result)))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// The same, blocking this thread: only for the moments while the store is being opened.
    pub(super) fn run_now<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::channel();
        self.send(Message::Now, job, move |result| drop(answer.send(result)))?;
        answered.recv().map_err(|_| StoreError::Closed)?
    }

    /// Runs a job some time soon, without waiting for it; `failed` is told if it does not succeed.
    pub(super) fn run_later(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static,
        failed: impl FnOnce(StoreError) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.send(Message::Later, job, |done| done.unwrap_or_else(failed))
    }

    fn send<T>(
        &self,
        when: fn(Job) -> Message,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
        answer: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let (behavior, changes) = (self.behavior, self.changes.clone());
        let job: Job = Box::new(move |connection| {
            answer(in_transaction(connection, behavior, changes.as_ref(), job));
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(when(job)).map_err(|_| StoreError::Closed)
    }
}

/// Until nobody can send anything more; then what has time has none left.
fn work(inbox: &Receiver<Message>, connection: &mut Connection) {
    let mut later: Vec<Job> = Vec::new();
    let mut due: Option<Instant> = None;
    loop {
        let next = match due.map(|due| due.saturating_duration_since(Instant::now())) {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
            Some(left) => inbox.recv_timeout(left),
        };
        match next {
            Ok(Message::Now(job)) => job(connection),
            Ok(Message::Later(job)) => {
                later.push(job);
                due = due.or_else(|| Some(Instant::now() + LATER));
            }
            Err(ended) => {
                due = None;
                for job in later.drain(..) {
                    job(connection);
                }
                if ended == RecvTimeoutError::Disconnected {
                    return;
                }
            }
        }
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
