//! What a newcomer runs first, with nothing but the two crates: an engine, a config, a session.

use std::{error::Error, fs, time::Duration};

use scalekit_vmcp::{Client, NewConfig};
use scalekit_vmcp_engine::{LocalEngine, Settings};

const NOTES: &str = r#"{
  "tools": [{ "name": "notes_list", "description": "Lists the notes.", "inputSchema": { "type": "object" } }],
  "results": { "notes_list": { "content": [] } }
}"#;
const CONFIG: &str = "[connections.notes]\nsandbox = \"notes.json\"\nauth = \"none\"\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("notes.json"), NOTES)?;
    fs::write(folder.path().join("vmcp.toml"), CONFIG)?;
    let engine = LocalEngine::builder()
        .settings(Settings::from_file(&folder.path().join("vmcp.toml"))?)
        .start()
        .await?;
    let client = Client::builder()
        .env_url(engine.env_url())
        .client_id(engine.client_id())
        .client_secret(engine.client_secret())
        .build()?;
    let config = client
        .create_config(NewConfig::new("agent").all_tools_of("notes"))
        .await?;
    let session = client
        .open_session(&config, "user_123")
        .expiry(Duration::from_secs(3600))
        .await?;
    let report = session.check().await?;
    let names: Vec<_> = report.tools.iter().map(|tool| tool.name.as_str()).collect();
    println!("{}", names.join(", "));
    engine.close().await;
    Ok(())
}
