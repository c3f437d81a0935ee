//! Tools over REST: definitions, filters, whose they are.

use super::*;
use crate::local::clock::Clock;

const TOOLS: &str = "/api/v1/tools";

/// `mail` is a sandbox with two tools, `news` one with one; both have a tool `search`; of
/// `calendar` nothing is known.
async fn start() -> TestEngine {
    let folder = tempfile::tempdir().unwrap();
    let result = json!({ "content": [] });
    let mail = json!({
        "tools": [
            {
                "name": "send_mail", "title": "Send", "description": "Sends.",
                "inputSchema": { "type": "object", "properties": { "sendAt": { "type": "string" } } },
                "outputSchema": { "type": "object", "properties": { "sentId": { "type": "string" } } },
                "annotations": { "readOnlyHint": false, "openWorldHint": true, "title": "Not this" },
            },
            { "name": "search", "inputSchema": { "type": "object" } },
        ],
        "results": { "send_mail": result, "search": result },
    });
    let news = json!({
        "tools": [{ "name": "search", "inputSchema": { "type": "object" }, "annotations": { "title": "Look" } }],
        "results": { "search": result },
    });
    std::fs::write(folder.path().join("mail.json"), mail.to_string()).unwrap();
    std::fs::write(folder.path().join("news.json"), news.to_string()).unwrap();
    let settings = r#"
        [clients.app]
        secret = "app-secret"
        [connections.mail]
        sandbox = "mail.json"
        auth = "api_key"
        [connections.news]
        sandbox = "news.json"
        provider = "PRESS"
        [connections.calendar]
        upstream = { url = "http://127.0.0.1:9/mcp" }
        auth = "api_key"
        tools = ["promised"]
    "#;
    TestEngine::open(settings, folder, Clock::default()).await
}

async fn get(test: &TestEngine, path: &str) -> Value {
    test.get(&format!("{TOOLS}{path}")).await.expect(200)
}

/// `provider/name` of each tool.
fn names<'a>(tools: impl IntoIterator<Item = &'a Value>) -> String {
    let names = tools.into_iter().map(|tool| {
        let name = tool["definition"]["name"].as_str().unwrap();
        format!("{}/{name}", tool["provider"].as_str().unwrap())
    });
    names.collect::<Vec<_>>().join(" ")
}

async fn listed(test: &TestEngine, query: &str) -> String {
    let list = get(test, &format!("?{query}")).await;
    let tools = list["tools"].as_array().unwrap();
    assert_eq!(list["total_size"], tools.len(), "{query}");
    names(tools)
}

const ALL: &str = "MAIL/search MAIL/send_mail PRESS/search";

/// The same, whatever the order of the connections.
fn sorted(names: &str) -> String {
    let mut names: Vec<&str> = names.split(' ').collect();
    names.sort_unstable();
    names.join(" ")
}

#[tokio::test]
async fn a_definition_is_in_the_casing_of_the_api() {
    let test = start().await;
    let list = get(&test, "?filter.tool_name=send_mail").await;
    let id = list["tools"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("tool_"), "{id}");
    assert_eq!(
        list,
        json!({
            "next_page_token": "", "total_size": 1, "prev_page_token": "", "tool_names": [],
            "tools": [{
                "id": id, "provider": "MAIL", "metadata": null, "tags": [],
                "is_default": null, "updated_at": null,
                "definition": {
                    "name": "send_mail", "display_name": "Send", "description": "Sends.",
                    "provider": "MAIL",
                    "input_schema": { "type": "object", "properties": { "sendAt": { "type": "string" } } },
                    "output_schema": { "type": "object", "properties": { "sentId": { "type": "string" } } },
                    "annotations": { "read_only_hint": false, "open_world_hint": true, "title": "Not this" },
                },
            }],
        })
    );
    let list = get(&test, "?filter.toolName=search&filter.provider=press").await;
    let definition = &list["tools"][0]["definition"];
    assert_eq!(
        *definition,
        json!({
            "name": "search", "display_name": "Look", "description": "", "provider": "PRESS",
            "input_schema": { "type": "object" }, "annotations": { "title": "Look" },
        })
    );
    let list = get(&test, "?filter.tool_name=search&filter.provider=MAIL").await;
    assert_eq!(list["tools"][0]["definition"]["display_name"], "search");
}

#[tokio::test]
async fn ids_of_tools_are_their_own_and_stay() {
    let test = start().await;
    let ids = |list: &Value| {
        let tools = list["tools"].as_array().unwrap().iter();
        let mut ids: Vec<String> = tools.map(|tool| tool["id"].to_string()).collect();
        ids.sort();
        ids
    };
    let before = ids(&get(&test, "").await);
    let mut distinct = before.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 3);
    let (folder, clock) = test.stop();
    let test = TestEngine::open(
        "[clients.app]\nsecret = \"app-secret\"\n[connections.mail]\nsandbox = \"mail.json\"\n[connections.news]\nsandbox = \"news.json\"",
        folder,
        clock,
    )
    .await;
    assert_eq!(ids(&get(&test, "").await), before);
}

#[tokio::test]
async fn what_a_connection_listed_last_is_known() {
    let test = start().await;
    assert_eq!(sorted(&listed(&test, "").await), ALL);
    let tools = [
        json!({ "name": "list_events", "inputSchema": { "type": "object" }, "description": "first" }),
        json!({ "name": "list_events", "inputSchema": {}, "description": "second" }),
        json!({ "description": "a tool without a name" }),
    ];
    test.engine
        .store()
        .save_catalogue("calendar", &tools)
        .await
        .unwrap();
    let list = get(&test, "?filter.provider=calendar").await;
    assert_eq!(
        names(list["tools"].as_array().unwrap()),
        "CALENDAR/list_events"
    );
    assert_eq!(list["tools"][0]["definition"]["description"], "first");
}

#[tokio::test]
async fn filters_narrow_the_tools() {
    let test = start().await;
    test.link("mail", "alice").await;
    test.connect("mail", "bob", "k").await;
    let account = test
        .get("/api/v1/connected_accounts/details?connector=mail&identifier=bob")
        .await
        .expect(200);
    let id = account["connected_account"]["id"].as_str().unwrap();
    for (query, expected) in [
        ("filter.provider=MAIL".to_owned(), "MAIL/search MAIL/send_mail"),
        ("filter.provider=none".into(), ""),
        ("filter.tool_name=search&filter.tool_name=none".into(), "MAIL/search PRESS/search"),
        ("filter.query=SEND%20ai".into(), "MAIL/send_mail"),
        ("filter.query=mail_send".into(), "MAIL/send_mail"),
        ("filter.query=mail%20search".into(), ""),
        // With an account, whatever its status.
        ("filter.identifier=alice".into(), "MAIL/search MAIL/send_mail"),
        ("filter.identifier=nobody".into(), ""),
        ("filter.connector=mail&filter.identifier=alice".into(), "MAIL/search MAIL/send_mail"),
        (format!("filter.connected_account_id={id}&filter.tool_name=search"), "MAIL/search"),
        ("filter.organization_id=org_1".into(), ""),
        ("filter.userId=usr_1".into(), ""),
        ("filter.provider=&filter.tool_name=search&filter.query=&filter.connector=&filter.identifier=&page_token=".into(), "MAIL/search PRESS/search"),
    ] {
        assert_eq!(sorted(&listed(&test, &query).await), expected, "{query}");
    }
    let summary = get(&test, "?filter.summary=true&filter.provider=MAIL").await;
    assert_eq!(
        (
            &summary["tool_names"],
            &summary["tools"],
            &summary["total_size"]
        ),
        (&json!(["search", "send_mail"]), &json!([]), &json!(2))
    );
    assert_eq!(
        listed(&test, "filter.summary=false&filter.provider=PRESS").await,
        "PRESS/search"
    );

    for query in [
        "filter.connected_account_id=ca_1",
        "filter.connector=mail&filter.identifier=nobody",
        "filter.connector=none&filter.identifier=alice",
    ] {
        let answer = test.get(&format!("{TOOLS}?{query}")).await;
        refusal(&answer, 404, 5, "RESOURCE_NOT_FOUND");
    }
    let long = "x".repeat(401);
    for (query, field) in [
        (
            format!("filter.provider={}", &long[..51]),
            "filter.provider",
        ),
        (
            format!("filter.identifier={}", &long[..101]),
            "filter.identifier",
        ),
        ("filter.query=ab".into(), "filter.query"),
        (format!("filter.query={}", &long[..101]), "filter.query"),
        (
            format!("filter.connector={long}&filter.identifier=a"),
            "filter.connector",
        ),
        (
            "filter.connector=a%2Fb&filter.identifier=a".into(),
            "filter.connector",
        ),
        ("filter.connector=mail".into(), "filter.connector"),
        (
            format!("filter.organization_id={}", &long[..33]),
            "filter.organization_id",
        ),
        (format!("filter.user_id={}", &long[..33]), "filter.user_id"),
        (
            "filter.connected_account_id=x".into(),
            "filter.connected_account_id",
        ),
        (
            format!("filter.connected_account_id=ca_{}", &long[..98]),
            "filter.connected_account_id",
        ),
        ("filter.summary=1".into(), "filter.summary"),
        ("page_size=-1".into(), "page_size"),
        ("page_token=x".into(), "page_token"),
    ] {
        let answer = test.get(&format!("{TOOLS}?{query}")).await;
        assert_eq!(violations(&answer), [field], "{query}");
    }
}

#[tokio::test]
async fn pages_of_tools_lead_forth_and_back() {
    let test = start().await;
    let tools: Vec<Value> = (0..1001)
        .map(|number| json!({ "name": format!("tool_{number:04}"), "inputSchema": {} }))
        .collect();
    test.engine
        .store()
        .save_catalogue("calendar", &tools)
        .await
        .unwrap();
    let page = async |query: &str| {
        let query = format!("?filter.summary=true&filter.provider=CALENDAR&{query}");
        get(&test, &query).await
    };
    let numbers = |page: &Value| {
        let names = page["tool_names"].as_array().unwrap();
        let number = |name: &Value| name.as_str().unwrap()[5..].parse::<usize>().unwrap();
        (number(&names[0]), names.len())
    };
    for (query, count) in [
        ("", 300),
        ("page_size=0", 300),
        ("page_size=1001", 1000),
        ("pageSize=4294967295", 1000),
        ("page_size=500&filter.query=tool", 100),
    ] {
        let page = page(query).await;
        assert_eq!(
            (numbers(&page), &page["total_size"]),
            ((0, count), &json!(1001)),
            "{query}"
        );
        assert_eq!(page["prev_page_token"], "");
    }
    let first = page("page_size=400").await;
    let mut token = first["next_page_token"].as_str().unwrap().to_owned();
    let mut pages = vec![first];
    for expected in [(400, 400), (800, 201)] {
        let next = page(&format!("page_size=400&page_token={token}")).await;
        assert_eq!(numbers(&next), expected);
        token = next["next_page_token"].as_str().unwrap().to_owned();
        pages.push(next);
    }
    assert_eq!(token, "");
    for (from, to) in [(2, 1), (1, 0)] {
        let token = pages[from]["prev_page_token"].as_str().unwrap();
        let previous = page(&format!("page_size=400&page_token={token}")).await;
        assert_eq!(previous, pages[to]);
    }
    // Shorter than its tokens remember, the list still leads back.
    let token = pages[1]["next_page_token"].as_str().unwrap();
    test.engine
        .store()
        .save_catalogue("calendar", &tools[..3])
        .await
        .unwrap();
    let beyond = page(&format!("page_size=2&page_token={token}")).await;
    assert_eq!(
        (&beyond["tool_names"], &beyond["next_page_token"]),
        (&json!([]), &json!(""))
    );
    let token = beyond["prev_page_token"].as_str().unwrap();
    let back = page(&format!("page_size=2&page_token={token}")).await;
    assert_eq!(back["tool_names"], json!(["tool_0001", "tool_0002"]));
}

#[tokio::test]
async fn a_user_is_shown_the_tools_of_active_accounts() {
    let test = start().await;
    test.link("mail", "alice").await;
    test.link("news", "alice").await;
    let scoped = async |query: &str| {
        let list = get(&test, &format!("/scoped?{query}")).await;
        let tools = list["tools"].as_array().unwrap();
        assert_eq!(list["total_size"], tools.len(), "{query}");
        sorted(&names(tools.iter().map(|scoped| &scoped["tool"])))
    };
    let available = async |query: &str| {
        let list = get(&test, &format!("/available?{query}")).await;
        sorted(&names(list["tools"].as_array().unwrap()))
    };
    for user in ["bob", "Alice"] {
        assert_eq!(scoped(&format!("identifier={user}")).await, "");
        assert_eq!(available(&format!("identifier={user}")).await, "");
    }
    // The account on `mail` is still pending.
    assert_eq!(scoped("identifier=alice").await, "PRESS/search");
    assert_eq!(available("identifier=alice").await, "PRESS/search");
    test.connect("mail", "alice", "k").await;
    for (query, expected) in [
        ("", ALL),
        ("&filter.providers=mail", "MAIL/search MAIL/send_mail"),
        ("&filter.providers=mail&filter.providers=PRESS", ALL),
        ("&filter.tool_names=search", "MAIL/search PRESS/search"),
        (
            "&filter.toolNames=search&filter.tool_names=none",
            "MAIL/search PRESS/search",
        ),
        ("&filter.connection_names=news", "PRESS/search"),
        ("&filter.connectionNames=News", ""),
        (
            "&filter.connection_names=mail&filter.tool_names=send_mail",
            "MAIL/send_mail",
        ),
    ] {
        assert_eq!(
            scoped(&format!("identifier=alice{query}")).await,
            expected,
            "{query}"
        );
    }
    assert_eq!(available("identifier=alice").await, ALL);

    let list = get(
        &test,
        "/scoped?identifier=alice&filter.connection_names=news",
    )
    .await;
    let account = test
        .get("/api/v1/connected_accounts/details?connector=news&identifier=alice")
        .await
        .expect(200);
    let tool = get(&test, "?filter.provider=PRESS").await["tools"][0].take();
    assert_eq!(
        list,
        json!({
            "next_page_token": "", "total_size": 1, "prev_page_token": "",
            "tools": [{
                "tool": tool, "identifier": "alice",
                "connected_account_id": account["connected_account"]["id"],
            }],
        })
    );
    for path in ["scoped", "available"] {
        let first = get(&test, &format!("/{path}?identifier=alice&page_size=2")).await;
        let next = first["next_page_token"].as_str().unwrap();
        let second = get(
            &test,
            &format!("/{path}?identifier=alice&page_size=2&pageToken={next}"),
        )
        .await;
        assert_eq!(second["tools"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&second["total_size"], &second["next_page_token"]),
            (&json!(3), &json!(""))
        );
        for (query, field) in [
            (String::new(), "identifier"),
            ("identifier=".into(), "identifier"),
            (format!("identifier={}", "x".repeat(101)), "identifier"),
            ("identifier=a&page_token=x".into(), "page_token"),
        ] {
            let answer = test.get(&format!("{TOOLS}/{path}?{query}")).await;
            assert_eq!(violations(&answer), [field], "{query}");
        }
    }
}
