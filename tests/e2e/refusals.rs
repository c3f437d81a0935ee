//! What is refused on the data plane, and how it is said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use scalekit_vmcp::{Config, NewConfig, Target};

use crate::scene::{MAIL_CONNECTION, Scene};

async fn scene() -> (Scene, Config, String) {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    let url = config.mcp_server_url.clone().unwrap();
    (scene, config, url)
}

async fn access_token(scene: &Scene) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        scene.engine.client_id(),
        scene.engine.client_secret()
    );
    let request = scene
        .http
        .post(format!("{}/oauth/token", scene.engine.env_url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer: serde_json::Value =
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_bad_token_gets_401_a_challenge_and_a_json_rpc_error_with_the_id() {
    let (scene, config, url) = scene().await;
    let good = scene
        .client
        .create_session_token(&config, "alice")
        .expiry(Duration::from_secs(60))
        .await
        .unwrap();
    let other = scene
        .client
        .create_config(NewConfig::new("other").all_tools_of("mail"))
        .await
        .unwrap();
    let foreign = scene
        .client
        .create_session_token(&other, "alice")
        .await
        .unwrap();
    let of_connection = scene
        .client
        .create_session_token(Target::connection("mail"), "alice")
        .await
        .unwrap();
    let access = access_token(&scene).await;
    assert_eq!(
        scene
            .probe(&url, Some(&format!("Bearer {}", good.token())))
            .await
            .status,
        200
    );

    let payload = good.token().split('.').nth(1).unwrap();
    // {"alg":"none"}, and a good token with another signature.
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let (head, signature) = good.token().rsplit_once('.').unwrap();
    let resigned = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let cases = [
        (None, "token_missing"),
        (Some("Basic YTpi".to_owned()), "token_missing"),
        (Some("Bearer garbage".to_owned()), "token_invalid"),
        (Some(format!("Bearer {unsigned}")), "token_invalid"),
        (Some(format!("Bearer {resigned}")), "token_invalid"),
        (Some(format!("Bearer {access}")), "token_invalid"),
        (
            Some(format!("Bearer {}", foreign.token())),
            "wrong_audience",
        ),
        (
            Some(format!("Bearer {}", of_connection.token())),
            "wrong_audience",
        ),
    ];
    for (authorization, reason) in cases {
        let answer = scene.probe(&url, authorization.as_deref()).await;
        assert_eq!(answer.status, 401, "{reason}");
        assert_eq!(
            answer.body["error"]["data"]["reason"], reason,
            "{}",
            answer.body
        );
        assert_eq!(
            (&answer.body["id"], &answer.body["jsonrpc"]),
            (&7.into(), &"2.0".into())
        );
        let challenge = answer.challenge.unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert_eq!(
            challenge.contains(r#"error="invalid_token""#),
            reason != "token_missing",
            "{challenge}"
        );
    }
    let in_query = format!("{url}?access_token={}", good.token());
    assert_eq!(scene.probe(&in_query, None).await.status, 401);

    scene.engine.advance_clock(Duration::from_secs(61));
    let expired = scene
        .probe(&url, Some(&format!("Bearer {}", good.token())))
        .await;
    assert_eq!(
        (expired.status, &expired.body["error"]["data"]["reason"]),
        (401, &"token_expired".into())
    );
    assert!(
        expired.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("mint a new one")
    );
}

#[tokio::test]
async fn the_challenge_names_a_document_of_this_very_server() {
    let (scene, _, url) = scene().await;
    let challenge = scene.probe(&url, None).await.challenge.unwrap();
    let document = challenge
        .split("resource_metadata=\"")
        .nth(1)
        .unwrap()
        .trim_end_matches('"');
    let document = scene
        .http
        .get(document)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["resource"], url.as_str());
}

#[tokio::test]
async fn strangers_learn_nothing_about_which_servers_exist() {
    let (scene, _, url) = scene().await;
    let nowhere = format!(
        "{}/mcp/v3/servers/00000000-0000-4000-8000-000000000000",
        scene.engine.env_url()
    );
    let (here, there) = (
        scene.probe(&url, None).await,
        scene.probe(&nowhere, None).await,
    );
    assert_eq!((here.status, here.body), (there.status, there.body));
}

#[tokio::test]
async fn foreign_pages_and_wrong_hosts_are_refused() {
    let (scene, config, url) = scene().await;
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let token = format!("Bearer {}", token.token());
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    for header in [("origin", "http://evil.example"), ("host", "evil.example")] {
        assert_eq!(
            scene.post(&url, Some(&token), &[header], list).await.status,
            403,
            "{header:?}"
        );
    }
    assert_eq!(
        scene
            .http
            .get(&url)
            .header("authorization", &token)
            .send()
            .await
            .unwrap()
            .status(),
        405
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_json_rpc() {
    let (scene, config, url) = scene().await;
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{{"x":"{}"}}}}"#,
        "x".repeat(5 << 20)
    );
    let answer = scene
        .post(&url, Some(&format!("Bearer {}", token.token())), &[], body)
        .await;
    assert_eq!(
        (answer.status, &answer.body["error"]["data"]["reason"]),
        (413, &"request_too_large".into())
    );
    assert_eq!(answer.body["id"], 7);
}

#[tokio::test]
async fn after_the_answer_to_a_delete_nothing_succeeds() {
    let (scene, config, url) = scene().await;
    let scene = Arc::new(scene);
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let token = format!("Bearer {}", token.token());
    let deleted = Arc::new(AtomicBool::new(false));
    let mut hammers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (scene, url, token, deleted) = (
            Arc::clone(&scene),
            url.clone(),
            token.clone(),
            Arc::clone(&deleted),
        );
        hammers.spawn(async move {
            let (mut before, mut after) = (0, 0);
            while after < 50 {
                // Read before the request starts: a request that began earlier may still succeed.
                let late = deleted.load(Ordering::SeqCst);
                let answer = scene.probe(&url, Some(&token)).await;
                if late {
                    assert_eq!(
                        (answer.status, &answer.body["error"]["data"]["reason"]),
                        (404, &"mcp_config_deleted".into())
                    );
                    assert_eq!(answer.body["id"], 7);
                    after += 1;
                } else {
                    before += usize::from(answer.status == 200);
                }
            }
            before
        });
    }
    while scene.probe(&url, Some(&token)).await.status != 200 {}
    scene.client.delete_config(&*config.id).await.unwrap();
    deleted.store(true, Ordering::SeqCst);
    hammers.join_all().await;
    assert_eq!(
        scene
            .client
            .open_session(&config, "alice")
            .await
            .unwrap_err()
            .status(),
        Some(404)
    );
}

#[tokio::test]
async fn what_stands_in_the_path_does_not_get_into_a_header() {
    let (scene, _, _) = scene().await;
    for segment in [
        "a%22,%20error=%22x",
        "x%0d%0ay:z",
        "%FF",
        "1",
        "00000000-0000-4000-8000-00000000000g",
    ] {
        let url = format!("{}/mcp/v3/servers/{segment}", scene.engine.env_url());
        let answer = scene.probe(&url, Some("Bearer x")).await;
        assert_eq!((answer.status, answer.challenge), (404, None), "{segment}");
        assert_eq!(
            (&answer.body["id"], &answer.body["jsonrpc"]),
            (&7.into(), &"2.0".into()),
            "{segment}"
        );
    }
    let url = format!(
        "{}/mcp/v3/connections/a%22,%20error=%22x",
        scene.engine.env_url()
    );
    let challenge = scene.probe(&url, Some("Bearer x")).await.challenge.unwrap();
    assert_eq!(challenge.matches("error=").count(), 1, "{challenge}");
}

#[tokio::test]
async fn refusals_of_the_protocol_layer_carry_the_id_too() {
    let (scene, config, url) = scene().await;
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let token = format!("Bearer {}", token.token());
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    let answer = scene
        .post(
            &url,
            Some(&token),
            &[("origin", "http://evil.example")],
            list,
        )
        .await;
    assert_eq!(
        (answer.status, &answer.body["id"]),
        (403, &7.into()),
        "{}",
        answer.body
    );
    let request = scene
        .http
        .post(&url)
        .header("authorization", &token)
        .header("content-type", "application/json");
    let answer = request
        .header("accept", "text/plain")
        .body(list)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 406);
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["id"], 7);
}
