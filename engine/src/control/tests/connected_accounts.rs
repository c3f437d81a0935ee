//! Connected accounts of their own: every path, who may say what, and what becomes of them.

use super::*;

const ACCOUNTS: &str = "/api/v1/connected_accounts";

/// Creates an account and answers it.
async fn create(test: &TestEngine, connector: &str, identifier: &str, account: Value) -> Value {
    let body = json!({
        "connector": connector, "identifier": identifier, "connected_account": account,
    });
    test.post(ACCOUNTS, body).await.expect(201)["connected_account"].take()
}

async fn update(test: &TestEngine, body: Value) -> Answer {
    test.call(Method::PUT, ACCOUNTS, &body.to_string()).await
}

async fn details(test: &TestEngine, query: &str) -> Value {
    let answer = test.get(&format!("{ACCOUNTS}/details?{query}")).await;
    answer.expect(200)["connected_account"].take()
}

async fn auth(test: &TestEngine, query: &str) -> Value {
    let answer = test.get(&format!("{ACCOUNTS}/auth?{query}")).await;
    answer.expect(200)["connected_account"]["authorization_details"].take()
}

async fn list(test: &TestEngine, query: &str) -> Value {
    test.get(&format!("{ACCOUNTS}?{query}")).await.expect(200)
}

/// `connector/identifier` of each account of a list.
fn whose(list: &Value) -> String {
    let accounts = list["connected_accounts"].as_array().unwrap().iter();
    let names = accounts.map(|account| {
        let text = |field: &str| account[field].as_str().unwrap();
        format!("{}/{}", text("connector"), text("identifier"))
    });
    names.collect::<Vec<_>>().join(" ")
}

fn key(key: &str) -> Value {
    json!({ "authorization_details": { "static_auth": { "details": { "api_key": key } } } })
}

#[tokio::test]
async fn an_account_begins_with_what_it_brings() {
    let test = TestEngine::start().await;
    let account = create(&test, "gmail", "user_123", json!({})).await;
    let id = account["id"].as_str().unwrap();
    assert!(id.starts_with("ca_"));
    let now = test.clock.now();
    assert_eq!(
        account,
        json!({
            "identifier": "user_123", "provider": "GMAIL", "status": "PENDING_AUTH",
            "authorization_type": "API_KEY", "authorization_details": null,
            "token_expires_at": null, "updated_at": super::super::input::timestamp(now),
            "connector": "gmail", "last_used_at": null, "id": id,
            "connection_id": test.engine.connection_id("gmail"), "api_config": null,
            "is_org_wide_credential": false,
        })
    );
    let account = create(&test, "Git Hub", "user_123", key("unused")).await;
    assert_eq!(
        (&account["status"], &account["authorization_type"]),
        (&json!("ACTIVE"), &json!("NO_AUTH"))
    );
    // What nobody needs is not kept.
    let query = format!("id={}", account["id"].as_str().unwrap());
    assert_eq!(auth(&test, &query).await, json!(null));
}

#[tokio::test]
async fn a_key_may_come_in_several_forms() {
    let test = TestEngine::start().await;
    for (number, brought) in [
        json!({ "static_auth": { "details": { "api_key": "the-key" } } }),
        json!({ "staticAuth": { "details": { "token": " the-key\n", "region": "eu" } } }),
        json!({ "static_auth": { "details": { "apiKey": "the-key", "retries": 3 } } }),
        json!({ "static_auth": { "details": {
            "username": "u", "user": "u", "domain": "d", "host": "h", "url": "https://a.example", "password": "the-key",
        } } }),
        json!({ "oauth_token": { "access_token": "the-key", "scopes": ["a"] } }),
        json!({ "oauthToken": { "accessToken": "the-key" }, "google_dwd": null }),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("user_{number}");
        let body = json!({
            "connector": "gmail", "identifier": user, "organizationId": "org_1",
            "connectedAccount": { "authorizationDetails": brought },
        });
        let answer = test.post(ACCOUNTS, body).await;
        assert!(!answer.text.contains("the-key"), "{}", answer.text);
        let account = answer.expect(201)["connected_account"].take();
        assert_eq!(account["status"], "ACTIVE", "{brought}");
        assert_eq!(
            auth(&test, &format!("connector=gmail&identifier={user}")).await,
            json!({ "static_auth": { "details": { "api_key": "the-key" } } }),
            "{brought}"
        );
    }
    for (number, nothing) in [
        json!(null),
        json!({}),
        json!({ "static_auth": null }),
        json!({ "static_auth": {} }),
        json!({ "static_auth": { "details": {} } }),
        json!({ "oauth_token": { "access_token": "" } }),
    ]
    .into_iter()
    .enumerate()
    {
        let account = json!({ "authorization_details": nothing });
        let account = create(&test, "calendar", &format!("user_{number}"), account).await;
        assert_eq!(account["status"], "PENDING_AUTH", "{nothing}");
    }
}

#[tokio::test]
async fn a_refused_key_is_never_repeated() {
    let test = TestEngine::start().await;
    let long = "hunter2".repeat(1000);
    for details in [
        json!("hunter2"),
        json!(["hunter2"]),
        json!({ "static_auth": "hunter2" }),
        json!({ "static_auth": { "details": "hunter2" } }),
        json!({ "static_auth": { "details": { "a": "hunter2", "b": "hunter2" } } }),
        json!({ "static_auth": { "details": { "a": 5 } } }),
        json!({ "static_auth": { "details": { "username": "hunter2" } } }),
        json!({ "oauth_token": { "refresh_token": 5 } }),
        json!({ "oauth_token": { "access_token": "", "scopes": 5 } }),
        json!({ "oauth_token": { "access_token": null, "scopes": [5] } }),
        json!({ "oauth_token": { "access_token": "a", "domain": false } }),
        json!({ "static_auth": { "details": { "api_key": "" } } }),
        json!({ "static_auth": { "details": { "api_key": "hunter2\nhunter2" } } }),
        json!({ "static_auth": { "details": { "api_key": long } } }),
        json!({ "static_auth": {}, "oauth_token": {} }),
        json!({ "oauth_token": { "access_token": 5 } }),
        json!({ "google_dwd": { "subject": "hunter2" } }),
        json!({ "trusted_idp": { "db_user": "hunter2" } }),
    ] {
        let account = json!({ "authorization_details": details });
        let body = json!({ "connector": "gmail", "identifier": "u", "connected_account": account });
        for answer in [
            test.post(ACCOUNTS, body.clone()).await,
            update(&test, body).await,
        ] {
            assert_eq!(
                violations(&answer),
                ["connected_account.authorization_details"],
                "{details}"
            );
            assert!(!answer.text.contains("hunter2"), "{}", answer.text);
        }
    }
    // Beside the fields that are read by hand.
    let body = json!({ "connector": "gmail", "identifier": "u", "connected_account": "hunter2" });
    let answer = test.post(ACCOUNTS, body).await;
    refusal(&answer, 400, 3, "INVALID_ARGUMENT");
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    assert_eq!(whose(&list(&test, "").await), "");
}

#[tokio::test]
async fn what_cannot_be_created_is_refused() {
    let test = TestEngine::start().await;
    for (body, fields) in [
        (
            json!({}),
            &["connected_account", "connector", "identifier"][..],
        ),
        (
            json!({ "connector": "gmail", "identifier": "u", "connected_account": null }),
            &["connected_account"],
        ),
        (
            json!({ "connector": "", "identifier": "u", "connected_account": {} }),
            &["connector"],
        ),
        (
            json!({ "connector": "gmail", "identifier": "", "connected_account": {} }),
            &["identifier"],
        ),
        (
            json!({ "connector": "a/b", "identifier": "u", "connected_account": {} }),
            &["connector", "connector"],
        ),
        (
            json!({ "connector": "gmail", "identifier": "x".repeat(101), "connected_account": {} }),
            &["identifier"],
        ),
        (
            json!({
                "connector": "gmail", "identifier": "u", "connected_account": {},
                "organization_id": "x".repeat(33), "userId": "x".repeat(33),
            }),
            &["organization_id", "user_id"],
        ),
    ] {
        let answer = test.post(ACCOUNTS, body.clone()).await;
        assert_eq!(violations(&answer), fields, "{body}");
    }
    let body = json!({ "connector": "gmial", "identifier": "u", "connected_account": {} });
    let answer = test.post(ACCOUNTS, body).await;
    assert_eq!(violations(&answer), ["connector"]);
    assert!(answer.text.contains("did you mean `gmail`?"));
    for api_config in [json!("x"), json!([1])] {
        let account = json!({ "api_config": api_config });
        let body = json!({ "connector": "gmail", "identifier": "u", "connected_account": account });
        refusal(&test.post(ACCOUNTS, body).await, 400, 3, "INVALID_ARGUMENT");
    }

    create(&test, "gmail", &"ü".repeat(100), json!({})).await;
    create(&test, "gmail", "u", json!({})).await;
    let body = json!({ "connector": "gmail", "identifier": "u", "connected_account": key("k") });
    let message = refusal(&test.post(ACCOUNTS, body).await, 409, 6, "ALREADY_EXISTS");
    assert!(message.contains("`u`") && message.contains("`gmail`"));
    // The account that was there is as it was.
    let there = details(&test, "connector=gmail&identifier=u").await;
    assert_eq!(there["status"], "PENDING_AUTH");
    create(&test, "calendar", "u", json!({})).await;
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let test = TestEngine::start().await;
    let brought = json!({
        "authorization_details": { "oauth_token": { "access_token": "old" } },
        "api_config": { "a": 1, "deep": { "x": 1 } },
    });
    let account = create(&test, "gmail", "user_123", brought).await;
    assert_eq!(account["api_config"], json!({ "a": 1, "deep": { "x": 1 } }));
    let id = account["id"].as_str().unwrap();
    let by_id = format!("id={id}");
    test.clock.advance(std::time::Duration::from_secs(5));

    let none = update(&test, json!({ "id": id, "connected_account": {} })).await;
    assert_eq!(none.expect(200)["connected_account"], account);

    let body = json!({
        "connector": "gmail", "identifier": "user_123", "scope_selection": {},
        "connectedAccount": { "apiConfig": { "b": null, "deep": { "y": 2 } } },
    });
    let updated = update(&test, body).await.expect(200)["connected_account"].take();
    assert_eq!(
        updated["api_config"],
        json!({ "a": 1, "deep": { "y": 2 }, "b": null })
    );
    assert_eq!(
        (&updated["id"], &updated["status"]),
        (&json!(id), &json!("ACTIVE"))
    );
    assert_ne!(updated["updated_at"], account["updated_at"]);
    assert_eq!(
        auth(&test, &by_id).await["static_auth"]["details"]["api_key"],
        "old"
    );

    let body = json!({ "id": id, "connected_account": key("new") });
    let updated = update(&test, body).await.expect(200);
    assert_eq!(updated["connected_account"]["api_config"]["a"], 1);
    assert_eq!(
        auth(&test, &by_id).await["static_auth"]["details"]["api_key"],
        "new"
    );

    for (body, status) in [
        (json!({ "id": "ca_1", "connected_account": {} }), 404),
        (
            json!({ "connector": "gmail", "identifier": "u", "connected_account": {} }),
            404,
        ),
        (
            json!({ "connector": "gmial", "identifier": "user_123", "connected_account": {} }),
            404,
        ),
        (
            json!({ "connector": "gmail", "connected_account": {} }),
            400,
        ),
        (json!({ "connected_account": {} }), 400),
        (json!({ "id": "conn_1", "connected_account": {} }), 400),
        (json!({ "id": id }), 400),
    ] {
        assert_eq!(update(&test, body.clone()).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_key_connects_whatever_the_status_was() {
    let test = TestEngine::start().await;
    let account = create(&test, "gmail", "u", json!({})).await;
    let id = account["id"].as_str().unwrap();
    for before in [
        crate::accounts::AccountStatus::PendingAuth,
        crate::accounts::AccountStatus::Expired,
        crate::accounts::AccountStatus::PendingVerification,
        crate::accounts::AccountStatus::Disconnected,
    ] {
        let accounts = test.engine.accounts();
        assert!(accounts.set_status(id, before).await.unwrap());
        assert_eq!(auth(&test, &format!("id={id}")).await, json!(null));
        let body = json!({ "id": id, "connected_account": key("k") });
        let updated = update(&test, body).await.expect(200);
        assert_eq!(updated["connected_account"]["status"], "ACTIVE");
    }
}

#[tokio::test]
async fn an_account_is_read_by_id_or_by_name_and_secrets_only_at_auth() {
    let test = TestEngine::start().await;
    let account = create(&test, "gmail", "user_123", key("hunter2")).await;
    let id = account["id"].as_str().unwrap();
    let by_name = "connector=gmail&identifier=user_123";
    for path in [
        format!("details?id={id}"),
        format!("details?{by_name}&organizationId=o&user_id=u"),
        format!("this?id={id}"),
        format!("this?{by_name}"),
        id.to_owned(),
    ] {
        let answer = test.get(&format!("{ACCOUNTS}/{path}")).await;
        assert!(!answer.text.contains("hunter2"), "{path}");
        assert_eq!(answer.expect(200), json!({ "connected_account": account }));
    }
    for query in [format!("id={id}"), by_name.to_owned()] {
        let mut with_key = account.clone();
        with_key["authorization_details"] =
            json!({ "static_auth": { "details": { "api_key": "hunter2" } } });
        let answer = test.get(&format!("{ACCOUNTS}/auth?{query}")).await;
        assert_eq!(answer.expect(200), json!({ "connected_account": with_key }));
    }

    for path in ["auth", "details", "this"] {
        for (query, status) in [
            ("id=ca_1", 404),
            ("connector=gmail&identifier=USER_123", 404),
            ("connector=Gmail&identifier=user_123", 404),
            ("", 400),
            ("connector=gmail", 400),
            ("identifier=user_123", 400),
            ("id=cfg_1", 400),
            ("id=ca_1&id=ca_2", 400),
        ] {
            let answer = test.get(&format!("{ACCOUNTS}/{path}?{query}")).await;
            assert_eq!(answer.status, status, "{path}?{query}");
        }
    }
    refusal(
        &test.get(&format!("{ACCOUNTS}/ca_1")).await,
        404,
        5,
        "RESOURCE_NOT_FOUND",
    );
    assert_eq!(
        violations(&test.get(&format!("{ACCOUNTS}/x")).await),
        ["id"]
    );
    let long = format!("ca_{}", "1".repeat(30));
    assert_eq!(
        violations(&test.get(&format!("{ACCOUNTS}/{long}")).await),
        ["id"]
    );
}

#[tokio::test]
async fn a_disconnected_account_stays_without_its_key() {
    let test = TestEngine::start().await;
    for (connector, again) in [("gmail", "PENDING_AUTH"), ("Git Hub", "ACTIVE")] {
        for by in ["id", "this", "-"] {
            let user = format!("user-{by}");
            let account = json!({
                "authorization_details": key("hunter2")["authorization_details"],
                "api_config": { "a": 1 },
            });
            let account = create(&test, connector, &user, account).await;
            let id = account["id"].as_str().unwrap();
            let (path, body) = match by {
                "id" => (format!("{ACCOUNTS}/{id}:disconnect"), json!({})),
                by => (
                    format!("{ACCOUNTS}/{by}:disconnect"),
                    json!({ "connector": connector, "identifier": user }),
                ),
            };
            let answer = test.post(&path, body).await.expect(200);
            let mut expected = account.clone();
            expected["status"] = json!("DISCONNECTED");
            assert_eq!(answer, json!({ "connected_account": expected }));
            let by_id = format!("id={id}");
            assert_eq!(details(&test, &by_id).await, expected);
            assert_eq!(auth(&test, &by_id).await, json!(null));
            let connections = vec![account["connection_id"].as_str().unwrap().to_owned()];
            let (_, credential) = test
                .engine
                .store()
                .accounts_with_credentials(connections, &user)
                .await
                .unwrap()
                .remove(0)
                .unwrap();
            assert!(credential.is_none());
            // A link starts it anew.
            test.link(connector, &user).await;
            assert_eq!(details(&test, &by_id).await["status"], again);
        }
    }
    let path = |id: &str| format!("{ACCOUNTS}/{id}");
    refusal(
        &test.post(&path("ca_1:disconnect"), json!({})).await,
        404,
        5,
        "RESOURCE_NOT_FOUND",
    );
    refusal(
        &test.post(&path("this:disconnect"), json!({})).await,
        400,
        3,
        "INVALID_ARGUMENT",
    );
    assert_eq!(
        violations(&test.post(&path("x:disconnect"), json!({})).await),
        ["id"]
    );
    for unknown in ["ca_1", "ca_1:connect"] {
        let answer = test.post(&path(unknown), json!({})).await;
        refusal(&answer, 405, 12, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
    let answer = test.get(&path("ca_1:disconnect")).await;
    refusal(&answer, 405, 12, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), "POST");
    let answer = test.post(&path("ca_1:disconnect/x"), json!({})).await;
    refusal(&answer, 404, 5, "NOT_FOUND");
}

#[tokio::test]
async fn disconnecting_ends_the_links_that_are_open() {
    let test = TestEngine::start().await;
    let before = test.link("gmail", "user_123").await;
    let others = test.link("gmail", "user_456").await;
    let body = json!({ "connector": "gmail", "identifier": "user_123" });
    let path = format!("{ACCOUNTS}/this:disconnect");
    test.post(&path, body).await.expect(200);
    assert_eq!(test.submit(&before, "api_key=k").await.status, 410);
    let query = "connector=gmail&identifier=user_123";
    assert_eq!(details(&test, query).await["status"], "DISCONNECTED");
    let after = test.link("gmail", "user_123").await;
    for link in [after, others] {
        assert_eq!(test.submit(&link, "api_key=k").await.status, 200);
    }
    assert_eq!(details(&test, query).await["status"], "ACTIVE");
    assert_eq!(test.submit(&before, "api_key=k").await.status, 410);
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_behind() {
    let test = TestEngine::start().await;
    let account = create(&test, "gmail", "user_123", key("k")).await;
    let other = create(&test, "gmail", "other", key("k")).await;
    let link = test.link("gmail", "user_123").await;
    let folder = |account: &Value| {
        let id = account["id"].as_str().unwrap();
        test.folder.path().join("accounts").join(id)
    };
    for account in [&account, &other] {
        std::fs::create_dir_all(folder(account)).unwrap();
        std::fs::write(folder(account).join("log.txt"), "mine").unwrap();
    }
    let delete = format!("{ACCOUNTS}:delete");
    let body = json!({ "connector": "gmail", "identifier": "user_123" });
    assert_eq!(
        test.post(&delete, body.clone()).await.expect(200),
        json!({})
    );
    refusal(
        &test.post(&delete, body).await,
        404,
        5,
        "RESOURCE_NOT_FOUND",
    );
    let id = account["id"].as_str().unwrap();
    assert_eq!(test.get(&format!("{ACCOUNTS}/{id}")).await.status, 404);
    assert_eq!(test.submit(&link, "api_key=k").await.status, 404);
    assert!(!folder(&account).exists());
    assert!(folder(&other).join("log.txt").exists());

    // Made again it is another one.
    let again = create(&test, "gmail", "user_123", json!({})).await;
    assert_ne!(again["id"], account["id"]);
    assert_eq!(again["status"], "PENDING_AUTH");
    let body = json!({ "id": other["id"] });
    assert_eq!(test.post(&delete, body).await.expect(200), json!({}));
    assert_eq!(whose(&list(&test, "").await), "gmail/user_123");
    for body in [
        json!({}),
        json!({ "id": "x" }),
        json!({ "connector": "gmail" }),
    ] {
        refusal(&test.post(&delete, body).await, 400, 3, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn an_account_of_a_connection_that_left_the_settings_can_be_seen_and_deleted() {
    let test = TestEngine::start().await;
    let account = create(&test, "gmail", "u", key("k")).await;
    let id = account["id"].as_str().unwrap();
    let (folder, clock) = test.stop();
    let rest = "[clients.app]\nsecret = \"app-secret\"";
    let test = TestEngine::open(rest, folder, clock).await;
    let mut expected = account.clone();
    expected["provider"] = json!("");
    expected["authorization_type"] = json!("CONNECTION_TYPE_UNSPECIFIED");
    assert_eq!(details(&test, &format!("id={id}")).await, expected);
    assert_eq!(whose(&list(&test, "connector=gmail").await), "gmail/u");
    let delete = format!("{ACCOUNTS}:delete");
    test.post(&delete, json!({ "id": id })).await.expect(200);
    assert_eq!(whose(&list(&test, "").await), "");
}

#[tokio::test]
async fn pages_of_accounts_lead_forth_and_back() {
    let test = TestEngine::start().await;
    assert_eq!(
        list(&test, "").await,
        json!({ "connected_accounts": [], "total_size": 0, "next_page_token": "", "prev_page_token": "" })
    );
    let mut all = Vec::new();
    for number in 0..12 {
        let account = create(&test, "gmail", &format!("user-{number}"), json!({})).await;
        all.insert(0, account);
    }
    for account in &mut all {
        // What a list does not show.
        let account = account.as_object_mut().unwrap();
        account.shift_remove("authorization_details");
        account.shift_remove("api_config");
    }
    let first = list(&test, "").await;
    assert_eq!(first["connected_accounts"], json!(all[..10]));
    assert_eq!(
        (&first["total_size"], &first["prev_page_token"]),
        (&json!(12), &json!(""))
    );
    let next = first["next_page_token"].as_str().unwrap();
    assert!((1..=32).contains(&next.len()), "{next}");
    let second = list(&test, &format!("page_token={next}")).await;
    assert_eq!(second["connected_accounts"], json!(all[10..]));
    assert_eq!(second["next_page_token"], "");
    let back = second["prev_page_token"].as_str().unwrap();
    assert!((1..=32).contains(&back.len()), "{back}");
    assert_eq!(list(&test, &format!("pageToken={back}")).await, first);

    for (query, count) in [("page_size=0", 10), ("pageSize=3", 3), ("page_size=99", 12)] {
        let page = list(&test, query).await;
        assert_eq!(
            page["connected_accounts"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    // A token of another list is none of this one.
    test.config("one", &[]).await;
    test.config("two", &[]).await;
    let configs = test
        .get(&format!("{CONFIGS}?page_size=1"))
        .await
        .expect(200);
    let foreign = configs["next_page_token"].as_str().unwrap();
    for (query, field) in [
        (format!("page_token={foreign}"), "page_token"),
        ("page_size=100".into(), "page_size"),
        ("page_size=-1".into(), "page_size"),
    ] {
        let answer = test.get(&format!("{ACCOUNTS}?{query}")).await;
        assert_eq!(violations(&answer), [field], "{query}");
    }
}

#[tokio::test]
async fn filters_narrow_the_accounts() {
    let test = TestEngine::start().await;
    for (connector, identifier) in [
        ("gmail", "alice"),
        ("calendar", "alice"),
        ("Git Hub", "bob"),
        ("gmail", "bob%40"),
    ] {
        create(&test, connector, identifier, json!({})).await;
    }
    for (query, expected) in [
        ("identifier=alice", "calendar/alice gmail/alice"),
        ("identifier=ALICE", ""),
        ("connector=gmail", "gmail/bob%40 gmail/alice"),
        ("connector=Gmail", ""),
        ("connector=Git%20Hub", "Git Hub/bob"),
        (
            "connection_names=gmail&connection_names=Git+Hub&identifier=alice",
            "gmail/alice",
        ),
        (
            "connectionNames=gmail&connection_names=calendar&query=ALI",
            "calendar/alice gmail/alice",
        ),
        ("connection_names=nothing", ""),
        ("provider=google", "calendar/alice"),
        ("provider=none", ""),
        ("provider=gmail&connector=calendar", ""),
        ("query=OB", "gmail/bob%40 Git Hub/bob"),
        ("query=OOGL", "calendar/alice"),
        ("query=git", "Git Hub/bob"),
        ("query=%25", "gmail/bob%40"),
        ("organization_id=org_1", ""),
        ("userId=usr_1", ""),
        ("is_org_wide_credential=true", ""),
        (
            "isOrgWideCredential=false&organization_id=&user_id=&connector=&identifier=alice&provider=&query=&page_token=",
            "calendar/alice gmail/alice",
        ),
    ] {
        let list = list(&test, query).await;
        assert_eq!(whose(&list), expected, "{query}");
        assert_eq!(list["total_size"], expected.matches('/').count(), "{query}");
    }

    let long = "x".repeat(401);
    let many = "connection_names=a&".repeat(21);
    for (query, fields) in [
        (format!("connector={long}"), &["connector"][..]),
        ("connector=a%2Fb".into(), &["connector"]),
        (format!("identifier={}", &long[..101]), &["identifier"]),
        (format!("provider={}", &long[..51]), &["provider"]),
        (format!("query={}", &long[..101]), &["query"]),
        (
            format!("page_token={}", &long[..101]),
            &["page_token", "page_token"],
        ),
        (
            format!("organization_id={}", &long[..33]),
            &["organization_id"],
        ),
        (format!("user_id={}", &long[..33]), &["user_id"]),
        (
            "is_org_wide_credential=yes".into(),
            &["is_org_wide_credential"],
        ),
        (many, &["connection_names"]),
        ("connection_names=".into(), &["connection_names[0]"]),
        (
            format!("connection_names=a&connection_names={long}"),
            &["connection_names[1]"],
        ),
        (
            "connection_names=a&connector=b".into(),
            &["connection_names"],
        ),
        ("identifier=a&identifier=b".into(), &["identifier"]),
    ] {
        let answer = test.get(&format!("{ACCOUNTS}?{query}")).await;
        assert_eq!(violations(&answer), fields, "{query}");
    }
}

#[tokio::test]
async fn a_search_finds_identifiers_connections_and_providers() {
    let test = TestEngine::start().await;
    for (connector, identifier) in [("gmail", "alice"), ("calendar", "alice"), ("gmail", "bob")] {
        create(&test, connector, identifier, json!({})).await;
    }
    let search = async |query: &str| test.get(&format!("{ACCOUNTS}:search?{query}")).await;
    let gmail = test.engine.connection_id("gmail").unwrap();
    for (query, expected) in [
        ("query=ALI".to_owned(), "calendar/alice gmail/alice"),
        ("query=gmail".to_owned(), "gmail/bob gmail/alice"),
        ("query=oogl".to_owned(), "calendar/alice"),
        ("query=%25%25%25".to_owned(), ""),
        (format!("query=alice&connectionId={gmail}"), "gmail/alice"),
        ("query=alice&connection_id=conn_1".to_owned(), ""),
    ] {
        assert_eq!(
            whose(&search(&query).await.expect(200)),
            expected,
            "{query}"
        );
    }
    let page = search("query=gmail&page_size=1").await.expect(200);
    let next = page["next_page_token"].as_str().unwrap();
    let page = search(&format!("query=gmail&page_token={next}"))
        .await
        .expect(200);
    assert_eq!(
        (whose(&page), &page["total_size"]),
        ("gmail/alice".into(), &json!(2))
    );
    for (query, field) in [
        (String::new(), "query"),
        ("query=ab".into(), "query"),
        (format!("query={}", "x".repeat(201)), "query"),
        ("query=abc&page_size=31".into(), "page_size"),
    ] {
        assert_eq!(violations(&search(&query).await), [field], "{query}");
    }
}

/// A server of one tool that never ends by itself.
#[cfg(unix)]
#[tokio::test]
async fn what_runs_for_an_account_ends_with_its_connection() {
    let tiny = include_str!("../../upstream/tests/tiny.py");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.py"), tiny).unwrap();
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = format!(
        r#"
        [clients.app]
        secret = "app-secret"
        [connections.notes]
        auth = "api_key"
        [connections.notes.upstream]
        command = "python3"
        args = ["tiny.py", "normal"]
        env = {{ LINK = "{}", API_KEY = "{{api_key}}", HOME_DIR = "{{account_dir}}/home", WHO = "{{identifier}}" }}
        "#,
        socket.local_addr().unwrap().port()
    );
    let test = TestEngine::open(&settings, folder, crate::local::clock::Clock::default()).await;
    let connection = test.engine.connection("notes").unwrap();
    let account = create(&test, "notes", "u", key("k")).await;
    let id = account["id"].as_str().unwrap();
    let view = test.engine.accounts().for_call(connection, "u").await;
    let view = view.unwrap().unwrap();
    let owner = crate::upstream::Owner {
        account_id: view.id,
        identifier: "u".into(),
        directory: view.directory.clone(),
        credential: view.credential,
    };
    let upstreams = test.engine.upstreams();
    // A new key that nobody has vouched for yet.
    upstreams.tools(connection, &owner).await.unwrap();
    assert_eq!(upstreams.running(), 1);
    let body = json!({ "id": id, "user_verify_url": "http://127.0.0.1:9/verify" });
    let answer = test.post(&format!("{ACCOUNTS}/magic_link"), body).await;
    let answer = answer.expect(200);
    let link = answer["link"].as_str().unwrap().strip_prefix(BASE).unwrap();
    let sent = test.submit(link, "api_key=other").await;
    assert!(
        sent.text.contains("http-equiv=\"refresh\""),
        "{}",
        sent.text
    );
    assert_eq!(upstreams.running(), 0);

    let disconnect = format!("{ACCOUNTS}/{id}:disconnect");
    let delete = format!("{ACCOUNTS}:delete");
    for (path, body) in [(&disconnect, json!({})), (&delete, json!({ "id": id }))] {
        upstreams.tools(connection, &owner).await.unwrap();
        assert_eq!(upstreams.running(), 1);
        assert!(view.directory.exists());
        test.post(path, body).await.expect(200);
        assert_eq!(upstreams.running(), 0);
    }
    // A request that got past the gate before brings nothing back.
    assert!(upstreams.tools(connection, &owner).await.is_err());
    assert_eq!(upstreams.running(), 0);
    assert!(!view.directory.exists());
}
