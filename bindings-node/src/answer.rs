//! What asynchronous functions resolve to.

use napi::{
    Env, Error, Status,
    bindgen_prelude::{PromiseRaw, ToNapiValue},
};
use napi_derive::napi;
use serde_json::Value;
use tokio::sync::watch;

thread_local! {
    /// Goes with the thread that runs the JavaScript: a worker that is terminated drops its calls.
    static THREAD: watch::Sender<()> = watch::Sender::default();
}

/// Exactly one of the two; neither when the call was cancelled or the stream has ended.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Answer {
    /// The result.
    pub ok: Option<String>,
    /// The failure as JSON.
    pub error: Option<String>,
}

impl Answer {
    pub(crate) fn ok(text: String) -> Self {
        Self {
            ok: Some(text),
            error: None,
        }
    }

    pub(crate) fn failed(error: &Value) -> Self {
        Self {
            ok: None,
            error: Some(error.to_string()),
        }
    }
}

impl From<scalekit_vmcp::Result<String>> for Answer {
    fn from(result: scalekit_vmcp::Result<String>) -> Self {
        match result {
            Ok(text) => Self::ok(text),
            Err(error) => Self::failed(&error.to_json()),
        }
    }
}

/// A promise of what `work` ends in.
pub(crate) fn promise<T>(
    env: &Env,
    work: impl Future<Output = T> + Send + 'static,
) -> napi::Result<PromiseRaw<'_, T>>
where
    T: ToNapiValue + Send + 'static,
{
    let mut thread = THREAD.with(watch::Sender::subscribe);
    env.spawn_future(async move {
        tokio::select! {
            biased;
            _ = thread.changed() => Err(Error::from_status(Status::Cancelled)),
            value = work => Ok(value),
        }
    })
}
