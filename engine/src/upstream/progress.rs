//! Progress of calls under way. rmcp hands each notification to a task of its own, in no order and even behind the
//! answer; so it is taken off the transport here, in order, before rmcp sees it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use rmcp::{
    RoleClient,
    model::{
        CallToolRequestParams, ClientRequest, GetMeta as _, JsonRpcMessage, NumberOrString,
        ProgressNotificationParam, ProgressToken, RequestParamsMeta as _, ServerNotification,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::lock;

/// Where the progress of one call goes. A reader who does not keep up misses some.
pub(crate) type Progress = mpsc::Sender<ProgressNotificationParam>;

/// Tells the transport which token a call wants; it never leaves the engine. rmcp overwrites the token itself.
const TOKEN: &str = "scalekit-vmcp/progress_token";

/// Who waits for progress at one upstream, by token.
#[derive(Clone, Default)]
pub(super) struct Listeners {
    next: Arc<AtomicU64>,
    waiting: Arc<Mutex<HashMap<String, Progress>>>,
}

/// Ends the waiting when it is dropped.
pub(super) struct Listening {
    listeners: Listeners,
    token: String,
}

impl Drop for Listening {
    fn drop(&mut self) {
        lock(&self.listeners.waiting).remove(&self.token);
    }
}

impl Listeners {
    /// Sends what the upstream tells of this call to `progress`, as long as the result lives.
    pub(super) fn listen(&self, call: &mut CallToolRequestParams, progress: Progress) -> Listening {
        let token = format!("call-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let meta = call.meta_mut().get_or_insert_default();
        meta.0.0.insert(TOKEN.to_owned(), token.clone().into());
        lock(&self.waiting).insert(token.clone(), progress);
        Listening {
            listeners: self.clone(),
            token,
        }
    }

    /// What nobody waits for ends here: an upstream that does not stop when it is cancelled may tell much of it.
    fn tell(&self, news: &ProgressNotificationParam) {
        let ProgressToken(NumberOrString::String(token)) = &news.progress_token else {
            return;
        };
        if let Some(progress) = lock(&self.waiting).get(&**token) {
            // Full is no error: the next news says more than what is lost.
            let _ = progress.try_send(news.clone());
        }
    }
}

/// A transport that tells the listeners.
pub(super) struct Telling<T> {
    inner: T,
    listeners: Listeners,
}

impl<T> Telling<T> {
    pub(super) fn new(inner: T, listeners: Listeners) -> Self {
        Self { inner, listeners }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Telling<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        mut item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        if let JsonRpcMessage::Request(request) = &mut item
            && let ClientRequest::CallToolRequest(call) = &mut request.request
            && let Some(meta) = call.params.meta_mut()
            && let Some(Value::String(token)) = meta.0.0.remove(TOKEN)
        {
            let token = ProgressToken(NumberOrString::String(token.into()));
            request.request.get_meta_mut().set_progress_token(token);
        }
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = self.inner.receive().await?;
            if let JsonRpcMessage::Notification(told) = &message
                && let ServerNotification::ProgressNotification(news) = &told.notification
            {
                self.listeners.tell(&news.params);
            } else {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
