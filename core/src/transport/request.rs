//! What is sent: an operation, or a message to an MCP server.

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::{Error, Result};

/// All but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One operation, ready for the wire.
pub(crate) struct Request {
    pub(super) method: Method,
    /// Below the environment's URL, percent-encoded.
    path: String,
    /// What follows the path after a colon.
    verb: Option<&'static str>,
    query: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// Whether it makes something be gone.
    pub(super) deletes: bool,
    /// Of a request to an MCP server instead of the API.
    pub(super) mcp: Option<Mcp>,
    /// What it holds that must not come back in an error.
    pub(super) secrets: Vec<String>,
}

/// Where and how an MCP server is asked. Whatever status it answers with is an answer.
pub(super) struct Mcp {
    url: Url,
    pub(super) headers: HeaderMap,
    pub(super) enough: fn() -> Enough,
}

/// Is handed a stream of events piece by piece, and says whether enough of it has come.
type Enough = Box<dyn FnMut(&[u8]) -> bool + Send>;

pub(crate) enum Body {
    None,
    Json(Bytes),
    Form(String),
}

impl Request {
    pub(crate) fn new(method: Method, path: &[&str]) -> Self {
        Self {
            path: encoded(path),
            verb: None,
            query: Vec::new(),
            body: Body::None,
            deletes: method == Method::DELETE,
            mcp: None,
            secrets: Vec::new(),
            method,
        }
    }

    /// A request to the MCP server at this URL. A stream of events is read until `enough` says so.
    pub(crate) fn to_mcp(
        method: Method,
        url: Url,
        headers: HeaderMap,
        enough: fn() -> Enough,
    ) -> Self {
        Self {
            mcp: Some(Mcp {
                url,
                headers,
                enough,
            }),
            ..Self::new(method, &[])
        }
    }

    pub(crate) fn verb(mut self, verb: &'static str) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Says of a request with another method than `DELETE` that it makes something be gone.
    pub(crate) fn deletes(mut self) -> Self {
        self.deletes = true;
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(text) = value
            .map(|value| value.to_string())
            .filter(|text| !text.is_empty())
        {
            self.query.push((name, text));
        }
        self
    }

    pub(crate) fn queries<'a>(
        self,
        fields: impl IntoIterator<Item = (&'static str, Option<&'a str>)>,
    ) -> Self {
        fields
            .into_iter()
            .fold(self, |request, (name, value)| request.query(name, value))
    }

    /// The same name once for each value.
    pub(crate) fn query_each(self, name: &'static str, values: Option<&[String]>) -> Self {
        values
            .unwrap_or_default()
            .iter()
            .fold(self, |request, value| request.query(name, Some(value)))
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_vec(body).map_err(|cause| {
            let message = "the parameters cannot be written as JSON";
            Error::argument("argument_type", "parameters", message).caused_by(cause)
        })?;
        self.body = Body::Json(text.into());
        Ok(self)
    }

    /// Names what the request holds that must not come back in an error: every text in here that is
    /// long enough not to stand in any sentence.
    pub(crate) fn secrets_of(mut self, credentials: &Map<String, Value>) -> Self {
        const SHORTEST: usize = 4;
        let mut values: Vec<&Value> = credentials.values().collect();
        while let Some(value) = values.pop() {
            match value {
                Value::String(text) if text.chars().count() >= SHORTEST => {
                    self.secrets.push(text.clone());
                }
                Value::Array(items) => values.extend(items),
                Value::Object(fields) => values.extend(fields.values()),
                _ => {}
            }
        }
        self
    }

    /// How logs call it: without the query, which may name users.
    pub(super) fn name(&self, base: &Url) -> String {
        format!("{} {}", self.method, self.url(base).path())
    }

    /// Where the request goes.
    pub(crate) fn url(&self, base: &Url) -> Url {
        if let Some(mcp) = &self.mcp {
            return mcp.url.clone();
        }
        let mut url = base.clone();
        let mut path = base.path().trim_end_matches('/').to_owned();
        path.push_str(&self.path);
        if let Some(verb) = self.verb {
            path.push(':');
            path.push_str(verb);
        }
        url.set_path(&path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

/// A path of these segments, none of which can add another.
fn encoded(segments: &[&str]) -> String {
    let mut path = String::with_capacity(64);
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_segment_can_leave_its_place() {
        let base = Url::parse("https://env.example/base/").unwrap();
        let request = Request::new(Method::GET, &["api", "a/b?c#d e:ü"]);
        assert_eq!(
            request.url(&base).as_str(),
            "https://env.example/base/api/a%2Fb%3Fc%23d%20e%3A%C3%BC"
        );
    }
}
