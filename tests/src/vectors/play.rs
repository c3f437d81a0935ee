//! Makes the call of a started case with the Rust client.

use std::time::Duration;

use scalekit_vmcp::{AccessLevel, Client, Config, Error, JsonStream, Session, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Report;

/// What comes of the call of a started case.
pub async fn report(started: &Value) -> Report {
    match call(started).await {
        Ok(result) => Report {
            result: Some(result),
            ..Report::default()
        },
        Err(error) => Report {
            error: Some(error.to_json()),
            text: format!("{error} {error:?}"),
            ..Report::default()
        },
    }
}

async fn call(started: &Value) -> Result<Value, Error> {
    let call = &started["call"];
    let (operation, parameters) = (call["operation"].as_str().unwrap(), &call["parameters"]);
    if operation == "client" {
        return client(&parameters["env_url"], parameters).map(|_| json!({}));
    }
    let client = client(&started["env_url"], &started["client"])?;
    Ok(match operation {
        "open_session" => {
            let session = open_session(&client, parameters).await?;
            json!({ "url": session.url(), "token": session.token().await?.token() })
        }
        "check" => json!(open_session(&client, parameters).await?.check().await?),
        _ => match operation.strip_suffix("/changes") {
            Some(listing) => all(client.stream(listing, &parameters.to_string())?).await?,
            None => parsed(&client.call(operation, &parameters.to_string()).await?),
        },
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The items of a stream.
async fn all(mut stream: JsonStream) -> Result<Value, Error> {
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(parsed(&item?));
    }
    Ok(items.into())
}

fn client(env_url: &Value, options: &Value) -> Result<Client, Error> {
    // The cap holds for `Retry-After` too: no case waits.
    let mut builder = Client::builder().backoff(Duration::from_millis(1), Duration::from_millis(5));
    if let Some(env_url) = env_url.as_str() {
        builder = builder.env_url(env_url);
    }
    if let Some(client_id) = options["client_id"].as_str() {
        builder = builder.client_id(client_id);
    }
    if let Some(client_secret) = options["client_secret"].as_str() {
        builder = builder.client_secret(client_secret);
    }
    if let Some(allow) = options["allow_insecure_http"].as_bool() {
        builder = builder.allow_insecure_http(allow);
    }
    if let Some(file) = options["ca_file"].as_str() {
        builder = builder.ca_file(file);
    }
    if let Some(repeats) = options["max_retries"].as_u64() {
        builder = builder.max_retries(repeats.try_into().unwrap());
    }
    if let Some(seconds) = options["timeout_seconds"].as_f64() {
        builder = builder.timeout(Duration::from_secs_f64(seconds));
    }
    if let Some(seconds) = options["attempt_timeout_seconds"].as_f64() {
        builder = builder.attempt_timeout(Duration::from_secs_f64(seconds));
    }
    let mut client = builder.build()?;
    for (name, value) in options["headers"].as_object().into_iter().flatten() {
        client = client.with_header(name, value.as_str().unwrap())?;
    }
    Ok(client)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenSession {
    config: Option<Config>,
    config_id: Option<String>,
    connection_name: Option<String>,
    identifier: String,
    expiry_seconds: Option<f64>,
    access_level: Option<String>,
}

async fn open_session(client: &Client, parameters: &Value) -> Result<Session, Error> {
    let asked = OpenSession::deserialize(parameters).unwrap();
    let target = match (asked.config, asked.config_id, asked.connection_name) {
        (Some(config), None, None) => Target::from(&config),
        (None, Some(id), None) => Target::config(id),
        (None, None, Some(name)) => Target::connection(name),
        _ => panic!("a session has exactly one target: {parameters}"),
    };
    let mut opening = client.open_session(target, asked.identifier);
    if let Some(seconds) = asked.expiry_seconds {
        opening = opening.expiry(Duration::from_secs_f64(seconds));
    }
    opening = match asked.access_level.as_deref() {
        None => opening,
        Some("FULL") => opening.access_level(AccessLevel::Full),
        Some("READ_ONLY") => opening.access_level(AccessLevel::ReadOnly),
        Some(other) => panic!("no access level `{other}`"),
    };
    opening.await
}
