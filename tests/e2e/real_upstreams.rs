//! Servers that others wrote, behind one URL: every tool by its name, every definition as the server itself tells it,
//! and a call of each that does something.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use axum::{Router, response::Html, routing::get};
use rmcp::model::ContentBlock;
use scalekit_vmcp::NewConfig;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};

use crate::scene::{Scene, npm_server, upstreams};

/// What the engine loses of definitions. It may only shrink.
const LOST: &str = include_str!("real_upstreams.lost");

/// A server: its connection, its command, and the tools it has.
struct Server {
    name: &'static str,
    command: Vec<String>,
    env: Vec<(&'static str, String)>,
    tools: &'static [&'static str],
}

fn servers(folder: &Path) -> Vec<Server> {
    let path = |name: &str| folder.join(name).display().to_string();
    let python = |name: &str, args: &[&str]| {
        let command = upstreams().join("venv/bin").join(name);
        let args = args.iter().map(|arg| (*arg).to_owned());
        [command.display().to_string()]
            .into_iter()
            .chain(args)
            .collect::<Vec<_>>()
    };
    let node = |name: &str, args: &[&str]| {
        let args = args.iter().map(|arg| (*arg).to_owned());
        ["node".to_owned(), npm_server(name)]
            .into_iter()
            .chain(args)
            .collect::<Vec<_>>()
    };
    vec![
        Server {
            name: "git",
            command: python("mcp-server-git", &["--repository", &path("repository")]),
            env: Vec::new(),
            tools: &[
                "git_status",
                "git_diff_unstaged",
                "git_diff_staged",
                "git_diff",
                "git_commit",
                "git_add",
                "git_reset",
                "git_log",
                "git_create_branch",
                "git_checkout",
                "git_show",
                "git_branch",
            ],
        },
        Server {
            name: "time",
            command: python("mcp-server-time", &["--local-timezone", "UTC"]),
            env: Vec::new(),
            tools: &["get_current_time", "convert_time"],
        },
        Server {
            name: "fetch",
            command: python(
                "mcp-server-fetch",
                &["--ignore-robots-txt", "--allow-private-ips"],
            ),
            env: Vec::new(),
            tools: &["fetch"],
        },
        Server {
            name: "files",
            command: node("server-filesystem", &[&path("files")]),
            env: Vec::new(),
            tools: &[
                "read_file",
                "read_text_file",
                "read_media_file",
                "read_multiple_files",
                "write_file",
                "edit_file",
                "create_directory",
                "list_directory",
                "list_directory_with_sizes",
                "directory_tree",
                "move_file",
                "search_files",
                "get_file_info",
                "list_allowed_directories",
            ],
        },
        Server {
            name: "memory",
            command: node("server-memory", &[]),
            env: vec![("MEMORY_FILE_PATH", path("memory.json"))],
            tools: &[
                "create_entities",
                "create_relations",
                "add_observations",
                "delete_entities",
                "delete_observations",
                "delete_relations",
                "read_graph",
                "search_nodes",
                "open_nodes",
            ],
        },
        Server {
            name: "everything",
            command: node("server-everything", &["stdio"]),
            env: Vec::new(),
            tools: &[
                "echo",
                "get-annotated-message",
                "get-env",
                "get-resource-links",
                "get-resource-reference",
                "get-structured-content",
                "get-sum",
                "get-tiny-image",
                "gzip-file-as-resource",
                "toggle-simulated-logging",
                "toggle-subscriber-updates",
                "trigger-long-running-operation",
                "simulate-research-query",
            ],
        },
        Server {
            name: "thinking",
            command: node("server-sequential-thinking", &[]),
            env: Vec::new(),
            tools: &["sequentialthinking"],
        },
    ]
}

/// What the servers work on.
fn furnish(folder: &Path) {
    std::fs::create_dir(folder.join("files")).unwrap();
    std::fs::write(folder.join("files/note.txt"), "a note").unwrap();
    for args in [
        ["init", "-q", "-b", "trunk", "repository"].as_slice(),
        &[
            "-C",
            "repository",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.c",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "the first",
        ],
    ] {
        let git = Command::new("git").current_dir(folder).args(args).status();
        assert!(git.unwrap().success());
    }
}

fn toml(servers: &[Server]) -> String {
    let connections = servers.iter().map(|server| {
        let env: Vec<String> = server
            .env
            .iter()
            .map(|(name, value)| format!("{name} = {value:?}"))
            .collect();
        format!(
            "[connections.{}]\nupstream = {{ command = {:?}, args = {:?}, env = {{ {} }} }}\n",
            server.name,
            server.command[0],
            &server.command[1..],
            env.join(", ")
        )
    });
    connections.collect()
}

/// The server by itself, spoken to by hand.
struct Direct {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    modern: bool,
}

impl Direct {
    /// Starts it and finds out which era it speaks.
    fn start(server: &Server, folder: &Path) -> Self {
        let mut process = Command::new(&server.command[0])
            .args(&server.command[1..])
            .envs(server.env.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut direct = Self {
            process,
            stdin,
            stdout,
            modern: true,
        };
        direct.modern = direct
            .ask("server/discover", json!({}))
            .get("result")
            .is_some();
        if !direct.modern {
            let client = json!({ "name": "test", "version": "1" });
            direct.ask(
                "initialize",
                json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client }),
            );
            direct.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        direct
    }

    fn send(&mut self, message: &Value) {
        self.stdin
            .write_all(format!("{message}\n").as_bytes())
            .unwrap();
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Value {
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        self.send(&json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params }));
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == method && message.get("method").is_none() {
                return message;
            }
        }
    }

    fn tools(&mut self) -> Vec<Value> {
        let (mut tools, mut params) = (Vec::new(), json!({}));
        loop {
            let page = self.ask("tools/list", params);
            let result = &page["result"];
            tools.extend(result["tools"].as_array().unwrap().clone());
            let Some(cursor) = result.get("nextCursor").filter(|cursor| !cursor.is_null()) else {
                return tools;
            };
            params = json!({ "cursor": cursor });
        }
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The paths that are in `before` and not in `after`; nothing may be there that was not, or be another value.
fn compare(path: &str, before: &Value, after: &Value, lost: &mut BTreeSet<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let mut kept: Vec<_> = before
                .keys()
                .filter(|key| after.contains_key(*key))
                .collect();
            let mut found: Vec<_> = after.keys().collect();
            // The fields of MCP itself have no order; those of schemas are read by models.
            if !path.contains("Schema") {
                kept.sort();
                found.sort();
            }
            assert_eq!(kept, found, "order, or something new, at {path}");
            for (key, value) in before {
                let path = format!("{path}.{key}");
                match after.get(key) {
                    Some(after) => compare(&path, value, after, lost),
                    None => {
                        lost.insert(path);
                    }
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "at {path}");
            for (before, after) in before.iter().zip(after) {
                compare(&format!("{path}[]"), before, after, lost);
            }
        }
        _ => assert_eq!(before, after, "at {path}"),
    }
}

#[tokio::test]
async fn every_tool_is_told_as_its_server_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let servers = servers(folder.path());
    let scene = Scene::start(&toml(&servers)).await;
    let mut lost = BTreeSet::new();
    for server in &servers {
        let config = NewConfig::new(server.name).all_tools_of(server.name);
        let config = scene.client.create_config(config).await.unwrap();
        let session = scene.client.open_session(&config, "alice").await.unwrap();
        let token = session.token().await.unwrap();
        let bearer = format!("Bearer {}", token.token());
        let answer = scene.probe(session.url(), Some(&bearer)).await;
        let through = answer.body["result"]["tools"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", answer.body));
        let names: Vec<_> = through
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, server.tools, "{}", server.name);

        let direct = Direct::start(server, folder.path()).tools();
        assert_eq!(direct.len(), through.len());
        for (direct, through) in direct.iter().zip(through) {
            compare("tool", direct, through, &mut lost);
        }
    }
    let lost: Vec<_> = lost.iter().map(String::as_str).collect();
    let known: Vec<_> = LOST.lines().collect();
    assert_eq!(
        lost, known,
        "left: what is lost, right: what `real_upstreams.lost` says; it may only shrink"
    );
    scene.engine.close().await;
}

/// A page for `fetch`.
async fn page() -> String {
    let page = Router::new().route(
        "/page",
        get(|| async { Html("<h1>A page of its own</h1>") }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, page).await });
    format!("http://{address}/page")
}

#[tokio::test]
async fn a_tool_of_every_server_does_its_work() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let servers = servers(folder.path());
    let scene = Scene::start(&toml(&servers)).await;
    // By name, so that a call starts no other server than its own.
    let config = servers
        .iter()
        .fold(NewConfig::new("all"), |config, server| {
            config.connection(server.name, server.tools.iter().copied())
        });
    let config = scene.client.create_config(config).await.unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    let repository = folder.path().join("repository").display().to_string();
    let note = folder.path().join("files/note.txt").display().to_string();
    let entity = json!({ "name": "n", "entityType": "note", "observations": ["remembered"] });
    let thought = json!({ "thought": "one", "nextThoughtNeeded": false, "thoughtNumber": 1, "totalThoughts": 1 });
    let noon =
        json!({ "source_timezone": "UTC", "target_timezone": "Asia/Tokyo", "time": "12:00" });
    for (tool, arguments, expected) in [
        ("git_log", json!({ "repo_path": repository }), "the first"),
        ("convert_time", noon, "T21:00:00+09:00"),
        (
            "fetch",
            json!({ "url": page().await, "raw": true }),
            "<h1>A page of its own</h1>",
        ),
        ("read_text_file", json!({ "path": note }), "a note"),
        (
            "create_entities",
            json!({ "entities": [entity] }),
            "remembered",
        ),
        ("read_graph", json!({}), "remembered"),
        ("echo", json!({ "message": "hi" }), "Echo: hi"),
        ("sequentialthinking", thought, "\"thoughtNumber\": 1"),
    ] {
        let result = agent.call_whole(tool, arguments).await.unwrap();
        let text = crate::agent::text_of(&result);
        assert!(
            result.is_error != Some(true) && text.contains(expected),
            "{tool}: {text}"
        );
    }

    let weather = agent
        .call_whole("get-structured-content", json!({ "location": "New York" }))
        .await
        .unwrap();
    assert!(weather.structured_content.unwrap()["temperature"].is_number());
    let image = agent.call_whole("get-tiny-image", json!({})).await.unwrap();
    assert!(image.content.iter().any(
        |block| matches!(block, ContentBlock::Image(image) if image.mime_type == "image/png")
    ));
    let links = agent
        .call_whole("get-resource-links", json!({ "count": 2 }))
        .await
        .unwrap();
    let links = links
        .content
        .iter()
        .filter(|block| matches!(block, ContentBlock::ResourceLink(_)));
    assert_eq!(links.count(), 2);
    let all: Vec<_> = servers
        .iter()
        .flat_map(|server| server.tools)
        .copied()
        .collect();
    assert_eq!(agent.tool_names().await.unwrap(), all);
    scene.engine.close().await;
}
