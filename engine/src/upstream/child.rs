//! One child process: started for one account, its stderr kept, stopped step by step.

use std::{
    collections::VecDeque,
    io,
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Owner,
    error::{Tail, UpstreamError},
    os::{self, Children, Spawned, Spec},
    room::Seat,
    templates::{Place, fill, redact},
};
use crate::settings::CommandSource;

/// How long a child may take to leave after its stdin closed, and again after SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the end of stderr once the group is dead.
const STDERR_GRACE: Duration = Duration::from_secs(1);
/// Shorter values of `env` are words such as `true`, not secrets.
const SHORTEST_SECRET: usize = 6;
const STDERR_LINES: usize = 20;
const STDERR_LINE_BYTES: u64 = 4096;

/// A running child. Dropping it stops it gracefully in the background.
pub(super) struct Process {
    stop: CancellationToken,
    kill: CancellationToken,
    /// How it ended, once it has been reaped and its group is dead.
    ended: watch::Receiver<Option<String>>,
    stderr: Lines,
}

/// The last lines of stderr.
type Lines = Arc<Mutex<VecDeque<String>>>;

impl Process {
    pub(super) async fn start(
        connection: &str,
        source: &CommandSource,
        owner: &Owner,
        children: &Children,
        seat: Seat,
    ) -> Result<(Self, ChildStdout, ChildStdin), UpstreamError> {
        let failed = |reason: String| UpstreamError::StartFailed {
            connection: connection.into(),
            reason,
            stderr: Tail::default(),
        };
        let mut env = Vec::with_capacity(source.env.len());
        for (name, template) in &source.env {
            let value = fill(name, template, Place::Env, owner).map_err(|source| {
                UpstreamError::Template {
                    connection: connection.into(),
                    source,
                }
            })?;
            env.push((name.clone(), value));
        }
        os::create_private_directory(&owner.directory)
            .await
            .map_err(|error| UpstreamError::Directory {
                connection: connection.into(),
                path: owner.directory.clone(),
                source: Arc::new(error),
            })?;
        // Otherwise the system reports a missing folder as a missing command.
        if !source.directory.is_dir() {
            let folder = source.directory.display();
            return Err(failed(format!("the folder `{folder}` does not exist")));
        }
        // What the file gives a child may be a secret too, and children print what they fail with.
        let secrets = env
            .iter()
            .map(|(_, value)| value)
            .filter(|value| value.chars().count() >= SHORTEST_SECRET)
            .map(|value| SecretString::from(value.as_str()))
            .chain(owner.credential.clone())
            .collect();
        let spec = Spec {
            command: source.command.clone(),
            args: source.args.clone(),
            env,
            directory: source.directory.clone(),
        };
        let Spawned {
            child,
            stdin,
            stdout,
            stderr,
        } = children
            .spawn(spec)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => UpstreamError::CommandNotFound {
                    connection: connection.into(),
                    command: source.command.clone(),
                },
                io::ErrorKind::Unsupported => UpstreamError::Unsupported {
                    connection: connection.into(),
                },
                _ => failed(format!("`{}`: {error}", source.command)),
            })?;
        let lines = Lines::default();
        let reader = tokio::spawn(keep(
            stderr,
            Arc::clone(&lines),
            connection.to_owned(),
            secrets,
        ));
        let (ended_sender, ended) = watch::channel(None);
        let process = Self {
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
            ended,
            stderr: lines,
        };
        tokio::spawn(supervise(
            child,
            process.stop.clone(),
            process.kill.clone(),
            reader,
            ended_sender,
            seat,
        ));
        Ok((process, stdout, stdin))
    }

    /// Starts the stopping: SIGTERM and SIGKILL follow. The caller closes stdin.
    pub(super) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Ends the group now.
    pub(super) fn kill(&self) {
        self.kill.cancel();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Waits until the child is reaped and its group is dead; says how it ended.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(status) => status.clone().unwrap_or_default(),
            // The supervisor went away with its runtime, and the child with it.
            Err(_) => "killed".to_owned(),
        }
    }

    pub(super) fn stderr(&self) -> Tail {
        let lines = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        Tail(lines.iter().cloned().collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

/// Stays with a child to the end, which comes by itself, step by step, or at once.
async fn supervise(
    mut child: os::Child,
    stop: CancellationToken,
    kill: CancellationToken,
    stderr: tokio::task::JoinHandle<()>,
    ended: watch::Sender<Option<String>>,
    seat: Seat,
) {
    let early = tokio::select! {
        status = child.wait() => Some(status),
        () = kill.cancelled() => None,
        () = stop.cancelled() => None,
    };
    let status = match early {
        Some(status) => status,
        None => end(&mut child, &kill).await,
    };
    // Also what the leader left behind in its group.
    drop(child);
    drop(seat);
    if timeout(STDERR_GRACE, stderr).await.is_err() {
        tracing::debug!("something outside the group of a child still holds its stderr");
    }
    ended.send_replace(Some(match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }));
}

/// Time to leave by itself, SIGTERM, more time, SIGKILL; or SIGKILL as soon as that is wanted.
async fn end(child: &mut os::Child, kill: &CancellationToken) -> io::Result<ExitStatus> {
    for asked in [false, true] {
        if asked {
            child.terminate();
        }
        tokio::select! {
            biased;
            () = kill.cancelled() => break,
            status = child.wait() => return status,
            () = sleep(STOP_GRACE) => {}
        }
    }
    child.kill();
    child.wait().await
}

/// Reads stderr to its end, so that the child never blocks on it, and keeps the last lines.
async fn keep(stderr: ChildStderr, lines: Lines, connection: String, secrets: Vec<SecretString>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader)
            .take(STDERR_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let cut = !line.ends_with(b"\n") && skip_line(&mut reader).await;
        let mut text = redact(&String::from_utf8_lossy(&line), &secrets);
        if cut {
            // The cut may have gone through a secret, which then is not recognized.
            let longest = secrets
                .iter()
                .map(|secret| secret.expose_secret().chars().count())
                .max();
            for _ in 0..longest.unwrap_or_default() {
                text.pop();
            }
        }
        let text = text.trim_end().to_owned();
        tracing::debug!(connection, "stderr: {text}");
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == STDERR_LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

/// Skips the rest of a line that is too long; `false` if there is none.
async fn skip_line(reader: &mut BufReader<ChildStderr>) -> bool {
    let mut skipped = false;
    loop {
        let (consumed, ended) = match reader.fill_buf().await {
            Ok([]) | Err(_) => return skipped,
            Ok(buffer) => match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            },
        };
        reader.consume(consumed);
        skipped = true;
        if ended {
            return true;
        }
    }
}
