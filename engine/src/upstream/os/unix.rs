//! Children on Unix: one thread spawns them, each leads a process group, a watcher guards them.

use std::{
    collections::HashSet,
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Command, runtime::Handle, sync::oneshot};

use super::{Spawned, Spec, watcher::Watcher};

/// Starts children. Nothing runs until the first one.
///
/// Linux sends the parent-death signal when the *thread* that forked ends, so all forks happen on
/// one thread that lives until [`Children::shut_down`].
#[derive(Default)]
pub(in crate::upstream) struct Children {
    spawner: Mutex<Option<Spawner>>,
}

struct Spawner {
    /// Where it was started: after a fork the children belong to the parent alone.
    pid: u32,
    requests: mpsc::Sender<Request>,
    thread: thread::JoinHandle<()>,
}

struct Request {
    spec: Spec,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Spawned>>,
}

impl Children {
    pub(in crate::upstream) async fn spawn(&self, spec: Spec) -> io::Result<Spawned> {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            spec,
            runtime: Handle::current(),
            reply,
        };
        let gone = || io::Error::other("the thread that starts children has ended");
        self.requests()?.send(request).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    fn requests(&self) -> io::Result<mpsc::Sender<Request>> {
        let mut spawner = lock(&self.spawner);
        if let Some(spawner) = spawner.as_ref() {
            return Ok(spawner.requests.clone());
        }
        let (requests, queue) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("vmcp-spawner".into())
            .spawn(move || run(&queue))?;
        *spawner = Some(Spawner {
            pid: std::process::id(),
            requests: requests.clone(),
            thread,
        });
        Ok(requests)
    }

    /// Kills everything that runs, at once, and returns when that is done.
    pub(in crate::upstream) fn shut_down(&self) {
        let Some(spawner) = lock(&self.spawner).take() else {
            return;
        };
        if spawner.pid != std::process::id() {
            // The thread does not exist here, and the pipe to the watcher is the parent's.
            std::mem::forget(spawner);
            return;
        }
        drop(spawner.requests);
        if spawner.thread.join().is_err() {
            tracing::error!("the thread that starts children panicked");
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.shut_down();
    }
}

fn run(queue: &mpsc::Receiver<Request>) {
    let groups = Arc::new(Groups::default());
    while let Ok(request) = queue.recv() {
        if request.reply.is_closed() {
            continue;
        }
        let _runtime = request.runtime.enter();
        // If nobody waits any more, dropping the child kills it.
        drop(request.reply.send(start(&request.spec, &groups)));
    }
    groups.kill_all();
}

fn start(spec: &Spec, groups: &Arc<Groups>) -> io::Result<Spawned> {
    groups.ensure_watcher()?;
    let mut command = Command::new(&spec.command);
    command
        .args(&spec.args)
        .env_clear()
        .envs(spec.environment())
        .current_dir(&spec.directory)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(target_os = "linux")]
    die_with_parent(&mut command);
    let mut process = command.spawn()?;
    let group = process
        .id()
        .and_then(|id| Pid::from_raw(id.try_into().ok()?))
        .ok_or_else(|| io::Error::other("the child has no process id"))?;
    let (stdin, stdout, stderr) = (
        process.stdin.take(),
        process.stdout.take(),
        process.stderr.take(),
    );
    let child = Child {
        process,
        group,
        pid: std::process::id(),
        groups: Arc::clone(groups),
    };
    groups.add(group)?;
    match (stdin, stdout, stderr) {
        (Some(stdin), Some(stdout), Some(stderr)) => Ok(Spawned {
            child,
            stdin,
            stdout,
            stderr,
        }),
        _ => Err(io::Error::other("the child has no pipes")),
    }
}

/// The kernel kills the child when the spawner thread ends, without the watcher's help.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "code between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before it could be noticed.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::ErrorKind::Interrupted.into())
        }
    };
    // SAFETY: the closure makes two system calls and compares two numbers. It neither allocates
    // nor takes a lock, so it is sound between fork and exec of a program with many threads.
    unsafe { command.pre_exec(prepare) };
}

/// A child and its group. Dropping it kills the group.
pub(in crate::upstream) struct Child {
    process: tokio::process::Child,
    group: Pid,
    /// The engine's own process id.
    pid: u32,
    groups: Arc<Groups>,
}

impl Child {
    /// Waits for the leader and reaps it.
    pub(in crate::upstream) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Asks the whole group to end.
    pub(in crate::upstream) fn terminate(&self) {
        signal(self.group, Signal::TERM);
    }

    /// Ends the whole group.
    pub(in crate::upstream) fn kill(&self) {
        signal(self.group, Signal::KILL);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            return; // a fork of the engine must not touch the engine's children
        }
        self.kill();
        self.groups.remove(self.group);
    }
}

fn signal(group: Pid, signal: Signal) {
    // A group that is gone already is what was wanted.
    if let Err(error) = kill_process_group(group, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::debug!(%error, "could not signal a group of children");
    }
}

/// The groups that live, and the watcher that knows them.
#[derive(Default)]
struct Groups(Mutex<State>);

#[derive(Default)]
struct State {
    live: HashSet<Pid>,
    watcher: Option<Watcher>,
}

impl Groups {
    fn ensure_watcher(&self) -> io::Result<()> {
        lock(&self.0).ensure_watcher()
    }

    fn add(&self, group: Pid) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.live.insert(group);
        state.tell(|watcher| watcher.add(group))
    }

    fn remove(&self, group: Pid) {
        let mut state = lock(&self.0);
        state.live.remove(&group);
        if let Err(error) = state.tell(|watcher| watcher.remove(group)) {
            tracing::warn!(%error, "children are not guarded against a killed engine");
        }
    }

    fn kill_all(&self) {
        let mut state = lock(&self.0);
        for group in state.live.drain() {
            signal(group, Signal::KILL);
        }
        state.watcher = None;
    }
}

impl State {
    fn ensure_watcher(&mut self) -> io::Result<()> {
        if self.watcher.is_none() {
            let mut watcher = Watcher::start()?;
            for group in &self.live {
                watcher.add(*group)?;
            }
            self.watcher = Some(watcher);
        }
        Ok(())
    }

    /// Tells the watcher one thing. If somebody killed it, a new one is told everything.
    fn tell(&mut self, say: impl FnOnce(&mut Watcher) -> io::Result<()>) -> io::Result<()> {
        if self
            .watcher
            .as_mut()
            .is_some_and(|watcher| say(watcher).is_ok())
        {
            return Ok(());
        }
        self.watcher = None;
        if self.live.is_empty() {
            return Ok(());
        }
        self.ensure_watcher()
    }
}

/// A poisoned lock still holds what is needed to clean up.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
