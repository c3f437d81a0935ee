//! An OAuth provider that can misbehave, and an upstream that takes its access tokens. What real
//! providers do is tested in the browser; what they must never do is tested here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore};

/// How the token endpoint answers.
#[derive(Clone, Default)]
pub(super) enum Mood {
    #[default]
    Good,
    /// With this status and body.
    Answers(u16, Value),
}

#[derive(Default)]
pub(super) struct Book {
    pub(super) mood: Mood,
    pub(super) expires_in: Option<u64>,
    /// Whether a refresh token comes along, and whether it is good for one use.
    pub(super) refreshable: bool,
    pub(super) rotating: bool,
    /// The user who sits in front of the provider's page.
    pub(super) user: String,
    /// What the authorization endpoint answers instead of a code.
    pub(super) refusal: Option<&'static str>,
    /// What it says in `iss`; the truth if not set.
    pub(super) iss: Option<String>,
    /// Every request of the token endpoint, in order: its form.
    pub(super) asked: Vec<HashMap<String, String>>,
    /// How the client named itself.
    pub(super) authorization: Vec<Option<String>>,
    /// Calls of the upstream's tool that were executed.
    pub(super) executed: usize,
    codes: HashMap<String, (String, String)>,
    access: HashMap<String, String>,
    refresh: HashMap<String, String>,
    number: usize,
}

impl Book {
    fn next(&mut self, what: &str) -> String {
        self.number += 1;
        format!("{what}-{}-s3cret", self.number)
    }

    /// Makes every access token worthless, and the refresh tokens too if told so.
    pub(super) fn revoke(&mut self, refresh: bool) {
        self.access.clear();
        if refresh {
            self.refresh.clear();
        }
    }

    pub(super) fn refreshes(&self) -> usize {
        let grants = self.asked.iter().map(|form| form["grant_type"].as_str());
        grants.filter(|grant| *grant == "refresh_token").count()
    }
}

#[derive(Clone)]
pub(super) struct Provider {
    pub(super) url: String,
    book: Arc<Mutex<Book>>,
    /// A permit per answer of the token endpoint.
    pub(super) gate: Arc<Semaphore>,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            book: Arc::new(Mutex::new(Book {
                expires_in: Some(3600),
                refreshable: true,
                rotating: true,
                user: "alice".to_owned(),
                ..Book::default()
            })),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        };
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/mcp", post(mcp))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

async fn metadata(State(provider): State<Provider>) -> Json<Value> {
    let url = &provider.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

type Pairs = HashMap<String, String>;

async fn authorize(State(provider): State<Provider>, Query(query): Query<Pairs>) -> Redirect {
    let mut book = provider.book();
    let mut back = url::Url::parse(&query["redirect_uri"]).unwrap();
    let iss = book.iss.clone().unwrap_or_else(|| provider.url.clone());
    back.query_pairs_mut()
        .append_pair("state", &query["state"])
        .append_pair("iss", &iss);
    if let Some(refusal) = book.refusal {
        back.query_pairs_mut()
            .append_pair("error", refusal)
            .append_pair("error_description", "because <b>we</b> say so");
    } else {
        let code = book.next("code");
        let user = book.user.clone();
        let granted = (user, query["code_challenge"].clone());
        book.codes.insert(code.clone(), granted);
        back.query_pairs_mut().append_pair("code", &code);
    }
    Redirect::to(back.as_str())
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<Pairs>,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    {
        let mut book = provider.book();
        book.asked.push(form.clone());
        book.authorization.push(authorization);
    }
    provider.gate.acquire().await.unwrap().forget();
    let mut book = provider.book();
    if let Mood::Answers(status, body) = &book.mood {
        return (StatusCode::from_u16(*status).unwrap(), Json(body.clone())).into_response();
    }
    let user = match form["grant_type"].as_str() {
        "authorization_code" => book
            .codes
            .remove(&form["code"])
            .and_then(|(user, challenge)| {
                use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
                let digest =
                    ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
                (BASE64_URL_SAFE_NO_PAD.encode(digest) == challenge).then_some(user)
            }),
        _ if book.rotating => book.refresh.remove(&form["refresh_token"]),
        _ => book.refresh.get(&form["refresh_token"]).cloned(),
    };
    let Some(user) = user else {
        let body = json!({ "error": "invalid_grant", "error_description": "it was used" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    let access = book.next("access");
    book.access.insert(access.clone(), user.clone());
    let mut answer = json!({ "access_token": access, "token_type": "Bearer", "scope": "crm.read" });
    if let Some(expires_in) = book.expires_in {
        answer["expires_in"] = expires_in.into();
    }
    let first = form["grant_type"] == "authorization_code";
    if book.refreshable && (first || book.rotating) {
        let refresh = book.next("refresh");
        book.refresh.insert(refresh.clone(), user);
        answer["refresh_token"] = refresh.into();
    }
    Json(answer).into_response()
}

/// An MCP server with one tool, `whoami`, for whoever has a living access token.
async fn mcp(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let mut book = provider.book();
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().unwrap().strip_prefix("Bearer "));
    let Some(user) = token.and_then(|token| book.access.get(token)).cloned() else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let result = match request["method"].as_str().unwrap() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
            "serverInfo": { "name": "crm", "version": "1" },
        }),
        "tools/list" => {
            json!({ "tools": [{ "name": "whoami", "inputSchema": { "type": "object" } }] })
        }
        "tools/call" => {
            book.executed += 1;
            json!({ "content": [{ "type": "text", "text": format!("you are {user}") }] })
        }
        "notifications/initialized" => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({ "code": -32601, "message": "no such method" });
            return Json(json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }))
                .into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response()
}
