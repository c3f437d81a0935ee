//! A request with its grant, from the gate to the last byte of its answer: it ends when the grant
//! does.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Json,
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::header;
use http_body::{Frame, SizeHint};
use jiff::Timestamp;
use rmcp::model::CallToolResult;
use serde_json::{Value, json};
use tokio::sync::OwnedRwLockReadGuard;

use super::{
    DataPlane,
    gate::{Address, Grant},
    leases::{Lease, Stopped},
    refusal::Refusal,
    server,
};
use crate::signing::Claims;

/// A request and what it may do.
pub(super) struct Tenancy {
    plane: Arc<DataPlane>,
    address: Address,
    claims: Claims,
    /// The JSON-RPC id of the request.
    id: Value,
    lease: Lease,
    /// A reset waits for its end.
    _open: OwnedRwLockReadGuard<()>,
}

/// How a request ends before its answer.
pub(super) enum Ending {
    Refused(Refusal),
    /// What the next call would be answered.
    Answered(Box<CallToolResult>),
}

impl Ending {
    fn message(&self, id: &Value) -> Value {
        match self {
            Self::Refused(refusal) => refusal.message(id),
            Self::Answered(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        }
    }

    pub(super) fn response(self, id: &Value) -> Response {
        match self {
            Self::Refused(refusal) => refusal.response(id),
            Self::Answered(_) => Json(self.message(id)).into_response(),
        }
    }
}

impl Tenancy {
    /// Lets a request in: the tenancy, and the grant as of now.
    pub(super) async fn begin(
        plane: Arc<DataPlane>,
        address: Address,
        claims: Claims,
        id: Value,
        open: OwnedRwLockReadGuard<()>,
    ) -> Result<(Self, Arc<Grant>), Refusal> {
        let lease = plane.leases.open(&address, &claims, &id);
        let grant = plane.grant(&address, &claims).await?;
        plane.check_current(&address, &claims, &grant)?;
        let grant = Arc::new(grant);
        lease.renew(&grant);
        let tenancy = Self {
            plane,
            address,
            claims,
            id,
            lease,
            _open: open,
        };
        Ok((tenancy, grant))
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Returns when the request must end.
    pub(super) async fn over(&self) -> Ending {
        let mut touches = self.lease.touches();
        let expiry = Timestamp::from_second(self.claims.exp).unwrap_or(Timestamp::MAX);
        loop {
            if let Some(ending) = self.look().await {
                return ending;
            }
            tokio::select! {
                // The lease is ours, so there will always be more.
                _ = touches.changed() => {}
                () = self.plane.engine.clock().reaches(expiry) => {}
            }
        }
    }

    /// Whether the request must end by now.
    pub(super) async fn look(&self) -> Option<Ending> {
        let touch = *self.lease.touches().borrow();
        match self.lease.stopped() {
            Some(Stopped::Cancelled) => return Some(Ending::Refused(Refusal::cancelled())),
            Some(Stopped::Reset) => return Some(Ending::Refused(Refusal::reset())),
            None => {}
        }
        if self.claims.exp <= self.plane.engine.clock().now().as_second() {
            let expired = self.plane.token_expired(&self.address);
            return Some(Ending::Refused(expired));
        }
        if !self.lease.is_unseen() {
            return None;
        }
        let grant = match self.plane.grant(&self.address, &self.claims).await {
            Ok(grant) => Arc::new(grant),
            Err(refusal) => return Some(Ending::Refused(refusal)),
        };
        let refused = self.lease.is_refused();
        if let Some(call) = self.lease.call()
            && let Some(ending) = server::ended(&self.plane.catalogues, &grant, call, refused)
        {
            return Some(ending);
        }
        self.lease.renew(&grant);
        self.lease.seen(touch);
        None
    }

    /// Keeps the lease until the answer is written; a stream ends when the grant does.
    pub(super) fn hold(self, response: Response) -> Response {
        let is_stream = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        let tenancy = Arc::new(self);
        let over = is_stream.then(|| {
            let tenancy = Arc::clone(&tenancy);
            Box::pin(async move { tenancy.over().await }) as Pin<Box<Over>>
        });
        response.map(|inner| {
            Body::new(Held {
                inner: Some(inner),
                over,
                tenancy,
            })
        })
    }
}

type Over = dyn Future<Output = Ending> + Send;

/// A body that is written on behalf of a tenant.
struct Held {
    inner: Option<Body>,
    /// Only of a stream: other answers are there already.
    over: Option<Pin<Box<Over>>>,
    tenancy: Arc<Tenancy>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        if let Some(over) = &mut this.over {
            if let Poll::Ready(ending) = over.as_mut().poll(context) {
                (this.inner, this.over) = (None, None);
                let id = &this.tenancy.id;
                // A stream that answers no request just ends.
                let last = (!id.is_null()).then(|| Ok(Frame::data(event(&ending.message(id)))));
                return Poll::Ready(last);
            }
            // Nothing is passed on that may be forbidden by now; `over` is looking.
            if this.tenancy.lease.is_unseen() {
                return Poll::Pending;
            }
        }
        let frame = ready!(Pin::new(inner).poll_frame(context));
        if frame.is_none() {
            (this.inner, this.over) = (None, None);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.inner, &self.over) {
            (Some(inner), None) => inner.size_hint(),
            (None, _) => SizeHint::with_exact(0),
            // It may be shorter or longer than the stream.
            (Some(_), Some(_)) => SizeHint::default(),
        }
    }
}

/// A message as an event of a stream.
pub(super) fn event(message: &Value) -> Bytes {
    format!("event: message\ndata: {message}\n\n").into()
}
