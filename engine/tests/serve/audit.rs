//! The audit after a `kill -9`: whoever has read a record finds it again.

use scalekit_vmcp::NewConfig;

use super::process::{Serving, exported, mcp, serve_with};

const SANDBOX: &str = r#"{
    "tools": [{ "name": "read", "inputSchema": { "type": "object" } }],
    "results": { "read": { "content": [{ "type": "text", "text": "there" }] } }
}"#;

fn serve(folder: &std::path::Path) -> Serving {
    serve_with(folder, |command| {
        command.arg("--test-controls");
    })
}

/// The body of the answer to `GET /_local/audit`.
fn audit(serving: &Serving) -> String {
    let token = exported(&serving.greeting, "VMCP_ADMIN_TOKEN").unwrap();
    let head = format!("authorization: Bearer {token}\r\n");
    let answer = serving.send("GET", "/_local/audit", &head, "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn what_was_read_of_the_audit_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("box.json"), SANDBOX).unwrap();
    let toml = "[connections.box]\nsandbox = \"box.json\"\n";
    std::fs::write(folder.path().join("vmcp.toml"), toml).unwrap();
    let mut serving = serve(folder.path());
    let config = NewConfig::new("agent").all_tools_of("box");
    let config = serving.client.create_config(config).await.unwrap();
    let session = serving.client.open_session(&config, "alice").await.unwrap();
    let token = session.token().await.unwrap();
    let path = session.url().strip_prefix(&*serving.url).unwrap();
    let mut before = audit(&serving);
    for round in 1..=20 {
        let (head, body) = mcp(token.token(), "tools/call", r#"{"name":"read"}"#);
        assert!(serving.send("POST", path, &head, &body).contains("there"));
        before = audit(&serving);
        assert_eq!(before.matches("\"seq\":").count(), round);
    }
    serving.process.kill().unwrap();
    serving.process.wait().unwrap();
    drop(serving);
    assert_eq!(audit(&serve(folder.path())), before);
}
