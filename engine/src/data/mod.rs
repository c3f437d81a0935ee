//! The data plane: what an agent talks to. Streamable HTTP at one URL per config or connection.

mod admission;
mod catalogue;
mod diagnostics;
mod gate;
mod leases;
mod listening;
mod record;
mod refusal;
mod seen;
mod server;
mod tenancy;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Request, State, rejection::PathRejection},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use serde_json::{Value, json};
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    catalogue::Catalogues,
    gate::{Address, Grant},
    leases::Leases,
    refusal::{Envelope, Refusal},
    server::VirtualServer,
    tenancy::Tenancy,
};
use crate::{bearer::Caller, engine::Engine, local::request_log::REQUEST_ID, upstream::Upstreams};

/// The largest request body: the MCP library's own limit, answered in its protocol's words.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// How much more of a body that is too large is read and thrown away.
const MAX_DRAINED: usize = 16 * MAX_BODY;

/// Everything a request on the data plane needs.
pub(crate) struct DataPlane {
    engine: Arc<Engine>,
    catalogues: Arc<Catalogues>,
    leases: Arc<Leases>,
    config: StreamableHttpServerConfig,
    sessions: Arc<NeverSessionManager>,
    /// Held by requests; a reset takes it alone.
    open: Arc<RwLock<()>>,
}

impl DataPlane {
    pub(crate) fn new(
        engine: Arc<Engine>,
        upstreams: &Arc<Upstreams>,
        stop: CancellationToken,
    ) -> Self {
        let leases = Arc::new(Leases::default());
        let told = Arc::clone(&leases);
        engine.store().on_change(move |change| told.changed(change));
        let catalogues = Arc::new(Catalogues::new(
            Arc::clone(&engine),
            Arc::clone(upstreams),
            Arc::clone(&leases),
        ));
        let told = Arc::downgrade(&catalogues);
        upstreams.on_tools_changed(move |account_id| {
            if let Some(catalogues) = told.upgrade() {
                catalogues.changed(account_id);
            }
        });
        // Stateless: identity is read from each request, so no session can outlive its token.
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_cancellation_token(stop)
            .with_allowed_origins([engine.issuer().to_owned()]);
        Self {
            engine,
            catalogues,
            leases,
            config,
            sessions: Arc::default(),
            open: Arc::default(),
        }
    }

    /// Forgets what was learned about upstreams; part of a reset.
    pub(crate) fn forget(&self) {
        self.catalogues.forget();
    }

    /// Returns when what a change ends has taken note of it.
    pub(crate) async fn settled(&self) {
        self.leases.settle().await;
    }

    /// Keeps requests out while it is held; ends streams, and waits for what is under way.
    pub(crate) async fn shut(&self) -> impl Drop + '_ {
        let shut = self.open.write();
        let mut shut = std::pin::pin!(shut);
        // In line first: a stream that begins after this waits until the end of the reset.
        let at_once = futures_util::poll!(shut.as_mut());
        if let std::task::Poll::Ready(shut) = at_once {
            return shut;
        }
        self.leases.stop_listeners();
        shut.await
    }

    async fn serve(
        self: Arc<Self>,
        address: Result<Address, Refusal>,
        request: Request,
    ) -> Response {
        let open = Arc::clone(&self.open).read_owned().await;
        let (parts, body) = request.into_parts();
        let body = match whole(body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let envelope = Envelope::of(&body);
        let id = envelope.id().clone();
        let admitted = match address {
            Ok(address) => match self.claims(&address, &parts.headers) {
                Ok(claims) => {
                    Tenancy::begin(Arc::clone(&self), address, claims, id.clone(), open).await
                }
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        let (tenancy, grant) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal.response(&id),
        };
        let caller = Caller::User(grant.identifier.clone());
        let request_id = self.engine.request_ids().next();
        let called = envelope.called_tool(&body);
        let may_listen = parts.method == Method::GET && listening::may(&parts.headers);
        let cancelled = envelope.cancelled_request(&body);
        let request = Request::from_parts(parts, Body::from(body));
        let answering = self.answer(request, &request_id, called, &tenancy, grant, &id);
        let answer = tokio::select! {
            biased;
            ending = tenancy.over() => Err(ending),
            response = answering => Ok(response),
        };
        let answer = match (answer, tenancy.look().await) {
            (Err(ending), _) | (Ok(_), Some(ending)) => ending.response(&id),
            // The library has checked Host and Origin, and has no such stream.
            (Ok(response), None)
                if may_listen && response.status() == StatusCode::METHOD_NOT_ALLOWED =>
            {
                let stop = self.config.cancellation_token.child_token();
                listening::stream(tenancy.lease(), stop)
            }
            (Ok(response), None) => response,
        };
        if let Some(request) = cancelled.filter(|_| answer.status() == StatusCode::ACCEPTED) {
            self.leases.cancel(tenancy.lease(), &request);
        }
        let mut response = tenancy.hold(answer);
        response.extensions_mut().insert(caller);
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }

    async fn answer(
        &self,
        request: Request,
        request_id: &str,
        called: Option<String>,
        tenancy: &Tenancy,
        grant: Arc<Grant>,
        id: &Value,
    ) -> Response {
        let terms = Arc::clone(tenancy.lease().terms());
        let learned = match called.filter(|_| is_modern(request.headers())) {
            // Its headers may have to repeat arguments, which only its definition says.
            Some(tool) => self.catalogues.learn(&grant, &tool).await,
            None => None,
        };
        let catalogues = Arc::clone(&self.catalogues);
        let server = VirtualServer::new(catalogues, grant, terms, request_id.to_owned(), learned);
        let service = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::clone(&self.sessions),
            self.config.clone(),
        );
        let response = service.handle(request).await.map(Body::new);
        refusal::in_json(response, id).await
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

/// Whether a request says that it is of a revision without `initialize`.
fn is_modern(headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version");
    version.is_some_and(|version| version.as_bytes() >= b"2026-07-28".as_slice())
}

/// Lets no answer to a change overtake what the change ends.
pub(crate) async fn settle(
    State(plane): State<Arc<DataPlane>>,
    request: Request,
    next: Next,
) -> Response {
    let before = plane.leases.touches();
    let response = next.run(request).await;
    if plane.leases.touches() != before {
        plane.settled().await;
    }
    response
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
    Refusal::new(status, reason, message).response(Envelope::of(&body.unwrap_or_default()).id())
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
