//! Tests of the room with real children and a real HTTP server.

mod bad;
mod breaker;
mod child;
mod fake;
mod http;
mod lifecycle;
mod limits;
mod sessions;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use rmcp::model::CallToolRequestParams;
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{Deadlines, Owner, UpstreamError, Upstreams};
use crate::{
    local::clock::Clock,
    outbound::Outbound,
    settings::{Auth, CommandSource, Connection, Limits, Names, Source},
};

/// A folder with the tiny server, and a socket its processes hold open while they live.
struct Bench {
    dir: TempDir,
    link: TcpListener,
    /// Where its processes link themselves to.
    port: u16,
    upstreams: Upstreams,
    clock: Clock,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Deadlines::default()).await
    }

    async fn with(deadlines: Deadlines) -> Self {
        Self::limited(deadlines, Limits::default()).await
    }

    async fn limited(deadlines: Deadlines, limits: Limits) -> Self {
        let clock = Clock::default();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tiny.py"), include_str!("tiny.py")).unwrap();
        let link = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            dir,
            port: link.local_addr().unwrap().port(),
            link,
            upstreams: Upstreams::with_deadlines(
                Outbound::new().unwrap(),
                deadlines,
                limits,
                clock.clone(),
            ),
            clock,
        }
    }

    /// A connection to the tiny server in one of its modes.
    fn tiny(&self, mode: &str) -> Arc<Connection> {
        self.command("python3", &["tiny.py", mode])
    }

    fn command(&self, command: &str, args: &[&str]) -> Arc<Connection> {
        let env = BTreeMap::from([
            ("LINK".to_owned(), self.port.to_string()),
            ("API_KEY".to_owned(), "{api_key}".to_owned()),
            ("HOME_DIR".to_owned(), "{account_dir}/home".to_owned()),
            ("WHO".to_owned(), "{identifier}".to_owned()),
        ]);
        connection(Source::Command(CommandSource {
            command: command.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env,
            directory: self.dir.path().to_owned(),
        }))
    }

    fn owner(&self, id: &str) -> Owner {
        Owner {
            account_id: id.to_owned(),
            identifier: format!("user-{id}"),
            directory: self.account_dir(id),
            credential: Some(SecretString::from(format!("key-of-{id}"))),
        }
    }

    fn account_dir(&self, id: &str) -> PathBuf {
        self.dir.path().join("accounts").join(id)
    }

    /// The next process that linked itself to the test.
    async fn linked(&self) -> BufReader<TcpStream> {
        BufReader::new(self.link.accept().await.unwrap().0)
    }

    async fn call(
        &self,
        connection: &Arc<Connection>,
        owner: &Owner,
        tool: &str,
    ) -> Result<Value, UpstreamError> {
        let request = CallToolRequestParams::new(tool.to_owned());
        let result = self
            .upstreams
            .call(connection, owner, request, None)
            .await?;
        Ok(result.structured_content.unwrap())
    }

    async fn names(&self, connection: &Arc<Connection>, owner: &Owner) -> Vec<String> {
        let tools = self.upstreams.tools(connection, owner).await.unwrap();
        tools.iter().map(|tool| tool.name.to_string()).collect()
    }

    /// How often the tiny server was started.
    fn starts(&self) -> usize {
        let starts = std::fs::read_to_string(self.dir.path().join("starts")).unwrap();
        starts.lines().count()
    }
}

fn connection(source: Source) -> Arc<Connection> {
    Arc::new(Connection {
        name: "notes".into(),
        provider: "NOTES".into(),
        source,
        auth: Auth::ApiKey,
        names: Names::default(),
        tools: None,
    })
}

/// The same connection under another name.
fn named(name: &str, connection: Arc<Connection>) -> Arc<Connection> {
    let mut connection = Arc::into_inner(connection).unwrap();
    name.clone_into(&mut connection.name);
    Arc::new(connection)
}

/// Deadlines that let a test about one of them end soon.
fn short(change: impl FnOnce(&mut Deadlines)) -> Deadlines {
    let mut deadlines = Deadlines::default();
    change(&mut deadlines);
    deadlines
}

const SOON: Duration = Duration::from_millis(300);

async fn line(link: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    link.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

/// Waits until every process that holds the link is dead. A killed process with unread data
/// resets the connection instead of ending it.
async fn all_dead(mut link: BufReader<TcpStream>) {
    let mut line = String::new();
    while matches!(link.read_line(&mut line).await, Ok(read) if read > 0) {}
}
