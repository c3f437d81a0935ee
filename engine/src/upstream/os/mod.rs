//! The only code of the engine that depends on the operating system: processes and private folders.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
mod watcher;

use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

#[cfg(unix)]
pub(super) use self::unix::{Child, Children};
#[cfg(not(unix))]
pub(super) use self::unsupported::{Child, Children};

/// What a child may know of the engine's environment; everything else is in the connection.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// What to start. No `Debug`: the environment holds credentials.
pub(super) struct Spec {
    pub(super) command: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) directory: PathBuf,
}

impl Spec {
    /// The whole environment of the child.
    fn environment(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let inherited = INHERITED
            .into_iter()
            .filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
        let own = self
            .env
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        inherited.chain(own)
    }
}

/// A child that has just been started, and its pipes.
pub(super) struct Spawned {
    pub(super) child: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// Creates a folder nobody else may enter.
pub(super) async fn create_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = tokio::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path).await
}
