//! What the Rust client costs: `tests/bench.py` runs this program in its parts and compares.
//!
//! * `server` answers the token endpoint and mints; prints its URL, then counts.
//! * `core URL N`, `reqwest URL N`: N mints one after the other, by the client and by the same call
//!   written by hand, for counting instructions.
//! * `sessions URL N ROUNDS`: N sessions opened at once, again and again, on one client.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::get, routing::post};
use futures_util::future::try_join_all;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use scalekit_vmcp::{Client, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const IDENTIFIER: &str = "user_123";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // One thread: the same instructions in every run.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match words[..] {
        ["server"] => runtime.block_on(server()),
        ["core", url, times] => runtime.block_on(core(url, times.parse()?)),
        ["reqwest", url, times] => runtime.block_on(by_hand(url, times.parse()?)),
        ["sessions", url, count, rounds] => {
            runtime.block_on(sessions(url, count.parse()?, rounds.parse()?))
        }
        // `cargo test --benches` and the like: nothing to test here.
        _ => Ok(()),
    }
}

fn client(url: &str) -> Result<Client> {
    let builder = Client::builder().env_url(url).client_id("skc_bench");
    Ok(builder.client_secret("bench-secret").build()?)
}

async fn core(url: &str, times: usize) -> Result<()> {
    let client = client(url)?;
    for _ in 0..times {
        let token = client
            .create_session_token("cfg_1", IDENTIFIER)
            .expiry(Duration::from_secs(3_600))
            .await?;
        assert!(token.expires_at().is_some());
    }
    Ok(())
}

#[derive(Serialize)]
struct Mint<'a> {
    identifier: &'a str,
    expiry: String,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: String,
}

/// The same request, deadlines, connection and answer, without retries and without explanations.
async fn by_hand(url: &str, times: usize) -> Result<()> {
    #[derive(Deserialize)]
    struct Access {
        access_token: String,
    }
    // reqwest wants a provider, even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(20))
        .tcp_nodelay(true)
        .user_agent("by-hand/1")
        .build()?;
    let form = format!(
        "grant_type=client_credentials&client_id=skc_bench&client_secret={}",
        "bench-secret"
    );
    let access: Access = serde_json::from_slice(
        &http
            .post(format!("{url}/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?
            .bytes()
            .await?,
    )?;
    for _ in 0..times {
        let config_id = "cfg_1";
        let mint = Mint {
            identifier: IDENTIFIER,
            expiry: format!("{}s", 3_600),
        };
        let call = async {
            let answer = http
                .post(format!("{url}/api/v1/mcp/configs/{config_id}/tokens"))
                .bearer_auth(&access.access_token)
                .header("x-api-version", "20261012")
                .header("accept", "application/json")
                .header("content-type", "application/json")
                .body(serde_json::to_vec(&mint)?)
                .send()
                .await?
                .error_for_status()?;
            Ok::<Minted, Box<dyn std::error::Error>>(serde_json::from_slice(
                &answer.bytes().await?,
            )?)
        };
        let minted = tokio::time::timeout(Duration::from_secs(60), call).await??;
        let expires_at: jiff::Timestamp = minted.expires_at.parse()?;
        assert!(!minted.token.is_empty() && expires_at.as_second() > 0);
    }
    Ok(())
}

/// Prints the memory of this process after each round, in KiB.
async fn sessions(url: &str, count: usize, rounds: usize) -> Result<()> {
    let client = client(url)?.with_timeout(Duration::from_secs(600));
    let target = Target::Config {
        id: "cfg_1".to_owned(),
        url: Some(format!("{url}/mcp/v3/servers/1")),
    };
    let mut resident = Vec::new();
    for _ in 0..rounds {
        let opening = (0..count).map(|_| client.open_session(&target, IDENTIFIER).into_future());
        drop(try_join_all(opening).await?);
        resident.push(resident_kib()?);
    }
    println!("{}", json!({ "resident_kib": resident }));
    Ok(())
}

fn resident_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    most_open: AtomicUsize,
    access_tokens: AtomicUsize,
    mints: AtomicUsize,
}

async fn server() -> Result<()> {
    let counts = Arc::new(Counts::default());
    let app = Router::new()
        .route("/oauth/token", post(access))
        .route("/api/v1/mcp/configs/cfg_1/tokens", post(mint))
        .route("/counts", get(report))
        .with_state(Arc::clone(&counts));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (app, counts) = (app.clone(), Arc::clone(&counts));
        tokio::spawn(async move {
            let open = counts.open.fetch_add(1, Ordering::Relaxed) + 1;
            counts.most_open.fetch_max(open, Ordering::Relaxed);
            let service = TowerToHyperService::new(app);
            let serving = hyper::server::conn::http1::Builder::new();
            // A client that goes away is how each part ends.
            let _ = serving
                .serve_connection(TokioIo::new(stream), service)
                .await;
            counts.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn access(State(counts): State<Arc<Counts>>) -> Json<Value> {
    counts.access_tokens.fetch_add(1, Ordering::Relaxed);
    Json(
        json!({ "access_token": "bench.access.token", "token_type": "Bearer", "expires_in": 86_399 }),
    )
}

async fn mint(State(counts): State<Arc<Counts>>) -> Json<Value> {
    counts.mints.fetch_add(1, Ordering::Relaxed);
    let token = "x".repeat(700);
    Json(json!({ "token": token, "expires_at": "2026-01-01T01:00:00Z" }))
}

/// What has been counted since the last time, this request's own connection included.
async fn report(State(counts): State<Arc<Counts>>) -> Json<Value> {
    Json(json!({
        "most_open": counts.most_open.swap(0, Ordering::Relaxed),
        "access_tokens": counts.access_tokens.swap(0, Ordering::Relaxed),
        "mints": counts.mints.swap(0, Ordering::Relaxed),
    }))
}
