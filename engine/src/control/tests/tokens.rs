//! Session tokens: who gets one, and what it says.

use super::*;
use crate::{
    accounts::AccountStatus,
    signing::{AccessLevel, Claims, TokenType},
};

const GMAIL: &str = "/api/v1/mcp/connections/gmail/tokens";

fn path(config: &Value) -> String {
    format!("{CONFIGS}/{}/tokens", config["id"].as_str().unwrap())
}

fn claims(test: &TestEngine, answer: &Value) -> Claims {
    assert_eq!(answer.as_object().unwrap().len(), 2);
    let claims = test
        .engine
        .signer()
        .verify(answer["token"].as_str().unwrap())
        .unwrap();
    let expires_at: jiff::Timestamp = answer["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(claims.exp, expires_at.as_second());
    assert_eq!(claims.iat, test.clock.now().as_second());
    claims
}

#[tokio::test]
async fn a_config_token_says_who_where_and_over_which_accounts() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["Git Hub", "gmail"]).await;
    test.connect("gmail", "user_123", "k").await;
    let body = json!({ "identifier": "user_123", "unknown": 1 });
    let answer = test.post(&path(&config), body.clone()).await.expect(200);
    let claims = claims(&test, &answer);
    let account = async |connection: &str| {
        let connection = test.engine.connection(connection).unwrap();
        let account = test
            .engine
            .accounts()
            .for_call(connection, "user_123")
            .await;
        account.unwrap().unwrap()
    };
    // The account of the connection that needs nothing was made on the way.
    let (git, gmail) = (account("Git Hub").await, account("gmail").await);
    assert_eq!(git.status, AccountStatus::Active);
    assert_eq!(claims.ca_ids, Some(vec![git.id, gmail.id]));
    assert_eq!(claims.sub, "user_123");
    assert_eq!(claims.iss, BASE);
    assert_eq!(claims.aud, config["mcp_server_url"]);
    assert_eq!(claims.mcp_cfg.as_deref(), config["id"].as_str());
    assert_eq!((claims.conn_id, claims.access_level), (None, None));
    assert_eq!(claims.token_type, TokenType::McpSession);
    assert_eq!(claims.exp - claims.iat, 3600);

    let again = test.post(&path(&config), body).await.expect(200);
    let again = self::claims(&test, &again);
    assert_ne!(again.jti, claims.jti);
    assert_eq!(again.ca_ids.unwrap().len(), 2);
}

#[tokio::test]
async fn a_connection_token_finds_its_name_in_any_case_and_keeps_the_stored_one() {
    let test = TestEngine::start().await;
    let body = json!({ "identifier": "user_123", "expiry": "60s" });
    let answer = test
        .post("/api/v1/mcp/connections/gIT%20hUB/tokens", body)
        .await
        .expect(200);
    let claims = claims(&test, &answer);
    assert_eq!(claims.aud, format!("{BASE}/mcp/v3/connections/Git%20Hub"));
    assert_eq!(
        claims.conn_id.as_deref(),
        test.engine.connection_id("Git Hub")
    );
    assert_eq!((claims.mcp_cfg, claims.ca_ids.unwrap().len()), (None, 1));
    assert_eq!(claims.exp - claims.iat, 60);

    let body = json!({ "identifier": "user_123" });
    let answer = test
        .post("/api/v1/mcp/connections/gmial/tokens", body)
        .await;
    let message = refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
    assert!(message.contains("did you mean `gmail`?"), "{message}");
}

#[tokio::test]
async fn every_account_must_be_active_and_each_that_is_not_is_named() {
    let test = TestEngine::start().await;
    let config = test
        .config("agent", &["gmail", "Git Hub", "calendar"])
        .await;
    let body = json!({ "identifier": "user_123" });
    test.link("calendar", "user_123").await;
    let message = refusal(
        &test.post(&path(&config), body.clone()).await,
        400,
        9,
        "FAILED_PRECONDITION",
    );
    assert!(
        message.contains("`gmail` has no connected account"),
        "{message}"
    );
    assert!(
        message.contains("`calendar` is `PENDING_AUTH`"),
        "{message}"
    );
    assert!(
        message.contains("`user_123`") && !message.contains("Git Hub"),
        "{message}"
    );
    // A refusal leaves no account behind.
    let git = test.engine.connection("Git Hub").unwrap();
    assert!(
        test.engine
            .accounts()
            .for_call(git, "user_123")
            .await
            .unwrap()
            .is_none()
    );

    let message = refusal(
        &test.post(GMAIL, body.clone()).await,
        400,
        9,
        "FAILED_PRECONDITION",
    );
    assert!(message.contains("`gmail`"), "{message}");

    test.connect("gmail", "user_123", "k").await;
    test.connect("calendar", "user_123", "k").await;
    test.post(&path(&config), body.clone()).await.expect(200);
    test.post(GMAIL, body.clone()).await.expect(200);
    let connection = test.engine.connection("gmail").unwrap();
    let id = test
        .engine
        .accounts()
        .for_call(connection, "user_123")
        .await
        .unwrap()
        .unwrap()
        .id;
    for status in [
        AccountStatus::Expired,
        AccountStatus::Disconnected,
        AccountStatus::PendingVerification,
    ] {
        test.engine
            .accounts()
            .set_status(&id, status)
            .await
            .unwrap();
        let answer = test.post(&path(&config), body.clone()).await;
        let message = refusal(&answer, 400, 9, "FAILED_PRECONDITION");
        assert!(
            message.contains(&format!("`gmail` is `{status}`")),
            "{message}"
        );
    }
    // Another user's accounts do not help.
    let body = json!({ "identifier": "user_124" });
    refusal(
        &test.post(&path(&config), body).await,
        400,
        9,
        "FAILED_PRECONDITION",
    );
}

#[tokio::test]
async fn a_config_without_connections_opens_nothing() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &[]).await;
    let answer = test
        .post(&path(&config), json!({ "identifier": "user_123" }))
        .await;
    let message = refusal(&answer, 400, 9, "FAILED_PRECONDITION");
    assert!(
        message.contains("`agent`") && message.contains("no connections"),
        "{message}"
    );
}

#[tokio::test]
async fn identifiers_have_1_to_255_characters() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["Git Hub"]).await;
    for identifier in ["x", "alice@acme.com", " ", &"é".repeat(255)] {
        let answer = test
            .post(&path(&config), json!({ "identifier": identifier }))
            .await
            .expect(200);
        assert_eq!(claims(&test, &answer).sub, identifier);
    }
    for body in [
        json!({}),
        json!({ "identifier": "" }),
        json!({ "identifier": "é".repeat(256) }),
    ] {
        assert_eq!(
            violations(&test.post(&path(&config), body).await),
            ["identifier"]
        );
    }
}

#[tokio::test]
async fn lifetimes_are_60_seconds_to_24_hours() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["Git Hub"]).await;
    let mint = async |expiry: Value| {
        test.post(
            &path(&config),
            json!({ "identifier": "u", "expiry": expiry }),
        )
        .await
    };
    for (expiry, seconds) in [
        (json!(null), 3600),
        (json!("60s"), 60),
        (json!("86400s"), 86400),
        (json!("1800.9s"), 1800),
        (json!("86400.9s"), 86400),
    ] {
        let claims = claims(&test, &mint(expiry).await.expect(200));
        assert_eq!(claims.exp - claims.iat, seconds);
    }
    for expiry in [
        "59s",
        "59.9s",
        "86401s",
        "0s",
        "-60s",
        "1h",
        "3600",
        "",
        "99999999999999999999s",
    ] {
        assert_eq!(
            violations(&mint(json!(expiry)).await),
            ["expiry"],
            "{expiry}"
        );
    }
    for expiry in [json!(3600), json!({ "seconds": 3600 })] {
        refusal(&mint(expiry).await, 400, 3, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn access_levels_are_spelled_exactly() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["Git Hub"]).await;
    for (body, level) in [
        (json!({ "identifier": "u", "access_level": "" }), None),
        (json!({ "identifier": "u", "access_level": "FULL" }), None),
        (json!({ "identifier": "u", "accessLevel": null }), None),
        (
            json!({ "identifier": "u", "accessLevel": "READ_ONLY" }),
            Some(AccessLevel::ReadOnly),
        ),
    ] {
        let answer = test.post(&path(&config), body).await.expect(200);
        assert_eq!(claims(&test, &answer).access_level, level);
    }
    for level in ["read_only", "Full", "READ", " FULL"] {
        let body = json!({ "identifier": "u", "access_level": level });
        assert_eq!(
            violations(&test.post(&path(&config), body).await),
            ["access_level"]
        );
    }
}

#[tokio::test]
async fn a_token_has_one_target() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["Git Hub"]).await;
    let body = json!({ "identifier": "u", "keyId": "gmail" });
    assert_eq!(
        violations(&test.post(&path(&config), body).await),
        ["key_id"]
    );
    let body = json!({ "identifier": "u", "mcp_config_id": config["id"] });
    assert_eq!(violations(&test.post(GMAIL, body).await), ["mcp_config_id"]);
    let body = json!({ "identifier": "u", "key_id": "", "mcpConfigId": null });
    test.post(&path(&config), body).await.expect(200);
}
