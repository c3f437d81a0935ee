//! Every operation on accounts, tools and instances, as a program in Rust writes it.

use std::time::SystemTime;

use scalekit_vmcp::{
    AccountRef, AccountStatus, AuthorizationDetails, ErrorKind, NewConfig, NewConnectedAccount,
};
use serde_json::{Map, Value, json};

use crate::{
    browser,
    scene::{MAIL_CONNECTION, Scene},
};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn key(text: &str) -> AuthorizationDetails {
    AuthorizationDetails::static_auth([("api_key", text)])
}

#[tokio::test]
async fn an_account_from_its_first_key_to_its_end() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let client = &scene.client;
    let alice = || AccountRef::new("mail", "alice");
    let created = client
        .create_connected_account(
            NewConnectedAccount::new("mail", "alice")
                .authorization_details(key("first"))
                .api_config(object(&json!({ "Region": "eu" })))
                .organization_id("org_1")
                .user_id("usr_1"),
        )
        .await
        .unwrap();
    assert_eq!(created.status, Some(AccountStatus::Active));
    let again = client
        .create_connected_account(NewConnectedAccount::new("mail", "alice"))
        .await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict);

    let updated = client
        .update_connected_account(alice())
        .authorization_details(key("second"))
        .api_config(object(&json!({ "rows": 5 })))
        .organization_id("org_1")
        .user_id("usr_1")
        .await
        .unwrap();
    assert_eq!(
        updated.api_config,
        Some(object(&json!({ "Region": "eu", "rows": 5 })))
    );

    let whole = client.get_connected_account(alice()).await.unwrap();
    let details = whole.authorization_details.unwrap();
    assert_eq!(
        details.as_map()["static_auth"]["details"]["api_key"],
        "second"
    );
    let id = whole.id.unwrap();
    let bare = client
        .get_connected_account_details(AccountRef::id(&*id))
        .await
        .unwrap();
    assert_eq!(
        (bare.connection_name.as_str(), bare.identifier.as_str()),
        ("mail", "alice")
    );
    assert!(bare.is_active() && bare.authorization_details.is_none());
    assert!(bare.updated_at.unwrap() <= SystemTime::now());

    let page = client
        .list_connected_accounts()
        .identifier("alice")
        .provider("MAIL")
        .connection_names(["mail"])
        .page_size(5)
        .await
        .unwrap();
    assert_eq!((page.total_size, page.connected_accounts.len()), (1, 1));

    let page = client
        .search_connected_accounts("LIC")
        .connection_id(page.connected_accounts[0].connection_id.as_deref().unwrap())
        .page_size(5)
        .await
        .unwrap();
    assert_eq!((page.total_size, page.connected_accounts.len()), (1, 1));

    client.delete_connected_account(alice()).await.unwrap();
    let gone = client.get_connected_account(alice()).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_user_who_authorized_is_confirmed_once_and_only_by_the_right_name() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let link = scene
        .client
        .get_authorization_link(AccountRef::new("mail", "alice"))
        .state("s/1 ?")
        .user_verify_url("http://127.0.0.1:1/verify?from=mail")
        .await
        .unwrap();
    assert!(link.expiry.is_some());
    let sent = browser::authorize(&scene.http, &link.link, "k3y").await;
    let place = url::Url::parse(&crate::oauth::onward(&sent.unwrap().html)).unwrap();
    let query: std::collections::HashMap<_, _> = place.query_pairs().into_owned().collect();
    assert_eq!(
        (query["from"].as_str(), query["state"].as_str()),
        ("mail", "s/1 ?")
    );

    let account = AccountRef::new("mail", "alice");
    let waiting = scene
        .client
        .get_connected_account_details(account.clone())
        .await
        .unwrap();
    assert_eq!(waiting.status, Some(AccountStatus::PendingVerification));
    let request = query["auth_request_id"].as_str();
    let verify = |user: &'static str| scene.client.verify_connected_account_user(request, user);
    assert_eq!(
        verify("mallory").await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    verify("alice").await.unwrap();
    assert_eq!(
        verify("alice").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(
        scene
            .client
            .get_connected_account_details(account)
            .await
            .unwrap()
            .is_active()
    );
}

#[tokio::test]
async fn tools_are_found_by_what_they_are_and_by_whose_they_are() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let client = &scene.client;
    let page = client
        .list_tools()
        .provider("MAIL")
        .tool_name(["mail_read", "mail_send"])
        .page_size(1)
        .await
        .unwrap();
    assert_eq!((page.total_size, page.tools.len()), (2, 1));
    let next = client
        .list_tools()
        .provider("MAIL")
        .tool_name(["mail_read", "mail_send"])
        .page_size(1);
    let next = next
        .page_token(page.next_page_token.unwrap())
        .await
        .unwrap();
    assert_ne!(next.tools[0].name(), page.tools[0].name());
    let names = client
        .list_tools()
        .query("read")
        .summary(true)
        .await
        .unwrap();
    assert_eq!(names.tool_names, ["mail_read"]);
    let annotations = &page.tools[0].definition["annotations"];
    assert_eq!(annotations["read_only_hint"], true);

    let of = |user: &'static str| {
        client
            .list_scoped_tools(user)
            .connection_names(["mail"])
            .page_size(9)
    };
    assert_eq!(of("alice").await.unwrap().total_size, 0);
    let account = NewConnectedAccount::new("mail", "alice").authorization_details(key("k"));
    let account = client.create_connected_account(account).await.unwrap();
    let scoped = of("alice")
        .providers(["MAIL"])
        .tool_names(["mail_read"])
        .await
        .unwrap();
    assert_eq!(scoped.tools[0].connected_account_id, account.id);
    assert_eq!(
        scoped.tools[0].tool.as_ref().unwrap().name(),
        Some("mail_read")
    );
    assert_eq!(
        client
            .list_available_tools("alice")
            .page_size(5)
            .await
            .unwrap()
            .total_size,
        2
    );
}

#[tokio::test]
async fn an_instance_is_made_once_changed_listed_and_gone_with_its_config() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let client = &scene.client;
    for name in ["one", "two"] {
        client
            .create_config(NewConfig::new(name).all_tools_of("mail"))
            .await
            .unwrap();
    }
    let made = client
        .ensure_instance("one", "alice")
        .name("mine")
        .await
        .unwrap();
    let same = client
        .ensure_instance("one", "alice")
        .name("mine")
        .await
        .unwrap();
    assert_eq!(made.id, same.id);
    let changed = client
        .update_instance(&*made.id)
        .name("ours")
        .config_name("two")
        .await
        .unwrap();
    assert_eq!(changed.config.unwrap().name, "two");
    let page = client
        .list_instances()
        .filter_name("ours")
        .filter_config_name("two")
        .filter_user_identifier("alice")
        .page_size(3)
        .await
        .unwrap();
    assert_eq!(
        page.instances[0].id,
        client.get_instance(&*made.id).await.unwrap().id
    );
    let states = client
        .get_instance_auth_state(&*made.id)
        .include_auth_links(true)
        .await
        .unwrap();
    assert!(states[0].authentication_link.is_some());
    client.delete_instance(&*made.id).await.unwrap();
    assert_eq!(
        client.get_instance(&*made.id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
