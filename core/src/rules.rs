//! The limits of the contract, checked before any request. The server judges the rest.
//!
//! Ids, names and identifiers hold no control characters (NUL, line breaks and their like), and ids
//! and credentials no white space at either end: both come of pasting and of broken templates, and
//! a server would answer with a `not_found` that looks like a real one. Nothing is trimmed or changed
//! silently. Free text (`description`, `search`, filters, page tokens) is sent as it is.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Map, Value};

use crate::{
    Error, Result,
    model::{AuthorizationDetails, ConnectionToolMapping, Tools},
};

pub(crate) const CONFIG_NAME_LENGTH: RangeInclusive<usize> = 1..=100;
pub(crate) const MAX_MAPPINGS: usize = 25;
/// The longest identifier that an account can have.
const ACCOUNT_IDENTIFIER: usize = 100;
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
    page_size_up_to(30, value)
}

pub(crate) fn account_page_size(value: Option<i64>) -> Result<Option<i64>> {
    page_size_up_to(99, value)
}

/// The server takes what is more for the most that it gives.
pub(crate) fn tool_page_size(value: Option<i64>) -> Result<Option<i64>> {
    page_size_up_to(u32::MAX.into(), value)
}

fn page_size_up_to(most: i64, value: Option<i64>) -> Result<Option<i64>> {
    match value {
        Some(size) if !(0..=most).contains(&size) => Err(Error::argument(
            "page_size_out_of_range",
            "page_size",
            format!("`page_size` must be from 1 to {most}, got {size}"),
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
pub(crate) fn user<'a>(argument: &'static str, value: Option<&'a str>) -> Result<&'a str> {
    let text = required(argument, value)?;
    no_control("identifier_invalid", argument, text)?;
    Ok(text)
}

/// 1 to 255 characters: the contract's limit for session tokens.
pub(crate) fn identifier(value: Option<&str>) -> Result<&str> {
    identifier_up_to(255, value)
}

/// An identifier that must be there; how long it may be differs from operation to operation.
pub(crate) fn identifier_up_to(longest: usize, value: Option<&str>) -> Result<&str> {
    let text = user("identifier", value)?;
    let length = text.chars().count();
    if length > longest {
        return Err(Error::argument(
            "identifier_invalid",
            "identifier",
            format!("`identifier` must have 1 to {longest} characters, got {length}"),
        ));
    }
    Ok(text)
}

/// The identifier of an account, if one is given.
pub(crate) fn account_identifier(value: Option<&str>) -> Result<Option<&str>> {
    match value.filter(|text| !text.is_empty()) {
        None => Ok(None),
        given => identifier_up_to(ACCOUNT_IDENTIFIER, given).map(Some),
    }
}

/// A text that may be left out, up to so many characters.
pub(crate) fn text<'a>(
    argument: &'static str,
    value: Option<&'a str>,
    longest: usize,
) -> Result<Option<&'a str>> {
    let length = value.map_or(0, |text| text.chars().count());
    if length > longest {
        return Err(Error::argument(
            "text_too_long",
            argument,
            format!("`{argument}` may have at most {longest} characters, got {length}"),
        ));
    }
    Ok(value)
}

/// The name of a connection where the contract limits it; if one is given.
pub(crate) fn connection_name(value: Option<&str>) -> Result<Option<&str>> {
    if let Some(name) = value {
        check_connection_name("connection_name", name)?;
    }
    Ok(value)
}

fn check_connection_name(argument: &str, name: &str) -> Result<()> {
    const LONGEST: usize = 400;
    let length = name.chars().count();
    let message = if length > LONGEST {
        format!("`{argument}` may have at most {LONGEST} characters, got {length}")
    } else if let Some(bad) = name
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | ' ' | '-')))
    {
        format!("`{argument}` may hold only a-z, A-Z, 0-9, `_`, `-`, `:` and spaces, got {bad:?}")
    } else {
        return Ok(());
    };
    Err(Error::argument(
        "connection_name_invalid",
        argument,
        message,
    ))
}

/// Several connections, which exclude a single one.
pub(crate) fn connection_names<'a>(
    one: Option<&str>,
    several: Option<&'a [String]>,
) -> Result<Option<&'a [String]>> {
    const NAME: &str = "connection_names";
    const MOST: usize = 20;
    let Some(names) = several else {
        return Ok(None);
    };
    if one.is_some_and(|name| !name.is_empty()) && !names.is_empty() {
        return Err(Error::argument(
            "target_ambiguous",
            NAME,
            "pass `connection_name` or `connection_names`, not both",
        ));
    }
    if names.len() > MOST {
        return Err(Error::argument(
            "too_many_names",
            NAME,
            format!(
                "`{NAME}` may hold at most {MOST} names, got {}",
                names.len()
            ),
        ));
    }
    for (index, name) in names.iter().enumerate() {
        let argument = format!("{NAME}[{index}]");
        if name.is_empty() {
            let message = format!("`{argument}` must not be empty");
            return Err(Error::argument("argument_missing", argument, message));
        }
        check_connection_name(&argument, name)?;
    }
    Ok(Some(names))
}

/// The id of an account, if one is given.
pub(crate) fn account_id(value: Option<&str>, longest: usize) -> Result<Option<&str>> {
    const NAME: &str = "connected_account_id";
    match value.filter(|id| !id.is_empty()) {
        Some(id) if !id.starts_with("ca_") => Err(Error::argument(
            "id_invalid",
            NAME,
            format!("`{NAME}` must start with `ca_`"),
        )
        .suggest("to name an account by its user, pass `connection_name` and `identifier`")),
        Some(id) => {
            untrimmed(NAME, id)?;
            no_control("id_invalid", NAME, id)?;
            text(NAME, Some(id), longest)
        }
        None => Ok(None),
    }
}

/// Whose account, in the wire's names: an id, or a connection and a user.
pub(crate) fn account<'a>(
    connection: Option<&'a str>,
    user: Option<&'a str>,
    id: Option<&'a str>,
) -> Result<[(&'static str, Option<&'a str>); 3]> {
    let id = account_id(id, 32)?;
    let connection = connection_name(connection)?.filter(|name| !name.is_empty());
    let user = account_identifier(user)?;
    let missing = match (id, connection, user) {
        (Some(_), ..) | (None, Some(_), Some(_)) => None,
        (None, None, Some(_)) => Some("connection_name"),
        (None, Some(_), None) => Some("identifier"),
        (None, None, None) => Some("connected_account_id"),
    };
    match missing {
        None => Ok([("connector", connection), ("identifier", user), ("id", id)]),
        Some(argument) => Err(Error::argument(
            "argument_missing",
            argument,
            format!("`{argument}` is required"),
        )
        .suggest(
            "name the account by `connection_name` and `identifier`, or by `connected_account_id`",
        )),
    }
}

/// Whom an account belongs to besides its identifier, in the wire's names.
pub(crate) fn owner<'a>(
    organization_id: Option<&'a str>,
    user_id: Option<&'a str>,
) -> Result<[(&'static str, Option<&'a str>); 2]> {
    Ok([
        (
            "organization_id",
            text("organization_id", organization_id, 32)?,
        ),
        ("user_id", text("user_id", user_id, 32)?),
    ])
}

/// An object with exactly one of the keys that the API knows.
pub(crate) fn authorization_details(details: &Map<String, Value>) -> Result<()> {
    const NAME: &str = "authorization_details";
    let kinds = AuthorizationDetails::KINDS;
    let known = format!("`{}`", kinds.join("`, `"));
    let message = match details.iter().next() {
        Some((kind, value)) if details.len() == 1 && kinds.contains(&kind.as_str()) => {
            if value.is_object() {
                return Ok(());
            }
            format!("`{NAME}.{kind}` must be an object")
        }
        Some((kind, _)) if details.len() == 1 => {
            format!(
                "`{NAME}` has the key `{}`, but must have one of {known}",
                kind.escape_debug()
            )
        }
        _ => format!(
            "`{NAME}` must have exactly one of the keys {known}, got {}",
            details.len()
        ),
    };
    Err(Error::argument(
        "authorization_details_invalid",
        NAME,
        message,
    ))
}

pub(crate) fn user_verify_url(value: Option<&str>) -> Result<Option<&str>> {
    const NAME: &str = "user_verify_url";
    match value {
        Some(url)
            if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) =>
        {
            Err(Error::argument(
                "user_verify_url_invalid",
                NAME,
                format!("`{NAME}` must start with `https://` or `http://`"),
            ))
        }
        url => text(NAME, url, 2048),
    }
}

/// What to look for, if it is given.
pub(crate) fn query(value: Option<&str>, longest: usize) -> Result<Option<&str>> {
    let value = value.filter(|text| !text.is_empty());
    match value.map(|text| text.chars().count()) {
        Some(length) if !(3..=longest).contains(&length) => Err(Error::argument(
            "query_invalid",
            "query",
            format!("`query` must have 3 to {longest} characters, got {length}"),
        )),
        _ => Ok(value),
    }
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

/// Seconds from more than nothing to a year.
pub(crate) fn duration(argument: &'static str, seconds: Option<f64>) -> Result<Option<Duration>> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() && duration <= Duration::from_secs(365 * 86_400) => {
            Ok(Some(duration))
        }
        _ => Err(Error::argument(
            "timeout_invalid",
            argument,
            format!(
                "`{argument}` must be more than 0 seconds and at most a year, got {seconds} seconds"
            ),
        )),
    }
}

pub(crate) fn retries(count: Option<i64>) -> Result<Option<u32>> {
    let Some(count) = count else { return Ok(None) };
    match u32::try_from(count) {
        Ok(count) if count <= 100 => Ok(Some(count)),
        _ => Err(Error::argument(
            "max_retries_invalid",
            "max_retries",
            format!("`max_retries` must be from 0 to 100, got {count}"),
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
