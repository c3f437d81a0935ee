//! The data plane: what an agent talks to. Streamable HTTP at one URL per config or connection.

mod admission;
mod catalogue;
mod gate;
mod refusal;
mod server;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use serde_json::{Value, json};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{catalogue::Catalogues, gate::Address, refusal::Refusal, server::VirtualServer};
use crate::{bearer::Caller, engine::Engine, upstream::Upstreams};

/// The largest request body: the MCP library's own limit, answered in its protocol's words.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// How much more of a body that is too large is read and thrown away.
const MAX_DRAINED: usize = 16 * MAX_BODY;

/// Everything a request on the data plane needs.
pub(crate) struct DataPlane {
    engine: Arc<Engine>,
    catalogues: Arc<Catalogues>,
    config: StreamableHttpServerConfig,
    sessions: Arc<NeverSessionManager>,
    /// Held by requests; a reset takes it alone.
    open: Arc<RwLock<()>>,
}

impl DataPlane {
    pub(crate) fn new(
        engine: Arc<Engine>,
        upstreams: Arc<Upstreams>,
        stop: CancellationToken,
    ) -> Self {
        let catalogues = Arc::new(Catalogues::new(Arc::clone(&engine), upstreams));
        // Stateless: identity is read from each request, so no session can outlive its token.
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_cancellation_token(stop)
            .with_allowed_origins([engine.issuer().to_owned()]);
        Self {
            engine,
            catalogues,
            config,
            sessions: Arc::default(),
            open: Arc::default(),
        }
    }

    /// Forgets what was learned about upstreams; part of a reset.
    pub(crate) fn forget(&self) {
        self.catalogues.forget();
    }

    /// Keeps requests out while it is held; waits for those under way.
    pub(crate) async fn shut(&self) -> impl Drop + '_ {
        self.open.write().await
    }

    async fn serve(&self, address: Result<Address, Refusal>, request: Request) -> Response {
        let open = Arc::clone(&self.open).read_owned().await;
        let (parts, body) = request.into_parts();
        let body = match whole(body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let granted = match address {
            Ok(address) => self.admit_request(&address, &parts.headers).await,
            Err(refusal) => Err(refusal),
        };
        match granted {
            Ok(grant) => {
                let caller = Caller::User(grant.identifier.clone());
                let request = Request::from_parts(parts, Body::from(body.clone()));
                let server = VirtualServer::new(Arc::clone(&self.catalogues), Arc::new(grant));
                let service = StreamableHttpService::new(
                    move || Ok(server.clone()),
                    Arc::clone(&self.sessions),
                    self.config.clone(),
                );
                let response = service.handle(request).await.map(Body::new);
                let response = refusal::in_json(response, &body).await;
                let mut response = held(response, open);
                response.extensions_mut().insert(caller);
                response
            }
            Err(refusal) => refusal.response(&refusal::request_id(&body)),
        }
    }
}

/// A body, or the refusal of one that is too large or breaks off.
async fn whole(body: Body) -> Result<Bytes, Response> {
    let mut read = Vec::new();
    let mut pieces = body.into_data_stream();
    let refusal = loop {
        match pieces.next().await {
            None => return Ok(read.into()),
            Some(Ok(piece)) if read.len() + piece.len() <= MAX_BODY => {
                read.extend_from_slice(&piece);
            }
            Some(Ok(_)) => break Refusal::too_large(MAX_BODY),
            Some(Err(_)) => {
                break Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "body_unreadable",
                    "the body of the request breaks off",
                );
            }
        }
    };
    // A client that sends on loses the answer with its connection.
    let mut left = MAX_DRAINED;
    while let Some(Ok(piece)) = pieces.next().await
        && piece.len() < left
    {
        left -= piece.len();
    }
    Err(refusal.response(&refusal::id_at_the_beginning(&read)))
}

/// A stream is under way until its end; any other answer is there already.
fn held(response: Response, open: OwnedRwLockReadGuard<()>) -> Response {
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |_| {
            let _ = &open;
        }))
    })
}

/// Whether this is the path of an MCP server.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/mcp/")
}

/// Refuses a request in the words of the protocol, with its id as clients want it.
pub(crate) async fn refuse(
    request: Request,
    status: StatusCode,
    reason: &'static str,
    message: &str,
) -> Response {
    let body = to_bytes(request.into_body(), MAX_BODY).await;
    Refusal::new(status, reason, message).response(&refusal::request_id(&body.unwrap_or_default()))
}

/// The routes of the data plane.
pub(crate) fn router(plane: Arc<DataPlane>) -> Router {
    Router::new()
        .route("/mcp/v3/servers/{uuid}", any(serve_config))
        .route("/mcp/v3/connections/{name}", any(serve_connection))
        .route(
            "/.well-known/oauth-protected-resource/mcp/v3/servers/{uuid}",
            get(describe_config),
        )
        .route(
            "/.well-known/oauth-protected-resource/mcp/v3/connections/{name}",
            get(describe_connection),
        )
        .with_state(plane)
}

type Segment = Result<Path<String>, PathRejection>;

async fn serve_config(
    State(plane): State<Arc<DataPlane>>,
    segment: Segment,
    request: Request,
) -> Response {
    plane.serve(config_address(segment), request).await
}

async fn serve_connection(
    State(plane): State<Arc<DataPlane>>,
    segment: Segment,
    request: Request,
) -> Response {
    plane.serve(connection_address(segment), request).await
}

/// Anything but a UUID names no server, and must not get into a header.
fn config_address(segment: Segment) -> Result<Address, Refusal> {
    let uuid = segment
        .ok()
        .and_then(|Path(text)| text.parse::<Uuid>().ok());
    uuid.map(|uuid| Address::Config(uuid.to_string()))
        .ok_or_else(|| Refusal::not_found("not_a_server", "there is no MCP server at this URL"))
}

fn connection_address(segment: Segment) -> Result<Address, Refusal> {
    segment
        .map(|Path(name)| Address::Connection(name))
        .map_err(|_| Refusal::not_found("not_a_server", "there is no MCP server at this URL"))
}

impl DataPlane {
    /// RFC 9728, one document per server: says that a token is wanted, in a header.
    fn describe(&self, address: Result<Address, Refusal>) -> Response {
        match address {
            Ok(address) => Json(json!({
                "resource": self.url(&address),
                "bearer_methods_supported": ["header"],
                "resource_name": "Virtual MCP server",
            }))
            .into_response(),
            Err(refusal) => refusal.response(&Value::Null),
        }
    }
}

/// The document is the same for URLs that exist and those that do not: it tells nobody which.
async fn describe_config(State(plane): State<Arc<DataPlane>>, segment: Segment) -> Response {
    plane.describe(config_address(segment))
}

async fn describe_connection(State(plane): State<Arc<DataPlane>>, segment: Segment) -> Response {
    plane.describe(connection_address(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_under_way_until_its_end() {
        let open = Arc::new(RwLock::new(()));
        for (kind, under_way) in [("text/event-stream", true), ("application/json", false)] {
            let guard = Arc::clone(&open).read_owned().await;
            let response = held(([(header::CONTENT_TYPE, kind)], "x").into_response(), guard);
            assert_eq!(open.try_write().is_err(), under_way, "{kind}");
            assert_eq!(to_bytes(response.into_body(), 10).await.unwrap(), "x");
            assert!(open.try_write().is_ok());
        }
    }
}
