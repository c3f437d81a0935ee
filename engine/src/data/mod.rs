//! The data plane: what an agent talks to. Streamable HTTP at one URL per config or connection.

mod admission;
mod catalogue;
mod gate;
mod refusal;
mod server;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, HttpBody},
    extract::{Path, Request, State},
    response::Response,
    routing::{any, get},
};
use http::header;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::{catalogue::Catalogues, gate::Address, refusal::Refusal, server::VirtualServer};
use crate::{engine::Engine, upstream::Upstreams};

/// The largest request body: the MCP library's own limit, answered in its protocol's words.
const MAX_BODY: u64 = 4 * 1024 * 1024;

/// Everything a request on the data plane needs.
pub(crate) struct DataPlane {
    engine: Arc<Engine>,
    catalogues: Arc<Catalogues>,
    service: StreamableHttpService<VirtualServer, NeverSessionManager>,
}

impl DataPlane {
    pub(crate) fn new(
        engine: Arc<Engine>,
        upstreams: Arc<Upstreams>,
        stop: CancellationToken,
    ) -> Self {
        let catalogues = Arc::new(Catalogues::new(Arc::clone(&engine), upstreams));
        let virtual_server = VirtualServer::new(Arc::clone(&catalogues));
        // Stateless: identity is read from each request, so no session can outlive its token.
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_cancellation_token(stop)
            .enforce_origin_validation();
        let service = StreamableHttpService::new(
            move || Ok(virtual_server.clone()),
            Arc::new(NeverSessionManager::default()),
            config,
        );
        Self {
            engine,
            catalogues,
            service,
        }
    }

    /// Forgets what was learned about upstreams; part of a reset.
    pub(crate) fn forget(&self) {
        self.catalogues.forget();
    }

    async fn serve(&self, address: Address, mut request: Request) -> Response {
        if request
            .body()
            .size_hint()
            .lower()
            .max(content_length(&request))
            > MAX_BODY
        {
            return Refusal::too_large(MAX_BODY).respond(Body::empty()).await;
        }
        match self.admit_request(&address, request.headers()).await {
            Ok(grant) => {
                request.extensions_mut().insert(Arc::new(grant));
                let response = self.service.handle(request).await.map(Body::new);
                refusal::in_json(response).await
            }
            Err(refusal) => refusal.respond(request.into_body()).await,
        }
    }
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

async fn serve_config(
    State(plane): State<Arc<DataPlane>>,
    Path(uuid): Path<String>,
    request: Request,
) -> Response {
    plane.serve(Address::Config(uuid), request).await
}

async fn serve_connection(
    State(plane): State<Arc<DataPlane>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    plane.serve(Address::Connection(name), request).await
}

/// RFC 9728, one document per server: says that a bearer header is wanted, and of whom it is had.
fn describe(resource: &str) -> Json<Value> {
    Json(json!({
        "resource": resource,
        "bearer_methods_supported": ["header"],
        "resource_name": "Virtual MCP server",
    }))
}

/// The document is the same for URLs that exist and those that do not: it tells nobody which.
async fn describe_config(
    State(plane): State<Arc<DataPlane>>,
    Path(uuid): Path<String>,
) -> Json<Value> {
    describe(&plane.engine.server_url(&uuid))
}

async fn describe_connection(
    State(plane): State<Arc<DataPlane>>,
    Path(name): Path<String>,
) -> Json<Value> {
    describe(&plane.engine.connection_url(&name))
}

fn content_length(request: &Request) -> u64 {
    request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}
