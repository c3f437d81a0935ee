//! JSON-RPC responses, alone or in a stream of server-sent events.

use std::mem;

use serde::Deserialize;
use serde_json::Value;

/// A JSON-RPC response.
#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) jsonrpc: String,
    pub(super) result: Option<Value>,
    pub(super) error: Option<RpcError>,
}

#[derive(Deserialize)]
pub(super) struct RpcError {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) data: Value,
}

/// Reads a stream of events as it comes. What has been looked at is not looked at again, and only
/// the event that is under way is kept.
#[derive(Default)]
pub(super) struct Events {
    /// The line whose end has not come.
    line: Vec<u8>,
    /// The data of the event whose end has not come.
    data: Vec<u8>,
    #[cfg(test)]
    looked_at: usize,
}

impl Events {
    /// The first response in a whole stream.
    pub(super) fn first(stream: &[u8]) -> Option<Message> {
        Self::default().take(stream)
    }

    /// Takes what comes next. The first response, if it ends in there.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Option<Message> {
        self.look_at(chunk.len());
        let mut lines = chunk.split(|byte| *byte == b'\n');
        let rest = lines.next_back().unwrap_or_default();
        for end in lines {
            self.line.extend_from_slice(end);
            let line = mem::take(&mut self.line);
            if let Some(message) = self.end_of_line(line.strip_suffix(b"\r").unwrap_or(&line)) {
                return Some(message);
            }
        }
        self.line.extend_from_slice(rest);
        None
    }

    fn end_of_line(&mut self, line: &[u8]) -> Option<Message> {
        self.look_at(line.len());
        if line.is_empty() {
            let data = mem::take(&mut self.data);
            self.look_at(data.len());
            let message: Message = serde_json::from_slice(&data).ok()?;
            // Notifications may come first.
            return (message.result.is_some() || message.error.is_some()).then_some(message);
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
        None
    }

    #[cfg(test)]
    fn look_at(&mut self, bytes: usize) {
        self.looked_at += bytes;
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count")]
    fn look_at(&self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    /// What comes of a stream in chunks of this size, and how many bytes were looked at.
    fn read(stream: &[u8], size: usize) -> (Option<Value>, usize) {
        let mut events = Events::default();
        let found = stream.chunks(size).find_map(|chunk| events.take(chunk));
        (found.and_then(|message| message.result), events.looked_at)
    }

    #[test]
    fn the_first_response_is_found_wherever_the_stream_is_cut() {
        let stream = b": hello\r\n\r\nevent: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata:\"result\":1}\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\"result\":2}\n\n";
        for size in 1..=stream.len() {
            assert_eq!(read(stream, size).0, Some(1.into()), "{size}");
        }
    }

    #[test]
    fn an_event_without_its_end_is_none() {
        let stream = b"data: {\"jsonrpc\":\"2.0\",\"result\":1}\n";
        assert_eq!(read(stream, 7).0, None);
        assert!(Events::first(b"").is_none());
    }

    #[test]
    fn comments_are_looked_at_twice_at_most_and_not_kept() {
        let stream = ": nothing happens\n\n".repeat(8 * MIB / 19);
        let mut events = Events::default();
        for chunk in stream.as_bytes().chunks(1024) {
            assert!(events.take(chunk).is_none());
            assert!(events.line.len() < 32 && events.data.is_empty());
        }
        assert!(events.looked_at <= 2 * stream.len());
    }

    #[test]
    fn a_long_event_is_looked_at_a_few_times_however_small_its_chunks() {
        let text = "x".repeat(8 * MIB);
        let stream = format!("data: {{\"jsonrpc\":\"2.0\",\"result\":\"{text}\"}}\n\n");
        let (found, looked_at) = read(stream.as_bytes(), 1024);
        assert_eq!(found, Some(text.into()));
        assert!(looked_at <= 3 * stream.len(), "{looked_at}");
    }
}
