//! The end of an engine in good order: requests under way finish, new ones are refused, and streams,
//! which have no end of their own, are not waited for.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use http_body::{Frame, SizeHint};
use serde_json::json;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Counts the requests under way; clones count together.
#[derive(Clone, Default)]
pub(super) struct Drain {
    stop: CancellationToken,
    under_way: TaskTracker,
}

impl Drain {
    /// Cancelled when no more requests are let in.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Lets no more requests in, and waits for those under way.
    pub(super) async fn run(&self) {
        self.stop.cancel();
        self.under_way.close();
        self.under_way.wait().await;
    }
}

/// Lets a request in, unless the engine is stopping, and counts it until its answer is written.
pub(super) async fn admit(State(drain): State<Drain>, request: Request, next: Next) -> Response {
    // Counted first, so that none slips through between the question and the count.
    let under_way = drain.under_way.token();
    if drain.stop.is_cancelled() {
        return refuse();
    }
    let response = next.run(request).await;
    if is_stream(&response) {
        return response;
    }
    response.map(|body| {
        Body::new(Counted {
            body,
            _under_way: under_way,
        })
    })
}

fn is_stream(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

fn refuse() -> Response {
    let body = json!({ "code": 14, "message": "the engine is stopping", "details": [] });
    let close = [(header::CONNECTION, "close")];
    (StatusCode::SERVICE_UNAVAILABLE, close, Json(body)).into_response()
}

/// A body that keeps its request counted.
struct Counted {
    body: Body,
    _under_way: TaskTrackerToken,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware, routing::get};
    use tower::ServiceExt;

    use super::*;

    fn router(drain: &Drain) -> Router {
        let stream = || async {
            let body =
                Body::from_stream(futures_util::stream::pending::<Result<Bytes, axum::Error>>());
            ([(header::CONTENT_TYPE, "text/event-stream")], body)
        };
        Router::new()
            .route("/stream", get(stream))
            .route("/text", get(|| async { "text" }))
            .layer(middleware::from_fn_with_state(drain.clone(), admit))
    }

    fn ask(router: &Router, path: &str) -> impl Future<Output = Response> + use<> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request);
        async { answer.await.unwrap() }
    }

    #[tokio::test]
    async fn an_answer_is_waited_for_to_its_last_byte_and_a_stream_is_not() {
        let drain = Drain::default();
        let router = router(&drain);
        let _stream = ask(&router, "/stream").await;
        let text = ask(&router, "/text").await;
        assert_eq!(text.headers().get(header::CONTENT_LENGTH).unwrap(), "4");
        let ending = drain.clone();
        let end = tokio::spawn(async move { ending.run().await });
        drain.stop().cancelled().await;
        assert_eq!(drain.under_way.len(), 1);
        assert!(!end.is_finished());
        let refused = ask(&router, "/text").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(refused);
        let bytes = axum::body::to_bytes(text.into_body(), 10).await.unwrap();
        assert_eq!(bytes, "text");
        end.await.unwrap();
    }
}
