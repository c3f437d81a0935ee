//! Which request is struck, and what can be no fault.

use serde_json::json;

use super::*;

fn path<'a>(method: &'a str, path: &'a str) -> Place<'a> {
    Place::Path { method, path }
}

fn call<'a>(connection: &'a str, tool: &'a str, identifier: &'a str) -> Place<'a> {
    Place::Upstream {
        method: "tools/call",
        connection,
        tool: Some(tool),
        identifier,
    }
}

fn listing<'a>(connection: &'a str, identifier: &'a str) -> Place<'a> {
    Place::Upstream {
        method: "tools/list",
        connection,
        tool: None,
        identifier,
    }
}

fn faults(list: impl IntoIterator<Item = Fault>) -> Faults {
    let faults = Faults::default();
    for fault in list {
        faults.add(fault).unwrap();
    }
    faults
}

/// Of ten requests, those that are struck, counted from 1.
fn struck(fault: Fault, seed: Option<u64>) -> Vec<usize> {
    let faults = Faults::default();
    if let Some(seed) = seed {
        faults.seed(seed);
    }
    faults.add(fault).unwrap();
    (1..=10)
        .filter(|_| faults.strike(&path("GET", "/keys")).is_some())
        .collect()
}

#[test]
fn a_path_is_meant_exactly_or_from_its_start() {
    let strikes = |fault: Fault, place: &Place<'_>| faults([fault.hang()]).strike(place).is_some();
    let exact = || Fault::on_path("/api/v1/tools");
    assert!(strikes(exact(), &path("GET", "/api/v1/tools")));
    assert!(!strikes(exact(), &path("GET", "/api/v1/tools/scoped")));
    assert!(strikes(
        exact().method("get"),
        &path("GET", "/api/v1/tools")
    ));
    assert!(!strikes(
        exact().method("POST"),
        &path("GET", "/api/v1/tools")
    ));
    assert!(strikes(
        Fault::on_path("/api/*"),
        &path("GET", "/api/v1/tools")
    ));
    assert!(!strikes(Fault::on_path("/api/*"), &path("GET", "/mcp/v3")));
    assert!(!strikes(Fault::on_path("/*"), &call("mail", "read", "a")));
}

#[test]
fn an_upstream_is_meant_by_connection_tool_and_user() {
    let strikes = |fault: Fault, place: &Place<'_>| faults([fault.hang()]).strike(place).is_some();
    assert!(strikes(
        Fault::on_connection("mail"),
        &call("mail", "read", "a")
    ));
    assert!(strikes(Fault::on_connection("mail"), &listing("mail", "a")));
    assert!(!strikes(
        Fault::on_connection("mail"),
        &call("news", "read", "a")
    ));
    assert!(!strikes(
        Fault::on_connection("mail"),
        &path("GET", "/keys")
    ));
    assert!(strikes(Fault::on_tool("read"), &call("mail", "read", "a")));
    assert!(!strikes(Fault::on_tool("read"), &listing("mail", "a")));
    assert!(!strikes(Fault::on_tool("read"), &call("mail", "send", "a")));
    assert!(strikes(Fault::on_user("a"), &listing("mail", "a")));
    assert!(!strikes(Fault::on_user("a"), &listing("mail", "b")));
    let calls = Fault::on_user("a").method("tools/call");
    assert!(!strikes(calls.clone(), &listing("mail", "a")));
    assert!(strikes(calls, &call("mail", "read", "a")));
}

#[test]
fn the_nth_so_often_and_by_chance() {
    let fault = || Fault::on_path("/*").hang();
    assert_eq!(struck(fault(), None).len(), 10);
    assert_eq!(struck(fault().nth(3), None), [3]);
    assert_eq!(struck(fault().times(2), None), [1, 2]);
    assert_eq!(struck(fault().nth(9).times(5), None), [9, 10]);
    assert_eq!(struck(fault().probability(0.0), None), [0; 0]);
    assert_eq!(struck(fault().probability(1.0), None).len(), 10);
    let chance = || fault().probability(0.5);
    let first = struck(chance(), Some(7));
    assert!(!first.is_empty() && first.len() < 10, "{first:?}");
    assert_eq!(struck(chance(), Some(7)), first);
    assert!((8..20).any(|seed| struck(chance(), Some(seed)) != first));
}

#[test]
fn the_first_whose_turn_it_is_strikes_and_all_is_counted() {
    let list = faults([
        Fault::on_path("/keys").status(503).times(1),
        Fault::on_path("/*").status(500).retry_after_seconds(2),
    ]);
    let status = || match list.strike(&path("GET", "/keys")).unwrap().effect {
        Some(Effect::Status { status, .. }) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!([status(), status(), status()], [503, 500, 500]);
    let counts: Vec<_> = list
        .all()
        .iter()
        .map(|added| (added.id, added.matched, added.fired))
        .collect();
    assert_eq!(counts, [(1, 3, 1), (2, 2, 2)]);
    list.clear();
    assert!(list.all().is_empty() && list.strike(&path("GET", "/keys")).is_none());
}

#[tokio::test]
async fn clearing_ends_what_waits() {
    let list = faults([Fault::on_path("/*")
        .hang()
        .latency(Duration::from_secs(600))]);
    let injected = list.strike(&path("GET", "/keys")).unwrap();
    tokio::join!(
        async {
            injected.wait().await;
            injected.hang().await;
        },
        async { list.clear() }
    );
}

#[test]
fn nonsense_is_refused_with_its_field() {
    for (fault, field, text) in [
        (json!({}), "path", "say where"),
        (
            json!({ "path": "/a", "tool": "x", "hang": true }),
            "tool",
            "not both",
        ),
        (
            json!({ "path": "a", "hang": true }),
            "path",
            "starts with `/`",
        ),
        (
            json!({ "path": "/a*b", "hang": true }),
            "path",
            "at its end only",
        ),
        (
            json!({ "path": "/a?b=c", "hang": true }),
            "path",
            "without a query",
        ),
        (
            json!({ "path": "/_local/faults", "hang": true }),
            "path",
            "test controls",
        ),
        (json!({ "path": "/a" }), "status", "choose one effect"),
        (
            json!({ "path": "/a", "hang": true, "drop": true }),
            "status",
            "choose one effect",
        ),
        (
            json!({ "path": "/a", "status": 200 }),
            "status",
            "400 to 599",
        ),
        (
            json!({ "path": "/a", "method": "tools/call", "hang": true }),
            "method",
            "of HTTP",
        ),
        (
            json!({ "tool": "x", "method": "tools/list", "hang": true }),
            "method",
            "`tools/call`",
        ),
        (
            json!({ "identifier": "u", "method": "POST", "hang": true }),
            "method",
            "`tools/list`",
        ),
        (json!({ "tool": "", "hang": true }), "tool", "is empty"),
        (
            json!({ "path": "/a", "hang": true, "nth": 0 }),
            "nth",
            "from 1",
        ),
        (
            json!({ "path": "/a", "hang": true, "times": 0 }),
            "times",
            "from 1",
        ),
        (
            json!({ "path": "/a", "hang": true, "probability": 2 }),
            "probability",
            "0 to 1",
        ),
        (
            json!({ "path": "/a", "hang": true, "probability": -0.1 }),
            "probability",
            "0 to 1",
        ),
        (
            json!({ "path": "/a", "latency_ms": 600_001 }),
            "latency_ms",
            "10 minutes",
        ),
        (
            json!({ "path": "/a", "hang": true, "retry_after_seconds": 1 }),
            "retry_after_seconds",
            "goes with",
        ),
        (
            json!({ "tool": "a", "status": 503, "retry_after_seconds": 1 }),
            "retry_after_seconds",
            "goes with",
        ),
    ] {
        let read: Fault = serde_json::from_value(fault.clone()).unwrap();
        let (found, message) = Faults::default().add(read).unwrap_err();
        assert_eq!(found, field, "{fault}");
        assert!(message.contains(text), "{fault}: {message}");
    }
    let wrong = Fault::on_path("/a").hang().probability(f64::NAN);
    assert_eq!(Faults::default().add(wrong).unwrap_err().0, "probability");
}
