//! Pages of a list: sizes, and cursors that callers hand back unread.

use std::cmp::Ordering;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::{error::Violation, input::Param};
use crate::store::{Cursor, Page};

/// The size of a page that says nothing else, and the largest one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) default: u32,
    pub(super) max: u32,
}

/// Of configs and instances.
pub(super) const SIZES: Sizes = Sizes {
    default: 20,
    max: 30,
};

/// How a query asks for the size of a page.
pub(super) const fn size_param(sizes: Sizes) -> Param {
    Param::number(
        "page_size",
        sizes.max,
        "How many to answer; 0 is the usual size",
    )
}

/// How a query asks for another page.
pub(super) const TOKEN: Param = Param::text(
    "page_token",
    "A `next_page_token` or `prev_page_token`, as it was received",
);

/// The cursor as text; `""` where there is no such page. Tokens of connected accounts must not be
/// longer than 32 characters.
pub(super) fn token(cursor: Option<Cursor>) -> String {
    let text = match cursor {
        None => return String::new(),
        Some(Cursor::Next(key)) => format!("n{key}"),
        Some(Cursor::Previous(key)) => format!("p{key}"),
    };
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// Reads a token back. `prefix` is how the keys of this list start.
pub(super) fn cursor(
    token: Option<String>,
    prefix: &str,
    violations: &mut Vec<Violation>,
) -> Option<Cursor> {
    let token = token?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.unwrap_or_default();
    let key = |direction| {
        text.strip_prefix(direction)
            .filter(|key| key.starts_with(prefix))
            .map(str::to_owned)
    };
    let cursor = key('n').map(Cursor::Next);
    let cursor = cursor.or_else(|| key('p').map(Cursor::Previous));
    if cursor.is_none() {
        violations.push(Violation::new(
            "page_token",
            "page_token",
            "is not a token of this list; send a `next_page_token` or `prev_page_token` as it was received",
        ));
    }
    cursor
}

pub(super) fn size(text: Option<&str>, sizes: Sizes, violations: &mut Vec<Violation>) -> u32 {
    match text.map(str::parse::<u32>) {
        None | Some(Ok(0)) => sizes.default,
        Some(Ok(size)) if size <= sizes.max => size,
        Some(_) => {
            violations.push(Violation::new(
                "page_size",
                "uint32.lte",
                format!("should be a number from 0 to {}", sizes.max),
            ));
            sizes.default
        }
    }
}

/// A page of what is in memory. `key` is what the list is sorted by.
pub(super) fn slice<T>(
    mut all: Vec<T>,
    size: u32,
    cursor: Option<&Cursor>,
    key: impl Fn(&T) -> &str,
) -> Page<T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let place = |wanted: &str, after: Ordering| {
        all.partition_point(|item| {
            let order = key(item).cmp(wanted);
            order == Ordering::Less || order == after
        })
    };
    let (start, end) = match cursor {
        None => (0, size),
        Some(Cursor::Next(from)) => {
            let start = place(from, Ordering::Less);
            (start, start.saturating_add(size))
        }
        Some(Cursor::Previous(from)) => {
            let end = place(from, Ordering::Equal);
            (end.saturating_sub(size), end)
        }
    };
    let end = end.min(all.len());
    let at = |index: usize| all.get(index).map(|item| key(item).to_owned());
    let next = at(end).map(Cursor::Next);
    let previous = start.checked_sub(1).and_then(at).map(Cursor::Previous);
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    all.truncate(end);
    let items = all.split_off(start.min(all.len()));
    Page {
        items,
        next,
        previous,
        total,
    }
}
