//! One playing of a case: answers its requests in order and keeps what was wrong with them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use url::form_urlencoded;

use super::{Answer, Case, Connection, Exchange, compare};

/// Where the server listens, and the file of its CA.
#[derive(Debug)]
pub(super) struct House {
    pub(super) ports: HashMap<Connection, u16>,
    pub(super) ca_file: NamedTempFile,
    /// Holds the port on which nothing listens.
    pub(super) closed: tokio::net::TcpSocket,
}

impl House {
    pub(super) fn url(&self, connection: Connection, host: Option<&str>) -> String {
        let (scheme, usual) = match connection {
            Connection::Http | Connection::Closed => ("http", "127.0.0.1"),
            Connection::Https | Connection::H2 | Connection::Expired => ("https", "localhost"),
        };
        let port = match connection {
            Connection::Closed => self.closed.local_addr().map_or(0, |address| address.port()),
            _ => self.ports[&connection],
        };
        format!("{scheme}://{}:{port}", host.unwrap_or(usual))
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    pub connection: Connection,
    pub http2: bool,
    pub proxied: bool,
}

/// A request as it arrived, its path below the environment's URL.
#[derive(Debug, Clone)]
pub struct Received {
    pub way: Way,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// What a runner says came of the call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What the call answered; `null` for nothing.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub result: Option<Value>,
    /// The facts of the error, named as in a case.
    #[serde(default)]
    pub error: Option<Value>,
    /// What the language calls the class of the error.
    #[serde(default)]
    pub class: String,
    /// `rust`, `python` or `node`; needed with an error only.
    #[serde(default)]
    pub language: String,
    /// Everything a person may see of the error: message, string and debug forms.
    #[serde(default)]
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub ok: bool,
    pub problems: Vec<String>,
    pub requests: usize,
    pub token_requests: usize,
}

/// A started case. Its base path and its secrets are its own, so that many run at once.
#[derive(Debug)]
pub struct Run {
    number: usize,
    env_url: String,
    verdict_url: String,
    case: Case,
    client_id: String,
    client_secret: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: usize,
    token_requests: usize,
    /// Access tokens given out, the newest last.
    issued: Vec<String>,
    problems: Vec<String>,
}

impl Run {
    pub(super) fn new(number: usize, house: &House, case: &Case) -> Result<Self, String> {
        let given = case.client.clone();
        let base_url = house.url(given.connection, given.host.as_deref());
        let env_url = format!("{base_url}/run/{number}");
        let server = house.url(Connection::Http, None);
        let client_id = given.client_id.unwrap_or_else(|| "skc_vectors".to_owned());
        let client_secret = given
            .client_secret
            .unwrap_or_else(|| format!("vectors-secret-{number}"));
        let mut whole = serde_json::to_value(case).map_err(|cause| cause.to_string())?;
        fill(
            &mut whole,
            &[
                ("{env_url}", &env_url),
                ("{origin}", &base_url),
                ("{client_secret}", &client_secret),
                ("{ca_file}", &house.ca_file.path().to_string_lossy()),
                ("{proxy_url}", &server),
                ("{closed_url}", &house.url(Connection::Closed, None)),
                ("{version}", env!("CARGO_PKG_VERSION")),
            ],
        );
        Ok(Self {
            case: serde_json::from_value(whole).map_err(|cause| cause.to_string())?,
            number,
            env_url,
            verdict_url: format!("{server}/run/{number}/verdict"),
            client_id,
            client_secret,
            state: Mutex::default(),
        })
    }

    /// All that a runner needs to make the call.
    pub fn start_answer(&self) -> Value {
        let mut client = serde_json::to_value(&self.case.client).unwrap_or_default();
        client["client_id"] = json!(self.client_id);
        client["client_secret"] = json!(self.client_secret);
        let mut started = json!({
            "id": self.case.id,
            "env_url": self.env_url,
            "verdict_url": self.verdict_url,
            "client": client,
            "call": self.case.call,
        });
        if let Some(variables) = &self.case.environment {
            started["environment"] = json!(variables);
        }
        started
    }

    /// Takes the next request and says how to answer it.
    pub(super) fn answer(&self, got: &Received) -> Answer {
        let wanted = Way {
            connection: self.case.client.connection,
            http2: self.case.client.connection == Connection::H2,
            proxied: self.case.proxied,
        };
        if got.way != wanted {
            self.lock().problems.push(format!(
                "`{} {}` came by {:?}, expected {wanted:?}",
                got.method, got.path, got.way
            ));
        }
        if got.path == "/oauth/token" {
            self.answer_token(got)
        } else {
            self.answer_request(got)
        }
    }

    fn answer_request(&self, got: &Received) -> Answer {
        let mut state = self.lock();
        state.requests += 1;
        let number = state.requests;
        let scripted = self.case.exchanges.get(number - 1);
        let Some(Exchange {
            expect: Some(expect),
            answer,
        }) = scripted
        else {
            state.problems.push(format!(
                "request {number} is one too many: `{} {}`",
                got.method, got.path
            ));
            return nothing_scripted();
        };
        let mut problems = compare::request(expect, got);
        if !expect.headers.contains_key("authorization") {
            let wanted = state.issued.last().map(|token| format!("Bearer {token}"));
            if wanted.as_deref() != got.header("authorization") {
                problems.push(format!(
                    "header `authorization`: expected the newest access token {wanted:?}, got {:?}",
                    got.header("authorization")
                ));
            }
        }
        state.problems.extend(
            problems
                .into_iter()
                .map(|problem| format!("request {number}: {problem}")),
        );
        answer.clone()
    }

    fn answer_token(&self, got: &Received) -> Answer {
        let mut state = self.lock();
        state.token_requests += 1;
        let number = state.token_requests;
        let mut problems = self.check_form(got);
        let answer = match &self.case.token {
            None => granted(&format!("vectors-access-{}-{number}", self.number)),
            Some(script) => {
                if let Some(exchange) = script.get(number - 1) {
                    if let Some(expect) = &exchange.expect {
                        problems.extend(compare::request(expect, got));
                    }
                    exchange.answer.clone()
                } else {
                    problems.push("is one too many".to_owned());
                    nothing_scripted()
                }
            }
        };
        if let Some(token) = answer.body["access_token"].as_str() {
            state.issued.push(token.to_owned());
        }
        state.problems.extend(
            problems
                .into_iter()
                .map(|problem| format!("token request {number}: {problem}")),
        );
        answer
    }

    /// The client credentials grant of contract and OAuth: a form, the same in every case.
    fn check_form(&self, got: &Received) -> Vec<String> {
        let mut problems = Vec::new();
        if got.method != "POST" {
            problems.push(format!("method: expected `POST`, got `{}`", got.method));
        }
        let kind = got.header("content-type");
        if kind != Some("application/x-www-form-urlencoded") {
            problems.push(format!(
                "header `content-type`: expected a form, got {kind:?}"
            ));
        }
        if got.header("authorization").is_some() {
            problems.push("header `authorization`: expected none".to_owned());
        }
        let form: Vec<_> = form_urlencoded::parse(&got.body).into_owned().collect();
        let wanted = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
        ];
        for (name, value) in wanted {
            let found: Vec<_> = form.iter().filter(|(key, _)| key == name).collect();
            if !matches!(found[..], [(_, one)] if one == value) {
                problems.push(format!(
                    "form field `{name}`: expected `{value}` once, got {found:?}"
                ));
            }
        }
        problems
    }

    /// Whether all was as the case says: the wire, and, with a report, what came of the call.
    pub fn verdict(&self, report: Option<&Report>) -> Verdict {
        let state = self.lock();
        let mut problems = state.problems.clone();
        if state.requests < self.case.requests {
            problems.push(format!(
                "requests: expected {}, got {}",
                self.case.requests, state.requests
            ));
        }
        if let Some(wanted) = self.case.token_requests
            && wanted != state.token_requests
        {
            problems.push(format!(
                "requests for an access token: expected {wanted}, got {}",
                state.token_requests
            ));
        }
        if let Some(report) = report {
            problems.extend(self.outcome(report));
            problems.extend(self.leaks(report, &state.issued));
        }
        Verdict {
            ok: problems.is_empty(),
            problems,
            requests: state.requests,
            token_requests: state.token_requests,
        }
    }

    fn outcome(&self, report: &Report) -> Vec<String> {
        match (&self.case.result, &self.case.error, report) {
            (
                Some(wanted),
                _,
                Report {
                    result: Some(got),
                    error: None,
                    ..
                },
            ) => {
                let differs = !compare::same(wanted, got);
                differs
                    .then(|| format!("result: expected `{wanted}`, got `{got}`"))
                    .into_iter()
                    .collect()
            }
            (
                _,
                Some(wanted),
                Report {
                    error: Some(got),
                    result: None,
                    ..
                },
            ) => {
                let mut problems = compare::error(wanted, got);
                problems.extend(compare::class(wanted, &report.language, &report.class));
                problems
            }
            (
                Some(_),
                _,
                Report {
                    error: Some(got),
                    result: None,
                    ..
                },
            ) => {
                vec![format!("expected a result, got the error {got}")]
            }
            (
                _,
                Some(wanted),
                Report {
                    result: Some(got),
                    error: None,
                    ..
                },
            ) => {
                vec![format!(
                    "expected the error `{}`, got the result {got}",
                    wanted.code
                )]
            }
            _ => vec!["the report must hold either `result` or `error`".to_owned()],
        }
    }

    /// No error may show a secret: neither the client's, nor a token, nor credentials of an account,
    /// nor (in texts) a link.
    fn leaks(&self, report: &Report, issued: &[String]) -> Vec<String> {
        let Some(error) = &report.error else {
            return Vec::new();
        };
        let shown = format!("{} {error}", report.text);
        let passed = self.case.call.parameters["client_secret"].as_str();
        let exchanges = self.case.exchanges.iter();
        let sessions = exchanges.filter_map(|exchange| exchange.answer.body["token"].as_str());
        let mut credentials = Vec::new();
        texts(
            &self.case.call.parameters["authorization_details"],
            &mut credentials,
        );
        // Shorter ones stand in any sentence.
        let long = sessions
            .chain(credentials)
            .filter(|secret| secret.len() >= 4);
        let secrets = issued
            .iter()
            .map(String::as_str)
            .chain([self.client_secret.as_str()])
            .chain(long)
            .chain(passed.map(str::trim).filter(|secret| !secret.is_empty()));
        let mut problems: Vec<String> = secrets
            .filter(|secret| shown.contains(secret))
            .map(|secret| format!("the error shows the secret `{secret}`"))
            .collect();
        let connections = error["connections"].as_array().into_iter().flatten();
        let links = connections.filter_map(|one| one["authentication_link"].as_str());
        problems.extend(
            links
                .filter(|link| report.text.contains(link))
                .map(|link| format!("the text of the error shows the link `{link}`")),
        );
        problems
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every text in a value.
fn texts<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, into)),
        _ => {}
    }
}

fn granted(token: &str) -> Answer {
    plain(
        200,
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }),
    )
}

/// No status that a client repeats or explains.
fn nothing_scripted() -> Answer {
    plain(
        418,
        json!({ "message": "the case scripts no more answers" }),
    )
}

fn plain(status: u16, body: Value) -> Answer {
    Answer {
        status,
        headers: std::collections::BTreeMap::default(),
        body,
        repeat: None,
        gzip: false,
        fault: None,
    }
}

/// Replaces placeholders in every string.
fn fill(value: &mut Value, values: &[(&str, &str)]) {
    match value {
        Value::String(text) => {
            for (name, with) in values {
                if text.contains(name) {
                    *text = text.replace(name, with);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, values)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, values)),
        _ => {}
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
