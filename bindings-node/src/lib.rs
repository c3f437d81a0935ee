//! The native half of the Node package: handles, the runtime bridge and errors, nothing else.
//!
//! Text crosses as JSON. Asynchronous functions resolve to an [`Answer`]; they reject only when
//! there is a bug.
#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the shape of an exported function is the binding's"
)]

mod answer;
mod call;
mod client;
#[cfg(feature = "engine")]
mod command;
#[cfg(feature = "engine")]
mod engine;
mod session;
mod stream;
