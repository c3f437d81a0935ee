//! The `vmcp` command as a process: what it prints, how it fails, and what a `kill -9` leaves.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod audit;
mod ends;
mod files;
mod kill;
mod log;
mod process;

use std::{io::Read, net::TcpListener, process::Output};

use scalekit_vmcp::NewConfig;

use process::{exported, list_tools, serve, serve_with, vmcp};

/// An MCP server over stdio that, while it or its child lives, holds a connection to the test.
const UPSTREAM: &str = r#"
import json, socket, subprocess, sys
beacon = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
subprocess.Popen(["sleep", "1000"], pass_fds=[beacon.fileno()])
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "initialize":
        answer["result"] = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "u", "version": "1"}}
    elif request["method"] == "tools/list":
        answer["result"] = {"tools": [{"name": "ping", "inputSchema": {"type": "object"}}]}
    else:
        answer["error"] = {"code": -32601, "message": "no"}
    print(json.dumps(answer), flush=True)
"#;

fn fails(folder: &std::path::Path, arguments: &[&str]) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = vmcp(folder).args(arguments).output().unwrap();
    assert!(stdout.is_empty());
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_is_wrong_is_one_sentence_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = fails(folder.path(), &["serve"]);
    assert!(
        code == 1 && text.starts_with("vmcp: cannot read the settings file `vmcp.toml`"),
        "{text}"
    );

    std::fs::write(
        folder.path().join("vmcp.toml"),
        "[connections.git]\nupstream = { comand = \"git\" }\n",
    )
    .unwrap();
    let (code, text) = fails(folder.path(), &["serve"]);
    assert!(
        code == 1 && text.starts_with("vmcp: vmcp.toml:2:14: ") && text.lines().count() == 1,
        "{text}"
    );
    assert!(
        !folder.path().join(".vmcp").exists(),
        "nothing is left behind"
    );

    assert_eq!(fails(folder.path(), &["serve", "--prot", "1"]).0, 2);
    assert_eq!(fails(folder.path(), &[]).0, 2);
}

#[tokio::test]
async fn a_killed_engine_keeps_what_it_acknowledged_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let beacon = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = beacon.local_addr().unwrap().port();
    std::fs::write(folder.path().join("upstream.py"), UPSTREAM).unwrap();
    let toml = format!(
        "[connections.up]\nupstream = {{ command = \"python3\", args = [\"upstream.py\", \"{port}\"] }}\n"
    );
    std::fs::write(folder.path().join("vmcp.toml"), toml).unwrap();

    let mut serving = serve(folder.path());
    let config = serving
        .client
        .create_config(NewConfig::new("agent").all_tools_of("up"))
        .await
        .unwrap();
    let session = serving.client.open_session(&config, "alice").await.unwrap();
    assert!(
        list_tools(
            &serving,
            session.url(),
            session.token().await.unwrap().token()
        )
        .contains("ping")
    );
    let (mut upstream, _) = beacon.accept().unwrap();

    serving.process.kill().unwrap();
    serving.process.wait().unwrap();
    // Ends only when the upstream and its own child have ended.
    assert!(matches!(upstream.read(&mut [0]), Ok(0) | Err(_)));

    let mode = std::os::unix::fs::PermissionsExt::mode(
        &folder
            .path()
            .join(".vmcp")
            .metadata()
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);

    let mut again = serve(folder.path());
    let kept = again.client.list_configs().await.unwrap();
    assert_eq!(
        (kept.total_size, kept.configs[0].id.as_str()),
        (1, config.id.as_str())
    );
    again.process.kill().unwrap();
    again.process.wait().unwrap();
}

#[test]
fn a_secret_of_the_settings_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("vmcp.toml"),
        "[clients.app]\nsecret = \"op s3cret;\"\n",
    )
    .unwrap();
    let serving = serve(folder.path());
    assert!(
        serving
            .greeting
            .contains(&"export SCALEKIT_CLIENT_ID=app".to_owned()),
        "{:?}",
        serving.greeting
    );
    assert!(
        !serving.greeting.concat().contains("s3cret"),
        "{:?}",
        serving.greeting
    );
}

#[test]
fn test_controls_come_with_a_token_and_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vmcp.toml"), "").unwrap();
    for (arguments, on) in [
        (&["--test-controls", "--seed-ids", "7"][..], true),
        (&[], false),
    ] {
        let serving = serve_with(folder.path(), |command| {
            command.args(arguments);
        });
        let token = exported(&serving.greeting, "VMCP_ADMIN_TOKEN");
        assert_eq!(token.is_some(), on);
        let head = format!("authorization: Bearer {}\r\n", token.unwrap_or_default());
        let answer = serving.send("POST", "/_local/clock", &head, "");
        let status = if on { "HTTP/1.1 200" } else { "HTTP/1.1 404" };
        assert!(answer.starts_with(status), "{answer}");
    }
    assert_eq!(fails(folder.path(), &["serve", "--seed-ids", "7"]).0, 2);
}
