//! Makes the call of a started case with the Rust client.

use std::time::Duration;

use scalekit_vmcp::{AccessLevel, Client, Config, Error, JsonStream, OpenSession, Session, Target};
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
            class: "Error".to_owned(),
            language: "rust".to_owned(),
            result: None,
        },
    }
}

async fn call(started: &Value) -> Result<Value, Error> {
    let call = &started["call"];
    let (operation, parameters) = (call["operation"].as_str().unwrap(), &call["parameters"]);
    if operation == "client" {
        let options = parameters.to_string();
        return built(move || Client::from_json(&options))
            .await
            .map(|_| json!({}));
    }
    let of_case = started.clone();
    let client = built(move || client(&of_case)).await?;
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

/// Making a client reads certificates: no place for that is a thread that others wait on.
async fn built(
    make: impl FnOnce() -> Result<Client, Error> + Send + 'static,
) -> Result<Client, Error> {
    tokio::task::spawn_blocking(make).await.unwrap()
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

fn client(started: &Value) -> Result<Client, Error> {
    let options = &started["client"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut builder = Client::builder()
        .env_url(text(&started["env_url"]))
        .client_id(text(&options["client_id"]))
        .client_secret(text(&options["client_secret"]))
        // The cap holds for `Retry-After` too: no case waits.
        .backoff(Duration::from_millis(1), Duration::from_millis(5));
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
    if options["closed"] == true {
        client.close();
    }
    Ok(client)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    config: Option<Config>,
    config_id: Option<String>,
    connection_name: Option<String>,
    identifier: String,
    expiry_seconds: Option<f64>,
    access_level: Option<String>,
}

impl Asked {
    /// The call as a program in Rust writes it, if its types can say it.
    fn typed(self, client: &Client) -> Option<OpenSession> {
        let target = match (self.config, self.config_id, self.connection_name) {
            (Some(config), None, None) => Target::from(&config),
            (None, Some(id), None) => Target::config(id),
            (None, None, Some(name)) => Target::connection(name),
            _ => return None,
        };
        let mut opening = client.open_session(target, self.identifier);
        if let Some(seconds) = self.expiry_seconds {
            opening = opening.expiry(Duration::try_from_secs_f64(seconds).ok()?);
        }
        match self.access_level.as_deref() {
            None => Some(opening),
            Some("FULL") => Some(opening.access_level(AccessLevel::Full)),
            Some("READ_ONLY") => Some(opening.access_level(AccessLevel::ReadOnly)),
            Some(_) => None,
        }
    }
}

async fn open_session(client: &Client, parameters: &Value) -> Result<Session, Error> {
    let mut parameters = parameters.clone();
    let mut take = |name| parameters.as_object_mut().unwrap().remove(name);
    let (elsewhere, valid_for) = (take("authorization_for"), take("token_valid_for_seconds"));
    let asked = Asked::deserialize(&parameters).ok();
    let session = match asked.and_then(|asked| asked.typed(client)) {
        Some(opening) => opening.await?,
        None => client.open_session_json(&parameters.to_string()).await?,
    };
    if let Some(url) = elsewhere {
        session.authorization_for(url.as_str().unwrap()).await?;
    }
    if let Some(seconds) = valid_for {
        let parameters = json!({ "valid_for_seconds": seconds });
        session.call("token", &parameters.to_string()).await?;
    }
    Ok(session)
}
