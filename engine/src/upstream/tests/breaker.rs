//! What a dead upstream costs, and whom.

use jiff::{SignedDuration, Timestamp};

use super::*;

fn until(error: &UpstreamError) -> Timestamp {
    match error {
        UpstreamError::Resting { until, .. } => *until,
        error => panic!("{error}"),
    }
}

fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time + SignedDuration::from_secs(seconds)
}

/// A bench that gives a listing up soon, with a clock that stands still.
async fn sick() -> Bench {
    let bench = Bench::with(short(|deadlines| deadlines.list = 3 * SOON)).await;
    bench.clock.freeze();
    bench
}

#[tokio::test]
async fn a_dead_upstream_costs_one_deadline_and_then_an_answer_at_once() {
    let bench = sick().await;
    let now = bench.clock.now();
    let (notes, owner) = (bench.tiny("deaf"), bench.owner("one"));
    let first = bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    assert!(matches!(first, UpstreamError::TimedOut { .. }), "{first}");
    for _ in 0..3 {
        let error = bench.call(&notes, &owner, "any").await.unwrap_err();
        assert_eq!(until(&error), after(now, 10));
        let text = error.to_string();
        assert!(text.starts_with(&first.to_string()), "{text}");
        assert!(text.contains("it is tried again at "), "{text}");
    }
    assert_eq!(bench.starts(), 1);
    let retry_at = bench.upstreams.retry_at("notes", "one");
    assert_eq!(retry_at, Some(after(now, 10)));

    // Neither another connection of the same account nor another account is touched.
    let others = named("others", bench.tiny("legacy"));
    bench.call(&others, &owner, "any").await.unwrap();
    let other = bench.upstreams.tools(&notes, &bench.owner("two")).await;
    assert!(matches!(other, Err(UpstreamError::TimedOut { .. })));
    assert_eq!(bench.upstreams.retry_at("others", "two"), None);
}

#[tokio::test]
async fn one_request_tries_for_all_and_each_failure_doubles_the_rest() {
    let bench = sick().await;
    let (notes, owner) = (bench.tiny("deaf"), bench.owner("one"));
    bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    for rest in [20, 40, 80, 120, 120] {
        bench.clock.advance(Duration::from_secs(120));
        let mut trying = Box::pin(bench.upstreams.tools(&notes, &owner));
        assert!(futures_util::poll!(&mut trying).is_pending());
        until(&bench.upstreams.tools(&notes, &owner).await.unwrap_err());
        let error = trying.await.unwrap_err();
        assert!(matches!(error, UpstreamError::TimedOut { .. }), "{error}");
        let error = bench.upstreams.tools(&notes, &owner).await.unwrap_err();
        assert_eq!(until(&error), after(bench.clock.now(), rest));
    }
    bench.clock.advance(Duration::from_secs(120));
    std::fs::write(bench.dir.path().join("ok"), "").unwrap();
    bench.names(&notes, &owner).await;
    assert_eq!(bench.upstreams.retry_at("notes", "one"), None);
}

#[tokio::test]
async fn who_tried_and_left_is_followed_by_another() {
    let bench = sick().await;
    let (notes, owner) = (bench.tiny("deaf"), bench.owner("one"));
    bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    bench.clock.advance(Duration::from_secs(10));
    let mut trying = Box::pin(bench.upstreams.tools(&notes, &owner));
    assert!(futures_util::poll!(&mut trying).is_pending());
    drop(trying);
    std::fs::write(bench.dir.path().join("ok"), "").unwrap();
    let error = bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    assert_eq!(until(&error), after(bench.clock.now(), 45));
    bench.clock.advance(Duration::from_secs(45));
    bench.names(&notes, &owner).await;
}

#[tokio::test]
async fn quick_failures_are_tried_again_until_the_third() {
    let bench = sick().await;
    let (notes, owner) = (bench.tiny("needs-ok"), bench.owner("one"));
    for _ in 0..3 {
        let error = bench.call(&notes, &owner, "any").await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::StartFailed { .. }),
            "{error}"
        );
    }
    let error = bench.call(&notes, &owner, "any").await.unwrap_err();
    assert_eq!(until(&error), after(bench.clock.now(), 10));
    assert!(!format!("{error:?} {error}").contains("key-of-one"));
    assert_eq!(bench.starts(), 3);
}

#[tokio::test]
async fn a_new_credential_or_a_new_account_is_tried_at_once() {
    let bench = sick().await;
    let (notes, mut owner) = (bench.tiny("deaf"), bench.owner("one"));
    bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    std::fs::write(bench.dir.path().join("ok"), "").unwrap();
    until(&bench.upstreams.tools(&notes, &owner).await.unwrap_err());
    owner.credential = Some(SecretString::from("new-key"));
    bench.names(&notes, &owner).await;

    std::fs::remove_file(bench.dir.path().join("ok")).unwrap();
    let owner = bench.owner("two");
    bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    std::fs::write(bench.dir.path().join("ok"), "").unwrap();
    until(&bench.upstreams.tools(&notes, &owner).await.unwrap_err());
    bench.upstreams.forget_account("two").await;
    assert_eq!(bench.upstreams.retry_at("notes", "two"), None);
    bench.names(&notes, &owner).await;
}

#[tokio::test]
async fn a_slow_tool_is_no_death_but_an_upstream_that_stands_still_is() {
    let bench = Bench::with(short(|deadlines| {
        deadlines.call = SOON;
        deadlines.list = SOON;
    }))
    .await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    bench.names(&notes, &owner).await;
    for _ in 0..4 {
        let error = bench.call(&notes, &owner, "hang").await.unwrap_err();
        assert!(matches!(error, UpstreamError::TimedOut { .. }), "{error}");
    }
    bench.names(&notes, &owner).await;
    assert_eq!(bench.starts(), 1);

    bench.call(&notes, &owner, "stand-still").await.unwrap_err();
    let error = bench.upstreams.tools(&notes, &owner).await.unwrap_err();
    assert!(matches!(error, UpstreamError::TimedOut { .. }), "{error}");
    until(&bench.call(&notes, &owner, "any").await.unwrap_err());
}
