//! End to end: the client, the engine, real upstream servers and the official MCP client.

#[path = "../../engine/examples/demo/agent.rs"]
mod agent;
mod audit;
mod authorization;
mod bad_input;
#[path = "../../engine/examples/demo/browser.rs"]
mod browser;
mod controls;
mod flow;
mod names;
mod oauth;
mod operations;
mod refusals;
mod scene;
mod scoping;
mod sessions;
mod teller;
mod upstreams;
