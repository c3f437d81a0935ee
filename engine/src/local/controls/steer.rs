//! What the test controls do.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    error::{ControlError, Kind},
    requests::SetClock,
    seed::{AccountStatus, Seed, key_rule},
};
use crate::{
    accounts::NotDone,
    control::seed::did_you_mean,
    engine::{ConnectionEntry, Engine},
    local::{
        audit::{self, AuditFilter, AuditRecord},
        diagnostics::{Diagnosis, DiagnosticsFilter},
        engine::Parts,
        faults::{AddedFault, Fault},
        journal::{self, Ended, JournalFilter, JournalRecord},
    },
    store::LinkState,
};

/// How far the clock goes in one step.
const FAR: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What the clock shows.
#[derive(Debug, Serialize)]
pub(in crate::local) struct ClockReading {
    #[serde(serialize_with = "rfc3339")]
    pub(in crate::local) now: Timestamp,
    frozen: bool,
}

/// A link for a user to authorize a connection, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuthLink {
    /// `link_…`: to complete or deny it.
    pub id: String,
    /// The connection.
    pub connection_name: String,
    /// The user.
    pub identifier: String,
    /// What it is good for.
    pub state: AuthLinkState,
    /// When it dies unused, by the engine's clock.
    #[serde(serialize_with = "journal::rfc3339")]
    pub expires_at: SystemTime,
}

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthLinkState {
    /// May be used.
    Open,
    /// Was used.
    Used,
    /// Nobody used it in time.
    Expired,
    /// Its user refused.
    Denied,
}

/// What came of a completed link.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompletedLink {
    /// The status of the account: `ACTIVE`, or `PENDING_VERIFICATION` where the link asked for it.
    pub status: AccountStatus,
    /// Then: where the user's browser would go, with the `auth_request_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_url: Option<String>,
}

impl fmt::Debug for CompletedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletedLink")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{time:.6}"))
}

/// A duration that was sent as seconds.
pub(super) fn duration(
    field: &str,
    seconds: f64,
    most: Duration,
    most_in_words: &str,
) -> Result<Duration, ControlError> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= most => Ok(duration),
        _ => Err(ControlError::invalid(
            field,
            format!("`{field}` goes from 0 to {most_in_words}, got {seconds} seconds"),
        )),
    }
}

/// The connection of this name, else what is wrong with it.
pub(super) fn connection<'a>(
    engine: &'a Engine,
    name: &str,
) -> Result<&'a ConnectionEntry, String> {
    engine.connections().get(name).ok_or_else(|| {
        let near = did_you_mean(name, engine.connections().names());
        format!("names no connection: `{}`{near}", name.escape_debug())
    })
}

impl Parts {
    pub(in crate::local) async fn seed(&self, seed: Seed) -> Result<(), ControlError> {
        seed.store(&self.engine).await
    }

    pub(super) fn clock(&self) -> ClockReading {
        let clock = self.engine.clock();
        ClockReading {
            now: clock.now(),
            frozen: clock.is_frozen(),
        }
    }

    pub(super) fn set_clock(&self, wanted: &SetClock) -> Result<ClockReading, ControlError> {
        let by = duration("advance_seconds", wanted.advance_seconds, FAR, "10 years")?;
        let clock = self.engine.clock();
        if wanted.reset {
            clock.reset();
        }
        if wanted.freeze {
            clock.freeze();
        }
        clock.advance(by);
        Ok(self.clock())
    }

    pub(in crate::local) async fn set_account_status(
        &self,
        connection_name: &str,
        identifier: &str,
        status: AccountStatus,
    ) -> Result<(), ControlError> {
        let entry = connection(&self.engine, connection_name).map_err(|rule| {
            ControlError::unknown("connection_name", format!("`connection_name` {rule}"))
        })?;
        let accounts = self.engine.accounts();
        if accounts
            .set_status_of(entry, identifier, status.into())
            .await?
        {
            self.plane.settled().await;
            return Ok(());
        }
        Err(ControlError::unknown(
            "identifier",
            format!(
                "user `{}` has no connected account on connection `{connection_name}`",
                identifier.escape_debug()
            ),
        ))
    }

    pub(in crate::local) async fn auth_links(&self) -> Result<Vec<AuthLink>, ControlError> {
        let links = self.engine.accounts().links().await?;
        Ok(links
            .into_iter()
            .map(|link| AuthLink {
                id: link.id,
                connection_name: link.connection_name,
                identifier: link.identifier,
                state: match link.state {
                    LinkState::Open(..) => AuthLinkState::Open,
                    LinkState::Used => AuthLinkState::Used,
                    LinkState::Denied => AuthLinkState::Denied,
                    LinkState::Expired | LinkState::Unknown => AuthLinkState::Expired,
                },
                expires_at: link.expires_at.into(),
            })
            .collect())
    }

    pub(in crate::local) async fn complete_auth_link(
        &self,
        id: &str,
        key: &str,
    ) -> Result<CompletedLink, ControlError> {
        let completed = self.engine.accounts().complete_link(id, key).await?;
        let completed = completed.map_err(|why| not_done(id, &why))?;
        Ok(CompletedLink {
            status: completed.status.into(),
            verify_url: completed.verify_at.map(String::from),
        })
    }

    pub(in crate::local) async fn deny_auth_link(&self, id: &str) -> Result<(), ControlError> {
        let denied = self.engine.accounts().deny_link(id).await?;
        denied.map_err(|why| not_done(id, &why))
    }

    pub(in crate::local) fn add_fault(&self, fault: Fault) -> Result<u64, ControlError> {
        let added = self.engine.faults().add(fault);
        added.map_err(|(field, message)| ControlError::invalid(field, message))
    }

    pub(in crate::local) fn faults(&self) -> Vec<AddedFault> {
        self.engine.faults().all()
    }

    pub(in crate::local) fn clear_faults(&self) {
        self.engine.faults().clear();
    }

    pub(in crate::local) fn journal(&self, filter: &JournalFilter) -> Vec<JournalRecord> {
        self.engine.journal().find(filter)
    }

    pub(in crate::local) async fn wait_for(
        &self,
        filter: &JournalFilter,
        count: usize,
        within: Duration,
    ) -> Result<Vec<JournalRecord>, ControlError> {
        let ended = self.engine.journal().wait_for(filter, count, within).await;
        ended.map_err(|why| match why {
            Ended::TimedOut { came } => ControlError::new(
                Kind::TimedOut,
                format!(
                    "waited {within:?} for {count} matching records of the journal; {came} came"
                ),
            ),
            Ended::Closed => ControlError::new(Kind::Closed, "the engine has been closed"),
        })
    }

    pub(in crate::local) async fn audit(
        &self,
        filter: AuditFilter,
    ) -> Result<Vec<AuditRecord>, ControlError> {
        if filter.limit.is_some_and(|limit| limit > audit::LONGEST) {
            let message = format!("`limit` goes up to {}", audit::LONGEST);
            return Err(ControlError::invalid("limit", message));
        }
        let rows = self.engine.audit().find(filter.into_query()).await?;
        Ok(rows.into_iter().filter_map(AuditRecord::of).collect())
    }

    pub(in crate::local) async fn diagnostics(
        &self,
        filter: DiagnosticsFilter,
    ) -> Result<Vec<Diagnosis>, ControlError> {
        if let Some(name) = &filter.connection_name {
            connection(&self.engine, name).map_err(|rule| {
                ControlError::unknown("connection_name", format!("`connection_name` {rule}"))
            })?;
        }
        let id = filter.config_id.clone().unwrap_or_default();
        let found = self.plane.diagnostics(filter).await?;
        found.ok_or_else(|| {
            let message = format!("there is no config `{}`", id.escape_debug());
            ControlError::unknown("config_id", message)
        })
    }
}

fn not_done(id: &str, why: &NotDone) -> ControlError {
    let id = id.escape_debug();
    match why {
        NotDone::NoSuchLink => ControlError::unknown("link_id", format!("there is no link `{id}`")),
        NotDone::Dead(state) => ControlError::new(
            Kind::Refused,
            format!("the link `{id}` is {state}, not open"),
        ),
        NotDone::NothingToDo => ControlError::new(
            Kind::Refused,
            format!("the connection of the link `{id}` needs no credential"),
        ),
        NotDone::Credential(problem) => {
            ControlError::invalid("credential", format!("`credential` {}", key_rule(*problem)))
        }
    }
}
