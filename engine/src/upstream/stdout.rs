//! A child's stdout, watched on its way to the MCP library. The library skips what it cannot read, and who waits for
//! such an answer would wait until the deadline.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    process::ChildStdout,
    sync::watch,
};

use super::{MAX_DEPTH, MAX_MESSAGE};

/// Why a message is not read.
pub(super) type Reason = String;

/// What cannot be read is told to everyone who waits for an answer.
pub(super) struct Watched {
    inner: ChildStdout,
    line: Line,
    told: watch::Sender<Reason>,
}

impl Watched {
    pub(super) fn new(inner: ChildStdout) -> (Self, watch::Receiver<Reason>) {
        let (told, unreadable) = watch::channel(Reason::new());
        let line = Line::default();
        (Self { inner, line, told }, unreadable)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        for byte in buffer.filled().iter().skip(before) {
            if let Some(reason) = self.line.push(*byte) {
                self.told.send_replace(reason);
            }
        }
        Poll::Ready(Ok(()))
    }
}

pub(super) fn too_large() -> Reason {
    format!("larger than {} MiB", MAX_MESSAGE / (1024 * 1024))
}

pub(super) fn too_deep() -> Reason {
    format!("nested deeper than {MAX_DEPTH} levels")
}

/// The line under way. Only one that starts like an object can be an answer.
#[derive(Default)]
struct Line {
    length: usize,
    is_object: bool,
    text: Text,
    depth: usize,
    refused: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escaped,
}

impl Line {
    /// Says once per line why it cannot be read.
    fn push(&mut self, byte: u8) -> Option<Reason> {
        if byte == b'\n' {
            *self = Self::default();
            return None;
        }
        if self.length == 0 {
            self.is_object = byte == b'{';
        }
        self.length += 1;
        if self.refused {
            return None;
        }
        let reason = if self.length > MAX_MESSAGE {
            too_large()
        } else if self.is_object && self.nesting(byte) > MAX_DEPTH {
            too_deep()
        } else {
            return None;
        };
        self.refused = true;
        Some(reason)
    }

    fn nesting(&mut self, byte: u8) -> usize {
        self.text = match (self.text, byte) {
            (Text::Inside, b'\\') => Text::Escaped,
            (Text::Inside, b'"') => Text::Outside,
            (Text::Inside | Text::Escaped, _) | (Text::Outside, b'"') => Text::Inside,
            (Text::Outside, _) => Text::Outside,
        };
        if self.text == Text::Outside {
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(bytes: impl IntoIterator<Item = u8>) -> Vec<Reason> {
        let mut line = Line::default();
        bytes
            .into_iter()
            .filter_map(|byte| line.push(byte))
            .collect()
    }

    #[test]
    fn what_the_library_cannot_read_is_told_once_per_line() {
        let deep = |levels: usize| {
            format!(
                "{{\"a\":{}{}}}\n",
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            )
        };
        for levels in [2, MAX_DEPTH, MAX_DEPTH + 1, MAX_DEPTH + 2] {
            let readable = serde_json::from_str::<serde_json::Value>(&deep(levels)).is_ok();
            let text = deep(levels).repeat(2);
            let expected = if readable {
                vec![]
            } else {
                vec![too_deep(); 2]
            };
            assert_eq!(reasons(text.bytes()), expected, "{levels}");
        }
        let large = std::iter::repeat_n(b'x', MAX_MESSAGE);
        assert!(reasons(large.clone()).is_empty());
        assert_eq!(reasons(large.chain(*b"xxxx\n")), [too_large()]);
    }

    #[test]
    fn brackets_in_strings_and_in_what_is_no_object_do_not_count() {
        let brackets = "[".repeat(200);
        assert!(reasons(format!(r#"{{"a\\":"\"{brackets}"}}"#).bytes()).is_empty());
        assert!(reasons(format!("log: {brackets}").bytes()).is_empty());
        assert_eq!(
            reasons(format!(r#"{{"a":"\\",{brackets}"#).bytes()),
            [too_deep()]
        );
    }
}
