//! The engine handle. The engine's own functions block, so they run where waiting is allowed.

use std::sync::{Arc, Mutex, PoisonError};

use napi::{
    Env,
    bindgen_prelude::{PromiseRaw, spawn_blocking},
};
use napi_derive::napi;
use scalekit_vmcp_engine::{EngineControls, EngineError, OwnedEngine};

use crate::{
    answer::{Answer, promise},
    call::{CallHandle, under},
};

/// An engine in this process.
#[napi]
pub struct Engine {
    owned: Arc<Mutex<OwnedEngine>>,
    controls: EngineControls,
    env_url: String,
    client_id: String,
    client_secret: String,
}

/// An engine, or why there is none.
#[napi(object, object_from_js = false)]
pub(crate) struct Launched {
    /// The engine.
    pub ok: Option<Engine>,
    /// The failure as JSON.
    pub error: Option<String>,
}

/// Starts an engine from JSON options.
#[napi]
pub(crate) fn start_engine(env: &Env, options: String) -> napi::Result<PromiseRaw<'_, Launched>> {
    blocking(env, move || match OwnedEngine::start(&options) {
        Ok(owned) => Launched {
            ok: Some(Engine {
                env_url: owned.env_url().to_owned(),
                client_id: owned.client_id().to_owned(),
                client_secret: owned.client_secret().to_owned(),
                controls: owned.controls(),
                owned: Arc::new(Mutex::new(owned)),
            }),
            error: None,
        },
        Err(error) => Launched {
            ok: None,
            error: Some(error.to_json().to_string()),
        },
    })
}

#[napi]
impl Engine {
    /// The base URL.
    #[napi(getter)]
    pub fn env_url(&self) -> String {
        self.env_url.clone()
    }

    /// The client id.
    #[napi(getter)]
    pub fn client_id(&self) -> String {
        self.client_id.clone()
    }

    /// The client secret.
    #[napi(getter)]
    pub fn client_secret(&self) -> String {
        self.client_secret.clone()
    }

    /// Does what a test control does, JSON in and out.
    #[napi]
    pub fn control<'env>(
        &self,
        env: &'env Env,
        operation: String,
        request: String,
        handle: Option<&CallHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let work = self.controls.run(operation, request);
        let work = async { Answer::from(work.await) };
        promise(env, under(handle, work))
    }

    /// Stops the engine and waits for it.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Answer>> {
        let owned = Arc::clone(&self.owned);
        blocking(env, move || {
            let mut engine = owned.lock().unwrap_or_else(PoisonError::into_inner);
            Answer::from(engine.close().map(|()| String::new()))
        })
    }
}

impl From<Result<String, EngineError>> for Answer {
    fn from(result: Result<String, EngineError>) -> Self {
        result.map_or_else(|error| Self::failed(&error.to_json()), Self::ok)
    }
}

fn blocking<T>(
    env: &Env,
    work: impl FnOnce() -> T + Send + 'static,
) -> napi::Result<PromiseRaw<'_, T>>
where
    T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
{
    env.spawn_future(async move {
        spawn_blocking(work)
            .await
            .map_err(|error| napi::Error::from_reason(error.to_string()))
    })
}
