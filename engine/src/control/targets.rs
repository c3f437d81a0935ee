//! Which connected account a request is about.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    accounts::LONGEST_OF_AN_ACCOUNT,
    error::{ApiError, Violation},
    input::{Pairs, Param, connection_name, longest, non_empty, shown},
    mappings::did_you_mean,
};
use crate::{
    engine::{ConnectionEntry, Engine},
    store::AccountKey,
};

/// An account as requests name it: by `id`, else by `connector` and `identifier`.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "AccountReference")]
pub(super) struct Target {
    /// Its id; then nothing else is needed.
    #[schemars(length(max = 32), regex(pattern = "^(ca_.*)?$"))]
    id: Option<String>,
    /// The name of the connection.
    #[schemars(length(max = 400), regex(pattern = r"^[a-zA-Z0-9_: -]*$"))]
    connector: Option<String>,
    /// The user.
    #[schemars(length(max = 100))]
    identifier: Option<String>,
    /// There are no organisations here.
    #[serde(alias = "organizationId")]
    #[schemars(length(max = 32))]
    organization_id: Option<String>,
    /// There are no users of organisations here.
    #[serde(alias = "userId")]
    #[schemars(length(max = 32))]
    user_id: Option<String>,
}

/// A target in a query.
pub(super) const TARGET: [Param; 5] = [
    Param::text("id", "The account's id; then nothing else is needed")
        .longest(32)
        .shaped("^(ca_.*)?$"),
    Param::text("connector", "The name of the connection")
        .longest(400)
        .shaped(CONNECTION_NAME),
    Param::text("identifier", "The user").longest(LONGEST_OF_AN_ACCOUNT),
    Param::text("organization_id", "There are no organisations here").longest(32),
    Param::text("user_id", "There are no users of organisations here").longest(32),
];

/// What names of connections are made of.
pub(super) const CONNECTION_NAME: &str = "^[a-zA-Z0-9_: -]*$";

/// An account that may exist.
pub(super) enum Named<'a> {
    Id(String),
    User {
        entry: &'a ConnectionEntry,
        identifier: String,
    },
}

impl Target {
    pub(super) fn of_id(id: String) -> Target {
        Target {
            id: Some(id),
            ..Target::default()
        }
    }

    pub(super) fn of_query(params: &Pairs, violations: &mut Vec<Violation>) -> Target {
        let mut text = |name| params.text(name, violations);
        Target {
            id: text("id"),
            connector: text("connector"),
            identifier: text("identifier"),
            organization_id: text("organization_id"),
            user_id: text("user_id"),
        }
    }

    /// Complains about what is too long or has the wrong shape.
    pub(super) fn check(&self, violations: &mut Vec<Violation>) {
        let connector = self.connector.as_deref().unwrap_or_default();
        connection_name("connector", connector, violations);
        for (field, text, max) in [
            ("id", &self.id, 32),
            ("identifier", &self.identifier, LONGEST_OF_AN_ACCOUNT),
            ("organization_id", &self.organization_id, 32),
            ("user_id", &self.user_id, 32),
        ] {
            longest(field, text.as_deref().unwrap_or_default(), max, violations);
        }
        if let Some(id) = self.id.as_deref() {
            account_id("id", id, violations);
        }
    }

    /// The account, by its id if there is one.
    pub(super) fn named(self, engine: &Engine) -> Result<Named<'_>, ApiError> {
        if let Some(id) = non_empty(self.id) {
            return Ok(Named::Id(id));
        }
        let (connector, identifier) = (non_empty(self.connector), non_empty(self.identifier));
        let (Some(connector), Some(identifier)) = (connector, identifier) else {
            return Err(ApiError::bad_request(
                "send `id`, or `connector` and `identifier`, to say whose account this is about",
            ));
        };
        Named::of_user(engine, &connector, identifier)
    }

    /// The connection and the user of an account to create.
    pub(super) fn new_account<'a>(
        self,
        engine: &'a Engine,
        violations: &mut Vec<Violation>,
    ) -> Option<(&'a ConnectionEntry, String)> {
        let mut required = |field: &'static str, text: Option<String>| {
            let text = non_empty(text);
            if text.is_none() {
                violations.push(Violation::new(field, "required", "is missing"));
            }
            text
        };
        let connector = required("connector", self.connector);
        let identifier = required("identifier", self.identifier);
        let connector = connector?;
        let entry = engine.connections().get(&connector);
        if entry.is_none() {
            violations.push(Violation::new(
                "connector",
                "connection.exists",
                format!(
                    "names no connection: `{connector}`{}",
                    did_you_mean(&connector, engine.connections().names())
                ),
            ));
        }
        Some((entry?, identifier?))
    }
}

impl<'a> Named<'a> {
    pub(super) fn of_user(
        engine: &'a Engine,
        connector: &str,
        identifier: String,
    ) -> Result<Named<'a>, ApiError> {
        let entry = engine.connections().get(connector);
        let entry = entry.ok_or_else(|| no_connection(engine, connector))?;
        Ok(Named::User { entry, identifier })
    }

    pub(super) fn key(&self) -> AccountKey {
        match self {
            Named::Id(id) => AccountKey::Id(id.clone()),
            Named::User { entry, identifier } => AccountKey::Of {
                connection_id: entry.id.clone(),
                identifier: identifier.clone(),
            },
        }
    }

    /// The refusal if it does not exist.
    pub(super) fn missing(&self) -> ApiError {
        ApiError::not_found(match self {
            Named::Id(id) => format!("there is no connected account `{id}`"),
            Named::User { entry, identifier } => format!(
                "user `{identifier}` has no connected account on connection `{}`",
                entry.connection.name
            ),
        })
    }
}

/// Complains about what cannot be the id of an account.
pub(super) fn account_id(field: &str, id: &str, violations: &mut Vec<Violation>) {
    if !id.is_empty() && !id.starts_with("ca_") {
        violations.push(Violation::new(
            field,
            "string.prefix",
            format!(
                "is `{}`; ids of connected accounts start with `ca_`",
                shown(id)
            ),
        ));
    }
}

/// The refusal for a connection that is not there.
pub(super) fn no_connection(engine: &Engine, name: &str) -> ApiError {
    ApiError::not_found(format!(
        "there is no connection `{name}`{}",
        did_you_mean(name, engine.connections().names())
    ))
}
