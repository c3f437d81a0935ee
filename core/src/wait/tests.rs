//! Waits on a paused clock: nothing here takes real time.

use std::sync::{Arc, Mutex};

use tokio::time::advance;

use super::*;

const LINK: &str = "https://env.example/connect/l1nk";

/// What one look finds: a status for each connection, or why it fails.
type Found = Result<Vec<(&'static str, &'static str)>>;

/// Accounts that change from look to look; the last look is repeated for ever.
#[derive(Clone)]
struct Stage {
    script: Arc<Vec<Found>>,
    /// When each look happened, in seconds, and whether it asked for links.
    looks: Arc<Mutex<Vec<(u64, bool)>>>,
}

impl Stage {
    fn new(script: impl IntoIterator<Item = Found>) -> Self {
        Self {
            script: Arc::new(script.into_iter().collect()),
            looks: Arc::default(),
        }
    }

    fn watch(&self, names: Option<&[&str]>, seconds: u64) -> Watch {
        let (stage, start) = (self.clone(), Instant::now());
        let look = move |with_links| {
            let mut looks = stage.looks.lock().unwrap();
            let found = &stage.script[looks.len().min(stage.script.len() - 1)];
            looks.push((start.elapsed().as_secs(), with_links));
            let number = looks.len();
            let found = found.clone().map(|states| {
                let state = |(name, status)| state(name, status, with_links.then_some(number));
                states.into_iter().map(state).collect()
            });
            Box::pin(std::future::ready(found)) as BoxFuture<'static, _>
        };
        let names = names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        Watch::new(Box::new(look), names, Duration::from_secs(seconds))
    }

    fn looks(&self) -> Vec<(u64, bool)> {
        self.looks.lock().unwrap().clone()
    }
}

/// Each look for links makes another link.
fn state(name: &str, status: &str, look: Option<usize>) -> ConnectionAuthState {
    let link = look.map(|number| format!("{LINK}{number}"));
    serde_json::from_value(serde_json::json!({
        "connection_name": name, "connected_account_status": status, "authentication_link": link,
    }))
    .unwrap()
}

fn trouble(kind: ErrorKind) -> Found {
    Err(Error::new(kind, "server_error", "oh"))
}

/// The changes in short, and how the wait ended.
async fn changes(watch: Watch) -> (Vec<String>, Result<()>) {
    let mut changes = watch.changes();
    let mut told = Vec::new();
    loop {
        match changes.try_next().await {
            Ok(Some(change)) => {
                let status = change
                    .status
                    .map_or("none".to_owned(), |status| status.to_string());
                let link = change
                    .authentication_link
                    .map(|link| link.replace(LINK, "link "));
                let verify = if change.needs_verification {
                    " verify"
                } else {
                    ""
                };
                let link = link.map_or(String::new(), |link| format!(" {link}"));
                told.push(format!("{} {status}{link}{verify}", change.connection_name));
            }
            Ok(None) => return (told, Ok(())),
            Err(error) => return (told, Err(error)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_connection_that_is_not_active_gets_a_link_and_each_change_is_told() {
    let stage = Stage::new([
        Ok(vec![
            ("gmail", "ACTIVE"),
            ("crm", "EXPIRED"),
            ("git", "DISCONNECTED"),
            ("new", ""),
        ]),
        Ok(vec![
            ("gmail", "ACTIVE"),
            ("crm", "PENDING_AUTH"),
            ("git", "DISCONNECTED"),
            ("new", "PENDING_AUTH"),
        ]),
        Ok(vec![
            ("gmail", "ACTIVE"),
            ("crm", "ACTIVE"),
            ("git", "PENDING_AUTH"),
            ("new", "PENDING_VERIFICATION"),
        ]),
        Ok(vec![
            ("gmail", "ACTIVE"),
            ("crm", "ACTIVE"),
            ("git", "ACTIVE"),
            ("new", "ACTIVE"),
        ]),
    ]);
    let (told, end) = changes(stage.watch(None, 600)).await;
    end.unwrap();
    assert_eq!(
        told,
        [
            "crm PENDING_AUTH link 2",
            "git DISCONNECTED link 2",
            "new PENDING_AUTH link 2",
            "crm ACTIVE",
            "git PENDING_AUTH",
            "new PENDING_VERIFICATION verify",
            "git ACTIVE",
            "new ACTIVE"
        ]
    );
    assert_eq!(
        stage.looks(),
        [(0, false), (0, true), (1, false), (2, false)]
    );
}

#[tokio::test(start_paused = true)]
async fn looks_grow_apart_and_links_are_made_anew_before_they_end() {
    let stage = Stage::new([Ok(vec![("gmail", "PENDING_AUTH")])]);
    let (told, end) = changes(stage.watch(None, 100)).await;
    let error = end.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Timeout, "wait_timed_out")
    );
    assert!(
        error.message().contains("`gmail` (PENDING_AUTH)"),
        "{error}"
    );
    assert!(error.message().contains("100s"), "{error}");
    let with_links: Vec<u64> = stage
        .looks()
        .iter()
        .filter(|look| look.1)
        .map(|look| look.0)
        .collect();
    assert_eq!(with_links, [0, 45, 90]);
    assert_eq!(told.len(), 3, "{told:?}");
    // 1, 2, 4, then 8 seconds apart, and again after each news.
    let times: Vec<u64> = stage.looks().iter().map(|look| look.0).collect();
    assert_eq!(times[..7], [0, 0, 1, 3, 7, 15, 23]);
    assert_eq!(times[9..13], [45, 45, 46, 48]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_becomes_disconnected_ends_the_wait() {
    let stage = Stage::new([
        Ok(vec![("gmail", "DISCONNECTED")]),
        Ok(vec![("gmail", "PENDING_AUTH")]),
        Ok(vec![("gmail", "DISCONNECTED")]),
    ]);
    let (told, end) = changes(stage.watch(None, 600)).await;
    assert_eq!(told, ["gmail PENDING_AUTH link 2"]);
    let error = end.unwrap_err();
    assert_eq!(error.code(), "account_disconnected");
    let connections = error.authorization_required().unwrap();
    assert_eq!(connections[0].connection_name, "gmail");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_active_and_expires_while_others_are_waited_for_gets_a_link_at_once() {
    let stage = Stage::new([
        Ok(vec![("gmail", "ACTIVE"), ("crm", "PENDING_AUTH")]),
        Ok(vec![("gmail", "ACTIVE"), ("crm", "PENDING_AUTH")]),
        Ok(vec![("gmail", "EXPIRED"), ("crm", "PENDING_AUTH")]),
        Ok(vec![("gmail", "PENDING_AUTH"), ("crm", "PENDING_AUTH")]),
        Ok(vec![("gmail", "ACTIVE"), ("crm", "ACTIVE")]),
    ]);
    let (told, end) = changes(stage.watch(None, 600)).await;
    end.unwrap();
    assert_eq!(
        told,
        [
            "crm PENDING_AUTH link 2",
            "gmail PENDING_AUTH link 4",
            "crm PENDING_AUTH link 4",
            "gmail ACTIVE",
            "crm ACTIVE"
        ]
    );
    assert_eq!(stage.looks()[3], (1, true));
}

#[tokio::test(start_paused = true)]
async fn passing_trouble_is_waited_out_and_named_if_it_stays() {
    let stage = Stage::new([
        Ok(vec![("gmail", "PENDING_VERIFICATION")]),
        trouble(ErrorKind::Server),
        trouble(ErrorKind::Connection),
        trouble(ErrorKind::RateLimited),
        Ok(vec![("gmail", "ACTIVE")]),
    ]);
    let (told, end) = changes(stage.watch(None, 600)).await;
    end.unwrap();
    assert_eq!(told, ["gmail PENDING_VERIFICATION verify", "gmail ACTIVE"]);
    assert_eq!(
        stage.looks().iter().map(|look| look.0).collect::<Vec<_>>(),
        [0, 1, 3, 7, 15]
    );

    let stage = Stage::new([Ok(vec![("gmail", "EXPIRED")]), trouble(ErrorKind::Server)]);
    let (_, end) = changes(stage.watch(None, 30)).await;
    let error = end.unwrap_err();
    assert_eq!(error.code(), "wait_timed_out");
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("oh"), "{source}");
}

#[tokio::test(start_paused = true)]
async fn trouble_that_does_not_pass_ends_the_wait_and_so_does_any_at_the_first_look() {
    let stage = Stage::new([Ok(vec![("gmail", "EXPIRED")]), trouble(ErrorKind::NotFound)]);
    let (_, end) = changes(stage.watch(None, 600)).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::NotFound);
    let stage = Stage::new([trouble(ErrorKind::Server)]);
    let (_, end) = changes(stage.watch(None, 600)).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Server);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_patience_gets_it() {
    let busy = Error::new(ErrorKind::RateLimited, "rate_limited", "slow down")
        .wait(Some(Duration::from_secs(5)));
    let stage = Stage::new([
        Ok(vec![("gmail", "PENDING_VERIFICATION")]),
        Err(busy),
        Ok(vec![("gmail", "ACTIVE")]),
    ]);
    changes(stage.watch(None, 600)).await.1.unwrap();
    assert_eq!(stage.looks()[2].0, 6);
}

#[tokio::test(start_paused = true)]
async fn only_the_connections_asked_for_are_waited_for() {
    let stage = Stage::new([Ok(vec![("gmail", "ACTIVE"), ("crm", "EXPIRED")])]);
    changes(stage.watch(Some(&["gmail"]), 600)).await.1.unwrap();
    assert_eq!(stage.looks(), [(0, false)]);

    let stage = Stage::new([Ok(vec![("gmail", "ACTIVE")])]);
    let error = changes(stage.watch(Some(&["zzz"]), 600))
        .await
        .1
        .unwrap_err();
    assert_eq!(
        (error.code(), error.suggestion()),
        ("connection_unknown", Some("known are gmail"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_looks_no_more() {
    let stage = Stage::new([Ok(vec![("gmail", "PENDING_AUTH")])]);
    let mut waiting = stage.watch(None, 600).changes();
    assert!(waiting.try_next().await.unwrap().is_some());
    drop(waiting);
    advance(Duration::from_secs(100)).await;
    assert_eq!(stage.looks().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_ends_with_the_time() {
    let look = |_| Box::pin(std::future::pending()) as BoxFuture<'static, _>;
    let watch = Watch::new(Box::new(look), None, Duration::from_secs(5));
    let (told, end) = changes(watch).await;
    assert!(told.is_empty());
    let error = end.unwrap_err();
    assert_eq!(
        error.message(),
        "the accounts could not be looked at within 5s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_used_in_vain_is_followed_by_another_at_once() {
    let stage = Stage::new([
        Ok(vec![("gmail", "PENDING_AUTH")]),
        Ok(vec![("gmail", "PENDING_AUTH")]),
        Ok(vec![("gmail", "PENDING_VERIFICATION")]),
        Ok(vec![("gmail", "EXPIRED")]),
        Ok(vec![("gmail", "PENDING_AUTH")]),
        Ok(vec![("gmail", "ACTIVE")]),
    ]);
    let (told, end) = changes(stage.watch(None, 600)).await;
    end.unwrap();
    assert_eq!(
        told,
        [
            "gmail PENDING_AUTH link 2",
            "gmail PENDING_VERIFICATION verify",
            "gmail PENDING_AUTH link 5",
            "gmail ACTIVE"
        ]
    );
    assert_eq!(stage.looks()[3..5], [(2, false), (2, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_disconnection_is_seen_before_new_links_would_hide_it() {
    let mut script = vec![Ok(vec![("gmail", "PENDING_AUTH")]); 8];
    script.push(Ok(vec![("gmail", "DISCONNECTED")]));
    let stage = Stage::new(script);
    let (_, end) = changes(stage.watch(None, 600)).await;
    assert_eq!(end.unwrap_err().code(), "account_disconnected");
    let looks = stage.looks();
    assert!(!looks[8].1, "{looks:?}");
    assert_eq!(looks.iter().filter(|look| look.1).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_joins_the_config_disconnected_is_no_failure() {
    let stage = Stage::new([
        Ok(vec![("gmail", "PENDING_AUTH")]),
        Ok(vec![("gmail", "PENDING_AUTH")]),
        Ok(vec![("gmail", "PENDING_AUTH"), ("crm", "DISCONNECTED")]),
        Ok(vec![("gmail", "PENDING_AUTH"), ("crm", "DISCONNECTED")]),
        Ok(vec![("gmail", "ACTIVE"), ("crm", "ACTIVE")]),
    ]);
    let (told, end) = changes(stage.watch(None, 600)).await;
    end.unwrap();
    assert!(
        told.contains(&"crm DISCONNECTED link 4".to_owned()),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_gets_a_link_is_told_once() {
    let look = |_| {
        let found = Ok(vec![state("odd", "PENDING_AUTH", None)]);
        Box::pin(std::future::ready(found)) as BoxFuture<'static, _>
    };
    let watch = Watch::new(Box::new(look), None, Duration::from_secs(200));
    let (told, end) = changes(watch).await;
    assert_eq!(end.unwrap_err().code(), "wait_timed_out");
    assert_eq!(told, ["odd PENDING_AUTH"]);
}

#[tokio::test(start_paused = true)]
async fn a_config_without_connections_is_told_and_not_waited_for() {
    let stage = Stage::new([Ok(vec![])]);
    let error = changes(stage.watch(None, 600)).await.1.unwrap_err();
    assert_eq!(
        (error.code(), error.argument_name()),
        ("connection_unknown", Some("config_id"))
    );
}
