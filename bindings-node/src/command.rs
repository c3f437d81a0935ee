//! The `vmcp` command.

use napi_derive::napi;

/// Runs the command with these arguments, the first of which is the program's name, and returns
/// its exit code. Blocks until it has ended.
#[napi]
pub(crate) fn run_command(arguments: Vec<String>) -> u8 {
    scalekit_vmcp_engine::cli::run(arguments)
}
