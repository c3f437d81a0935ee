//! Answers that are broken on purpose, written to the bare socket.

use std::{fmt::Write as _, io, time::Duration};

use axum::http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, Fault};

/// Between two bytes of a dripping answer.
const DRIP: Duration = Duration::from_millis(10);

/// Plays a fault and ends the connection.
pub(super) async fn play(fault: Fault, answer: &Answer, mut stream: TcpStream) -> io::Result<()> {
    let body = body_of(answer);
    let half = &body.as_bytes()[..body.len() / 2];
    match fault {
        Fault::Reset => return stream.set_zero_linger(),
        Fault::Garbage => stream.write_all(b"\x16\x03vectors\r\n\r\n").await?,
        Fault::Cut => {
            stream
                .write_all(head(answer, body.len()).as_bytes())
                .await?;
            stream.write_all(half).await?;
        }
        Fault::WrongLength => {
            let whole = head(answer, half.len()) + &body;
            stream.write_all(whole.as_bytes()).await?;
        }
        Fault::Drip => {
            stream
                .write_all(head(answer, usize::MAX >> 16).as_bytes())
                .await?;
            // Ends when the client goes away and the write fails.
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(DRIP).await;
            }
        }
    }
    stream.shutdown().await?;
    // Wait for the client to close: closing first could reset the connection under the answer.
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// The body as text: a JSON string is sent bare.
pub(super) fn body_of(answer: &Answer) -> String {
    match &answer.body {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    }
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
