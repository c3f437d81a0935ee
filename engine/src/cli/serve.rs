//! `vmcp serve`: an engine in the foreground.

use std::{borrow::Cow, io::Write, path::PathBuf};

use clap::Args;

use super::log::{self, LogFormat};
use crate::{LocalEngine, Settings};

#[derive(Args)]
pub(super) struct Serve {
    /// The file with clients and connections.
    #[arg(long, default_value = "vmcp.toml", env = "VMCP_CONFIG")]
    config: PathBuf,
    /// Where the database and the accounts' files live.
    #[arg(long, default_value = ".vmcp", env = "VMCP_DATA")]
    data: PathBuf,
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8484, env = "VMCP_PORT")]
    port: u16,
    /// Let tests steer the engine over HTTP, under `/_local/`: prints their token.
    #[arg(long)]
    test_controls: bool,
    /// Let ids follow from this number, so that the same steps give the same ones.
    #[arg(long, value_name = "NUMBER", requires = "test_controls")]
    seed_ids: Option<u64>,
    /// How the log on standard error is written; `VMCP_LOG` filters it.
    #[arg(long, value_enum, default_value = "text", env = "VMCP_LOG_FORMAT")]
    log_format: LogFormat,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), String> {
        log::start(self.log_format)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("cannot start the async runtime: {error}"))?;
        let result = runtime.block_on(self.serve());
        // Whatever still runs after the engine has had its time ends with the process.
        runtime.shutdown_background();
        result
    }

    async fn serve(self) -> Result<(), String> {
        let settings = Settings::from_file(&self.config).map_err(|error| error.to_string())?;
        let mut builder = LocalEngine::builder()
            .settings(settings)
            .data_folder(self.data)
            .port(self.port)
            .test_controls(self.test_controls);
        if !self.test_controls {
            builder = builder.unwatched();
        }
        if let Some(seed) = self.seed_ids {
            builder = builder.seed_ids(seed);
        }
        let engine = builder.start().await.map_err(|error| error.to_string())?;
        // Before anybody is told that Ctrl-C ends it.
        let mut signals =
            Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        // Whoever started it may have stopped listening; that is no reason to stop serving.
        if let Err(error) = greet(&engine) {
            tracing::warn!(%error, "cannot write to standard output");
        }
        signals.wait().await;
        tokio::select! {
            () = engine.close() => Ok(()),
            () = signals.wait() => Err("stopped before requests under way had finished".to_owned()),
        }
    }
}

/// What to do next; all of it but the first line works when it is pasted into a shell.
fn greet(engine: &LocalEngine) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "vmcp serves at {}", engine.env_url())?;
    writeln!(out)?;
    export(&mut out, "SCALEKIT_ENVIRONMENT_URL", engine.env_url())?;
    export(&mut out, "SCALEKIT_CLIENT_ID", engine.client_id())?;
    if engine.client_is_generated() {
        export(&mut out, "SCALEKIT_CLIENT_SECRET", engine.client_secret())?;
    } else {
        writeln!(out, "# SCALEKIT_CLIENT_SECRET is that of the settings")?;
    }
    if let Some(token) = engine.admin_token() {
        export(&mut out, "VMCP_ADMIN_TOKEN", token)?;
    }
    writeln!(out)?;
    writeln!(out, "# Next, an access token:")?;
    writeln!(out, "{TOKEN_COMMAND}")?;
    writeln!(out)?;
    writeln!(out, "Stop it with Ctrl-C.")?;
    out.flush()
}

fn export(out: &mut impl Write, name: &str, value: &str) -> std::io::Result<()> {
    writeln!(out, "export {name}={}", quoted(value))
}

/// The secret comes by standard input: a command line is for everybody to see.
const TOKEN_COMMAND: &str = r#"printf %s "$SCALEKIT_CLIENT_SECRET" | curl --silent --show-error --data grant_type=client_credentials --data-urlencode "client_id=$SCALEKIT_CLIENT_ID" --data-urlencode client_secret@- "$SCALEKIT_ENVIRONMENT_URL/oauth/token""#;

/// As one word of a shell.
fn quoted(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

/// Ctrl-C, and on Unix the polite request to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Heard, so that a file that must not grow any more is an error of the write and not the end.
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C, and on Unix the polite request to end.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn wait(&mut self) {
        self.0.recv().await;
    }
}
