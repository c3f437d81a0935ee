//! HTTP upstreams: the account's own headers, and what their failures are called.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::{
        StreamableHttpServerConfig, StreamableHttpService,
        streamable_http_server::session::local::LocalSessionManager,
    },
};
use serde_json::json;

use super::*;
use crate::settings::HttpSource;

/// Answers with the `Authorization` it was called with.
#[derive(Clone)]
struct Echo;

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object" }).as_object().cloned().unwrap();
        Ok(ListToolsResult::with_all_items(vec![Tool::new(
            "echo",
            "Echo",
            Arc::new(schema),
        )]))
    }

    async fn call_tool(
        &self,
        _request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context
            .extensions
            .get::<axum::http::request::Parts>()
            .unwrap();
        let header = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
        let mut result = CallToolResult::success(Vec::new());
        result.structured_content =
            Some(json!({ "authorization": header("authorization"), "who": header("x-who") }));
        Ok(result.into())
    }
}

/// What the server does with a request that has no known key.
#[derive(Clone, Copy)]
enum Refusal {
    Challenge,
    Plain,
    Status(u16),
}

async fn guard(State(refusal): State<Refusal>, request: Request, next: Next) -> Response {
    if allowed(request.headers()) {
        return next.run(request).await;
    }
    match refusal {
        Refusal::Challenge => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
        )
            .into_response(),
        Refusal::Plain => (StatusCode::UNAUTHORIZED, "who are you?").into_response(),
        Refusal::Status(status) => {
            let location = [(header::LOCATION, "/elsewhere")];
            (StatusCode::from_u16(status).unwrap(), location).into_response()
        }
    }
}

fn allowed(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.to_str().unwrap().starts_with("Bearer key-of-"))
}

async fn serve(refusal: Refusal, legacy: bool) -> Arc<Connection> {
    let service = StreamableHttpService::new(
        || Ok(Echo),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default().with_legacy_session_mode(legacy),
    );
    let app = Router::new()
        .route_service("/mcp", service)
        .layer(from_fn_with_state(refusal, guard));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    http_connection(&format!("http://{address}/mcp"))
}

pub(super) fn http_connection(url: &str) -> Arc<Connection> {
    connection(Source::Http(HttpSource {
        url: url.parse().unwrap(),
        headers: BTreeMap::from([
            (
                "Authorization".to_owned(),
                "Bearer {access_token}".to_owned(),
            ),
            ("X-Who".to_owned(), "{identifier}".to_owned()),
        ]),
    }))
}

#[tokio::test]
async fn each_user_calls_with_the_own_credential() {
    let bench = Bench::new().await;
    let notes = serve(Refusal::Challenge, false).await;
    for id in ["one", "two"] {
        let owner = bench.owner(id);
        assert_eq!(bench.names(&notes, &owner).await, ["echo"]);
        let answer = bench.call(&notes, &owner, "echo").await.unwrap();
        assert_eq!(
            answer,
            json!({ "authorization": format!("Bearer key-of-{id}"), "who": format!("user-{id}") })
        );
    }
    assert_eq!(bench.upstreams.running(), 2);
    bench.upstreams.stop_all().await;
    assert_eq!(bench.upstreams.running(), 0);
}

#[tokio::test]
async fn a_refused_credential_is_told_apart_and_a_new_one_works() {
    let bench = Bench::new().await;
    for refusal in [Refusal::Challenge, Refusal::Plain] {
        let notes = serve(refusal, true).await;
        let mut owner = bench.owner("one");
        owner.credential = Some(SecretString::from("wrong-secret"));
        let error = bench.call(&notes, &owner, "echo").await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::CredentialRefused { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("`notes`"));
        assert!(!format!("{error:?} {error}").contains("wrong-secret"));
        owner.credential = bench.owner("one").credential;
        bench.call(&notes, &owner, "echo").await.unwrap();
        bench.upstreams.stop_all().await;
    }
}

#[tokio::test]
async fn other_statuses_are_named() {
    let bench = Bench::new().await;
    for status in [302, 403, 404, 429, 500, 503] {
        let notes = serve(Refusal::Status(status), false).await;
        let mut owner = bench.owner(&status.to_string());
        owner.credential = Some(SecretString::from("wrong-secret"));
        let error = bench.call(&notes, &owner, "echo").await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::HttpStatus { status: answered, .. } if answered == status),
            "{status}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let bench = Bench::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let error = bench
        .call(&http_connection(&url), &bench.owner("one"), "echo")
        .await
        .unwrap_err();
    assert!(
        matches!(error, UpstreamError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
}
