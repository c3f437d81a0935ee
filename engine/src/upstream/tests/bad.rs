//! What a bad upstream may answer, and that it harms nobody else.

use super::{fake::Fake, *};

/// Calls a tool that answers badly; its error names the connection.
async fn bad(
    bench: &Bench,
    connection: &Arc<Connection>,
    owner: &Owner,
    tool: &str,
) -> UpstreamError {
    let error = bench.call(connection, owner, tool).await.unwrap_err();
    assert!(error.to_string().contains("`notes`"), "{error}");
    error
}

#[tokio::test]
async fn a_child_that_answers_badly_is_named_and_goes_on() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    let first = bench.call(&notes, &owner, "any").await.unwrap();

    let large = bench.call(&notes, &owner, "large").await.unwrap();
    assert_eq!(large["pid"], first["pid"]);
    for tool in ["too-large", "endless-line"] {
        let error = bad(&bench, &notes, &owner, tool).await;
        assert!(matches!(error, UpstreamError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains("larger than 16 MiB"), "{error}");
    }
    let error = bad(&bench, &notes, &owner, "deep").await;
    assert!(
        error.to_string().contains("deeper than 127 levels"),
        "{error}"
    );
    let error = bad(&bench, &notes, &owner, "wrong").await;
    assert!(matches!(error, UpstreamError::Unexpected { .. }), "{error}");
    assert!(
        error.to_string().contains("no result of `tools/call`"),
        "{error}"
    );

    for tool in ["twice", "garbage"] {
        let answer = bench.call(&notes, &owner, tool).await.unwrap();
        assert_eq!(answer["pid"], first["pid"], "{tool}");
    }
    bench.call(&notes, &owner, "any").await.unwrap();
    assert_eq!(bench.starts(), 1);
}

#[tokio::test]
async fn a_server_that_answers_badly_is_named_and_goes_on() {
    for fake in [Fake::legacy().await, Fake::modern().await] {
        let bench = Bench::new().await;
        let (notes, owner) = (&fake.connection, bench.owner("one"));
        bench.call(notes, &owner, "large").await.unwrap();
        fake.seen.methods();
        for (tool, reason) in [
            ("too-large", "larger than 16 MiB"),
            ("too-large-event", "closed before it answered"),
            ("refuse", "no such thing"),
            ("deep", "does not speak MCP"),
            ("html", "does not speak MCP"),
            ("half", "does not speak MCP"),
            ("wrong", "no result of `tools/call`"),
        ] {
            let error = bad(&bench, notes, &owner, tool).await;
            assert!(error.to_string().contains(reason), "{tool}: {error}");
            bench.call(notes, &owner, "any").await.unwrap();
        }
        let methods = fake.seen.methods();
        assert!(
            methods.iter().all(|method| method == "tools/call"),
            "{methods:?}"
        );
    }
}

#[tokio::test]
async fn a_listing_without_end_is_given_up() {
    for (mode, what) in [
        ("same-cursor", "the same cursor twice"),
        ("endless-pages", "more than 1,000 pages"),
        ("no-tools", "no result of `tools/list`"),
    ] {
        let bench = Bench::new().await;
        let (notes, owner) = (bench.tiny(mode), bench.owner("one"));
        let error = bench.upstreams.tools(&notes, &owner).await.unwrap_err();
        assert!(error.to_string().contains("`notes`"), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        bench.call(&notes, &owner, "any").await.unwrap();
    }
}

#[tokio::test]
async fn a_tool_that_goes_in_mid_run_is_refused_by_the_upstream_alone() {
    let bench = Bench::new().await;
    let (notes, owner) = (bench.tiny("legacy"), bench.owner("one"));
    assert_eq!(bench.names(&notes, &owner).await, ["one", "two", "three"]);
    bench.call(&notes, &owner, "shrink").await.unwrap();
    while bench.names(&notes, &owner).await != ["one", "two"] {
        tokio::task::yield_now().await;
    }
}
