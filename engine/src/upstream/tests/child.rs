//! What a child sees, what it may answer, and what its failures are called.

use std::os::unix::fs::PermissionsExt as _;

use futures_util::future::join;
use serde_json::json;

use super::*;
use crate::upstream::error::Phase;

#[tokio::test]
async fn all_pages_are_listed_once_until_the_upstream_reports_a_change() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    assert_eq!(bench.names(&notes, &owner).await, ["one", "two", "three"]);
    bench.names(&notes, &owner).await;
    let answer = bench.call(&notes, &owner, "any").await.unwrap();
    let methods = answer["methods"].as_array().unwrap();
    let lists = methods.iter().filter(|method| **method == "tools/list");
    assert_eq!(lists.count(), 3, "{methods:?}");
    bench.call(&notes, &owner, "grow").await.unwrap();
    grown(&bench, &notes, &owner).await;
}

#[tokio::test]
async fn a_modern_upstream_is_asked_to_report_changes() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("modern"), bench.owner("one"));
    assert_eq!(bench.names(&notes, &owner).await, ["one", "two", "three"]);
    let mut link = bench.linked().await;
    assert_eq!(line(&mut link).await, "listening");
    let answer = bench.call(&notes, &owner, "grow").await.unwrap();
    assert_eq!(answer["methods"][0], "server/discover");
    grown(&bench, &notes, &owner).await;
}

/// Waits until the reported change has been heard.
async fn grown(bench: &Bench, notes: &Arc<Connection>, owner: &Owner) {
    while bench.names(notes, owner).await != ["one", "two", "three", "four"] {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn arguments_arrive_and_errors_come_back_as_they_are() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("noisy"), bench.owner("one"));
    let mut request = CallToolRequestParams::new("any");
    request.arguments = json!({ "b": 1, "a": [null] }).as_object().cloned();
    let result = bench
        .upstreams
        .call(&notes, &owner, request, None)
        .await
        .unwrap();
    assert_eq!(
        result.structured_content.unwrap()["arguments"].to_string(),
        r#"{"b":1,"a":[null]}"#
    );
    let Err(UpstreamError::Refused { error, .. }) = bench.call(&notes, &owner, "refuse").await
    else {
        panic!("expected the upstream's own error");
    };
    assert_eq!((error.code.0, error.message.as_ref()), (-32042, "no"));
    assert_eq!(error.data, Some(json!({ "why": "because" })));
}

#[tokio::test]
async fn a_child_sees_no_more_of_the_environment_than_it_may() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let answer = bench.call(&notes, &owner, "any").await.unwrap();
    let env = answer["env"].as_object().unwrap();
    assert_eq!(env["API_KEY"], "key-of-one");
    assert_eq!(env["WHO"], "user-one");
    let here = bench.dir.path().canonicalize().unwrap();
    assert_eq!(answer["cwd"], here.to_str().unwrap());
    if cfg!(target_os = "linux") {
        assert_eq!(answer["signal_on_death"], 9);
    }
    // Asked of the shell, because Python may be started by a script that adds its own.
    let shell = bench.command("sh", &["-c", "env >&2; exit 1"]);
    let error = bench
        .call(&shell, &bench.owner("two"), "any")
        .await
        .unwrap_err();
    let UpstreamError::StartFailed { stderr, .. } = error else {
        panic!("{error}");
    };
    let allowed = [
        "PATH", "HOME", "LANG", "TMPDIR", "LINK", "API_KEY", "HOME_DIR", "WHO", "PWD", "SHLVL", "_",
    ];
    for line in &stderr.0 {
        let (name, _) = line.split_once('=').unwrap();
        assert!(allowed.contains(&name), "{line}");
    }
    // What the file gives a child may be a secret: its values are not repeated.
    assert!(stderr.0.contains(&"WHO=[redacted]".to_owned()));
    assert!(stderr.0.contains(&"API_KEY=[redacted]".to_owned()));
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
}

#[tokio::test]
async fn two_users_have_two_children_and_two_private_folders() {
    let bench = Bench::new().await;
    let notes = bench.tiny("legacy");
    let (one, two) = (bench.owner("one"), bench.owner("two"));
    let (first, second) = join(
        bench.call(&notes, &one, "any"),
        bench.call(&notes, &two, "any"),
    )
    .await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(bench.upstreams.running(), 2);
    for (answer, id) in [(first, "one"), (second, "two")] {
        let dir = bench.account_dir(id);
        assert_eq!(
            answer["env"]["HOME_DIR"],
            dir.join("home").to_str().unwrap()
        );
        assert_eq!(answer["env"]["API_KEY"], format!("key-of-{id}"));
        let mode = std::fs::metadata(&dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[tokio::test]
async fn a_missing_command_is_named() {
    let bench = Bench::new().await;
    let notes = bench.command("no-such-program", &[]);
    let error = bench
        .call(&notes, &bench.owner("one"), "any")
        .await
        .unwrap_err();
    assert!(
        matches!(error, UpstreamError::CommandNotFound { .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "connection `notes`: the command `no-such-program` was not found; check `upstream.command`"
    );
}

#[tokio::test]
async fn a_missing_credential_starts_nothing() {
    let bench = Bench::new().await;
    let mut owner = bench.owner("one");
    owner.credential = None;
    let error = bench
        .call(&bench.tiny("legacy"), &owner, "any")
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Template { .. }), "{error}");
    assert!(
        error.to_string().contains("`API_KEY` needs `{api_key}`"),
        "{error}"
    );
    assert!(!bench.account_dir("one").exists());
}

#[tokio::test]
async fn a_failed_start_is_told_to_all_who_wait_and_tried_again_later() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("needs-ok"), bench.owner("one"));
    let (first, second) = join(
        bench.call(&notes, &owner, "any"),
        bench.upstreams.tools(&notes, &owner),
    )
    .await;
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert!(
            matches!(error, UpstreamError::StartFailed { .. }),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains("exit status: 1"), "{text}");
        assert!(text.contains("no file ok, key is [redacted]"), "{text}");
        assert!(!format!("{error:?}").contains("key-of-one"));
    }
    assert_eq!(bench.starts(), 1);
    std::fs::write(bench.dir.path().join("ok"), "").unwrap();
    bench.call(&notes, &owner, "any").await.unwrap();
    assert_eq!(bench.starts(), 2);
}

#[tokio::test]
async fn what_does_not_speak_mcp_is_named_so() {
    let bench = Bench::new().await;
    let owner = bench.owner("one");
    let error = bench
        .call(&bench.tiny("wrong-shape"), &owner, "any")
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::NotMcp { .. }), "{error}");
    let link = bench.linked().await;
    all_dead(link).await;

    let grumpy = bench.tiny("refuses-both");
    let error = bench.call(&grumpy, &owner, "any").await.unwrap_err();
    assert!(error.to_string().contains("not today"), "{error}");

    let talker = bench.command("sh", &["-c", "echo hello; echo bye >&2; exit 7"]);
    let error = bench.call(&talker, &owner, "any").await.unwrap_err();
    assert!(
        matches!(error, UpstreamError::StartFailed { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("exit status: 7"), "{error}");
    assert!(error.to_string().contains("bye"), "{error}");
}

#[tokio::test]
async fn only_the_last_lines_of_stderr_are_kept() {
    let bench = Bench::new().await;
    let script =
        "for i in $(seq 50); do echo line $i >&2; done; head -c 100000 /dev/zero >&2; exit 1";
    let notes = bench.command("sh", &["-c", script]);
    let error = bench
        .call(&notes, &bench.owner("one"), "any")
        .await
        .unwrap_err();
    let UpstreamError::StartFailed { stderr, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(stderr.0.len(), 20);
    assert_eq!(stderr.0[18], "line 50");
    assert!(stderr.0[19].len() <= 4096);
}

#[tokio::test]
async fn a_mute_child_is_given_up_and_killed() {
    let bench = Bench::with(short(|deadlines| deadlines.connect = SOON)).await;
    let owner = bench.owner("one");
    let error = bench
        .call(&bench.tiny("mute"), &owner, "any")
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            UpstreamError::TimedOut {
                phase: Phase::Connect,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(bench.upstreams.running(), 0);
}

#[tokio::test]
async fn a_silent_legacy_server_is_probed_once_per_connection() {
    for mode in ["silent", "late"] {
        let bench = Bench::with(short(|deadlines| deadlines.probe = SOON)).await;
        let notes = bench.tiny(mode);
        let first = bench
            .call(&notes, &bench.owner("one"), "any")
            .await
            .unwrap();
        assert_eq!(first["methods"][0], "server/discover");
        assert_eq!(first["methods"][1], "initialize");
        if mode == "silent" {
            let second = bench
                .call(&notes, &bench.owner("two"), "any")
                .await
                .unwrap();
            assert_eq!(second["methods"][0], "initialize");
        }
    }
}

#[tokio::test]
async fn a_modern_server_that_is_slow_to_start_is_served_as_one() {
    let bench = Bench::with(short(|deadlines| deadlines.probe = SOON)).await;
    let (notes, owner) = (bench.tiny("late-modern"), bench.owner("one"));
    let (answer, mut link) = join(bench.call(&notes, &owner, "any"), bench.linked()).await;
    let answer = answer.unwrap();
    assert_eq!(answer["methods"][0], "server/discover");
    assert_eq!(answer["methods"][1], "initialize");
    assert_eq!(line(&mut link).await, "listening");
    assert_eq!(bench.starts(), 1);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_at_the_upstream() {
    let bench = Bench::with(short(|deadlines| deadlines.call = SOON)).await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let (answer, mut link) = join(bench.call(&notes, &owner, "hang"), bench.linked()).await;
    let error = answer.unwrap_err();
    assert!(
        matches!(
            error,
            UpstreamError::TimedOut {
                phase: Phase::Call,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(line(&mut link).await, "hanging");
    assert_eq!(line(&mut link).await, "cancelled");
    assert_eq!(bench.upstreams.running(), 1);
}

#[tokio::test]
async fn progress_comes_in_order_and_before_the_answer() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let (progress, mut news) = tokio::sync::mpsc::channel(64);
    let request = CallToolRequestParams::new("progress");
    let calling = bench
        .upstreams
        .call(&notes, &owner, request, Some(progress));
    calling.await.unwrap();
    let mut told = Vec::new();
    while let Ok(news) = news.try_recv() {
        told.push(news.progress);
    }
    assert_eq!(told, (0..50).map(f64::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_the_call_at_the_upstream() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let mut link = tokio::select! {
        answer = bench.call(&notes, &owner, "hang") => panic!("{answer:?}"),
        link = async {
            let mut link = bench.linked().await;
            assert_eq!(line(&mut link).await, "hanging");
            link
        } => link,
    };
    assert_eq!(line(&mut link).await, "cancelled");
    bench.call(&notes, &owner, "any").await.unwrap();
}
