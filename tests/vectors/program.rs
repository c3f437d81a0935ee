//! The server as runners in other languages meet it: a program that speaks HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One request on its own connection; the answer's status and body.
fn ask(method: &str, url: &str, headers: &str, body: &str) -> (u16, Value) {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

const JSON: &str = "content-type: application/json\r\n";

#[test]
fn a_case_is_played_over_http_from_start_to_verdict() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vmcp-vectors"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let _program = Program(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let base = serde_json::from_str::<Value>(&line).unwrap()["base_url"]
        .as_str()
        .unwrap()
        .to_owned();

    let (_, cases) = ask("GET", &format!("{base}/cases"), "", "");
    let id = "delete_config/empty-object";
    let listed = cases
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["id"] == id)
        .unwrap();
    assert_eq!(listed["call"]["operation"], "delete_config");
    assert!(listed.get("exchanges").is_none());

    let (_, one) = ask("POST", &format!("{base}/cases/{id}/start"), "", "");
    let (_, other) = ask("POST", &format!("{base}/cases/{id}/start"), "", "");
    assert_ne!(
        one["env_url"], other["env_url"],
        "every run has a place of its own"
    );
    let env_url = one["env_url"].as_str().unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        one["client"]["client_id"].as_str().unwrap(),
        one["client"]["client_secret"].as_str().unwrap()
    );
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let (_, granted) = ask("POST", &format!("{env_url}/oauth/token"), kind, &form);
    let bearer = format!(
        "authorization: Bearer {}\r\n",
        granted["access_token"].as_str().unwrap()
    );
    let (status, _) = ask(
        "DELETE",
        &format!("{env_url}/api/v1/mcp/configs/cfg_1"),
        &bearer,
        "",
    );
    assert_eq!(status, 200);

    let verdict_url = one["verdict_url"].as_str().unwrap();
    let good = json!({ "ok": true, "problems": [], "requests": 1, "token_requests": 1 });
    assert_eq!(ask("GET", verdict_url, "", "").1, good);
    assert_eq!(ask("POST", verdict_url, JSON, r#"{"result":null}"#).1, good);
    let (_, bad) = ask("POST", verdict_url, JSON, r#"{"result":{"id":"x"}}"#);
    assert_eq!(bad["ok"], false);
    let (_, unplayed) = ask("GET", other["verdict_url"].as_str().unwrap(), "", "");
    assert_eq!(unplayed["problems"], json!(["requests: expected 1, got 0"]));
}

#[test]
fn what_does_not_exist_is_refused_in_a_sentence() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(super::Server::start(Vec::new())).unwrap();
    let base = server.base_url();
    for (method, path) in [
        ("POST", "/cases/none/such/start"),
        ("POST", "/cases/none"),
        ("GET", "/run/7/verdict"),
        ("GET", "/run/7/api"),
    ] {
        let (status, body) = ask(method, &format!("{base}{path}"), "", "");
        assert_eq!(status, 404, "{path}");
        assert!(
            body["message"].as_str().unwrap().len() > 10,
            "{path} {body}"
        );
    }
}
