//! What vectors cannot say of the transport: many calls at once, and what becomes of connections.

use std::{
    fs,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::any};
use futures_util::future::join_all;
use scalekit_vmcp::{Client, ErrorKind, NewConfig};
use scalekit_vmcp_tests::vectors;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};

const MOST: usize = 256;

fn client(env_url: &str) -> Client {
    Client::builder()
        .env_url(env_url)
        .client_id("skc_1")
        .client_secret("s3cret")
        .max_retries(0)
        .build()
        .unwrap()
}

/// Lets requests in, one for each permit of the gate, and counts them.
struct House {
    inside: AtomicUsize,
    most: AtomicUsize,
    arrived: mpsc::UnboundedSender<()>,
    gate: Semaphore,
}

async fn config(State(house): State<Arc<House>>) -> Json<Value> {
    let inside = house.inside.fetch_add(1, Ordering::SeqCst) + 1;
    house.most.fetch_max(inside, Ordering::SeqCst);
    house.arrived.send(()).unwrap();
    house.gate.acquire().await.unwrap().forget();
    house.inside.fetch_sub(1, Ordering::SeqCst);
    Json(json!({ "config": { "id": "cfg_1" } }))
}

async fn house() -> (Client, Arc<House>, mpsc::UnboundedReceiver<()>) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let house = Arc::new(House {
        inside: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
        arrived,
        gate: Semaphore::new(0),
    });
    let token = async || Json(json!({ "access_token": "a.t" }));
    let app = Router::new()
        .route("/oauth/token", any(token))
        .fallback(any(config))
        .with_state(Arc::clone(&house));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (client, house, arrivals)
}

#[tokio::test]
async fn of_a_thousand_calls_256_are_in_flight_and_all_succeed() {
    let (client, house, mut arrivals) = house().await;
    let calls = (0..1_000).map(|_| client.get_config("cfg_1").into_future());
    let opening = async {
        for _ in 0..MOST {
            arrivals.recv().await.unwrap();
        }
        // All that are let in are here: one goes out for each that may come.
        for _ in MOST..1_000 {
            house.gate.add_permits(1);
            arrivals.recv().await.unwrap();
        }
        house.gate.add_permits(MOST);
    };
    let (answers, ()) = tokio::join!(join_all(calls), opening);
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(house.most.load(Ordering::SeqCst), MOST);
}

#[tokio::test]
async fn a_call_that_waits_for_others_until_its_deadline_is_told_so() {
    let (client, house, mut arrivals) = house().await;
    let calls = (0..MOST).map(|_| client.get_config("cfg_1").into_future());
    let waiting = async {
        for _ in 0..MOST {
            arrivals.recv().await.unwrap();
        }
        let hurried = client.with_timeout(Duration::from_millis(20));
        let error = hurried
            .create_config(NewConfig::new("a"))
            .await
            .unwrap_err();
        house.gate.add_permits(MOST);
        error
    };
    let (answers, error) = tokio::join!(join_all(calls), waiting);
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(
        (error.kind(), error.code(), error.attempts()),
        (ErrorKind::Timeout, "deadline_exceeded", 0)
    );
    assert!(error.message().contains("behind 256 others"), "{error}");
    assert!(error.is_retryable(), "it was never sent");
}

/// Answers requests until this one, which is the last that the connection sees.
async fn serve_until(stream: &mut TcpStream, last: &str) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        let body = if head.starts_with("post /oauth/token") {
            r#"{"access_token":"a.t"}"#
        } else {
            r#"{"config":{"id":"cfg_1"}}"#
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        if head.starts_with(last) {
            return;
        }
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_harms_no_call() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    let (closed, mut closings) = mpsc::channel(1);
    let server = tokio::spawn(async move {
        for last in ["get", "post /api", "post /api"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            serve_until(&mut stream, last).await;
            stream.shutdown().await.unwrap();
            // The client closes too: now it knows.
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
            closed.send(()).await.unwrap();
        }
    });
    client.get_config("cfg_1").await.unwrap();
    closings.recv().await.unwrap();
    // Of all calls the one that is never sent twice.
    for _ in 0..2 {
        client.create_config(NewConfig::new("a")).await.unwrap();
        closings.recv().await.unwrap();
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_client_for_a_new_process_keeps_the_ca_and_reads_no_file_again() {
    let path = "/api/v1/mcp/configs/cfg_1";
    let case = json!({
        "id": "transport/new-process",
        "client": { "connection": "h2", "ca_file": "{ca_file}" },
        "call": { "operation": "get_config", "parameters": { "config_id": "cfg_1" } },
        "exchanges": [{
            "expect": { "method": "GET", "path": path },
            "answer": { "body": { "config": { "id": "cfg_1" } } },
        }],
        "result": null,
        "requests": 1,
    });
    let server = vectors::Server::start(vec![serde_json::from_value(case).unwrap()])
        .await
        .unwrap();
    let started = server.run("transport/new-process").unwrap().start_answer();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::copy(started["client"]["ca_file"].as_str().unwrap(), &file).unwrap();
    let client = Client::builder()
        .env_url(started["env_url"].as_str().unwrap())
        .client_id(started["client"]["client_id"].as_str().unwrap())
        .client_secret(started["client"]["client_secret"].as_str().unwrap())
        .ca_file(&file)
        .build()
        .unwrap();
    fs::remove_file(&file).unwrap();
    let other = client.for_new_process().unwrap();
    assert_eq!(other.get_config("cfg_1").await.unwrap().id, "cfg_1");
}
