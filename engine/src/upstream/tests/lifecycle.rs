//! Who is started when, who shares, and that nothing is left behind.

use futures_util::future::join;

use super::*;

#[tokio::test]
async fn callers_at_the_same_time_start_one_child() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let (first, second) = join(
        bench.call(&notes, &owner, "any"),
        bench.call(&notes, &owner, "any"),
    )
    .await;
    assert_eq!(first.unwrap()["pid"], second.unwrap()["pid"]);
    assert_eq!(bench.starts(), 1);
    assert_eq!(bench.upstreams.running(), 1);
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_end_the_connect_of_another() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let mut leaving = Box::pin(bench.call(&notes, &owner, "any"));
    assert!(futures_util::poll!(&mut leaving).is_pending());
    let mut staying = Box::pin(bench.call(&notes, &owner, "any"));
    assert!(futures_util::poll!(&mut staying).is_pending());
    drop(leaving);
    staying.await.unwrap();
    assert_eq!(bench.starts(), 1);
}

#[tokio::test]
async fn a_child_that_dies_in_a_call_is_replaced_and_the_call_not_repeated() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let first = bench.call(&notes, &owner, "any").await.unwrap();
    let error = bench.call(&notes, &owner, "die").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Closed { .. }), "{error}");
    let second = bench.call(&notes, &owner, "any").await.unwrap();
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(
        std::fs::read_to_string(bench.dir.path().join("died")).unwrap(),
        "x"
    );
    assert_eq!(bench.starts(), 2);
}

#[tokio::test]
async fn a_new_credential_means_a_new_child_after_the_old_one() {
    let bench = Bench::new().await;
    let (notes, mut owner) = (bench.tiny("legacy"), bench.owner("one"));
    let first = bench.call(&notes, &owner, "any").await.unwrap();
    let link = bench.linked().await;
    owner.credential = Some(SecretString::from("new-key"));
    let second = bench.call(&notes, &owner, "any").await.unwrap();
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(second["env"]["API_KEY"], "new-key");
    assert_eq!(bench.upstreams.running(), 1);
    all_dead(link).await;
}

#[tokio::test]
async fn only_the_forgotten_account_stops() {
    let bench = Bench::new().await;
    let notes = bench.tiny("legacy");
    let (one, two) = (bench.owner("one"), bench.owner("two"));
    bench.call(&notes, &one, "any").await.unwrap();
    let link = bench.linked().await;
    let before = bench.call(&notes, &two, "any").await.unwrap();
    bench.upstreams.forget_account("one").await;
    all_dead(link).await;
    assert_eq!(bench.upstreams.running(), 1);
    let after = bench.call(&notes, &two, "any").await.unwrap();
    assert_eq!(before["pid"], after["pid"]);
}

/// The child ignores the end of its stdin and SIGTERM, and so does the grandchild.
#[tokio::test]
async fn stopping_everything_ends_stubborn_children_and_their_children() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("stubborn"), bench.owner("one"));
    let first = bench.call(&notes, &owner, "any").await.unwrap();
    let link = bench.linked().await;
    bench.upstreams.stop_all().await;
    assert_eq!(bench.upstreams.running(), 0);
    assert!(is_reaped(&first["pid"]));
    all_dead(link).await;
    bench.call(&notes, &owner, "any").await.unwrap();
    assert_eq!(bench.upstreams.running(), 1);
}

#[tokio::test]
async fn what_a_leader_leaves_in_its_group_dies_with_it() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("stubborn"), bench.owner("one"));
    bench.call(&notes, &owner, "any").await.unwrap();
    let link = bench.linked().await;
    bench.call(&notes, &owner, "die").await.unwrap_err();
    all_dead(link).await;
}

#[tokio::test]
async fn dropping_everything_leaves_nothing_running() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("stubborn"), bench.owner("one"));
    bench.call(&notes, &owner, "any").await.unwrap();
    let link = bench.linked().await;
    drop(bench.upstreams);
    all_dead(link).await;
}

#[tokio::test]
async fn dropping_everything_ends_a_connect_under_way() {
    let bench = Bench::new().await;
    let notes = bench.tiny("mute");
    let owner = bench.owner("one");
    let link = {
        let call = bench.call(&notes, &owner, "any");
        tokio::select! {
            answer = call => panic!("{answer:?}"),
            link = bench.linked() => link,
        }
    };
    drop(bench.upstreams);
    all_dead(link).await;
}

#[tokio::test]
async fn stopping_ends_a_connect_under_way_and_tells_who_waits() {
    let bench = Bench::new().await;
    let notes = bench.tiny("mute");
    let owner = bench.owner("one");
    let (answer, link) = join(bench.call(&notes, &owner, "any"), async {
        let link = bench.linked().await;
        bench.upstreams.stop_all().await;
        link
    })
    .await;
    let error = answer.unwrap_err();
    assert!(matches!(error, UpstreamError::Closed { .. }), "{error}");
    all_dead(link).await;
}

#[tokio::test]
async fn nothing_survives_the_kill_of_the_engine() {
    let bench = Bench::new().await;
    let mut engine = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "upstream::tests::lifecycle::an_engine_that_is_killed",
        ])
        .env("VMCP_TEST_LINK", bench.port.to_string())
        .env("TMPDIR", bench.dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut link = bench.linked().await;
    assert_eq!(line(&mut link).await, "family");
    engine.kill().unwrap();
    engine.wait().unwrap();
    all_dead(link).await;
}

/// The other half of the test above; by itself it does nothing.
#[tokio::test]
async fn an_engine_that_is_killed() {
    let Ok(port) = std::env::var("VMCP_TEST_LINK") else {
        return;
    };
    let mut bench = Bench::new().await;
    bench.port = port.parse().unwrap();
    let (notes, owner) = (bench.tiny("stubborn"), bench.owner("one"));
    bench.call(&notes, &owner, "any").await.unwrap();
    std::future::pending::<()>().await;
}

/// Whether the process is gone, and not even a zombie.
fn is_reaped(pid: &Value) -> bool {
    let pid = rustix::process::Pid::from_raw(pid.as_i64().unwrap().try_into().unwrap()).unwrap();
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}
