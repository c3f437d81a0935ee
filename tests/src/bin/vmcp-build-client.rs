//! Builds a client in a process of its own, so that a case can set environment variables.
//!
//! The first argument holds the parameters as JSON; the report is printed as one line of JSON.

use scalekit_vmcp::Client;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    env_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    allow_insecure_http: Option<bool>,
    /// Set by the runner before this process starts.
    #[serde(rename = "environment")]
    _environment: Option<Value>,
}

fn main() -> Result<(), serde_json::Error> {
    let text = std::env::args().nth(1).unwrap_or_default();
    let parameters: Parameters = serde_json::from_str(&text)?;
    let mut builder = Client::builder();
    if let Some(env_url) = parameters.env_url {
        builder = builder.env_url(env_url);
    }
    if let Some(client_id) = parameters.client_id {
        builder = builder.client_id(client_id);
    }
    if let Some(client_secret) = parameters.client_secret {
        builder = builder.client_secret(client_secret);
    }
    if let Some(allow) = parameters.allow_insecure_http {
        builder = builder.allow_insecure_http(allow);
    }
    let report = match builder.build() {
        Ok(_) => json!({ "result": {} }),
        Err(error) => json!({ "error": error.to_json(), "text": format!("{error} {error:?}") }),
    };
    println!("{report}");
    Ok(())
}
