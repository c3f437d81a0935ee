//! The client handle.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;

use crate::{
    answer::{Answer, promise},
    cancel::{CancelHandle, unless_cancelled},
    session::Opened,
    stream::{Started, Stream},
};

/// A client of one environment.
#[napi]
pub struct Client(scalekit_vmcp::Client);

/// A client, or why there is none.
#[napi(object, object_from_js = false)]
pub(crate) struct Made {
    /// The client.
    pub ok: Option<Client>,
    /// The failure as JSON.
    pub error: Option<String>,
}

/// Makes a client from JSON options. Sends nothing.
#[napi]
pub(crate) fn make_client(options: String) -> Made {
    match scalekit_vmcp::Client::from_json(&options) {
        Ok(client) => Made {
            ok: Some(Client(client)),
            error: None,
        },
        Err(error) => Made {
            ok: None,
            error: Some(error.to_json().to_string()),
        },
    }
}

/// What the code of an error means and what to do.
#[napi]
pub(crate) fn explain(code: String) -> Option<&'static str> {
    scalekit_vmcp::explain(&code)
}

#[napi]
impl Client {
    /// The base URL of the environment.
    #[napi(getter)]
    pub fn env_url(&self) -> String {
        self.0.env_url().to_string()
    }

    /// Runs an operation.
    #[napi]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        operation: String,
        parameters: String,
        options: Option<String>,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let client = self.with(options);
        let work = async move { client?.call(&operation, &parameters).await };
        promise(
            env,
            unless_cancelled(cancel, async { Answer::from(work.await) }),
        )
    }

    /// Starts a stream. Sends nothing before its first `next`.
    #[napi]
    pub fn stream(
        &self,
        operation: String,
        parameters: String,
        options: Option<String>,
    ) -> Started {
        Stream::start(
            self.with(options)
                .and_then(|client| client.stream(&operation, &parameters)),
        )
    }

    /// Opens a session.
    #[napi]
    pub fn open_session<'env>(
        &self,
        env: &'env Env,
        parameters: String,
        options: Option<String>,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Opened>> {
        let client = self.with(options);
        let work = async move { client?.open_session_json(&parameters).await };
        promise(
            env,
            unless_cancelled(cancel, async { Opened::from(work.await) }),
        )
    }

    /// Ends the client: later calls fail, calls under way finish.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }

    fn with(&self, options: Option<String>) -> scalekit_vmcp::Result<scalekit_vmcp::Client> {
        match options {
            None => Ok(self.0.clone()),
            Some(options) => self.0.with_json(&options),
        }
    }
}
