//! The `vmcp` command.

mod explain;
mod log;
mod serve;

use std::{ffi::OsString, io::Write};

use clap::{Parser, Subcommand};

/// Virtual MCP servers on this machine (unofficial; speaks Scalekit's API).
#[derive(Parser)]
#[command(name = "vmcp", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API and MCP on 127.0.0.1 until interrupted.
    Serve(serve::Serve),
    /// Say what the code of an error means and what to do.
    Explain(explain::Explain),
}

/// Runs the command with these arguments, the first of which is the program's name.
///
/// Returns the exit code: 0 when it ended well, 1 when it failed and 2 when it was called wrongly.
pub fn run<T: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = T>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; clap knows where each is printed.
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    let result = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Explain(explain) => explain.run(),
    };
    match result {
        Ok(()) => 0,
        Err(message) => {
            // With a closed stderr there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "vmcp: {message}");
            1
        }
    }
}
