//! `vmcp serve`: an engine in the foreground.

use std::{io::Write, path::PathBuf};

use clap::Args;
use tracing_subscriber::EnvFilter;

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
}

impl Serve {
    pub(super) fn run(self) -> Result<(), String> {
        let filter = EnvFilter::try_from_env("VMCP_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        // A host that has set up logging of its own keeps it.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .try_init();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("cannot start the async runtime: {error}"))?;
        runtime.block_on(self.serve())
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
        let signals =
            Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        // Whoever started it may have stopped listening; that is no reason to stop serving.
        if let Err(error) = greet(&engine) {
            tracing::warn!(%error, "cannot write to standard output");
        }
        signals.wait().await;
        engine.close().await;
        Ok(())
    }
}

fn greet(engine: &LocalEngine) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "vmcp serves at {}", engine.env_url())?;
    writeln!(out)?;
    writeln!(out, "export SCALEKIT_ENVIRONMENT_URL={}", engine.env_url())?;
    writeln!(out, "export SCALEKIT_CLIENT_ID={}", engine.client_id())?;
    if engine.client_is_generated() {
        writeln!(
            out,
            "export SCALEKIT_CLIENT_SECRET={}",
            engine.client_secret()
        )?;
    } else {
        writeln!(out, "# SCALEKIT_CLIENT_SECRET is that of the settings")?;
    }
    if let Some(token) = engine.admin_token() {
        writeln!(out, "export VMCP_ADMIN_TOKEN={token}")?;
    }
    writeln!(out)?;
    writeln!(out, "Stop it with Ctrl-C.")?;
    out.flush()
}

/// Ctrl-C, and on Unix the polite request to end.
#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ))
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
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

    async fn wait(mut self) {
        self.0.recv().await;
    }
}
