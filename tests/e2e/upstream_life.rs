//! How long upstreams live, who shares them, and what their death costs.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use scalekit_vmcp::NewConfig;
use serde_json::json;

use crate::{
    agent::{Agent, text_of},
    scene::{Scene, npm_server},
};

/// `server-everything` over HTTP, with sessions; killed when it is dropped.
struct Everything(Child);

impl Everything {
    fn start(port: u16) -> Self {
        let mut process = Command::new("node")
            .args([&npm_server("server-everything"), "streamableHttp"])
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let ready = lines.any(|line| line.unwrap().contains("listening"));
        assert!(ready, "it did not start");
        // It dies of a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self(process)
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn echo(agent: &Agent) -> String {
    let result = agent.call_whole("echo", json!({ "message": "hi" })).await;
    text_of(&result.unwrap())
}

#[tokio::test]
async fn a_user_has_one_child_however_many_configs_and_agents() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let toml = format!(
        "[connections.everything]\nupstream = {{ command = \"sh\", args = [\"-c\", \"echo x >> $STARTS; exec node $SERVER stdio\"], \
         env = {{ STARTS = {starts:?}, SERVER = {:?} }} }}\n",
        npm_server("server-everything")
    );
    let scene = Scene::start(&toml).await;
    let mut configs = Vec::new();
    for name in ["first", "second"] {
        let config = NewConfig::new(name).connection("everything", ["echo"]);
        configs.push(scene.client.create_config(config).await.unwrap());
    }
    for (user, children) in [("alice", 1), ("bob", 2)] {
        for config in [&configs[0], &configs[1], &configs[0]] {
            let agent = scene.agent_of(config, user).await;
            for _ in 0..10 {
                assert_eq!(echo(&agent).await, "Echo: hi");
            }
        }
        let started = std::fs::read_to_string(&starts).unwrap();
        assert_eq!(started.lines().count(), children);
    }
    scene.engine.close().await;
}

#[tokio::test]
async fn a_server_that_was_restarted_is_greeted_again() {
    let port = free_port();
    let server = Everything::start(port);
    let toml = format!(
        "[connections.everything]\nupstream = {{ url = \"http://127.0.0.1:{port}/mcp\" }}\n"
    );
    let scene = Scene::start(&toml).await;
    let config = NewConfig::new("agent").connection("everything", ["echo"]);
    let config = scene.client.create_config(config).await.unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    assert_eq!(echo(&agent).await, "Echo: hi");

    drop(server);
    let _server = Everything::start(port);
    // Its session is unknown there now.
    assert_eq!(echo(&agent).await, "Echo: hi");
    scene.engine.close().await;
}

#[tokio::test]
async fn a_dead_upstream_is_answered_for_until_it_is_tried_again() {
    let port = free_port();
    let toml = format!(
        "[connections.dead]\nupstream = {{ url = \"http://127.0.0.1:{port}/mcp\" }}\n\
         [connections.mail]\nsandbox = \"mail.json\"\n"
    );
    let scene = Scene::start(&toml).await;
    let config = NewConfig::new("agent")
        .connection("dead", ["echo"])
        .connection("mail", ["mail_read"]);
    let config = scene.client.create_config(config).await.unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    scene.engine.freeze_clock();
    for again in [false, false, false, true] {
        let text = echo(&agent).await;
        assert!(text.contains("`dead`"), "{text}");
        assert!(text.contains("could not be reached"), "{text}");
        assert_eq!(text.contains("it is tried again at"), again, "{text}");
    }
    let _server = Everything::start(port);
    assert!(echo(&agent).await.contains("it is tried again at"));
    let mail = agent.call("mail_read", json!({})).await;
    assert_eq!(mail.unwrap(), "mail of alice: ");

    scene.engine.advance_clock(Duration::from_secs(10));
    assert_eq!(echo(&agent).await, "Echo: hi");
    scene.engine.close().await;
}
