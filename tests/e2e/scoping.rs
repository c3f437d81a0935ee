//! What is not listed cannot be called, and what is hidden looks as if it did not exist: for random
//! configs, users, statuses, access levels and both eras. `VMCP_SCOPING_CASES` says for how many.

use std::fmt::Write as _;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use scalekit_vmcp::{AccessLevel, AccountRef, ConnectionToolMapping, NewConfig};
use scalekit_vmcp_engine::controls::{AccountStatus, AuditFilter, Decision, Seed, SeedAccount};
use serde_json::{Value, json};

use crate::scene::{Answer, Scene};

const LETTERS: [&str; 4] = ["a", "b", "c", "d"];
const NOBODY: &str = "nonsense";

/// A sandbox connection that needs a key.
#[derive(Debug, Clone)]
struct Connection {
    prefix: String,
    /// Which of the letters it has as tools, and whether each only reads.
    tools: [Option<bool>; 4],
    /// The name of its first tool, if another one.
    renamed: bool,
}

#[derive(Debug, Clone)]
struct User {
    /// What becomes of each account after the token was minted; none: it is deleted.
    statuses: Vec<Option<AccountStatus>>,
    /// The user has listed the tools before that.
    looked_before: bool,
    read_only: bool,
    modern: bool,
}

/// A tool that a config shows.
struct Shown {
    name: String,
    letter: usize,
    reads: bool,
}

#[derive(Debug, Clone)]
struct Case {
    connections: Vec<Connection>,
    /// Per connection, in this order: whether the config has it, and with which letters; none: all.
    mappings: Vec<(bool, Option<[bool; 4]>)>,
    users: Vec<User>,
}

impl Connection {
    fn exposed(&self, letter: usize) -> String {
        if self.renamed && letter == 0 {
            return format!("{}first", self.prefix);
        }
        format!("{}{}", self.prefix, LETTERS[letter])
    }

    /// The letters of its tools.
    fn letters(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        let tools = self.tools.iter().enumerate();
        tools.filter_map(|(letter, reads)| Some((letter, (*reads)?)))
    }

    fn write(&self, name: &str, folder: &std::path::Path) -> String {
        let (mut tools, mut results) = (Vec::new(), json!({}));
        for (letter, reads) in self.letters() {
            let letter = LETTERS[letter];
            tools.push(json!({
                "name": letter, "inputSchema": { "type": "object" },
                "annotations": { "readOnlyHint": reads },
            }));
            let text = format!("{letter} of {name} for {{identifier}}");
            results[letter] = json!({ "content": [{ "type": "text", "text": text }] });
        }
        let file = folder.join(format!("{name}.json"));
        let sandbox = json!({ "tools": tools, "results": results });
        std::fs::write(&file, sandbox.to_string()).unwrap();
        let file = file.display();
        let mut toml = format!("[connections.{name}]\nsandbox = \"{file}\"\nauth = \"api_key\"\n");
        if !self.prefix.is_empty() {
            writeln!(toml, "prefix = \"{}\"", self.prefix).unwrap();
        }
        if self.renamed && self.tools[0].is_some() {
            writeln!(toml, "rename = {{ a = \"{}first\" }}", self.prefix).unwrap();
        }
        toml
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let connection = (
        prop::sample::select(vec!["", "", "x_", "y."]),
        prop::array::uniform4(any::<Option<bool>>()),
        any::<bool>(),
    );
    let connection = connection.prop_map(|(prefix, tools, renamed)| Connection {
        prefix: prefix.to_owned(),
        tools,
        renamed,
    });
    let status = prop_oneof![
        4 => Just(Some(AccountStatus::Active)),
        1 => Just(Some(AccountStatus::Expired)),
        1 => Just(Some(AccountStatus::Disconnected)),
        1 => Just(Some(AccountStatus::PendingAuth)),
        1 => Just(None),
    ];
    let user = (
        prop::collection::vec(status, 3),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let user = user.prop_map(|(statuses, looked_before, read_only, modern)| User {
        statuses,
        looked_before,
        read_only,
        modern,
    });
    let mapping = (prop::bool::weighted(0.8), any::<Option<[bool; 4]>>());
    (
        prop::collection::vec(connection, 3),
        prop::collection::vec(mapping, 3),
        prop::collection::vec(user, 1..3),
    )
        .prop_map(|(connections, mappings, users)| Case {
            connections,
            mappings,
            users,
        })
        .prop_filter("a config of nothing has no tokens", |case| {
            !case.shown().is_empty()
        })
}

impl Case {
    /// What the config shows of each of its connections, in its order.
    /// A name that one before brings already is not asked for: such a config is refused.
    fn shown(&self) -> Vec<(usize, Vec<Shown>)> {
        let mut taken = Vec::new();
        let mut shown = Vec::new();
        for (index, (present, only)) in self.mappings.iter().enumerate() {
            if !present {
                continue;
            }
            let connection = &self.connections[index];
            let mut tools: Vec<_> = connection
                .letters()
                .filter(|(letter, _)| only.is_none_or(|only| only[*letter]))
                .map(|(letter, reads)| Shown {
                    name: connection.exposed(letter),
                    letter,
                    reads,
                })
                .collect();
            tools.retain(|tool| !taken.contains(&tool.name));
            taken.extend(tools.iter().map(|tool| tool.name.clone()));
            if !tools.is_empty() {
                shown.push((index, tools));
            }
        }
        shown
    }

    /// Every name that could mean something to somebody, and one that never does.
    fn universe(&self) -> Vec<String> {
        let mut names: Vec<String> = LETTERS.map(str::to_owned).into();
        for connection in &self.connections {
            names.extend((0..4).map(|letter| connection.exposed(letter)));
            names.extend(LETTERS.map(|letter| format!("{}{letter}", connection.prefix)));
        }
        names.push(NOBODY.to_owned());
        names.sort();
        names.dedup();
        names
    }
}

/// A request of the user's era.
async fn ask(
    scene: &Scene,
    url: &str,
    token: &str,
    user: &User,
    method: &str,
    name: Option<&str>,
) -> Answer {
    let mut parameters = json!({});
    let mut headers = Vec::new();
    if user.modern {
        parameters["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        headers.extend([
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ]);
    } else {
        headers.push(("mcp-protocol-version", "2025-11-25"));
    }
    if let Some(name) = name {
        parameters["name"] = json!(name);
        if user.modern {
            headers.push(("mcp-name", name));
        }
    }
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": parameters });
    let request = headers.into_iter().fold(
        scene
            .http
            .post(url)
            .bearer_auth(token)
            .body(body.to_string()),
        |request, (name, value)| request.header(name, value),
    );
    let request = request
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Answer {
        status,
        challenge: None,
        body: Value::String(text),
    }
}

/// The JSON of an answer.
fn json_of(answer: &Answer) -> Value {
    let text = answer.body.as_str().unwrap();
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{}: {text}", answer.status))
}

async fn check(case: Case) {
    let folder = tempfile::tempdir().unwrap();
    let toml: String = case
        .connections
        .iter()
        .enumerate()
        .map(|(index, connection)| connection.write(&format!("c{index}"), folder.path()))
        .collect();
    let scene = Scene::start(&toml).await;
    let shown = case.shown();
    let config = shown
        .iter()
        .fold(NewConfig::new("agent"), |config, (index, tools)| {
            let connection = format!("c{index}");
            let all = case.connections[*index].letters().count() == tools.len();
            if case.mappings[*index].1.is_none() && all {
                return config.all_tools_of(connection);
            }
            let names: Vec<_> = tools.iter().map(|tool| tool.name.clone()).collect();
            config.mapping(ConnectionToolMapping::new(connection, names))
        });
    let config = scene.client.create_config(config).await.unwrap();
    let url = config.mcp_server_url.clone().unwrap();
    for (number, user) in case.users.iter().enumerate() {
        let identifier = format!("user_{number}");
        // A token is minted while all is well; what happens then is what it must not outlive.
        let accounts = (0..case.connections.len())
            .map(|index| SeedAccount::new(format!("c{index}"), &*identifier).credential("key"));
        let seed = accounts.fold(Seed::new(), Seed::account);
        scene.engine.seed(seed).await.unwrap();
        let level = if user.read_only {
            AccessLevel::ReadOnly
        } else {
            AccessLevel::Full
        };
        let token = scene
            .client
            .create_session_token(&config, &*identifier)
            .access_level(level);
        let token = token.await.unwrap();
        let token = token.token();
        if user.looked_before {
            ask(&scene, &url, token, user, "tools/list", None).await;
        }
        for (index, status) in user.statuses.iter().enumerate() {
            let name = format!("c{index}");
            let Some(status) = status else {
                let account = AccountRef::new(name, &*identifier);
                scene
                    .client
                    .delete_connected_account(account)
                    .await
                    .unwrap();
                continue;
            };
            let set = scene.engine.set_account_status(&name, &identifier, *status);
            set.await.unwrap();
        }

        // What follows from the settings, the config and the user, by nobody's code but this.
        let mut expected = Vec::new();
        let mut running = Vec::new();
        let mut named = Vec::new();
        for (index, tools) in &shown {
            let active = user.statuses[*index] == Some(AccountStatus::Active);
            let known = active || user.looked_before && user.statuses[*index].is_some();
            for Shown {
                name,
                letter,
                reads,
            } in tools
            {
                if user.read_only && !reads {
                    continue;
                }
                if active {
                    let text = format!("{} of c{index} for {identifier}", LETTERS[*letter]);
                    running.push((name.clone(), text));
                }
                if known {
                    expected.push(name.clone());
                }
            }
            // A config that names a tool may say that its connection is not authorized.
            if !known {
                named.extend(tools.iter().map(|tool| tool.name.clone()));
            }
        }
        let listed = json_of(&ask(&scene, &url, token, user, "tools/list", None).await);
        let names: Vec<_> = match listed["result"]["tools"].as_array() {
            Some(tools) => tools
                .iter()
                .map(|tool| tool["name"].as_str().unwrap().to_owned())
                .collect(),
            // Nothing to show, with the reason.
            None => Vec::new(),
        };
        assert_eq!(names, expected, "{listed}");

        let nobody = ask(&scene, &url, token, user, "tools/call", Some(NOBODY)).await;
        assert!(
            json_of(&nobody)["error"]["message"]
                .as_str()
                .unwrap()
                .contains(NOBODY)
        );
        let before = scene.engine.audit(&AuditFilter::new()).await.unwrap().len();
        let universe = case.universe();
        for name in &universe {
            let answer = ask(&scene, &url, token, user, "tools/call", Some(name)).await;
            let body = json_of(&answer);
            let runs = running.iter().find(|(running, _)| running == name);
            if let Some((_, text)) = runs {
                assert_eq!(
                    body["result"]["content"][0]["text"], *text,
                    "{name}: {body}"
                );
            } else if names.contains(name) || body["result"]["isError"] == true {
                let text = body["result"]["content"][0]["text"]
                    .as_str()
                    .unwrap_or_default();
                assert!(
                    text.contains("needs the user's authorization"),
                    "{name}: {body}"
                );
                assert!(
                    names.contains(name) || named.contains(name),
                    "{name}: {body}"
                );
            } else {
                // To the byte as if nobody had it.
                let text = nobody.body.as_str().unwrap().replace(NOBODY, name);
                assert_eq!(
                    (answer.status, answer.body.as_str().unwrap()),
                    (nobody.status, &*text)
                );
            }
        }
        let records = scene
            .engine
            .audit(&AuditFilter::new())
            .await
            .unwrap()
            .split_off(before);
        assert_eq!(records.len(), universe.len());
        for record in records {
            let runs = running.iter().any(|(name, _)| *name == record.tool);
            assert_eq!(record.decision == Decision::Allowed, runs, "{record:?}");
        }
    }
}

#[test]
fn what_can_be_called_is_what_is_listed() {
    let cases_wanted = std::env::var("VMCP_SCOPING_CASES").map_or(12, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: cases_wanted,
        failure_persistence: None,
        max_shrink_iters: 50,
        ..Config::default()
    });
    let ran = runner.run(&cases(), |case| {
        runtime.block_on(check(case));
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}
