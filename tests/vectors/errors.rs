//! `errors.json` against core, the engine and the bindings: every kind, every status and every code,
//! in both directions.

use std::{collections::BTreeSet, fs, path::Path};

use scalekit_vmcp::ErrorKind;
use scalekit_vmcp_tests::vectors::{self, Case, KindRow, Server, load_table};
use serde_json::json;

fn table() -> Vec<KindRow> {
    load_table(&vectors::directory()).unwrap()
}

fn pairs(table: &[KindRow]) -> BTreeSet<(String, String)> {
    table
        .iter()
        .flat_map(|row| {
            row.codes
                .iter()
                .map(|class| (row.kind.clone(), class.code.clone()))
        })
        .collect()
}

#[test]
fn the_table_has_every_kind_once_and_every_code_of_a_kind_once() {
    let table = table();
    let kinds: Vec<&str> = table.iter().map(|row| row.kind.as_str()).collect();
    let known: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds, known);
    let codes: usize = table.iter().map(|row| row.codes.len()).sum();
    assert_eq!(pairs(&table).len(), codes, "a code is there twice");
    for row in &table {
        let classes = row
            .codes
            .iter()
            .flat_map(|class| [&class.python, &class.node])
            .flatten();
        for class in classes.chain([&row.python, &row.node]) {
            let good = class.starts_with("Scalekit")
                && (class.ends_with("Exception") || class.ends_with("Error"));
            assert!(good, "`{class}` is no class of ours");
        }
    }
}

#[test]
fn what_cases_expect_is_in_the_table() {
    let pairs = pairs(&table());
    for case in vectors::load(&vectors::directory()).unwrap() {
        if let Some(error) = case.error {
            let pair = (error.kind, error.code);
            assert!(pairs.contains(&pair), "case `{}` expects {pair:?}", case.id);
        }
    }
}

/// The literals after `Error::argument(` and after `ErrorKind::Some,`: how core names its codes.
fn codes_in(source: &str) -> Vec<(String, String)> {
    let literal = |text: &str| {
        let text = text.trim_start().strip_prefix('"')?;
        Some(text.split_once('"')?.0.to_owned())
    };
    let named = source.split("ErrorKind::").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(',')?;
        let kind = ErrorKind::ALL
            .iter()
            .find(|kind| format!("{kind:?}") == name)?;
        Some((kind.as_str().to_owned(), literal(rest)?))
    });
    let arguments = source
        .split("Error::argument(")
        .skip(1)
        .filter_map(|rest| Some(("invalid_argument".to_owned(), literal(rest)?)));
    named.chain(arguments).collect()
}

/// How the engine and the bindings name theirs, which they make without core: a kind and a code in
/// a row, or a code that comes too late.
fn codes_beside_core_in(source: &str) -> Vec<(String, String)> {
    let row = |kind: &'static str| {
        let named = format!("\"{kind}\",");
        let code = |rest: &str| {
            let (code, after) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
            // JSON has keys there.
            (!after.starts_with(':')).then(|| (kind.to_owned(), code.to_owned()))
        };
        let rests = source.split(&named).skip(1);
        rests.filter_map(code).collect::<Vec<_>>()
    };
    let rows = ErrorKind::ALL.iter().flat_map(|kind| row(kind.as_str()));
    let closed = source
        .split("Failure::closed(\"")
        .skip(1)
        .filter_map(|rest| {
            let (code, _) = rest.split_once('"')?;
            Some(("closed".to_owned(), code.to_owned()))
        });
    rows.chain(closed).collect()
}

/// What only the engine and the bindings can say; no case plays them.
fn beside_core() -> BTreeSet<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    for directory in [
        "engine/src/local",
        "bindings-python/src",
        "bindings-node/src",
    ] {
        sources_below(&root.join(directory), &mut sources);
    }
    let found = sources
        .iter()
        .flat_map(|source| codes_beside_core_in(source));
    let core = core_sources();
    found.filter(|(_, code)| !says(&core, code)).collect()
}

fn says(sources: &[String], code: &str) -> bool {
    let quoted = format!("\"{code}\"");
    sources.iter().any(|source| source.contains(&quoted))
}

fn core_sources() -> Vec<String> {
    let mut sources = Vec::new();
    sources_below(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src"),
        &mut sources,
    );
    sources
}

fn sources_below(directory: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, into);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Tests make errors of their own.
            into.push(text.split("#[cfg(test)]").next().unwrap().to_owned());
        }
    }
}

/// Kinds and codes that no case can produce.
const UNREACHABLE: [(&str, &str); 7] = [
    ("invalid_argument", "unknown_operation"),
    ("timeout", "connect_failed"),
    ("connection", "connect_failed"),
    ("connection", "http_unavailable"),
    ("connection", "tls_unavailable"),
    ("protocol", "access_token_invalid"),
    ("closed", "runtime_closed"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_has_an_example_or_says_why_not() {
    let server = Server::start_directory(&vectors::directory())
        .await
        .unwrap();
    let beside_core = beside_core();
    for row in table() {
        for class in row.codes {
            let (kind, code) = (row.kind.as_str(), class.code.as_str());
            let impossible = UNREACHABLE.contains(&(kind, code))
                || beside_core.contains(&(kind.to_owned(), code.to_owned()));
            assert_eq!(class.unreachable.is_some(), impossible, "{kind}/{code}");
            assert_eq!(class.example.is_some(), !impossible, "{kind}/{code}");
            let Some(id) = class.example else { continue };
            let mut cases = server.cases().iter();
            let case = cases.find(|case| case.id == id).expect(&id);
            let stated = case.error.as_ref().expect(&id);
            assert_eq!(
                (stated.kind.as_str(), stated.code.as_str()),
                (kind, code),
                "{id}"
            );
            assert!(stated.message.is_some(), "`{id}` states no message");
            // Playing shows whether the server answered; that the case is right, another test.
            let run = server.run(&id).unwrap();
            let got = super::report(run.start_answer()).await.error.expect(&id);
            assert_eq!(
                json!(stated.status),
                got["status"],
                "`{id}` states another status"
            );
        }
    }
}

#[test]
fn every_code_is_explained_and_nothing_else() {
    let table = table();
    let codes: BTreeSet<&str> = table
        .iter()
        .flat_map(|row| row.codes.iter().map(|class| class.code.as_str()))
        .collect();
    assert_eq!(codes, scalekit_vmcp::codes().collect());
}

#[test]
fn what_can_be_said_is_in_the_table_and_nothing_else() {
    let sources = core_sources();
    let pairs = pairs(&table());
    let found: BTreeSet<_> = sources.iter().flat_map(|source| codes_in(source)).collect();
    assert!(found.len() > 30, "only {found:?}");
    let beside = beside_core();
    assert!(beside.len() > 5, "only {beside:?}");
    let missing: Vec<_> = found
        .union(&beside)
        .filter(|pair| !pairs.contains(*pair))
        .collect();
    assert!(missing.is_empty(), "not in errors.json: {missing:?}");
    for pair in pairs.difference(&beside) {
        assert!(
            says(&sources, &pair.1),
            "errors.json has {pair:?}, which nobody says"
        );
    }
}

#[test]
fn codes_are_found_as_core_writes_them() {
    let source = r#"
        Error::argument(
            "too_many", "x", y);
        Error::new(ErrorKind::Server, "broken", "text");
        404 => (ErrorKind::NotFound, "gone"), ErrorKind::Closed => 1, ErrorKind::ALL,
    "#;
    let found: Vec<_> = codes_in(source).into_iter().map(|(_, code)| code).collect();
    assert_eq!(found, ["broken", "gone", "too_many"]);
}

#[test]
fn codes_are_found_as_the_engine_and_the_bindings_write_them() {
    let source = r#"
        Self::new("server", "broken", message);
        EngineError::new(
            "closed",
            "gone",
            "text");
        Failure::closed("late", "text"); json!({ "kind": "closed", "code": code, "message": message });
    "#;
    let found: Vec<_> = codes_beside_core_in(source)
        .into_iter()
        .map(|(_, code)| code)
        .collect();
    assert_eq!(found, ["broken", "gone", "late"]);
}

/// Every status of the table, and some that it names only as a hundred or as `other`.
#[tokio::test(flavor = "multi_thread")]
async fn every_status_becomes_the_kind_and_code_of_the_table() {
    let table = table();
    let rows: Vec<(&str, &str, &str)> = table
        .iter()
        .flat_map(|row| row.codes.iter().map(|class| (row.kind.as_str(), class)))
        .flat_map(|(kind, class)| {
            class
                .statuses
                .iter()
                .map(move |status| (status.as_str(), kind, class.code.as_str()))
        })
        .collect();
    let find = |wanted: &str| rows.iter().find(|(status, ..)| *status == wanted);
    let exact = rows
        .iter()
        .filter_map(|(status, ..)| status.parse::<u16>().ok());
    let others = [300, 304, 399, 402, 418, 499, 505, 599, 600, 999];
    let cases: Vec<Case> = exact
        .chain(others)
        .map(|status| {
            let hundred = format!("{}xx", status / 100);
            let (_, kind, code) = find(&status.to_string())
                .or_else(|| find(&hundred))
                .or_else(|| find("other"))
                .unwrap();
            // 401 is tried once more with a new access token.
            let tries = if status == 401 { 2 } else { 1 };
            let exchange = json!({
                "expect": { "method": "GET", "path": "/api/v1/mcp/configs/cfg_1" },
                "answer": { "status": status },
            });
            serde_json::from_value(json!({
                "id": format!("status/{status}"),
                "client": { "max_retries": 0 },
                "call": { "operation": "get_config", "parameters": { "config_id": "cfg_1" } },
                "exchanges": vec![exchange; tries],
                "error": { "kind": kind, "code": code, "status": status, "attempts": tries },
                "requests": tries,
            }))
            .unwrap()
        })
        .collect();
    assert!(cases.len() >= 20);
    let ids: Vec<String> = cases.iter().map(|case| case.id.clone()).collect();
    let server = Server::start(cases).await.unwrap();
    let failed = super::play(&server, ids).await;
    assert!(failed.is_empty(), "{failed:#?}");
}
