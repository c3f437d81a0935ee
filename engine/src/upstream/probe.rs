//! Shortens rmcp's era probe: a legacy server that is silent on `server/discover` costs seconds,
//! not the fixed ten of `ClientLifecycleMode::Auto`. A modern server that was only slow to start
//! refuses the `initialize` that follows, but is served all the same once it answers the probe.

use std::time::Duration;

use rmcp::{
    RoleClient,
    model::{
        ClientRequest, DiscoverResult, ErrorCode, ErrorData, InitializeResult, JsonRpcMessage,
        NumberOrString, ProtocolVersion, RequestId, ServerResult,
    },
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
    /// The probe was given up; a late answer to it must not reach rmcp as it is.
    GivenUp {
        id: RequestId,
        initialize: Option<RequestId>,
    },
    /// The late answer took the place of the answer to this `initialize`.
    Modern {
        initialize: RequestId,
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
            } else if let State::Waiting { id, .. }
            | State::GivenUp {
                id,
                initialize: None,
            } = &self.state
            {
                // Still waiting: rmcp went on after an error without an id.
                let initialize = matches!(request.request, ClientRequest::InitializeRequest(_));
                self.state = State::GivenUp {
                    id: id.clone(),
                    initialize: initialize.then(|| request.id.clone()),
                };
            }
        }
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = if let State::Waiting { id, until } = &self.state {
                let Ok(message) = timeout_at(*until, self.inner.receive()).await else {
                    let id = id.clone();
                    self.state = State::GivenUp {
                        id: id.clone(),
                        initialize: None,
                    };
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
                State::GivenUp { id, initialize }
                    if answered.is_some_and(|other| same(id, other)) =>
                {
                    if let (Some(initialize), Some(result)) = (initialize, modern(message)) {
                        let initialize = initialize.clone();
                        self.state = State::Modern {
                            initialize: initialize.clone(),
                        };
                        return Some(JsonRpcMessage::response(result, initialize));
                    }
                }
                State::Modern { initialize }
                    if answered.is_some_and(|other| same(initialize, other)) =>
                {
                    self.state = State::Idle;
                }
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

/// The answer to `server/discover` as one to `initialize`, which leads rmcp to the same protocol;
/// `None` if it offers none that has no handshake.
fn modern(message: RxJsonRpcMessage<RoleClient>) -> Option<ServerResult> {
    let JsonRpcMessage::Response(response) = message else {
        return None;
    };
    let ServerResult::DiscoverResult(DiscoverResult {
        supported_versions,
        capabilities,
        ..
    }) = response.result
    else {
        return None;
    };
    let version = ProtocolVersion::V_2026_07_28;
    supported_versions.contains(&version).then(|| {
        let result = InitializeResult::new(capabilities).with_protocol_version(version);
        ServerResult::InitializeResult(result)
    })
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
