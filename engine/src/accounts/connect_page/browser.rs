//! Which browser it is: a cookie of its own, and the token that binds a form to it.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};
use secrecy::{ExposeSecret, SecretString};

use crate::signing::{SigningError, random_secret};

const COOKIE: &str = "vmcp_browser";

/// The cookie of the browser that asks, if it sent one.
pub(super) struct Sent(pub(super) Option<SecretString>);

impl<S: Send + Sync> FromRequestParts<S> for Sent {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Sent(cookie(&parts.headers)))
    }
}

fn cookie(headers: &HeaderMap) -> Option<SecretString> {
    let pairs = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    values
        .next()
        .filter(|value| !value.is_empty())
        .map(SecretString::from)
}

/// Makes and checks the tokens of forms. Its key lives as long as the engine runs.
#[derive(Clone)]
pub(super) struct Forms(hmac::Key);

impl Forms {
    pub(super) fn new() -> Result<Self, SigningError> {
        hmac::Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map(Forms)
            .map_err(|_| SigningError::Cryptography)
    }

    /// The hidden token of the form for this link in this browser.
    pub(super) fn token(&self, browser: &SecretString, link: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &bound(browser, link)))
    }

    /// Whether a form with this token was made for this link in this browser.
    pub(super) fn made(&self, token: &str, browser: &SecretString, link: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|tag| hmac::verify(&self.0, &bound(browser, link), &tag).is_ok())
    }
}

fn bound(browser: &SecretString, link: &str) -> Vec<u8> {
    [browser.expose_secret().as_bytes(), b"\0", link.as_bytes()].concat()
}

/// A cookie for a browser that has none.
pub(super) fn new_browser() -> Result<SecretString, SigningError> {
    random_secret()
}

/// Gives the browser its cookie. It comes back with the provider's answer too (`Lax`), and lives as
/// long as an authorization may take.
pub(super) fn set(browser: &SecretString) -> [(HeaderName, HeaderValue); 1] {
    let cookie = format!(
        "{COOKIE}={}; Path=/connect; HttpOnly; SameSite=Lax; Max-Age=900",
        browser.expose_secret()
    );
    let value = HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""));
    [(header::SET_COOKIE, value)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_browser_and_link_only() {
        let forms = Forms::new().unwrap();
        let (one, other) = (new_browser().unwrap(), new_browser().unwrap());
        let token = forms.token(&one, "link");
        assert!(forms.made(&token, &one, "link"));
        assert!(!forms.made(&token, &other, "link"));
        assert!(!forms.made(&token, &one, "other"));
        assert!(!forms.made("", &one, "link"));
        assert!(!Forms::new().unwrap().made(&token, &one, "link"));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let found = |value: &str| {
            let headers = HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
            cookie(&headers).map(|cookie| cookie.expose_secret().to_owned())
        };
        assert_eq!(found("a=b; vmcp_browser=x; c=d").as_deref(), Some("x"));
        for none in ["", "vmcp_browser=", "vmcp_browser2=x", "a=vmcp_browser=x"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
