use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testing::Server;

/// What a set of mappings shows; `None` stands for every tool.
fn mappings() -> impl Strategy<Value = Vec<ConnectionToolMapping>> {
    let tools = prop::collection::vec("[a-c]", 1..4);
    let tools = prop::option::of(tools).prop_map(|tools| tools.map_or(Tools::All, Tools::Only));
    prop::collection::btree_map("[x-z]", tools, 0..4).prop_map(|shown| {
        shown
            .into_iter()
            .map(|(name, tools)| ConnectionToolMapping {
                tools,
                ..ConnectionToolMapping::all(name)
            })
            .collect()
    })
}

/// Whether a tool is shown; `d` stands for all tools that no list names.
fn shows(mappings: &[ConnectionToolMapping], connection: &str, tool: &str) -> bool {
    mappings.iter().any(|mapping| {
        mapping.connection_name == connection
            && match &mapping.tools {
                Tools::All => true,
                Tools::Only(names) => names.iter().any(|name| name == tool),
            }
    })
}

proptest! {
    #[test]
    fn what_is_gained_is_what_is_shown_now_and_was_not(before in mappings(), after in mappings()) {
        let gained = gained(&before, &after);
        for connection in ["x", "y", "z"] {
            for tool in ["a", "b", "c", "d"] {
                let (was, is) = (shows(&before, connection, tool), shows(&after, connection, tool));
                let told = shows(&gained, connection, tool);
                // Every tool of a connection stands for those that were not shown before.
                prop_assert_eq!(told && !was, is && !was, "{} {}", connection, tool);
            }
        }
    }

    #[test]
    fn order_and_repetition_mean_nothing(before in mappings()) {
        let mut after = before.clone();
        after.reverse();
        for mapping in &mut after {
            if let Tools::Only(names) = &mut mapping.tools {
                names.reverse();
                names.extend(names.clone());
            }
        }
        prop_assert!(gained(&before, &after).is_empty() && gained(&after, &before).is_empty());
    }
}

const FIND: &str = "GET /api/v1/mcp/configs?filter.name=agent";
const CREATE: &str = "POST /api/v1/mcp/configs";

/// An environment that keeps one config by its name, as the API does.
async fn environment() -> Server {
    let kept = std::sync::Mutex::new(None::<serde_json::Value>);
    Server::start(move |request, body| {
        let mut kept = kept.lock().unwrap();
        let sent: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let answer =
            |config: &serde_json::Value| serde_json::json!({ "config": config }).to_string();
        match request {
            "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
            FIND => {
                let configs: Vec<_> = kept.iter().collect();
                (200, serde_json::json!({ "configs": configs }).to_string())
            }
            CREATE if kept.is_some() => (409, "{}".to_owned()),
            CREATE => {
                let mut config = sent;
                config["id"] = "cfg_1".into();
                let answered = answer(&config);
                *kept = Some(config);
                (201, answered)
            }
            "PUT /api/v1/mcp/configs/cfg_1" => match &mut *kept {
                Some(config) => {
                    config["connection_tool_mappings"] = sent["connection_tool_mappings"].clone();
                    (200, answer(config))
                }
                None => (404, "{}".to_owned()),
            },
            _ => (500, "{}".to_owned()),
        }
    })
    .await
}

#[tokio::test]
async fn callers_that_race_end_with_one_config_and_no_error() {
    let server = environment().await;
    let client = server.client();
    let wish = || NewConfig::new("agent").connection("gmail", ["read"]);
    let racing = (0..50).map(|_| client.ensure_config(wish()).into_future());
    let results = futures_util::future::join_all(racing).await;
    let created = results
        .into_iter()
        .map(|result| result.unwrap())
        .inspect(|ensured| assert_eq!(ensured.config.id, "cfg_1"))
        .filter(|ensured| ensured.outcome == Outcome::Created)
        .count();
    assert_eq!(created, 1);
    assert_eq!(server.count("PUT /api/v1/mcp/configs/cfg_1"), 0);
}

#[tokio::test]
async fn callers_that_want_different_things_settle_on_one_of_them() {
    let server = environment().await;
    let client = server.client();
    let racing = (0..20).map(|number| {
        let wish = NewConfig::new("agent").connection("gmail", [format!("tool_{}", number % 2)]);
        client.ensure_config(wish).into_future()
    });
    for result in futures_util::future::join_all(racing).await {
        result.unwrap();
    }
    let config = client.get_config_by_name("agent").await.unwrap();
    assert_eq!(config.connection_tool_mappings.len(), 1);
}

#[tokio::test]
async fn the_deadline_is_that_of_the_whole_call() {
    let server =
        Server::start(|_, _| (200, r#"{"access_token":"a.t","configs":[]}"#.to_owned())).await;
    let client = server.client().with_timeout(Duration::ZERO);
    let error = client
        .ensure_config(NewConfig::new("agent"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "deadline_exceeded");
}

#[tokio::test]
async fn a_deadline_in_the_middle_says_what_was_sent_and_that_it_may_be_tried_again() {
    let server = Server::start(|request, _| match request {
        "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
        CREATE => Server::NEVER,
        _ => (200, r#"{"configs":[]}"#.to_owned()),
    })
    .await;
    let client = server.client().with_timeout(Duration::from_millis(300));
    let error = client
        .ensure_config(NewConfig::new("agent"))
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.attempts()), ("deadline_exceeded", 1));
    assert_eq!(server.count("POST /api/v1/mcp/configs"), 1);
}

/// Until the server has seen so many of these requests.
async fn seen(server: &Server, request: &str, count: usize) {
    while server.count(request) < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_caller_who_leaves_while_it_creates_leaves_nothing_that_the_next_does_not_settle() {
    // Whether the config is there when the next one comes, or comes about meanwhile.
    for done in [true, false] {
        let server = environment().await;
        let client = server.client();
        let wish = || NewConfig::new("agent").connection("gmail", ["read"]);
        let mut held = None;
        tokio::select! {
            biased;
            () = async {
                seen(&server, FIND, 1).await;
                if !done {
                    held = Some(server.hold().await);
                }
                seen(&server, CREATE, 1).await;
            } => {}
            ensured = client.ensure_config(wish()) => panic!("nobody was to wait for {ensured:?}"),
        }
        let release = async {
            seen(&server, FIND, 2).await;
            drop(held);
        };
        let (ensured, ()) = tokio::join!(client.ensure_config(wish()).into_future(), release);
        let ensured = ensured.unwrap();
        assert!(ensured.outcome != Outcome::Updated, "{ensured:?}");
        assert!(
            !done || ensured.outcome == Outcome::Unchanged,
            "{ensured:?}"
        );
        let listed = client.list_configs().filter_name("agent").await;
        assert_eq!(listed.unwrap().configs, [ensured.config]);
    }
}
