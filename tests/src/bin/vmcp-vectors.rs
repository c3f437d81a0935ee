//! The vector server as a program: prints one JSON line with its base URL, then serves until it
//! is ended. The first argument may name another directory of cases.

use std::{path::PathBuf, process::ExitCode};

use scalekit_vmcp_tests::vectors::{Server, directory};
use serde_json::json;

#[tokio::main]
async fn main() -> ExitCode {
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(directory, PathBuf::from);
    match Server::start_directory(&directory).await {
        Ok(server) => {
            println!("{}", json!({ "base_url": server.base_url() }));
            server.forever().await;
            ExitCode::SUCCESS
        }
        Err(cause) => {
            eprintln!("error: {cause}");
            ExitCode::FAILURE
        }
    }
}
