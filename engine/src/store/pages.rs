//! Pages of a table by id, newest first, that lead in both directions and hold while rows come
//! and go.

use rusqlite::{ToSql, Transaction};

use super::StoreError;

/// Where a page starts: at this id, if it still exists, and on from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Towards the end of the list.
    Next(String),
    /// Towards its start.
    Previous(String),
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<Cursor>,
    pub(crate) previous: Option<Cursor>,
    /// Matches on all pages.
    pub(crate) total: u64,
}

/// What a list is made of. The pieces are SQL.
pub(super) struct Listing<'a> {
    /// The column with the ids.
    pub(super) id: &'static str,
    /// The table, with what it is joined to.
    pub(super) source: &'static str,
    pub(super) matches: &'static str,
    /// The parameters of `matches`.
    pub(super) filters: &'a [(&'a str, &'a dyn ToSql)],
}

impl Listing<'_> {
    /// The page at this cursor, each of its ids read by `get`.
    pub(super) fn page<T>(
        &self,
        tx: &Transaction<'_>,
        size: u32,
        cursor: Option<Cursor>,
        get: impl Fn(&str) -> Result<Option<T>, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let ids = match &cursor {
            None => self.ids(tx, "<= :from", "DESC", "", size)?,
            Some(Cursor::Next(from)) => self.ids(tx, "<= :from", "DESC", from, size)?,
            Some(Cursor::Previous(from)) => {
                let mut ids = self.ids(tx, ">= :from", "ASC", from, size)?;
                ids.reverse();
                ids
            }
        };
        // Where the neighbouring pages start. An empty page (everything beyond its cursor was
        // deleted meanwhile) still has neighbours: seen from its cursor.
        let edge = cursor.map(|(Cursor::Next(id) | Cursor::Previous(id))| id);
        let neighbour = |edge: Option<&String>, condition, order| match edge {
            Some(edge) => Ok::<_, StoreError>(self.ids(tx, condition, order, edge, 1)?.pop()),
            None => Ok(None),
        };
        let older = neighbour(ids.last().or(edge.as_ref()), "< :from", "DESC")?;
        let newer = neighbour(ids.first().or(edge.as_ref()), "> :from", "ASC")?;

        let total: i64 = tx
            .prepare_cached(&format!(
                "SELECT count(*) FROM {} WHERE {}",
                self.source, self.matches
            ))?
            .query_row(self.filters, |row| row.get(0))?;
        let mut items = Vec::with_capacity(ids.len());
        for id in &ids {
            items.extend(get(id)?);
        }
        Ok(Page {
            items,
            next: older.map(Cursor::Next),
            previous: newer.map(Cursor::Previous),
            total: u64::try_from(total).unwrap_or_default(),
        })
    }

    fn ids(
        &self,
        tx: &Transaction<'_>,
        condition: &str,
        order: &str,
        from: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let Listing {
            id,
            source,
            matches,
            ..
        } = self;
        let sql = format!(
            "SELECT {id} FROM {source} WHERE {matches} AND (:from = '' OR {id} {condition}) ORDER BY {id} {order} LIMIT :limit"
        );
        let mut parameters = self.filters.to_vec();
        parameters.extend([
            (":from", &from as &dyn ToSql),
            (":limit", &limit as &dyn ToSql),
        ]);
        let mut statement = tx.prepare_cached(&sql)?;
        let rows = statement.query_map(&*parameters, |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
