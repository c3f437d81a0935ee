//! How an engine opens, and what it remembers when it opens again.

use secrecy::ExposeSecret;

use super::{
    testing::{BASE, SETTINGS, TestEngine, open},
    *,
};

#[test]
fn without_clients_one_pair_is_made_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[connections.git]\nupstream = { url = \"http://127.0.0.1:9\" }";
    let pair = || {
        let engine = open(settings, folder.path(), Clock::default());
        let (id, secret) = engine.default_client().unwrap();
        assert!(engine.clients().verify(id, secret));
        assert!(!engine.clients().verify(id, &"guess".into()));
        assert!(!engine.clients().verify("other", secret));
        assert!(!format!("{engine:?}").contains(secret.expose_secret()));
        (id.to_owned(), secret.expose_secret().to_owned())
    };
    let first = pair();
    assert!(first.0.starts_with("skc_") && first.1.len() >= 40);
    assert_eq!(pair(), first);

    let engine = open(SETTINGS, folder.path(), Clock::default());
    assert!(engine.default_client().is_none());
    assert!(!engine.clients().contains(&first.0));
    assert!(engine.clients().verify("app", &"app-secret".into()));
}

#[test]
fn urls_are_built_from_the_base() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(SETTINGS, folder.path(), Clock::default());
    assert_eq!(engine.issuer(), BASE);
    assert_eq!(engine.server_url("u"), format!("{BASE}/mcp/v3/servers/u"));
    assert_eq!(
        engine.connection_url("Git Hub"),
        format!("{BASE}/mcp/v3/connections/Git%20Hub")
    );
    assert!(engine.connection("Git Hub").is_some());
    assert!(engine.connection("git hub").is_none());
    assert!(engine.connection_id("gmail").unwrap().starts_with("conn_"));
}

#[test]
fn a_folder_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| {
        let settings = Settings::default();
        Engine::open(settings, path, Url::parse(BASE).unwrap(), Clock::default())
    };
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = open(&file.join("data")).unwrap_err().to_string();
    assert!(error.contains("file/data"), "{error}");

    let first = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("vmcp.db") && error.contains("in use by another engine"),
        "{error}"
    );
    drop(first);
}

#[tokio::test]
async fn a_restarted_engine_goes_on_where_it_stopped() {
    let test = TestEngine::start().await;
    let config = test.config("agent", &["gmail"]).await;
    test.connect("gmail", "user_123", "hunter2").await;
    let token = test.token().to_owned();
    let (folder, clock) = test.stop();

    let engine = open(SETTINGS, folder.path(), clock);
    assert!(engine.signer().verify(&token).is_ok());
    let uuid = config["mcp_server_url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let found = engine.config_by_server_uuid(uuid).await.unwrap().unwrap();
    assert_eq!(found.id, config["id"]);
    let gmail = engine.connection("gmail").unwrap();
    let account = engine
        .accounts()
        .for_call(gmail, "user_123")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(account.credential.unwrap().expose_secret(), "hunter2");
    assert_eq!(
        account.directory,
        folder.path().join("accounts").join(&account.id)
    );
}
