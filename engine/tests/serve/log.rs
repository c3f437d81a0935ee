//! What `vmcp serve` prints: a greeting to paste, and a line for each request without any secret.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use super::process::{Serving, list_tools, serve, serve_with};

const SETTINGS: &str = r#"
[connections.crm]
sandbox = "crm.json"
auth = "api_key"

[connections.hub]
sandbox = "crm.json"

[connections.hub.auth.oauth2]
issuer = "http://127.0.0.1:9"
client_id = "x"
client_secret = "provider-client-secret"
"#;

const SANDBOX: &str = r#"{ "tools": [{ "name": "find", "inputSchema": { "type": "object" } }],
  "results": { "find": { "content": [{ "type": "text", "text": "found" }] } } }"#;

pub(crate) fn settings(folder: &std::path::Path) {
    std::fs::write(folder.join("vmcp.toml"), SETTINGS).unwrap();
    std::fs::write(folder.join("crm.json"), SANDBOX).unwrap();
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text
        .split_once(start)
        .unwrap_or_else(|| panic!("{start} in {text}"))
        .1;
    rest.split_once(end).unwrap().0
}

/// Uses every kind of secret there is; answers each by its kind.
pub(crate) fn use_secrets(serving: &Serving) -> BTreeMap<&'static str, String> {
    let mut secrets = BTreeMap::new();
    let token = serving.token();
    let call = |method, path: &str, body| serving.call(&token, method, path, body);
    let good = |answer: String| {
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        answer
    };

    let link = |body| {
        let answer = good(call("POST", "/api/v1/connected_accounts/magic_link", body));
        let path = between(&answer, r#""link":"http://127.0.0.1:"#, "\"").to_owned();
        path.split_once('/').unwrap().1.to_owned()
    };
    let open = link(r#"{"connector":"crm","identifier":"bob"}"#);
    let used = link(
        r#"{"connector":"crm","identifier":"alice","user_verify_url":"http://127.0.0.1:9/v","state":"verify-state-secret"}"#,
    );
    let page = serving.send("GET", &format!("/{used}"), "", "");
    let (cookie, form_token) = (
        between(&page, "set-cookie: ", ";"),
        between(&page, "name=\"form_token\" value=\"", "\""),
    );
    let form = format!("form_token={form_token}&api_key=user-api-key");
    let head = format!(
        "content-type: application/x-www-form-urlencoded\r\ncookie: {cookie}\r\norigin: null\r\n"
    );
    let onward = good(serving.send("POST", &format!("/{used}"), &head, &form));
    let request_id = between(&onward, "auth_request_id=", "&").to_owned();
    let verify = format!(r#"{{"auth_request_id":"{request_id}","identifier":"alice"}}"#);
    good(call(
        "POST",
        "/api/v1/connected_accounts/user/verify",
        &verify,
    ));

    let tokens = r#"{"connector":"hub","identifier":"alice","connected_account":{"authorization_details":{"oauth_token":{"access_token":"user-access-token","refresh_token":"user-refresh-token"}}}}"#;
    good(call("POST", "/api/v1/connected_accounts", tokens));
    good(call(
        "GET",
        "/api/v1/connected_accounts/auth?connector=hub&identifier=alice",
        "",
    ));
    // Secrets where none belongs.
    serving.send(
        "GET",
        "/connect/callback?state=callback-state&code=callback-code",
        "",
        "",
    );
    serving.send("GET", &format!("/{token}"), "", "");
    serving.send("GET", "/healthz?api_key=key-in-a-query", "", "");
    call(
        "GET",
        &format!(
            "/api/v1/connected_accounts/{}",
            open.rsplit('/').next().unwrap()
        ),
        "",
    );

    let config = good(call(
        "POST",
        "/api/v1/mcp/configs",
        r#"{"name":"agent","connection_tool_mappings":[{"connection_name":"crm"}]}"#,
    ));
    let id = between(&config, r#""id":""#, "\"");
    let url = between(&config, r#""mcp_server_url":""#, "\"");
    let minted = good(call(
        "POST",
        &format!("/api/v1/mcp/configs/{id}/tokens"),
        r#"{"identifier":"alice"}"#,
    ));
    let session = between(&minted, r#""token":""#, "\"").to_owned();
    assert!(list_tools(serving, url, &session).contains("find"));
    let admin = serving.exported("VMCP_ADMIN_TOKEN");
    call("POST", "/_local/clock", "{}");
    serving.call(&admin, "POST", "/_local/clock", "{}");

    secrets.insert("client secret", serving.exported("SCALEKIT_CLIENT_SECRET"));
    secrets.insert("admin token", admin);
    for (kind, value) in [
        ("access token", token),
        ("session token", session),
        ("auth_request_id", request_id),
    ] {
        secrets.insert(kind, value);
    }
    for (kind, path) in [("open link", open), ("used link", used)] {
        secrets.insert(kind, path.rsplit('/').next().unwrap().to_owned());
    }
    for (kind, value) in [
        ("form token", form_token),
        ("cookie", cookie.split_once('=').unwrap().1),
        ("state", "verify-state-secret"),
        ("API key", "user-api-key"),
        ("OAuth access token", "user-access-token"),
        ("OAuth refresh token", "user-refresh-token"),
        ("provider's client secret", "provider-client-secret"),
        ("callback's state", "callback-state"),
        ("callback's code", "callback-code"),
        ("key in a query", "key-in-a-query"),
    ] {
        secrets.insert(kind, value.to_owned());
    }
    secrets
}

#[test]
fn each_request_is_a_line_and_no_line_holds_a_secret() {
    // What a filter says of libraries counts too: they see the same requests.
    for (format, filter) in [
        ("text", None),
        ("json", None),
        ("text", Some("debug")),
        ("json", Some("trace")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        settings(folder.path());
        let serving = serve_with(folder.path(), |command| {
            command.args(["--test-controls", "--log-format", format]);
            command.envs(filter.map(|filter| ("VMCP_LOG", filter)));
        });
        let secrets = use_secrets(&serving);
        let (code, log) = serving.interrupt();
        assert_eq!(code, 0);
        for (kind, secret) in secrets {
            assert!(secret.len() > 8, "{kind}: {secret}");
            let shown = log.lines().find(|line| line.contains(&secret));
            assert!(
                shown.is_none(),
                "{format} {filter:?} shows a {kind}: {shown:?}"
            );
        }
        let requests: Vec<String> = if format == "json" {
            let events = log
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            let requests =
                events.filter(|event| event["target"] == "scalekit_vmcp_engine::request");
            requests
                .map(|event| {
                    assert!(
                        event["duration_ms"].is_number() && event["time"].is_string(),
                        "{event}"
                    );
                    assert!(
                        event["request_id"].as_str().unwrap().starts_with("req_"),
                        "{event}"
                    );
                    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                    format!(
                        "{} {} {} c={} u={}",
                        text("method"),
                        text("path"),
                        event["status"],
                        text("client"),
                        text("user")
                    )
                })
                .collect()
        } else {
            assert!(
                filter.is_some() || log.lines().all(|line| line.contains(" ms req_")),
                "{log}"
            );
            log.lines().map(str::to_owned).collect()
        };
        for line in [
            "POST /oauth/token 200",
            "GET /connect/… 200",
            "GET /connect/callback 4",
            "GET /… 404",
            "GET /healthz 200",
            "POST /api/v1/mcp/configs 201",
            "POST /_local/clock 401",
        ] {
            assert!(
                requests.iter().any(|request| request.contains(line)),
                "{line}: {log}"
            );
        }
        // Who asked, where a token says so.
        let of = |start: &str| {
            requests
                .iter()
                .find(|request| request.contains(start))
                .unwrap()
        };
        assert!(of("POST /api/v1/mcp/configs ").contains("=skc_"), "{log}");
        assert!(of("POST /mcp/v3/servers/").contains("=alice"), "{log}");
    }
}

#[test]
fn the_log_is_as_quiet_as_one_wants() {
    for filter in ["off", "warn"] {
        let folder = tempfile::tempdir().unwrap();
        settings(folder.path());
        let serving = serve_with(folder.path(), |command| {
            command.env("VMCP_LOG", filter);
        });
        serving.token();
        assert_eq!(serving.interrupt(), (0, String::new()), "{filter}");
    }
}

#[test]
fn what_it_prints_gets_an_access_token_when_it_is_pasted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vmcp.toml"), "").unwrap();
    let serving = serve(folder.path());
    let script: Vec<&str> = serving
        .greeting
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with(char::is_uppercase) && !line.starts_with("vmcp "))
        .collect();
    let script = script.join("\n");
    let shell = Command::new("sh").args(["-euc", &script]).output().unwrap();
    let answer: Value =
        serde_json::from_slice(&shell.stdout).unwrap_or_else(|_| panic!("{shell:?}"));
    let token = answer["access_token"].as_str().unwrap();
    let configs = serving.call(token, "GET", "/api/v1/mcp/configs", "");
    assert!(configs.starts_with("HTTP/1.1 200"), "{configs}");
}
