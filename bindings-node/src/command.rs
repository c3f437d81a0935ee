//! The `vmcp` command.

use std::process::ExitCode;

use napi_derive::napi;

/// Runs the command with these arguments, the first of which is the program's name, and returns
/// its exit code. Blocks until it has ended.
#[napi]
pub(crate) fn run_command(arguments: Vec<String>) -> u8 {
    let code = scalekit_vmcp_engine::cli::run(arguments);
    // `ExitCode` keeps its number to itself.
    (0..=u8::MAX)
        .find(|&number| ExitCode::from(number) == code)
        .unwrap_or(u8::MAX)
}
