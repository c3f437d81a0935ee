//! `kill -9` at random moments under load: what was acknowledged is there, and nothing is there by
//! half. `VMCP_KILL_ROUNDS` says how often, `VMCP_KILL_SEED` repeats the random choices of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use scalekit_vmcp::{
    AccountRef, AuthorizationDetails, Client, Config, ConnectionToolMapping, NewConfig,
    NewConnectedAccount, Tools,
};

use super::process::{Serving, serve};

const WORKERS: u64 = 6;
/// Connections of the settings: half need a key, half need nothing.
const CONNECTIONS: u64 = 12;

/// What a config holds: its description, and its connections with their tools.
type Shape = (String, Vec<(String, Vec<String>)>);

/// What is known of a row.
#[derive(Debug, Clone)]
enum Known<T> {
    Surely(T),
    /// Its change was not acknowledged, so it is one or the other.
    Either(T, T),
}

impl<T: PartialEq + Clone> Known<T> {
    fn allows(&self, found: &T) -> bool {
        match self {
            Known::Surely(value) => value == found,
            Known::Either(before, after) => before == found || after == found,
        }
    }
}

/// What one worker knows of what it has written.
#[derive(Debug, Default)]
struct Model {
    configs: BTreeMap<String, Known<Option<Shape>>>,
    ids: BTreeMap<String, String>,
    /// By connection and user.
    accounts: BTreeMap<(String, String), Known<bool>>,
    /// The path of the last link, of this round.
    link: Option<String>,
    number: u64,
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("`{name}` should be a number, got `{text}`")),
    )
}

fn needs_key(connection: u64) -> bool {
    connection.is_multiple_of(2)
}

/// Every part carries the number, so that parts of two writes cannot pass for one.
fn shape(random: &mut fastrand::Rng, number: u64) -> Shape {
    let start = random.u64(..CONNECTIONS);
    let mappings = (0..random.u64(1..=CONNECTIONS)).map(|index| {
        let connection = format!("c{}", (start + index) % CONNECTIONS);
        let tools = vec![format!("{connection}_tool_{number}")];
        (connection, tools)
    });
    (format!("written by {number}"), mappings.collect())
}

fn mappings(shape: &Shape) -> impl Iterator<Item = ConnectionToolMapping> + '_ {
    let parts = shape.1.iter();
    parts.map(|(connection, tools)| ConnectionToolMapping::new(connection, tools.clone()))
}

fn shape_of(config: &Config) -> Shape {
    let parts = config.connection_tool_mappings.iter().map(|mapping| {
        let tools = match &mapping.tools {
            Tools::Only(names) => names.clone(),
            Tools::All => panic!("nobody wrote that"),
        };
        (mapping.connection_name.clone(), tools)
    });
    (
        config.description.clone().unwrap_or_default(),
        parts.collect(),
    )
}

/// Writes until the engine is gone.
async fn work(
    client: Client,
    worker: u64,
    model: Arc<Mutex<Model>>,
    mut random: fastrand::Rng,
    (killed, acknowledged): (Arc<AtomicBool>, Arc<AtomicUsize>),
) {
    loop {
        let number = {
            let mut model = model.lock().unwrap();
            model.number += 1;
            model.number
        };
        match step(&client, worker, number, &model, &mut random).await {
            Ok(()) => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                assert!(
                    killed.load(Ordering::SeqCst),
                    "refused without a kill: {error:?}"
                );
                return;
            }
        }
    }
}

/// One write. What it may change is noted before it, what it did after it.
async fn step(
    client: &Client,
    worker: u64,
    number: u64,
    model: &Mutex<Model>,
    random: &mut fastrand::Rng,
) -> scalekit_vmcp::Result<()> {
    let existing = {
        let model = model.lock().unwrap();
        let there = model
            .configs
            .iter()
            .filter_map(|(name, known)| match known {
                Known::Surely(Some(shape)) => Some((name.clone(), shape.clone())),
                _ => None,
            });
        random.choice(there.collect::<Vec<_>>())
    };
    let note = |name: &str, known| {
        model.lock().unwrap().configs.insert(name.to_owned(), known);
    };
    let user = format!("user-{worker}-{number}");
    match (random.u8(..8), existing) {
        (0 | 1, Some((name, before))) => {
            let after = shape(random, number);
            let id = model.lock().unwrap().ids[&name].clone();
            note(&name, Known::Either(Some(before), Some(after.clone())));
            let update = client.update_config(id).description(&after.0);
            update.connection_tool_mappings(mappings(&after)).await?;
            note(&name, Known::Surely(Some(after)));
        }
        (2, Some((name, before))) => {
            let id = model.lock().unwrap().ids[&name].clone();
            note(&name, Known::Either(Some(before), None));
            client.delete_config(id).await?;
            note(&name, Known::Surely(None));
        }
        (3, Some((name, shape)))
            if shape
                .1
                .iter()
                .all(|(name, _)| !needs_key(name[1..].parse().unwrap())) =>
        {
            // A mint makes the accounts that need nothing, all of them.
            let keys: Vec<_> = shape
                .1
                .iter()
                .map(|(connection, _)| (connection.clone(), user.clone()))
                .collect();
            let id = model.lock().unwrap().ids[&name].clone();
            let note = |known: &Known<bool>| {
                let mut model = model.lock().unwrap();
                model
                    .accounts
                    .extend(keys.iter().map(|key| (key.clone(), known.clone())));
            };
            note(&Known::Either(false, true));
            client.create_session_token(&*id, user).await?;
            note(&Known::Surely(true));
        }
        (3 | 4, _) => {
            let connection = format!("c{}", random.u64(..CONNECTIONS / 2) * 2);
            let key = (connection.clone(), user.clone());
            model
                .lock()
                .unwrap()
                .accounts
                .insert(key.clone(), Known::Either(false, true));
            let details = AuthorizationDetails::static_auth([("api_key", format!("key-{number}"))]);
            let account = NewConnectedAccount::new(connection, user).authorization_details(details);
            client.create_connected_account(account).await?;
            model
                .lock()
                .unwrap()
                .accounts
                .insert(key, Known::Surely(true));
        }
        (5, _) => {
            let connection = format!("c{}", random.u64(..CONNECTIONS / 2) * 2);
            let key = (connection.clone(), user.clone());
            model
                .lock()
                .unwrap()
                .accounts
                .insert(key.clone(), Known::Either(false, true));
            let link = client
                .get_authorization_link(AccountRef::new(connection, user))
                .await?;
            let mut model = model.lock().unwrap();
            model.accounts.insert(key, Known::Surely(true));
            let path = link.link.splitn(4, '/').nth(3).unwrap();
            model.link = Some(format!("/{path}"));
        }
        _ => {
            let (name, after) = (format!("w{worker}-{number}"), shape(random, number));
            note(&name, Known::Either(None, Some(after.clone())));
            let config = NewConfig::new(&*name).description(&after.0);
            let config = client
                .create_config(mappings(&after).fold(config, NewConfig::mapping))
                .await?;
            model.lock().unwrap().ids.insert(name.clone(), config.id);
            note(&name, Known::Surely(Some(after)));
        }
    }
    Ok(())
}

/// The file as the kill left it, looked at from outside.
fn check_file(data: &Path) {
    let copy = tempfile::tempdir().unwrap();
    for name in ["vmcp.db", "vmcp.db-wal"] {
        // The log is not there while nothing was written.
        let _ = std::fs::copy(data.join(name), copy.path().join(name));
    }
    let database = Connection::open(copy.path().join("vmcp.db")).unwrap();
    let verdict: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let mut orphans = database.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(
        !orphans.exists([]).unwrap(),
        "rows refer to rows that are not there"
    );
}

/// Everything the engine has, against everything that is known; what was unsure is known then.
async fn check(serving: &Serving, models: &[Arc<Mutex<Model>>]) -> (usize, usize) {
    let client = &serving.client;
    let (mut configs, mut page_token) = (BTreeMap::new(), None);
    loop {
        let mut list = client.list_configs().page_size(30);
        if let Some(token) = page_token {
            list = list.page_token(token);
        }
        let page = list.await.unwrap();
        configs.extend(
            page.configs
                .iter()
                .map(|config| (config.name.clone(), (config.id.clone(), shape_of(config)))),
        );
        page_token = page.next_page_token;
        if page_token.is_none() {
            assert_eq!(usize::try_from(page.total_size).unwrap(), configs.len());
            break;
        }
    }
    let (mut accounts, mut page_token) = (BTreeSet::new(), None);
    loop {
        let mut list = client.list_connected_accounts().page_size(99);
        if let Some(token) = page_token {
            list = list.page_token(token);
        }
        let page = list.await.unwrap();
        accounts.extend(
            page.connected_accounts
                .iter()
                .map(|account| (account.connection_name.clone(), account.identifier.clone())),
        );
        page_token = page.next_page_token;
        if page_token.is_none() {
            assert_eq!(usize::try_from(page.total_size).unwrap(), accounts.len());
            break;
        }
    }
    let counted = (configs.len(), accounts.len());
    for model in models {
        let mut model = model.lock().unwrap();
        let Model {
            configs: known_configs,
            accounts: known_accounts,
            ids,
            link,
            ..
        } = &mut *model;
        for (name, known) in known_configs {
            let found = configs.remove(name);
            let shape = found.as_ref().map(|(_, shape)| shape.clone());
            assert!(
                known.allows(&shape),
                "config `{name}` is {shape:?}, known is {known:?}"
            );
            *known = Known::Surely(shape);
            ids.extend(found.map(|(id, _)| (name.clone(), id)));
        }
        for (key, known) in known_accounts {
            let found = accounts.remove(key);
            assert!(
                known.allows(&found),
                "account {key:?}: {found}, known is {known:?}"
            );
            *known = Known::Surely(found);
        }
        if let Some(path) = link.take() {
            let page = serving.send("GET", &path, "", "");
            assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        }
    }
    assert!(
        configs.is_empty() && accounts.is_empty(),
        "nobody wrote {configs:?} {accounts:?}"
    );
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_nothing_acknowledged_and_leaves_nothing_half() {
    let rounds = setting("VMCP_KILL_ROUNDS").unwrap_or(5);
    let seed = setting("VMCP_KILL_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("VMCP_KILL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let toml = (0..CONNECTIONS).map(|connection| {
        let auth = if needs_key(connection) { "api_key" } else { "none" };
        format!("[connections.c{connection}]\nupstream = {{ url = \"http://127.0.0.1:9/mcp\" }}\nauth = \"{auth}\"\n")
    });
    std::fs::write(folder.path().join("vmcp.toml"), toml.collect::<String>()).unwrap();
    let models: Vec<Arc<Mutex<Model>>> = (0..WORKERS).map(|_| Arc::default()).collect();
    let acknowledged = Arc::new(AtomicUsize::new(0));

    let mut serving = serve(folder.path());
    let (mut configs, mut accounts) = (0, 0);
    for round in 1..=rounds {
        let killed = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..WORKERS)
            .zip(&models)
            .map(|(worker, model)| {
                let shared = (Arc::clone(&killed), Arc::clone(&acknowledged));
                tokio::spawn(work(
                    serving.client.clone(),
                    worker,
                    Arc::clone(model),
                    random.fork(),
                    shared,
                ))
            })
            .collect();
        // The moment is what is random here; nothing is waited for.
        tokio::time::sleep(Duration::from_micros(random.u64(1_000..300_000))).await;
        killed.store(true, Ordering::SeqCst);
        serving.process.kill().unwrap();
        serving.process.wait().unwrap();
        for worker in workers {
            worker.await.unwrap();
        }
        check_file(&folder.path().join(".vmcp"));
        serving = serve(folder.path());
        (configs, accounts) = check(&serving, &models).await;
        if round % 10 == 0 || round == rounds {
            println!(
                "{round} of {rounds} kills: {} writes acknowledged and found, {configs} configs and {accounts} accounts are there",
                acknowledged.load(Ordering::Relaxed)
            );
        }
    }
    assert!(acknowledged.load(Ordering::Relaxed) > 0 && configs + accounts > 0);
}
