//! Whose grants a transaction touched. Triggers note it, so that no writer can forget to, and the
//! thread that writes tells it between the commit and the answer.

use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, Transaction};

use super::StoreError;

/// Something that grants on the data plane follow from has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// What a config exposes, or that it exists.
    Config { server_uuid: String },
    /// Which accounts a user has, or the status of one.
    Accounts { identifier: String },
}

type Listener = Box<dyn Fn(&Change) + Send + Sync>;

/// Who is told; nobody until there is somebody.
#[derive(Clone, Default)]
pub(super) struct Changes(Arc<OnceLock<Listener>>);

const CONFIG: &str = "config";
const ACCOUNTS: &str = "accounts";

/// What is temporary belongs to one connection to the database, and is part of its transactions.
const TRIGGERS: &str = "
    PRAGMA temp_store = MEMORY;
    CREATE TEMP TABLE touched (
        what TEXT NOT NULL,
        which TEXT NOT NULL,
        PRIMARY KEY (what, which)
    ) STRICT, WITHOUT ROWID;
    CREATE TEMP TRIGGER config_gone AFTER DELETE ON main.configs
        BEGIN INSERT OR IGNORE INTO touched VALUES ('config', OLD.server_uuid); END;
    CREATE TEMP TRIGGER mapping_gone AFTER DELETE ON main.mappings
        BEGIN INSERT OR IGNORE INTO touched
            SELECT 'config', server_uuid FROM main.configs WHERE id = OLD.config_id; END;
    CREATE TEMP TRIGGER mapping_new AFTER INSERT ON main.mappings
        BEGIN INSERT OR IGNORE INTO touched
            SELECT 'config', server_uuid FROM main.configs WHERE id = NEW.config_id; END;
    CREATE TEMP TRIGGER account_gone AFTER DELETE ON main.accounts
        BEGIN INSERT OR IGNORE INTO touched VALUES ('accounts', OLD.identifier); END;
    CREATE TEMP TRIGGER account_new AFTER INSERT ON main.accounts
        BEGIN INSERT OR IGNORE INTO touched VALUES ('accounts', NEW.identifier); END;
    CREATE TEMP TRIGGER account_changed AFTER UPDATE OF status ON main.accounts
        WHEN OLD.status IS NOT NEW.status
        BEGIN INSERT OR IGNORE INTO touched VALUES ('accounts', NEW.identifier); END;
";

impl Changes {
    /// Lets the triggers note what this connection writes from now on.
    pub(super) fn note(writer: &Connection) -> Result<(), StoreError> {
        Ok(writer.execute_batch(TRIGGERS)?)
    }

    pub(super) fn tell_to(&self, listener: Listener) {
        // One engine has one data plane; a second would not be told, and there is none.
        let _ = self.0.set(listener);
    }

    /// What the transaction touched so far.
    pub(super) fn of(tx: &Transaction<'_>) -> Result<Vec<Change>, StoreError> {
        let mut statement = tx.prepare_cached("DELETE FROM temp.touched RETURNING what, which")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut changes = Vec::new();
        for row in rows {
            match row? {
                (what, server_uuid) if what == CONFIG => {
                    changes.push(Change::Config { server_uuid });
                }
                (what, identifier) if what == ACCOUNTS => {
                    changes.push(Change::Accounts { identifier });
                }
                _ => {}
            }
        }
        Ok(changes)
    }

    /// Tells what has been committed.
    pub(super) fn tell(&self, changes: &[Change]) {
        if let Some(listener) = self.0.get() {
            changes.iter().for_each(listener);
        }
    }
}
