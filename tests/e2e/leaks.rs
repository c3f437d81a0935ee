//! Clients that go away at any moment leave nothing behind: no task, no descriptor, no process.

use std::{env, sync::Arc, time::Duration};

use scalekit_vmcp::NewConfig;
use scalekit_vmcp_engine::controls::{Fault, JournalFilter, RecordKind, Seed, SeedAccount};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
};

use crate::{
    scene::{Scene, npm_server},
    upstreams::crm,
};

/// What this process, which is the engine's too, holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    tasks: usize,
    descriptors: usize,
    children: usize,
}

impl Held {
    fn now() -> Self {
        let entries = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let children = threads.flatten().map(|thread| {
            let children = std::fs::read_to_string(thread.path().join("children"));
            children.unwrap_or_default().split_whitespace().count()
        });
        Self {
            tasks: Handle::current().metrics().num_alive_tasks(),
            descriptors: entries("/proc/self/fd"),
            children: children.sum(),
        }
    }

    fn exceeds(self, before: Self) -> bool {
        self.tasks > before.tasks
            || self.descriptors > before.descriptors
            || self.children > before.children
    }
}

fn setting(name: &str, smoke: usize) -> usize {
    env::var(name).map_or(smoke, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_clients_and_many_calls_leave_nothing_behind() {
    let killed = setting("VMCP_LEAKS_KILLED", 20);
    let calls = setting("VMCP_LEAKS_CALLS", 100);
    let crm = crm(Arc::new(std::sync::Mutex::new(vec!["key"]))).await;
    let memory = npm_server("server-memory");
    let scene = Scene::start(&format!(
        "{crm}[connections.memory]\nupstream = {{ command = \"node\", args = [\"{memory}\"] }}\n"
    ))
    .await;
    let account = SeedAccount::new("crm", "alice").credential("key");
    scene
        .engine
        .seed(Seed::new().account(account))
        .await
        .unwrap();
    let config = NewConfig::new("agent")
        .all_tools_of("crm")
        .connection("memory", ["read_graph"]);
    let config = scene.client.create_config(config).await.unwrap();
    let token = scene
        .client
        .create_session_token(&config, "alice")
        .await
        .unwrap();
    let url = config.mcp_server_url.unwrap();
    let authority = scene.engine.env_url().strip_prefix("http://").unwrap();
    let path = url.split_once(authority).unwrap().1;
    let request = |tool: &str| {
        let params = json!({ "name": tool, "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params })
            .to_string();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            token.token(),
            body.len()
        )
    };
    let call = async |tool: &str| {
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(request(tool).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("\"result\""),
            "{answer}"
        );
    };
    // What stays for the next call is there from now on.
    for tool in ["whoami", "read_graph", "whoami", "read_graph"] {
        call(tool).await;
    }
    let before = Held::now();
    assert!(before.children > 0, "{before:?}");

    let ended = JournalFilter::new()
        .kind(RecordKind::Mcp)
        .method("tools/call");
    let mut made = 4;
    for number in 0..killed {
        // A call that is under way upstream, or in the engine, or has not arrived as a whole.
        let tool = ["whoami", "read_graph"][number % 2];
        let fault = Fault::on_tool(tool).method("tools/call").hang();
        scene.engine.add_fault(fault).unwrap();
        let whole = request(tool);
        let sent = if number % 3 == 0 {
            whole.len() / 2
        } else {
            whole.len()
        };
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(&whole.as_bytes()[..sent]).await.unwrap();
        if sent == whole.len() {
            while scene.engine.faults()[0].fired == 0 {
                tokio::task::yield_now().await;
            }
        }
        drop(stream);
        if sent == whole.len() {
            made += 1;
            let all = scene
                .engine
                .wait_for(&ended, made, Duration::from_secs(10))
                .await;
            assert_eq!(all.unwrap().len(), made);
        }
        scene.engine.clear_faults();
    }
    for number in 0..calls {
        call(["whoami", "read_graph"][number % 2]).await;
    }
    let settled = async {
        while Held::now().exceeds(before) {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
    assert!(settled.is_ok(), "{before:?} became {:?}", Held::now());
}
