//! The audit: one record per call, whatever comes of it, and no value in any of them.

use std::collections::HashSet;

use scalekit_vmcp::{NewConfig, Target};
use scalekit_vmcp_engine::controls::{
    AccountStatus, AuditFilter, AuditRecord, Decision, Fault, JournalFilter, Outcome,
};
use serde_json::json;

use crate::{
    scene::{MAIL_CONNECTION, Scene},
    teller::{Teller, told},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn audit(scene: &Scene) -> Vec<AuditRecord> {
    scene.engine.audit(&AuditFilter::new()).await.unwrap()
}

/// What came of a call, in short.
fn end(record: &AuditRecord) -> (&str, Decision, Option<&str>, Outcome) {
    let reason = record.reason.as_deref();
    (&record.tool, record.decision, reason, record.outcome)
}

#[tokio::test]
async fn every_call_is_one_record_that_says_how_it_ended() {
    let scene = Scene::start(&format!("{MAIL_CONNECTION}prefix = \"my_\"\n")).await;
    let config = NewConfig::new("agent").connection("mail", ["my_mail_send"]);
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "key-hunter2").await;
    let agent = scene.agent_of(&config, "alice").await;
    let secret = json!({ "to": "hunter2" });
    agent.call("my_mail_send", secret.clone()).await.unwrap();
    // It misses an argument, which the tool calls an error.
    agent.call("my_mail_send", json!({})).await.unwrap();
    agent.call("my_mail_read", json!({})).await.unwrap_err();
    agent.call("nonsense", secret.clone()).await.unwrap_err();
    let fault = Fault::on_connection("mail").method("tools/call");
    scene.engine.add_fault(fault.status(500)).unwrap();
    agent.call("my_mail_send", secret.clone()).await.unwrap();
    scene.engine.clear_faults();
    scene
        .engine
        .set_account_status("mail", "alice", AccountStatus::Expired)
        .await
        .unwrap();
    agent.call("my_mail_send", secret).await.unwrap();
    // A list is no call.
    agent.tool_names().await.unwrap();

    let records = audit(&scene).await;
    let ends: Vec<_> = records.iter().map(end).collect();
    let (send, allowed, refused) = ("my_mail_send", Decision::Allowed, Decision::Refused);
    let unknown = (refused, Some("unknown_tool"), Outcome::Refused);
    let expected = [
        (send, allowed, None, Outcome::Ok),
        (send, allowed, None, Outcome::ToolError),
        ("my_mail_read", unknown.0, unknown.1, unknown.2),
        ("nonsense", unknown.0, unknown.1, unknown.2),
        (send, allowed, None, Outcome::UpstreamFailed),
        (
            send,
            refused,
            Some("authorization_required"),
            Outcome::AuthorizationRequired,
        ),
    ];
    assert_eq!(ends, expected);
    for record in &records {
        assert_eq!(record.identifier, "alice");
        assert_eq!(record.config_id.as_deref(), Some(&*config.id));
        let known = record.tool == send;
        assert_eq!(record.connection_name.as_deref(), known.then_some("mail"));
        assert_eq!(
            record.upstream_tool.as_deref(),
            known.then_some("mail_send")
        );
    }
    let digests: Vec<_> = records
        .iter()
        .map(|record| &record.arguments_digest)
        .collect();
    assert_eq!(digests[0], digests[3]);
    assert_eq!(digests[1], digests[2]);
    assert_ne!(digests[0], digests[1]);
    assert!(!format!("{records:?}").contains("hunter2"));

    // Each has an id of its own, under which the journal knows the call and the HTTP request.
    let ids: HashSet<_> = records.iter().map(|record| &*record.request_id).collect();
    assert_eq!(ids.len(), records.len());
    let journal = scene.engine.journal(&JournalFilter::new());
    for id in ids {
        let same = journal
            .iter()
            .filter(|record| record.request_id.as_deref() == Some(id));
        assert_eq!(same.count(), 2, "{id}");
    }
}

#[tokio::test]
async fn records_are_found_by_what_they_hold() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = NewConfig::new("agent").all_tools_of("mail");
    let config = scene.client.create_config(config).await.unwrap();
    for user in ["alice", "bob"] {
        scene.authorize(&config, user, "key").await;
        let agent = scene.agent_of(&config, user).await;
        agent.call("mail_read", json!({})).await.unwrap();
        agent.call("nothing", json!({})).await.unwrap_err();
    }
    let of_connection = scene
        .client
        .open_session(Target::connection("mail"), "bob")
        .await
        .unwrap();
    let agent = scene.agent(&of_connection).await;
    agent.call("mail_read", json!({})).await.unwrap();

    let filter = AuditFilter::new;
    for (filter, count) in [
        (filter(), 5),
        (filter().identifier("bob"), 3),
        (filter().config_id(&*config.id), 4),
        (filter().connection_name("mail"), 3),
        (filter().tool("nothing"), 2),
        (filter().decision(Decision::Allowed), 3),
        (filter().decision(Decision::Refused).identifier("alice"), 1),
        (filter().since(2), 3),
        (filter().limit(2), 2),
    ] {
        let found = scene.engine.audit(&filter).await.unwrap();
        assert_eq!(found.len(), count, "{filter:?}: {found:?}");
    }
    let last = audit(&scene).await.pop().unwrap();
    assert_eq!(last.config_id, None);
    scene.engine.reset().await.unwrap();
    assert!(audit(&scene).await.is_empty());
}

/// `VMCP_AUDIT_CALLS` says how many.
#[tokio::test]
async fn the_table_keeps_its_bound_and_the_newest() {
    let calls = std::env::var("VMCP_AUDIT_CALLS").map_or(300, |text| text.parse().unwrap());
    let scene = Scene::start(&format!("[audit]\nkeep = 50\n{MAIL_CONNECTION}")).await;
    let config = NewConfig::new("agent").all_tools_of("mail");
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    for _ in 0..calls {
        agent.call("mail_read", json!({})).await.unwrap();
    }
    let records = audit(&scene).await;
    let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (calls - 49..=calls).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_call_that_is_given_up_is_recorded_too() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = NewConfig::new("agent").all_tools_of("mail");
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "key").await;
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let url = config.mcp_server_url.clone().unwrap();
    let hang = Fault::on_connection("mail").method("tools/call").hang();
    scene.engine.add_fault(hang).unwrap();
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "mail_read" } });
    let authorization = format!("Bearer {}", token.token());
    let calling = scene.post(&url, Some(&authorization), &[], call.to_string());
    // Ends the request once it hangs: the client closes its connection.
    let hanging = async {
        while scene.engine.faults()[0].fired == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = calling => panic!("answered with {}", answer.status),
        () = hanging => {}
    }
    let ended = JournalFilter::new().method("tools/call");
    let within = std::time::Duration::from_secs(10);
    let ended = scene.engine.wait_for(&ended, 1, within).await.unwrap();
    assert_eq!(ended[0].outcome, Some(Outcome::Cancelled));
    let records = audit(&scene).await;
    let expected = ("mail_read", Decision::Allowed, None, Outcome::Cancelled);
    assert_eq!(records.iter().map(end).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn a_trace_goes_on_to_the_upstream_and_nothing_else_does() {
    let toml = format!(
        "[connections.crm]\n{}",
        Teller::new(&["look"]).serve().await
    );
    let scene = Scene::start(&toml).await;
    let config = NewConfig::new("agent").all_tools_of("crm");
    let config = scene.client.create_config(config).await.unwrap();
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let authorization = format!("Bearer {}", token.token());
    let url = config.mcp_server_url.clone().unwrap();
    let other = TRACE.replace("b7ad6b7169203331", "1111111111111111");
    for (meta, headers, expected) in [
        (
            json!({ "traceparent": TRACE, "tracestate": "a=1", "vendor/other": "x" }),
            vec![],
            json!({ "traceparent": TRACE, "tracestate": "a=1" }),
        ),
        (
            json!({}),
            vec![("traceparent", TRACE), ("baggage", "k=v")],
            json!({ "traceparent": TRACE, "baggage": "k=v" }),
        ),
        (
            json!({ "traceparent": TRACE }),
            vec![("traceparent", &*other), ("tracestate", "b=2")],
            json!({ "traceparent": TRACE }),
        ),
        (json!({}), vec![], json!({})),
    ] {
        let call = json!({
            "jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": { "name": "look", "_meta": meta },
        });
        let answer = scene
            .post(&url, Some(&authorization), &headers, call.to_string())
            .await;
        let text = answer.body["result"]["content"][0]["text"].as_str();
        let mut told = told(text.unwrap_or_else(|| panic!("{}", answer.body)));
        // What the engine itself says to the upstream does not count.
        let heard = told["meta"].as_object_mut().unwrap();
        heard.retain(|key, _| {
            !key.starts_with("io.modelcontextprotocol/") && key != "progressToken"
        });
        assert_eq!(told["meta"], expected);
    }
}
