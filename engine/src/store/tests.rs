//! The database file itself: what it survives, what it refuses, what it never shows.

mod damage;
mod migrations;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vmcp.db");
    (folder, path)
}

fn names(names: &[&str]) -> Vec<ConnectionName> {
    names
        .iter()
        .map(|name| ConnectionName {
            name: (*name).to_owned(),
            credential: Some(CredentialKind::Key),
        })
        .collect()
}

fn config(name: &str, connection_id: &str) -> NewConfig {
    NewConfig {
        name: name.into(),
        description: "what it is for".into(),
        mappings: vec![NewMapping {
            connection_id: connection_id.into(),
            tools: Tools::Only(vec!["b".into(), "a".into()]),
        }],
    }
}

fn link(connection_id: &str, hash: SecretHash) -> NewLink {
    NewLink {
        account: NewAccount {
            connection_id: connection_id.into(),
            identifier: "user_123".into(),
            status: AccountStatus::PendingAuth,
        },
        hash,
        verification: None,
    }
}

fn error(result: Result<Store, StoreError>) -> StoreError {
    result.err().unwrap()
}

fn request() -> NewRequest {
    NewRequest {
        hash: [8; 32],
        expires_at: Timestamp::MAX,
    }
}

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let (_folder, path) = folder();
    let now = Timestamp::now();
    let (connection, created) = {
        let store = Store::open(&path).unwrap();
        let ids = store
            .register_connections(names(&["gmail", "git"]))
            .unwrap();
        store.keep_secret("k", b"value".to_vec().into()).unwrap();
        let created = store.create_config(config("one", &ids[0])).await.unwrap();
        let expires_at = now + SignedDuration::from_secs(60);
        store
            .issue_links(vec![link(&ids[0], [7; 32])], now, expires_at)
            .await
            .unwrap();
        store
            .redeem_link([7; 32], Credential::Key("the-key".into()), request(), now)
            .await
            .unwrap();
        let tools = [serde_json::json!({"name": "a", "z": 1, "b": 2})];
        store.save_catalogue("gmail", &tools).await.unwrap();
        (ids[0].clone(), created.unwrap())
    };

    let store = Store::open(&path).unwrap();
    // Another spelling and another order: still the same id.
    let ids = store
        .register_connections(names(&["Git", "GMail"]))
        .unwrap();
    assert_eq!(ids[1], connection);
    let found = store.config(&created.id).await.unwrap().unwrap();
    assert_eq!(found.mappings[0].connection_name, "GMail");
    assert_eq!(found.mappings[0].tools, created.mappings[0].tools);
    assert_eq!(
        store
            .config_by_server_uuid(&created.server_uuid)
            .await
            .unwrap(),
        Some(found)
    );
    let (account, credential) = store
        .accounts_with_credentials(vec![connection], "user_123")
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    assert_eq!(credential.unwrap().secret().expose_secret(), "the-key");
    assert_eq!(store.link([7; 32], now).await.unwrap(), LinkState::Used);
    let tools = store.load_catalogue("gmail").await.unwrap().unwrap();
    assert_eq!(tools[0].to_string(), r#"{"name":"a","z":1,"b":2}"#);
    assert_eq!(store.load_catalogue("git").await.unwrap(), None);
    assert_eq!(
        store.secret("k").unwrap().unwrap().expose_secret(),
        b"value"
    );
}

#[tokio::test]
async fn reset_empties_but_keeps_secrets_and_connection_ids() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let ids = store.register_connections(names(&["gmail"])).unwrap();
    store.keep_secret("k", b"value".to_vec().into()).unwrap();
    let before = store
        .create_config(config("one", &ids[0]))
        .await
        .unwrap()
        .unwrap();
    let now = Timestamp::now();
    store
        .issue_links(vec![link(&ids[0], [1; 32])], now, now)
        .await
        .unwrap();
    store.save_catalogue("gmail", &[]).await.unwrap();

    store.reset(None).await.unwrap();
    let page = store
        .list_configs(ConfigFilter::default(), 20, None)
        .await
        .unwrap();
    assert_eq!((page.total, page.items.len()), (0, 0));
    let accounts = store.accounts_of("user_123", ids.clone()).await.unwrap();
    assert_eq!(accounts, [None]);
    assert_eq!(store.link([1; 32], now).await.unwrap(), LinkState::Unknown);
    assert_eq!(store.load_catalogue("gmail").await.unwrap(), None);
    assert!(store.secret("k").unwrap().is_some());
    assert_eq!(store.register_connections(names(&["gmail"])).unwrap(), ids);
    // An id is never given twice.
    let after = store
        .create_config(config("one", &ids[0]))
        .await
        .unwrap()
        .unwrap();
    assert!(after.id > before.id);
}

#[tokio::test]
async fn ids_are_unique_ordered_and_of_one_length() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let connection = store
        .register_connections(names(&["gmail"]))
        .unwrap()
        .remove(0);
    let mut ids = Vec::new();
    for number in 0..50 {
        let name = format!("config-{number}");
        ids.push(
            store
                .create_config(config(&name, &connection))
                .await
                .unwrap()
                .unwrap()
                .id,
        );
    }
    let sorted: BTreeSet<&String> = ids.iter().collect();
    assert!(sorted.into_iter().eq(ids.iter()));
    for id in &ids {
        let digits = id.strip_prefix("cfg_").unwrap();
        assert!((17..=19).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    }
}

#[tokio::test]
async fn a_failed_job_leaves_no_trace() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let connection = store
        .register_connections(names(&["gmail"]))
        .unwrap()
        .remove(0);
    // The second mapping names no connection, after the config and the first mapping are written.
    let mut bad = config("one", &connection);
    bad.mappings.push(NewMapping {
        connection_id: "conn_0".into(),
        tools: Tools::All,
    });
    assert!(store.create_config(bad).await.is_err());
    assert!(
        store
            .create_config(config("one", &connection))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .create_config(config("one", &connection))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn accounts_follow_what_their_connection_needs() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let needs = |credential| {
        vec![ConnectionName {
            name: "gmail".into(),
            credential,
        }]
    };
    let (nothing, key) = (None, Some(CredentialKind::Key));
    let id = store
        .register_connections(needs(nothing))
        .unwrap()
        .remove(0);
    let account = NewAccount {
        connection_id: id.clone(),
        identifier: "user_123".into(),
        status: AccountStatus::Active,
    };
    store
        .ensure_accounts(vec![account], Timestamp::now())
        .await
        .unwrap();
    let status = async || {
        let found = store.accounts_of("user_123", vec![id.clone()]).await;
        found.unwrap().remove(0).unwrap().status
    };
    store.register_connections(needs(key)).unwrap();
    assert_eq!(status().await, AccountStatus::PendingAuth);
    store.register_connections(needs(nothing)).unwrap();
    assert_eq!(status().await, AccountStatus::Active);

    let change = AccountChange {
        credential: Some(Credential::Key("k".into())),
        ..AccountChange::default()
    };
    let account = AccountKey::Of {
        connection_id: id.clone(),
        identifier: "user_123".into(),
    };
    let now = Timestamp::now();
    store.update_account(account, change, now).await.unwrap();
    store.register_connections(needs(key)).unwrap();
    assert_eq!(status().await, AccountStatus::Active);
    // A key is no token.
    let tokens = Some(CredentialKind::Tokens);
    store.register_connections(needs(tokens)).unwrap();
    assert_eq!(status().await, AccountStatus::PendingAuth);
}

#[tokio::test]
async fn no_file_shows_a_secret_and_all_are_private() {
    let (folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let id = store
        .register_connections(names(&["gmail"]))
        .unwrap()
        .remove(0);
    let now = Timestamp::now();
    store
        .keep_secret("k", b"engine-secret".to_vec().into())
        .unwrap();
    let later = now + SignedDuration::from_secs(60);
    store
        .issue_links(vec![link(&id, [7; 32])], now, later)
        .await
        .unwrap();
    let key = Credential::Key("user-secret".into());
    store
        .redeem_link([7; 32], key, request(), now)
        .await
        .unwrap();

    let look = || {
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            for secret in [&b"engine-secret"[..], b"user-secret"] {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret));
            }
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = entry.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
            }
        }
    };
    look();
    drop(store);
    look();
}

#[test]
fn a_database_in_use_is_refused_until_it_is_free() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    assert!(
        matches!(error(Store::open(&path)), StoreError::Locked { pid: Some(pid) } if pid == std::process::id())
    );
    drop(store);
    Store::open(&path).unwrap();
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let (_folder, path) = folder();
    std::fs::write(&path, "this is no database, but a text that is long enough").unwrap();
    assert!(matches!(error(Store::open(&path)), StoreError::Corrupt));
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("this is")
    );
    std::fs::remove_file(&path).unwrap();

    let foreign = Connection::open(&path).unwrap();
    foreign
        .execute_batch("CREATE TABLE photos (id INTEGER)")
        .unwrap();
    drop(foreign);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(error(Store::open(&path)), StoreError::Foreign));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_schema_is_refused() {
    let (_folder, path) = folder();
    drop(Store::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = error(Store::open(&path)).to_string();
    assert!(error.contains("newer") && error.contains("99"), "{error}");
}

#[test]
fn a_lost_or_foreign_key_is_refused_and_nothing_is_replaced() {
    let (_folder, path) = folder();
    drop(Store::open(&path).unwrap());
    let key = path.with_extension("key");
    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(
        error(Store::open(&path)),
        StoreError::MissingKey(_)
    ));
    assert!(!key.exists());

    let other = SecretString::from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let other = KeySource::Variable(other);
    assert!(matches!(
        error(Store::open_with_key(&path, &other)),
        StoreError::WrongKey
    ));
    let right = KeySource::Variable(text.into());
    Store::open_with_key(&path, &right).unwrap();
}

#[tokio::test]
async fn what_a_transaction_touched_is_told_before_its_answer_and_only_when_it_is_committed() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let ids = store.register_connections(names(&["gmail"])).unwrap();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    store.on_change(move |change| heard.lock().unwrap().push(change.clone()));
    let news = || std::mem::take(&mut *told.lock().unwrap());
    let now = Timestamp::now();

    let config = store
        .create_config(config("agent", &ids[0]))
        .await
        .unwrap()
        .unwrap();
    let server = || Change::Config {
        server_uuid: config.server_uuid.clone(),
    };
    assert_eq!(news(), [server()]);
    let described = ConfigChange {
        description: Some("words".into()),
        mappings: None,
    };
    store.update_config(&config.id, described).await.unwrap();
    assert_eq!(news(), []);
    let mapped = ConfigChange {
        description: None,
        mappings: Some(vec![NewMapping {
            connection_id: ids[0].clone(),
            tools: Tools::All,
        }]),
    };
    store.update_config(&config.id, mapped).await.unwrap();
    assert_eq!(news(), [server()]);

    let user = || Change::Accounts {
        identifier: "user_123".into(),
    };
    let account = link(&ids[0], [7; 32]).account;
    let account = store
        .create_account(account, AccountChange::default(), now)
        .await
        .unwrap()
        .unwrap()
        .account;
    assert_eq!(news(), [user()]);
    for (status, changes) in [
        (AccountStatus::Active, vec![user()]),
        (AccountStatus::Active, vec![]),
        (AccountStatus::Disconnected, vec![user()]),
    ] {
        let id = account.id.clone();
        let write = store.write(move |tx| accounts::set_status(tx, &id, status, now));
        assert!(write.await.unwrap());
        assert_eq!(news(), changes);
    }

    let undone = store.write(|tx| {
        tx.execute("DELETE FROM accounts", [])?;
        Err::<(), _>(StoreError::Closed)
    });
    undone.await.unwrap_err();
    assert_eq!(news(), []);
    store.reset(None).await.unwrap();
    let mut all = news();
    all.sort_by_key(|change| matches!(change, Change::Config { .. }));
    assert_eq!(all, [user(), server()]);
}
