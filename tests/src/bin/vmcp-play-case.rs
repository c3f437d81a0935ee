//! Makes the call of one started case in a process of its own, so that a case can set environment
//! variables.
//!
//! The first argument is what the server answered to the start; the report is printed as one line
//! of JSON.

use scalekit_vmcp_tests::vectors::report;

#[tokio::main]
async fn main() -> Result<(), serde_json::Error> {
    let started = std::env::args().nth(1).unwrap_or_default();
    let report = report(&serde_json::from_str(&started)?).await;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
