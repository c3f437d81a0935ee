use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::testing::Server;

mod properties;
mod run;

const MINT: &str = "POST /api/v1/mcp/configs/cfg_1/tokens";
const MINT_OF_CONNECTION: &str = "POST /api/v1/mcp/connections/gmail/tokens";
const ACCOUNTS: &str = "POST /api/v1/mcp/configs/cfg_1/connected_accounts";

/// How often a race is run: one that goes wrong does so in some of them.
const ROUNDS: usize = 150;

/// A server whose mints can be made to fail with a status.
struct Scene {
    server: Server,
    fail_with: Arc<AtomicUsize>,
    gmail_active: Arc<AtomicBool>,
    /// How many mints have been answered, whatever with.
    answered: Arc<AtomicUsize>,
}

impl Scene {
    async fn new() -> Self {
        let fail_with = Arc::new(AtomicUsize::new(0));
        let gmail_active = Arc::new(AtomicBool::new(true));
        let minted = AtomicUsize::new(0);
        let answered = Arc::new(AtomicUsize::new(0));
        let (failing, active) = (Arc::clone(&fail_with), Arc::clone(&gmail_active));
        let answers = Arc::clone(&answered);
        let server = Server::start(move |request, _| {
            if request == MINT {
                answers.fetch_add(1, Ordering::SeqCst);
            }
            match (request, failing.load(Ordering::SeqCst)) {
            ("POST /oauth/token", _) => (200, r#"{"access_token":"a.t","expires_in":86399}"#.to_owned()),
            (MINT | MINT_OF_CONNECTION, 0) => (200, format!(r#"{{"token":"token-{}"}}"#, minted.fetch_add(1, Ordering::SeqCst))),
            (MINT | MINT_OF_CONNECTION, status) => (u16::try_from(status).unwrap(), r#"{"message":"gmail is not active"}"#.to_owned()),
            (ACCOUNTS, _) => {
                let status = if active.load(Ordering::SeqCst) { "ACTIVE" } else { "EXPIRED" };
                let account = serde_json::json!({
                    "connection_name": "gmail", "connected_account_status": status, "authentication_link": "https://e/l1nk",
                });
                (200, serde_json::json!({ "connected_accounts": [account] }).to_string())
            }
            _ => (404, "{}".to_owned()),
            }
        })
        .await;
        Self {
            server,
            fail_with,
            gmail_active,
            answered,
        }
    }

    async fn session(&self) -> Session {
        self.session_on(Self::target()).await
    }

    fn target() -> Target {
        Target::Config {
            id: "cfg_1".to_owned(),
            url: Some("https://env.example/mcp/v3/servers/1".to_owned()),
        }
    }

    async fn session_on(&self, target: Target) -> Session {
        self.server
            .client()
            .with_max_retries(0)
            .open_session(target, "user_1")
            .await
            .unwrap()
    }

    fn mints(&self) -> usize {
        self.server.count(MINT)
    }
}

/// Makes the session's token this old without waiting.
fn leave(session: &Session, left: Duration) {
    let mut current = session.0.current.lock().unwrap();
    current.good_until = Instant::now() + left;
}

/// What comes of the renewal that is under way; an error with the code `idle` if there is none.
async fn under_way(session: &Session) -> Result<SessionToken> {
    session
        .0
        .flight
        .join(
            || None,
            || async {
                Err(Error::new(
                    ErrorKind::Closed,
                    "idle",
                    "no renewal is under way",
                ))
            },
        )
        .await
}

#[tokio::test]
async fn a_young_token_is_kept_and_an_unused_session_sends_nothing() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    assert_eq!(session.token().await.unwrap().token(), "token-0");
    leave(&session, Duration::from_secs(721));
    assert_eq!(session.token().await.unwrap().token(), "token-0");
    leave(&session, Duration::ZERO);
    assert_eq!(under_way(&session).await.unwrap_err().code(), "idle");
    assert_eq!(scene.mints(), 1);
}

#[tokio::test]
async fn below_a_fifth_of_its_life_the_token_is_renewed_in_the_background() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    leave(&session, Duration::from_secs(700));
    assert_eq!(session.token().await.unwrap().token(), "token-0");
    under_way(&session).await.unwrap();
    assert_eq!(
        (session.token().await.unwrap().token(), scene.mints()),
        ("token-1", 2)
    );
}

#[tokio::test]
async fn a_token_for_a_whole_run_lives_that_long_and_is_minted_only_where_it_must_be() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let run = Duration::from_secs(1_800);
    assert_eq!(
        session.token_valid_for(run).await.unwrap().token(),
        "token-0"
    );
    leave(&session, Duration::from_secs(1_799));
    let callers = join_all((0..1_000).map(|_| session.token_valid_for(run))).await;
    assert!(
        callers
            .into_iter()
            .all(|token| token.unwrap().token() == "token-1")
    );
    assert_eq!(scene.mints(), 2);
    // As long as tokens live at all: only a token that is asked for now will do.
    let whole = Duration::from_secs(3_600);
    assert_eq!(
        session.token_valid_for(whole).await.unwrap().token(),
        "token-2"
    );
    let error = session
        .token_valid_for(whole + Duration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.argument_name()),
        ("valid_for_too_long", Some("valid_for"))
    );
    scene.fail_with.store(503, Ordering::SeqCst);
    leave(&session, Duration::from_secs(1_799));
    let error = session.token_valid_for(run).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(session.token().await.unwrap().token(), "token-2");
}

#[tokio::test]
async fn a_token_for_a_run_does_not_take_one_that_was_asked_for_too_early() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    leave(&session, Duration::from_secs(700));
    // Below a fifth of its life: a renewal starts, which the second caller finds under way.
    session.token().await.unwrap();
    let whole = Duration::from_secs(3_600);
    let token = session.token_valid_for(whole).await.unwrap();
    assert!(["token-1", "token-2"].contains(&token.token()));
    assert!(session.current().left() > Duration::from_secs(3_540));
}

#[tokio::test]
async fn a_renewal_that_nobody_waited_for_does_not_stop_the_next_one() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    for round in 1..=3 {
        leave(&session, Duration::from_secs(700));
        let old = session.token().await.unwrap();
        assert_eq!(old.token(), format!("token-{}", round - 1));
        // The background task has stored the new token; its result was asked for by no one.
        while session.0.current.lock().unwrap().token.token() == old.token() {
            tokio::task::yield_now().await;
        }
        assert_eq!(scene.mints(), round + 1);
    }
    session.rejected("token-3").await.unwrap();
    assert_eq!(session.token().await.unwrap().token(), "token-4");
}

/// A thousand tasks that do the same at once, on the threads there are.
async fn a_thousand<F>(work: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..1_000).map(|_| tokio::spawn(work())).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_thousand_callers_at_the_end_of_a_token_share_one_mint() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    for round in 1..=ROUNDS {
        leave(&session, Duration::from_secs(9));
        a_thousand(|| {
            let session = session.clone();
            async move {
                let token = session.token().await.unwrap();
                assert_eq!(token.token(), format!("token-{round}"));
            }
        })
        .await;
        assert_eq!(scene.mints(), round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_refused_token_is_replaced_once_however_many_say_so() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    for round in 1..=ROUNDS {
        let old = session.authorization_for(session.url()).await.unwrap();
        a_thousand(|| {
            let (session, old) = (session.clone(), old.clone());
            async move { session.rejected(old.to_str().unwrap()).await.unwrap() }
        })
        .await;
        session.rejected("token-0").await.unwrap();
        session.rejected("Bearer token-0").await.unwrap();
        assert_eq!(
            (session.token().await.unwrap().token(), scene.mints()),
            (&*format!("token-{round}"), round + 1)
        );
    }
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_lose_the_new_token() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    leave(&session, Duration::from_secs(1));
    let mut waiting = Box::pin(session.token());
    assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
    drop(waiting);
    assert_eq!(
        (session.token().await.unwrap().token(), scene.mints()),
        ("token-1", 2)
    );
}

#[tokio::test]
async fn an_account_that_goes_inactive_in_mid_run_is_named_with_its_link() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    scene.fail_with.store(400, Ordering::SeqCst);
    leave(&session, Duration::from_secs(1));
    let stands = session.token().await.unwrap_err();
    assert_eq!(
        (stands.kind(), stands.status()),
        (ErrorKind::InvalidArgument, Some(400))
    );

    scene.gmail_active.store(false, Ordering::SeqCst);
    let error = session.token().await.unwrap_err();
    let connections = error.authorization_required().unwrap();
    assert_eq!(connections[0].connection_name, "gmail");
    assert_eq!(
        connections[0].authentication_link.as_deref(),
        Some("https://e/l1nk")
    );
    assert!(!format!("{error:?}").contains("l1nk"));

    scene.fail_with.store(0, Ordering::SeqCst);
    assert_eq!(session.token().await.unwrap().token(), "token-1");
}

#[tokio::test]
async fn while_the_old_token_works_a_failed_renewal_is_not_repeated_at_once() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    scene.fail_with.store(500, Ordering::SeqCst);
    leave(&session, Duration::from_secs(700));
    assert_eq!(session.token().await.unwrap().token(), "token-0");
    assert_eq!(
        under_way(&session).await.unwrap_err().code(),
        "server_error"
    );
    assert_eq!(session.token().await.unwrap().token(), "token-0");
    assert_eq!(under_way(&session).await.unwrap_err().code(), "idle");
    assert_eq!(scene.mints(), 2);
}

#[tokio::test]
async fn the_token_is_for_its_own_origin_only_and_in_no_debug_text() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    for url in [
        "https://env.example.evil/x",
        "http://env.example/x",
        "https://env.example:444/x",
        "nonsense",
    ] {
        assert_eq!(
            session.authorization_for(url).await.unwrap_err().kind(),
            ErrorKind::InvalidArgument,
            "{url}"
        );
    }
    assert_eq!(
        session
            .authorization_for("https://env.example/other")
            .await
            .unwrap(),
        "Bearer token-0"
    );
    assert!(!format!("{session:?} {:?}", session.headers().await.unwrap()).contains("token-0"));
}

#[tokio::test]
async fn a_session_moves_to_another_client_without_waiting_for_a_lock() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let moved = session.on_client(&scene.server.client());
    assert_eq!(
        (moved.token().await.unwrap().token(), scene.mints()),
        ("token-0", 1)
    );
    let held = session.0.current.lock().unwrap();
    let moved = session.on_client(&scene.server.client());
    drop(held);
    assert_eq!(
        (moved.token().await.unwrap().token(), scene.mints()),
        ("token-1", 2)
    );
}

/// Lets time pass that nobody has to wait for.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn for_more_than_a_day_every_token_given_out_is_valid_and_few_are_minted() {
    let config = Target::Config {
        id: "cfg_1".to_owned(),
        url: Some("https://env.example/mcp".to_owned()),
    };
    for (target, minting) in [
        (config, MINT),
        (Target::connection("gmail"), MINT_OF_CONNECTION),
    ] {
        let scene = Scene::new().await;
        let session = scene.session_on(target).await;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30 * 3_600) {
            pass(Duration::from_secs(420)).await;
            session.token().await.unwrap();
            let good_until = session.current().good_until;
            assert!(good_until > Instant::now(), "after {:?}", started.elapsed());
            // What was started in the background ends before the next use.
            let _ = under_way(&session).await;
        }
        let mints = scene.server.count(minting);
        assert!((30..=46).contains(&mints), "{mints}");
    }
}

#[tokio::test]
async fn an_agent_that_slept_for_a_day_gets_a_new_token_at_once() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    pass(Duration::from_secs(86_400)).await;
    let callers = join_all((0..1_000).map(|_| session.token())).await;
    assert!(
        callers
            .into_iter()
            .all(|token| token.unwrap().token() == "token-1")
    );
    assert_eq!(scene.mints(), 2);
}

#[tokio::test]
async fn opening_ends_with_its_deadline_and_tells_the_refusal_that_it_knows() {
    // Minting is refused at once, and why it was is never told.
    let server = Server::start(|request, _| match request {
        "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
        MINT => (400, r#"{"message":"an account is not active"}"#.to_owned()),
        _ => Server::NEVER,
    })
    .await;
    let client = server.client().with_timeout(Duration::from_millis(300));
    let error = client.open_session("cfg_1", "user_1").await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("bad_request", Some(400)));
    assert_eq!((server.count(MINT), server.count(ACCOUNTS)), (1, 1));
}
