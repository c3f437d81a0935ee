//! What no single crate owns: the test vectors and the server that plays them.

pub mod vectors;
