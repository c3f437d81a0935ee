//! Instances: one user's named use of a config.

use super::*;

const INSTANCES: &str = "/api/v1/mcp/instances";

async fn ensure(test: &TestEngine, body: Value) -> Value {
    test.post(INSTANCES, body).await.expect(200)["instance"].take()
}

async fn patch(test: &TestEngine, id: &str, body: Value) -> Answer {
    let path = format!("{INSTANCES}/{id}");
    test.call(Method::PATCH, &path, &body.to_string()).await
}

async fn list(test: &TestEngine, query: &str) -> Value {
    test.get(&format!("{INSTANCES}?{query}")).await.expect(200)
}

fn names(list: &Value) -> String {
    let instances = list["instances"].as_array().unwrap().iter();
    let names = instances.map(|instance| instance["name"].as_str().unwrap());
    names.collect::<Vec<_>>().join(" ")
}

fn id(instance: &Value) -> &str {
    instance["id"].as_str().unwrap()
}

#[tokio::test]
async fn an_instance_shows_its_config_as_it_stands_for_its_user() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail", "calendar"]).await;
    test.connect("gmail", "user_123", "k").await;
    let body = json!({ "name": "mine", "config_name": "agent", "userIdentifier": "user_123" });
    let instance = ensure(&test, body.clone()).await;
    assert!(id(&instance).starts_with("inst_"));
    let report = test
        .post(
            &format!(
                "{CONFIGS}/{}/connected_accounts",
                config["id"].as_str().unwrap()
            ),
            json!({ "identifier": "user_123" }),
        )
        .await
        .expect(200);
    let mut expected = config.clone();
    let mapping = &mut expected["connection_tool_mappings"][0];
    mapping["connected_account_id"] =
        report["connected_accounts"][0]["connected_account_id"].clone();
    mapping["connected_account_status"] = json!("ACTIVE");
    assert_eq!(
        instance,
        json!({
            "id": id(&instance), "name": "mine", "user_identifier": "user_123",
            "config": expected, "last_used_at": null,
            "updated_at": super::super::input::timestamp(test.clock.now()), "url": "",
        })
    );
    let path = format!("{INSTANCES}/{}", id(&instance));
    let answer = test.get(&path).await.expect(200);
    assert_eq!(answer, json!({ "instance": instance }));
    // A bare config never shows accounts.
    let path = format!("{CONFIGS}/{}", config["id"].as_str().unwrap());
    assert_eq!(test.get(&path).await.expect(200)["config"], config);
}

#[tokio::test]
async fn ensuring_twice_makes_one() {
    let test = TestEngine::start().await;
    test.config("agent", &["gmail"]).await;
    test.config("other", &["gmail"]).await;
    let body = |config: &str, user: &str, name: Value| json!({ "configName": config, "user_identifier": user, "name": name });
    let first = ensure(&test, body("agent", "u", json!("one"))).await;
    for name in [json!("one"), json!(""), json!(null)] {
        let again = ensure(&test, body("agent", "u", name.clone())).await;
        assert_eq!(again, first, "{name}");
    }
    let mut ids = vec![id(&first).to_owned()];
    for (config, user, name) in [
        ("agent", "u", json!("two")),
        ("agent", "v", json!("one")),
        ("other", "u", json!("one")),
    ] {
        ids.push(id(&ensure(&test, body(config, user, name)).await).to_owned());
    }
    let unnamed = ensure(&test, body("other", "v", json!(null))).await;
    assert_eq!(unnamed["name"], "other-v");
    ids.push(id(&unnamed).to_owned());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);

    for (body, fields) in [
        (json!({}), &["config_name", "user_identifier"][..]),
        (
            json!({ "config_name": "", "user_identifier": "" }),
            &["config_name", "user_identifier"],
        ),
        (
            json!({ "config_name": "none", "user_identifier": "u" }),
            &["config_name"],
        ),
        (
            json!({ "config_name": "Agent", "user_identifier": "u" }),
            &["config_name"],
        ),
    ] {
        assert_eq!(violations(&test.post(INSTANCES, body).await), fields);
    }
    assert_eq!(list(&test, "").await["total_size"], 5);
}

#[tokio::test]
async fn an_update_renames_or_moves() {
    let test = TestEngine::start().await;
    test.config("agent", &["gmail"]).await;
    let other = test.config("other", &["calendar"]).await;
    let body = json!({ "config_name": "agent", "user_identifier": "u", "name": "one" });
    let instance = ensure(&test, body).await;
    let id = id(&instance);
    test.clock.advance(std::time::Duration::from_secs(1));

    for body in [json!({}), json!({ "name": "", "config_name": null })] {
        assert_eq!(
            patch(&test, id, body).await.expect(200)["instance"],
            instance
        );
    }
    let renamed = patch(&test, id, json!({ "name": "two" })).await.expect(200);
    let renamed = &renamed["instance"];
    assert_eq!(
        (&renamed["name"], &renamed["config"]),
        (&json!("two"), &instance["config"])
    );
    assert_ne!(renamed["updated_at"], instance["updated_at"]);
    let moved = patch(&test, id, json!({ "configName": "other" }))
        .await
        .expect(200);
    let moved = &moved["instance"];
    assert_eq!((&moved["name"], &moved["config"]), (&json!("two"), &other));

    let body = json!({ "config_name": "agent", "user_identifier": "u", "name": "two" });
    ensure(&test, body).await;
    let answer = patch(&test, id, json!({ "config_name": "agent" })).await;
    refusal(&answer, 409, 6, "ALREADY_EXISTS");
    let answer = patch(&test, id, json!({ "config_name": "none" })).await;
    assert_eq!(violations(&answer), ["config_name"]);
    assert_eq!(
        patch(&test, id, json!({})).await.expect(200)["instance"],
        *moved
    );
    assert_eq!(
        violations(&patch(&test, "cfg_1", json!({})).await),
        ["instance_id"]
    );
    for body in [json!({}), json!({ "name": "x" })] {
        refusal(
            &patch(&test, "inst_1", body).await,
            404,
            5,
            "RESOURCE_NOT_FOUND",
        );
    }
}

#[tokio::test]
async fn an_instance_ends_alone_or_with_its_config() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &[]).await;
    let body = |name: &str| json!({ "config_name": "agent", "user_identifier": "u", "name": name });
    let one = ensure(&test, body("one")).await;
    let two = ensure(&test, body("two")).await;
    let path = |instance: &Value| format!("{INSTANCES}/{}", id(instance));
    let delete = async |path: String| test.call(Method::DELETE, &path, "").await;
    assert_eq!(delete(path(&one)).await.expect(200), json!({}));
    for answer in [delete(path(&one)).await, test.get(&path(&one)).await] {
        refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
    }
    test.get(&path(&two)).await.expect(200);
    delete(format!("{CONFIGS}/{}", config["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(test.get(&path(&two)).await.status, 404);
    assert_eq!(list(&test, "").await["total_size"], 0);
    for id in ["cfg_1", "inst_", "x"] {
        let path = format!("{INSTANCES}/{id}");
        assert_eq!(violations(&test.get(&path).await), ["instance_id"]);
        assert_eq!(violations(&delete(path).await), ["instance_id"]);
    }
}

#[tokio::test]
async fn lists_of_instances_have_pages_and_filters() {
    let test = TestEngine::start().await;
    assert_eq!(
        list(&test, "").await,
        json!({ "instances": [], "next_page_token": "", "prev_page_token": "", "total_size": 0 })
    );
    test.config("agent", &[]).await;
    test.config("other", &[]).await;
    let mut ids = Vec::new();
    for (config, user, name) in [
        ("agent", "alice", "Mail"),
        ("agent", "bob", "chat"),
        ("other", "alice", "news"),
    ] {
        let body = json!({ "config_name": config, "user_identifier": user, "name": name });
        ids.push(id(&ensure(&test, body).await).to_owned());
    }
    for (query, expected) in [
        (String::new(), "news chat Mail"),
        (format!("filter.id={}", ids[1]), "chat"),
        ("filter.name=Mail".into(), "Mail"),
        ("filter.name=mail".into(), ""),
        ("filter.config_name=agent".into(), "chat Mail"),
        (
            "filter.configName=agent&filter.userIdentifier=alice".into(),
            "Mail",
        ),
        ("filter.user_identifier=Alice".into(), ""),
        ("search=MAI".into(), "Mail"),
        ("search=LIC".into(), "news Mail"),
        ("search=%25".into(), ""),
        (
            "filter.id=&filter.name=&filter.config_name=&filter.user_identifier=&search=".into(),
            "news chat Mail",
        ),
    ] {
        let list = list(&test, &query).await;
        assert_eq!(names(&list), expected, "{query}");
        assert_eq!(
            list["total_size"],
            expected.split_whitespace().count(),
            "{query}"
        );
    }
    let first = list(&test, "page_size=2").await;
    assert_eq!(
        (names(&first), &first["prev_page_token"]),
        ("news chat".into(), &json!(""))
    );
    let next = first["next_page_token"].as_str().unwrap();
    let second = list(&test, &format!("page_size=2&page_token={next}")).await;
    assert_eq!(
        (names(&second), &second["next_page_token"]),
        ("Mail".into(), &json!(""))
    );
    let back = second["prev_page_token"].as_str().unwrap();
    assert_eq!(
        list(&test, &format!("page_size=2&pageToken={back}")).await,
        first
    );
    for (query, field) in [
        ("page_size=31", "page_size"),
        ("page_token=x", "page_token"),
    ] {
        let answer = test.get(&format!("{INSTANCES}?{query}")).await;
        assert_eq!(violations(&answer), [field]);
    }
}

#[tokio::test]
async fn the_auth_state_creates_nothing_unless_links_are_wanted() {
    let test = TestEngine::start().await;
    test.config("agent", &["gmail", "Git Hub"]).await;
    let body = json!({ "config_name": "agent", "user_identifier": "u" });
    let instance = ensure(&test, body).await;
    let path = format!("{INSTANCES}/{}:get_auth_state", id(&instance));
    let gmail = test.engine.connection_id("gmail").unwrap();
    let git = test.engine.connection_id("Git Hub").unwrap();
    for query in ["", "?include_auth_links=false", "?includeAuthLinks="] {
        let answer = test.call(Method::POST, &format!("{path}{query}"), "").await;
        let empty = |connection_id, connection_name: &str, provider: &str| {
            json!({
                "connection_id": connection_id, "connection_name": connection_name,
                "provider": provider, "connected_account_id": "",
                "connected_account_status": "", "authentication_link": "",
            })
        };
        let expected = [
            empty(gmail, "gmail", "GMAIL"),
            empty(git, "Git Hub", "GIT HUB"),
        ];
        assert_eq!(
            answer.expect(200),
            json!({ "connections": expected }),
            "{query}"
        );
    }
    let answer = test
        .post(&format!("{path}?includeAuthLinks=true"), json!({}))
        .await
        .expect(200);
    for (number, status) in [(0, "PENDING_AUTH"), (1, "ACTIVE")] {
        let state = &answer["connections"][number];
        assert!(
            state["connected_account_id"]
                .as_str()
                .unwrap()
                .starts_with("ca_")
        );
        assert_eq!(state["connected_account_status"], status);
    }
    let link = answer["connections"][0]["authentication_link"]
        .as_str()
        .unwrap();
    let link = link.strip_prefix(BASE).unwrap();
    assert_eq!(test.submit(link, "api_key=k").await.status, 200);
    let answer = test.post(&path, json!({})).await.expect(200);
    assert_eq!(
        answer["connections"][0]["connected_account_status"],
        "ACTIVE"
    );
    assert_eq!(answer["connections"][0]["authentication_link"], "");

    let answer = test
        .post(&format!("{path}?include_auth_links=maybe"), json!({}))
        .await;
    assert_eq!(violations(&answer), ["include_auth_links"]);
    let at = |rest: &str| format!("{INSTANCES}/{rest}");
    refusal(
        &test.post(&at("inst_1:get_auth_state"), json!({})).await,
        404,
        5,
        "RESOURCE_NOT_FOUND",
    );
    assert_eq!(
        violations(&test.post(&at("x:get_auth_state"), json!({})).await),
        ["instance_id"]
    );
    refusal(
        &test.post(&at("inst_1"), json!({})).await,
        405,
        12,
        "METHOD_NOT_ALLOWED",
    );
    // Nobody can have an account under such a name.
    let body = json!({ "config_name": "agent", "user_identifier": "x".repeat(101) });
    let long = ensure(&test, body).await;
    let path = format!("{INSTANCES}/{}:get_auth_state", id(&long));
    test.post(&path, json!({})).await.expect(200);
    let answer = test
        .post(&format!("{path}?include_auth_links=true"), json!({}))
        .await;
    refusal(&answer, 400, 9, "FAILED_PRECONDITION");
}
