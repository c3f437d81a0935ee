//! Pages of a list: sizes, and cursors that callers hand back unread.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};

use super::error::Violation;
use crate::store::Cursor;

const DEFAULT: u32 = 20;
const MAX: u32 = 30;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Token {
    Next(String),
    Previous(String),
}

/// The cursor as text; `""` where there is no such page.
pub(super) fn token(cursor: Option<Cursor>) -> String {
    let token = match cursor {
        None => return String::new(),
        Some(Cursor::Next(id)) => Token::Next(id),
        Some(Cursor::Previous(id)) => Token::Previous(id),
    };
    serde_json::to_vec(&token)
        .map(|json| BASE64_URL_SAFE_NO_PAD.encode(json))
        .unwrap_or_default()
}

pub(super) fn cursor(token: Option<String>, violations: &mut Vec<Violation>) -> Option<Cursor> {
    let token = token?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    match json.and_then(|json| serde_json::from_slice(&json).ok()) {
        Some(Token::Next(id)) => Some(Cursor::Next(id)),
        Some(Token::Previous(id)) => Some(Cursor::Previous(id)),
        None => {
            violations.push(Violation::new(
                "page_token",
                "page_token",
                "is not a token of this list; send a `next_page_token` or `prev_page_token` as it was received",
            ));
            None
        }
    }
}

pub(super) fn size(text: Option<&str>, violations: &mut Vec<Violation>) -> u32 {
    match text.map(str::parse::<u32>) {
        None | Some(Ok(0)) => DEFAULT,
        Some(Ok(size)) if size <= MAX => size,
        Some(_) => {
            violations.push(Violation::new(
                "page_size",
                "uint32.lte",
                format!("should be a number from 0 to {MAX}"),
            ));
            DEFAULT
        }
    }
}
