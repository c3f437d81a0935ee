//! Bearer tokens of a request (RFC 6750). Only the header counts, never the query.

use http::{HeaderMap, HeaderValue, header};

/// Whose token opened the way; in the extensions of the answer, for the log of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    Client(String),
    User(String),
}

/// The token of each `Authorization` header that carries one.
pub(crate) fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .filter_map(token)
}

/// The token, if there is exactly one `Authorization` header.
pub(crate) fn only_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next()?, values.next());
    token(value).filter(|_| more.is_none())
}

fn token(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bearer_header_is_the_only_token() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(only_token(&headers(&["Bearer a.b.c"])), Some("a.b.c"));
        assert_eq!(only_token(&headers(&["bearer a.b.c"])), Some("a.b.c"));
        for bad in [
            &[][..],
            &["Basic x"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a", "Bearer b"],
        ] {
            assert_eq!(only_token(&headers(bad)), None, "{bad:?}");
        }
        let several = headers(&["Basic x", "Bearer a", "Bearer b"]);
        assert_eq!(tokens(&several).collect::<Vec<_>>(), ["a", "b"]);
    }
}
