//! The Rust of the documentation: `tests/docs.py` writes what is included, and runs it.
#![allow(
    unused,
    missing_docs,
    unreachable_pub,
    reason = "the programs are fragments"
)]

use std::process::Termination;

mod user;

include!(env!("VMCP_DOCS"));

/// Says which block comes next.
fn at(place: &str) {
    eprintln!("at {place}");
}

fn main() -> std::process::ExitCode {
    // Readers have the provider that reqwest brings by default; this workspace brings none.
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    play(&std::env::args().nth(1).unwrap())
}
