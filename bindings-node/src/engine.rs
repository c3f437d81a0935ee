//! The engine handle. The engine's own functions block, so they run where waiting is allowed.

use std::sync::{Arc, Mutex, PoisonError};

use napi::{
    Env,
    bindgen_prelude::{PromiseRaw, spawn_blocking},
};
use napi_derive::napi;
use scalekit_vmcp_engine::{EngineError, OwnedEngine};

use crate::answer::Answer;

/// An engine in this process.
#[napi]
pub struct Engine {
    owned: Arc<Mutex<OwnedEngine>>,
    env_url: String,
    client_id: String,
    client_secret: String,
    admin_token: String,
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
                admin_token: owned.admin_token().to_owned(),
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

    /// The bearer token of the test controls.
    #[napi(getter)]
    pub fn admin_token(&self) -> String {
        self.admin_token.clone()
    }

    /// Stops the clock.
    #[napi]
    pub fn freeze_clock<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Answer>> {
        self.act(env, |engine| engine.freeze_clock())
    }

    /// Moves the clock forward.
    #[napi]
    pub fn advance_clock<'env>(
        &self,
        env: &'env Env,
        seconds: f64,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        self.act(env, move |engine| engine.advance_clock(seconds))
    }

    /// Forgets all that was created.
    #[napi]
    pub fn reset<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Answer>> {
        self.act(env, |engine| engine.reset())
    }

    /// Stops the engine and waits for it.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Answer>> {
        self.act(env, OwnedEngine::close)
    }

    fn act<'env>(
        &self,
        env: &'env Env,
        action: impl FnOnce(&mut OwnedEngine) -> Result<(), EngineError> + Send + 'static,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let owned = Arc::clone(&self.owned);
        blocking(env, move || {
            let mut engine = owned.lock().unwrap_or_else(PoisonError::into_inner);
            match action(&mut engine) {
                Ok(()) => Answer::ok(String::new()),
                Err(error) => Answer::failed(&error.to_json()),
            }
        })
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
