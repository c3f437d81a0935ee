//! Requests that no MCP client would send: each is refused in the words of the protocol, none harms the engine.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::security::{LIST, Stage};

/// A call of the modern era.
fn modern() -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    });
    let params = json!({ "name": "mail_read", "arguments": {}, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params })
}

const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const METHOD: (&str, &str) = ("mcp-method", "tools/call");
const NAME: (&str, &str) = ("mcp-name", "mail_read");

#[tokio::test]
async fn headers_that_say_something_else_than_the_body_are_refused() {
    let stage = Stage::start().await;
    let body = || modern().to_string();
    for good in [NAME, ("mcp-name", "=?base64?bWFpbF9yZWFk?=")] {
        let reply = stage.send(&[VERSION, METHOD, good], body()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["result"]["isError"], Value::Null);
    }
    let cases: &[&[(&str, &str)]] = &[
        &[VERSION, NAME],
        &[VERSION, METHOD],
        &[VERSION, ("mcp-method", "tools/list"), NAME],
        &[VERSION, ("mcp-method", "TOOLS/CALL"), NAME],
        &[VERSION, METHOD, ("mcp-name", "mail_send")],
        &[VERSION, METHOD, ("mcp-name", "=?base64?bWFpbF9zZW5k?=")],
        &[VERSION, METHOD, ("mcp-name", "=?base64?!?=")],
        &[VERSION, METHOD, METHOD, NAME],
        &[VERSION, METHOD, NAME, ("mcp-name", "mail_send")],
        &[("mcp-protocol-version", "2025-11-25"), METHOD, NAME],
        &[
            VERSION,
            ("mcp-protocol-version", "2025-11-25"),
            METHOD,
            NAME,
        ],
    ];
    for headers in cases {
        let reply = stage.send(headers, body()).await;
        let told = (
            reply.status,
            &reply.body["error"]["code"],
            &reply.body["id"],
        );
        assert_eq!(
            told,
            (400, &json!(-32020), &json!(7)),
            "{headers:?}: {}",
            reply.body
        );
    }
    stage.still_serves().await;
}

/// A call with an argument of so many lists in each other.
fn nested(depth: usize) -> String {
    let deep = "[".repeat(depth) + &"]".repeat(depth);
    call(&format!(
        r#"{{"name":"mail_read","arguments":{{"x":{deep}}}}}"#
    ))
}

fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_its_id_as_far_as_it_has_one() {
    let stage = Stage::start().await;
    let parse_error = (400, -32700);
    let invalid_request = (400, -32600);
    let invalid_params = (200, -32602);
    let (seven, none) = (json!(7), Value::Null);
    let of = |text: &str| text.as_bytes().to_vec();
    let bodies = [
        (of(""), parse_error, &none),
        (of(&LIST[..20]), parse_error, &none),
        (of(&format!("{LIST}{LIST}")), parse_error, &none),
        ([LIST.as_bytes(), b"\0"].concat(), parse_error, &none),
        (b"\xef\xbb\xbf{}".to_vec(), parse_error, &none),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"\xff\"}".to_vec(),
            parse_error,
            &seven,
        ),
        (of("null"), invalid_request, &none),
        (of("7"), invalid_request, &none),
        (of("{}"), invalid_request, &none),
        (of("[]"), invalid_request, &none),
        (of(&format!("[{LIST}]")), invalid_request, &none),
        (of(&format!("[{LIST},{LIST}]")), invalid_request, &none),
        (
            of(r#"{"id":7,"method":"tools/list"}"#),
            invalid_request,
            &seven,
        ),
        (of(&LIST.replace("2.0", "1.0")), invalid_request, &seven),
        (of(r#"{"jsonrpc":"2.0","id":7}"#), invalid_request, &seven),
        (
            of(r#"{"jsonrpc":"2.0","id":7,"method":7}"#),
            invalid_request,
            &seven,
        ),
        (of(&LIST.replace('7', r#"{"a":1}"#)), invalid_request, &none),
        (of(&LIST.replace('7', "null")), invalid_request, &none),
        (
            of(&LIST.replace('7', r#"7,"id":8"#)),
            invalid_request,
            &none,
        ),
        (of(&LIST.replace("{}", "[1]")), invalid_request, &seven),
        (
            of(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#),
            invalid_request,
            &none,
        ),
        (of(&call("{}")), invalid_params, &seven),
        (of(&call(r#"{"name":7}"#)), invalid_params, &seven),
        (
            of(&call(r#"{"name":"mail_read","arguments":[1]}"#)),
            invalid_params,
            &seven,
        ),
        (
            of(&call(r#"{"name":"mail_read","name":"mail_send"}"#)),
            invalid_params,
            &seven,
        ),
        (
            of(&LIST.replace("tools/list", "no/such")),
            (200, -32601),
            &seven,
        ),
        (of(&nested(130)), parse_error, &seven),
        (of(&nested(1_000_000)), parse_error, &seven),
        (of(&"[".repeat(4_000_000)), parse_error, &none),
        (of(&r#"{"id":"#.repeat(600_000)), parse_error, &none),
    ];
    for (body, (status, code), id) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(90)]).into_owned();
        let reply = stage.send(&[], body).await;
        let told = (
            reply.status,
            &reply.body["error"]["code"],
            &reply.body["id"],
        );
        assert_eq!(told, (status, &json!(code), id), "{shown}: {}", reply.body);
    }
    // Deep enough for anybody.
    let deep = stage.send(&[], nested(100)).await;
    assert_eq!(
        deep.body["result"]["content"][0]["type"], "text",
        "{}",
        deep.body
    );
    stage.still_serves().await;
}

#[tokio::test]
async fn headers_that_are_wrong_or_there_twice_are_refused() {
    let stage = Stage::start().await;
    let version = "mcp-protocol-version";
    let cases: [(&[(&str, &str)], u16); 8] = [
        (&[("content-type", "text/plain")], 415),
        (&[("content-type", "")], 415),
        (&[("accept", "text/html")], 406),
        (&[("accept", "application/json")], 406),
        (&[(version, "1999-01-01")], 400),
        (&[(version, "2025-11-25"), (version, "2025-06-18")], 400),
        (&[(version, "2025-11-25"), (version, "2025-11-25")], 400),
        (&[("origin", "http://evil.example"), ("origin", "")], 403),
    ];
    for (headers, status) in cases {
        let reply = stage.send(headers, LIST).await;
        assert_eq!(
            (reply.status, &reply.body["id"]),
            (status, &json!(7)),
            "{headers:?}"
        );
        assert!(reply.body["error"]["message"].is_string(), "{headers:?}");
    }
    stage.still_serves().await;
}

/// Sends a list with this head, written by hand because an HTTP library would not; the status of the answer, and
/// whether tools are in it.
async fn by_hand(stage: &Stage, head: &str) -> (u16, bool) {
    let length = LIST.len().to_string();
    let answer = exchange(stage, &head.replace("LENGTH", &length), LIST).await;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.contains("mail_read"))
}

/// Reads only when all is sent.
async fn exchange(stage: &Stage, head: &str, body: &str) -> String {
    let authority = stage
        .scene
        .engine
        .env_url()
        .strip_prefix("http://")
        .unwrap();
    let path = stage.url.split_once(authority).unwrap().1;
    let head = head.replace("ENGINE", authority).replace('\n', "\r\n");
    let token = &stage.token;
    let usual = "content-type: application/json\r\naccept: application/json, text/event-stream\r\nconnection: close";
    let request = format!(
        "POST {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\n{usual}\r\n{head}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_still_gets_its_answer() {
    let stage = Stage::start().await;
    let body = LIST.replace("{}", &format!(r#"{{"x":"{}"}}"#, "x".repeat(30 << 20)));
    let head = format!("host: ENGINE\ncontent-length: {}", body.len());
    let answer = exchange(&stage, &head, &body).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains(r#""id":7"#), "{answer}");
    stage.still_serves().await;
}

#[tokio::test]
async fn of_two_hosts_origins_or_lengths_none_counts() {
    let stage = Stage::start().await;
    for (head, status) in [
        ("host: ENGINE\ncontent-length: LENGTH", 200),
        ("content-length: LENGTH", 403),
        (
            "host: ENGINE\nhost: evil.example\ncontent-length: LENGTH",
            403,
        ),
        (
            "host: evil.example\nhost: ENGINE\ncontent-length: LENGTH",
            403,
        ),
        (
            "host: ENGINE\norigin: http://ENGINE\norigin: http://evil.example\ncontent-length: LENGTH",
            403,
        ),
        (
            "host: ENGINE\ncontent-length: LENGTH\ncontent-length: 5",
            400,
        ),
        (
            "host: ENGINE\ncontent-length: LENGTH\ntransfer-encoding: chunked",
            400,
        ),
        ("host: ENGINE\ncontent-length: -1", 400),
    ] {
        assert_eq!(
            by_hand(&stage, head).await,
            (status, status == 200),
            "{head}"
        );
    }
    stage.still_serves().await;
}
