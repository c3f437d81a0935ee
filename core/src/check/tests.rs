use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{Error, testing::Server};

fn tool(name: &str) -> ToolReport {
    ToolReport {
        name: name.to_owned(),
        description: None,
        read_only: false,
        schema_bytes: 0,
        estimated_tokens: 0,
    }
}

#[test]
fn a_name_of_64_characters_is_fine_and_one_more_is_not() {
    assert!(names(&[tool(&"é".repeat(64))]).is_empty());
    let warnings = names(&[tool(&"é".repeat(65))]);
    assert_eq!(warnings[0].code, "name_too_long");
    assert!(warnings[0].message.contains("65"), "{warnings:?}");
}

#[test]
fn a_distance_of_clocks_is_told_so_that_a_person_can_read_it() {
    for (seconds, ahead, words) in [
        (61, true, "1 min ahead of"),
        (600, false, "10 min behind"),
        (7_200, true, "2 h ahead of"),
        (86_400, false, "24 h behind"),
    ] {
        let by = Duration::from_secs(seconds);
        assert_eq!(Skew { by, ahead }.to_string(), words);
    }
    assert!(
        !Skew {
            by: SKEW,
            ahead: true
        }
        .matters()
    );
}

#[test]
fn an_estimate_is_a_quarter_of_the_bytes_rounded_up() {
    assert_eq!((tokens(0), tokens(1), tokens(4), tokens(5)), (0, 1, 1, 2));
}

const ENDLESS: &str = "POST /mcp/v3/connections/mail";

/// What comes of checking a server whose every page names another one, and after how many.
async fn check_of_endless(
    page: impl Fn() -> serde_json::Value + Send + Sync + 'static,
) -> (Error, usize) {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request, _| match request {
        "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
        "POST /api/v1/mcp/connections/mail/tokens" => (200, r#"{"token":"t.o.k"}"#.to_owned()),
        _ => {
            let cursor = asked.fetch_add(1, Ordering::SeqCst).to_string();
            let result = json!({ "tools": page(), "nextCursor": cursor });
            let message = json!({ "jsonrpc": "2.0", "id": 1, "result": result });
            (200, message.to_string())
        }
    })
    .await;
    let session = server
        .client()
        .open_session(Target::connection("mail"), "user_1")
        .await
        .unwrap();
    let error = session.check().await.unwrap_err();
    (error, server.count(ENDLESS))
}

#[tokio::test]
async fn a_list_of_too_many_tools_is_left() {
    let (error, pages) = check_of_endless(|| vec![json!({ "name": "a" }); 2_500].into()).await;
    assert_eq!((error.code(), pages), ("answer_too_large", 5));
    assert!(
        error.message().ends_with("more than 10000 tools"),
        "{error}"
    );
}

#[tokio::test]
async fn tools_that_say_too_much_are_left() {
    let text = "x".repeat(6 * 1024 * 1024);
    let page = move || json!([{ "name": "a", "description": text }]);
    let (error, pages) = check_of_endless(page).await;
    assert_eq!((error.code(), pages), ("answer_too_large", 3));
    assert!(
        error.message().ends_with("more than 16 MiB of tools"),
        "{error}"
    );
}
