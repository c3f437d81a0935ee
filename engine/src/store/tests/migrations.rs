//! A database of any schema that ever was opens, and what it held is there.

use rusqlite::functions::FunctionFlags;

use super::*;
use crate::store::migrations::{APPLICATION, MIGRATIONS};

/// What is written into a database of schema `n`, on top of the rows of those before: something for
/// each table and column that migration `n` brought.
const ROWS: [&str; MIGRATIONS.len()] = [
    include_str!("rows/0001.sql"),
    include_str!("rows/0002.sql"),
    include_str!("rows/0003.sql"),
    include_str!("rows/0004.sql"),
    include_str!("rows/0005.sql"),
    include_str!("rows/0006.sql"),
];

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A database as the version with `schema` left it.
fn write_old(path: &Path, schema: usize) {
    let vault = KeySource::Variable(KEY.into()).load(true).unwrap();
    let old = Connection::open(path).unwrap();
    old.create_scalar_function("seal", 2, FunctionFlags::SQLITE_UTF8, move |context| {
        let (place, text): (String, String) = (context.get(0)?, context.get(1)?);
        Ok(vault.seal(&place, text.as_bytes()).unwrap())
    })
    .unwrap();
    for migration in &MIGRATIONS[..schema] {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "application_id", APPLICATION)
        .unwrap();
    old.pragma_update(None, "user_version", i64::try_from(schema).unwrap())
        .unwrap();
    old.pragma_update(None, "foreign_keys", true).unwrap();
    for rows in &ROWS[..schema] {
        old.execute_batch(rows).unwrap();
    }
    every_column_is_filled(&old, schema);
}

/// Else the rows of a migration say nothing of what it brought.
fn every_column_is_filled(old: &Connection, schema: usize) {
    let mut columns = old
        .prepare(
            "SELECT tables.name, columns.name FROM sqlite_schema AS tables
             JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'",
        )
        .unwrap();
    let columns = columns
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    for column in columns {
        let (table, column): (String, String) = column.unwrap();
        let sql = format!("SELECT count({column}) FROM {table}");
        let filled: i64 = old.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert!(
            filled > 0,
            "schema {schema}: no row has a value in `{table}.{column}`"
        );
    }
}

/// Looks for what the rows of schema `brought` say, in a database that was of schema `was`.
async fn check(store: &Store, brought: usize, was: usize) {
    let early = Timestamp::UNIX_EPOCH;
    let account = async |id: &str| {
        let found = store.account_details(AccountKey::Id(id.into())).await;
        let (details, credential) = found.unwrap().unwrap();
        (
            details,
            credential.map(|found| found.secret().expose_secret().to_owned()),
        )
    };
    match brought {
        1 => {
            assert_eq!(
                store.secret("k").unwrap().unwrap().expose_secret(),
                b"an engine secret"
            );
            let config = store
                .config_by_server_uuid("uuid-1")
                .await
                .unwrap()
                .unwrap();
            assert_eq!(
                (&*config.id, &*config.name, &*config.description),
                ("cfg_1", "agent", "what it is for")
            );
            let mappings: Vec<_> = config
                .mappings
                .iter()
                .map(|mapping| (&*mapping.connection_name, &mapping.tools))
                .collect();
            let only = Tools::Only(vec!["b".into(), "a".into()]);
            assert_eq!(mappings, [("git", &Tools::All), ("gmail", &only)]);
            let (alice, key) = account("ca_1").await;
            assert_eq!(
                (alice.account.status, key.as_deref()),
                (AccountStatus::Active, Some("the key"))
            );
            assert_eq!(
                (alice.updated_at.as_microsecond(), &*alice.connection_name),
                (7, "gmail")
            );
            let (bob, key) = account("ca_2").await;
            assert_eq!(
                (bob.account.status, key),
                (AccountStatus::PendingAuth, None)
            );
            let LinkState::Open(of, verification) = store.link([0; 32], early).await.unwrap()
            else {
                panic!("the link is not open");
            };
            assert_eq!((of, verification.is_some()), (bob.account, was >= 2));
            let tools = store.load_catalogue("gmail").await.unwrap().unwrap();
            assert_eq!(tools, [serde_json::json!({ "name": "a" })]);
            // Ids go on where they were.
            let created = store
                .create_config(config_of("conn_1"))
                .await
                .unwrap()
                .unwrap();
            assert!(created.id > config.id);
            let configs = store
                .list_configs(ConfigFilter::default(), 20, None)
                .await
                .unwrap();
            assert_eq!((configs.total, configs.items.len()), (2, 2));
        }
        2 => {
            let (alice, _) = account("ca_1").await;
            assert_eq!(alice.api_config.unwrap()["domain"], "example.com");
            let LinkState::Open(_, Some(verification)) = store.link([0; 32], early).await.unwrap()
            else {
                panic!("the link verifies nobody");
            };
            assert_eq!(verification.url, "http://app.example/verify");
            assert_eq!(verification.state.as_deref(), Some("s"));
            let page = store
                .list_instances(InstanceFilter::default(), 20, None)
                .await
                .unwrap();
            assert_eq!(
                (page.total, &*page.items[0].id, &*page.items[0].name),
                (1, "inst_1", "mine")
            );
            assert_eq!(account("ca_3").await.1.as_deref(), Some("her key"));
        }
        3 => {
            // Requests of before that schema had no end, so they have ended.
            let verified = store.verify_user([0; 32], "carol", early).await.unwrap();
            assert_eq!(verified, Verified::Yes);
        }
        4 => {
            let (dave, token) = account("ca_4").await;
            assert_eq!(token.as_deref(), Some("t"));
            assert_eq!(dave.token_expires_at.unwrap().as_second(), 8);
            let denied: SecretHash = *b"00000000000000000000000000000001";
            assert_eq!(store.link(denied, early).await.unwrap(), LinkState::Denied);
            let begun = store
                .answer_authorization([0; 32], Some([0; 32]), early)
                .await
                .unwrap();
            let Begun::Here(begun) = begun else {
                panic!("{begun:?}")
            };
            assert_eq!(begun.verifier.expose_secret(), "the verifier");
            assert_eq!(begun.account.id, "ca_2");
        }
        5 => {
            // The connection is as it was, so its accounts are left alone.
            store.register_connections(names(&["gmail"])).unwrap();
            assert_eq!(
                account("ca_2").await.0.account.status,
                AccountStatus::PendingAuth
            );
            let page = store
                .list_accounts(AccountFilter::default(), 20, None)
                .await
                .unwrap();
            assert_eq!(page.total, 4);
        }
        6 => {
            let all = AuditQuery {
                limit: 2,
                ..AuditQuery::default()
            };
            let rows = store.audit(all).await.unwrap();
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((row.seq, &*row.request_id, row.engine_us), (1, "req_1", 5));
            assert_eq!(row.at.as_microsecond(), 9);
            assert_eq!(row.upstream_tool.as_deref(), Some("send"));
            assert_eq!(row.reason.as_deref(), Some("authorization_required"));
        }
        other => panic!("say what of schema {other} is readable"),
    }
}

fn config_of(connection: &str) -> NewConfig {
    config("a-new-one", connection)
}

#[tokio::test]
async fn a_database_of_every_schema_opens_with_all_it_held() {
    for schema in 1..=MIGRATIONS.len() {
        let (_folder, path) = folder();
        write_old(&path, schema);
        let store = Store::open_with_key(&path, &KeySource::Variable(KEY.into()))
            .unwrap_or_else(|error| panic!("schema {schema}: {error}"));
        for brought in 1..=schema {
            check(&store, brought, schema).await;
        }
    }
}

#[tokio::test]
async fn counts_are_those_of_the_rows_whatever_happens_to_them() {
    let (_folder, path) = folder();
    write_old(&path, MIGRATIONS.len());
    let store = Store::open_with_key(&path, &KeySource::Variable(KEY.into())).unwrap();
    let look = async || {
        let configs = store
            .list_configs(ConfigFilter::default(), 20, None)
            .await
            .unwrap();
        let accounts = store
            .list_accounts(AccountFilter::default(), 20, None)
            .await
            .unwrap();
        let instances = store
            .list_instances(InstanceFilter::default(), 20, None)
            .await
            .unwrap();
        assert_eq!(configs.total, configs.items.len() as u64);
        assert_eq!(accounts.total, accounts.items.len() as u64);
        assert_eq!(instances.total, instances.items.len() as u64);
        (configs.total, accounts.total, instances.total)
    };
    assert_eq!(look().await, (1, 4, 1));
    let bad = NewConfig {
        name: "agent".into(),
        ..config_of("conn_1")
    };
    assert!(store.create_config(bad).await.unwrap().is_none());
    store
        .delete_account(AccountKey::Id("ca_1".into()))
        .await
        .unwrap();
    assert_eq!(look().await, (1, 3, 1));
    // Its instance goes with it.
    store.delete_config("cfg_1").await.unwrap();
    assert_eq!(look().await, (0, 3, 0));
    store.create_config(config_of("conn_1")).await.unwrap();
    store.reset(None).await.unwrap();
    assert_eq!(look().await, (0, 0, 0));
}
