//! The REST API, asked through its router: every status and every rule.

mod accounts;
mod auth;
mod configs;
mod connected_accounts;
mod hostile;
mod instances;
mod lists;
mod openapi;
mod tokens;
mod tools;
mod verification;

use axum::http::Method;
use serde_json::{Value, json};

use crate::engine::testing::{Answer, BASE, TestEngine};

const CONFIGS: &str = "/api/v1/mcp/configs";

/// Checks the whole form of a refusal and answers its message.
fn refusal(answer: &Answer, status: u16, code: u8, error_code: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "message", "details"]);
    assert_eq!(body["code"], code, "{body}");
    let detail = &body["details"][0];
    assert_eq!(
        detail["@type"],
        "type.googleapis.com/scalekit.v1.errdetails.ErrorInfo"
    );
    assert_eq!(detail["error_code"], error_code);
    let id = answer.header("x-request-id");
    assert!(id.starts_with("req_"), "{id}");
    assert_eq!(detail["request_info"]["request_id"], id);
    body["message"].as_str().unwrap().to_owned()
}

/// The fields a 400 complains about.
fn violations(answer: &Answer) -> Vec<String> {
    let message = refusal(answer, 400, 3, "INVALID_ARGUMENT");
    let body = answer.json();
    let violations = body["details"][0]["validation_error_info"]["field_violations"].as_array();
    let violations = violations.unwrap_or_else(|| panic!("no violations: {message}"));
    violations
        .iter()
        .map(|violation| {
            let field = violation["field"].as_str().unwrap();
            assert!(message.contains(field), "{message}");
            assert!(!violation["description"].as_str().unwrap().is_empty());
            assert!(!violation["constraint"].as_str().unwrap().is_empty());
            field.to_owned()
        })
        .collect()
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_refused_in_json() {
    let test = TestEngine::start().await;
    for path in ["/api/v1/nothing", "/api/v1/mcp", "/api/x/y/z"] {
        for method in [Method::GET, Method::POST] {
            let answer = test.call(method, path, "").await;
            let message = refusal(&answer, 404, 5, "NOT_FOUND");
            assert!(message.contains(path), "{message}");
        }
    }
    for (method, path, allowed) in [
        (Method::PATCH, "/api/v1/mcp/configs", "POST,GET,HEAD"),
        (
            Method::POST,
            "/api/v1/mcp/configs/cfg_1",
            "GET,HEAD,PUT,DELETE",
        ),
        (Method::GET, "/api/v1/mcp/configs/cfg_1/tokens", "POST"),
        (Method::GET, "/oauth/token", "POST"),
    ] {
        let answer = test.call(method, path, "").await;
        refusal(&answer, 405, 12, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allowed);
    }
}

#[tokio::test]
async fn every_answer_has_its_own_request_id() {
    let test = TestEngine::start().await;
    let mut ids = Vec::new();
    for path in [
        "/healthz",
        "/keys",
        CONFIGS,
        "/api/v1/none",
        "/api/v1/mcp/configs/cfg_1",
    ] {
        let answer = test.get(path).await;
        ids.push(answer.header("x-request-id").to_owned());
    }
    ids.push(
        test.form("/oauth/token", "")
            .await
            .header("x-request-id")
            .to_owned(),
    );
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().all(|id| id.starts_with("req_")));
}

#[tokio::test]
async fn health_and_keys_need_no_token() {
    let test = TestEngine::start().await;
    let get = async |path: &str| {
        let request = axum::http::Request::get(path)
            .body(axum::body::Body::empty())
            .unwrap();
        test.send(request).await.expect(200)
    };
    assert_eq!(get("/healthz").await, json!({"status": "ok"}));
    let keys = get("/keys").await;
    assert_eq!(keys, json!({ "keys": [test.engine.signer().jwk()] }));
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&json!("EC"), &json!("P-256"), &json!("ES256"))
    );
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_with_the_place() {
    let test = TestEngine::start().await;
    for (body, part) in [
        ("{\n \"name\": }", "not valid JSON"),
        ("{\n \"name\": }", "line 2"),
        ("{\"name\": \"a\"", "not valid JSON"),
        ("{\"name\": \"a\"} x", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("garbage", "not a JSON object"),
        ("{\"name\": 5}", "does not fit"),
        ("{\"name\": 5}", "line 1 column 10"),
        ("{\"connection_tool_mappings\": {}}", "does not fit"),
        ("{\"connection_tool_mappings\": [null]}", "does not fit"),
        (
            "{\"connection_tool_mappings\": [], \"connectionToolMappings\": []}",
            "duplicate field",
        ),
    ] {
        let answer = test.call(Method::POST, CONFIGS, body).await;
        let message = refusal(&answer, 400, 3, "INVALID_ARGUMENT");
        assert!(message.contains(part), "{body}: {message}");
    }
    let deep = "[".repeat(100_000);
    let answer = test
        .call(Method::POST, CONFIGS, &format!("{{\"x\":{deep}"))
        .await;
    refusal(&answer, 400, 3, "INVALID_ARGUMENT");

    let filler = |size: usize| format!("{{\"description\":\"{}\"}}", "x".repeat(size - 18));
    let answer = test.call(Method::POST, CONFIGS, &filler(1024 * 1024)).await;
    assert_eq!(violations(&answer), ["name"]);
    let answer = test
        .call(Method::POST, CONFIGS, &filler(1024 * 1024 + 1))
        .await;
    refusal(&answer, 413, 3, "REQUEST_TOO_LARGE");
}

/// What the engine fails at is not blamed on the caller, and what failed is not shown.
#[tokio::test]
async fn a_failing_store_is_a_500_without_details() {
    let test = TestEngine::start().await;
    let path = test.folder.path().join("vmcp.db");
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch("DROP TABLE counts").unwrap();
    let answer = test.get(CONFIGS).await;
    let message = refusal(&answer, 500, 13, "INTERNAL");
    assert!(
        !message.contains("counts") && message.contains("log"),
        "{message}"
    );
}

fn ids(list: &Value) -> Vec<String> {
    let configs = list["configs"].as_array().unwrap();
    configs
        .iter()
        .map(|config| config["id"].as_str().unwrap().to_owned())
        .collect()
}
