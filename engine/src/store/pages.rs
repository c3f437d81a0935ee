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

/// A condition that a list may be filtered by. The pieces are SQL.
struct Filter<'a> {
    condition: &'static str,
    /// The parameter in the condition.
    name: &'static str,
    value: &'a dyn ToSql,
}

/// What a list is made of. Conditions that are not wanted are left out, so that each query finds its
/// index.
pub(super) struct Listing<'a> {
    /// The table; its key is `id`.
    table: &'static str,
    filters: Vec<Filter<'a>>,
}

impl<'a> Listing<'a> {
    pub(super) fn new(table: &'static str) -> Self {
        Listing {
            table,
            filters: Vec::new(),
        }
    }

    /// Leaves out what does not meet this condition; without a value it is none.
    pub(super) fn filtered<T: ToSql>(
        mut self,
        condition: &'static str,
        name: &'static str,
        value: Option<&'a T>,
    ) -> Self {
        if let Some(value) = value {
            self.filters.push(Filter {
                condition,
                name,
                value,
            });
        }
        self
    }

    /// The page at this cursor, each of its ids read by `get`.
    pub(super) fn page<T>(
        &self,
        tx: &Transaction<'_>,
        size: u32,
        cursor: Option<Cursor>,
        get: impl Fn(&str) -> Result<Option<T>, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let ids = match &cursor {
            None => self.ids(tx, None, "DESC", size)?,
            Some(Cursor::Next(from)) => self.ids(tx, Some(("<=", from)), "DESC", size)?,
            Some(Cursor::Previous(from)) => {
                let mut ids = self.ids(tx, Some((">=", from)), "ASC", size)?;
                ids.reverse();
                ids
            }
        };
        // Where the neighbouring pages start. An empty page (everything beyond its cursor was
        // deleted meanwhile) still has neighbours: seen from its cursor.
        let edge = cursor.map(|(Cursor::Next(id) | Cursor::Previous(id))| id);
        let neighbour = |edge: Option<&String>, relation, order| match edge {
            Some(edge) => {
                Ok::<_, StoreError>(self.ids(tx, Some((relation, edge)), order, 1)?.pop())
            }
            None => Ok(None),
        };
        let older = neighbour(ids.last().or(edge.as_ref()), "<", "DESC")?;
        let newer = neighbour(ids.first().or(edge.as_ref()), ">", "ASC")?;
        let total = self.total(tx)?;
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

    fn total(&self, tx: &Transaction<'_>) -> Result<i64, StoreError> {
        if self.filters.is_empty() {
            return Ok(tx
                .prepare_cached("SELECT rows FROM counts WHERE list = ?1")?
                .query_row([self.table], |row| row.get(0))?);
        }
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {}",
            self.table,
            self.matches()
        );
        Ok(tx
            .prepare_cached(&sql)?
            .query_row(&*self.parameters(), |row| row.get(0))?)
    }

    fn ids(
        &self,
        tx: &Transaction<'_>,
        from: Option<(&'static str, &String)>,
        order: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let mut parameters = self.parameters();
        parameters.push((":limit", &limit));
        let mut matches = self.matches();
        if let Some((relation, id)) = &from {
            matches = format!("{matches} AND id {relation} :from");
            parameters.push((":from", id));
        }
        let sql = format!(
            "SELECT id FROM {} WHERE {matches} ORDER BY id {order} LIMIT :limit",
            self.table
        );
        let mut statement = tx.prepare_cached(&sql)?;
        let rows = statement.query_map(&*parameters, |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn matches(&self) -> String {
        let conditions = self.filters.iter().map(|filter| filter.condition);
        std::iter::once("true")
            .chain(conditions)
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    fn parameters(&self) -> Vec<(&'static str, &dyn ToSql)> {
        let parameters = self.filters.iter();
        parameters
            .map(|filter| (filter.name, filter.value))
            .collect()
    }
}

/// Texts as one parameter, for `json_each`.
pub(super) fn json_list(texts: &[String]) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}
