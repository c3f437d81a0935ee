//! Configs (Virtual MCP servers) and what they expose of which connection.

use rusqlite::{ErrorCode, OptionalExtension, Transaction, params};

use super::{
    Store, StoreError, next_id,
    pages::{Cursor, Listing, Page, json_list},
};

/// Which tools of a connection a config exposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tools {
    All,
    /// Never empty.
    Only(Vec<String>),
}

/// One connection of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappingRecord {
    pub(crate) connection_id: String,
    /// As it is spelled today.
    pub(crate) connection_name: String,
    pub(crate) tools: Tools,
}

/// A stored config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigRecord {
    pub(crate) id: String,
    pub(crate) server_uuid: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) mappings: Vec<MappingRecord>,
}

impl ConfigRecord {
    /// The ids of its connections, in its order.
    pub(crate) fn connection_ids(&self) -> Vec<String> {
        self.mappings
            .iter()
            .map(|mapping| mapping.connection_id.clone())
            .collect()
    }
}

/// A mapping to store.
#[derive(Debug, Clone)]
pub(crate) struct NewMapping {
    pub(crate) connection_id: String,
    pub(crate) tools: Tools,
}

/// A config to store.
#[derive(Debug, Clone)]
pub(crate) struct NewConfig {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) mappings: Vec<NewMapping>,
}

/// What to change of a config; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigChange {
    pub(crate) description: Option<String>,
    pub(crate) mappings: Option<Vec<NewMapping>>,
}

/// Which configs to list; what is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigFilter {
    pub(crate) id: Option<String>,
    /// Exact, in any case.
    pub(crate) name: Option<String>,
    pub(crate) server_uuid: Option<String>,
    /// Configs that use at least one of these connections.
    pub(crate) connection_ids: Option<Vec<String>>,
    /// Part of the name, in any case.
    pub(crate) search: Option<String>,
}

const COLUMNS: &str = "configs.id, server_uuid, configs.name, description";

impl Store {
    /// Stores a new config; `None` if its name is taken.
    pub(crate) async fn create_config(
        &self,
        config: NewConfig,
    ) -> Result<Option<ConfigRecord>, StoreError> {
        self.write(move |tx| {
            let id = next_id(tx, "cfg_")?;
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO configs (id, server_uuid, name, description) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    id,
                    uuid::Uuid::new_v4().to_string(),
                    config.name,
                    config.description
                ]);
            match inserted {
                // The id and the UUID are new, so it is the name.
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
                {
                    return Ok(None);
                }
                other => other?,
            };
            insert_mappings(tx, &id, &config.mappings)?;
            get(tx, "configs.id", &id)
        })
        .await
    }

    /// A config by its id.
    pub(crate) async fn config(&self, id: &str) -> Result<Option<ConfigRecord>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| get(tx, "configs.id", &id)).await
    }

    /// The id of the config with this name.
    pub(crate) async fn config_id_by_name(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |tx| {
            Ok(tx
                .prepare_cached("SELECT id FROM configs WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    /// A config by the UUID in its server's URL.
    pub(crate) async fn config_by_server_uuid(
        &self,
        uuid: &str,
    ) -> Result<Option<ConfigRecord>, StoreError> {
        let uuid = uuid.to_owned();
        self.read(move |tx| get(tx, "server_uuid", &uuid)).await
    }

    /// Changes a config; `None` if there is no such config.
    pub(crate) async fn update_config(
        &self,
        id: &str,
        change: ConfigChange,
    ) -> Result<Option<ConfigRecord>, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            if let Some(description) = change.description {
                tx.prepare_cached("UPDATE configs SET description = ?2 WHERE id = ?1")?
                    .execute(params![id, description])?;
            }
            let found = get(tx, "configs.id", &id)?;
            match (found, change.mappings) {
                (Some(_), Some(mappings)) => {
                    tx.prepare_cached("DELETE FROM mappings WHERE config_id = ?1")?
                        .execute([&id])?;
                    insert_mappings(tx, &id, &mappings)?;
                    get(tx, "configs.id", &id)
                }
                (found, _) => Ok(found),
            }
        })
        .await
    }

    /// Deletes a config and its mappings; `false` if there is no such config.
    pub(crate) async fn delete_config(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            let deleted = tx
                .prepare_cached("DELETE FROM configs WHERE id = ?1")?
                .execute([id])?;
            Ok(deleted > 0)
        })
        .await
    }

    /// A page of the configs that match.
    pub(crate) async fn list_configs(
        &self,
        filter: ConfigFilter,
        page_size: u32,
        cursor: Option<Cursor>,
    ) -> Result<Page<ConfigRecord>, StoreError> {
        self.read(move |tx| list(tx, &filter, page_size, cursor))
            .await
    }
}

fn list(
    tx: &Transaction<'_>,
    filter: &ConfigFilter,
    page_size: u32,
    cursor: Option<Cursor>,
) -> Result<Page<ConfigRecord>, StoreError> {
    let connections = filter.connection_ids.as_deref().map(json_list);
    Listing::new("configs")
        .filtered("id = :id", ":id", filter.id.as_ref())
        .filtered("name = lower(:name)", ":name", filter.name.as_ref())
        .filtered(
            "server_uuid = :server_uuid",
            ":server_uuid",
            filter.server_uuid.as_ref(),
        )
        .filtered(
            "instr(name, lower(:search)) > 0",
            ":search",
            filter.search.as_ref(),
        )
        .filtered(
            "EXISTS (SELECT 1 FROM mappings WHERE config_id = configs.id
             AND connection_id IN (SELECT value FROM json_each(:connections)))",
            ":connections",
            connections.as_ref(),
        )
        .page(tx, page_size, cursor, |id| get(tx, "configs.id", id))
}

/// The config whose `column` is `value`.
fn get(
    tx: &Transaction<'_>,
    column: &'static str,
    value: &str,
) -> Result<Option<ConfigRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM configs WHERE {column} = ?1");
    let found = tx
        .prepare_cached(&sql)?
        .query_row([value], |row| {
            Ok(ConfigRecord {
                id: row.get(0)?,
                server_uuid: row.get(1)?,
                name: row.get(2)?,
                description: row.get(3)?,
                mappings: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut config) = found else {
        return Ok(None);
    };
    let mut statement = tx.prepare_cached(
        "SELECT connection_id, name, tools FROM mappings
         JOIN connections ON connections.id = connection_id
         WHERE config_id = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query([&config.id])?;
    while let Some(row) = rows.next()? {
        let tools = match row.get::<_, Option<String>>(2)? {
            None => Tools::All,
            Some(json) => Tools::Only(
                serde_json::from_str(&json)
                    .map_err(|_| StoreError::Unreadable("a list of tools is not JSON"))?,
            ),
        };
        config.mappings.push(MappingRecord {
            connection_id: row.get(0)?,
            connection_name: row.get(1)?,
            tools,
        });
    }
    Ok(Some(config))
}

fn insert_mappings(
    tx: &Transaction<'_>,
    config_id: &str,
    mappings: &[NewMapping],
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO mappings (config_id, position, connection_id, tools) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (position, mapping) in (0_i64..).zip(mappings) {
        let tools = match &mapping.tools {
            Tools::All => None,
            Tools::Only(names) => Some(
                serde_json::to_string(names)
                    .map_err(|_| StoreError::Unreadable("a list of tools is not JSON"))?,
            ),
        };
        statement.execute(params![config_id, position, mapping.connection_id, tools])?;
    }
    Ok(())
}
