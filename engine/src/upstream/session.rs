//! The HTTP client under the MCP client. The library greets a server again that answers 404, because it has lost the
//! session; many say it by a 400, and without the id of the request, for which the library would wait until the deadline.

use std::{collections::HashMap, sync::Arc};

use futures_util::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::{
    model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerResult},
    transport::streamable_http_client::{
        SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
        StreamableHttpResponseLimits,
    },
};
use sse_stream::Sse;

use super::listing::Shelf;

/// The way of one account to its upstream.
#[derive(Clone)]
pub(super) struct Http {
    /// Pooled, shared by all upstreams.
    pub(super) client: reqwest::Client,
    pub(super) connection: Arc<str>,
    pub(super) shelf: Arc<Shelf>,
}

type HttpError = StreamableHttpError<reqwest::Error>;

impl StreamableHttpClient for Http {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let asked = match &message {
            ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let in_session = session_id.is_some();
        let answer = self.client.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            headers,
            limits,
        );
        let mut answer = understood(answer.await, asked, in_session);
        if let Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::Response(response), _)) =
            &mut answer
            && let ServerResult::ListToolsResult(listed) = &mut response.result
        {
            self.shelf.share(&self.connection, &mut listed.tools);
        }
        answer
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        self.client
            .delete_session(uri, session_id, auth_header, headers)
            .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        self.client
            .get_stream(uri, session_id, last_event_id, auth_header, headers)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        limit: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        self.client
            .get_stream_with_max_sse_event_size(
                uri,
                session_id,
                last_event_id,
                auth_header,
                headers,
                limit,
            )
            .await
    }
}

/// An error whose id is not that of the request refuses the request unread; so does a 400.
fn understood(
    answer: Result<StreamableHttpPostResponse, HttpError>,
    asked: Option<RequestId>,
    in_session: bool,
) -> Result<StreamableHttpPostResponse, HttpError> {
    match (answer, asked) {
        (
            Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::Error(mut error), session)),
            Some(asked),
        ) if error.id.as_ref() != Some(&asked) => {
            if in_session && is_about_session(&error.error.message) {
                return Err(StreamableHttpError::SessionExpired);
            }
            error.id = Some(asked);
            let error = ServerJsonRpcMessage::Error(error);
            Ok(StreamableHttpPostResponse::Json(error, session))
        }
        (Err(StreamableHttpError::UnexpectedServerResponse(text)), _)
            if in_session && text.starts_with("HTTP 400") && is_about_session(&text) =>
        {
            Err(StreamableHttpError::SessionExpired)
        }
        (answer, _) => answer,
    }
}

fn is_about_session(text: &str) -> bool {
    text.to_ascii_lowercase().contains("session")
}
