//! Answers, and how they are broken on purpose: most as a body, some on the bare socket.

use std::{fmt::Write as _, io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Answer, Fault};

/// Between two bytes of a dripping answer.
const DRIP: Duration = Duration::from_millis(10);
/// How much of a flood comes at once.
static WAVE: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// A whole frame: length 8, type 7, no flags, on stream 0; the last stream looked at is none, and
/// there is no error.
const GO_AWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The body of an answer and, where it is not the true one, the length that is claimed.
pub(super) fn body_of(answer: &Answer) -> (Body, Option<usize>) {
    let bytes = bytes_of(answer);
    let whole = bytes.len();
    let half = bytes.slice(..whole / 2);
    match answer.fault {
        Some(Fault::Cut) => {
            let end = async {
                // Lets the half out before the end.
                tokio::task::yield_now().await;
                Err(io::Error::other("cut"))
            };
            let parts = stream::iter([Ok(half)]).chain(stream::once(end));
            (Body::from_stream(parts), Some(whole))
        }
        Some(Fault::WrongLength) => (Body::from(bytes), Some(half.len())),
        Some(Fault::Drip) => {
            let drops = stream::repeat(Bytes::from_static(b" ")).then(async |drop| {
                tokio::time::sleep(DRIP).await;
                io::Result::Ok(drop)
            });
            (Body::from_stream(drops), None)
        }
        Some(Fault::Flood) => {
            let waves = stream::repeat(Bytes::from_static(&WAVE)).map(io::Result::Ok);
            (Body::from_stream(waves), None)
        }
        _ => (Body::from(bytes), None),
    }
}

/// Plays a fault that hyper cannot express and ends the connection; a reset is up to the caller.
pub(super) async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    fault: Fault,
    answer: &Answer,
    stream: &mut S,
) -> io::Result<()> {
    let sent = match fault {
        Fault::WrongLength => {
            let body = bytes_of(answer);
            [head(answer, body.len() / 2).as_bytes(), &body].concat()
        }
        Fault::GoAway => GO_AWAY.to_vec(),
        _ => b"\x16\x03vectors\r\n\r\n".to_vec(),
    };
    stream.write_all(&sent).await?;
    stream.shutdown().await?;
    // Wait for the client to close: closing first could reset the connection under the answer.
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// The body as it is sent: a JSON string is sent bare.
fn bytes_of(answer: &Answer) -> Bytes {
    let text = match &answer.body {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let bytes = text.repeat(answer.repeat.unwrap_or(1)).into_bytes();
    if answer.gzip {
        compressed(&bytes).into()
    } else {
        bytes.into()
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = io::Write::write_all(&mut encoder, bytes);
    encoder.finish().unwrap_or_default()
}

fn head(answer: &Answer, length: usize) -> String {
    let reason = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        answer.status,
        reason.unwrap_or("Unknown")
    );
    if !answer.headers.contains_key("content-type") {
        head.push_str("content-type: application/json\r\n");
    }
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {length}\r\n\r\n");
    head
}
