//! One fault: where it strikes, when, and what it does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What shall go wrong. It strikes either at the engine's own HTTP paths ([`on_path`](Self::on_path))
/// or in the place of an upstream (the other beginnings), and does one thing.
///
/// ```
/// use scalekit_vmcp_engine::controls::Fault;
///
/// // The first two attempts to create a config find the service overloaded.
/// let busy = Fault::on_path("/api/v1/mcp/configs").method("POST").status(503).times(2);
/// // One call in ten of one user gets no answer.
/// let silent = Fault::on_connection("gmail").identifier("user_1").method("tools/call").probability(0.1).hang();
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_seconds: Option<u32>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) hang: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) drop: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) garbage: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Fault {
    /// On requests to this path of the API or of an MCP server: exactly it or, with `*` at its end,
    /// all that start like it. The test controls themselves are never struck.
    pub fn on_path(path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// In the place of the upstream of this connection.
    pub fn on_connection(name: impl Into<String>) -> Self {
        Self {
            connection_name: Some(name.into()),
            ..Self::default()
        }
    }

    /// In the place of any upstream that is called with this tool.
    pub fn on_tool(tool: impl Into<String>) -> Self {
        Self::default().tool(tool)
    }

    /// In the place of any upstream that is asked on behalf of this user.
    pub fn on_user(identifier: impl Into<String>) -> Self {
        Self::default().identifier(identifier)
    }

    /// Only requests of this method: of HTTP for a path, else `tools/list` or `tools/call`.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only calls of this tool.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// Only what is asked on behalf of this user.
    #[must_use]
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Only from the nth match on, counted from 1; without [`times`](Self::times) only that one.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// At most so often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only with this probability, 0 to 1. With [seeded ids](crate::LocalEngineBuilder::seed_ids) the
    /// same matches are struck each time.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Waits, in real time and whole milliseconds, up to 10 minutes. Then comes another effect if
    /// there is one, else the request goes on.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency_ms = Some(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Answers with this status, 400 to 599; in the API with an error in the API's form.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The `Retry-After` of the status, in seconds; only on a path.
    #[must_use]
    pub fn retry_after_seconds(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Never answers: until the caller gives up, the engine's own deadline for upstreams passes, or
    /// the faults are cleared.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.hang = true;
        self
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub fn drop_connection(mut self) -> Self {
        self.drop = true;
        self
    }

    /// Answers with status 200 and what is no JSON; in the place of an upstream with what is not MCP.
    #[must_use]
    pub fn garbage(mut self) -> Self {
        self.garbage = true;
        self
    }

    /// What is wrong with it: the field and its rule.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let upstream = [
            ("connection_name", &self.connection_name),
            ("tool", &self.tool),
            ("identifier", &self.identifier),
        ];
        let at_upstream = upstream.into_iter().find(|(_, value)| value.is_some());
        match (&self.path, at_upstream) {
            (None, None) => {
                let rule = "say where: `path`, or `connection_name`, `tool` or `identifier`";
                return Err(("path", rule.to_owned()));
            }
            (Some(_), Some((field, _))) => {
                let rule = format!(
                    "a fault strikes at a `path` or in the place of an upstream (`{field}`), not both"
                );
                return Err((field, rule));
            }
            (Some(path), None) => check_path(path)?,
            (None, Some(_)) => {}
        }
        for (field, value) in upstream {
            if value.as_ref().is_some_and(String::is_empty) {
                return Err((
                    field,
                    format!("`{field}` is empty; leave it out to match any"),
                ));
            }
        }
        self.check_method()?;
        self.check_times()?;
        self.check_effect()
    }

    fn check_method(&self) -> Result<(), (&'static str, String)> {
        let Some(method) = &self.method else {
            return Ok(());
        };
        let (good, rule) = if self.path.is_some() {
            let letters =
                !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
            (letters, "a method of HTTP, such as `POST`")
        } else if self.tool.is_some() {
            (
                method == "tools/call",
                "`tools/call` where a `tool` is named",
            )
        } else {
            let known = matches!(&**method, "tools/list" | "tools/call");
            (
                known,
                "`tools/list` or `tools/call` in the place of an upstream",
            )
        };
        if good {
            return Ok(());
        }
        let got = method.escape_debug();
        Err(("method", format!("`method` should be {rule}, got `{got}`")))
    }

    fn check_times(&self) -> Result<(), (&'static str, String)> {
        for (field, value) in [("nth", self.nth), ("times", self.times)] {
            if value == Some(0) {
                return Err((field, format!("`{field}` counts from 1, got 0")));
            }
        }
        match self.probability {
            Some(probability) if !(0.0..=1.0).contains(&probability) => Err((
                "probability",
                format!("`probability` goes from 0 to 1, got {probability}"),
            )),
            _ => Ok(()),
        }
    }

    fn check_effect(&self) -> Result<(), (&'static str, String)> {
        const LONGEST: u64 = 600_000;
        let effects = [self.status.is_some(), self.hang, self.drop, self.garbage];
        let chosen = effects.into_iter().filter(|chosen| *chosen).count();
        if chosen > 1 || (chosen == 0 && self.latency_ms.is_none()) {
            let rule = "choose one effect: `status`, `hang`, `drop` or `garbage`, or `latency_ms` alone or before it";
            return Err(("status", rule.to_owned()));
        }
        if let Some(status) = self.status
            && !(400..600).contains(&status)
        {
            return Err((
                "status",
                format!("`status` goes from 400 to 599, got {status}"),
            ));
        }
        if self.retry_after_seconds.is_some() && (self.status.is_none() || self.path.is_none()) {
            let rule = "`retry_after_seconds` goes with the `status` of a `path` only";
            return Err(("retry_after_seconds", rule.to_owned()));
        }
        match self.latency_ms {
            Some(latency) if latency > LONGEST => Err((
                "latency_ms",
                format!("`latency_ms` goes up to {LONGEST} (10 minutes), got {latency}"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether it is for this request; checked faults only.
    pub(super) fn is_for(&self, place: &Place<'_>) -> bool {
        let any = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        match *place {
            Place::Path { method, path } => {
                self.path
                    .as_ref()
                    .is_some_and(|wanted| match wanted.strip_suffix('*') {
                        Some(prefix) => path.starts_with(prefix),
                        None => path == wanted,
                    })
                    && (self.method.as_ref())
                        .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            }
            Place::Upstream {
                method,
                connection,
                tool,
                identifier,
            } => {
                self.path.is_none()
                    && any(&self.method, method)
                    && any(&self.connection_name, connection)
                    && any(&self.identifier, identifier)
                    && (self.tool.as_ref()).is_none_or(|wanted| tool == Some(wanted))
            }
        }
    }
}

fn check_path(path: &str) -> Result<(), (&'static str, String)> {
    let wrong = |rule: &str| {
        Err((
            "path",
            format!("`path` {rule}, got `{}`", path.escape_debug()),
        ))
    };
    if !path.starts_with('/') {
        return wrong("starts with `/`");
    }
    if path
        .strip_suffix('*')
        .unwrap_or(path)
        .contains(['*', '?', '#'])
    {
        return wrong("is without a query, and `*` stands at its end only");
    }
    if path == "/_local" || path.starts_with("/_local/") {
        return wrong("cannot be one of the test controls");
    }
    Ok(())
}

/// A request that may be struck.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Path {
        method: &'a str,
        path: &'a str,
    },
    Upstream {
        /// `tools/list` or `tools/call`.
        method: &'a str,
        connection: &'a str,
        tool: Option<&'a str>,
        identifier: &'a str,
    },
}
