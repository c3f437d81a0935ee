//! The last listing of each connection's tools.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{Store, StoreError};

impl Store {
    /// Remembers a listing, whole tools as JSON. An unknown connection is ignored.
    pub(crate) async fn save_catalogue(
        &self,
        connection_name: &str,
        tools: &[Value],
    ) -> Result<(), StoreError> {
        let name = connection_name.to_owned();
        let tools = serde_json::to_string(tools)
            .map_err(|_| StoreError::Unreadable("a tool is not JSON"))?;
        self.write(move |tx| {
            tx.prepare_cached(
                "INSERT INTO catalogue (connection_id, tools)
                 SELECT id, ?2 FROM connections WHERE name = ?1
                 ON CONFLICT (connection_id) DO UPDATE SET tools = excluded.tools",
            )?
            .execute(params![name, tools])?;
            Ok(())
        })
        .await
    }

    /// The remembered listing; `None` while none was ever saved.
    pub(crate) async fn load_catalogue(
        &self,
        connection_name: &str,
    ) -> Result<Option<Vec<Value>>, StoreError> {
        let name = connection_name.to_owned();
        let tools: Option<String> = self
            .read(move |tx| {
                Ok(tx
                    .prepare_cached(
                        "SELECT tools FROM catalogue JOIN connections ON connections.id = connection_id
                         WHERE name = ?1",
                    )?
                    .query_row([name], |row| row.get(0))
                    .optional()?)
            })
            .await?;
        tools
            .map(|tools| {
                serde_json::from_str(&tools)
                    .map_err(|_| StoreError::Unreadable("a tool catalogue is not JSON"))
            })
            .transpose()
    }
}
