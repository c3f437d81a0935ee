//! End to end: the client, the engine, real upstream servers and the official MCP client.

#[path = "../../engine/examples/demo/agent.rs"]
mod agent;
mod audit;
mod authorization;
mod bad_input;
mod broken_requests;
#[path = "../../engine/examples/demo/browser.rs"]
mod browser;
mod controls;
mod death;
mod flow;
mod isolation;
#[cfg(target_os = "linux")]
mod leaks;
mod methods;
mod names;
mod oauth;
mod operations;
mod real_upstreams;
mod refusals;
mod scene;
mod scoping;
mod security;
mod sessions;
mod slow;
mod streams;
mod teller;
mod upstream_life;
mod upstreams;
