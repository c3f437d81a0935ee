//! The test controls: one table of operations for the HTTP routes, for bindings and for Rust.

mod error;
mod http;
mod requests;
mod seed;
pub(super) mod steer;
#[cfg(test)]
mod tests;

use std::{future::Future, pin::Pin};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use self::http::{are_at, router};
pub use self::{
    error::ControlError,
    seed::{AccountStatus, Seed, SeedAccount, SeedConfig},
    steer::{AuthLink, AuthLinkState, CompletedLink},
};
use self::{error::Kind, requests as request};
use super::{audit::AuditFilter, diagnostics::DiagnosticsFilter, engine::Parts};
use crate::settings::without_values;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, ControlError>> + Send + 'a>>;

/// One control: its name for bindings, its route, and what it does with a request in JSON.
pub(super) struct Operation {
    pub(super) name: &'static str,
    method: ::http::Method,
    path: &'static str,
    run: for<'a> fn(&'a Parts, Value) -> Answer<'a>,
}

macro_rules! operations {
    ($($name:literal: $method:ident $path:literal => |$parts:ident, $request:ident: $type:ty| $body:expr;)*) => {
        &[$(Operation {
            name: $name,
            method: ::http::Method::$method,
            path: $path,
            run: |$parts, value| Box::pin(async move {
                let $request: $type = read(value)?;
                let answer = $body;
                serde_json::to_value(answer)
                    .map_err(|error| ControlError::new(Kind::Internal, error.to_string()))
            }),
        }),*]
    };
}

/// All of them.
static OPERATIONS: &[Operation] = operations! {
    "reset": POST "/_local/reset" => |parts, wanted: request::Reset| {
        parts.reset(wanted.seed_ids).await?;
        request::Nothing {}
    };
    "seed": POST "/_local/seed" => |parts, wanted: Seed| {
        parts.seed(wanted).await?;
        request::Nothing {}
    };
    "clock": GET "/_local/clock" => |parts, _wanted: request::Nothing| parts.clock();
    "set_clock": POST "/_local/clock" => |parts, wanted: request::SetClock| parts.set_clock(&wanted)?;
    "set_account_status": POST "/_local/accounts/status" => |parts, wanted: request::SetStatus| {
        parts.set_account_status(&wanted.connection_name, &wanted.identifier, wanted.status).await?;
        request::Nothing {}
    };
    "auth_links": GET "/_local/auth_links" => |parts, _wanted: request::Nothing| request::Links {
        auth_links: parts.auth_links().await?,
    };
    "complete_auth_link": POST "/_local/auth_links/complete" => |parts, wanted: request::Complete| {
        parts.complete_auth_link(&wanted.link_id, wanted.credential()).await?
    };
    "deny_auth_link": POST "/_local/auth_links/deny" => |parts, wanted: request::Deny| {
        parts.deny_auth_link(&wanted.link_id).await?;
        request::Nothing {}
    };
    "add_fault": POST "/_local/faults" => |parts, wanted: super::faults::Fault| request::Id {
        id: parts.add_fault(wanted)?,
    };
    "faults": GET "/_local/faults" => |parts, _wanted: request::Nothing| request::Faults {
        faults: parts.faults(),
    };
    "clear_faults": DELETE "/_local/faults" => |parts, _wanted: request::Nothing| {
        parts.clear_faults();
        request::Nothing {}
    };
    "journal": GET "/_local/journal" => |parts, wanted: request::Journal| {
        let (filter, wait) = wanted.split()?;
        let records = match wait {
            None => parts.journal(&filter),
            Some((count, within)) => parts.wait_for(&filter, count, within).await?,
        };
        request::Records { records }
    };
    "audit": GET "/_local/audit" => |parts, wanted: AuditFilter| request::Audited {
        records: parts.audit(wanted).await?,
    };
    "diagnostics": GET "/_local/diagnostics" => |parts, wanted: DiagnosticsFilter| request::Diagnosed {
        diagnostics: parts.diagnostics(wanted).await?,
    };
};

/// Does what the operation of this name does, with a request in JSON.
pub(super) async fn run(parts: &Parts, name: &str, request: &str) -> Result<Value, ControlError> {
    let Some(operation) = OPERATIONS.iter().find(|operation| operation.name == name) else {
        let message = format!("there is no test control `{}`", name.escape_debug());
        return Err(ControlError::invalid("operation", message));
    };
    (operation.run)(parts, parse(request.as_bytes())?).await
}

/// The JSON object of a request; an empty text is an empty one.
fn parse(text: &[u8]) -> Result<Value, ControlError> {
    if text.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err(ControlError::invalid(
            "",
            "the request is not a JSON object",
        )),
        Err(error) => {
            let message = format!("the request is not valid JSON: {error}");
            Err(ControlError::invalid("", message))
        }
    }
}

/// The typed request; an error names the field and the rule, and quotes no value.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, ControlError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let rule = without_values(&error.inner().to_string());
        if field == "." || rule.starts_with("unknown field") || rule.starts_with("missing field") {
            return ControlError::invalid(field.trim_matches('.'), rule);
        }
        let message = format!("`{field}`: {rule}");
        ControlError::invalid(field, message)
    })
}
