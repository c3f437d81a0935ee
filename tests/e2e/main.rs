//! End to end: the client, the engine, real upstream servers and the official MCP client.

#[path = "../../engine/examples/demo/agent.rs"]
mod agent;
mod authorization;
mod bad_input;
#[path = "../../engine/examples/demo/browser.rs"]
mod browser;
mod controls;
mod death;
mod flow;
mod methods;
mod oauth;
mod operations;
mod refusals;
mod scene;
mod sessions;
mod slow;
mod streams;
mod upstreams;
