//! The controls by name, as bindings and HTTP ask for them.

use serde_json::{Value, json};

use super::*;
use crate::{LocalEngine, Settings};

const SETTINGS: &str = r#"
    [connections.gmail]
    upstream = { url = "http://127.0.0.1:9/mcp" }
    auth = "api_key"
    tools = ["gmail_read", "gmail_send"]

    [connections.calendar]
    upstream = { url = "http://127.0.0.1:9/mcp" }
"#;

async fn engine(seed: Option<u64>) -> LocalEngine {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::from_toml(SETTINGS, folder.path()).unwrap();
    let mut builder = LocalEngine::builder().settings(settings);
    if let Some(seed) = seed {
        builder = builder.seed_ids(seed);
    }
    builder.start().await.unwrap()
}

async fn ask(engine: &LocalEngine, name: &str, request: Value) -> Result<Value, ControlError> {
    run(&engine.parts, name, &request.to_string()).await
}

#[tokio::test]
async fn what_is_seeded_is_there() {
    let engine = engine(None).await;
    let seed = json!({
        "configs": [{
            "name": "agent",
            "description": "all of it",
            "connection_tool_mappings": [
                { "connection_name": "gmail", "tools": ["gmail_read"] },
                { "connection_name": "calendar" },
            ],
        }],
        "accounts": [
            { "connection_name": "gmail", "identifier": "alice", "credential": "hunter2" },
            { "connection_name": "gmail", "identifier": "bob" },
            { "connection_name": "gmail", "identifier": "carol", "status": "EXPIRED", "credential": "old" },
            { "connection_name": "calendar", "identifier": "alice" },
        ],
    });
    assert_eq!(ask(&engine, "seed", seed).await.unwrap(), json!({}));
    let inner = &engine.parts.engine;
    let id = inner
        .store()
        .config_id_by_name("agent")
        .await
        .unwrap()
        .unwrap();
    let config = inner.store().config(&id).await.unwrap().unwrap();
    assert_eq!(config.description, "all of it");
    assert_eq!(
        config.mappings[0].tools,
        crate::store::Tools::Only(vec!["gmail_read".to_owned()])
    );
    assert_eq!(config.mappings[1].tools, crate::store::Tools::All);
    for (connection, user, status, key) in [
        ("gmail", "alice", "ACTIVE", Some("hunter2")),
        ("gmail", "bob", "PENDING_AUTH", None),
        ("gmail", "carol", "EXPIRED", None),
        ("calendar", "alice", "ACTIVE", None),
    ] {
        let connection = inner.connection(connection).unwrap();
        let account = inner
            .accounts()
            .for_call(connection, user)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(account.status.as_str(), status, "{user}");
        let found = account
            .credential
            .as_ref()
            .map(secrecy::ExposeSecret::expose_secret);
        assert_eq!(found, key, "{user}");
    }
    engine.close().await;
}

#[tokio::test]
async fn a_seed_is_stored_whole_or_not_at_all() {
    let engine = engine(None).await;
    let good = json!({ "name": "good" });
    let account = |fields: Value| {
        let mut account = json!({ "connection_name": "gmail", "identifier": "alice" });
        account
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        json!({ "configs": [good], "accounts": [{ "connection_name": "calendar", "identifier": "zoe" }, account] })
    };
    let config = |config: Value| json!({ "configs": [good, config] });
    for (seed, field, text) in [
        (
            config(json!({ "name": "Bad Name" })),
            "configs[1].name",
            "lower-case",
        ),
        (
            config(json!({ "name": "good" })),
            "configs[1].name",
            "twice",
        ),
        (
            config(json!({ "nmae": "x" })),
            "configs[1].nmae",
            "unknown field `nmae`",
        ),
        (
            config(json!({ "name": 5 })),
            "configs[1].name",
            "expected a string|should be a string",
        ),
        (
            config(
                json!({ "name": "a", "connection_tool_mappings": [{ "connection_name": "gmial" }] }),
            ),
            "configs[1].connection_tool_mappings[0].connection_name",
            "did you mean `gmail`",
        ),
        (
            config(
                json!({ "name": "a", "connection_tool_mappings": [{ "connection_name": "gmail", "tools": ["gmail_raed"] }] }),
            ),
            "configs[1].connection_tool_mappings[0].tools[0]",
            "did you mean `gmail_read`",
        ),
        (
            config(
                json!({ "name": "a", "connection_tool_mappings": [{ "connection_name": "gmail", "tools": [] }] }),
            ),
            "configs[1].connection_tool_mappings[0].tools",
            "leave it out",
        ),
        (
            account(json!({ "connection_name": "nothing" })),
            "accounts[1].connection_name",
            "names no connection",
        ),
        (
            account(json!({ "identifier": "" })),
            "accounts[1].identifier",
            "is empty",
        ),
        (
            account(json!({ "identifier": "u".repeat(101) })),
            "accounts[1].identifier",
            "101 characters",
        ),
        (
            account(json!({ "status": "ACTIVE" })),
            "accounts[1].status",
            "without a `credential`",
        ),
        (
            account(json!({ "status": "active" })),
            "accounts[1].status",
            "unknown variant",
        ),
        (
            account(json!({ "credential": "hunter\n2" })),
            "accounts[1].credential",
            "one line",
        ),
        (
            account(json!({ "credential": 5 })),
            "accounts[1].credential",
            "should be a string",
        ),
        (
            account(json!({ "connection_name": "calendar", "credential": "hunter2" })),
            "accounts[1].credential",
            "not needed",
        ),
        (
            account(json!({ "connection_name": "calendar", "identifier": "zoe" })),
            "accounts[1].identifier",
            "twice",
        ),
    ] {
        let error = ask(&engine, "seed", seed.clone()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{seed}");
        assert_eq!(error.field.as_deref(), Some(field), "{seed}: {error}");
        let message = error.to_string();
        assert!(
            text.split('|').any(|text| message.contains(text)),
            "{seed}: {error}"
        );
        assert!(!message.contains("hunter"), "{error}");
    }
    let seed = account(json!({}));
    ask(&engine, "seed", seed.clone()).await.unwrap();
    let there = json!({ "configs": [{ "name": "new" }, good] });
    let error = ask(&engine, "seed", there).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("configs[1].name"), "{error}");
    let there = json!({ "configs": [{ "name": "new" }], "accounts": [{ "connection_name": "gmail", "identifier": "alice" }] });
    let error = ask(&engine, "seed", there).await.unwrap_err();
    assert_eq!(
        error.field.as_deref(),
        Some("accounts[0].identifier"),
        "{error}"
    );
    let store = engine.parts.engine.store();
    assert!(store.config_id_by_name("new").await.unwrap().is_none());
    engine.close().await;
}

#[tokio::test]
async fn links_are_listed_completed_and_denied_without_their_secret() {
    let engine = engine(None).await;
    ask(&engine, "set_clock", json!({ "freeze": true }))
        .await
        .unwrap();
    let inner = &engine.parts.engine;
    let gmail = inner.connections().get("gmail").unwrap();
    let calendar = inner.connections().get("calendar").unwrap();
    let mut secrets = Vec::new();
    for (user, entries) in [("alice", &[gmail, calendar][..]), ("bob", &[gmail])] {
        for link in inner
            .accounts()
            .issue_links(user, entries, None)
            .await
            .unwrap()
        {
            let link = secrecy::ExposeSecret::expose_secret(&link.link).to_owned();
            secrets.push(link.rsplit_once('/').unwrap().1.to_owned());
        }
    }
    let listed = ask(&engine, "auth_links", json!({})).await.unwrap();
    let text = listed.to_string();
    assert!(
        secrets.iter().all(|secret| !text.contains(secret)),
        "{text}"
    );
    let find = |user: &str, connection: &str| {
        let links = listed["auth_links"].as_array().unwrap();
        let found = links
            .iter()
            .find(|link| link["identifier"] == user && link["connection_name"] == connection);
        assert_eq!(found.unwrap()["state"], "open");
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (alice, bob, free) = (
        find("alice", "gmail"),
        find("bob", "gmail"),
        find("alice", "calendar"),
    );
    let complete = |id: &str, key: &str| json!({ "link_id": id, "credential": key });
    for (id, key, kind) in [
        ("link_0", "key", Kind::Unknown),
        ("../x", "key", Kind::Unknown),
        (&*alice, " ", Kind::Invalid),
        (&*free, "key", Kind::Refused),
    ] {
        let error = ask(&engine, "complete_auth_link", complete(id, key))
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
    let done = ask(&engine, "complete_auth_link", complete(&alice, "hunter2"))
        .await
        .unwrap();
    assert_eq!(done, json!({ "status": "ACTIVE" }));
    ask(&engine, "deny_auth_link", json!({ "link_id": bob }))
        .await
        .unwrap();
    for (id, state) in [(&alice, "used"), (&bob, "denied")] {
        let error = ask(&engine, "complete_auth_link", complete(id, "key"))
            .await
            .unwrap_err();
        assert!(
            error.kind == Kind::Refused && error.to_string().contains(state),
            "{error}"
        );
        let error = ask(&engine, "deny_auth_link", json!({ "link_id": id }))
            .await
            .unwrap_err();
        assert!(
            error.kind == Kind::Refused && error.to_string().contains(state),
            "{error}"
        );
    }
    ask(&engine, "set_clock", json!({ "advance_seconds": 60 }))
        .await
        .unwrap();
    let states: Vec<String> = engine
        .auth_links()
        .await
        .unwrap()
        .iter()
        .map(|link| {
            format!(
                "{}@{} {:?}",
                link.identifier, link.connection_name, link.state
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            "alice@gmail Used",
            "alice@calendar Expired",
            "bob@gmail Denied"
        ]
    );
    engine.close().await;
}

#[tokio::test]
async fn a_completed_link_may_want_its_user_verified() {
    let engine = engine(None).await;
    let inner = &engine.parts.engine;
    let gmail = inner.connections().get("gmail").unwrap();
    let verification = crate::store::Verification {
        url: "https://app.example/verify?a=b".to_owned(),
        state: Some("s t".to_owned()),
    };
    let issued = inner
        .accounts()
        .issue_links("alice", &[gmail], Some(&verification))
        .await;
    assert_eq!(issued.unwrap().len(), 1);
    let link = engine.auth_links().await.unwrap().remove(0);
    let done = engine.complete_auth_link(&link.id, "key").await.unwrap();
    assert_eq!(done.status, AccountStatus::PendingVerification);
    let url = url::Url::parse(&done.verify_url.unwrap()).unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((&*query["a"], &*query["state"]), ("b", "s t"));
    let verified = inner
        .accounts()
        .verify_user(&query["auth_request_id"], "alice")
        .await;
    assert_eq!(verified.unwrap(), crate::store::Verified::Yes);
    engine.close().await;
}

#[tokio::test]
async fn bad_requests_name_the_field_and_the_rule() {
    let engine = engine(None).await;
    let status = |connection: &str, user: &str, status: &str| json!({ "connection_name": connection, "identifier": user, "status": status });
    for (name, request, kind, text) in [
        ("nothing", json!({}), Kind::Invalid, "`nothing`"),
        (
            "clock",
            json!({ "now": 1 }),
            Kind::Invalid,
            "unknown field `now`",
        ),
        (
            "set_clock",
            json!({ "advance_seconds": -1 }),
            Kind::Invalid,
            "`advance_seconds` goes from 0",
        ),
        (
            "set_clock",
            json!({ "freeze": "yes" }),
            Kind::Invalid,
            "`freeze`",
        ),
        (
            "reset",
            json!({ "seed_ids": -1 }),
            Kind::Invalid,
            "`seed_ids`",
        ),
        (
            "reset",
            json!({ "seed_ids": 1.5 }),
            Kind::Invalid,
            "`seed_ids`",
        ),
        (
            "add_fault",
            json!({ "path": "/a", "hang": 1 }),
            Kind::Invalid,
            "`hang`",
        ),
        (
            "add_fault",
            json!({ "path": "/a", "hang": true, "probability": 2 }),
            Kind::Invalid,
            "`probability`",
        ),
        (
            "add_fault",
            json!({ "paht": "/a" }),
            Kind::Invalid,
            "unknown field `paht`",
        ),
        (
            "add_fault",
            json!({ "path": "/a", "latency_ms": -5 }),
            Kind::Invalid,
            "`latency_ms`",
        ),
        (
            "journal",
            json!({ "wait_for": -1 }),
            Kind::Invalid,
            "`wait_for`",
        ),
        (
            "journal",
            json!({ "kind": "grpc" }),
            Kind::Invalid,
            "`kind`",
        ),
        (
            "journal",
            json!({ "timeout_seconds": 1 }),
            Kind::Invalid,
            "`wait_for`",
        ),
        (
            "journal",
            json!({ "wait_for": 1, "timeout_seconds": 601 }),
            Kind::Invalid,
            "10 minutes",
        ),
        (
            "set_account_status",
            status("gmial", "a", "EXPIRED"),
            Kind::Unknown,
            "did you mean `gmail`",
        ),
        (
            "set_account_status",
            status("gmail", "a", "EXPIRED"),
            Kind::Unknown,
            "user `a` has no",
        ),
        (
            "set_account_status",
            status("gmail", "a", "GONE"),
            Kind::Invalid,
            "`status`",
        ),
        (
            "set_account_status",
            json!({ "identifier": "a" }),
            Kind::Invalid,
            "missing field `connection_name`",
        ),
        (
            "deny_auth_link",
            json!({ "link_id": 5 }),
            Kind::Invalid,
            "`link_id`",
        ),
    ] {
        let error = ask(&engine, name, request.clone()).await.unwrap_err();
        assert!(
            error.kind == kind && error.to_string().contains(text),
            "{name} {request}: {error}"
        );
    }
    for wrong in ["[]", "{", "5", r#"{"a":1"#] {
        let error = run(&engine.parts, "reset", wrong).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{wrong}");
    }
    engine.close().await;
}

#[tokio::test]
async fn seeded_ids_come_again_after_a_reset_and_secrets_do_not() {
    let steps = async |engine: &LocalEngine| {
        let seed = Seed::new()
            .config(SeedConfig::new("one").all_tools_of("gmail"))
            .config(SeedConfig::new("two"))
            .account(SeedAccount::new("gmail", "alice").credential("key"));
        engine.seed(seed).await.unwrap();
        let inner = &engine.parts.engine;
        let mut found = Vec::new();
        for name in ["one", "two"] {
            let id = inner
                .store()
                .config_id_by_name(name)
                .await
                .unwrap()
                .unwrap();
            let config = inner.store().config(&id).await.unwrap().unwrap();
            found.extend([config.id, config.server_uuid]);
        }
        let gmail = inner.connection("gmail").unwrap();
        let account = inner
            .accounts()
            .for_call(gmail, "alice")
            .await
            .unwrap()
            .unwrap();
        found.extend([account.id, inner.request_ids().next()]);
        let entry = inner.connections().get("gmail").unwrap();
        let link = inner
            .accounts()
            .issue_links("bob", &[entry], None)
            .await
            .unwrap()
            .remove(0);
        (
            found,
            secrecy::ExposeSecret::expose_secret(&link.link).to_owned(),
        )
    };
    let engine = engine(Some(7)).await;
    let (ids, link) = steps(&engine).await;
    assert!(
        ids[0].starts_with("cfg_") && ids[0].len() == 22 && ids[0] < ids[2],
        "{ids:?}"
    );
    assert_eq!(uuid::Uuid::parse_str(&ids[1]).unwrap().get_version_num(), 4);
    assert!(ids[5].starts_with("req_") && ids[5].len() == 36, "{ids:?}");
    engine.reset().await.unwrap();
    let (again, other_link) = steps(&engine).await;
    assert_eq!(again, ids);
    assert_ne!(link, other_link);
    engine.reset_with_ids(8).await.unwrap();
    let other = steps(&engine).await.0;
    assert!(ids.iter().all(|id| !other.contains(id)), "{other:?}");
    engine.reset_with_ids(7).await.unwrap();
    assert_eq!(steps(&engine).await.0, ids);
    engine.close().await;
}

#[tokio::test]
async fn a_seeded_engine_that_is_restarted_gives_no_id_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut known = std::collections::HashSet::new();
    for (round, seed) in [Some(7), Some(7), None, Some(7), Some(8)]
        .into_iter()
        .enumerate()
    {
        let mut builder = LocalEngine::builder().data_folder(folder.path());
        if let Some(seed) = seed {
            builder = builder.seed_ids(seed);
        }
        let engine = builder.start().await.unwrap();
        let name = format!("round-{round}");
        engine
            .seed(Seed::new().config(SeedConfig::new(&name)))
            .await
            .unwrap();
        let id = engine
            .parts
            .engine
            .store()
            .config_id_by_name(&name)
            .await
            .unwrap()
            .unwrap();
        assert!(known.insert(id));
        engine.close().await;
    }
}
