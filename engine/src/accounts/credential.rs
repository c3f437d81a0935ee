//! What can be an API key, wherever it comes from.

use secrecy::SecretString;

const MAX_KEY_CHARS: usize = 4096;

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    Empty,
    TooLong,
    NotOneLine,
}

/// The key in a text, without the space around it.
pub(crate) fn credential(text: &str) -> Result<SecretString, KeyProblem> {
    let key = text.trim();
    if key.is_empty() {
        Err(KeyProblem::Empty)
    } else if key.chars().count() > MAX_KEY_CHARS {
        Err(KeyProblem::TooLong)
    } else if key.contains(char::is_control) {
        Err(KeyProblem::NotOneLine)
    } else {
        Ok(key.into())
    }
}
