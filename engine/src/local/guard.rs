//! The outermost check: a web page that a developer visits must not reach the engine by a
//! rebound DNS name or from a foreign origin.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};

use crate::data;

/// Lets a request through if it names this machine and comes from no foreign page.
pub(super) async fn check(State(port): State<u16>, request: Request, next: Next) -> Response {
    let (headers, path) = (request.headers(), request.uri().path());
    if !host_is_ours(headers, port) {
        let message = "the `Host` header must name this machine and port, once";
        return if data::is_at(path) {
            data::refuse(request, StatusCode::FORBIDDEN, "host_not_allowed", message).await
        } else {
            refuse(message)
        };
    }
    if headers.get_all(header::ORIGIN).iter().count() > 1 && data::is_at(path) {
        let message = "the `Origin` header is there more than once";
        return data::refuse(
            request,
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            message,
        )
        .await;
    }
    // The connect page forbids referrers, and browsers then send `Origin: null` with its form; its
    // link is a secret of its own. The data plane refuses in its own protocol.
    let elsewhere = path.starts_with("/connect/") || data::is_at(path);
    if !elsewhere && !origin_is_ours(headers, port) {
        return refuse("requests from web pages of other origins are not allowed");
    }
    next.run(request).await
}

fn refuse(message: &'static str) -> Response {
    (
        StatusCode::FORBIDDEN,
        axum::Json(serde_json::json!({ "code": 7, "message": message, "details": [] })),
    )
        .into_response()
}

fn ours(authority: &str, port: u16) -> bool {
    authority.rsplit_once(':').is_some_and(|(host, number)| {
        number.parse() == Ok(port) && matches!(host, "127.0.0.1" | "localhost" | "[::1]")
    })
}

/// One, and ours: of two it is not clear which counts.
fn host_is_ours(headers: &HeaderMap, port: u16) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    host.to_str().is_ok_and(|host| ours(host, port))
}

fn origin_is_ours(headers: &HeaderMap, port: u16) -> bool {
    headers.get_all(header::ORIGIN).iter().all(|value| {
        value
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|authority| ours(authority, port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_data_plane_refuses_a_foreign_host_in_its_own_protocol() {
        use axum::body::{Body, to_bytes};
        use tower::ServiceExt as _;

        let router = axum::Router::new()
            .fallback(async || "let in")
            .layer(axum::middleware::from_fn_with_state(8080, check));
        let request = Request::post("/mcp/v3/connections/notes")
            .header(header::HOST, "evil.example:8080")
            .body(Body::from(
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
            ));
        let answer = router.oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let body = to_bytes(answer.into_body(), 1024).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["jsonrpc"], &body["id"]), (&"2.0".into(), &7.into()));
        assert_eq!(body["error"]["data"]["reason"], "host_not_allowed");
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn only_this_machine_and_port() {
        for (host, good) in [
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("[::1]:8080", true),
            ("127.0.0.1:8081", false),
            ("127.0.0.1", false),
            ("evil.example:8080", false),
            ("localhost.evil.example:8080", false),
        ] {
            assert_eq!(
                host_is_ours(&headers(header::HOST, host), 8080),
                good,
                "{host}"
            );
        }
        assert!(!host_is_ours(&HeaderMap::new(), 8080));
    }

    #[test]
    fn only_own_pages() {
        for (origin, good) in [
            ("http://127.0.0.1:8080", true),
            ("http://evil.example", false),
            ("https://127.0.0.1:8080", false),
            ("null", false),
        ] {
            assert_eq!(
                origin_is_ours(&headers(header::ORIGIN, origin), 8080),
                good,
                "{origin}"
            );
        }
        assert!(origin_is_ours(&HeaderMap::new(), 8080));
    }
}
