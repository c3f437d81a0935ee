//! What is kept of a call: a record in the journal and one in the audit, whichever way it ends.

use std::time::{Duration, Instant};

use rmcp::model::JsonObject;

use super::gate::{Grant, Mapping};
use crate::{
    engine::Engine,
    local::journal::{Entry, Outcome},
    store::AuditRow,
};

/// More of a name that somebody made up is not kept.
const LONGEST_TOOL: usize = 256;

/// Why a call did not get to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such tool for this user: it does not exist, or is not in reach.
    UnknownTool,
    /// The user must authorize the connection first.
    AuthorizationRequired,
    /// Whether there is such a tool could not be asked.
    UpstreamUnavailable,
}

impl Refused {
    fn as_str(self) -> &'static str {
        match self {
            Refused::UnknownTool => "unknown_tool",
            Refused::AuthorizationRequired => "authorization_required",
            Refused::UpstreamUnavailable => "upstream_unavailable",
        }
    }
}

/// A call under way. It is recorded when this is dropped.
pub(super) struct CallRecord<'a> {
    engine: &'a Engine,
    entry: Entry<'a>,
    begun: Instant,
    upstream: Duration,
    /// `None` until somebody decided; a call that is given up before never gets to an upstream.
    decision: Option<Result<(), Refused>>,
    outcome: Outcome,
    row: Option<AuditRow>,
}

impl<'a> CallRecord<'a> {
    pub(super) fn begin(
        engine: &'a Engine,
        grant: &Grant,
        request_id: &str,
        tool: &str,
        arguments: Option<&JsonObject>,
    ) -> Self {
        let mut entry = engine
            .journal()
            .mcp("tools/call", &grant.identifier, Some(tool));
        entry.of_request(request_id);
        Self {
            engine,
            entry,
            begun: Instant::now(),
            upstream: Duration::ZERO,
            decision: None,
            outcome: Outcome::Cancelled,
            row: Some(AuditRow {
                seq: 0,
                at: engine.clock().now(),
                request_id: request_id.to_owned(),
                identifier: grant.identifier.clone(),
                config_id: grant.config_id.clone(),
                connection_name: None,
                tool: tool.chars().take(LONGEST_TOOL).collect(),
                upstream_tool: None,
                decision: String::new(),
                reason: None,
                outcome: String::new(),
                engine_us: 0,
                upstream_us: 0,
                arguments_digest: engine.audit().digest(arguments),
            }),
        }
    }

    /// Whose tool is called.
    pub(super) fn of_connection(&mut self, mapping: &Mapping, tool: &str) {
        let connection = &mapping.connection;
        self.entry.of_connection(&connection.name);
        if let Some(row) = &mut self.row {
            row.connection_name = Some(connection.name.clone());
            let name = connection.names.upstream(tool);
            row.upstream_tool = name.filter(|name| *name != tool).map(str::to_owned);
        }
    }

    /// The upstream is going to be called.
    pub(super) fn allowed(&mut self) {
        self.decision = Some(Ok(()));
    }

    /// The call ends before any upstream is called.
    pub(super) fn refused(&mut self, why: Refused, outcome: Outcome) {
        self.decision = Some(Err(why));
        self.ended(outcome);
    }

    pub(super) fn ended(&mut self, outcome: Outcome) {
        self.outcome = outcome;
        self.entry.ended(outcome);
    }

    /// Counts how long this takes as the upstream's time, also if nobody waits for its end.
    pub(super) async fn upstream<T>(&mut self, asking: impl Future<Output = T>) -> T {
        let _timed = Timed {
            begun: Instant::now(),
            total: &mut self.upstream,
        };
        asking.await
    }
}

struct Timed<'a> {
    begun: Instant,
    total: &'a mut Duration,
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        *self.total += self.begun.elapsed();
    }
}

impl Drop for CallRecord<'_> {
    fn drop(&mut self) {
        let Some(mut row) = self.row.take() else {
            return;
        };
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        row.at = self.engine.clock().now();
        row.upstream_us = micros(self.upstream);
        row.engine_us = micros(self.begun.elapsed().saturating_sub(self.upstream));
        let (decision, reason) = match self.decision {
            Some(Ok(())) => ("allowed", None),
            Some(Err(why)) => ("refused", Some(why.as_str())),
            None => ("refused", Some("cancelled")),
        };
        row.decision = decision.into();
        row.reason = reason.map(str::to_owned);
        row.outcome = self.outcome.as_str().into();
        self.engine.audit().record(row);
    }
}
