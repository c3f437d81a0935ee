//! `vmcp.toml` as it is written: its shape, and the checks that turn it into [`Settings`]. Every
//! complaint names file, line and column.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    path::Path,
};

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::{
    Auth, ClientSettings, CommandSource, Connection, HttpSource, Settings, SettingsError, Source,
    limits::LimitsEntry,
    oauth::AuthEntry,
    placeholders::{self, Place},
    tools::{self, Pairs},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    app_name: Option<Spanned<String>>,
    #[serde(default)]
    clients: BTreeMap<Spanned<String>, Spanned<ClientEntry>>,
    #[serde(default)]
    connections: BTreeMap<Spanned<String>, Spanned<ConnectionEntry>>,
    #[serde(default)]
    upstreams: LimitsEntry,
    #[serde(default)]
    audit: AuditEntry,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, expecting = "a table with `keep`")]
struct AuditEntry {
    keep: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `secret_env` or `secret`"
)]
struct ClientEntry {
    secret: Option<Spanned<String>>,
    secret_env: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ConnectionEntry {
    upstream: Option<Spanned<UpstreamEntry>>,
    sandbox: Option<Spanned<String>>,
    auth: Option<Spanned<AuthEntry>>,
    provider: Option<Spanned<String>>,
    tools: Option<Spanned<Vec<Spanned<String>>>>,
    prefix: Option<Spanned<String>>,
    rename: Option<Pairs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `command` or `url`")]
struct UpstreamEntry {
    command: Option<Spanned<String>>,
    args: Option<Spanned<Vec<Spanned<String>>>>,
    env: Option<Spanned<Pairs>>,
    url: Option<Spanned<String>>,
    headers: Option<Spanned<Pairs>>,
}

/// A complaint and where it belongs.
pub(super) struct Complaint {
    span: Range<usize>,
    message: String,
}

pub(super) type Checked<T> = Result<T, Complaint>;

pub(super) fn complain<T>(span: Range<usize>, message: impl Into<String>) -> Checked<T> {
    Err(Complaint {
        span,
        message: message.into(),
    })
}

pub(super) fn parse(text: &str, directory: &Path, file: &str) -> Result<Settings, SettingsError> {
    let at = |span: Range<usize>, message: String| {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        SettingsError::Invalid {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
            message,
        }
    };
    let parsed: File = toml::from_str(text).map_err(|error| {
        at(
            error.span().unwrap_or(0..0),
            without_values(error.message()),
        )
    })?;
    settings(parsed, directory).map_err(|complaint| at(complaint.span, complaint.message))
}

/// A parser's message without the value it met, which may be a secret.
pub(crate) fn without_values(message: &str) -> String {
    let quotes_a_value =
        message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if quotes_a_value => format!("this should be {expected}"),
        _ => message.to_owned(),
    }
}

fn settings(file: File, directory: &Path) -> Checked<Settings> {
    let app_name = file.app_name.map(app_name).transpose()?;
    let clients = file
        .clients
        .into_iter()
        .map(|(id, entry)| client(id, entry))
        .collect::<Checked<Vec<_>>>()?;

    let mut names = HashMap::new();
    let mut connections = Vec::new();
    for (name, entry) in file.connections {
        if let Some(other) = names.insert(name.get_ref().to_lowercase(), name.get_ref().clone()) {
            return complain(
                name.span(),
                format!(
                    "connection `{}` differs from connection `{other}` only in case; rename one of them",
                    name.get_ref()
                ),
            );
        }
        connections.push(connection(name, entry, directory)?);
    }
    Ok(Settings {
        app_name,
        clients,
        connections,
        limits: file.upstreams.into(),
        audit_keep: file.audit.keep.as_ref().map(audit_keep).transpose()?,
    })
}

fn audit_keep(keep: &Spanned<i64>) -> Checked<u32> {
    const MOST: u32 = 10_000_000;
    match u32::try_from(*keep.get_ref()) {
        Ok(keep @ 1..=MOST) => Ok(keep),
        _ => complain(keep.span(), format!("`keep` should be 1 to {MOST}")),
    }
}

fn client(id: Spanned<String>, entry: Spanned<ClientEntry>) -> Checked<ClientSettings> {
    let span = entry.span();
    if id.get_ref().is_empty() {
        return complain(id.span(), "a client needs an id: `[clients.my-app]`");
    }
    let entry = entry.into_inner();
    let owner = format!("client `{}`", id.get_ref());
    let Some(secret) = secret(entry.secret, entry.secret_env, &owner)? else {
        return complain(
            span,
            format!("{owner} needs exactly one of `secret_env` and `secret`"),
        );
    };
    Ok(ClientSettings {
        id: id.into_inner(),
        secret,
    })
}

/// A secret, written out or in a variable of the environment; `None` unless it is one of both.
pub(super) fn secret(
    text: Option<Spanned<String>>,
    variable: Option<Spanned<String>>,
    owner: &str,
) -> Checked<Option<SecretString>> {
    let (span, secret) = match (text, variable) {
        (Some(secret), None) => (secret.span(), secret.into_inner()),
        (None, Some(variable)) => {
            let Ok(secret) = std::env::var(variable.get_ref()) else {
                return complain(
                    variable.span(),
                    format!(
                        "the environment variable `{}` of {owner} is not set; set it to the client's secret",
                        variable.get_ref(),
                    ),
                );
            };
            (variable.span(), secret)
        }
        _ => return Ok(None),
    };
    if secret.is_empty() {
        return complain(span, format!("the secret of {owner} is empty"));
    }
    Ok(Some(secret.into()))
}

fn app_name(name: Spanned<String>) -> Checked<String> {
    const MAX: usize = 100;
    let length = name.get_ref().chars().count();
    if name.get_ref().trim().is_empty() || length > MAX || name.get_ref().contains(char::is_control)
    {
        return complain(
            name.span(),
            format!("`app_name` should be 1 to {MAX} characters on one line"),
        );
    }
    Ok(name.into_inner())
}

fn connection(
    name: Spanned<String>,
    entry: Spanned<ConnectionEntry>,
    directory: &Path,
) -> Checked<Connection> {
    if !is_connection_name(name.get_ref()) {
        return complain(
            name.span(),
            format!(
                "`{}` cannot be a connection's name; use 1 to 400 letters, digits, `_`, `:`, `-` and spaces",
                name.get_ref()
            ),
        );
    }
    let span = entry.span();
    let name = name.into_inner();
    let entry = entry.into_inner();
    let auth = match entry.auth {
        Some(auth) => super::oauth::auth(auth, &name)?,
        None => Auth::None,
    };
    let mut known = tools::promised(entry.tools)?;
    let names = tools::names(entry.prefix, entry.rename)?;
    let source = match (entry.upstream, entry.sandbox) {
        (Some(upstream), None) => upstream_source(upstream, directory, &auth)?,
        (None, Some(file)) => {
            let path = directory.join(file.get_ref());
            match crate::upstream::sandbox::check(&path) {
                Ok(found) => known = known.or_else(|| Some((file.span(), found))),
                Err(error) => return complain(file.span(), error.to_string()),
            }
            Source::Sandbox(path)
        }
        _ => {
            return complain(
                span,
                format!("connection `{name}` needs exactly one of `upstream` and `sandbox`"),
            );
        }
    };
    let provider = match entry.provider {
        Some(provider) if provider.get_ref().is_empty() => {
            return complain(provider.span(), "`provider` is empty; leave it out");
        }
        Some(provider) => provider.into_inner(),
        None => name.to_uppercase(),
    };
    let tools = known
        .map(|known| tools::exposed(known, &names))
        .transpose()?;
    Ok(Connection {
        name,
        provider,
        source,
        auth,
        names,
        tools,
    })
}

fn is_connection_name(name: &str) -> bool {
    (1..=400).contains(&name.len()) && name.bytes().all(in_connection_names)
}

/// Whether names of connections may hold this byte.
pub(crate) fn in_connection_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_: -".contains(&byte)
}

fn upstream_source(
    upstream: Spanned<UpstreamEntry>,
    directory: &Path,
    auth: &Auth,
) -> Checked<Source> {
    let span = upstream.span();
    let entry = upstream.into_inner();
    match (entry.command, entry.url) {
        (Some(command), None) => {
            if let Some(headers) = entry.headers {
                return complain(headers.span(), "`headers` only go with `url`");
            }
            if command.get_ref().is_empty() {
                return complain(command.span(), "`command` is empty");
            }
            // Found out here, with its place in the file, rather than in the middle of a run.
            let path = std::env::var_os("PATH");
            if which::which_in(command.get_ref(), path, directory).is_err() {
                let message = format!(
                    "the command `{}` was not found, or is not executable; install it, or write its path",
                    command.get_ref()
                );
                return complain(command.span(), message);
            }
            Ok(Source::Command(CommandSource {
                command: command.into_inner(),
                args: args(entry.args)?,
                env: env(entry.env, auth)?,
                directory: directory.to_owned(),
            }))
        }
        (None, Some(url)) => {
            let misplaced = entry.args.map(|args| args.span());
            if let Some(span) = misplaced.or(entry.env.map(|env| env.span())) {
                return complain(span, "`args` and `env` only go with `command`");
            }
            Ok(Source::Http(HttpSource {
                url: http_url(&url, "url")?,
                headers: headers(entry.headers, auth)?,
            }))
        }
        _ => complain(span, "`upstream` needs exactly one of `command` and `url`"),
    }
}

fn args(entry: Option<Spanned<Vec<Spanned<String>>>>) -> Checked<Vec<String>> {
    let mut args = Vec::new();
    for arg in entry.map(Spanned::into_inner).unwrap_or_default() {
        if let Some(name) = placeholders::first_known(arg.get_ref()) {
            // Arguments are visible to every user of the machine.
            return complain(
                arg.span(),
                format!("`{{{name}}}` is not filled in `args`; pass it by `env`"),
            );
        }
        args.push(arg.into_inner());
    }
    Ok(args)
}

fn env(entry: Option<Spanned<Pairs>>, auth: &Auth) -> Checked<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    for (name, value) in entry.map(Spanned::into_inner).unwrap_or_default() {
        if name.get_ref().is_empty() || name.get_ref().contains(['=', '\0']) {
            return complain(
                name.span(),
                format!(
                    "`{}` cannot be the name of an environment variable",
                    name.get_ref()
                ),
            );
        }
        if let Err(message) = placeholders::check(value.get_ref(), Place::Env, auth) {
            return complain(value.span(), message);
        }
        env.insert(name.into_inner(), value.into_inner());
    }
    Ok(env)
}

fn headers(entry: Option<Spanned<Pairs>>, auth: &Auth) -> Checked<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for (name, value) in entry.map(Spanned::into_inner).unwrap_or_default() {
        if HeaderName::from_bytes(name.get_ref().as_bytes()).is_err() {
            return complain(
                name.span(),
                format!("`{}` cannot be the name of a header", name.get_ref()),
            );
        }
        if HeaderValue::from_str(value.get_ref()).is_err() {
            return complain(
                value.span(),
                format!(
                    "the value of header `{}` holds characters a header cannot carry",
                    name.get_ref()
                ),
            );
        }
        if let Err(message) = placeholders::check(value.get_ref(), Place::Header, auth) {
            return complain(value.span(), message);
        }
        headers.insert(name.into_inner(), value.into_inner());
    }
    Ok(headers)
}

/// The URL under this key of the file.
pub(super) fn http_url(entry: &Spanned<String>, key: &str) -> Checked<Url> {
    let url = match Url::parse(entry.get_ref()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Ok(_) => {
            return complain(
                entry.span(),
                format!("`{key}` should start with `http://` or `https://`"),
            );
        }
        Err(error) => return complain(entry.span(), format!("`{key}` is not a URL: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return complain(
            entry.span(),
            format!("`{key}` holds a user name or a password, which are sent by other ways"),
        );
    }
    Ok(url)
}
