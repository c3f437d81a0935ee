//! Connected accounts: what an application sees of one user's authorization on one connection.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    AccountStatus,
    account::status,
    time,
    wire::{blank_is_none, null_is_default},
};

/// One user's authorization on one connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ConnectedAccount {
    /// Assigned by the server, such as `ca_85630864460904897`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub id: Option<String>,
    /// The user.
    #[serde(default, deserialize_with = "null_is_default")]
    pub identifier: String,
    /// The connection's name.
    #[serde(default, alias = "connector", deserialize_with = "null_is_default")]
    #[cfg_attr(feature = "schema", schemars(extend("x-python" = "connector")))]
    pub connection_name: String,
    /// The connection's id, such as `conn_85630864460904897`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub connection_id: Option<String>,
    /// The provider, such as `GMAIL`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub provider: Option<String>,
    /// Where the authorization stands.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<AccountStatus>,
    /// How the user authorizes, such as `OAUTH` or `API_KEY`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub authorization_type: Option<String>,
    /// The credentials, where the operation answers with them. Debug output hides them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Map<String, Value>>", extend("x-secret" = true)))]
    pub authorization_details: Option<AuthorizationDetails>,
    /// When the credentials end.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub token_expires_at: Option<SystemTime>,
    /// When it was last changed.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub updated_at: Option<SystemTime>,
    /// When a tool last used it.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub last_used_at: Option<SystemTime>,
    /// Settings of the user on this connection, as the application wrote them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Map<String, Value>>"))]
    pub api_config: Option<Map<String, Value>>,
}

impl ConnectedAccount {
    /// Whether the account is `ACTIVE`.
    pub fn is_active(&self) -> bool {
        self.status == Some(AccountStatus::Active)
    }
}

/// One page of connected accounts, without their credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "ListConnectedAccountsResponse")))]
#[non_exhaustive]
pub struct ConnectedAccountPage {
    /// The accounts of this page.
    #[serde(default, deserialize_with = "null_is_default")]
    pub connected_accounts: Vec<ConnectedAccount>,
    /// How many accounts match, over all pages.
    #[serde(default, deserialize_with = "null_is_default")]
    #[cfg_attr(feature = "schema", schemars(extend("x-python" = "total_count")))]
    pub total_size: u64,
    /// Cursor of the next page; none on the last.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub next_page_token: Option<String>,
    /// Cursor of the page before; none on the first.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-python" = "previous_page_token")))]
    pub prev_page_token: Option<String>,
}

/// Credentials of an account, in the API's form: an object with one key that says which kind they
/// are. `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationDetails(Map<String, Value>);

impl AuthorizationDetails {
    /// The kinds that the API knows.
    pub(crate) const KINDS: [&str; 4] = ["oauth_token", "static_auth", "google_dwd", "trusted_idp"];

    /// The object as the API describes it, such as one with `scopes` or a `domain` beside the tokens.
    pub fn from_map(details: Map<String, Value>) -> Self {
        Self(details)
    }

    /// Tokens that were obtained elsewhere.
    pub fn oauth_token(access_token: impl Into<String>, refresh_token: Option<&str>) -> Self {
        Self::of(
            "oauth_token",
            json!({ "access_token": access_token.into(), "refresh_token": refresh_token }),
        )
    }

    /// Keys and passwords: the fields that the connection asks for.
    pub fn static_auth<K: Into<String>, V: Into<String>>(
        fields: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let fields = fields.into_iter();
        let details: Map<String, Value> = fields
            .map(|(name, value)| (name.into(), Value::String(value.into())))
            .collect();
        Self::of("static_auth", json!({ "details": details }))
    }

    /// Google domain-wide delegation for this user.
    pub fn google_dwd(subject: impl Into<String>) -> Self {
        Self::of("google_dwd", json!({ "subject": subject.into() }))
    }

    /// A trusted identity provider; the user of the database, where there is one.
    pub fn trusted_idp(db_user: impl Into<String>) -> Self {
        Self::of("trusted_idp", json!({ "db_user": db_user.into() }))
    }

    fn of(kind: &str, details: Value) -> Self {
        Self([(kind.to_owned(), details)].into_iter().collect())
    }

    /// The object, secrets included.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for AuthorizationDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.keys().map(|kind| (kind, "[redacted]")))
            .finish()
    }
}

/// A link that lets one user authorize one connection. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "MagicLinkResponse")))]
#[non_exhaustive]
pub struct AuthorizationLink {
    /// Where to send the user. It works once, and for about a minute.
    #[serde(deserialize_with = "super::wire::present")]
    #[cfg_attr(feature = "schema", schemars(extend("x-secret" = true)))]
    pub link: String,
    /// When it ends.
    #[serde(default, with = "time")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub expiry: Option<SystemTime>,
}

impl fmt::Debug for AuthorizationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationLink")
            .field("link", &"[redacted]")
            .field("expiry", &self.expiry)
            .finish()
    }
}

/// The answer of `verify_connected_account_user`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "VerifyConnectedAccountUserResponse")))]
#[non_exhaustive]
pub struct VerifiedUser {
    /// Where to send the user's browser next, if anywhere.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub post_user_verify_redirect_url: Option<String>,
}

/// The envelope in which operations on one account answer.
#[derive(Deserialize)]
pub(crate) struct ConnectedAccountAnswer {
    pub(crate) connected_account: ConnectedAccount,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_links_are_in_no_debug_text() {
        let account: ConnectedAccount = serde_json::from_value(json!({
            "connector": "gmail",
            "authorization_details": { "oauth_token": { "access_token": "s3cret" } },
        }))
        .unwrap();
        assert_eq!(account.connection_name, "gmail");
        let link: AuthorizationLink =
            serde_json::from_value(json!({ "link": "https://e/s3cret" })).unwrap();
        let shown = format!("{account:?} {link:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("oauth_token"), "{shown}");
    }

    #[test]
    fn credentials_have_the_form_of_the_wire() {
        let details = AuthorizationDetails::oauth_token("a", None);
        assert_eq!(
            json!(details),
            json!({ "oauth_token": { "access_token": "a", "refresh_token": null } })
        );
        for kind in [
            details,
            AuthorizationDetails::static_auth([("api_key", "k")]),
            AuthorizationDetails::google_dwd("a@b.example"),
            AuthorizationDetails::trusted_idp("reader"),
        ] {
            let names: Vec<_> = kind.as_map().keys().collect();
            assert!(
                AuthorizationDetails::KINDS.contains(&names[0].as_str()),
                "{names:?}"
            );
        }
    }
}
