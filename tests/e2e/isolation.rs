//! Users who share the engine, its connections and its upstreams, all at once: nobody ever sees another.

use std::{
    env,
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;
use scalekit_vmcp::{Config, NewConfig, Session};
use scalekit_vmcp_engine::controls::{AccountStatus, Seed, SeedAccount};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    agent::{Agent, text_of},
    scene::{Scene, npm_server},
    upstreams::crm,
};

const USERS: usize = 50;

/// So many of them have a child process of their own, of a real server.
const WITH_MEMORY: usize = 3;

/// So many calls of a user are under way at once.
const AT_ONCE: usize = 3;

/// `VMCP_ISOLATION_CALLS` makes it a campaign, `VMCP_ISOLATION_SEED` repeats the choices of one.
fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// What every answer to this user must name, and of its kind nothing else.
fn name(number: usize) -> String {
    format!("user-{number:02}")
}

fn assert_own(text: &str, name: &str) {
    let mut found = text
        .match_indices("user-")
        .map(|(at, _)| text.get(at..at + name.len()));
    let only_own = found.all(|found| found == Some(name));
    assert!(
        only_own && text.contains(name),
        "{name} was answered: {text}"
    );
}

struct User {
    name: String,
    scene: Arc<Scene>,
    random: fastrand::Rng,
    with_memory: bool,
    /// Whose it is alone; the others share one.
    own: bool,
    config: Config,
    shared: Config,
    session: Session,
    agent: Agent,
}

impl User {
    async fn new(number: usize, scene: Arc<Scene>, shared: Config, seed: u64) -> Self {
        let name = name(number);
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(number as u64));
        let (with_memory, own) = (number < WITH_MEMORY, number < USERS / 2);
        let config = if own {
            own_config(&scene, &name, with_memory, &mut random).await
        } else {
            shared.clone()
        };
        let session = scene.client.open_session(&config, &name).await.unwrap();
        let agent = scene.agent(&session).await;
        // As agents do; and what was listed once is known when its account is away.
        let tools = agent.tool_names().await.unwrap();
        assert_eq!(tools.len(), if with_memory { 5 } else { 3 }, "{tools:?}");
        Self {
            name,
            scene,
            random,
            with_memory,
            own,
            config,
            shared,
            session,
            agent,
        }
    }

    /// Makes so many calls, and now and then something else.
    async fn live(mut self, calls: usize) {
        let mut made = 0;
        while made < calls {
            match self.random.u8(..100) {
                0..6 => {
                    let token = self.session.token().await.unwrap();
                    self.session.rejected(token.token()).await.unwrap();
                }
                6..9 => self.disconnect_and_come_back().await,
                9..12 if self.own => self.delete_and_begin_anew().await,
                12..15 if self.own => self.try_anothers_server().await,
                _ => {
                    let calls: Vec<_> = (0..AT_ONCE).map(|_| self.choose()).collect();
                    let made_now = calls
                        .into_iter()
                        .map(|(tool, arguments)| self.call(tool, arguments));
                    made += join_all(made_now).await.len();
                }
            }
        }
    }

    fn choose(&mut self) -> (&'static str, Value) {
        let text = format!("{} was here {}", self.name, self.random.u32(..));
        match self.random.u8(..10) {
            0..3 => ("notes_add", json!({ "text": text })),
            3..6 => ("whoami", json!({})),
            6..8 if self.with_memory => {
                let entity =
                    json!({ "name": text, "entityType": "visit", "observations": [self.name] });
                ("create_entities", json!({ "entities": [entity] }))
            }
            8..10 if self.with_memory => ("search_nodes", json!({ "query": "user-" })),
            _ => ("notes_read", json!({})),
        }
    }

    async fn call(&self, tool: &'static str, arguments: Value) {
        let result = self.agent.call_whole(tool, arguments).await.unwrap();
        let text = text_of(&result);
        assert_ne!(result.is_error, Some(true), "{}: {tool}: {text}", self.name);
        // The graph of a user who has written nothing yet has nobody in it.
        if !(tool == "search_nodes" && text.contains("\"entities\": []")) {
            assert_own(&text, &self.name);
        }
    }

    async fn disconnect_and_come_back(&self) {
        let engine = &self.scene.engine;
        let connection = "notes";
        let moved = engine.set_account_status(connection, &self.name, AccountStatus::Disconnected);
        moved.await.unwrap();
        let refused = self.agent.call_whole("notes_read", json!({})).await;
        let refused = refused.unwrap();
        let text = text_of(&refused);
        assert!(
            refused.is_error == Some(true) && text.contains("needs the user's authorization"),
            "{}: {text}",
            self.name
        );
        let moved = engine.set_account_status(connection, &self.name, AccountStatus::Active);
        moved.await.unwrap();
    }

    async fn delete_and_begin_anew(&mut self) {
        let client = &self.scene.client;
        client.delete_config(&*self.config.id).await.unwrap();
        let after = self.agent.call("notes_read", json!({})).await;
        assert!(after.is_err(), "{}: {after:?}", self.name);
        self.config = own_config(&self.scene, &self.name, self.with_memory, &mut self.random).await;
        self.session = client.open_session(&self.config, &self.name).await.unwrap();
        self.agent = self.scene.agent(&self.session).await;
    }

    async fn try_anothers_server(&self) {
        let token = self.session.token().await.unwrap();
        let authorization = format!("Bearer {}", token.token());
        let url = self.shared.mcp_server_url.as_deref().unwrap();
        let answer = self.scene.probe(url, Some(&authorization)).await;
        let reason = &answer.body["error"]["data"]["reason"];
        assert_eq!((answer.status, reason), (401, &json!("wrong_audience")));
    }
}

async fn own_config(
    scene: &Scene,
    name: &str,
    with_memory: bool,
    random: &mut fastrand::Rng,
) -> Config {
    let mut config = NewConfig::new(format!("{name}-{}", random.u32(..)))
        .all_tools_of("notes")
        .all_tools_of("crm");
    if with_memory {
        config = config.connection("memory", ["create_entities", "search_nodes"]);
    }
    scene.client.create_config(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_users_at_once_see_only_what_is_theirs() {
    let calls = setting("VMCP_ISOLATION_CALLS").unwrap_or(300);
    let seed = setting("VMCP_ISOLATION_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{calls} calls of {USERS} users; VMCP_ISOLATION_SEED={seed} repeats their choices");

    let folder = tempfile::tempdir().unwrap();
    let notes = json!({
        "tools": [
            { "name": "notes_add", "inputSchema": { "type": "object", "properties": { "text": { "type": "string" } } } },
            { "name": "notes_read", "inputSchema": { "type": "object" } },
        ],
        "results": {
            "notes_add": { "append": "{identifier}: {arguments.text}", "content": [{ "type": "text", "text": "added for {identifier}" }] },
            "notes_read": { "content": [{ "type": "text", "text": "notes of {identifier}: {log}" }] },
        },
    });
    let file = folder.path().join("notes.json");
    std::fs::write(&file, notes.to_string()).unwrap();
    // This upstream answers with the credential that it was called with.
    let keys = (0..USERS).map(|number| &*format!("key-of-{}", name(number)).leak());
    let crm = crm(Arc::new(Mutex::new(keys.clone().collect()))).await;
    let toml = format!(
        "[connections.notes]\nsandbox = \"{}\"\nauth = \"api_key\"\n{crm}[connections.memory]\n\
         upstream = {{ command = \"node\", args = [\"{}\"], env = {{ MEMORY_FILE_PATH = \"{{account_dir}}/memory.json\" }} }}\n",
        file.display(),
        npm_server("server-memory"),
    );
    let scene = Arc::new(Scene::start(&toml).await);
    let mut accounts = Seed::new();
    for (number, key) in keys.enumerate() {
        for connection in ["notes", "crm"] {
            accounts = accounts.account(SeedAccount::new(connection, name(number)).credential(key));
        }
    }
    scene.engine.seed(accounts).await.unwrap();
    let shared = NewConfig::new("shared")
        .all_tools_of("notes")
        .all_tools_of("crm");
    let shared = scene.client.create_config(shared).await.unwrap();

    let mut users = JoinSet::new();
    let each = usize::try_from(calls).unwrap().div_ceil(USERS);
    for number in 0..USERS {
        let (scene, shared) = (Arc::clone(&scene), shared.clone());
        users.spawn(async move {
            let user = User::new(number, scene, shared, seed).await;
            user.live(each).await;
        });
    }
    while let Some(ended) = users.join_next().await {
        ended.unwrap();
    }
}
