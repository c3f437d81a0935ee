//! The server: plays cases over HTTP and answers runners in any language.

use std::{
    io,
    net::Ipv4Addr,
    path::Path as FilePath,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use url::form_urlencoded;

use super::{Answer, Case, Fault, Received, Report, Run, Verdict, fault, file};

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    stage: Arc<Stage>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Stage {
    base_url: String,
    cases: Vec<Case>,
    runs: Mutex<Vec<Arc<Run>>>,
}

/// A way from a handler to the bare socket of its connection.
type FaultDoor = mpsc::Sender<(Fault, Answer)>;

impl Server {
    /// Serves these cases on a free loopback port.
    pub async fn start(cases: Vec<Case>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let stage = Arc::new(Stage {
            base_url: format!("http://{}", listener.local_addr()?),
            cases,
            runs: Mutex::default(),
        });
        let app = Router::new()
            .route("/cases", get(list))
            .route("/cases/{*rest}", post(start))
            .route("/run/{number}/verdict", get(judge_wire).post(judge))
            .route("/run/{number}/{*rest}", any(play))
            .with_state(Arc::clone(&stage));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, app.clone()));
            }
        });
        Ok(Self { stage, task })
    }

    /// Serves the cases of a directory.
    pub async fn start_directory(directory: &FilePath) -> io::Result<Self> {
        let cases = file::load(directory).map_err(io::Error::other)?;
        Self::start(cases).await
    }

    pub fn base_url(&self) -> &str {
        &self.stage.base_url
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
        // The task ends only if the listener breaks.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
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
        let run = Arc::new(Run::new(number, &self.base_url, case)?);
        runs.push(Arc::clone(&run));
        Ok(run)
    }

    fn find(&self, number: usize) -> Option<Arc<Run>> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(number).map(Arc::clone)
    }
}

/// Serves one connection with hyper, until a fault takes the socket over.
async fn connection(stream: TcpStream, app: Router) {
    let _ = stream.set_nodelay(true);
    let (door, mut faults) = mpsc::channel::<(Fault, Answer)>(1);
    let service = TowerToHyperService::new(app.layer(Extension(door)));
    let mut serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let (fault, answer) = tokio::select! {
        // A client that breaks off is part of some cases.
        _ = &mut serving => return,
        Some(ordered) = faults.recv() => ordered,
    };
    let stream = serving.into_parts().io.into_inner();
    // The client may close first; that is no failure of ours.
    let _ = fault::play(fault, &answer, stream).await;
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
    Path((number, _)): Path<(usize, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(run) = stage.find(number) else {
        return refusal(&format!("there is no run {number}"));
    };
    let base = format!("/run/{number}");
    let query = uri.query().unwrap_or_default();
    let received = Received {
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
    if let Some(fault) = answer.fault {
        // From here on the socket belongs to the fault.
        let _ = door.send((fault, answer)).await;
        return std::future::pending().await;
    }
    whole(&answer)
}

fn whole(answer: &Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    if !answer.body.is_null() && !answer.headers.contains_key("content-type") {
        response = response.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(fault::body_of(answer)))
        .unwrap_or_else(|cause| refusal(&format!("the scripted answer cannot be sent: {cause}")))
}

fn refusal(message: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response()
}
