//! Doors for fuzzers and property tests: whatever comes in, nothing panics and nothing hangs.

use std::{path::Path, sync::OnceLock};

use http::{HeaderMap, HeaderValue, header};
use tempfile::TempDir;

use crate::{
    bearer, control, local::clock::Clock, settings::Settings, signing::Signer, store::Store,
};

/// Reads a `vmcp.toml`.
pub fn settings(text: &str) {
    let read = Settings::from_toml(text, Path::new("/nowhere"));
    if let Err(error) = read {
        // Its place in the text is computed from spans.
        let _ = error.to_string();
    }
}

/// Checks what stands in an `Authorization` header.
pub fn token(value: &[u8]) {
    let Some((_, signer)) = signer() else {
        return;
    };
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return;
    };
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
    for token in bearer::tokens(&headers) {
        let claims = signer.verify(token);
        assert!(claims.is_err(), "nobody can make a token without the key");
    }
    let _ = bearer::only_token(&headers);
}

/// Reads the query of a request, and its values as every kind that there is.
pub fn query(text: &str) {
    control::read_query(text);
}

/// A key of this process, in a folder that lives as long.
fn signer() -> Option<&'static (TempDir, Signer)> {
    static SIGNER: OnceLock<Option<(TempDir, Signer)>> = OnceLock::new();
    let made = SIGNER.get_or_init(|| {
        let folder = tempfile::tempdir().ok()?;
        let store = Store::open(&folder.path().join("vmcp.db")).ok()?;
        let signer = Signer::load(&store, Clock::default()).ok()?;
        Some((folder, signer))
    });
    made.as_ref()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Lines as files have them, and what breaks them.
    fn toml() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            "\\[(clients|connections|\"?[a-z ]{0,8}\"?)(\\.[a-zA-Z_:\" -]{0,8}){0,2}\\]",
            "(secret|secret_env|upstream|sandbox|auth|provider|tools|app_name|issuer) = (\"[^\"\\n]{0,12}\"|[0-9]{1,3}|\\[\"a\", \"a\"\\]|true)",
            "auth = \\{ oauth2 = \\{ (issuer|client_id|scopes) = \"[ -~&&[^\"\\\\]]{0,16}\" \\} \\}",
            "upstream = \\{ (command|url|args|env|headers) = (\"[ -~&&[^\"\\\\]]{0,16}\"|\\{ A = \"\\{api_key\\}\" \\}) \\}",
            "\\PC{0,24}",
        ];
        prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn any_settings_are_read_or_refused(text in toml()) {
            super::settings(&text);
        }

        #[test]
        fn any_header_is_refused(value in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "(Bearer|bearer|Basic) [A-Za-z0-9_=-]{0,40}(\\.[A-Za-z0-9_=-]{0,60}){0,3}".prop_map(String::into_bytes),
        ]) {
            super::token(&value);
        }

        #[test]
        fn any_query_is_read_or_refused(text in prop_oneof![
            "\\PC{0,100}",
            "([a-zA-Z_.]{0,12}(=|%3D)?([a-zA-Z0-9+%_.-]|%[0-9a-fA-F]{2}){0,20}&){0,6}",
        ]) {
            super::query(&text);
        }
    }
}
