//! Tokens that end: renewed ahead, once for all who ask, or the account says that it has expired.

use std::time::Duration;

use futures_util::future::join_all;
use scalekit_vmcp::{AccountRef, AccountStatus, ErrorKind};
use serde_json::json;

use super::{Crm, Mood};

const HOUR: Duration = Duration::from_secs(3600);
const ALMOST_AN_HOUR: Duration = Duration::from_secs(3570);

impl Crm {
    /// An engine where alice has authorized the connection, for tools of a config.
    async fn connected() -> (Self, scalekit_vmcp::Config) {
        let crm = Self::start().await;
        let config = crm.config().await;
        crm.connect("alice").await;
        (crm, config)
    }

    fn refreshes(&self) -> usize {
        self.provider.book().refreshes()
    }

    /// Waits until the token endpoint has been asked so often.
    async fn asked(&self, times: usize) {
        while self.provider.book().asked.len() < times {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_token_is_renewed_ahead_while_the_old_one_still_serves() {
    let (crm, config) = Crm::connected().await;
    let agent = crm.scene.agent_of(&config, "alice").await;
    crm.provider.gate.forget_permits(usize::MAX);
    crm.scene.engine.advance_clock(ALMOST_AN_HOUR);
    // The provider takes its time; nobody waits for it.
    for _ in 0..3 {
        assert_eq!(
            agent.call("whoami", json!({})).await.unwrap(),
            "you are alice"
        );
    }
    crm.asked(2).await;
    crm.provider.gate.add_permits(1);
    while crm.token_expires_in().await < HOUR / 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(crm.refreshes(), 1);
    // The next one goes with the rotated refresh token.
    crm.provider.gate.add_permits(10);
    crm.scene.engine.advance_clock(HOUR * 2);
    assert_eq!(crm.whoami(&config, "alice").await, "you are alice");
    assert_eq!(crm.refreshes(), 2);
    let asked = crm.provider.book().asked.clone();
    assert_ne!(asked[1]["refresh_token"], asked[2]["refresh_token"]);
}

#[tokio::test]
async fn however_many_call_with_an_ended_token_it_is_renewed_once() {
    let (crm, config) = Crm::connected().await;
    crm.scene.engine.advance_clock(HOUR * 2);
    let session = crm
        .scene
        .client
        .open_session(&config, "alice")
        .await
        .unwrap();
    assert_eq!(
        crm.refreshes(),
        1,
        "minting wants to know whether the account still stands"
    );

    crm.scene.engine.advance_clock(HOUR / 2 * 3);
    let agents = (0..20).map(|_| async {
        let agent = crm.scene.agent(&session).await;
        agent.call("whoami", json!({})).await.unwrap()
    });
    assert!(
        join_all(agents)
            .await
            .iter()
            .all(|answer| answer == "you are alice")
    );
    assert_eq!(crm.refreshes(), 2);
}

#[tokio::test]
async fn a_provider_that_does_not_rotate_is_asked_with_the_same_token_again() {
    let crm = Crm::start().await;
    crm.provider.book().rotating = false;
    let config = crm.config().await;
    crm.connect("alice").await;
    for _ in 0..2 {
        crm.scene.engine.advance_clock(HOUR * 2);
        assert_eq!(crm.whoami(&config, "alice").await, "you are alice");
    }
    let asked = crm.provider.book().asked.clone();
    assert_eq!(asked[1]["refresh_token"], asked[2]["refresh_token"]);
}

#[tokio::test]
async fn an_ended_grant_expires_the_account_until_the_user_authorizes_again() {
    let (crm, config) = Crm::connected().await;
    let agent = crm.scene.agent_of(&config, "alice").await;
    agent.call("whoami", json!({})).await.unwrap();
    crm.provider.book().revoke(true);
    let answer = agent.call("whoami", json!({})).await.unwrap();
    assert!(answer.contains("its status is EXPIRED"), "{answer:?}");
    assert_eq!(crm.refreshes(), 1);
    assert_eq!(crm.status("alice").await, AccountStatus::Expired);
    let error = crm
        .scene
        .client
        .open_session(&config, "alice")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthorizationRequired);

    crm.connect("alice").await;
    assert_eq!(crm.whoami(&config, "alice").await, "you are alice");
}

#[tokio::test]
async fn the_check_before_a_run_finds_out_that_a_grant_has_ended() {
    let (crm, config) = Crm::connected().await;
    crm.provider.book().revoke(true);
    crm.scene.engine.advance_clock(HOUR * 2);
    let accounts = crm
        .scene
        .client
        .list_mcp_connected_accounts(&*config.id, "alice");
    let accounts = accounts.await.unwrap();
    assert_eq!(
        accounts[0].connected_account_status,
        Some(AccountStatus::Expired)
    );
}

#[tokio::test]
async fn a_token_that_was_revoked_early_is_renewed_and_the_call_executed_once() {
    let (crm, config) = Crm::connected().await;
    let agent = crm.scene.agent_of(&config, "alice").await;
    agent.call("whoami", json!({})).await.unwrap();
    crm.provider.book().revoke(false);
    let answers = join_all((0..5).map(|_| agent.call("whoami", json!({})))).await;
    for answer in answers {
        assert_eq!(answer.unwrap(), "you are alice");
    }
    let book = crm.provider.book();
    assert_eq!((book.refreshes(), book.executed), (1, 6));
}

#[tokio::test]
async fn a_provider_that_fails_expires_nobody() {
    let (crm, config) = Crm::connected().await;
    let agent = crm.scene.agent_of(&config, "alice").await;
    crm.provider.book().mood = Mood::Answers(503, json!({}));
    crm.scene.engine.advance_clock(ALMOST_AN_HOUR);
    assert_eq!(
        agent.call("whoami", json!({})).await.unwrap(),
        "you are alice"
    );

    crm.scene.engine.advance_clock(HOUR);
    crm.provider.book().revoke(false);
    let session = crm
        .scene
        .client
        .open_session(&config, "alice")
        .await
        .unwrap();
    let agent = crm.scene.agent(&session).await;
    let answer = agent.call("whoami", json!({})).await.unwrap();
    let text = answer;
    assert!(
        text.contains("`crm`") && text.contains("could not be renewed"),
        "{text}"
    );
    assert_eq!(crm.status("alice").await, AccountStatus::Active);

    crm.provider.book().mood = Mood::Good;
    crm.scene.engine.advance_clock(Duration::from_secs(6));
    assert_eq!(
        agent.call("whoami", json!({})).await.unwrap(),
        "you are alice"
    );
}

#[tokio::test]
async fn a_token_that_nothing_renews_takes_its_account_along() {
    let crm = Crm::start().await;
    crm.provider.book().refreshable = false;
    let config = crm.config().await;
    crm.connect("alice").await;
    let agent = crm.scene.agent_of(&config, "alice").await;
    crm.scene.engine.advance_clock(Duration::from_secs(3599));
    assert_eq!(crm.whoami(&config, "alice").await, "you are alice");
    crm.scene.engine.advance_clock(Duration::from_secs(1));
    let listed = crm.scene.client.list_connected_accounts().await.unwrap();
    assert_eq!(
        listed.connected_accounts[0].status,
        Some(AccountStatus::Expired)
    );
    let answer = agent.call("whoami", json!({})).await;
    // The session's own token has ended too, and no other can be minted.
    assert!(answer.is_err() || answer.unwrap().contains("EXPIRED"));
    assert_eq!(crm.refreshes(), 0);
}

#[tokio::test]
async fn an_account_that_is_disconnected_in_mid_renewal_stays_so() {
    let (crm, config) = Crm::connected().await;
    let session = crm
        .scene
        .client
        .open_session(&config, "alice")
        .await
        .unwrap();
    let agent = crm.scene.agent(&session).await;
    crm.provider.gate.forget_permits(usize::MAX);
    crm.scene.engine.advance_clock(ALMOST_AN_HOUR);
    agent.call("whoami", json!({})).await.unwrap();
    crm.asked(2).await;
    let account = AccountRef::new("crm", "alice");
    crm.scene
        .client
        .delete_connected_account(account.clone())
        .await
        .unwrap();
    crm.provider.gate.add_permits(1);
    agent.call("whoami", json!({})).await.unwrap_err();
    let error = crm
        .scene
        .client
        .get_connected_account_details(account)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

impl Crm {
    async fn token_expires_in(&self) -> Duration {
        let account = self
            .scene
            .client
            .get_connected_account_details(AccountRef::new("crm", "alice"));
        let expires_at = account.await.unwrap().token_expires_at.unwrap();
        // The clock stands an hour less half a minute after the start.
        let now = std::time::SystemTime::now() + ALMOST_AN_HOUR;
        expires_at.duration_since(now).unwrap_or_default()
    }
}

#[tokio::test]
async fn an_engine_that_closes_keeps_the_tokens_that_are_on_their_way() {
    let folder = tempfile::tempdir().unwrap();
    let provider = super::Provider::start().await;
    let toml = super::toml(&provider.url);
    let start = async || {
        let settings = scalekit_vmcp_engine::Settings::from_toml(&toml, folder.path()).unwrap();
        let builder = scalekit_vmcp_engine::LocalEngine::builder().settings(settings);
        builder
            .data_folder(folder.path().join("data"))
            .start()
            .await
            .unwrap()
    };
    let crm = Crm {
        scene: crate::scene::Scene::of(start().await),
        provider,
    };
    let config = crm.config().await;
    crm.connect("alice").await;
    crm.provider.gate.forget_permits(usize::MAX);
    crm.scene.engine.advance_clock(ALMOST_AN_HOUR);
    let agent = crm.scene.agent_of(&config, "alice").await;
    agent.call("whoami", json!({})).await.unwrap();
    crm.asked(2).await;
    let gate = std::sync::Arc::clone(&crm.provider.gate);
    let provider = crm.provider.clone();
    drop(agent);
    let ((), ()) = tokio::join!(crm.scene.engine.close(), async { gate.add_permits(1) });

    let crm = Crm {
        scene: crate::scene::Scene::of(start().await),
        provider,
    };
    crm.provider.gate.add_permits(10);
    crm.scene.engine.advance_clock(HOUR * 3);
    assert_eq!(crm.status("alice").await, AccountStatus::Active);
    assert_eq!(crm.refreshes(), 2, "the rotated refresh token was kept");
}
