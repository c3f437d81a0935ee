//! Input that means harm: it is refused clearly or kept as it is, and never breaks anything.

use super::*;

const HOSTILE: &[&str] = &[
    "'; DROP TABLE configs; --",
    "\" OR 1=1 --",
    "a\r\nSet-Cookie: x=1",
    "../../etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc",
    "nul\u{0}byte",
    "g\u{43c}ail",
    "e\u{301}\u{301}\u{301}",
    "\u{202e}txet",
    "%_",
    "\u{1f9ff}",
];

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn hostile_text_is_kept_as_it_is_or_refused() {
    let test = TestEngine::start().await;
    for (index, text) in HOSTILE.iter().enumerate() {
        let body = json!({ "name": format!("config-{index}"), "description": text });
        let made = test.post(CONFIGS, body).await.expect(201);
        assert_eq!(made["config"]["description"], *text);
        violations(&test.post(CONFIGS, json!({ "name": text })).await);

        let body = json!({ "connector": "gmail", "identifier": text, "connected_account": {
            "authorization_details": { "static_auth": { "details": { "api_key": "k" } } },
            "api_config": { *text: text },
        }});
        let made = test
            .post("/api/v1/connected_accounts", body)
            .await
            .expect(201);
        assert_eq!(made["connected_account"]["identifier"], *text);
        assert_eq!(
            made["connected_account"]["api_config"],
            json!({ *text: text })
        );
        let path = format!("/api/v1/connected_accounts?identifier={}", encoded(text));
        let found = test.get(&path).await.expect(200);
        assert_eq!(found["total_size"], 1, "{text:?}");
        assert_eq!(found["connected_accounts"][0]["identifier"], *text);

        let path = format!("{CONFIGS}?search={}", encoded(text));
        test.get(&path).await.expect(200);
        for path in [
            format!("{CONFIGS}/{}", encoded(text)),
            format!("/api/v1/connected_accounts/{}", encoded(text)),
            format!("/api/v1/mcp/instances/{}", encoded(text)),
        ] {
            refusal(&test.get(&path).await, 400, 3, "INVALID_ARGUMENT");
        }
        let path = format!("/api/v1/mcp/connections/{}/tokens", encoded(text));
        let answer = test.post(&path, json!({ "identifier": "u" })).await;
        refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn what_is_not_utf8_is_refused() {
    let test = TestEngine::start().await;
    for path in [
        format!("{CONFIGS}?search=%ff"),
        format!("{CONFIGS}?%ff=x"),
        format!("{CONFIGS}/%ff"),
    ] {
        let message = refusal(&test.get(&path).await, 400, 3, "INVALID_ARGUMENT");
        assert!(message.contains("UTF-8"), "{message}");
    }
    for body in [
        &b"{\"name\":\"\xff\"}"[..],
        b"{\"nobody\":\"\xff\"}",
        b"\xff",
    ] {
        let request = axum::http::Request::post(CONFIGS)
            .header("authorization", format!("Bearer {}", test.token()))
            .body(axum::body::Body::from(body))
            .unwrap();
        let message = refusal(&test.send(request).await, 400, 3, "INVALID_ARGUMENT");
        assert!(message.contains("UTF-8"), "{message}");
    }
}

#[tokio::test]
async fn depth_is_bounded_even_where_nobody_reads() {
    let test = TestEngine::start().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [100, 100_000] {
        let body = format!("{{\"name\":\"deep\",\"nobody\":{}}}", nested(depth));
        let answer = test.call(Method::POST, CONFIGS, &body).await;
        let message = refusal(&answer, 400, 3, "INVALID_ARGUMENT");
        assert!(message.contains("100 levels"), "{message}");
    }
    let body = format!("{{\"name\":\"deep\",\"nobody\":{}}}", nested(99));
    test.call(Method::POST, CONFIGS, &body).await.expect(201);
    let text = "[".repeat(1000);
    test.post(
        CONFIGS,
        json!({ "name": "flat", "description": format!("\\\"{text}") }),
    )
    .await
    .expect(201);
}

#[tokio::test]
async fn a_known_key_twice_is_refused_and_free_form_keeps_the_last() {
    let test = TestEngine::start().await;
    for body in [
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"name\":\"a\",\"connectionToolMappings\":[],\"connection_tool_mappings\":[]}",
    ] {
        let answer = test.call(Method::POST, CONFIGS, body).await;
        let message = refusal(&answer, 400, 3, "INVALID_ARGUMENT");
        assert!(message.contains("duplicate field"), "{message}");
    }
    let path = "/api/v1/connected_accounts";
    let body = "{\"connector\":\"gmail\",\"connector\":\"calendar\",\"identifier\":\"u\",\"connected_account\":{}}";
    refusal(
        &test.call(Method::POST, path, body).await,
        400,
        3,
        "INVALID_ARGUMENT",
    );
    let body = "{\"connector\":\"gmail\",\"identifier\":\"u\",\"connected_account\":{\"api_config\":{\"a\":1,\"a\":2}}}";
    let made = test.call(Method::POST, path, body).await.expect(201);
    assert_eq!(made["connected_account"]["api_config"], json!({ "a": 2 }));
}

/// Long values are shown by their start, and a thousand wrong names are not a thousand complaints.
#[tokio::test]
async fn huge_names_are_refused_shortly() {
    let test = TestEngine::start().await;
    let long = "x".repeat(900_000);
    for body in [
        json!({ "name": long }),
        json!({ "name": "A".repeat(900_000) }),
        json!({ "name": "a", "connection_tool_mappings": [{ "connection_name": long }] }),
        json!({ "name": "a", "connection_tool_mappings": [{ "connection_name": "gmail", "tools": [long] }] }),
        json!({ "name": "a", "connection_tool_mappings": [{ "connection_name": "gmail",
            "tools": (0..50_000).map(|number| format!("gmail_{number}")).collect::<Vec<_>>() }] }),
    ] {
        let answer = test.post(CONFIGS, body).await;
        violations(&answer);
        assert!(answer.text.len() < 8192, "{}", answer.text.len());
    }
    // Nobody knows the tools of this one, so all names are accepted, and none is lost.
    let tools: Vec<String> = (0..50_000).map(|number| format!("tool_{number}")).collect();
    let body = json!({ "name": "many", "connection_tool_mappings": [{ "connection_name": "calendar", "tools": tools }] });
    let made = test.post(CONFIGS, body).await.expect(201);
    let kept = &made["config"]["connection_tool_mappings"][0]["tools"];
    assert_eq!(kept.as_array().unwrap().len(), 50_000);
}
