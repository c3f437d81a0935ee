//! The stream that a legacy client opens with `GET`, to be told when its tools change. The MCP
//! library has none without sessions, and this needs none: the token says whose it is.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{leases::Terms, tenancy::event};

/// How often a stream without news shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The revisions whose clients open it; one that says nothing is of the first.
const REVISIONS: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// Whether a client that sent these headers with `GET` may have the stream.
pub(super) fn may(headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version");
    let legacy = version.is_none_or(|version| REVISIONS.iter().any(|known| version == known));
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    let streams = accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.to_ascii_lowercase().contains("text/event-stream"))
    });
    legacy && streams
}

/// Tells of changes until the engine stops.
pub(super) fn stream(terms: &Terms, stop: CancellationToken) -> Response {
    let news = terms.listen();
    // Headers are sent with the first bytes; a client that waits for them gets both at once.
    let opened = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b":\n\n"))]);
    let events = stream::unfold(news, |mut news| async move {
        let bytes = next(&mut news).await?;
        Some((Ok(bytes), news))
    });
    let body = opened.chain(events).take_until(stop.cancelled_owned());
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/event-stream");
    set(header::CACHE_CONTROL, "no-cache");
    response
}

async fn next(news: &mut watch::Receiver<u64>) -> Option<Bytes> {
    tokio::select! {
        changed = news.changed() => {
            changed.ok()?;
            let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
            Some(event(&changed))
        }
        () = sleep(KEEP_ALIVE) => Some(Bytes::from_static(b":\n\n")),
    }
}
