//! The token endpoint, and the token that opens the API.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::ExposeSecret;

use super::*;
use crate::signing::TokenType;

const GOOD: &str = "grant_type=client_credentials&client_id=app&client_secret=app-secret";

async fn with_authorization(test: &TestEngine, values: &[&str]) -> Answer {
    let mut request = Request::get(CONFIGS);
    for value in values {
        request = request.header(header::AUTHORIZATION, *value);
    }
    test.send(request.body(Body::empty()).unwrap()).await
}

async fn token_with_basic(test: &TestEngine, pair: &str, form: &str) -> Answer {
    let request = Request::post("/oauth/token")
        .header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .header(
            header::AUTHORIZATION,
            format!("Basic {}", BASE64_STANDARD.encode(pair)),
        )
        .body(Body::from(form.to_owned()))
        .unwrap();
    test.send(request).await
}

#[tokio::test]
async fn a_client_gets_an_access_token() {
    let test = TestEngine::start().await;
    let answer = test.form("/oauth/token", GOOD).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.expect(200);
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(
        body,
        json!({"access_token": token, "token_type": "Bearer", "expires_in": 86399, "scope": "openid"})
    );
    let claims = test.engine.signer().verify(token).unwrap();
    assert_eq!(claims.token_type, TokenType::Access);
    assert_eq!(
        (&*claims.iss, &*claims.aud, &*claims.sub),
        (BASE, BASE, "app")
    );
    assert_eq!(claims.exp - claims.iat, 86399);
    assert!(claims.mcp_cfg.is_none() && claims.ca_ids.is_none());
}

#[tokio::test]
async fn credentials_may_come_in_the_header() {
    let test = TestEngine::start().await;
    let grant = "grant_type=client_credentials";
    assert_eq!(
        token_with_basic(&test, "app:app-secret", grant)
            .await
            .status,
        200
    );
    // As `curl -u` sends it, unencoded.
    assert_eq!(token_with_basic(&test, "100%:a+b", grant).await.status, 200);
    assert_eq!(
        token_with_basic(&test, "%61pp:app%2Dsecret", grant)
            .await
            .status,
        200
    );
    let named = format!("{grant}&client_id=app");
    assert_eq!(
        token_with_basic(&test, "app:app-secret", &named)
            .await
            .status,
        200
    );

    assert_eq!(
        token_with_basic(&test, "app:wrong", grant)
            .await
            .expect(401)["error"],
        "invalid_client"
    );
    assert_eq!(
        token_with_basic(&test, "no-colon", grant).await.expect(401)["error"],
        "invalid_client"
    );
    for form in [GOOD.to_owned(), format!("{grant}&client_id=other")] {
        let answer = token_with_basic(&test, "app:app-secret", &form).await;
        assert_eq!(answer.expect(400)["error"], "invalid_request");
    }
    // A stale bearer, as refreshing clients send it, is nobody's business here.
    let request = Request::post("/oauth/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, "Bearer stale")
        .body(Body::from(GOOD))
        .unwrap();
    assert_eq!(test.send(request).await.status, 200);
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_are_those_of_oauth() {
    let test = TestEngine::start().await;
    for (form, status, error) in [
        (
            "grant_type=client_credentials&client_id=app&client_secret=wrong",
            401,
            "invalid_client",
        ),
        (
            "grant_type=client_credentials&client_id=other&client_secret=app-secret",
            401,
            "invalid_client",
        ),
        (
            "grant_type=client_credentials&client_id=app",
            401,
            "invalid_client",
        ),
        ("grant_type=client_credentials", 401, "invalid_client"),
        (
            "grant_type=password&client_id=app&client_secret=app-secret",
            400,
            "unsupported_grant_type",
        ),
        (
            "client_id=app&client_secret=app-secret",
            400,
            "invalid_request",
        ),
        ("", 400, "invalid_request"),
        (
            "grant_type=client_credentials&client_id=app&client_id=b&client_secret=app-secret",
            400,
            "invalid_request",
        ),
    ] {
        let answer = test.form("/oauth/token", form).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let challenge = answer.header("www-authenticate").to_owned();
        assert_eq!(challenge.starts_with("Basic"), status == 401, "{form}");
        let body = answer.expect(status);
        assert_eq!(body["error"], error, "{form}");
        let description = body["error_description"].as_str().unwrap();
        assert!(
            !description.is_empty() && !description.contains("app-secret"),
            "{description}"
        );
    }
    let json = test
        .post("/oauth/token", json!({"grant_type": "client_credentials"}))
        .await;
    assert_eq!(json.expect(400)["error"], "invalid_request");
}

#[tokio::test]
async fn the_api_opens_only_with_a_good_access_token() {
    let test = TestEngine::start().await;
    test.connect("gmail", "user_123", "k").await;
    let session = test
        .post(
            "/api/v1/mcp/connections/gmail/tokens",
            json!({"identifier": "user_123"}),
        )
        .await
        .expect(200);
    let session = format!("Bearer {}", session["token"].as_str().unwrap());
    let good = format!("Bearer {}", test.token());
    let lower = format!("bearer {}", test.token());
    let forged = format!("{good}x");

    for (values, challenge) in [
        (vec![], "Bearer"),
        (vec!["Bearer "], "Bearer"),
        (vec!["Basic YXBwOmFwcC1zZWNyZXQ="], "Bearer"),
        (vec!["Bearer garbage"], "Bearer error=\"invalid_token\""),
        (vec![&*forged], "Bearer error=\"invalid_token\""),
        (vec![&*session], "Bearer error=\"invalid_token\""),
    ] {
        let answer = with_authorization(&test, &values).await;
        refusal(&answer, 401, 16, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), challenge, "{values:?}");
    }
    for values in [vec![&*good], vec![&*lower], vec!["Bearer stale", &*good]] {
        assert_eq!(with_authorization(&test, &values).await.status, 200);
    }

    test.clock.advance(Duration::from_secs(86_398));
    assert_eq!(test.get(CONFIGS).await.status, 200);
    test.clock.advance(Duration::from_secs(1));
    let message = refusal(&test.get(CONFIGS).await, 401, 16, "UNAUTHENTICATED");
    assert!(
        message.contains("expired") && message.contains("/oauth/token"),
        "{message}"
    );
}

/// Every path of the API is behind the token, before anything of the request is judged.
#[tokio::test]
async fn no_path_of_the_api_is_open() {
    let test = TestEngine::start().await;
    for (method, path) in [
        ("GET", "/api/v1/mcp/configs"),
        ("POST", "/api/v1/mcp/configs"),
        ("GET", "/api/v1/mcp/configs/x"),
        ("PUT", "/api/v1/mcp/configs/x"),
        ("DELETE", "/api/v1/mcp/configs/x"),
        ("POST", "/api/v1/mcp/configs/x/connected_accounts"),
        ("POST", "/api/v1/mcp/configs/x/tokens"),
        ("POST", "/api/v1/mcp/connections/x/tokens"),
        ("POST", "/api/v1/connected_accounts/magic_link"),
        ("GET", "/api/v1/connected_accounts"),
        ("POST", "/api/v1/connected_accounts"),
        ("PUT", "/api/v1/connected_accounts"),
        ("GET", "/api/v1/connected_accounts:search"),
        ("POST", "/api/v1/connected_accounts:delete"),
        ("GET", "/api/v1/connected_accounts/auth"),
        ("GET", "/api/v1/connected_accounts/details"),
        ("GET", "/api/v1/connected_accounts/this"),
        ("GET", "/api/v1/connected_accounts/x"),
        ("POST", "/api/v1/connected_accounts/x:disconnect"),
        ("POST", "/api/v1/connected_accounts/user/verify"),
        ("GET", "/api/v1/tools"),
        ("GET", "/api/v1/tools/scoped"),
        ("GET", "/api/v1/tools/available"),
        ("GET", "/api/v1/mcp/instances"),
        ("POST", "/api/v1/mcp/instances"),
        ("GET", "/api/v1/mcp/instances/x"),
        ("PATCH", "/api/v1/mcp/instances/x"),
        ("DELETE", "/api/v1/mcp/instances/x"),
        ("POST", "/api/v1/mcp/instances/x:get_auth_state"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from("garbage"));
        let answer = test.send(request.unwrap()).await;
        refusal(&answer, 401, 16, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_token_for_another_address_or_a_former_client_is_refused() {
    let test = TestEngine::start().await;
    let claims = test.engine.signer().verify(test.token()).unwrap();
    let refused = async |change: fn(&mut crate::signing::Claims)| {
        let mut claims = claims.clone();
        change(&mut claims);
        let token = test.engine.signer().sign(&claims).unwrap();
        let value = format!("Bearer {}", token.expose_secret());
        with_authorization(&test, &[&value]).await.status
    };
    assert_eq!(refused(|_| {}).await, 200);
    assert_eq!(
        refused(|claims| claims.iss = "http://other".into()).await,
        401
    );
    assert_eq!(
        refused(|claims| claims.aud = "http://other".into()).await,
        401
    );
    assert_eq!(refused(|claims| claims.sub = "former".into()).await, 401);
}
