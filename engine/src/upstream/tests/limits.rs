//! How many upstreams live, for how long, and how often each is greeted.

use futures_util::future::join_all;
use serde_json::json;

use super::{fake::Fake, *};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Works until the child says that its call hangs.
async fn hanging(
    bench: &Bench,
    working: impl Future<Output = Result<Value, UpstreamError>>,
) -> BufReader<TcpStream> {
    tokio::select! {
        answer = working => panic!("{answer:?}"),
        link = async {
            let mut link = bench.linked().await;
            assert_eq!(line(&mut link).await, "hanging");
            link
        } => link,
    }
}

#[tokio::test]
async fn an_upstream_that_nobody_uses_is_stopped_and_comes_again_when_needed() {
    let bench = Bench::limited(Deadlines::default(), limits(|limits| limits.idle = SOON)).await;
    let (notes, busy, idle) = (
        bench.tiny("legacy"),
        bench.owner("busy"),
        bench.owner("idle"),
    );
    let mut working = Box::pin(bench.call(&notes, &busy, "hang"));
    let mut link = hanging(&bench, &mut working).await;
    for starts in [2, 3] {
        bench.call(&notes, &idle, "any").await.unwrap();
        assert_eq!(bench.starts(), starts);
        all_dead(bench.linked().await).await;
    }
    // The one in use was older than those two.
    drop(working);
    assert_eq!(line(&mut link).await, "cancelled");
    all_dead(link).await;
}

#[tokio::test]
async fn the_child_that_was_not_used_for_the_longest_time_makes_room() {
    let bench = Bench::limited(Deadlines::default(), limits(|limits| limits.children = 2)).await;
    let notes = bench.tiny("legacy");
    let owners = ["one", "two", "three"].map(|id| bench.owner(id));
    let first = bench.call(&notes, &owners[0], "any").await.unwrap();
    let _one = bench.linked().await;
    bench.call(&notes, &owners[1], "any").await.unwrap();
    let two = bench.linked().await;
    bench.call(&notes, &owners[0], "any").await.unwrap();
    bench.call(&notes, &owners[2], "any").await.unwrap();
    all_dead(two).await;
    let again = bench.call(&notes, &owners[0], "any").await.unwrap();
    assert_eq!(first["pid"], again["pid"]);
    assert_eq!(bench.upstreams.running(), 2);
    assert_eq!(bench.starts(), 3);
}

#[tokio::test]
async fn a_child_in_use_makes_room_only_when_it_is_done() {
    let bench = Bench::limited(
        short(|deadlines| deadlines.call = SOON),
        limits(|limits| limits.children = 1),
    )
    .await;
    let notes = bench.tiny("legacy");
    let (one, two) = (bench.owner("one"), bench.owner("two"));
    let mut working = Box::pin(bench.call(&notes, &one, "hang"));
    let link = hanging(&bench, &mut working).await;
    let waiting = bench.call(&notes, &two, "any");
    let (worked, waited) = futures_util::future::join(working, waiting).await;
    assert!(matches!(worked, Err(UpstreamError::TimedOut { .. })));
    waited.unwrap();
    all_dead(link).await;
}

#[tokio::test]
async fn where_every_child_is_in_use_a_new_one_is_refused_with_the_limit() {
    let bench = Bench::limited(
        short(|deadlines| deadlines.room = SOON),
        limits(|limits| limits.children = 1),
    )
    .await;
    let notes = bench.tiny("legacy");
    let one = bench.owner("one");
    let mut working = Box::pin(bench.call(&notes, &one, "hang"));
    let _link = hanging(&bench, &mut working).await;
    let two = bench.owner("two");
    let error = tokio::select! {
        answer = working => panic!("{answer:?}"),
        answer = bench.call(&notes, &two, "any") => answer.unwrap_err(),
    };
    assert!(matches!(error, UpstreamError::Full { .. }), "{error}");
    assert!(error.to_string().contains("all 1 upstream processes"));
    assert_eq!(bench.starts(), 1);
    assert_eq!(bench.upstreams.retry_at("notes", "two"), None);
}

#[tokio::test]
async fn only_so_many_children_start_at_once() {
    let bench = Bench::limited(Deadlines::default(), limits(|limits| limits.starting = 2)).await;
    let notes = bench.tiny("crowd");
    let owners: Vec<Owner> = (0..6).map(|id| bench.owner(&id.to_string())).collect();
    let calls = owners.iter().map(|owner| bench.call(&notes, owner, "any"));
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    let crowd = std::fs::read_to_string(bench.dir.path().join("crowd")).unwrap();
    let sizes: Vec<usize> = crowd.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(sizes.len(), 6);
    assert!(sizes.iter().all(|size| *size <= 2), "{sizes:?}");
}

#[tokio::test]
async fn a_warm_call_needs_no_greeting() {
    for mode in ["legacy", "modern"] {
        let bench = Bench::new().await;
        let (notes, owner) = (bench.tiny(mode), bench.owner("one"));
        for _ in 0..50 {
            bench.names(&notes, &owner).await;
            bench.call(&notes, &owner, "any").await.unwrap();
        }
        let answer = bench.call(&notes, &owner, "any").await.unwrap();
        let methods: Vec<_> = answer["methods"].as_array().unwrap().iter().collect();
        let greetings = methods
            .iter()
            .filter(|method| [json!("server/discover"), json!("initialize")].contains(**method))
            .count();
        assert_eq!(greetings, if mode == "legacy" { 2 } else { 1 });
        let calls = methods.iter().filter(|method| **method == "tools/call");
        assert_eq!(calls.count(), 51);
        assert_eq!(bench.starts(), 1);
    }
}

#[tokio::test]
async fn accounts_with_the_same_tools_hold_one_listing() {
    for in_headers in [false, true] {
        let (bench, http) = (Bench::new().await, Fake::modern().await);
        let notes = if in_headers {
            http.connection
        } else {
            bench.tiny("legacy")
        };
        let mut listings = Vec::new();
        for owner in ["one", "two"].map(|id| bench.owner(id)) {
            listings.push(bench.upstreams.tools(&notes, &owner).await.unwrap());
        }
        assert!(Arc::ptr_eq(&listings[0], &listings[1]));
        let schema = &listings[0][0].input_schema;
        // The library holds each account's schemas too, for the headers that modern servers want.
        assert_eq!(Arc::strong_count(schema), if in_headers { 3 } else { 1 });
    }
}
