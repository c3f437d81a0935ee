//! How `vmcp serve` ends, and what it does not wait for.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
};

use rustix::process::Signal;
use scalekit_vmcp::NewConfig;

use super::process::{Serving, connect, mcp, serve, vmcp, write_request};

/// An MCP server over stdio whose tool tells the test that it was called, and answers when the test
/// says so.
const SLOW: &str = r#"
import json, socket, sys
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "initialize":
        answer["result"] = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "u", "version": "1"}}
    elif request["method"] == "tools/list":
        answer["result"] = {"tools": [{"name": "wait", "inputSchema": {"type": "object"}}]}
    elif request["method"] != "tools/call":
        answer["error"] = {"code": -32601, "message": "no"}
    else:
        beacon = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        beacon.recv(1)
        answer["result"] = {"content": [{"type": "text", "text": "at last"}]}
    print(json.dumps(answer), flush=True)
"#;

/// An engine with a call under way: the stream its answer comes by, and the end to release it with.
async fn with_a_call_under_way(folder: &Path) -> (Serving, TcpStream, TcpStream) {
    let beacon = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = beacon.local_addr().unwrap().port();
    std::fs::write(folder.join("slow.py"), SLOW).unwrap();
    let toml = format!(
        "[connections.slow]\nupstream = {{ command = \"python3\", args = [\"slow.py\", \"{port}\"] }}\n"
    );
    std::fs::write(folder.join("vmcp.toml"), toml).unwrap();
    let serving = serve(folder);
    let config = NewConfig::new("agent").all_tools_of("slow");
    let config = serving.client.create_config(config).await.unwrap();
    let session = serving.client.open_session(&config, "alice").await.unwrap();
    let path = session
        .url()
        .strip_prefix(&*serving.url)
        .unwrap()
        .to_owned();
    let token = session.token().await.unwrap();
    let (head, body) = mcp(token.token(), "tools/call", r#"{"name":"wait"}"#);
    let mut call = connect(&serving.url);
    let head = format!("{head}content-length: {}\r\n", body.len());
    write_request(
        &mut call,
        &serving.url,
        &format!("POST {path}"),
        &head,
        &body,
    );
    let (release, _) = beacon.accept().unwrap();
    (serving, call, release)
}

fn until_refused(url: &str) {
    while TcpStream::connect(url.strip_prefix("http://").unwrap()).is_ok() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn an_interrupt_lets_requests_finish_and_waits_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, mut call, mut release) = with_a_call_under_way(folder.path()).await;
    // One that has sent nothing yet, and one that has had its answer.
    let mut fresh = connect(&serving.url);
    let mut idle = connect(&serving.url);
    write_request(&mut idle, &serving.url, "GET /healthz", "", "");
    assert!(idle.read(&mut [0; 4096]).unwrap() > 0);

    serving.signal(Signal::INT);
    until_refused(&serving.url);
    // On a connection that was open before, the refusal has words, if there is an answer at all.
    write_request(&mut fresh, &serving.url, "GET /healthz", "", "");
    let mut refusal = [0; 4096];
    let length = fresh.read(&mut refusal).unwrap_or(0);
    let refusal = String::from_utf8_lossy(&refusal[..length]).into_owned();
    assert!(
        refusal.is_empty() || refusal.contains(" 503 ") && refusal.contains("is stopping"),
        "{refusal}"
    );
    release.write_all(b"x").unwrap();
    let mut answer = String::new();
    call.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("at last"), "{answer}");
    let mut serving = serving;
    assert_eq!(serving.process.wait().unwrap().code(), Some(0));
    assert!(!serving.log().contains("cut off"), "{}", serving.log());
}

#[tokio::test]
async fn a_request_that_hangs_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, _call, _release) = with_a_call_under_way(folder.path()).await;
    // Sent half, so that it never ends by itself.
    let mut half = connect(&serving.url);
    write_request(
        &mut half,
        &serving.url,
        "POST /oauth/token",
        "content-length: 100\r\n",
        "x",
    );
    let (code, log) = serving.interrupt();
    assert_eq!(code, 0);
    assert!(log.contains("requests under way were cut off"), "{log}");
}

#[tokio::test]
async fn a_second_interrupt_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, _call, _release) = with_a_call_under_way(folder.path()).await;
    serving.signal(Signal::INT);
    until_refused(&serving.url);
    let (code, log) = serving.interrupt();
    assert_eq!(code, 1);
    assert!(
        log.contains("stopped before requests under way had finished"),
        "{log}"
    );
    assert!(!log.contains("were cut off"), "{log}");
}

#[test]
fn a_second_engine_on_the_folder_is_told_the_process_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vmcp.toml"), "").unwrap();
    let first = serve(folder.path());
    let port = first.url.rsplit(':').next().unwrap();
    let sentence = format!("in use by another engine (process {})", first.process.id());
    // On the same port too, which is taken: the folder is what matters.
    for port in ["0", port] {
        let second = vmcp(folder.path())
            .args(["serve", "--port", port])
            .output()
            .unwrap();
        let text = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(1), "{text}");
        assert!(
            text.contains(&sentence) && text.lines().count() == 1,
            "{text}"
        );
    }
    let (code, _) = first.interrupt();
    assert_eq!(code, 0);
    assert_eq!(serve(folder.path()).interrupt().0, 0);
}
