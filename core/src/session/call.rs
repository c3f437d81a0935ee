//! The door for language bindings: what a session does, by name, JSON in and out.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Session;
use crate::{Error, Result, operations::arguments::read, rules};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    valid_for_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizationFor {
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejected {
    credential: Option<String>,
}

impl Session {
    /// One of `token`, `headers`, `authorization_for`, `rejected` and `check`.
    ///
    /// # Errors
    /// Those of the method, and of parameters that it does not understand.
    #[doc(hidden)]
    pub async fn call(&self, operation: &str, parameters: &str) -> Result<String> {
        let answer = match operation {
            "token" => {
                let Token { valid_for_seconds } = read(parameters)?;
                let token = match rules::duration("valid_for", valid_for_seconds)? {
                    Some(valid_for) => self.token_valid_for(valid_for).await?,
                    None => self.token().await?,
                };
                json!(token)
            }
            "headers" => {
                let Nothing {} = read(parameters)?;
                let headers = self.headers().await?;
                let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                    Some((name.to_string(), value.to_str().ok()?.into()))
                };
                Value::Object(headers.iter().filter_map(pair).collect())
            }
            "authorization_for" => {
                let AuthorizationFor { url } = read(parameters)?;
                let url = rules::required("url", url.as_deref())?;
                json!(self.authorization_for(url).await?.to_str().ok())
            }
            "rejected" => {
                let Rejected { credential } = read(parameters)?;
                let credential = rules::required("credential", credential.as_deref())?;
                json!(self.rejected(credential).await?)
            }
            "check" => {
                let Nothing {} = read(parameters)?;
                json!(self.check().await?)
            }
            _ => {
                let message = format!("a session has no `{}`", operation.escape_debug());
                return Err(Error::argument("unknown_operation", "operation", message));
            }
        };
        Ok(answer.to_string())
    }
}
