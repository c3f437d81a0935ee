//! The stream handle.

use std::sync::Arc;

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use scalekit_vmcp::{JsonStream, Result};
use tokio::sync::{Mutex, watch};

use crate::{
    answer::{Answer, promise},
    call::{CallHandle, under},
};

/// Items one after the other.
#[napi]
pub struct Stream {
    /// `None` once closed: a request under way lives and dies with it.
    items: Arc<Mutex<Option<JsonStream>>>,
    closed: watch::Sender<bool>,
}

/// A stream, or why there is none.
#[napi(object, object_from_js = false)]
pub struct Started {
    /// The stream.
    pub ok: Option<Stream>,
    /// The failure as JSON.
    pub error: Option<String>,
}

#[napi]
impl Stream {
    pub(crate) fn start(result: Result<JsonStream>) -> Started {
        match result {
            Ok(items) => Started {
                ok: Some(Self {
                    items: Arc::new(Mutex::new(Some(items))),
                    closed: watch::Sender::new(false),
                }),
                error: None,
            },
            Err(error) => Started {
                ok: None,
                error: Some(error.to_json().to_string()),
            },
        }
    }

    /// The next item as JSON; an empty answer at the end.
    #[napi]
    pub fn next<'env>(
        &self,
        env: &'env Env,
        handle: Option<&CallHandle>,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let items = Arc::clone(&self.items);
        let mut closed = self.closed.subscribe();
        let work = async move {
            let item = tokio::select! {
                biased;
                _ = closed.wait_for(|closed| *closed) => None,
                item = next(&items) => item,
            };
            if item.is_none() {
                items.lock().await.take();
            }
            item.map_or_else(Answer::default, Answer::from)
        };
        promise(env, under(handle, work))
    }

    /// Ends the stream: a `next` under way is dropped, and every later answer is empty.
    #[napi]
    pub fn close(&self) {
        self.closed.send_replace(true);
        // A `next` that holds the lock is told so and does the same.
        if let Ok(mut items) = self.items.try_lock() {
            items.take();
        }
    }
}

async fn next(items: &Mutex<Option<JsonStream>>) -> Option<Result<String>> {
    items.lock().await.as_mut()?.next().await
}
