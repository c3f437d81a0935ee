//! An MCP client (the official Rust SDK) whose bearer token is always the session's current one.
//! Copy this file: it is all that a Rust agent needs.

use std::{borrow::Cow, collections::HashMap, io, sync::Arc};

use futures_util::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::{
    RoleClient, ServiceError,
    model::{CallToolRequestParams, CallToolResult, ClientConfig, ClientJsonRpcMessage},
    service::{ClientLifecycleMode, RunningService, serve_client_with_lifecycle},
    transport::{
        StreamableHttpClientTransport,
        streamable_http_client::{
            SseError, StreamableHttpClient, StreamableHttpClientTransportConfig,
            StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
        },
    },
};
use scalekit_vmcp::Session;
use serde_json::Value;
use sse_stream::Sse;

type HttpError = StreamableHttpError<reqwest::Error>;

/// The HTTP client under the MCP client. It asks the session for the token of each request, and
/// after a 401 for a new one, once.
#[derive(Clone)]
pub(crate) struct SessionHttp {
    http: reqwest::Client,
    session: Session,
}

impl SessionHttp {
    pub(crate) fn new(http: reqwest::Client, session: Session) -> Self {
        Self { http, session }
    }

    async fn send<T, F: Future<Output = Result<T, HttpError>>>(
        &self,
        url: &str,
        request: impl Fn(Option<String>) -> F,
    ) -> Result<T, HttpError> {
        let token = self.token(url).await?;
        match request(Some(token.clone())).await {
            Err(StreamableHttpError::AuthRequired(_)) => {
                self.session
                    .rejected(&token)
                    .await
                    .map_err(io::Error::other)?;
                request(Some(self.token(url).await?)).await
            }
            result => result,
        }
    }

    async fn token(&self, url: &str) -> Result<String, HttpError> {
        let value = self
            .session
            .authorization_for(url)
            .await
            .map_err(io::Error::other)?;
        let value = value.to_str().map_err(io::Error::other)?;
        Ok(value.trim_start_matches("Bearer ").to_owned())
    }
}

impl StreamableHttpClient for SessionHttp {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        self.send(&uri, |token| {
            let (uri, message) = (Arc::clone(&uri), message.clone());
            self.http
                .post_message(uri, message, session_id.clone(), token, headers.clone())
        })
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        self.send(&uri, |token| {
            let (uri, message) = (Arc::clone(&uri), message.clone());
            self.http.post_message_with_response_limits(
                uri,
                message,
                session_id.clone(),
                token,
                headers.clone(),
                limits,
            )
        })
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        self.send(&uri, |token| {
            let (uri, session_id) = (Arc::clone(&uri), Arc::clone(&session_id));
            self.http
                .delete_session(uri, session_id, token, headers.clone())
        })
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpError> {
        self.send(&uri, |token| {
            let (uri, last) = (Arc::clone(&uri), last_event_id.clone());
            self.http
                .get_stream(uri, session_id.clone(), last, token, headers.clone())
        })
        .await
    }
}

/// An agent's connection to a Virtual MCP server.
pub(crate) struct Agent(RunningService<RoleClient, ClientConfig>);

impl Agent {
    /// Connects with the newest protocol that both sides speak.
    pub(crate) async fn connect(
        http: reqwest::Client,
        session: &Session,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let config = StreamableHttpClientTransportConfig::with_uri(session.url());
        let transport = StreamableHttpClientTransport::with_client(
            SessionHttp::new(http, session.clone()),
            config,
        );
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![rmcp::model::ProtocolVersion::LATEST],
            legacy_version: None,
        };
        Ok(Self(
            serve_client_with_lifecycle(ClientConfig::default(), transport, lifecycle).await?,
        ))
    }

    /// The names of the tools, as the server orders them.
    pub(crate) async fn tool_names(&self) -> Result<Vec<String>, ServiceError> {
        let tools = self.0.list_all_tools().await?;
        Ok(tools
            .into_iter()
            .map(|tool| tool.name.into_owned())
            .collect())
    }

    /// Calls a tool and returns its texts, joined.
    pub(crate) async fn call(
        &self,
        tool: impl Into<Cow<'static, str>>,
        arguments: Value,
    ) -> Result<String, ServiceError> {
        Ok(text_of(&self.call_whole(tool, arguments).await?))
    }

    /// Calls a tool and returns its whole result.
    pub(crate) async fn call_whole(
        &self,
        tool: impl Into<Cow<'static, str>>,
        arguments: Value,
    ) -> Result<CallToolResult, ServiceError> {
        let mut request = CallToolRequestParams::new(tool);
        request.arguments = arguments.as_object().cloned();
        self.0.call_tool(request).await
    }
}

/// The texts of a result, joined.
pub(crate) fn text_of(result: &CallToolResult) -> String {
    let texts: Vec<&str> = result
        .content
        .iter()
        .filter_map(|block| block.as_text())
        .map(|text| text.text.as_str())
        .collect();
    texts.join("\n")
}
