//! What calls and killed clients leave behind: no process, no descriptor, no task. `VMCP_LEAK_CALLS` and
//! `VMCP_LEAK_CLIENTS` say how many there are.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use futures_util::future::{join_all, try_join_all};
use scalekit_vmcp::{Config, NewConfig, Session};
use scalekit_vmcp_engine::controls::{JournalFilter, Outcome};
use serde_json::json;

use crate::{
    agent::Agent,
    scene::{Scene, http, npm_server},
};

const USERS: usize = 4;
const SLOW: &str = "trigger-long-running-operation";
const HOUR: Duration = Duration::from_secs(3600);

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("`{name}` should be a number, got `{text}`"))
    })
}

/// What this process has: children, open descriptors, tasks of the runtime that engine and clients share.
#[derive(Debug, Clone, Copy)]
struct Census([usize; 3]);

impl Census {
    fn take() -> Self {
        let own = std::process::id().to_string();
        let is_child = |entry: &std::fs::DirEntry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
            fields.and_then(|fields| fields.split(' ').nth(1)) == Some(&own)
        };
        let entries = |path: &str| std::fs::read_dir(path).unwrap().filter_map(Result::ok);
        let tasks = tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks();
        Self([
            entries("/proc").filter(is_child).count(),
            entries("/proc/self/fd").count(),
            tasks,
        ])
    }

    fn within(self, before: Self) -> bool {
        self.0
            .iter()
            .zip(before.0)
            .all(|(now, before)| *now <= before)
    }
}

/// A client that dies while its call is under way: it has heard of progress, and does not say goodbye. This server goes
/// on for the rest of the 5 seconds.
fn die(url: &str, token: &str) {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": SLOW, "arguments": { "duration": 5, "steps": 50 }, "_meta": { "progressToken": "p" },
    } })
    .to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: 2025-11-25\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&heard).contains("notifications/progress") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&buffer[..read]);
    }
}

/// So many calls by agents that come and go, and so many clients that die.
async fn campaign(scene: &Scene, config: &Config, calls: usize, clients: usize) {
    let users = (0..USERS).map(|user| scene.client.open_session(config, format!("user-{user}")));
    let sessions: Vec<Session> = try_join_all(users.map(IntoFuture::into_future))
        .await
        .unwrap();
    let http = http();
    let agents = join_all(sessions.iter().map(async |session| {
        let agent = Agent::connect(http.clone(), session).await.unwrap();
        for call in 0..calls / USERS {
            let answer = agent.call("echo", json!({ "message": call.to_string() }));
            assert_eq!(answer.await.unwrap(), format!("Echo: {call}"));
        }
    }));
    agents.await;

    let slow = JournalFilter::new().tool(SLOW);
    let before = scene.engine.journal(&slow).len();
    for client in 0..clients {
        let session = &sessions[client % USERS];
        let (url, token) = (session.url().to_owned(), session.token().await.unwrap());
        let dying = tokio::task::spawn_blocking(move || die(&url, token.token()));
        dying.await.unwrap();
    }
    let ended = scene.engine.wait_for(&slow, before + clients, HOUR).await;
    for record in ended.unwrap() {
        assert_eq!(record.outcome, Some(Outcome::Cancelled));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_killed_clients_leave_nothing_behind() {
    let (calls, clients) = (
        setting("VMCP_LEAK_CALLS", 400),
        setting("VMCP_LEAK_CLIENTS", 12),
    );
    let toml = format!(
        "[connections.everything]\nupstream = {{ command = \"node\", args = [\"{}\", \"stdio\"] }}\n",
        npm_server("server-everything")
    );
    let scene = Scene::start(&toml).await;
    let config = NewConfig::new("agent").connection("everything", ["echo", SLOW]);
    let config = scene.client.create_config(config).await.unwrap();
    // What is kept on purpose is there from now on: a child per user, and what the pools hold.
    campaign(&scene, &config, USERS, USERS).await;
    let before = Census::take();
    campaign(&scene, &config, calls, clients).await;
    // What ends in the background has ended soon, or has leaked.
    let settling = async {
        while !Census::take().within(before) {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(30), settling).await;
    let after = Census::take();
    println!(
        "{calls} calls, {clients} killed clients: children, descriptors and tasks {before:?}, then {after:?}"
    );
    assert!(settled.is_ok(), "before {before:?}, after {after:?}");
    scene.engine.close().await;
    assert_eq!(Census::take().0[0], 0, "children of a closed engine");
}
