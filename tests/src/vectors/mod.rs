//! Vectors: cases shared by all languages, and the one server that plays them and judges.
//!
//! `tests/vectors/README.md` describes the files and how a runner in any language uses the server.

mod bad_input;
mod case;
mod compare;
mod fault;
mod file;
mod http;
mod play;
mod proxy;
mod run;
mod table;
pub mod tls;

pub use case::{
    Answer, Call, Case, ClientOptions, Connection, Exchange, Expect, ExpectedError, Fault,
};
pub use compare::same;
pub use file::{directory, load, load_file};
pub use http::Server;
pub use play::report;
pub use run::{Received, Report, Run, Verdict, Way};
pub use table::{Class, KindRow, load_table};
