//! The audit: one row per call of a tool, as many of the newest as are kept.

use jiff::Timestamp;
use rusqlite::{Row, Transaction, named_params};

use super::{Store, StoreError};

/// One call of a tool. It holds no argument and no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditRow {
    /// Given when it is stored; before, 0.
    pub(crate) seq: i64,
    /// When the call ended.
    pub(crate) at: Timestamp,
    pub(crate) request_id: String,
    pub(crate) identifier: String,
    pub(crate) config_id: Option<String>,
    pub(crate) connection_name: Option<String>,
    pub(crate) tool: String,
    pub(crate) upstream_tool: Option<String>,
    pub(crate) decision: String,
    pub(crate) reason: Option<String>,
    pub(crate) outcome: String,
    pub(crate) engine_us: i64,
    pub(crate) upstream_us: i64,
    pub(crate) arguments_digest: String,
}

/// Which rows to read; what is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuditQuery {
    pub(crate) identifier: Option<String>,
    pub(crate) config_id: Option<String>,
    pub(crate) connection_name: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) decision: Option<String>,
    /// Those after this one; else the newest.
    pub(crate) since: Option<i64>,
    pub(crate) limit: u32,
}

impl Store {
    /// Writes what `take` yields by then, some time soon, and removes all but the newest `keep` rows.
    /// Nobody waits for it: `failed` learns if it could not be done.
    pub(crate) fn save_audit_later(
        &self,
        take: impl FnOnce() -> Vec<AuditRow> + Send + 'static,
        keep: u32,
        failed: impl FnOnce(StoreError) + Send + 'static,
    ) -> Result<(), StoreError> {
        let job = move |tx: &Transaction<'_>| save(tx, &take(), keep);
        self.inner.writer.run_later(job, failed)
    }

    /// The same at once.
    pub(crate) async fn save_audit(
        &self,
        take: impl FnOnce() -> Vec<AuditRow> + Send + 'static,
        keep: u32,
    ) -> Result<(), StoreError> {
        self.write(move |tx| save(tx, &take(), keep)).await
    }

    /// The rows that match, the oldest first.
    pub(crate) async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        self.read(move |tx| {
            // After a row, what follows it; else the end of the list.
            let order = if query.since.is_some() { "ASC" } else { "DESC" };
            let sql = format!(
                "SELECT * FROM audit WHERE seq > coalesce(:since, 0)
                 AND (:identifier IS NULL OR identifier = :identifier)
                 AND (:config_id IS NULL OR config_id = :config_id)
                 AND (:connection_name IS NULL OR connection_name = :connection_name)
                 AND (:tool IS NULL OR tool = :tool)
                 AND (:decision IS NULL OR decision = :decision)
                 ORDER BY seq {order} LIMIT :limit"
            );
            let parameters = named_params! {
                ":since": query.since,
                ":identifier": query.identifier,
                ":config_id": query.config_id,
                ":connection_name": query.connection_name,
                ":tool": query.tool,
                ":decision": query.decision,
                ":limit": query.limit,
            };
            let mut statement = tx.prepare_cached(&sql)?;
            let rows = statement.query_map(parameters, |row| Ok(read(row)))?;
            let mut rows = rows
                .map(|row| row?)
                .collect::<Result<Vec<_>, StoreError>>()?;
            rows.sort_by_key(|row| row.seq);
            Ok(rows)
        })
        .await
    }
}

fn save(tx: &Transaction<'_>, rows: &[AuditRow], keep: u32) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    for row in rows {
        insert(tx, row)?;
    }
    tx.prepare_cached("DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?1")?
        .execute([keep])?;
    Ok(())
}

fn insert(tx: &Transaction<'_>, row: &AuditRow) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO audit (at, request_id, identifier, config_id, connection_name, tool,
            upstream_tool, decision, reason, outcome, engine_us, upstream_us, arguments_digest)
         VALUES (:at, :request_id, :identifier, :config_id, :connection_name, :tool,
            :upstream_tool, :decision, :reason, :outcome, :engine_us, :upstream_us,
            :arguments_digest)",
    )?
    .execute(named_params! {
        ":at": row.at.as_microsecond(),
        ":request_id": row.request_id,
        ":identifier": row.identifier,
        ":config_id": row.config_id,
        ":connection_name": row.connection_name,
        ":tool": row.tool,
        ":upstream_tool": row.upstream_tool,
        ":decision": row.decision,
        ":reason": row.reason,
        ":outcome": row.outcome,
        ":engine_us": row.engine_us,
        ":upstream_us": row.upstream_us,
        ":arguments_digest": row.arguments_digest,
    })?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let at = Timestamp::from_microsecond(row.get("at")?);
    Ok(AuditRow {
        seq: row.get("seq")?,
        at: at.map_err(|_| StoreError::Unreadable("a moment"))?,
        request_id: row.get("request_id")?,
        identifier: row.get("identifier")?,
        config_id: row.get("config_id")?,
        connection_name: row.get("connection_name")?,
        tool: row.get("tool")?,
        upstream_tool: row.get("upstream_tool")?,
        decision: row.get("decision")?,
        reason: row.get("reason")?,
        outcome: row.get("outcome")?,
        engine_us: row.get("engine_us")?,
        upstream_us: row.get("upstream_us")?,
        arguments_digest: row.get("arguments_digest")?,
    })
}
