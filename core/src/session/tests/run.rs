//! One agent run from its first hour to the next day, with all that may happen to it.

use std::collections::BTreeSet;

use super::*;

/// Lets the session's token grow older, on a runtime whose clock cannot be moved.
fn age(session: &Session, by: Duration) {
    let mut current = session.0.current.lock().unwrap();
    current.good_until = Instant::now() + current.left().saturating_sub(by);
    current.renew_from = Instant::now();
}

/// What a thousand callers get who ask at once.
async fn asked(session: &Session) -> Vec<Result<String>> {
    let callers = (0..1_000).map(|_| {
        let session = session.clone();
        tokio::spawn(async move {
            let token = session.token().await?;
            Ok(token.token().to_owned())
        })
    });
    let callers: Vec<_> = callers.collect();
    let answers = join_all(callers).await;
    answers.into_iter().map(|answer| answer.unwrap()).collect()
}

async fn tokens(session: &Session) -> BTreeSet<String> {
    let tokens = asked(session).await.into_iter().map(Result::unwrap);
    tokens.collect()
}

async fn a_day_of_a_run(target: Target, minting: &str) {
    /// So old a token is renewed in the background.
    const OLDER: Duration = Duration::from_secs(3_000);
    /// And so old it is not given out any more.
    const OLD: Duration = Duration::from_secs(3_595);

    let names_accounts = matches!(target, Target::Config { .. });
    let scene = Scene::new().await;
    let session = scene.session_on(target).await;
    let mints = || scene.server.count(minting);
    let (mut number, mut passed) = (0, Duration::ZERO);
    // Besides the one for each token.
    let mut refused = 0;
    for round in 0..15 {
        age(&session, OLDER);
        let (old, new) = (format!("token-{number}"), format!("token-{}", number + 1));
        let both = BTreeSet::from([old, new.clone()]);
        assert!(tokens(&session).await.is_subset(&both));
        // It may have ended already.
        drop(under_way(&session).await);
        assert_eq!(tokens(&session).await, BTreeSet::from([new]));

        age(&session, OLD);
        number += 2;
        let new = format!("token-{number}");
        assert_eq!(tokens(&session).await, BTreeSet::from([new.clone()]));
        passed += OLDER + OLD;

        if round == 5 {
            // The server answers 401 to all of them.
            a_thousand(|| {
                let (session, refused) = (session.clone(), format!("Bearer {new}"));
                async move { session.rejected(&refused).await.unwrap() }
            })
            .await;
            number += 1;
            let new = format!("token-{number}");
            assert_eq!(tokens(&session).await, BTreeSet::from([new]));
        }
        if round == 10 {
            // The user's account goes inactive while the agent runs.
            scene.fail_with.store(400, Ordering::SeqCst);
            scene.gmail_active.store(false, Ordering::SeqCst);
            age(&session, OLD);
            for answer in asked(&session).await {
                let error = answer.unwrap_err();
                assert_eq!(error.status(), Some(400));
                let accounts = error.authorization_required();
                let named = accounts.map(|accounts| &*accounts[0].connection_name);
                assert_eq!(named, names_accounts.then_some("gmail"));
            }
            refused = mints() - number - 1;
            scene.fail_with.store(0, Ordering::SeqCst);
            scene.gmail_active.store(true, Ordering::SeqCst);
            number += 1;
            let new = format!("token-{number}");
            assert_eq!(tokens(&session).await, BTreeSet::from([new]));
        }
        assert_eq!(mints(), 1 + number + refused);
    }
    assert!(passed > Duration::from_secs(24 * 3_600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_thousand_callers_get_good_tokens_for_a_day_whatever_happens_to_a_config_or_connection() {
    a_day_of_a_run(Scene::target(), MINT).await;
    a_day_of_a_run(Target::connection("gmail"), MINT_OF_CONNECTION).await;
}
