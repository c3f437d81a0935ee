//! The session handle.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use scalekit_vmcp::Result;
use serde_json::{Map, Value};

use crate::{
    answer::{Answer, promise},
    cancel::{CancelHandle, unless_cancelled},
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

    /// The current token as JSON.
    #[napi]
    pub fn token<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let session = self.0.clone();
        answer(env, cancel, async move {
            Ok(serde_json::json!(session.token().await?).to_string())
        })
    }

    /// The headers as a JSON object.
    #[napi]
    pub fn headers<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let session = self.0.clone();
        answer(env, cancel, async move {
            let headers: Map<String, Value> = session
                .headers()
                .await?
                .iter()
                .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
                .collect();
            Ok(Value::Object(headers).to_string())
        })
    }

    /// The credential for a request to `url`.
    #[napi]
    pub fn authorization_for<'env>(
        &self,
        env: &'env Env,
        url: String,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let session = self.0.clone();
        answer(env, cancel, async move {
            let value = session.authorization_for(&url).await?;
            Ok(value.to_str().unwrap_or_default().to_owned())
        })
    }

    /// Says that the server refused a credential.
    #[napi]
    pub fn rejected<'env>(
        &self,
        env: &'env Env,
        credential: String,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let session = self.0.clone();
        answer(env, cancel, async move {
            session.rejected(&credential).await.map(|()| String::new())
        })
    }

    /// What an agent would find at the URL, as JSON.
    #[napi]
    pub fn check<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&CancelHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let session = self.0.clone();
        answer(env, cancel, async move {
            Ok(serde_json::json!(session.check().await?).to_string())
        })
    }
}

fn answer<'env>(
    env: &'env Env,
    cancel: Option<&CancelHandle>,
    work: impl Future<Output = Result<String>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, Answer>> {
    promise(
        env,
        unless_cancelled(cancel, async { Answer::from(work.await) }),
    )
}
