//! The limits of the contract, checked before any request. The server judges the rest.
//!
//! Ids, names and identifiers hold no control characters (NUL, line breaks and their like), and ids
//! and credentials no white space at either end: both come of pasting and of broken templates, and
//! a server would answer with a `not_found` that looks like a real one. Nothing is trimmed or changed
//! silently. Free text (`description`, `search`, filters, page tokens) is sent as it is.

use std::ops::RangeInclusive;

use crate::{
    Error, Result,
    model::{ConnectionToolMapping, Tools},
};

pub(crate) const CONFIG_NAME_LENGTH: RangeInclusive<usize> = 1..=100;
pub(crate) const MAX_MAPPINGS: usize = 25;
pub(crate) const MAX_PAGE_SIZE: i64 = 30;
pub(crate) const IDENTIFIER_LENGTH: RangeInclusive<usize> = 1..=255;
/// Seconds: one minute to one day.
pub(crate) const EXPIRY: RangeInclusive<i64> = 60..=86_400;
/// Seconds the API assumes when no expiry is sent.
pub(crate) const DEFAULT_EXPIRY: u32 = 3_600;

/// A value that must be there: `None` and `""` are both missing.
pub(crate) fn required<'a>(argument: &'static str, value: Option<&'a str>) -> Result<&'a str> {
    match value {
        Some(text) if !text.is_empty() => Ok(text),
        Some(_) => Err(Error::argument(
            "argument_missing",
            argument,
            format!("`{argument}` must not be empty"),
        )),
        None => Err(Error::argument(
            "argument_missing",
            argument,
            format!("`{argument}` is required"),
        )),
    }
}

/// Says that white space stands at either end, without repeating the value: it may be a secret.
fn untrimmed(argument: &'static str, text: &str) -> Result<()> {
    if text.trim().len() == text.len() {
        return Ok(());
    }
    Err(Error::argument(
        "argument_whitespace",
        argument,
        format!("`{argument}` starts or ends with white space, perhaps from pasting"),
    )
    .suggest("pass it without: nothing is changed silently"))
}

/// A client id or secret: what was pasted with it must not travel, nor be cut off silently.
pub(crate) fn credential(argument: &'static str, text: &str) -> Result<()> {
    untrimmed(argument, text)?;
    no_control("argument_whitespace", argument, text)
}

fn no_control(code: &'static str, argument: &str, text: &str) -> Result<()> {
    match text.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(bad) => Err(Error::argument(
            code,
            argument,
            format!("`{argument}` must not hold control characters such as {bad:?}"),
        )),
    }
}

/// An id that becomes a segment of a URL path.
pub(crate) fn path_segment<'a>(argument: &'static str, value: Option<&'a str>) -> Result<&'a str> {
    let text = required(argument, value)?;
    untrimmed(argument, text)?;
    no_control("id_invalid", argument, text)?;
    // URL parsers drop `.` and `..`, which would turn one operation into another.
    if text == "." || text == ".." {
        return Err(Error::argument(
            "id_invalid",
            argument,
            format!("`{argument}` must be an id or a name, got `{text}`"),
        ));
    }
    Ok(text)
}

pub(crate) fn config_name(value: Option<&str>) -> Result<&str> {
    let name = required("name", value)?;
    let length = name.chars().count();
    if !CONFIG_NAME_LENGTH.contains(&length) {
        return Err(Error::argument(
            "config_name_invalid",
            "name",
            format!("`name` must have 1 to 100 characters, got {length}"),
        ));
    }
    if let Some(bad) = name
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'))
    {
        let error = Error::argument(
            "config_name_invalid",
            "name",
            format!(
                "`name` may hold only a-z, 0-9, `_` and `-`, got {bad:?} in `{}`",
                name.escape_debug()
            ),
        );
        let fixed = slug(name);
        return Err(if fixed.is_empty() {
            error
        } else {
            error.suggest(format!("try `{fixed}`"))
        });
    }
    Ok(name)
}

fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '_' => out.push(c),
            _ if !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.trim_matches('-').to_owned()
}

pub(crate) fn filter_name(value: Option<&str>) -> Result<Option<&str>> {
    let Some(name) = value.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let allowed = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !allowed || name.len() > *CONFIG_NAME_LENGTH.end() {
        return Err(Error::argument(
            "filter_name_invalid",
            "filter_name",
            format!(
                "`filter_name` must be a whole config name (up to 100 of a-z, A-Z, 0-9, `_`, `-`), got {} characters",
                name.chars().count()
            ),
        )
        .suggest("use `search` to look for part of a name"));
    }
    Ok(Some(name))
}

pub(crate) fn page_size(value: Option<i64>) -> Result<Option<i64>> {
    match value {
        Some(size) if !(0..=MAX_PAGE_SIZE).contains(&size) => Err(Error::argument(
            "page_size_out_of_range",
            "page_size",
            format!("`page_size` must be from 1 to {MAX_PAGE_SIZE}, got {size}"),
        )),
        // 0 is the server's default, the same as nothing.
        size => Ok(size.filter(|size| *size > 0)),
    }
}

pub(crate) fn mappings(mappings: &[ConnectionToolMapping]) -> Result<()> {
    const NAME: &str = "connection_tool_mappings";
    if mappings.len() > MAX_MAPPINGS {
        return Err(Error::argument(
            "too_many_mappings",
            NAME,
            format!(
                "`{NAME}` may hold at most {MAX_MAPPINGS} connections, got {}",
                mappings.len()
            ),
        ));
    }
    for (index, mapping) in mappings.iter().enumerate() {
        if mapping.connection_name.is_empty() {
            let argument = format!("{NAME}[{index}].connection_name");
            let message = format!("`{argument}` must not be empty");
            return Err(Error::argument("argument_missing", argument, message));
        }
        let argument = format!("{NAME}[{index}].connection_name");
        no_control("id_invalid", &argument, &mapping.connection_name)?;
        let Tools::Only(tools) = &mapping.tools else {
            continue;
        };
        if tools.is_empty() {
            let argument = format!("{NAME}[{index}].tools");
            let message = format!(
                "`{argument}` must name at least one tool: an empty list would silently mean every tool of `{}`",
                mapping.connection_name
            );
            return Err(Error::argument("tools_empty", argument, message).suggest(
                "leave `tools` out to show every tool, or leave the connection out to show none",
            ));
        }
        if let Some(position) = tools.iter().position(String::is_empty) {
            let argument = format!("{NAME}[{index}].tools[{position}]");
            let message = format!("`{argument}` must not be empty");
            return Err(Error::argument("argument_missing", argument, message));
        }
        for (position, tool) in tools.iter().enumerate() {
            let argument = format!("{NAME}[{index}].tools[{position}]");
            no_control("id_invalid", &argument, tool)?;
        }
    }
    Ok(())
}

/// A user, as far as every operation agrees: some text without control characters.
pub(crate) fn user(value: Option<&str>) -> Result<&str> {
    let text = required("identifier", value)?;
    no_control("identifier_invalid", "identifier", text)?;
    Ok(text)
}

/// 1 to 255 characters: the contract's limit for session tokens.
pub(crate) fn identifier(value: Option<&str>) -> Result<&str> {
    let text = user(value)?;
    let length = text.chars().count();
    if !IDENTIFIER_LENGTH.contains(&length) {
        return Err(Error::argument(
            "identifier_invalid",
            "identifier",
            format!("`identifier` must have 1 to 255 characters, got {length}"),
        ));
    }
    Ok(text)
}

/// Whole seconds; a fraction is cut off.
pub(crate) fn expiry(value: Option<f64>) -> Result<Option<u32>> {
    let Some(seconds) = value else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "float casts saturate, and the range check follows"
    )]
    let whole = seconds.trunc() as i64;
    match u32::try_from(whole) {
        Ok(whole) if EXPIRY.contains(&i64::from(whole)) => Ok(Some(whole)),
        _ => Err(Error::argument(
            "expiry_out_of_range",
            "expiry",
            format!("`expiry` must be from 60 seconds to 24 hours, got {seconds} seconds"),
        )),
    }
}

pub(crate) fn access_level(value: Option<&str>) -> Result<Option<&str>> {
    match value {
        None | Some("") => Ok(None),
        Some(level @ ("FULL" | "READ_ONLY")) => Ok(Some(level)),
        Some(other) => Err(Error::argument(
            "access_level_invalid",
            "access_level",
            format!(
                "`access_level` must be `FULL` or `READ_ONLY`, got `{}`",
                other.escape_debug()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_explained_and_mended() {
        let error = config_name(Some("My agent: Tools")).unwrap_err();
        assert_eq!(
            (error.code(), error.argument_name()),
            ("config_name_invalid", Some("name"))
        );
        assert_eq!(error.suggestion(), Some("try `my-agent-tools`"));
        assert!(config_name(Some(&"a".repeat(100))).is_ok());
        assert!(config_name(Some(&"a".repeat(101))).is_err());
        assert!(config_name(Some("Ä")).unwrap_err().suggestion().is_none());
    }

    #[test]
    fn limits_hold_at_both_ends() {
        for (seconds, good) in [
            (59.0, false),
            (59.999, false),
            (60.0, true),
            (86_400.9, true),
            (86_401.0, false),
            (-1.0, false),
        ] {
            assert_eq!(expiry(Some(seconds)).is_ok(), good, "{seconds}");
        }
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(expiry(Some(odd)).is_err(), "{odd}");
        }
        assert!(identifier(Some(&"é".repeat(255))).is_ok());
        assert!(identifier(Some(&"é".repeat(256))).is_err());
        assert_eq!(page_size(Some(0)).unwrap(), None);
        assert!(
            page_size(Some(30)).is_ok()
                && page_size(Some(31)).is_err()
                && page_size(Some(-1)).is_err()
        );
    }

    #[test]
    fn an_id_cannot_climb_the_path() {
        assert!(path_segment("config_id", Some("..")).is_err());
        assert!(path_segment("config_id", Some(".")).is_err());
        assert!(path_segment("config_id", Some("cfg_1")).is_ok());
        for inside in ["a\0b", "a\nb", "a\u{7f}b", "a\u{85}b"] {
            let error = path_segment("config_id", Some(inside)).unwrap_err();
            assert_eq!(error.code(), "id_invalid", "{inside:?}");
        }
        for around in [" a", "a\n", "\u{a0}a", " "] {
            let error = path_segment("config_id", Some(around)).unwrap_err();
            assert_eq!(error.code(), "argument_whitespace", "{around:?}");
        }
    }
}
