//! The server: plays cases over HTTP and answers runners in any language.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path as FilePath,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::{
    Extension, Json, Router,
    extract::{Path, Request, State},
    http::{StatusCode, Version, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use hyper::service::{Service as _, service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use url::form_urlencoded;

use super::{
    Answer, Case, Connection, Fault, Received, Report, Run, Verdict, Way, fault, file,
    proxy::{self, Tunnels},
    run::House,
    tls::Authority,
};

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    stage: Arc<Stage>,
    listening: JoinSet<()>,
}

#[derive(Debug)]
struct Stage {
    house: House,
    tunnels: Tunnels,
    cases: Vec<Case>,
    runs: Mutex<Vec<Arc<Run>>>,
}

/// A way from a handler to the bare socket of its connection.
type FaultDoor = mpsc::Sender<(Fault, Answer)>;

/// In an answer: its stream is to be refused instead.
#[derive(Clone, Copy)]
struct Refused;

impl Server {
    /// Serves these cases on free loopback ports, one for each kind of connection.
    pub async fn start(cases: Vec<Case>) -> io::Result<Self> {
        let authority = Authority::new().map_err(io::Error::other)?;
        let acceptor = |protocols: &[&[u8]], expired| {
            let made = authority.acceptor(protocols, expired);
            made.map(Some).map_err(io::Error::other)
        };
        let kinds = [
            (Connection::Http, None),
            (Connection::Https, acceptor(&[b"http/1.1"], false)?),
            (Connection::H2, acceptor(&[b"h2", b"http/1.1"], false)?),
            (Connection::Expired, acceptor(&[b"http/1.1"], true)?),
        ];
        let mut listeners = Vec::new();
        let mut ports = HashMap::new();
        for (kind, acceptor) in kinds {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            ports.insert(kind, listener.local_addr()?.port());
            listeners.push((kind, acceptor, listener));
        }
        // Bound, so that no one else gets the port, and never listening.
        let closed = TcpSocket::new_v4()?;
        closed.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let stage = Arc::new(Stage {
            house: House {
                ports,
                ca_file: authority.write().map_err(io::Error::other)?,
                closed,
            },
            tunnels: Tunnels::default(),
            cases,
            runs: Mutex::default(),
        });
        let app = Router::new()
            .route("/cases", get(list))
            .route("/cases/{*rest}", post(start))
            .route("/run/{number}/verdict", get(judge_wire).post(judge))
            .route("/run/{number}/{*rest}", any(play))
            .with_state(Arc::clone(&stage));
        let mut listening = JoinSet::new();
        for (kind, acceptor, listener) in listeners {
            let (stage, app) = (Arc::clone(&stage), app.clone());
            listening.spawn(async move {
                while let Ok((stream, peer)) = listener.accept().await {
                    let (stage, acceptor, app) =
                        (Arc::clone(&stage), acceptor.clone(), app.clone());
                    // A client that breaks off is part of some cases.
                    tokio::spawn(async move {
                        let _ = connection(&stage, kind, acceptor, stream, peer, app).await;
                    });
                }
            });
        }
        Ok(Self { stage, listening })
    }

    /// Serves the cases of a directory.
    pub async fn start_directory(directory: &FilePath) -> io::Result<Self> {
        let cases = file::load(directory).map_err(io::Error::other)?;
        Self::start(cases).await
    }

    pub fn base_url(&self) -> String {
        self.stage.house.url(Connection::Http, None)
    }

    pub fn cases(&self) -> &[Case] {
        &self.stage.cases
    }

    /// Starts a case: what `POST /cases/{id}/start` does.
    pub fn run(&self, id: &str) -> Result<Arc<Run>, String> {
        self.stage.run(id)
    }

    /// Runs until the process ends.
    pub async fn forever(mut self) {
        // A task ends only if its listener breaks.
        let _ = self.listening.join_next().await;
    }
}

impl Stage {
    fn run(&self, id: &str) -> Result<Arc<Run>, String> {
        let case = self
            .cases
            .iter()
            .find(|case| case.id == id)
            .ok_or_else(|| format!("there is no case `{id}`"))?;
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let number = runs.len();
        let run = Arc::new(Run::new(number, &self.house, case)?);
        runs.push(Arc::clone(&run));
        Ok(run)
    }

    fn find(&self, number: usize) -> Option<Arc<Run>> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(number).map(Arc::clone)
    }
}

/// What carries HTTP: TCP, with or without TLS.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn connection(
    stage: &Stage,
    kind: Connection,
    acceptor: Option<TlsAcceptor>,
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(acceptor) = acceptor else {
        if proxy::is_asked(&stream).await? {
            return stage.tunnels.serve(stream).await;
        }
        return serve(stream, app.layer(Extension((kind, false))), false).await;
    };
    let stream = acceptor.accept(stream).await?;
    let app = app.layer(Extension((kind, stage.tunnels.has(peer))));
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    serve(stream, app, http2).await
}

/// Serves one connection with hyper, until a fault takes the socket over.
async fn serve<S: Wire>(stream: S, app: Router, http2: bool) -> io::Result<()> {
    let (door, mut faults) = mpsc::channel::<(Fault, Answer)>(1);
    let app = TowerToHyperService::new(app.layer(Extension(door)));
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answering = app.call(request);
        async move {
            let Ok(response): Result<Response, Infallible> = answering.await;
            match response.extensions().get::<Refused>() {
                // hyper looks for the reason in the error.
                Some(_) => Err(h2::Error::from(h2::Reason::REFUSED_STREAM)),
                None => Ok(response),
            }
        }
    });
    let stream = Shared(Arc::new(Mutex::new(stream)));
    let io = TokioIo::new(stream.clone());
    let serving = async {
        if http2 {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(io, service).await
        } else {
            let builder = hyper::server::conn::http1::Builder::new();
            builder.serve_connection(io, service).await
        }
    };
    let (fault, answer) = tokio::select! {
        _ = serving => return Ok(()),
        Some(ordered) = faults.recv() => ordered,
    };
    if fault == Fault::Reset {
        return stream.lock().tcp().set_zero_linger();
    }
    fault::play(fault, &answer, &mut { stream }).await
}

/// A stream that hyper has, and a fault after it.
struct Shared<S>(Arc<Mutex<S>>);

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, S> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Wire> AsyncRead for Shared<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_read(context, into)
    }
}

impl<S: Wire> AsyncWrite for Shared<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_shutdown(context)
    }
}

async fn list(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let cases: Vec<Value> = stage
        .cases
        .iter()
        .map(|case| json!({ "id": case.id, "client": case.client, "call": case.call }))
        .collect();
    Json(json!(cases))
}

async fn start(State(stage): State<Arc<Stage>>, Path(rest): Path<String>) -> Response {
    let Some(id) = rest.strip_suffix("/start") else {
        return refusal("a case is started with `POST /cases/{id}/start`");
    };
    match stage.run(id) {
        Ok(run) => Json(run.start_answer()).into_response(),
        Err(message) => refusal(&message),
    }
}

async fn judge_wire(State(stage): State<Arc<Stage>>, Path(number): Path<usize>) -> Response {
    verdict(&stage, number, None)
}

async fn judge(
    State(stage): State<Arc<Stage>>,
    Path(number): Path<usize>,
    Json(report): Json<Report>,
) -> Response {
    verdict(&stage, number, Some(&report))
}

fn verdict(stage: &Stage, number: usize, report: Option<&Report>) -> Response {
    match stage.find(number) {
        Some(run) => {
            let verdict: Verdict = run.verdict(report);
            Json(verdict).into_response()
        }
        None => refusal(&format!("there is no run {number}")),
    }
}

/// Any request below the base path of a run.
async fn play(
    State(stage): State<Arc<Stage>>,
    Extension(door): Extension<FaultDoor>,
    Extension((connection, tunneled)): Extension<(Connection, bool)>,
    Path((number, _)): Path<(usize, String)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(run) = stage.find(number) else {
        return refusal(&format!("there is no run {number}"));
    };
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return refusal("the request is not whole");
    };
    let http2 = parts.version == Version::HTTP_2;
    let base = format!("/run/{number}");
    let (uri, method, headers) = (parts.uri, parts.method, parts.headers);
    let query = uri.query().unwrap_or_default();
    let received = Received {
        way: Way {
            connection,
            http2,
            // In HTTP/1.1 only a proxy is told the host in the target.
            proxied: tunneled || (!http2 && uri.authority().is_some()),
        },
        method: method.to_string(),
        path: uri
            .path()
            .strip_prefix(&base)
            .unwrap_or(uri.path())
            .to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: body.to_vec(),
    };
    let answer = run.answer(&received);
    match answer.fault {
        Some(Fault::RefuseStream) => Extension(Refused).into_response(),
        Some(fault @ (Fault::Reset | Fault::Garbage | Fault::GoAway)) => {
            take_over(&door, fault, answer).await
        }
        Some(fault @ Fault::WrongLength) if !http2 => take_over(&door, fault, answer).await,
        _ => whole(&answer),
    }
}

/// From here on the socket belongs to the fault.
async fn take_over(door: &FaultDoor, fault: Fault, answer: Answer) -> Response {
    let _ = door.send((fault, answer)).await;
    std::future::pending().await
}

fn whole(answer: &Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    if !answer.body.is_null() && !answer.headers.contains_key("content-type") {
        response = response.header(header::CONTENT_TYPE, "application/json");
    }
    if answer.gzip {
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let (body, claimed) = fault::body_of(answer);
    if let Some(length) = claimed {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    response
        .body(body)
        .unwrap_or_else(|cause| refusal(&format!("the scripted answer cannot be sent: {cause}")))
}

fn refusal(message: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response()
}
