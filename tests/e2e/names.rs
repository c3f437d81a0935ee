//! The names of tools: what users, configs and lists call them, and what only an upstream does.

use scalekit_vmcp::{ErrorKind, NewConfig};
use scalekit_vmcp_engine::controls::{AccountStatus, Diagnosis, DiagnosticsFilter, JournalFilter};
use serde_json::{Value, json};

use crate::{
    scene::{MAIL_CONNECTION, Scene, npm_server},
    teller::{Teller, told},
};

/// Mail, whose tools have other names here.
fn renamed_mail() -> String {
    format!("{MAIL_CONNECTION}prefix = \"my_\"\nrename = {{ mail_send = \"send.mail\" }}\n")
}

async fn diagnosis(scene: &Scene, filter: DiagnosticsFilter) -> Diagnosis {
    let mut found = scene.engine.diagnostics(&filter).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn reasons(diagnosis: &Diagnosis) -> Vec<(&str, &str)> {
    let left_out = diagnosis.left_out.iter();
    left_out
        .map(|one| (one.tool.as_str(), one.reason.as_str()))
        .collect()
}

#[tokio::test]
async fn everybody_but_the_upstream_says_the_exposed_names() {
    let scene = Scene::start(&renamed_mail()).await;
    let unknown = NewConfig::new("agent").connection("mail", ["mail_read"]);
    let error = scene.client.create_config(unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(
        error.to_string().contains("did you mean `my_mail_read`"),
        "{error}"
    );

    let config = NewConfig::new("agent").connection("mail", ["my_mail_read", "send.mail"]);
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    assert_eq!(
        agent.tool_names().await.unwrap(),
        ["my_mail_read", "send.mail"]
    );
    let sent = agent
        .call("send.mail", json!({ "to": "bob" }))
        .await
        .unwrap();
    assert_eq!(sent, "sent");
    assert_eq!(
        agent.call("my_mail_read", json!({})).await.unwrap(),
        "mail of alice: to bob"
    );
    // The upstream's own names are nobody's here.
    for own in ["mail_read", "mail_send", "my_mail_send"] {
        let error = agent.call(own, json!({})).await.unwrap_err().to_string();
        assert!(error.contains(&format!("Unknown tool: {own}")), "{error}");
    }
    let catalogue = scene.client.list_tools().await.unwrap();
    let names: Vec<_> = catalogue
        .tools
        .iter()
        .map(|tool| tool.name().unwrap())
        .collect();
    assert_eq!(names, ["my_mail_read", "send.mail"]);
    let called = scene
        .engine
        .journal(&JournalFilter::new().tool("send.mail"));
    assert_eq!(called[0].connection_name.as_deref(), Some("mail"));
}

#[tokio::test]
async fn a_real_upstream_hears_its_own_names_and_its_order_stays() {
    let upstream = Teller::new(&["zeta", "alpha", "old"]).serve().await;
    let toml = format!(
        "[connections.crm]\n{upstream}prefix = \"crm_\"\nrename = {{ old = \"new\" }}\n\
         [connections.erp]\n{upstream}prefix = \"erp_\"\n"
    );
    let scene = Scene::start(&toml).await;
    let crm = ["crm_zeta", "crm_alpha", "new"];
    let erp = ["erp_zeta", "erp_alpha", "erp_old"];
    // The order is the config's, then the upstream's; the names are the same with any neighbour.
    for (name, connections, expected) in [
        ("one", &["crm"][..], crm.to_vec()),
        ("two", &["erp", "crm"], [erp, crm].concat()),
        ("three", &["crm", "erp"], [crm, erp].concat()),
    ] {
        let config = connections
            .iter()
            .fold(NewConfig::new(name), |config, name| {
                config.all_tools_of(*name)
            });
        let config = scene.client.create_config(config).await.unwrap();
        let agent = scene.agent_of(&config, "alice").await;
        assert_eq!(agent.tool_names().await.unwrap(), expected, "{name}");
        for (exposed, own) in [("crm_zeta", "zeta"), ("new", "old")] {
            let told = told(&agent.call(exposed, json!({})).await.unwrap());
            assert_eq!(told["tool"], own);
        }
    }
}

#[tokio::test]
async fn what_has_no_name_is_neither_listed_nor_callable_and_diagnosed() {
    let long = "x".repeat(61);
    let upstream = Teller::new(&["fine", "a b", &long, "fine", "taken", "other"]);
    let toml = format!(
        "[connections.crm]\n{}prefix = \"crm_\"\nrename = {{ other = \"crm_taken\" }}\n",
        upstream.serve().await
    );
    let scene = Scene::start(&toml).await;
    let config = NewConfig::new("agent").all_tools_of("crm");
    let config = scene.client.create_config(config).await.unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    let filter = || {
        DiagnosticsFilter::new()
            .connection_name("crm")
            .identifier("alice")
    };
    let before = diagnosis(&scene, filter()).await;
    assert_eq!((before.tool_count, before.left_out.len()), (None, 0));

    assert_eq!(agent.tool_names().await.unwrap(), ["crm_fine", "crm_taken"]);
    let told = told(&agent.call("crm_taken", json!({})).await.unwrap());
    assert_eq!(told["tool"], "other");
    for name in ["crm_a b", "a b", &format!("crm_{long}"), &long, "taken"] {
        let error = agent
            .call(name.to_owned(), json!({}))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(&format!("Unknown tool: {name}")), "{error}");
    }
    let after = diagnosis(&scene, filter()).await;
    let expected = [
        ("a b", "name_invalid"),
        (&*long, "name_too_long"),
        ("fine", "listed_twice"),
        ("taken", "name_taken"),
    ];
    assert_eq!(reasons(&after), expected);
    assert!(after.left_out[3].message.contains("`other`"), "{after:?}");
    assert_eq!(after.tool_count, Some(2));
    assert_eq!(after.account_status, AccountStatus::Active);
    assert_eq!(after.protocol_version.as_deref(), Some("2026-07-28"));
    assert!(after.last_error.is_none());
}

#[tokio::test]
async fn a_name_of_two_connections_is_diagnosed_for_the_config() {
    let toml = format!(
        "[connections.a]\n{}[connections.b]\n{}",
        Teller::new(&["shared", "a"]).serve().await,
        Teller::new(&["shared", "b"]).serve().await
    );
    let scene = Scene::start(&toml).await;
    let both = NewConfig::new("both").all_tools_of("a").all_tools_of("b");
    let both = scene.client.create_config(both).await.unwrap();
    let agent = scene.agent_of(&both, "alice").await;
    assert_eq!(agent.tool_names().await.unwrap(), ["a", "b"]);
    assert!(agent.call("shared", json!({})).await.is_err());

    let filter = DiagnosticsFilter::new().config_id(&*both.id);
    let found = scene.engine.diagnostics(&filter).await.unwrap();
    assert_eq!(found.len(), 2);
    for diagnosis in &found {
        assert_eq!(reasons(diagnosis), [("shared", "name_of_two_connections")]);
    }
    // Of itself, a connection has no such trouble.
    let alone = diagnosis(&scene, DiagnosticsFilter::new().connection_name("a")).await;
    assert!(alone.left_out.is_empty(), "{alone:?}");
}

#[tokio::test]
async fn a_diagnosis_tells_status_era_and_the_last_error_and_no_secret() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let toml = format!(
        "[connections.memory]\nupstream = {{ command = \"node\", args = [{:?}] }}\n\
         [connections.dead]\nupstream = {{ url = \"http://127.0.0.1:{port}/mcp\", headers = {{ Authorization = \"Bearer {{api_key}}\" }} }}\nauth = \"api_key\"\n",
        npm_server("server-memory")
    );
    let scene = Scene::start(&toml).await;
    let config = NewConfig::new("agent")
        .all_tools_of("memory")
        .all_tools_of("dead");
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "hunter2").await;
    // What fails three times rests.
    for _ in 0..3 {
        let agent = scene.agent_of(&config, "alice").await;
        agent.tool_names().await.unwrap();
    }

    let found = scene
        .engine
        .diagnostics(&DiagnosticsFilter::new())
        .await
        .unwrap();
    let [dead, memory] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(memory.protocol_version.as_deref(), Some("2025-11-25"));
    assert_eq!(
        (memory.tool_count, memory.last_error.is_some()),
        (Some(9), false)
    );
    assert_eq!(
        (dead.protocol_version.as_deref(), dead.tool_count),
        (None, None)
    );
    assert_eq!((memory.retry_at, dead.retry_at.is_some()), (None, true));
    let error = dead.last_error.as_ref().unwrap();
    assert!(error.message.contains("`dead`"), "{error:?}");
    assert!(!format!("{found:?}").contains("hunter2"));

    scene
        .engine
        .set_account_status("dead", "alice", AccountStatus::Expired)
        .await
        .unwrap();
    let dead = diagnosis(&scene, DiagnosticsFilter::new().connection_name("dead")).await;
    assert_eq!(dead.account_status, AccountStatus::Expired);

    let error = scene
        .engine
        .diagnostics(&DiagnosticsFilter::new().config_id("cfg_0"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "control_target_unknown");
    let wrong = DiagnosticsFilter::new().connection_name("memry");
    let error = scene.engine.diagnostics(&wrong).await.unwrap_err();
    assert!(
        error.to_string().contains("did you mean `memory`"),
        "{error}"
    );
}

#[tokio::test]
async fn both_are_there_over_http() {
    let scene = Scene::start(&renamed_mail()).await;
    let config = NewConfig::new("agent").all_tools_of("mail");
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    agent.call("my_mail_read", json!({})).await.unwrap();
    let get = async |path: &str| {
        let request = scene
            .http
            .get(format!("{}/_local/{path}", scene.engine.env_url()))
            .bearer_auth(scene.engine.admin_token().unwrap());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        (status, body)
    };
    let (status, diagnosed) = get("diagnostics?identifier=alice").await;
    assert_eq!(
        (status, &diagnosed["diagnostics"][0]["tool_count"]),
        (200, &json!(2))
    );
    let (status, audited) = get("audit?tool=my_mail_read&limit=5").await;
    assert_eq!(
        (status, &audited["records"][0]["upstream_tool"]),
        (200, &json!("mail_read"))
    );
    assert_eq!(get("audit?limit=10001").await.0, 400);
    assert_eq!(get("audit?decision=maybe").await.0, 400);
    assert_eq!(get("diagnostics?config_id=cfg_0").await.0, 404);
}
