//! Fills the placeholders of `env` and `headers` for one account, and hides what was filled in.

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::Owner;

/// Where a filled value goes; not every placeholder makes sense everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Env,
    Header,
}

/// A value that cannot be filled in. Never holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TemplateError {
    #[error("`{key}` holds the unknown placeholder `{{{placeholder}}}`; check its spelling")]
    Unknown { key: String, placeholder: String },
    #[error(
        "`{key}` needs `{{{placeholder}}}`, but the account has no credential; authorize the account"
    )]
    NoCredential { key: String, placeholder: String },
    #[error(
        "`{key}` would put this user's `{{identifier}}` inside a path, which is refused; use `{{account_dir}}`"
    )]
    IdentifierInPath { key: String },
    #[error("`{key}` is not a valid name and value of an HTTP header once it is filled in")]
    Header { key: String },
}

/// Fills one value. Braces around anything but a word (JSON, say) are just text, and what was
/// filled in is never looked at again.
pub(super) fn fill(
    key: &str,
    template: &str,
    place: Place,
    owner: &Owner,
) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(template.len());
    for piece in pieces(template) {
        let name = match piece {
            Piece::Text(text) => {
                filled.push_str(text);
                continue;
            }
            // Longer words (`{a.b}`) are placeholders of sandbox files only.
            Piece::Placeholder(name) if name.contains(['.', '-']) => {
                filled.extend(["{", name, "}"]);
                continue;
            }
            Piece::Placeholder(name) => name,
        };
        match (name, place) {
            ("account_dir", Place::Env) => {
                filled.push_str(&owner.directory.to_string_lossy());
            }
            // The user chose this text; `..` in it must not lead anywhere.
            ("identifier", Place::Env) if leaves_folder(template, &owner.identifier) => {
                return Err(TemplateError::IdentifierInPath { key: key.into() });
            }
            ("identifier", _) => filled.push_str(&owner.identifier),
            ("api_key" | "access_token", _) => match &owner.credential {
                Some(credential) => filled.push_str(credential.expose_secret()),
                None => {
                    return Err(TemplateError::NoCredential {
                        key: key.into(),
                        placeholder: name.into(),
                    });
                }
            },
            _ => {
                return Err(TemplateError::Unknown {
                    key: key.into(),
                    placeholder: name.into(),
                });
            }
        }
    }
    Ok(filled)
}

/// Whether a value that may be a path could be led elsewhere by the user's own choice of a name.
/// A value that is the identifier and nothing else is no path of ours.
fn leaves_folder(template: &str, identifier: &str) -> bool {
    let path = template.contains(['/', '\\']);
    path || (template != "{identifier}"
        && (identifier.contains(['/', '\\']) || identifier.contains("..")))
}

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits a template at its placeholders: `{`, a word (dots and hyphens allowed inside), `}`.
pub(super) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = placeholder(rest) {
            rest = after;
            return Some(Piece::Placeholder(name));
        }
        let end = rest
            .match_indices('{')
            .map(|(at, _)| at)
            .find(|at| *at > 0 && rest.get(*at..).and_then(placeholder).is_some())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

/// The placeholder a text starts with, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let word = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (word && !name.is_empty()).then_some((name, after))
}

/// Replaces secrets wherever they show, line by line for secrets of several lines.
pub(super) fn redact<'a>(
    text: &str,
    secrets: impl IntoIterator<Item = &'a SecretString>,
) -> String {
    let mut text = text.to_owned();
    for secret in secrets
        .into_iter()
        .flat_map(|credential| credential.expose_secret().lines())
        .filter(|line| !line.trim().is_empty())
    {
        text = text.replace(secret, "[redacted]");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(credential: Option<&str>) -> Owner {
        Owner {
            account_id: "ca_1".into(),
            identifier: "user_1".into(),
            directory: "/data/ca_1".into(),
            credential: credential.map(SecretString::from),
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        let owner = owner(Some("k3y"));
        for (template, place, expected) in [
            ("{account_dir}/m.json", Place::Env, "/data/ca_1/m.json"),
            ("u={identifier}", Place::Env, "u=user_1"),
            ("{api_key}{access_token}", Place::Env, "k3yk3y"),
            ("Bearer {access_token}", Place::Header, "Bearer k3y"),
            (r#"{"key":"{api_key}"}"#, Place::Env, r#"{"key":"k3y"}"#),
            (
                "{ } {} { api_key } {a.b}",
                Place::Env,
                "{ } {} { api_key } {a.b}",
            ),
            ("", Place::Env, ""),
        ] {
            assert_eq!(fill("K", template, place, &owner).unwrap(), expected);
        }
    }

    #[test]
    fn filled_text_is_not_filled_again() {
        let mut owner = owner(Some("k3y"));
        owner.identifier = "{api_key}".into();
        assert_eq!(
            fill("K", "{identifier}", Place::Env, &owner).unwrap(),
            "{api_key}"
        );
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let error = fill("K", "{acces_token}", Place::Env, &owner(None)).unwrap_err();
        assert!(matches!(error, TemplateError::Unknown { .. }));
        assert!(error.to_string().contains("`{acces_token}`"), "{error}");
        let error = fill("K", "{api_key}", Place::Env, &owner(None)).unwrap_err();
        assert!(matches!(error, TemplateError::NoCredential { .. }));
        let error = fill("K", "{account_dir}", Place::Header, &owner(None)).unwrap_err();
        assert!(matches!(error, TemplateError::Unknown { .. }));
        let error = fill("K", "/data/{identifier}", Place::Env, &owner(None)).unwrap_err();
        assert!(matches!(error, TemplateError::IdentifierInPath { .. }));
        let mut climber = owner(None);
        climber.identifier = "../x".into();
        let error = fill("K", "{identifier}.json", Place::Env, &climber).unwrap_err();
        assert!(matches!(error, TemplateError::IdentifierInPath { .. }));
        assert_eq!(
            fill("K", "{identifier}", Place::Env, &climber).unwrap(),
            "../x"
        );
        assert_eq!(
            fill("K", "a/b {identifier}", Place::Header, &climber).unwrap(),
            "a/b ../x"
        );
    }

    #[test]
    fn credentials_are_redacted_line_by_line() {
        let secret = SecretString::from("first-line\nsecond-line");
        assert_eq!(
            redact("a first-line b second-line", Some(&secret)),
            "a [redacted] b [redacted]"
        );
        assert_eq!(redact("text", None), "text");
    }
}
