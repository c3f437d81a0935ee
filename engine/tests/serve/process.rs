//! `vmcp serve` as a process, and requests written by hand.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use scalekit_vmcp::Client;

/// A running engine; killed when it is dropped.
pub(crate) struct Serving {
    pub(crate) process: Child,
    pub(crate) client: Client,
    pub(crate) url: String,
    /// The lines it printed, up to `Stop it with Ctrl-C.`
    pub(crate) greeting: Vec<String>,
    log: PathBuf,
}

impl Serving {
    /// What a line `export NAME=…` says.
    pub(crate) fn exported(&self, name: &str) -> String {
        exported(&self.greeting, name).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it as Ctrl-C does; answers its exit code and its whole log.
    pub(crate) fn interrupt(mut self) -> (i32, String) {
        self.signal(Signal::INT);
        let code = self.process.wait().unwrap().code().unwrap();
        (code, self.log())
    }

    /// An access token.
    pub(crate) fn token(&self) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            self.exported("SCALEKIT_CLIENT_ID"),
            self.exported("SCALEKIT_CLIENT_SECRET")
        );
        let head = "content-type: application/x-www-form-urlencoded\r\n";
        let answer = self.send("POST", "/oauth/token", head, &form);
        let token = answer.split_once(r#""access_token":""#).unwrap().1;
        token.split('"').next().unwrap().to_owned()
    }

    /// A call of the API: the whole answer.
    pub(crate) fn call(&self, token: &str, method: &str, path: &str, body: &str) -> String {
        let head = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        self.send(method, path, &head, body)
    }

    /// The whole answer to a request of its own connection.
    pub(crate) fn send(&self, method: &str, path: &str, head: &str, body: &str) -> String {
        let mut stream = connect(&self.url);
        let length = body.len();
        let head = format!("{head}connection: close\r\ncontent-length: {length}\r\n");
        write_request(
            &mut stream,
            &self.url,
            &format!("{method} {path}"),
            &head,
            body,
        );
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap()
}

pub(crate) fn write_request(stream: &mut TcpStream, url: &str, line: &str, head: &str, body: &str) {
    let host = url.strip_prefix("http://").unwrap();
    let request = format!("{line} HTTP/1.1\r\nhost: {host}\r\n{head}\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
}

pub(crate) fn vmcp(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmcp"));
    command
        .current_dir(folder)
        .env_remove("VMCP_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// `vmcp serve` in a folder, ready for calls.
pub(crate) fn serve(folder: &Path) -> Serving {
    serve_with(folder, |_| {})
}

/// The same, with more arguments or variables.
pub(crate) fn serve_with(folder: &Path, more: impl FnOnce(&mut Command)) -> Serving {
    let log = folder.join("log");
    let mut command = vmcp(folder);
    command
        .args(["serve", "--port", "0"])
        .stderr(File::create(&log).unwrap());
    more(&mut command);
    let mut process = command.spawn().unwrap();
    let mut greeting = Vec::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        greeting.push(line.unwrap());
        if greeting.last().unwrap().starts_with("Stop") {
            break;
        }
    }
    let url = exported(&greeting, "SCALEKIT_ENVIRONMENT_URL").unwrap_or_else(|| {
        panic!(
            "it did not start: {}",
            std::fs::read_to_string(&log).unwrap()
        );
    });
    let secret = exported(&greeting, "SCALEKIT_CLIENT_SECRET").unwrap_or_default();
    let client = Client::builder()
        .env_url(&*url)
        .client_id(exported(&greeting, "SCALEKIT_CLIENT_ID").unwrap())
        // Without one in the settings' place no call is made.
        .client_secret(if secret.is_empty() {
            "none".into()
        } else {
            secret
        })
        .max_retries(0)
        .build()
        .unwrap();
    Serving {
        process,
        client,
        url,
        greeting,
        log,
    }
}

fn exported(greeting: &[String], name: &str) -> Option<String> {
    let start = format!("export {name}=");
    let value = greeting.iter().find_map(|line| line.strip_prefix(&start))?;
    Some(value.to_owned())
}

/// The head and body of a request on the data plane.
pub(crate) fn mcp(token: &str, method: &str, parameters: &str) -> (String, String) {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{parameters}}}"#);
    let head = format!(
        "authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n"
    );
    (head, body)
}

/// A `tools/list` by hand; it starts the upstream.
pub(crate) fn list_tools(serving: &Serving, url: &str, token: &str) -> String {
    let path = url.strip_prefix(&*serving.url).unwrap();
    let (head, body) = mcp(token, "tools/list", "{}");
    serving.send("POST", path, &head, &body)
}
