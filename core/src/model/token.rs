//! Session tokens: the credential of one agent run.

use std::{fmt, time::SystemTime};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AccessLevel {
    /// Every tool of the target.
    #[default]
    Full,
    /// Only tools annotated as read-only; others are neither listed nor callable.
    ReadOnly,
}

impl AccessLevel {
    /// The contract's spelling: `FULL` or `READ_ONLY`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::ReadOnly => "READ_ONLY",
        }
    }
}

/// A bearer token for one user on one Virtual MCP server. Opaque; hidden from `Debug`.
#[derive(Clone)]
pub struct SessionToken {
    token: SecretString,
    expires_at: Option<Timestamp>,
}

impl SessionToken {
    /// No token: one that has to be replaced before it is used.
    pub(crate) fn spent() -> Self {
        Self {
            token: SecretString::default(),
            expires_at: None,
        }
    }

    /// The token itself. Whoever holds it acts as the user until it expires.
    pub fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// When it expires, by the server's clock.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at.map(SystemTime::from)
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionToken")
            .field("token", &"[redacted]")
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// The credential of one agent run.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionToken", extend("x-python" = "CreateMcpSessionTokenResponse")))]
pub(crate) struct Wire {
    /// The bearer token. Whoever holds it acts as the user until it expires.
    #[cfg_attr(feature = "schema", schemars(extend("x-secret" = true)))]
    token: String,
    /// When it expires, by the server's clock.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    expires_at: Option<String>,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SessionToken {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Wire::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Wire::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for SessionToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let wire = Wire::deserialize(deserializer)?;
        // A token with white space or control characters could not be sent as a header.
        if !is_bearer(&wire.token) {
            return Err(D::Error::custom("`token` is not a bearer token"));
        }
        let expires_at = match wire.expires_at.as_deref() {
            None | Some("") => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|_| D::Error::custom("`expires_at` is not an RFC 3339 time"))?,
            ),
        };
        Ok(Self {
            token: wire.token.into(),
            expires_at,
        })
    }
}

/// For language borders only: this is the one place that writes the token out.
impl Serialize for SessionToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("SessionToken", 2)?;
        out.serialize_field("token", self.token())?;
        out.serialize_field("expires_at", &self.expires_at.map(|time| time.to_string()))?;
        out.end()
    }
}

/// Whether a token can be sent in a header: some printable ASCII without white space.
pub(crate) fn is_bearer(token: &str) -> bool {
    // Without an early end the compiler looks at many bytes at once, and tokens are long.
    let graphic = token
        .bytes()
        .fold(true, |graphic, byte| graphic & byte.is_ascii_graphic());
    graphic && !token.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_no_debug_text() {
        let token: SessionToken =
            serde_json::from_str(r#"{"token":"t.o.k","expires_at":"2026-01-01T01:00:00.5Z"}"#)
                .unwrap();
        assert_eq!(token.token(), "t.o.k");
        assert!(!format!("{token:?}").contains("t.o.k"));
        assert_eq!(
            serde_json::to_value(&token).unwrap(),
            serde_json::json!({"token": "t.o.k", "expires_at": "2026-01-01T01:00:00.5Z"})
        );
    }

    #[test]
    fn what_cannot_be_a_header_is_no_token() {
        for token in ["", "a b", "a\nb", "\u{e9}"] {
            let body = serde_json::json!({ "token": token }).to_string();
            assert!(
                serde_json::from_str::<SessionToken>(&body).is_err(),
                "{token:?}"
            );
        }
    }
}
