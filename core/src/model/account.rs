//! Connected accounts: one user's authorization on one connection.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::wire::{blank_is_none, null_is_default};

/// Where a user's authorization on a connection stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountStatus {
    /// Ready to use.
    Active,
    /// The credentials ended and could not be renewed.
    Expired,
    /// The user has not finished authorizing.
    PendingAuth,
    /// Authorized, but it is not yet confirmed that the right user did so.
    PendingVerification,
    /// Disconnected by hand.
    Disconnected,
    /// A status this version does not know, upper case.
    Other(String),
}

impl AccountStatus {
    /// The contract's spelling, such as `PENDING_AUTH`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "ACTIVE",
            Self::Expired => "EXPIRED",
            Self::PendingAuth => "PENDING_AUTH",
            Self::PendingVerification => "PENDING_VERIFICATION",
            Self::Disconnected => "DISCONNECTED",
            Self::Other(status) => status,
        }
    }

    fn parse(text: &str) -> Self {
        // The vendor's own samples disagree about case.
        match text.to_ascii_uppercase().as_str() {
            "ACTIVE" => Self::Active,
            "EXPIRED" => Self::Expired,
            "PENDING_AUTH" => Self::PendingAuth,
            "PENDING_VERIFICATION" => Self::PendingVerification,
            "DISCONNECTED" => Self::Disconnected,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AccountStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AccountStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// A text like any other; `x-values` names those that are known.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for AccountStatus {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AccountStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let known = [
            Self::Active,
            Self::Expired,
            Self::PendingAuth,
            Self::PendingVerification,
            Self::Disconnected,
        ];
        schemars::json_schema!({ "type": "string", "x-values": known })
    }
}

pub(super) fn status<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<AccountStatus>, D::Error> {
    Ok(blank_is_none(deserializer)?.map(|text| AccountStatus::parse(&text)))
}

/// How one user stands with one connection of a config.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-python" = "McpConnectionAuthState")))]
#[non_exhaustive]
pub struct ConnectionAuthState {
    /// The connection's id.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub connection_id: Option<String>,
    /// The connection's name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub connection_name: String,
    /// The provider, such as `GMAIL`.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub provider: Option<String>,
    /// The user's account, if there is one yet.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub connected_account_id: Option<String>,
    /// The status of that account, if there is one yet.
    #[serde(default, deserialize_with = "status")]
    pub connected_account_status: Option<AccountStatus>,
    /// The link that lets the user authorize: one use, about a minute. Kept out of texts
    /// and logs.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-secret" = true)))]
    pub authentication_link: Option<String>,
}

impl ConnectionAuthState {
    /// Whether the account is `ACTIVE`.
    pub fn is_active(&self) -> bool {
        self.connected_account_status == Some(AccountStatus::Active)
    }

    /// Name and status, for messages.
    pub(crate) fn in_words(&self) -> String {
        let status = self.connected_account_status.as_ref();
        let status = status.map_or("no account", AccountStatus::as_str);
        format!("`{}` ({status})", self.connection_name)
    }
}

impl fmt::Debug for ConnectionAuthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionAuthState")
            .field("connection_id", &self.connection_id)
            .field("connection_name", &self.connection_name)
            .field("provider", &self.provider)
            .field("connected_account_id", &self.connected_account_id)
            .field("connected_account_status", &self.connected_account_status)
            .field(
                "authentication_link",
                &self.authentication_link.as_ref().map(|_| "[redacted]"),
            )
            .finish()
    }
}

/// One step of a user's way through authorization.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AccountChange {
    /// The connection's name.
    pub connection_name: String,
    /// The status of the user's account now; none if there is no account yet.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<AccountStatus>,
    /// The link to send to the user, if one is needed: one use, about a minute. Kept out of
    /// texts and logs.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-secret" = true)))]
    pub authentication_link: Option<String>,
    /// Whether the user has authorized and the application must now confirm who it was, with
    /// `verify_connected_account_user`.
    pub needs_verification: bool,
}

impl fmt::Debug for AccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountChange")
            .field("connection_name", &self.connection_name)
            .field("status", &self.status)
            .field(
                "authentication_link",
                &self.authentication_link.as_ref().map(|_| "[redacted]"),
            )
            .field("needs_verification", &self.needs_verification)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_in_any_case_and_printed_in_upper_case() {
        for (wire, printed) in [
            ("ACTIVE", "ACTIVE"),
            ("active", "ACTIVE"),
            ("pending_auth", "PENDING_AUTH"),
            ("New", "NEW"),
        ] {
            let state: ConnectionAuthState =
                serde_json::from_value(serde_json::json!({ "connected_account_status": wire }))
                    .unwrap();
            assert_eq!(state.connected_account_status.unwrap().to_string(), printed);
        }
    }

    #[test]
    fn missing_null_and_blank_are_one_thing() {
        for body in [
            serde_json::json!({}),
            serde_json::json!({ "connected_account_status": null, "authentication_link": null, "connection_name": null }),
            serde_json::json!({ "connected_account_status": "", "authentication_link": "", "connection_name": "" }),
        ] {
            let state: ConnectionAuthState = serde_json::from_value(body).unwrap();
            assert_eq!(state, ConnectionAuthState::default());
        }
    }
}
