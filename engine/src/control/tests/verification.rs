//! Who sat in front of the connect page: from the link to the answer.

use super::*;
use crate::engine::testing::onward;

const MAGIC: &str = "/api/v1/connected_accounts/magic_link";
const VERIFY: &str = "/api/v1/connected_accounts/user/verify";
const DONE: &str = "https://app.example:8443/verify?tenant=1#top";

/// The path of a link that leads back to the application.
async fn link(test: &TestEngine, url: &str, state: Option<&str>) -> String {
    let body = json!({
        "connector": "gmail", "identifier": "user_123", "userVerifyUrl": url, "state": state,
    });
    let answer = test.post(MAGIC, body).await.expect(200);
    let link = answer["link"].as_str().unwrap();
    link.strip_prefix(BASE).unwrap().to_owned()
}

/// Finishes the page of a link and answers where the browser is sent.
async fn finish(test: &TestEngine, link: &str, key: &str) -> url::Url {
    let answer = test.submit(link, &format!("api_key={key}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    onward(&answer.text).parse().unwrap()
}

fn request_id(location: &url::Url) -> String {
    let mut pairs = location.query_pairs();
    let found = pairs.find(|(name, _)| name == "auth_request_id");
    found.unwrap().1.into_owned()
}

async fn verify(test: &TestEngine, id: &str, identifier: &str) -> Answer {
    let body = json!({ "auth_request_id": id, "identifier": identifier });
    test.post(VERIFY, body).await
}

async fn account(test: &TestEngine) -> (Value, Value) {
    let path = "/api/v1/connected_accounts/auth?connector=gmail&identifier=user_123";
    let account = test.get(path).await.expect(200)["connected_account"].take();
    let key = &account["authorization_details"]["static_auth"]["details"]["api_key"];
    (account["status"].clone(), key.clone())
}

#[tokio::test]
async fn a_user_is_verified_before_the_account_is_active() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail"]).await;
    let tokens = format!("{CONFIGS}/{}/tokens", config["id"].as_str().unwrap());
    let mint = async || {
        test.post(&tokens, json!({ "identifier": "user_123" }))
            .await
    };

    let location = finish(&test, &link(&test, DONE, Some("a b&c")).await, "hunter2").await;
    let id = request_id(&location);
    assert_eq!(
        location.as_str(),
        format!("https://app.example:8443/verify?tenant=1&auth_request_id={id}&state=a+b%26c#top")
    );
    assert_eq!(id.len(), 43);
    assert_eq!(
        account(&test).await,
        (json!("PENDING_VERIFICATION"), json!(null))
    );
    let gmail = test.engine.connection("gmail").unwrap();
    let view = test.engine.accounts().for_call(gmail, "user_123").await;
    assert!(view.unwrap().unwrap().credential.is_none());
    let message = refusal(&mint().await, 400, 9, "FAILED_PRECONDITION");
    assert!(message.contains("PENDING_VERIFICATION"), "{message}");

    for other in ["mallory", "USER_123", "user_123 "] {
        let message = refusal(
            &verify(&test, &id, other).await,
            403,
            7,
            "PERMISSION_DENIED",
        );
        assert!(
            message.contains(other) && !message.contains(&id),
            "{message}"
        );
    }
    assert_eq!(account(&test).await.0, "PENDING_VERIFICATION");

    let body = json!({ "authRequestId": id, "identifier": "user_123" });
    let answer = test.post(VERIFY, body).await.expect(200);
    let done = answer["post_user_verify_redirect_url"].as_str().unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    assert_eq!(account(&test).await, (json!("ACTIVE"), json!("hunter2")));
    mint().await.expect(200);
    let page = axum::http::Request::get(done.strip_prefix(BASE).unwrap());
    let page = test
        .send(page.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Connected"), "{}", page.text);

    let again = verify(&test, &id, "user_123").await;
    let message = refusal(&again, 404, 5, "RESOURCE_NOT_FOUND");
    assert!(!message.contains(&id), "{message}");
}

#[tokio::test]
async fn a_request_to_verify_lives_ten_minutes() {
    let test = TestEngine::start().await;
    let open = async || request_id(&finish(&test, &link(&test, DONE, None).await, "k").await);
    let id = open().await;
    test.clock.advance(std::time::Duration::from_secs(599));
    assert_eq!(verify(&test, &id, "other").await.status, 403);
    test.clock.advance(std::time::Duration::from_secs(1));
    for user in ["other", "user_123"] {
        let answer = verify(&test, &id, user).await;
        let message = refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
        assert!(message.contains("time is over"), "{message}");
    }
    assert_eq!(account(&test).await.0, "PENDING_VERIFICATION");
    // The next link has a request of its own.
    verify(&test, &open().await, "user_123").await.expect(200);
    assert_eq!(account(&test).await.0, "ACTIVE");
}

#[tokio::test]
async fn without_a_state_none_is_sent() {
    let test = TestEngine::start().await;
    for state in [None, Some("")] {
        let link = link(&test, "http://127.0.0.1:9/done", state).await;
        let location = finish(&test, &link, "k").await;
        let id = request_id(&location);
        assert_eq!(
            location.as_str(),
            format!("http://127.0.0.1:9/done?auth_request_id={id}")
        );
    }
}

#[tokio::test]
async fn the_form_leads_nowhere_and_its_answer_goes_on_by_itself() {
    let test = TestEngine::start().await;
    for url in [
        DONE,
        "https://a;script-src,b/",
        "https://a.example/?x=%22%3E<script>",
    ] {
        let link = link(&test, url, None).await;
        let page = test.submit(&link, "api_key=k").await;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("form-action 'self';"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        let place = url::Url::parse(&onward(&page.text)).unwrap();
        assert_eq!(place.origin(), url::Url::parse(url).unwrap().origin());
        assert!(page.text.contains("<a href=\"https://"), "{}", page.text);
        assert!(!page.text.contains("<script"), "{}", page.text);
    }
}

#[tokio::test]
async fn a_newer_key_ends_an_open_request() {
    let test = TestEngine::start().await;
    let put = async |body: Value| {
        let path = "/api/v1/connected_accounts";
        let answer = test.call(Method::PUT, path, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    for how in ["link", "plain link", "update", "disconnect"] {
        let link_1 = link(&test, DONE, None).await;
        let first = request_id(&finish(&test, &link_1, "first").await);
        let status = match how {
            "link" => {
                finish(&test, &link(&test, DONE, None).await, "second").await;
                "PENDING_VERIFICATION"
            }
            "plain link" => {
                test.connect("gmail", "user_123", "second").await;
                "ACTIVE"
            }
            "update" => {
                let details = json!({ "oauth_token": { "access_token": "second" } });
                put(json!({
                    "connector": "gmail", "identifier": "user_123",
                    "connected_account": { "authorization_details": details },
                }))
                .await;
                "ACTIVE"
            }
            _ => {
                let body = json!({ "connector": "gmail", "identifier": "user_123" });
                test.post("/api/v1/connected_accounts/this:disconnect", body)
                    .await
                    .expect(200);
                "DISCONNECTED"
            }
        };
        assert_eq!(verify(&test, &first, "user_123").await.status, 404, "{how}");
        assert_eq!(account(&test).await.0, status, "{how}");
    }
}

#[tokio::test]
async fn an_active_account_is_pending_again_with_its_new_key() {
    let test = TestEngine::start().await;
    test.connect("gmail", "user_123", "old").await;
    let location = finish(&test, &link(&test, DONE, None).await, "new").await;
    assert_eq!(
        account(&test).await,
        (json!("PENDING_VERIFICATION"), json!(null))
    );
    verify(&test, &request_id(&location), "user_123")
        .await
        .expect(200);
    assert_eq!(account(&test).await, (json!("ACTIVE"), json!("new")));
}

#[tokio::test]
async fn requests_outlive_a_restart_and_end_with_their_account() {
    let test = TestEngine::start().await;
    let id = request_id(&finish(&test, &link(&test, DONE, None).await, "k").await);
    let (folder, clock) = test.stop();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(id.len())
                .any(|window| window == id.as_bytes())
        );
    }
    let test = TestEngine::open(crate::engine::testing::SETTINGS, folder, clock).await;
    refusal(
        &verify(&test, &id, "other").await,
        403,
        7,
        "PERMISSION_DENIED",
    );
    let body = json!({ "connector": "gmail", "identifier": "user_123" });
    test.post("/api/v1/connected_accounts:delete", body)
        .await
        .expect(200);
    assert_eq!(verify(&test, &id, "user_123").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_a_request_is_refused() {
    let test = TestEngine::start().await;
    for (body, fields) in [
        (json!({}), &["auth_request_id", "identifier"][..]),
        (
            json!({ "auth_request_id": "", "identifier": null }),
            &["auth_request_id", "identifier"],
        ),
        (
            json!({ "auth_request_id": "x".repeat(1001), "identifier": "u" }),
            &["auth_request_id"],
        ),
        (
            json!({ "auth_request_id": "x", "identifier": "x".repeat(201) }),
            &["identifier"],
        ),
    ] {
        assert_eq!(violations(&test.post(VERIFY, body).await), fields);
    }
    refusal(
        &verify(&test, &"x".repeat(1000), &"x".repeat(200)).await,
        404,
        5,
        "RESOURCE_NOT_FOUND",
    );
    let body = json!({ "connector": "gmail", "identifier": "u", "user_verify_url": "https://" });
    assert_eq!(
        violations(&test.post(MAGIC, body).await),
        ["user_verify_url"]
    );
}
