//! End to end: the client, the engine, real upstream servers and the official MCP client.

#[path = "../../engine/examples/demo/agent.rs"]
mod agent;
mod authorization;
mod bad_input;
mod broken_requests;
#[path = "../../engine/examples/demo/browser.rs"]
mod browser;
mod controls;
mod flow;
mod isolation;
#[cfg(target_os = "linux")]
mod leaks;
mod oauth;
mod operations;
mod refusals;
mod scene;
mod security;
mod sessions;
mod upstreams;
