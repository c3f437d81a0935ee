//! Shortens rmcp's era probe: a legacy server that is silent on `server/discover` costs seconds,
//! not the fixed ten of `ClientLifecycleMode::Auto`.

use std::time::Duration;

use rmcp::{
    RoleClient,
    model::{ClientRequest, ErrorCode, ErrorData, JsonRpcMessage, NumberOrString, RequestId},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::time::{Instant, timeout_at};

/// A transport that answers an unanswered `server/discover` itself, with "method not found".
pub(super) struct Probe<T> {
    inner: T,
    patience: Duration,
    state: State,
}

enum State {
    Idle,
    Waiting {
        id: RequestId,
        until: Instant,
    },
    /// The probe was given up; a late answer to it must not reach rmcp.
    GivenUp {
        id: RequestId,
    },
}

impl<T> Probe<T> {
    pub(super) fn new(inner: T, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            state: State::Idle,
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Probe<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        if let JsonRpcMessage::Request(request) = &item {
            if matches!(request.request, ClientRequest::DiscoverRequest(_)) {
                self.state = State::Waiting {
                    id: request.id.clone(),
                    until: Instant::now() + self.patience,
                };
            } else if let State::Waiting { id, .. } = &self.state {
                // rmcp went on without a correlated answer, after an error without an id.
                self.state = State::GivenUp { id: id.clone() };
            }
        }
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = if let State::Waiting { id, until } = &self.state {
                let Ok(message) = timeout_at(*until, self.inner.receive()).await else {
                    let id = id.clone();
                    self.state = State::GivenUp { id: id.clone() };
                    let error = ErrorData::new(
                        ErrorCode::METHOD_NOT_FOUND,
                        "no answer to `server/discover`",
                        None,
                    );
                    return Some(JsonRpcMessage::error(error, Some(id)));
                };
                message?
            } else {
                self.inner.receive().await?
            };
            let answered = match &message {
                JsonRpcMessage::Response(response) => Some(&response.id),
                JsonRpcMessage::Error(error) => error.id.as_ref(),
                _ => None,
            };
            match &self.state {
                State::GivenUp { id } if answered.is_some_and(|other| same(id, other)) => {}
                State::Waiting { id, .. } if answered.is_some_and(|other| same(id, other)) => {
                    self.state = State::Idle;
                    return Some(message);
                }
                _ => return Some(message),
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}

/// Some servers send a number back as a string.
fn same(sent: &RequestId, received: &RequestId) -> bool {
    sent == received
        || matches!(
            (sent, received),
            (NumberOrString::Number(sent), NumberOrString::String(received))
                if received.parse() == Ok(*sent)
        )
}
