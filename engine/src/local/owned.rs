//! An engine with a runtime of its own, for hosts that have none: the door for language bindings.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Weak},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::runtime::{Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

use super::{
    controls::{self, ControlError},
    engine::{LocalEngine, Parts, StartError},
};
use crate::settings::Settings;

/// What an engine is started with, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// A `vmcp.toml`.
    #[serde(default)]
    config: Option<PathBuf>,
    /// The text of one.
    #[serde(default)]
    config_toml: Option<String>,
    /// Where relative paths in the text start; the current folder if not set.
    #[serde(default)]
    config_folder: Option<PathBuf>,
    #[serde(default)]
    data_folder: Option<PathBuf>,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    seed_ids: Option<u64>,
}

impl Options {
    fn read(text: &str) -> Result<Self, EngineError> {
        // A struct would also be read from a list.
        let options: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| EngineError::argument(error.to_string()))?;
        serde_path_to_error::deserialize(Value::Object(options)).map_err(|error| {
            let name = error.path().to_string();
            if error.path().iter().next().is_none() {
                return EngineError::argument(error.inner().to_string());
            }
            EngineError {
                argument: Some(name.clone()),
                ..EngineError::argument(format!("`{name}`: {}", error.inner()))
            }
        })
    }
}

/// Why an engine could not be started or steered, in the form in which bindings raise errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError {
    kind: &'static str,
    code: &'static str,
    message: String,
    argument: Option<String>,
}

impl EngineError {
    fn new(kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            argument: None,
        }
    }

    fn argument(message: impl Into<String>) -> Self {
        Self::new("invalid_argument", "engine_options_invalid", message)
    }

    fn closed() -> Self {
        Self::new("closed", "engine_closed", "the engine has been closed")
    }

    /// The client's error form: `kind`, `code`, `message`, and the `argument` that is wrong.
    pub fn to_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "code": self.code,
            "message": self.message,
            "argument": self.argument,
        })
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {}

impl From<StartError> for EngineError {
    fn from(error: StartError) -> Self {
        let (kind, code) = match &error {
            StartError::Settings(_) => ("invalid_argument", "engine_settings_invalid"),
            StartError::Listen { .. } => ("connection", "engine_listen_failed"),
            StartError::DataFolder { .. } | StartError::Open(_) => {
                ("server", "engine_data_unusable")
            }
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<ControlError> for EngineError {
    fn from(error: ControlError) -> Self {
        let (kind, code) = error.kind.names();
        Self {
            argument: error.field.clone(),
            ..Self::new(kind, code, error.to_string())
        }
    }
}

/// A [`LocalEngine`] with its own threads. Its methods block: call them from threads that may wait.
///
/// In a process that was forked from the one that started it, every method fails and dropping it
/// touches nothing.
pub struct OwnedEngine {
    pid: u32,
    env_url: String,
    client_id: String,
    client_secret: String,
    /// `None` once closed.
    running: Option<(Runtime, LocalEngine)>,
}

impl OwnedEngine {
    /// Starts an engine from JSON options: `config` (a file) or `config_toml` (its text) with
    /// `config_folder`, `data_folder`, `port`, `seed_ids`; all optional.
    ///
    /// # Errors
    /// [`EngineError`]; nothing is left running.
    pub fn start(options: &str) -> Result<Self, EngineError> {
        let options = Options::read(options)?;
        let settings = match (options.config, options.config_toml) {
            (Some(_), Some(_)) => {
                return Err(EngineError::argument(
                    "pass `config` or `config_toml`, not both",
                ));
            }
            (Some(file), None) => Settings::from_file(&file),
            (None, Some(text)) => {
                let folder = options.config_folder.unwrap_or_else(|| PathBuf::from("."));
                Settings::from_toml(&text, &folder)
            }
            (None, None) => Ok(Settings::default()),
        };
        let mut builder = LocalEngine::builder()
            .settings(settings.map_err(StartError::from)?)
            .port(options.port);
        if let Some(seed) = options.seed_ids {
            builder = builder.seed_ids(seed);
        }
        if let Some(folder) = options.data_folder {
            builder = builder.data_folder(folder);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .thread_name("vmcp-engine")
            .enable_all()
            .build()
            .map_err(|error| {
                EngineError::new("server", "engine_threads_unavailable", error.to_string())
            })?;
        match runtime.block_on(builder.start()) {
            Ok(engine) => Ok(Self {
                pid: std::process::id(),
                env_url: engine.env_url().to_owned(),
                client_id: engine.client_id().to_owned(),
                client_secret: engine.client_secret().to_owned(),
                running: Some((runtime, engine)),
            }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error.into())
            }
        }
    }

    /// See [`LocalEngine::env_url`].
    pub fn env_url(&self) -> &str {
        &self.env_url
    }

    /// See [`LocalEngine::client_id`].
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// See [`LocalEngine::client_secret`].
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// The test controls of this engine.
    pub fn controls(&self) -> EngineControls {
        let (handle, parts) = match &self.running {
            Some((runtime, engine)) => (
                Some(runtime.handle().clone()),
                Arc::downgrade(&engine.parts),
            ),
            None => (None, Weak::new()),
        };
        EngineControls {
            pid: self.pid,
            handle,
            parts,
        }
    }

    /// Stops the engine and all that it started, and waits for it. Closing twice is fine.
    ///
    /// # Errors
    /// When the engine is another process's.
    pub fn close(&mut self) -> Result<(), EngineError> {
        own(self.pid)?;
        if let Some((runtime, engine)) = self.running.take() {
            runtime.block_on(engine.close());
            runtime.shutdown_background();
        }
        Ok(())
    }
}

fn own(pid: u32) -> Result<(), EngineError> {
    if pid == std::process::id() {
        return Ok(());
    }
    Err(EngineError::new(
        "closed",
        "engine_of_another_process",
        "this engine belongs to the process that started it: start another one after a fork",
    ))
}

/// The test controls of an [`OwnedEngine`]. They do not keep it running.
#[derive(Clone)]
pub struct EngineControls {
    pid: u32,
    handle: Option<Handle>,
    parts: Weak<Parts>,
}

impl EngineControls {
    /// Does what a test control does, with a request in JSON, and answers in JSON. The operations are
    /// `reset`, `seed`, `clock`, `set_clock`, `set_account_status`, `auth_links`,
    /// `complete_auth_link`, `deny_auth_link`, `add_fault`, `faults`, `clear_faults`, `journal`, `audit` and `diagnostics`.
    ///
    /// It works in the engine's threads, whoever awaits it; dropped, it is abandoned. It fails with
    /// an [`EngineError`], also when the engine is closed, meanwhile too, or another process's.
    pub fn run(
        &self,
        operation: String,
        request: String,
    ) -> impl Future<Output = Result<String, EngineError>> + Send + use<> {
        let task = self.begin(operation, request);
        async move {
            match task?.await {
                Ok(answer) => Ok(answer?.to_string()),
                Err(_) => Err(EngineError::closed()),
            }
        }
    }

    fn begin(
        &self,
        operation: String,
        request: String,
    ) -> Result<AbortOnDropHandle<Result<Value, ControlError>>, EngineError> {
        own(self.pid)?;
        let parts = self.parts.upgrade();
        let (Some(handle), Some(parts)) = (&self.handle, parts) else {
            return Err(EngineError::closed());
        };
        let work = async move { controls::run(&parts, &operation, &request).await };
        Ok(AbortOnDropHandle::new(handle.spawn(work)))
    }
}

impl fmt::Debug for EngineControls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineControls").finish_non_exhaustive()
    }
}

impl Drop for OwnedEngine {
    fn drop(&mut self) {
        let Some((runtime, engine)) = self.running.take() else {
            return;
        };
        if self.pid == std::process::id() {
            drop(engine);
            runtime.shutdown_background();
        } else {
            // Threads, children and folders are the parent's.
            std::mem::forget((runtime, engine));
        }
    }
}

impl fmt::Debug for OwnedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedEngine")
            .field("env_url", &self.env_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    }

    #[test]
    fn it_starts_is_steered_and_closes_without_a_runtime_around_it() {
        let mut engine = OwnedEngine::start(r#"{"seed_ids":7}"#).unwrap();
        let controls = engine.controls();
        let control = |operation: &str, request: &str| {
            block_on(controls.run(operation.to_owned(), request.to_owned()))
        };
        let set = |request: &str| control("set_clock", request);
        let frozen = set(r#"{"freeze":true,"advance_seconds":1.5}"#).unwrap();
        assert_eq!(control("clock", "").unwrap(), frozen);
        control("reset", "{}").unwrap();
        for wrong in ["-1", "1e12", "\"5\"", "null"] {
            let error = set(&format!(r#"{{"advance_seconds":{wrong}}}"#)).unwrap_err();
            assert_eq!(error.kind, "invalid_argument");
            assert_eq!(
                error.argument.as_deref(),
                Some("advance_seconds"),
                "{error}"
            );
        }
        let error = control("rest", "{}").unwrap_err();
        assert!(error.message.contains("`rest`"), "{error}");
        engine.close().unwrap();
        engine.close().unwrap();
        assert_eq!(control("reset", "").unwrap_err().code, "engine_closed");
    }

    #[test]
    fn closing_ends_a_wait() {
        let mut engine = OwnedEngine::start("{}").unwrap();
        let wait = r#"{"wait_for":1,"timeout_seconds":600}"#.to_owned();
        let waiting = engine.controls().run("journal".to_owned(), wait);
        engine.close().unwrap();
        assert_eq!(block_on(waiting).unwrap_err().code, "engine_closed");
    }

    #[test]
    fn wrong_options_are_named() {
        for (options, text, argument) in [
            ("[]", "invalid type", None),
            (r#"{"prot":1}"#, "unknown field `prot`", Some("prot")),
            (r#"{"port":70000}"#, "`port`: ", Some("port")),
            (r#"{"port":true}"#, "`port`: ", Some("port")),
            (r#"{"seed_ids":-1}"#, "`seed_ids`: ", Some("seed_ids")),
            (
                r#"{"config":"/nowhere/vmcp.toml"}"#,
                "/nowhere/vmcp.toml",
                None,
            ),
            (r#"{"config_toml":"[connections"}"#, "vmcp.toml:1:", None),
            (r#"{"config":"a","config_toml":"b"}"#, "not both", None),
        ] {
            let error = OwnedEngine::start(options).unwrap_err();
            assert_eq!(error.kind, "invalid_argument", "{options}");
            assert!(error.message.contains(text), "{options}: {error}");
            assert_eq!(error.argument.as_deref(), argument, "{options}");
        }
    }
}
