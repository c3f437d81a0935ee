//! The schema and how an older one becomes it: numbered files, only ever added to.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Migration `n` leads from schema `n - 1` to schema `n`.
pub(super) const MIGRATIONS: [&str; 6] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// "vmcp" in ASCII: marks a file as ours.
pub(super) const APPLICATION: i64 = 0x766d_6370;

/// Refuses files of other programs and of newer versions of this one.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (application != 0 || objects > 0) {
        return Err(StoreError::Foreign);
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = version(connection)?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(())
}

/// Brings the schema up to date; a migration happens whole or not at all.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let mut current = version(connection)?;
    for (number, migration) in (1_i64..).zip(MIGRATIONS) {
        if number <= current {
            continue;
        }
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
        current = number;
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
