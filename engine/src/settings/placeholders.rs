//! The placeholders a value of `env` or `headers` may hold, checked when the file is read.

use super::Auth;

/// Where a value stands; not every placeholder makes sense everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Env,
    Header,
}

const KNOWN: [&str; 4] = ["account_dir", "identifier", "api_key", "access_token"];

/// Says what is wrong with the placeholders of one value, if anything.
pub(super) fn check(value: &str, place: Place, auth: &Auth) -> Result<(), String> {
    for name in names(value) {
        match name {
            "account_dir" if place == Place::Header => {
                return Err("`{account_dir}` is a folder of this machine and does not belong in a header; use it in `env`".into());
            }
            "identifier" if place == Place::Env && value.contains(['/', '\\']) => {
                return Err("`{identifier}` inside a path is refused, because a user could choose a name that leaves the folder; use `{account_dir}`, a private folder per account".into());
            }
            "api_key" | "access_token" if !auth.needs_credential() => {
                return Err(format!(
                    "`{{{name}}}` needs a connection whose users authorize it; set `auth` to `\"api_key\"` or `{{ oauth2 = … }}`"
                ));
            }
            "api_key" if matches!(auth, Auth::Provider(_)) => {
                return Err("an OAuth connection has no `{api_key}`; use `{access_token}`".into());
            }
            name if KNOWN.contains(&name) => {}
            name => {
                return Err(format!(
                    "unknown placeholder `{{{name}}}`; known are `{{account_dir}}`, `{{identifier}}`, `{{api_key}}` and `{{access_token}}`"
                ));
            }
        }
    }
    Ok(())
}

/// The first known placeholder in a value that is not allowed to hold any.
pub(super) fn first_known(value: &str) -> Option<&str> {
    names(value).find(|name| KNOWN.contains(name))
}

/// The names in braces of a value. Braces around anything but a word (JSON, say) are just text.
fn names(value: &str) -> impl Iterator<Item = &str> {
    value.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let word = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        word.then_some(name)
    })
}
