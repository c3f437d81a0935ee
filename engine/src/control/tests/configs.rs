//! Create, get, update, delete.

use super::*;

fn path(config: &Value) -> String {
    format!("{CONFIGS}/{}", config["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_config_is_created_and_read_back() {
    let test = TestEngine::start().await;
    let body = json!({
        "name": "email-agent",
        "description": "Reads mail.",
        "connection_tool_mappings": [
            { "connection_name": "gmail", "tools": ["gmail_send_mail", "gmail_fetch_mails", "gmail_send_mail"] },
            { "connection_name": "Git Hub", "connection_id": 5, "provider": "ignored" },
        ],
        "mcp_server_url": "http://ignored",
        "id": "cfg_ignored",
        "something_new": { "x": 1 },
    });
    let created = test.post(CONFIGS, body).await.expect(201);
    let config = &created["config"];
    let id = config["id"].as_str().unwrap();
    let url = config["mcp_server_url"].as_str().unwrap();
    let gmail = test.engine.connection_id("gmail").unwrap();
    let git = test.engine.connection_id("Git Hub").unwrap();
    assert_eq!(
        created,
        json!({ "config": {
            "id": id,
            "name": "email-agent",
            "description": "Reads mail.",
            "connection_tool_mappings": [
                { "connection_id": gmail, "connection_name": "gmail", "provider": "GMAIL",
                  "tools": ["gmail_send_mail", "gmail_fetch_mails"] },
                { "connection_id": git, "connection_name": "Git Hub", "provider": "GIT HUB", "tools": [] },
            ],
            "mcp_server_url": url,
        }})
    );
    let uuid = url
        .strip_prefix(&format!("{BASE}/mcp/v3/servers/"))
        .unwrap();
    assert_eq!(uuid::Uuid::parse_str(uuid).unwrap().get_version_num(), 4);
    assert_eq!(test.get(&path(config)).await.expect(200), created);
}

#[tokio::test]
async fn a_bare_config_prints_its_defaults() {
    let test = TestEngine::start().await;
    for (name, body) in [
        ("absent", json!({"name": "absent"})),
        (
            "null",
            json!({"name": "null", "description": null, "connection_tool_mappings": null}),
        ),
        (
            "empty",
            json!({"name": "empty", "description": "", "connection_tool_mappings": []}),
        ),
    ] {
        let config = test.post(CONFIGS, body).await.expect(201)["config"].take();
        assert_eq!(config["name"], name);
        assert_eq!(config["description"], "");
        assert_eq!(config["connection_tool_mappings"], json!([]));
    }
}

#[tokio::test]
async fn requests_may_be_camel_case() {
    let test = TestEngine::start().await;
    let body = json!({
        "name": "a",
        "connectionToolMappings": [{ "connectionName": "gmail", "tools": null, "connectedAccountId": null }],
    });
    let config = test.post(CONFIGS, body).await.expect(201)["config"].take();
    assert_eq!(
        config["connection_tool_mappings"][0]["connection_name"],
        "gmail"
    );
    let body = json!({ "connectionToolMappings": [{ "connectionName": "calendar" }] });
    let answer = test
        .call(Method::PUT, &path(&config), &body.to_string())
        .await
        .expect(200);
    assert_eq!(
        answer["config"]["connection_tool_mappings"][0]["connection_name"],
        "calendar"
    );
}

#[tokio::test]
async fn names_follow_the_rule() {
    let test = TestEngine::start().await;
    let long = "x".repeat(100);
    for name in ["a", "0", "_", "-", "email-calendar_agent2", &long] {
        test.post(CONFIGS, json!({ "name": name }))
            .await
            .expect(201);
    }
    let too_long = "x".repeat(101);
    for name in ["", "Email", "e mail", "é", "a/b", "a.b", " a", &too_long] {
        let answer = test.post(CONFIGS, json!({ "name": name })).await;
        assert_eq!(violations(&answer), ["name"], "{name}");
    }
    assert_eq!(violations(&test.post(CONFIGS, json!({})).await), ["name"]);
    assert_eq!(
        violations(&test.call(Method::POST, CONFIGS, "").await),
        ["name"]
    );
    assert_eq!(
        violations(&test.post(CONFIGS, json!({"name": null})).await),
        ["name"]
    );
}

#[tokio::test]
async fn a_name_is_given_once_even_to_two_at_once() {
    let test = TestEngine::start().await;
    let body = json!({ "name": "agent" });
    let (one, two) = tokio::join!(
        test.post(CONFIGS, body.clone()),
        test.post(CONFIGS, body.clone()),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let message = refusal(
        &test.post(CONFIGS, body.clone()).await,
        409,
        6,
        "ALREADY_EXISTS",
    );
    assert!(message.contains("`agent`"), "{message}");
    // A deleted name is free again.
    let list = test.get(CONFIGS).await.expect(200);
    test.call(Method::DELETE, &path(&list["configs"][0]), "")
        .await
        .expect(200);
    test.post(CONFIGS, body).await.expect(201);
}

#[tokio::test]
async fn mappings_name_what_exists() {
    let test = TestEngine::start().await;
    let create = async |mappings: Value| {
        test.post(
            CONFIGS,
            json!({ "name": "a", "connection_tool_mappings": mappings }),
        )
        .await
    };
    let answer = create(json!([{ "connection_name": "gmial" }])).await;
    assert_eq!(
        violations(&answer),
        ["connection_tool_mappings[0].connection_name"]
    );
    assert!(
        answer.text.contains("did you mean `gmail`?"),
        "{}",
        answer.text
    );

    let tools = json!(["gmail_send_mail", "gmail_fetch_mail", ""]);
    let answer = create(json!([{ "connection_name": "gmail", "tools": tools }])).await;
    assert_eq!(
        violations(&answer),
        [
            "connection_tool_mappings[0].tools[1]",
            "connection_tool_mappings[0].tools[2]"
        ]
    );
    assert!(
        answer.text.contains("did you mean `gmail_fetch_mails`"),
        "{}",
        answer.text
    );

    let twice = json!([{ "connection_name": "gmail" }, { "connection_name": "gmail" }]);
    let answer = create(twice).await;
    assert_eq!(
        violations(&answer),
        ["connection_tool_mappings[1].connection_name"]
    );

    let answer = create(json!([{}, { "connection_name": "" }])).await;
    assert_eq!(violations(&answer).len(), 2);

    let many: Vec<Value> = (0..26)
        .map(|_| json!({ "connection_name": "gmail" }))
        .collect();
    assert_eq!(
        violations(&create(json!(many)).await),
        ["connection_tool_mappings"]
    );
    // Nothing of all this was stored.
    assert_eq!(test.get(CONFIGS).await.expect(200)["total_size"], 0);
}

#[tokio::test]
async fn an_unknown_catalogue_accepts_any_name_until_it_is_known() {
    let test = TestEngine::start().await;
    let create = async |name: &str, tool: &str| {
        let mapping = json!([{ "connection_name": "calendar", "tools": [tool] }]);
        test.post(
            CONFIGS,
            json!({ "name": name, "connection_tool_mappings": mapping }),
        )
        .await
    };
    create("before", "anything").await.expect(201);
    let tools = [json!({ "name": "list_events", "inputSchema": {} })];
    test.engine
        .store()
        .save_catalogue("calendar", &tools)
        .await
        .unwrap();
    assert_eq!(violations(&create("after", "anything").await).len(), 1);
    create("after", "list_events").await.expect(201);
}

#[tokio::test]
async fn update_replaces_what_is_sent_and_only_that() {
    let test = TestEngine::start().await;
    let body = json!({
        "name": "agent",
        "description": "old",
        "connection_tool_mappings": [{ "connection_name": "gmail" }, { "connection_name": "Git Hub" }],
    });
    let before = test.post(CONFIGS, body).await.expect(201)["config"].take();
    let put = async |body: Value| {
        test.call(Method::PUT, &path(&before), &body.to_string())
            .await
            .expect(200)["config"]
            .take()
    };
    for nothing in [
        json!({}),
        json!({ "description": "", "connection_tool_mappings": [] }),
        json!({ "description": null, "connection_tool_mappings": null, "name": "other" }),
    ] {
        assert_eq!(put(nothing).await, before);
    }
    let after = put(json!({ "description": "new" })).await;
    assert_eq!(after["description"], "new");
    assert_eq!(
        after["connection_tool_mappings"],
        before["connection_tool_mappings"]
    );

    let tools = json!(["gmail_send_mail"]);
    let after = put(json!({ "connection_tool_mappings": [
        { "connection_name": "calendar" }, { "connection_name": "gmail", "tools": tools },
    ]}))
    .await;
    assert_eq!(after["description"], "new");
    let mappings = &after["connection_tool_mappings"];
    assert_eq!(mappings.as_array().unwrap().len(), 2);
    assert_eq!(mappings[0]["connection_name"], "calendar");
    assert_eq!(mappings[1]["tools"], tools);
    assert_eq!(
        (&after["id"], &after["mcp_server_url"]),
        (&before["id"], &before["mcp_server_url"])
    );
    assert_eq!(test.get(&path(&before)).await.expect(200)["config"], after);

    let bad =
        json!({ "description": "x", "connection_tool_mappings": [{ "connection_name": "none" }] });
    let answer = test
        .call(Method::PUT, &path(&before), &bad.to_string())
        .await;
    assert_eq!(violations(&answer).len(), 1);
    assert_eq!(test.get(&path(&before)).await.expect(200)["config"], after);
}

#[tokio::test]
async fn deletion_shows_at_once() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail"]).await;
    let url = config["mcp_server_url"].as_str().unwrap();
    let uuid = url.rsplit('/').next().unwrap();
    assert!(
        test.engine
            .config_by_server_uuid(uuid)
            .await
            .unwrap()
            .is_some()
    );
    let answer = test.call(Method::DELETE, &path(&config), "").await;
    assert_eq!(answer.expect(200), json!({}));
    assert!(
        test.engine
            .config_by_server_uuid(uuid)
            .await
            .unwrap()
            .is_none()
    );
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let answer = test.call(method, &path(&config), "").await;
        refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn malformed_ids_are_400_and_missing_ones_404() {
    let test = TestEngine::start().await;
    for suffix in ["", "/tokens", "/connected_accounts"] {
        let method = if suffix.is_empty() {
            Method::GET
        } else {
            Method::POST
        };
        let body = json!({ "identifier": "user_123" }).to_string();
        for id in [
            "123",
            "cfg_",
            "CFG_1",
            "cfg_%20",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            let answer = test
                .call(method.clone(), &format!("{CONFIGS}/{id}{suffix}"), &body)
                .await;
            assert_eq!(violations(&answer), ["config_id"], "{id}");
        }
        for id in ["cfg_1", "cfg_01abc123", "cfg_85630864460904897"] {
            let answer = test
                .call(method.clone(), &format!("{CONFIGS}/{id}{suffix}"), &body)
                .await;
            let message = refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
            assert!(message.contains(id), "{message}");
        }
    }
    let answer = test.get(&format!("{CONFIGS}/%FF")).await;
    refusal(&answer, 400, 3, "INVALID_ARGUMENT");
}
