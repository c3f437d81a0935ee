//! The session handle.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use scalekit_vmcp::Result;

use crate::{
    answer::{Answer, promise},
    call::{CallHandle, under},
};

/// One agent run: a URL and a credential that stays valid.
#[napi]
pub struct Session(scalekit_vmcp::Session);

/// A session, or why there is none; neither when the call was cancelled.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Opened {
    /// The session.
    pub ok: Option<Session>,
    /// The failure as JSON.
    pub error: Option<String>,
}

impl From<Result<scalekit_vmcp::Session>> for Opened {
    fn from(result: Result<scalekit_vmcp::Session>) -> Self {
        match result {
            Ok(session) => Self {
                ok: Some(Session(session)),
                error: None,
            },
            Err(error) => Self {
                ok: None,
                error: Some(error.to_json().to_string()),
            },
        }
    }
}

#[napi]
impl Session {
    /// The MCP endpoint.
    #[napi(getter)]
    pub fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// The user.
    #[napi(getter)]
    pub fn identifier(&self) -> String {
        self.0.identifier().to_owned()
    }

    /// The name of the header that carries the credential.
    #[napi(getter)]
    pub fn credential_header(&self) -> &'static str {
        scalekit_vmcp::Session::CREDENTIAL_HEADER
    }

    /// The status with which a server refuses a credential.
    #[napi(getter)]
    pub fn refused_status(&self) -> u16 {
        scalekit_vmcp::Session::REFUSED_STATUS
    }

    /// Does one of the things that a session does.
    #[napi]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        operation: String,
        parameters: String,
        handle: Option<&CallHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let session = self.0.clone();
        let work = async move { session.call(&operation, &parameters).await };
        promise(env, under(handle, async { Answer::from(work.await) }))
    }
}
