//! The client handle.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use scalekit_vmcp::Result;

use crate::{
    answer::{Answer, promise},
    call::{CallHandle, under},
    session::Opened,
    stream::{Started, Stream},
};

/// A client of one environment.
#[napi]
pub struct Client(scalekit_vmcp::Client);

/// A client, or why there is none.
#[napi(object, object_from_js = false)]
pub struct Made {
    /// The client.
    pub ok: Option<Client>,
    /// The failure as JSON.
    pub error: Option<String>,
}

impl From<Result<scalekit_vmcp::Client>> for Made {
    fn from(result: Result<scalekit_vmcp::Client>) -> Self {
        match result {
            Ok(client) => Self {
                ok: Some(Client(client)),
                error: None,
            },
            Err(error) => Self {
                ok: None,
                error: Some(error.to_json().to_string()),
            },
        }
    }
}

/// Makes a client from JSON options. Sends nothing.
#[napi]
pub(crate) fn make_client(options: String) -> Made {
    scalekit_vmcp::Client::from_json(&options).into()
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

    /// The same client with JSON options of single calls.
    #[napi]
    pub fn with_options(&self, options: String) -> Made {
        self.0.with_json(&options).into()
    }

    /// Runs an operation.
    #[napi]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        operation: String,
        parameters: String,
        handle: Option<&CallHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let client = self.0.clone();
        let work = async move { client.call(&operation, &parameters).await };
        promise(env, under(handle, async { Answer::from(work.await) }))
    }

    /// Starts a stream. Sends nothing before its first `next`.
    #[napi]
    pub fn stream(&self, operation: String, parameters: String) -> Started {
        Stream::start(self.0.stream(&operation, &parameters))
    }

    /// Opens a session.
    #[napi]
    pub fn open_session<'env>(
        &self,
        env: &'env Env,
        parameters: String,
        handle: Option<&CallHandle>,
    ) -> napi::Result<PromiseRaw<'env, Opened>> {
        let client = self.0.clone();
        let work = async move { client.open_session_json(&parameters).await };
        promise(env, under(handle, async { Opened::from(work.await) }))
    }

    /// Ends the client: later calls fail, calls under way finish.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}
