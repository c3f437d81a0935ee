//! A small HTTP/1.1 server for tests that need the private parts of this crate; the shared
//! behaviour is tested with the vectors.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{OwnedRwLockWriteGuard, RwLock, watch},
};

use crate::{Client, ClientBuilder};

/// A server that answers each `"METHOD /path"` as its function says, and counts them.
pub(crate) struct Server {
    url: String,
    seen: Seen,
    held: Arc<RwLock<()>>,
    open: watch::Sender<usize>,
}

type Seen = Arc<Mutex<HashMap<String, usize>>>;

impl Server {
    pub(crate) const SECRET: &str = "s3cret-of-the-client";
    /// An answer that does not come.
    pub(crate) const NEVER: (u16, String) = (0, String::new());

    pub(crate) async fn start(
        answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Seen::default();
        let held = Arc::new(RwLock::new(()));
        let open = watch::Sender::new(0);
        let opened = open.clone();
        let (answer, counts, gate) = (Arc::new(answer), Arc::clone(&seen), Arc::clone(&held));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, counts, gate) =
                    (Arc::clone(&answer), Arc::clone(&counts), Arc::clone(&gate));
                let open = opened.clone();
                open.send_modify(|open| *open += 1);
                tokio::spawn(async move {
                    serve(stream, &*answer, &counts, &gate).await;
                    open.send_modify(|open| *open -= 1);
                });
            }
        });
        Self {
            url,
            seen,
            held,
            open,
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .env_url(&self.url)
            .client_id("skc_1")
            .client_secret(Self::SECRET)
            .backoff(
                std::time::Duration::from_millis(1),
                std::time::Duration::from_millis(2),
            )
    }

    /// Holds every answer back for as long as the guard lives.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.held).write_owned().await
    }

    /// Waits until nobody is connected any more.
    pub(crate) async fn left_alone(&self) {
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open == 0).await.unwrap();
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        self.seen
            .lock()
            .unwrap()
            .get(request)
            .copied()
            .unwrap_or_default()
    }
}

async fn serve(
    stream: TcpStream,
    answer: &(dyn Fn(&str, &str) -> (u16, String) + Send + Sync),
    seen: &Seen,
    gate: &RwLock<()>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if request.is_empty() {
                line.rsplit_once(' ')?.0.clone_into(&mut request);
            } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        *seen.lock().ok()?.entry(request.clone()).or_default() += 1;
        drop(gate.read().await);
        let (status, text) = answer(&request, &String::from_utf8(body).ok()?);
        if status == Server::NEVER.0 {
            std::future::pending::<()>().await;
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        stream.write_all((head + &text).as_bytes()).await.ok()?;
    }
}
