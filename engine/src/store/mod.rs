//! The database: the only room with SQL. Rows in, rows out; one thread writes, one reads.

mod account_list;
mod accounts;
mod audit;
mod authorizations;
mod catalogue;
mod changes;
mod configs;
mod credentials;
mod ids;
mod instances;
mod keys;
mod links;
mod migrations;
mod pages;
mod steering;
mod vault;
mod verifications;
mod worker;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};

pub(crate) use self::{
    account_list::{AccountFilter, AccountSearch},
    accounts::{
        AccountChange, AccountDetails, AccountKey, AccountRecord, AccountStatus, ApiConfig,
        NewAccount,
    },
    audit::{AuditQuery, AuditRow},
    authorizations::{Begun, NewAuthorization},
    changes::Change,
    configs::{
        ConfigChange, ConfigFilter, ConfigRecord, MappingRecord, NewConfig, NewMapping, Tools,
    },
    credentials::{Credential, CredentialKind, Tokens},
    instances::{InstanceChange, InstanceFilter, InstanceRecord, NewInstance, Taken},
    keys::ConnectionName,
    links::{LinkState, NewLink, SecretHash, Verification},
    pages::{Cursor, Page},
    steering::{Clash, SeedAccount},
    verifications::{NewRequest, Verified},
};
use self::{
    changes::Changes,
    ids::next_id,
    vault::{KeySource, Vault},
    worker::Worker,
};

/// The store; clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Dropped in this order: the writer's connection closes last, and only then may another open.
struct Inner {
    reader: Worker,
    writer: Worker,
    changes: Changes,
    vault: Arc<Vault>,
    _lock: Lock,
}

/// What can go wrong with the database. Never holds a value from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("it is in use by another engine{}; stop that one or choose another data folder", process(*.pid))]
    Locked {
        /// The other engine's process, where it is known.
        pid: Option<u32>,
    },
    #[error("it cannot be written; check the permissions of the file and its folder")]
    ReadOnly,
    #[error("it is damaged or not a database; restore it from a copy or delete it to start anew")]
    Corrupt,
    #[error("it is a database of another program; choose another data folder")]
    Foreign,
    #[error(
        "it was written by a newer vmcp (schema {found}, this one knows {known}); upgrade vmcp"
    )]
    Newer { found: i64, known: i64 },
    #[error("its encryption key `{}` is gone; restore the file, or delete the database to start anew", .0.display())]
    MissingKey(PathBuf),
    #[error("it was encrypted with another key; restore the key it was made with")]
    WrongKey,
    #[error("{0} does not hold an encryption key; it should be 32 bytes in base64")]
    MalformedKey(String),
    #[error("the disk is full, or files must not grow any more; free some space")]
    DiskFull,
    #[error("cannot use the file `{}`: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the system's random numbers or cryptography failed")]
    Cryptography,
    #[error("it holds a value this version cannot read: {0}")]
    Unreadable(&'static str),
    #[error("the store is closed")]
    Closed,
    #[error("the database failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl StoreError {
    fn file(path: &Path, source: std::io::Error) -> StoreError {
        match source.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly
            }
            std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge => StoreError::DiskFull,
            _ => StoreError::File {
                path: path.to_owned(),
                source,
            },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        // SQLite says "full" only where the disk is: a quota or a limit on files is a failed write.
        if matches!(
            error.sqlite_extended_error_code(),
            Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE)
        ) {
            return StoreError::DiskFull;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Locked { pid: None }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt,
            Some(ErrorCode::DiskFull) => StoreError::DiskFull,
            _ => StoreError::Other(error.into()),
        }
    }
}

impl Store {
    /// Opens the database at `path`, creating or migrating it. Blocks for some milliseconds.
    pub(crate) fn open(path: &Path) -> Result<Store, StoreError> {
        Store::open_with_key(path, &KeySource::find(path.with_extension("key")))
    }

    fn open_with_key(path: &Path, key: &KeySource) -> Result<Store, StoreError> {
        let lock = Lock::take(&path.with_extension("lock"))?;
        // Created here and not by SQLite, which would let the world read it; its side files take
        // the same permissions.
        open_private(path)?;

        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if writer.is_readonly("main")? {
            return Err(StoreError::ReadOnly);
        }
        // Checked before the first write, so that another program's file stays as it is.
        migrations::check(&writer)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        // Every commit reaches the disk before it is acknowledged.
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "foreign_keys", true)?;
        migrations::run(&mut writer)?;
        ids::prepare(&writer)?;
        Changes::note(&writer)?;
        let changes = Changes::default();
        let vault = keys::open_vault(&writer, key)?;

        let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let thread = |error| StoreError::file(path, error);
        Ok(Store {
            inner: Arc::new(Inner {
                reader: Worker::start("vmcp-read", reader, TransactionBehavior::Deferred, None)
                    .map_err(thread)?,
                writer: Worker::start(
                    "vmcp-write",
                    writer,
                    TransactionBehavior::Immediate,
                    Some(changes.clone()),
                )
                .map_err(thread)?,
                changes,
                vault: Arc::new(vault),
                _lock: lock,
            }),
        })
    }

    /// Lets `listener` know of every change once it is committed, and before who made it does. It
    /// runs on the thread that writes: it must be quick.
    pub(crate) fn on_change(&self, listener: impl Fn(&Change) + Send + Sync + 'static) {
        self.inner.changes.tell_to(Box::new(listener));
    }

    /// Empties configs, accounts, the catalogue, the audit and what belongs to them. Keys, clients and the ids of
    /// connections stay. With a seed, ids follow from it from now on.
    pub(crate) async fn reset(&self, seed: Option<u64>) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.execute_batch(
                "DELETE FROM links; DELETE FROM accounts; DELETE FROM configs; DELETE FROM catalogue; DELETE FROM audit;",
            )?;
            ids::seed(tx, seed)
        })
        .await
    }

    /// Refuses a database that another engine uses; makes nothing.
    pub(crate) fn check_free(path: &Path) -> Result<(), StoreError> {
        let lock = path.with_extension("lock");
        if lock.exists() {
            Lock::take(&lock)?;
        }
        Ok(())
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(job).await
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.reader.run(job).await
    }

    fn vault(&self) -> Arc<Vault> {
        Arc::clone(&self.inner.vault)
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // More than this room has.
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens a file for writing, creating it if need be, readable by its owner only.
fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let open = || {
        let file = options.open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    };
    open().map_err(|error| StoreError::file(path, error))
}

/// Held while a store is open, so that two engines never write one database.
struct Lock(File);

impl Lock {
    fn take(path: &Path) -> Result<Lock, StoreError> {
        let mut file = open_private(path)?;
        match file.try_lock() {
            Ok(()) => {
                // For whoever finds it locked. It is no reason to stop if that does not work.
                let _ = file
                    .set_len(0)
                    .and_then(|()| writeln!(file, "{}", std::process::id()));
                Ok(Lock(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                let pid = read.ok().and_then(|_| text.trim().parse().ok());
                Err(StoreError::Locked { pid })
            }
            Err(TryLockError::Error(error)) => Err(StoreError::file(path, error)),
        }
    }
}

impl Drop for Lock {
    /// Closing would release it too, but not while a forked child still holds the file.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests;
