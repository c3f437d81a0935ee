//! A user's way to a config whose connections are all authorized, and the config itself.

use futures_util::TryStreamExt;
use scalekit_vmcp::{AccountStatus, NewConfig, NewConnectedAccount, Outcome};

use crate::{
    browser,
    scene::{MAIL_CONNECTION, Scene},
};

#[tokio::test]
async fn a_wait_hands_out_the_link_and_ends_when_the_user_has_used_it() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    let mut changes = scene
        .client
        .wait_until_active(&*config.id, "alice")
        .changes();
    let first = changes.try_next().await.unwrap().unwrap();
    assert_eq!(first.status, Some(AccountStatus::PendingAuth));
    let link = first.authentication_link.unwrap();
    browser::authorize(&scene.http, &link, "key").await.unwrap();
    let last = changes.try_next().await.unwrap().unwrap();
    assert_eq!(
        (last.status, last.authentication_link),
        (Some(AccountStatus::Active), None)
    );
    assert!(changes.try_next().await.unwrap().is_none());

    let states = scene
        .client
        .wait_until_active(&*config.id, "alice")
        .await
        .unwrap();
    assert!(
        states
            .iter()
            .all(scalekit_vmcp::ConnectionAuthState::is_active)
    );
    scene.client.open_session(&config, "alice").await.unwrap();
}

#[tokio::test]
async fn a_wait_ends_when_its_config_is_deleted() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    let mut changes = scene
        .client
        .wait_until_active(&*config.id, "alice")
        .changes();
    changes.try_next().await.unwrap().unwrap();
    scene.client.delete_config(&*config.id).await.unwrap();
    let error = changes.try_next().await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("not_found", Some(404)));
}

#[tokio::test]
async fn a_role_is_declared_once_and_changed_only_where_it_differs() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let role = NewConfig::new("agent")
        .description("Reads mail")
        .connection("mail", ["mail_read"]);
    let (one, other) = tokio::join!(
        scene.client.ensure_config(role.clone()),
        scene.client.ensure_config(role.clone()),
    );
    let outcomes = [one.unwrap().outcome, other.unwrap().outcome];
    assert!(
        outcomes.contains(&Outcome::Created) && outcomes.contains(&Outcome::Unchanged),
        "{outcomes:?}"
    );
    assert_eq!(scene.client.list_configs().await.unwrap().total_size, 1);

    let wider = NewConfig::new("agent").connection("mail", ["mail_send", "mail_read"]);
    let ensured = scene.client.ensure_config(wider).await.unwrap();
    assert_eq!((ensured.outcome, ensured.widened), (Outcome::Updated, true));
    assert_eq!(ensured.config.description.as_deref(), Some("Reads mail"));
    let ensured = scene.client.ensure_config(role).await.unwrap();
    assert_eq!(
        (ensured.outcome, ensured.widened),
        (Outcome::Updated, false)
    );
    assert_eq!(ensured.tools_removed.len(), 1);
}

#[tokio::test]
async fn an_account_is_made_once_however_many_ask_for_it() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let account = || NewConnectedAccount::new("mail", "alice");
    let asking = (0..20).map(|_| {
        scene
            .client
            .get_or_create_connected_account(account())
            .into_future()
    });
    let accounts = futures_util::future::try_join_all(asking).await.unwrap();
    assert!(accounts.iter().all(|one| one.id == accounts[0].id));
}
