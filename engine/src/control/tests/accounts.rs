//! Connected accounts of a config, and magic links.

use std::time::Duration;

use super::*;

const MAGIC: &str = "/api/v1/connected_accounts/magic_link";

async fn accounts(test: &TestEngine, config: &Value, body: Value) -> Value {
    let id = config["id"].as_str().unwrap();
    let answer = test
        .post(&format!("{CONFIGS}/{id}/connected_accounts"), body)
        .await;
    answer.expect(200)["connected_accounts"].take()
}

#[tokio::test]
async fn a_report_creates_nothing() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["Git Hub", "gmail"]).await;
    let git = test.engine.connection_id("Git Hub").unwrap();
    let gmail = test.engine.connection_id("gmail").unwrap();
    for body in [
        json!({ "identifier": "user_123" }),
        json!({ "identifier": "user_123", "include_auth_link": false }),
        json!({ "identifier": "user_123", "includeAuthLink": null }),
    ] {
        assert_eq!(
            accounts(&test, &config, body).await,
            json!([
                { "connection_id": git, "connection_name": "Git Hub", "provider": "GIT HUB", "authentication_link": "" },
                { "connection_id": gmail, "connection_name": "gmail", "provider": "GMAIL", "authentication_link": "" },
            ])
        );
    }
}

#[tokio::test]
async fn links_come_for_every_connection_and_create_accounts() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail", "Git Hub"]).await;
    let wanted = json!({ "identifier": "user_123", "includeAuthLink": true });
    let first = accounts(&test, &config, wanted.clone()).await;
    assert_eq!(first[0]["connected_account_status"], "PENDING_AUTH");
    assert_eq!(first[1]["connected_account_status"], "ACTIVE");
    for account in first.as_array().unwrap() {
        assert!(
            account["connected_account_id"]
                .as_str()
                .unwrap()
                .starts_with("ca_")
        );
        let link = account["authentication_link"].as_str().unwrap();
        let secret = link.strip_prefix(&format!("{BASE}/connect/")).unwrap();
        assert_eq!(secret.len(), 43);
    }
    // Fresh links, same accounts; an active account gets one too and stays active.
    test.connect("gmail", "user_123", "k").await;
    let second = accounts(&test, &config, wanted).await;
    assert_eq!(second[0]["connected_account_status"], "ACTIVE");
    assert_eq!(
        second[0]["connected_account_id"],
        first[0]["connected_account_id"]
    );
    assert_ne!(
        second[0]["authentication_link"],
        first[0]["authentication_link"]
    );
    let report = accounts(&test, &config, json!({ "identifier": "user_123" })).await;
    assert_eq!(report[0]["authentication_link"], "");
    assert_eq!(
        report[0]["connected_account_id"],
        first[0]["connected_account_id"]
    );
}

#[tokio::test]
async fn a_report_needs_an_identifier() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail"]).await;
    let path = format!(
        "{CONFIGS}/{}/connected_accounts",
        config["id"].as_str().unwrap()
    );
    for body in [
        json!({}),
        json!({ "identifier": "" }),
        json!({ "identifier": null }),
    ] {
        assert_eq!(violations(&test.post(&path, body).await), ["identifier"]);
    }
    // A report has no limit; an account does, so none is created beyond it.
    let ask = |length: usize, links: bool| {
        let body = json!({ "identifier": "x".repeat(length), "include_auth_link": links });
        test.post(&path, body)
    };
    ask(1000, false).await.expect(200);
    ask(100, true).await.expect(200);
    assert_eq!(violations(&ask(101, true).await), ["identifier"]);
}

#[tokio::test]
async fn a_magic_link_is_for_an_account_by_name_or_id() {
    let test = TestEngine::start().await;
    let now = test.clock.now();
    let body = json!({
        "connector": "gmail", "identifier": "user_123", "state": "s", "userVerifyUrl": "https://app/verify",
    });
    let answer = test.post(MAGIC, body).await.expect(200);
    assert!(
        answer["link"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{BASE}/connect/"))
    );
    let expiry: jiff::Timestamp = answer["expiry"].as_str().unwrap().parse().unwrap();
    assert_eq!(expiry.as_millisecond() - now.as_millisecond(), 60_000);
    assert!(answer["expiry"].as_str().unwrap().ends_with('Z'));
    assert_eq!(answer.as_object().unwrap().len(), 2);

    let config = test.config("agent", &["gmail"]).await;
    let report = accounts(&test, &config, json!({ "identifier": "user_123" })).await;
    let id = &report[0]["connected_account_id"];
    assert_eq!(report[0]["connected_account_status"], "PENDING_AUTH");
    let answer = test.post(MAGIC, json!({ "id": id })).await.expect(200);
    let link = answer["link"].as_str().unwrap().strip_prefix(BASE).unwrap();
    assert_eq!(test.submit(link, "api_key=k").await.status, 200);
    let report = accounts(&test, &config, json!({ "identifier": "user_123" })).await;
    assert_eq!(report[0]["connected_account_status"], "ACTIVE");
}

#[tokio::test]
async fn a_magic_link_refuses_what_is_not_there() {
    let test = TestEngine::start().await;
    let answer = test
        .post(MAGIC, json!({ "connector": "gmial", "identifier": "u" }))
        .await;
    let message = refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
    assert!(message.contains("did you mean `gmail`?"), "{message}");
    refusal(
        &test.post(MAGIC, json!({ "id": "ca_1" })).await,
        404,
        5,
        "RESOURCE_NOT_FOUND",
    );

    for body in [
        json!({}),
        json!({ "connector": "gmail" }),
        json!({ "identifier": "u" }),
        json!({ "connector": "", "identifier": "u", "id": "" }),
    ] {
        refusal(&test.post(MAGIC, body).await, 400, 3, "INVALID_ARGUMENT");
    }
    for (field, value) in [
        ("id", "conn_1".to_owned()),
        ("id", format!("ca_{}", "1".repeat(30))),
        ("identifier", "x".repeat(101)),
        ("organization_id", "x".repeat(33)),
        ("user_id", "x".repeat(33)),
        ("state", "x".repeat(513)),
        ("user_verify_url", "ftp://x".into()),
        ("user_verify_url", format!("https://{}", "x".repeat(2048))),
    ] {
        let mut body = json!({ "connector": "gmail", "identifier": "u" });
        body[field] = json!(value);
        assert_eq!(violations(&test.post(MAGIC, body).await), [field]);
    }
}

#[tokio::test]
async fn a_connection_that_left_the_settings_is_reported_without_a_link() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail", "calendar"]).await;
    test.connect("gmail", "user_123", "k").await;
    let (folder, clock) = test.stop();
    let rest = "[clients.app]\nsecret = \"app-secret\"\n[connections.calendar]\nupstream = { url = \"http://127.0.0.1:9\" }";
    let test = TestEngine::open(rest, folder, clock).await;
    let body = json!({ "identifier": "user_123", "include_auth_link": true });
    let report = accounts(&test, &config, body).await;
    assert_eq!(report[0]["connection_name"], "gmail");
    assert_eq!(report[0]["connected_account_status"], "ACTIVE");
    assert_eq!(
        (&report[0]["provider"], &report[0]["authentication_link"]),
        (&json!(""), &json!(""))
    );
    assert_ne!(report[1]["authentication_link"], "");
    let path = format!("{CONFIGS}/{}/tokens", config["id"].as_str().unwrap());
    let answer = test.post(&path, json!({ "identifier": "user_123" })).await;
    let message = refusal(&answer, 400, 9, "FAILED_PRECONDITION");
    assert!(
        message.contains("`gmail`") && message.contains("no longer configured"),
        "{message}"
    );
}

#[tokio::test]
async fn a_link_dies_with_its_minute() {
    let test = TestEngine::start().await;
    let link = test.link("gmail", "user_123").await;
    test.clock.advance(Duration::from_mins(1));
    assert_eq!(test.submit(&link, "api_key=k").await.status, 410);
}
