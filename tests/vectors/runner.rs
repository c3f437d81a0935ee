//! The Rust runner: makes the call of every case and hands what came of it to the vector server.

use std::{fmt::Write as _, sync::Arc};

use scalekit_vmcp::operations;
use scalekit_vmcp_tests::vectors::{self, Case, Report, Run, Server, load_file};
use serde_json::{Value, json};
use tokio::{process::Command, task::JoinSet};

mod errors;
mod program;

/// Nothing that the client reads: where `make coverage` wants what a process ran, and without which Windows opens no
/// socket.
const KEPT: [&str; 2] = ["LLVM_PROFILE_FILE", "SystemRoot"];

/// Makes the call of a started case; one with environment variables in a process of its own, to
/// which they belong as a whole.
async fn report(started: Value) -> Report {
    let Some(variables) = started["environment"].as_object() else {
        return vectors::report(&started).await;
    };
    let variables = variables
        .iter()
        .map(|(name, value)| (name, value.as_str().unwrap()));
    let output = Command::new(env!("CARGO_BIN_EXE_vmcp-play-case"))
        .arg(started.to_string())
        .env_clear()
        .envs(variables)
        .envs(
            KEPT.into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Plays these cases, eight at a time, and returns one line for each that failed.
async fn play(server: &Server, ids: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut failed = Vec::new();
    let mut playing = JoinSet::new();
    let mut ended = |id: String, run: Arc<Run>, report: Report| {
        let verdict = run.verdict(Some(&report));
        println!("{} {id}", if verdict.ok { "ok    " } else { "FAILED" });
        if !verdict.ok {
            failed.push(format!("{id}: {}", verdict.problems.join("; ")));
        }
    };
    for id in ids {
        if playing.len() == 8 {
            let (id, run, report) = playing.join_next().await.unwrap().unwrap();
            ended(id, run, report);
        }
        let run = server.run(&id).unwrap();
        playing.spawn(async move {
            let report = report(run.start_answer()).await;
            (id, run, report)
        });
    }
    while let Some(one) = playing.join_next().await {
        let (id, run, report) = one.unwrap();
        ended(id, run, report);
    }
    failed.sort();
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_passes() {
    let server = Server::start_directory(&vectors::directory())
        .await
        .unwrap();
    let ids: Vec<String> = server.cases().iter().map(|case| case.id.clone()).collect();
    let failed = play(&server, ids).await;
    let list = failed.iter().fold(String::new(), |mut list, line| {
        let _ = writeln!(list, "  {line}");
        list
    });
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n{list}",
        failed.len(),
        server.cases().len()
    );
    // For the test that all languages have played the same cases.
    if let Some(folder) = std::env::var_os("VMCP_VECTORS_RAN") {
        let ran: Vec<&str> = server.cases().iter().map(|case| case.id.as_str()).collect();
        let file = std::path::Path::new(&folder).join("rust.json");
        std::fs::write(file, serde_json::to_string(&ran).unwrap()).unwrap();
    }
}

#[test]
fn every_operation_has_cases_for_success_and_failure() {
    let cases = vectors::load(&vectors::directory()).unwrap();
    let names: Vec<&str> = operations()
        .into_iter()
        .map(|row| row.name)
        .chain([
            "open_session",
            "check",
            "wait_until_active/changes",
            "client",
        ])
        .collect();
    for name in &names {
        let of = |good: bool| {
            cases
                .iter()
                .filter(|case| case.call.operation == *name && case.result.is_some() == good)
                .count()
        };
        assert!(
            of(true) >= 1 && of(false) >= 1,
            "`{name}`: {} good, {} bad",
            of(true),
            of(false)
        );
    }
    for case in &cases {
        let name = case.call.operation.as_str();
        assert!(
            names.contains(&name),
            "case `{}` calls `{name}`, which does not exist",
            case.id
        );
    }
}

#[test]
fn every_argument_of_every_operation_is_refused_somewhere_before_any_request() {
    let cases = vectors::load(&vectors::directory()).unwrap();
    for row in operations() {
        let refused = |parameter: &str| {
            let named = parameter.trim_end_matches("_seconds");
            cases.iter().any(|case| {
                let argument = case
                    .error
                    .as_ref()
                    .and_then(|error| error.argument.as_deref());
                let argument = argument.and_then(|text| text.split(['[', '.']).next());
                case.call.operation == row.name
                    && case.requests == 0
                    && argument.is_some_and(|text| text == parameter || text == named)
            })
        };
        let missing: Vec<_> = row
            .parameters
            .iter()
            .filter(|name| !refused(name))
            .collect();
        assert!(missing.is_empty(), "`{}`: no bad {missing:?}", row.name);
    }
}

/// A case that is right in every part, to be spoiled in one.
fn sample() -> Value {
    json!({
        "id": "sample/right",
        "call": { "operation": "update_config", "parameters": { "config_id": "a b", "description": "x" } },
        "exchanges": [{
            "expect": { "method": "PUT", "path": "/api/v1/mcp/configs/a%20b", "body": { "description": "x" } },
            "answer": { "body": { "config": { "id": "a b", "name": "n" } } },
        }],
        "result": { "id": "a b", "name": "n", "connection_tool_mappings": [] },
        "requests": 1,
        "token_requests": 1,
    })
}

fn spoiled(name: &str, change: impl FnOnce(&mut Value)) -> Case {
    let mut case = sample();
    case["id"] = json!(format!("sample/{name}"));
    change(&mut case);
    serde_json::from_value(case).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_case_fails_by_the_part_that_is_wrong() {
    let again = |case: &mut Value| {
        let one = case["exchanges"][0].clone();
        case["exchanges"].as_array_mut().unwrap().push(one);
        case["requests"] = json!(2);
    };
    let cases = vec![
        spoiled("right", |_| {}),
        spoiled("method", |case| {
            case["exchanges"][0]["expect"]["method"] = json!("POST");
        }),
        spoiled("path", |case| {
            case["exchanges"][0]["expect"]["path"] = json!("/api/v1/mcp/configs/a b");
        }),
        spoiled("query", |case| {
            case["exchanges"][0]["expect"]["query"] = json!({ "x": "1" });
        }),
        spoiled("header", |case| {
            case["exchanges"][0]["expect"]["headers"] = json!({ "accept": "text/html" });
        }),
        spoiled("authorization", |case| {
            case["exchanges"][0]["expect"]["headers"] = json!({ "authorization": "Bearer other" });
        }),
        spoiled("body", |case| {
            case["exchanges"][0]["expect"]["body"] = json!({ "description": "y" });
        }),
        spoiled("no body", |case| {
            case["exchanges"][0]["expect"]["body"] = json!(null);
        }),
        spoiled("result", |case| case["result"]["name"] = json!("m")),
        spoiled("expected the error", |case| {
            case.as_object_mut().unwrap().remove("result");
            case["error"] = json!({ "kind": "not_found", "code": "not_found" });
        }),
        spoiled("requests: expected 2", again),
        spoiled("one too many", |case| {
            case["exchanges"] = json!([]);
            case["requests"] = json!(0);
        }),
        spoiled("requests for an access token", |case| {
            case["token_requests"] = json!(0);
        }),
        spoiled("got the error", |case| {
            case["exchanges"][0]["answer"] = json!({ "status": 404 });
        }),
        spoiled("shows the secret", |case| {
            case["client"] = json!({ "client_secret": "n0-config" });
            case["exchanges"][0]["answer"] =
                json!({ "status": 404, "body": { "message": "n0-config" } });
            case.as_object_mut().unwrap().remove("result");
            case["error"] = json!({ "kind": "not_found", "code": "not_found" });
        }),
        spoiled("came by", |case| case["proxied"] = json!(true)),
        spoiled("error.attempts", |case| {
            case["exchanges"][0]["answer"] = json!({ "status": 404 });
            case.as_object_mut().unwrap().remove("result");
            case["error"] = json!({ "kind": "not_found", "code": "not_found", "attempts": 2 });
        }),
        spoiled("error.message", |case| {
            case["exchanges"][0]["answer"] = json!({ "status": 404 });
            case.as_object_mut().unwrap().remove("result");
            case["error"] = json!({ "kind": "not_found", "code": "not_found", "message": "no" });
        }),
    ];
    let words: Vec<String> = cases
        .iter()
        .map(|case| case.id.replace("sample/", ""))
        .collect();
    let server = Server::start(cases).await.unwrap();
    for word in words {
        let failed = play(&server, [format!("sample/{word}")]).await;
        if word == "right" {
            assert!(failed.is_empty(), "{failed:?}");
        } else {
            let wanted = if word == "no body" {
                "expected none"
            } else {
                &word
            };
            assert!(
                matches!(&failed[..], [one] if one.split_once(": ").unwrap().1.contains(wanted)),
                "{word}: {failed:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_another_class_fails_and_so_does_one_that_shows_what_was_passed() {
    let case = json!({
        "id": "sample/class",
        "call": { "operation": "client", "parameters": { "env_url": "?", "client_id": "i", "client_secret": "hunter2" } },
        "error": { "kind": "invalid_argument", "code": "env_url_invalid" },
        "requests": 0,
    });
    let server = Server::start(vec![serde_json::from_value(case).unwrap()])
        .await
        .unwrap();
    let run = server.run("sample/class").unwrap();
    let right = report(run.start_answer()).await;
    assert!(run.verdict(Some(&right)).ok);
    let spoiled = |change: fn(&mut Report)| {
        let mut report = right.clone();
        change(&mut report);
        run.verdict(Some(&report)).problems.join("; ")
    };
    for (problem, change) in [
        (
            "class: expected `Error`, got `Other`",
            (|report| report.class = "Other".to_owned()) as fn(&mut Report),
        ),
        ("the report must name its `language`, not ``", |report| {
            report.language.clear();
        }),
        ("the error shows the secret `hunter2`", |report| {
            report.text.push_str("hunter2");
        }),
    ] {
        assert_eq!(spoiled(change), problem);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_shows_a_session_token_or_credentials_of_an_account_fails() {
    let case = json!({
        "id": "sample/leak",
        "call": { "operation": "create_connected_account", "parameters": {
            "connection_name": "gmail", "identifier": "u",
            "authorization_details": { "static_auth": { "keys": ["k3y-of-u", "u"] } },
        } },
        "exchanges": [{
            "expect": { "method": "POST", "path": "/api/v1/connected_accounts", "body": {
                "connector": "gmail", "identifier": "u",
                "connected_account": { "authorization_details": { "static_auth": { "keys": ["k3y-of-u", "u"] } } },
            } },
            "answer": { "status": 404, "body": { "token": "t.o.k" } },
        }],
        "error": { "kind": "not_found", "code": "not_found" },
        "requests": 1,
    });
    let server = Server::start(vec![serde_json::from_value(case).unwrap()])
        .await
        .unwrap();
    let run = server.run("sample/leak").unwrap();
    let right = report(run.start_answer()).await;
    assert!(run.verdict(Some(&right)).ok);
    for secret in ["t.o.k", "k3y-of-u"] {
        let mut report = right.clone();
        report.text.push_str(secret);
        assert_eq!(
            run.verdict(Some(&report)).problems,
            [format!("the error shows the secret `{secret}`")]
        );
    }
}

#[test]
fn no_id_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, cases: &Value| {
        std::fs::write(folder.path().join(name), cases.to_string()).unwrap();
    };
    write("sample.json", &json!([sample()]));
    assert_eq!(vectors::load(folder.path()).unwrap().len(), 1);
    write("sample.json", &json!([sample(), sample()]));
    let problem = vectors::load(folder.path()).unwrap_err();
    assert_eq!(problem, "two cases are called `sample/right`");
}

/// A word of the complaint, and the mistake that causes it.
type Spoil = (&'static str, fn(&mut Value));

#[test]
fn a_case_with_a_typing_mistake_does_not_load() {
    let load = |case: &Value| load_file("sample", &json!([case]).to_string());
    assert!(load(&sample()).is_ok());
    let spoil: [Spoil; 9] = [
        ("reqests", |case| case["reqests"] = json!(1)),
        ("retries", |case| case["client"] = json!({ "retries": 1 })),
        ("params", |case| case["call"]["params"] = json!({})),
        ("sttus", |case| {
            case["exchanges"][0]["answer"]["sttus"] = json!(200);
        }),
        ("exactly one of", |case| {
            case["error"] = json!({ "kind": "server", "code": "x" });
        }),
        ("cannot be on its connection", |case| {
            case["exchanges"][0]["answer"]["fault"] = json!("refuse_stream");
        }),
        ("scripts 1 exchanges", |case| case["requests"] = json!(2)),
        ("rws", |case| {
            *case = json!({ "table": { "operation": "x", "valid": {}, "rws": [] } });
        }),
        ("must be called", |case| case["id"] = json!("other/right")),
    ];
    for (word, change) in spoil {
        let mut case = sample();
        change(&mut case);
        let problem = load(&case).unwrap_err();
        assert!(problem.contains(word), "{word}: {problem}");
    }
}
