//! How often a server over HTTP is greeted: once, and once more when it has lost the session.

use std::sync::atomic::Ordering;

use super::{
    fake::{Fake, UNKNOWN},
    *,
};

const GREETING: [&str; 2] = ["initialize", "notifications/initialized"];

/// A bench that asks for the listing each time.
async fn curious() -> Bench {
    Bench::with(short(|deadlines| deadlines.listing_life = Duration::ZERO)).await
}

#[tokio::test]
async fn a_warm_request_needs_no_greeting() {
    for (fake, greeting) in [(Fake::legacy().await, 3), (Fake::modern().await, 1)] {
        let bench = curious().await;
        let owner = bench.owner("one");
        for _ in 0..50 {
            bench.call(&fake.connection, &owner, "any").await.unwrap();
            bench.names(&fake.connection, &owner).await;
        }
        assert_eq!(fake.seen.methods().len(), greeting + 100);
    }
}

#[tokio::test]
async fn a_server_that_lost_the_session_is_greeted_again_and_asked_once_more() {
    for unknown in UNKNOWN {
        let (bench, fake) = (curious().await, Fake::legacy().await);
        let owner = bench.owner("one");
        bench.call(&fake.connection, &owner, "any").await.unwrap();
        fake.seen.methods();

        fake.seen.forget(unknown);
        bench.call(&fake.connection, &owner, "any").await.unwrap();
        let expected = [["tools/call"].as_slice(), &GREETING, &["tools/call"]].concat();
        assert_eq!(fake.seen.methods(), expected, "{unknown:?}");
        assert_eq!(fake.seen.executed.load(Ordering::SeqCst), 2);

        fake.seen.forget(unknown);
        assert_eq!(bench.names(&fake.connection, &owner).await, ["any"]);
        let expected = [["tools/list"].as_slice(), &GREETING, &["tools/list"]].concat();
        assert_eq!(fake.seen.methods(), expected, "{unknown:?}");
    }
}

#[tokio::test]
async fn a_server_that_loses_every_session_is_greeted_again_only_once() {
    for unknown in UNKNOWN {
        let (bench, fake) = (curious().await, Fake::legacy().await);
        let owner = bench.owner("one");
        bench.call(&fake.connection, &owner, "any").await.unwrap();
        fake.seen.methods();
        fake.seen.forget_always(unknown);
        let error = bench
            .call(&fake.connection, &owner, "any")
            .await
            .unwrap_err();
        assert!(
            matches!(error, UpstreamError::HttpStatus { status: 404, .. }),
            "{unknown:?} {error:?}"
        );
        let methods = fake.seen.methods();
        let greetings = methods.iter().filter(|method| *method == "initialize");
        assert_eq!(greetings.count(), 1, "{methods:?}");
        assert_eq!(fake.seen.executed.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_repeated() {
    for fake in [Fake::legacy().await, Fake::modern().await] {
        let bench = Bench::new().await;
        let owner = bench.owner("one");
        bench
            .call(&fake.connection, &owner, "lose")
            .await
            .unwrap_err();
        assert_eq!(fake.seen.executed.load(Ordering::SeqCst), 1);
        bench.call(&fake.connection, &owner, "any").await.unwrap();
        assert_eq!(fake.seen.executed.load(Ordering::SeqCst), 2);
    }
}
