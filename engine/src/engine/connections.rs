//! The connections of a running engine, by name and by id.

use std::{collections::BTreeMap, sync::Arc};

use crate::settings::Connection;

/// A connection and its stable id.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionEntry {
    /// `conn_…`
    pub(crate) id: String,
    pub(crate) connection: Arc<Connection>,
}

/// All connections the settings name.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    by_name: BTreeMap<String, ConnectionEntry>,
}

impl Connections {
    /// `ids` belong to `connections` one by one.
    pub(crate) fn new(ids: Vec<String>, connections: Vec<Connection>) -> Connections {
        let by_name = ids
            .into_iter()
            .zip(connections)
            .map(|(id, connection)| {
                let connection = Arc::new(connection);
                (connection.name.clone(), ConnectionEntry { id, connection })
            })
            .collect();
        Connections { by_name }
    }

    /// The connection of exactly this name.
    pub(crate) fn get(&self, name: &str) -> Option<&ConnectionEntry> {
        self.by_name.get(name)
    }

    /// The connection of this name in whatever case.
    pub(crate) fn get_in_any_case(&self, name: &str) -> Option<&ConnectionEntry> {
        self.iter()
            .find(|entry| entry.connection.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&ConnectionEntry> {
        self.iter().find(|entry| entry.id == id)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|entry| &*entry.connection.name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ConnectionEntry> {
        self.by_name.values()
    }
}
