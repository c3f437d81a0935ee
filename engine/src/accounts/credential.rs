//! What can be an API key, wherever it comes from.

use secrecy::SecretString;

use crate::{
    settings::Auth,
    store::{Credential, Tokens},
};

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

/// A single secret as the credential that this kind of connection wants.
pub(crate) fn credential_for(auth: &Auth, secret: SecretString) -> Credential {
    match auth {
        Auth::None | Auth::ApiKey => Credential::Key(secret),
        Auth::Provider(_) => Credential::Tokens(Tokens::of(secret)),
    }
}
