//! Lists of configs: pages in both directions, filters, counts.

use super::*;

async fn list(test: &TestEngine, query: &str) -> Value {
    test.get(&format!("{CONFIGS}?{query}")).await.expect(200)
}

fn token(list: &Value, name: &str) -> String {
    list[name].as_str().unwrap().to_owned()
}

/// `config-0` (oldest) to `config-<n-1>`; ids, newest first.
async fn fill(test: &TestEngine, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let config = test.config(&format!("config-{number}"), &[]).await;
        ids.insert(0, config["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn an_empty_list_prints_its_defaults() {
    let test = TestEngine::start().await;
    assert_eq!(
        list(&test, "").await,
        json!({ "configs": [], "next_page_token": "", "prev_page_token": "", "total_size": 0 })
    );
}

#[tokio::test]
async fn pages_lead_forth_and_back_newest_first() {
    let test = TestEngine::start().await;
    let all = fill(&test, 7).await;
    let mut pages = vec![list(&test, "page_size=3").await];
    while let next = token(pages.last().unwrap(), "next_page_token")
        && !next.is_empty()
    {
        pages.push(list(&test, &format!("page_size=3&page_token={next}")).await);
    }
    let found: Vec<String> = pages.iter().flat_map(ids).collect();
    assert_eq!(found, all);
    assert_eq!(pages.len(), 3);
    assert!(pages.iter().all(|page| page["total_size"] == 7));
    assert_eq!(token(&pages[0], "prev_page_token"), "");

    for (from, to) in [(2, 1), (1, 0)] {
        let previous = token(&pages[from], "prev_page_token");
        let page = list(&test, &format!("page_size=3&pageToken={previous}")).await;
        assert_eq!(ids(&page), ids(&pages[to]));
        assert_eq!(page, pages[to]);
    }
}

#[tokio::test]
async fn pages_hold_while_configs_come_and_go() {
    let test = TestEngine::start().await;
    let all = fill(&test, 6).await;
    let first = list(&test, "page_size=2").await;
    let next = token(&first, "next_page_token");
    // A new one at the top and the very one the cursor stands on gone: nothing is shown twice.
    test.config("newest", &[]).await;
    test.call(Method::DELETE, &format!("{CONFIGS}/{}", all[2]), "")
        .await
        .expect(200);
    let second = list(&test, &format!("page_size=2&page_token={next}")).await;
    assert_eq!(ids(&second), all[3..5]);
    let back = token(&second, "prev_page_token");
    assert_eq!(
        ids(&list(&test, &format!("page_size=2&page_token={back}")).await),
        all[0..2]
    );

    // All on the next page deleted: it is empty, and still leads back.
    for id in &all[3..] {
        test.call(Method::DELETE, &format!("{CONFIGS}/{id}"), "")
            .await
            .expect(200);
    }
    let empty = list(&test, &format!("page_size=2&page_token={next}")).await;
    assert_eq!(
        (ids(&empty), &empty["next_page_token"]),
        (vec![], &json!(""))
    );
    let back = token(&empty, "prev_page_token");
    assert_eq!(
        ids(&list(&test, &format!("page_size=2&page_token={back}")).await),
        all[0..2]
    );
}

#[tokio::test]
async fn page_sizes_have_a_default_and_a_limit() {
    let test = TestEngine::start().await;
    fill(&test, 31).await;
    for (query, count) in [
        ("", 20),
        ("page_size=0", 20),
        ("page_size=", 20),
        ("pageSize=5", 5),
        ("page_size=30", 30),
        ("unknown=1&page_size=1", 1),
    ] {
        let page = list(&test, query).await;
        assert_eq!(
            (ids(&page).len(), &page["total_size"]),
            (count, &json!(31)),
            "{query}"
        );
    }
    for size in ["31", "-1", "x", "1.5", "99999999999"] {
        let answer = test.get(&format!("{CONFIGS}?page_size={size}")).await;
        assert_eq!(violations(&answer), ["page_size"], "{size}");
    }
    let answer = test
        .get(&format!("{CONFIGS}?page_size=1&page_size=2"))
        .await;
    refusal(&answer, 400, 3, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn foreign_page_tokens_are_refused() {
    let test = TestEngine::start().await;
    // The second is `{"offset":20}`, the third `{"next":5}`.
    for token in [
        "x",
        "eyJvZmZzZXQiOjIwfQ",
        "eyJuZXh0Ijo1fQ",
        "%F0%9F%92%A9",
        "e30",
    ] {
        let answer = test.get(&format!("{CONFIGS}?page_token={token}")).await;
        assert_eq!(violations(&answer), ["page_token"], "{token}");
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let test = TestEngine::start().await;
    let mail = test.config("mail-agent", &["gmail"]).await;
    test.config("calendar-agent", &["gmail", "calendar"]).await;
    test.config("code_agent", &["Git Hub"]).await;
    let id = mail["id"].as_str().unwrap();
    let url = mail["mcp_server_url"].as_str().unwrap();
    let upper = url.rsplit('/').next().unwrap().to_uppercase();
    let names = async |query: String| {
        let list = list(&test, &query).await;
        let configs = list["configs"].as_array().unwrap();
        assert_eq!(list["total_size"], configs.len());
        let names = configs
            .iter()
            .map(|config| config["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    for (query, expected) in [
        (format!("filter.id={id}"), "mail-agent"),
        ("filter.id=cfg_1".into(), ""),
        ("filter.id=nonsense".into(), ""),
        ("filter.name=mail-agent".into(), "mail-agent"),
        ("filter.name=MAIL-Agent".into(), "mail-agent"),
        ("filter.name=mail".into(), ""),
        ("filter.provider=GMAIL".into(), "calendar-agent mail-agent"),
        ("filter.provider=google".into(), "calendar-agent"),
        ("filter.provider=none".into(), ""),
        (format!("filter.mcp_server_url={url}"), "mail-agent"),
        (format!("filter.mcpServerUrl={url}/"), "mail-agent"),
        (format!("filter.mcp_server_url=https://elsewhere/{upper}"), "mail-agent"),
        ("filter.mcp_server_url=550e8400-e29b-41d4-a716-446655440000".into(), ""),
        ("search=AGENT".into(), "code_agent calendar-agent mail-agent"),
        ("search=end".into(), "calendar-agent"),
        ("search=%25".into(), ""),
        ("search=code_agent".into(), "code_agent"),
        ("search=agent&filter.provider=GMAIL&filter.name=mail-agent".into(), "mail-agent"),
        (format!("filter.id={id}&filter.name=code_agent"), ""),
        (
            "filter.id=&filter.name=&filter.provider=&filter.mcp_server_url=&search=mail&page_token=".into(),
            "mail-agent",
        ),
    ] {
        assert_eq!(names(query.clone()).await, expected, "{query}");
    }
    // Pages and counts are those of the filter.
    let page = list(&test, "filter.provider=gmail&page_size=1").await;
    assert_eq!((ids(&page).len(), &page["total_size"]), (1, &json!(2)));
    let next = token(&page, "next_page_token");
    let page = list(
        &test,
        &format!("filter.provider=gmail&page_size=1&page_token={next}"),
    )
    .await;
    assert_eq!(
        (ids(&page), &page["next_page_token"]),
        (vec![id.to_owned()], &json!(""))
    );

    let long = "x".repeat(101);
    for (query, field) in [
        (format!("filter.name={long}"), "filter.name"),
        ("filter.name=a%20b".into(), "filter.name"),
        (
            "filter.mcp_server_url=http://x/mcp".into(),
            "filter.mcp_server_url",
        ),
        (
            format!("filter.mcp_server_url={BASE}/mcp/v3/servers/cfg_1"),
            "filter.mcp_server_url",
        ),
    ] {
        let answer = test.get(&format!("{CONFIGS}?{query}")).await;
        assert_eq!(violations(&answer), [field], "{query}");
    }
}
