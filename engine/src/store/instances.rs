//! Instances: one user's named use of a config.

use jiff::Timestamp;
use rusqlite::{ErrorCode, OptionalExtension, Row, Transaction, params};

use super::{
    Store, StoreError, next_id,
    pages::{Cursor, Listing, Page},
};

/// A stored instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceRecord {
    pub(crate) id: String,
    pub(crate) config_id: String,
    pub(crate) user_identifier: String,
    pub(crate) name: String,
    pub(crate) updated_at: Timestamp,
}

/// An instance that should exist.
#[derive(Debug, Clone)]
pub(crate) struct NewInstance {
    pub(crate) config_id: String,
    pub(crate) user_identifier: String,
    /// `None`: whatever it is called.
    pub(crate) name: Option<String>,
    /// What it is called if it does not exist yet and has no name.
    pub(crate) default_name: String,
}

/// What to change of an instance; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct InstanceChange {
    pub(crate) name: Option<String>,
    pub(crate) config_id: Option<String>,
}

/// The user has an instance of that config and name already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken;

/// Which instances to list; what is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct InstanceFilter {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) config_name: Option<String>,
    pub(crate) user_identifier: Option<String>,
    /// Part of the name or of the user's identifier, in any case.
    pub(crate) search: Option<String>,
}

const COLUMNS: &str = "id, config_id, user_identifier, name, updated_at";

fn record(row: &Row<'_>) -> rusqlite::Result<InstanceRecord> {
    Ok(InstanceRecord {
        id: row.get(0)?,
        config_id: row.get(1)?,
        user_identifier: row.get(2)?,
        name: row.get(3)?,
        updated_at: Timestamp::from_microsecond(row.get(4)?).unwrap_or(Timestamp::MIN),
    })
}

fn get(tx: &Transaction<'_>, id: &str) -> Result<Option<InstanceRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM instances WHERE id = ?1");
    Ok(tx
        .prepare_cached(&sql)?
        .query_row([id], record)
        .optional()?)
}

impl Store {
    /// The instance, created if it is missing; `None` if its config has gone.
    pub(crate) async fn ensure_instance(
        &self,
        instance: NewInstance,
        now: Timestamp,
    ) -> Result<Option<InstanceRecord>, StoreError> {
        self.write(move |tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM instances
                 WHERE config_id = ?1 AND user_identifier = ?2 AND (?3 IS NULL OR name = ?3)
                 ORDER BY id LIMIT 1"
            );
            let found = tx
                .prepare_cached(&sql)?
                .query_row(
                    params![instance.config_id, instance.user_identifier, instance.name],
                    record,
                )
                .optional()?;
            if found.is_some() {
                return Ok(found);
            }
            let id = next_id(tx, "inst_")?;
            tx.prepare_cached(
                "INSERT INTO instances (id, config_id, user_identifier, name, updated_at)
                 SELECT ?1, id, ?3, ?4, ?5 FROM configs WHERE id = ?2",
            )?
            .execute(params![
                id,
                instance.config_id,
                instance.user_identifier,
                instance.name.unwrap_or(instance.default_name),
                now.as_microsecond()
            ])?;
            get(tx, &id)
        })
        .await
    }

    /// An instance by its id.
    pub(crate) async fn instance(&self, id: &str) -> Result<Option<InstanceRecord>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| get(tx, &id)).await
    }

    /// Changes an instance; `None` if there is no such instance, or its new config has gone.
    pub(crate) async fn update_instance(
        &self,
        id: &str,
        change: InstanceChange,
        now: Timestamp,
    ) -> Result<Result<Option<InstanceRecord>, Taken>, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            if change.name.is_none() && change.config_id.is_none() {
                return Ok(Ok(get(tx, &id)?));
            }
            let updated = tx
                .prepare_cached(
                    "UPDATE instances SET name = coalesce(?2, name), config_id = coalesce(?3, config_id),
                     updated_at = ?4
                     WHERE id = ?1 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM configs WHERE id = ?3))",
                )?
                .execute(params![
                    id,
                    change.name,
                    change.config_id,
                    now.as_microsecond()
                ]);
            match updated {
                // The config exists, so it is the name.
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    Ok(Err(Taken))
                }
                Ok(0) => Ok(Ok(None)),
                other => {
                    other?;
                    Ok(Ok(get(tx, &id)?))
                }
            }
        })
        .await
    }

    /// Deletes an instance; `false` if there is no such instance.
    pub(crate) async fn delete_instance(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            let deleted = tx
                .prepare_cached("DELETE FROM instances WHERE id = ?1")?
                .execute([id])?;
            Ok(deleted > 0)
        })
        .await
    }

    /// A page of the instances that match.
    pub(crate) async fn list_instances(
        &self,
        filter: InstanceFilter,
        page_size: u32,
        cursor: Option<Cursor>,
    ) -> Result<Page<InstanceRecord>, StoreError> {
        self.read(move |tx| {
            Listing::new("instances")
                .filtered("id = :id", ":id", filter.id.as_ref())
                .filtered("name = :name", ":name", filter.name.as_ref())
                .filtered(
                    "config_id = (SELECT id FROM configs WHERE name = :config_name)",
                    ":config_name",
                    filter.config_name.as_ref(),
                )
                .filtered("user_identifier = :user", ":user", filter.user_identifier.as_ref())
                .filtered(
                    "(instr(lower(name), lower(:search)) > 0 OR instr(lower(user_identifier), lower(:search)) > 0)",
                    ":search",
                    filter.search.as_ref(),
                )
                .page(tx, page_size, cursor, |id| get(tx, id))
        })
        .await
    }
}
