//! Links and their page: one use, one minute, one account.

mod lifecycle;

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use secrecy::ExposeSecret;

use super::*;
use crate::engine::testing::{Answer, TestEngine};

async fn page(test: &TestEngine, link: &str) -> Answer {
    let request = axum::http::Request::get(link)
        .body(axum::body::Body::empty())
        .unwrap();
    test.send(request).await
}

async fn view(test: &TestEngine, connection: &str) -> AccountView {
    let connection = Arc::clone(test.engine.connection(connection).unwrap());
    let view = test
        .engine
        .accounts()
        .for_call(&connection, "user_123")
        .await;
    view.unwrap().unwrap()
}

#[tokio::test]
async fn the_form_names_connection_and_user_and_can_be_looked_at_often() {
    let test = TestEngine::start().await;
    let link = test.link("gmail", "<b>user</b>").await;
    for _ in 0..3 {
        let page = page(&test, &link).await;
        assert_eq!(page.status, 200);
        for part in [
            "<html lang=\"en\">",
            "name=\"viewport\"",
            "<label for=\"api_key\">",
            "id=\"api_key\" name=\"api_key\"",
            "<strong>gmail</strong>",
            "&#60;b&#62;user&#60;/b&#62;",
            "<form method=\"post\"",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(!page.text.contains("<b>user"));
        assert!(!page.text.contains("<script") && !page.text.contains("style="));
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    let style = page(&test, "/connect.css").await;
    assert!(style.text.contains("prefers-color-scheme: dark"));
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn a_key_makes_the_account_active_once() {
    let test = TestEngine::start().await;
    let link = test.link("gmail", "user_123").await;
    let before = view(&test, "gmail").await;
    assert_eq!(before.status, AccountStatus::PendingAuth);
    assert!(before.credential.is_none());

    let done = test.submit(&link, "api_key=++hunter2+%0A").await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(done.text.contains("Connected"), "{}", done.text);
    assert!(!done.text.contains("hunter2"));
    let after = view(&test, "gmail").await;
    assert_eq!(
        (after.status, &after.id),
        (AccountStatus::Active, &before.id)
    );
    assert_eq!(
        after.credential.as_ref().unwrap().expose_secret(),
        "hunter2"
    );
    assert!(!format!("{after:?}").contains("hunter2"));

    for again in [
        page(&test, &link).await,
        test.submit(&link, "api_key=other").await,
    ] {
        assert_eq!(again.status, 410);
        assert!(again.text.contains("already used") && again.text.contains("new link"));
    }
    let still = view(&test, "gmail").await;
    assert_eq!(still.credential.unwrap().expose_secret(), "hunter2");
}

#[tokio::test]
async fn a_wrong_entry_shows_the_form_again_and_keeps_the_link() {
    let test = TestEngine::start().await;
    let link = test.link("gmail", "user_123").await;
    let long = format!("api_key={}", "x".repeat(4097));
    for (form, problem) in [
        ("api_key=", "Enter the API key."),
        ("api_key=+%09+", "Enter the API key."),
        ("", "Enter the API key."),
        (&*long, "longer than"),
        ("api_key=one%0Atwo", "one line"),
    ] {
        let answer = test.submit(&link, form).await;
        assert_eq!(answer.status, 400, "{form}");
        assert!(answer.text.contains(problem), "{form}: {}", answer.text);
        assert!(answer.text.contains("role=\"alert\"") && answer.text.contains("<form"));
        assert!(answer.text.contains("aria-invalid=\"true\""));
        assert_eq!(
            view(&test, "gmail").await.status,
            AccountStatus::PendingAuth
        );
    }
    let link = test.link("gmail", "user_123").await;
    let longest = format!("api_key={}", "x".repeat(4096));
    assert_eq!(test.submit(&link, &longest).await.status, 200);
}

#[tokio::test]
async fn a_link_lives_for_a_minute_of_the_clock() {
    let test = TestEngine::start().await;
    let link = test.link("gmail", "user_123").await;
    test.clock.advance(Duration::from_secs(59));
    assert_eq!(page(&test, &link).await.status, 200);
    test.clock.advance(Duration::from_secs(1));
    for answer in [
        page(&test, &link).await,
        test.submit(&link, "api_key=x").await,
    ] {
        assert_eq!(answer.status, 410);
        assert!(answer.text.contains("expired") && answer.text.contains("ask for a new one"));
    }
    assert_eq!(
        view(&test, "gmail").await.status,
        AccountStatus::PendingAuth
    );
    let unknown = page(&test, "/connect/none-such").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.text.contains("no such link"));
}

#[tokio::test]
async fn of_two_posts_of_one_link_one_wins() {
    let test = TestEngine::start().await;
    for _ in 0..10 {
        let link = test.link("gmail", "user_123").await;
        let (one, two) = tokio::join!(
            test.submit(&link, "api_key=first"),
            test.submit(&link, "api_key=second"),
        );
        let mut statuses = [one.status, two.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::GONE]);
        let winner = if one.status == 200 { "first" } else { "second" };
        let account = view(&test, "gmail").await;
        assert_eq!(account.credential.unwrap().expose_secret(), winner);
    }
}

#[tokio::test]
async fn only_expired_and_disconnected_accounts_start_anew_with_a_link() {
    let test = TestEngine::start().await;
    test.connect("gmail", "user_123", "hunter2").await;
    let id = view(&test, "gmail").await.id;
    for (before, after) in [
        (AccountStatus::Active, AccountStatus::Active),
        (AccountStatus::Expired, AccountStatus::PendingAuth),
        (AccountStatus::Disconnected, AccountStatus::PendingAuth),
        (
            AccountStatus::PendingVerification,
            AccountStatus::PendingVerification,
        ),
    ] {
        assert!(
            test.engine
                .accounts()
                .set_status(&id, before)
                .await
                .unwrap()
        );
        test.link("gmail", "user_123").await;
        let account = view(&test, "gmail").await;
        assert_eq!((account.status, &account.id), (after, &id));
        // Whoever is not active has no credential to call with.
        assert_eq!(account.credential.is_some(), after == AccountStatus::Active);
    }
    assert!(
        !test
            .engine
            .accounts()
            .set_status("ca_0", AccountStatus::Active)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn where_nothing_is_needed_the_page_says_so() {
    let test = TestEngine::start().await;
    let link = test.link("Git Hub", "user_123").await;
    assert_eq!(view(&test, "Git Hub").await.status, AccountStatus::Active);
    for answer in [
        page(&test, &link).await,
        test.submit(&link, "api_key=x").await,
    ] {
        assert_eq!(answer.status, 200);
        assert!(
            answer.text.contains("needs nothing from you"),
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("<form"));
    }
    assert!(view(&test, "Git Hub").await.credential.is_none());
}

#[tokio::test]
async fn users_and_connections_do_not_share_accounts() {
    let test = TestEngine::start().await;
    test.connect("gmail", "user_123", "hunter2").await;
    let gmail = test.engine.connection("gmail").unwrap();
    let calendar = test.engine.connection("calendar").unwrap();
    let accounts = test.engine.accounts();
    assert!(
        accounts
            .for_call(gmail, "user_124")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        accounts
            .for_call(gmail, "USER_123")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        accounts
            .for_call(calendar, "user_123")
            .await
            .unwrap()
            .is_none()
    );
}
