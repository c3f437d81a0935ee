//! An engine in a temporary folder, and a way to ask its routers.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

use super::Engine;
use crate::{accounts::connect_page, control, local::clock::Clock, settings::Settings};

pub(crate) const BASE: &str = "http://127.0.0.1:8000";

/// `gmail` needs a key and its tools are known; `calendar` needs a key and its tools are not
/// known; `Git Hub` needs nothing.
pub(crate) const SETTINGS: &str = r#"
    [clients.app]
    secret = "app-secret"

    [clients."100%"]
    secret = "a+b"

    [connections.gmail]
    upstream = { url = "http://127.0.0.1:9/mcp" }
    auth = "api_key"
    tools = ["gmail_fetch_mails", "gmail_send_mail"]

    [connections.calendar]
    upstream = { url = "http://127.0.0.1:9/mcp" }
    auth = "api_key"
    provider = "GOOGLE"

    [connections."Git Hub"]
    upstream = { url = "http://127.0.0.1:9/mcp" }
"#;

pub(crate) fn open(settings: &str, folder: &Path, clock: Clock) -> Engine {
    let settings = Settings::from_toml(settings, folder).unwrap();
    Engine::open(settings, folder, Url::parse(BASE).unwrap(), clock).unwrap()
}

pub(crate) struct TestEngine {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    pub(crate) folder: tempfile::TempDir,
    router: Router,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The JSON of an answer that must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl TestEngine {
    /// The engine of `SETTINGS`, its clock stopped, with an access token at hand.
    pub(crate) async fn start() -> TestEngine {
        let clock = Clock::default();
        clock.freeze();
        TestEngine::open(SETTINGS, tempfile::tempdir().unwrap(), clock).await
    }

    /// An engine with other settings, which must name the client `app` too.
    pub(crate) async fn open(
        settings: &str,
        folder: tempfile::TempDir,
        clock: Clock,
    ) -> TestEngine {
        let engine = Arc::new(open(settings, folder.path(), clock.clone()));
        let router = control::router(Arc::clone(&engine))
            .merge(connect_page::router(Arc::clone(&engine)).unwrap());
        let mut engine = TestEngine {
            engine,
            clock,
            folder,
            router,
            token: String::new(),
        };
        let form = "grant_type=client_credentials&client_id=app&client_secret=app-secret";
        let answer = engine.form("/oauth/token", form).await.expect(200);
        engine.token = answer["access_token"].as_str().unwrap().to_owned();
        engine
    }

    /// Stops the engine; its folder and its clock remain.
    pub(crate) fn stop(self) -> (tempfile::TempDir, Clock) {
        (self.folder, self.clock)
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        if let Some(length) = parts.headers.get(header::CONTENT_LENGTH) {
            assert_eq!(length.to_str().unwrap(), bytes.len().to_string());
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A call of the API with the access token.
    pub(crate) async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &body.to_string()).await
    }

    pub(crate) async fn form(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// What a browser does at a link: opens the page and sends its form, if it has one.
    pub(crate) async fn submit(&self, link: &str, form: &str) -> Answer {
        let page = self.page(link, "").await;
        let (token, cookie) = (form_token(&page.text), cookie(&page));
        self.send_form(link, &format!("{form}&form_token={token}"), &cookie)
            .await
    }

    /// A page, opened with this cookie.
    pub(crate) async fn page(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path)
            .header(header::COOKIE, cookie)
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn send_form(&self, path: &str, form: &str, cookie: &str) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, cookie)
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// Creates a config over these connections and answers it.
    pub(crate) async fn config(&self, name: &str, connections: &[&str]) -> Value {
        let mappings: Vec<Value> = connections
            .iter()
            .map(|connection| json!({ "connection_name": connection }))
            .collect();
        let body = json!({ "name": name, "connection_tool_mappings": mappings });
        self.post("/api/v1/mcp/configs", body).await.expect(201)["config"].take()
    }

    /// A fresh link's path for this user.
    pub(crate) async fn link(&self, connection: &str, identifier: &str) -> String {
        let body = json!({ "connector": connection, "identifier": identifier });
        let answer = self
            .post("/api/v1/connected_accounts/magic_link", body)
            .await
            .expect(200);
        let link = answer["link"].as_str().unwrap();
        link.strip_prefix(BASE).unwrap().to_owned()
    }

    /// Makes this user's account on the connection active.
    pub(crate) async fn connect(&self, connection: &str, identifier: &str, key: &str) {
        let link = self.link(connection, identifier).await;
        let answer = self.submit(&link, &format!("api_key={key}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// The hidden token of the form in a page; empty if there is none.
pub(crate) fn form_token(html: &str) -> String {
    between(html, "name=\"form_token\" value=\"", "\"").to_owned()
}

/// The cookie that a page set, as a browser sends it back.
pub(crate) fn cookie(page: &Answer) -> String {
    let value = page.header("set-cookie");
    value.split(';').next().unwrap_or_default().to_owned()
}

/// Where a page sends the browser by itself; empty if nowhere.
pub(crate) fn onward(html: &str) -> String {
    let url = between(html, "http-equiv=\"refresh\" content=\"0; url=", "\"");
    url.replace("&#38;", "&")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(found, _)| found)
}
