//! The `vmcp` command: see [`scalekit_vmcp_engine::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    scalekit_vmcp_engine::cli::run(std::env::args_os()).into()
}
