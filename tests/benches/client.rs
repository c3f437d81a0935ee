//! What the Rust client costs: `tests/bench.py` runs this program in its parts and compares.
//!
//! * `server` answers the token endpoint and mints; prints its URL, then counts.
//! * `tls-server` does so over TLS, with HTTP/1.1, HTTP/2 and gRPC, in as many threads as there are
//!   cores; prints its URL and the file with its CA.
//! * `core URL N`, `reqwest URL N`: N mints one after the other, by the client and by the same call
//!   written by hand, for counting instructions.
//! * `load URL CA_FILE N`: N mints over TLS by reqwest alone, 64 at a time; prints calls per second and
//!   microseconds of CPU per call.
//! * `sessions URL N ROUNDS`: N sessions opened at once, again and again, on one client.

use std::{
    env, fs,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{Json, Router, body::Body, extract::State, routing::get, routing::post};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::{HeaderName, HeaderValue, Response, header};
use http_body::Frame;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use scalekit_vmcp::{Client, Target};
use scalekit_vmcp_tests::vectors::tls::Authority;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const IDENTIFIER: &str = "user_123";
const IN_FLIGHT: usize = 64;

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
        ["tls-server"] => tokio::runtime::Runtime::new()?.block_on(tls_server()),
        ["core", url, times] => runtime.block_on(core(url, times.parse()?)),
        ["reqwest", url, times] => runtime.block_on(by_hand(url, times.parse()?)),
        ["load", url, ca, times] => runtime.block_on(load(url, ca, times.parse()?)),
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

#[derive(Deserialize)]
struct Access {
    access_token: String,
}

/// The same requests, deadlines, connection and answers, without retries and without explanations.
struct ByHand {
    http: reqwest::Client,
    url: String,
    access_token: String,
}

impl ByHand {
    async fn new(url: &str, ca: Option<&str>) -> Result<Self> {
        // reqwest wants a provider, even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .user_agent("by-hand/1");
        if let Some(ca) = ca {
            let ca = reqwest::Certificate::from_pem(&fs::read(ca)?)?;
            http = http.tls_certs_only([ca]);
        }
        let http = http.build()?;
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
        Ok(Self {
            http,
            url: url.to_owned(),
            access_token: access.access_token,
        })
    }

    async fn mint(&self) -> Result<()> {
        let config_id = "cfg_1";
        let mint = Mint {
            identifier: IDENTIFIER,
            expiry: format!("{}s", 3_600),
        };
        let url = &self.url;
        let call = async {
            let answer = self
                .http
                .post(format!("{url}/api/v1/mcp/configs/{config_id}/tokens"))
                .bearer_auth(&self.access_token)
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
        Ok(())
    }
}

async fn by_hand(url: &str, times: usize) -> Result<()> {
    let by_hand = ByHand::new(url, None).await?;
    for _ in 0..times {
        by_hand.mint().await?;
    }
    Ok(())
}

/// A tenth warms up; then the clock runs.
async fn load(url: &str, ca: &str, times: usize) -> Result<()> {
    let by_hand = ByHand::new(url, Some(ca)).await?;
    let work = async |times| {
        let left = AtomicUsize::new(times);
        let worker = async || {
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok()
            {
                by_hand.mint().await?;
            }
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        try_join_all((0..IN_FLIGHT).map(|_| worker())).await
    };
    work(times / 10).await?;
    let (begun, before) = (Instant::now(), cpu()?);
    work(times).await?;
    let (took, cpu) = (begun.elapsed(), cpu()?.saturating_sub(before));
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let times = times as f64;
    println!(
        "{}",
        json!({ "calls_per_s": times / took.as_secs_f64(), "cpu_us": cpu.as_secs_f64() * 1e6 / times })
    );
    Ok(())
}

/// What the thread that does all the work has used.
fn cpu() -> Result<Duration> {
    let scheduled = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = scheduled.split_whitespace().next();
    Ok(Duration::from_nanos(
        nanoseconds.ok_or("no time of the CPU")?.parse()?,
    ))
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

fn app(counts: &Arc<Counts>) -> Router {
    Router::new()
        .route("/oauth/token", post(access))
        .route("/api/v1/mcp/configs/cfg_1/tokens", post(mint))
        .route(
            "/scalekit.v1.mcp.McpService/CreateMcpSessionToken",
            post(mint_over_grpc),
        )
        .route("/counts", get(report))
        .with_state(Arc::clone(counts))
}

async fn tls_server() -> Result<()> {
    let authority = Authority::new().map_err(|error| error.to_string())?;
    let ca = authority.write().map_err(|error| error.to_string())?;
    let acceptor = authority
        .acceptor(&[b"h2", b"http/1.1"], false)
        .map_err(|error| error.to_string())?;
    let app = app(&Arc::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("https://localhost:{}", listener.local_addr()?.port());
    println!("{}", ca.path().display());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (app, acceptor) = (app.clone(), acceptor.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                let service = TowerToHyperService::new(app);
                let serving = auto::Builder::new(TokioExecutor::new());
                // A client that goes away is how each part ends.
                let _ = serving
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        });
    }
}

async fn server() -> Result<()> {
    let counts = Arc::new(Counts::default());
    let app = app(&counts);
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

async fn access(State(counts): State<Arc<Counts>>, _: Bytes) -> Json<Value> {
    counts.access_tokens.fetch_add(1, Ordering::Relaxed);
    Json(
        json!({ "access_token": "bench.access.token", "token_type": "Bearer", "expires_in": 86_399 }),
    )
}

/// It reads the body to its end: hyper closes a connection with half a request in it.
async fn mint(State(counts): State<Arc<Counts>>, _: Bytes) -> Json<Value> {
    counts.mints.fetch_add(1, Ordering::Relaxed);
    let token = "x".repeat(700);
    Json(json!({ "token": token, "expires_at": "2026-01-01T01:00:00Z" }))
}

/// The same answer as a gRPC message: a token, and a time.
async fn mint_over_grpc(body: Bytes) -> Response<Body> {
    drop(body);
    let token = "x".repeat(700);
    let mut message = vec![0x0a, 0xbc, 0x05];
    message.extend(token.as_bytes());
    // 2026-01-01T01:00:00Z.
    message.extend([0x12, 0x06, 0x08, 0x90, 0x8e, 0xd7, 0xca, 0x06]);
    let mut framed = vec![0];
    framed.extend(
        u32::try_from(message.len())
            .unwrap_or_default()
            .to_be_bytes(),
    );
    framed.extend(message);
    let mut response = Response::new(Body::new(Grpc(Some(framed.into()), false)));
    let content_type = HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// One message, and trailers that say that all is well.
struct Grpc(Option<Bytes>, bool);

impl http_body::Body for Grpc {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(match (self.0.take(), self.1) {
            (Some(message), _) => Some(Ok(Frame::data(message))),
            (None, false) => {
                self.1 = true;
                let status = (
                    HeaderName::from_static("grpc-status"),
                    HeaderValue::from_static("0"),
                );
                Some(Ok(Frame::trailers([status].into_iter().collect())))
            }
            (None, true) => None,
        })
    }
}

/// What has been counted since the last time, this request's own connection included.
async fn report(State(counts): State<Arc<Counts>>) -> Json<Value> {
    Json(json!({
        "most_open": counts.most_open.swap(0, Ordering::Relaxed),
        "access_tokens": counts.access_tokens.swap(0, Ordering::Relaxed),
        "mints": counts.mints.swap(0, Ordering::Relaxed),
    }))
}
