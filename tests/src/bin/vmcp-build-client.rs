//! Builds a client in a process of its own, so that a case can set environment variables.
//!
//! The first argument holds the parameters as JSON; the report is printed as one line of JSON.

use scalekit_vmcp::Client;
use serde_json::{Value, json};

fn main() -> Result<(), serde_json::Error> {
    let text = std::env::args().nth(1).unwrap_or_default();
    let mut parameters: Value = serde_json::from_str(&text)?;
    if let Some(parameters) = parameters.as_object_mut() {
        // Set by the runner before this process starts.
        parameters.remove("environment");
    }
    let report = match Client::from_json(&parameters.to_string()) {
        Ok(_) => json!({ "result": {} }),
        Err(error) => json!({
            "error": error.to_json(),
            "text": format!("{error} {error:?}"),
            "class": "Error",
            "language": "rust",
        }),
    };
    println!("{report}");
    Ok(())
}
