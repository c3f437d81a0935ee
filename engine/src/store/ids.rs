//! Ids: prefix + 18 digits, unique and ordered by age. They follow from the time, or from a seed where
//! a test wants the same ones again.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::{Store, StoreError};

/// Seeded ids start in a range of their own, below all that follow from the time.
const RANGE: std::ops::Range<i64> = 100_000_000_000..1_000_000_000_000;
/// How far the starts of two seeds are apart, at least.
const APART: i64 = 100_000;

/// Makes room for a seed: it holds for this connection only, so a restart forgets it.
pub(super) fn prepare(writer: &Connection) -> Result<(), StoreError> {
    writer.pragma_update(None, "temp_store", "MEMORY")?;
    writer
        .execute_batch("CREATE TEMP TABLE seeded (seed INTEGER NOT NULL, last INTEGER NOT NULL)")?;
    Ok(())
}

/// From now on ids follow from this seed, after those that are there; without one, nothing changes.
pub(super) fn seed(tx: &Transaction<'_>, seed: Option<u64>) -> Result<(), StoreError> {
    let Some(seed) = seed else {
        return Ok(());
    };
    let start = fastrand::Rng::with_seed(seed).i64(RANGE) * APART;
    let greatest: i64 = tx.query_row(
        "SELECT max(
            coalesce((SELECT CAST(substr(max(id), 5) AS INTEGER) FROM configs), 0),
            coalesce((SELECT CAST(substr(max(id), 4) AS INTEGER) FROM accounts), 0),
            coalesce((SELECT CAST(substr(max(id), 6) AS INTEGER) FROM instances), 0))",
        [],
        |row| row.get(0),
    )?;
    tx.execute("DELETE FROM temp.seeded", [])?;
    tx.execute(
        "INSERT INTO temp.seeded (seed, last) VALUES (?1, ?2)",
        params![seed.cast_signed(), start.max(greatest)],
    )?;
    Ok(())
}

/// The next id.
pub(super) fn next_id(tx: &Transaction<'_>, prefix: &str) -> Result<String, StoreError> {
    let seeded: Option<i64> = tx
        .prepare_cached("UPDATE temp.seeded SET last = last + 1 RETURNING last")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let number = match seeded {
        Some(number) => number,
        None => by_time(tx)?,
    };
    Ok(format!("{prefix}{number:018}"))
}

fn by_time(tx: &Transaction<'_>) -> Result<i64, StoreError> {
    // The machine's clock, not the engine's: ids must grow even while a test stops the time. The
    // low bits keep ids of one millisecond apart.
    let by_time = jiff::Timestamp::now().as_millisecond() << 16;
    Ok(tx
        .prepare_cached("UPDATE sequence SET last = max(last + 1, ?1) RETURNING last")?
        .query_row([by_time], |row| row.get(0))?)
}

/// The UUID in the URL of a config's server. With a seed it follows from the config's id.
pub(super) fn server_uuid(tx: &Transaction<'_>) -> Result<Uuid, StoreError> {
    let seeded: Option<(i64, i64)> = tx
        .prepare_cached("SELECT seed, last FROM temp.seeded")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(seeded.map_or_else(Uuid::new_v4, |(seed, last)| {
        let mut random = fastrand::Rng::with_seed(seed.cast_unsigned() ^ last.cast_unsigned());
        uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid()
    }))
}

impl Store {
    /// See [`seed`].
    pub(crate) async fn seed_ids(&self, wanted: u64) -> Result<(), StoreError> {
        self.write(move |tx| seed(tx, Some(wanted))).await
    }
}
