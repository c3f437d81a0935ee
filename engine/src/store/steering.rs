//! What only tests ask of the database: links without their secrets, and many things at once.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::{
    AccountStatus, Credential, LinkState, NewAccount, NewConfig, SecretHash, Store, StoreError,
    accounts, configs, credentials, links,
};

/// A link as a test sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LinkRecord {
    pub(crate) hash: SecretHash,
    pub(crate) connection_id: String,
    pub(crate) identifier: String,
    pub(crate) state: LinkState,
    pub(crate) expires_at: Timestamp,
}

/// An account to seed.
#[derive(Debug, Clone)]
pub(crate) struct SeedAccount {
    /// With the status it shall have.
    pub(crate) account: NewAccount,
    pub(crate) credential: Option<Credential>,
}

/// What is there already, by its place among what was to be seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash {
    Config(usize),
    Account(usize),
}

impl Store {
    /// All links that are remembered, the oldest first.
    pub(crate) async fn links(&self, now: Timestamp) -> Result<Vec<LinkRecord>, StoreError> {
        self.read(move |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT secret_hash, connection_id, identifier, expires_at FROM links
                 JOIN accounts ON accounts.id = account_id
                 ORDER BY expires_at, accounts.id, secret_hash",
            )?;
            let rows = statement.query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?))
            })?;
            rows.map(|row| {
                let (hash, connection_id, identifier, expires_at) = row?;
                Ok(LinkRecord {
                    state: links::state(tx, &hash, now)?,
                    hash,
                    connection_id,
                    identifier,
                    expires_at: Timestamp::from_microsecond(expires_at).unwrap_or(Timestamp::MAX),
                })
            })
            .collect()
        })
        .await
    }

    /// The link whose hash starts like this.
    pub(crate) async fn link_by_start(
        &self,
        start: [u8; 16],
    ) -> Result<Option<SecretHash>, StoreError> {
        self.read(move |tx| {
            Ok(tx
                .prepare_cached(
                    "SELECT secret_hash FROM links WHERE substr(secret_hash, 1, 16) = ?1",
                )?
                .query_row([start.as_slice()], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    /// Moves the user's account on a connection to another status, and answers its id.
    pub(crate) async fn set_status_of(
        &self,
        connection_id: &str,
        identifier: &str,
        status: AccountStatus,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let (connection_id, identifier) = (connection_id.to_owned(), identifier.to_owned());
        self.write(move |tx| {
            let Some(account) = accounts::find(tx, &connection_id, &identifier)? else {
                return Ok(None);
            };
            accounts::set_status(tx, &account.id, status, now)?;
            Ok(Some(account.id))
        })
        .await
    }

    /// Stores configs and accounts, all of them or none. No two may have one name or one user.
    pub(crate) async fn seed(
        &self,
        configs: Vec<NewConfig>,
        seeded: Vec<SeedAccount>,
        now: Timestamp,
    ) -> Result<Result<(), Clash>, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            // All looked at before anything is written: what is there already leaves no trace.
            for (index, config) in configs.iter().enumerate() {
                let sql = "SELECT 1 FROM configs WHERE name = ?1";
                if tx.prepare_cached(sql)?.exists([&config.name])? {
                    return Ok(Err(Clash::Config(index)));
                }
            }
            for (index, SeedAccount { account, .. }) in seeded.iter().enumerate() {
                if accounts::find(tx, &account.connection_id, &account.identifier)?.is_some() {
                    return Ok(Err(Clash::Account(index)));
                }
            }
            for config in &configs {
                configs::create(tx, config)?;
            }
            for seed in &seeded {
                let status = seed.account.status;
                let id = accounts::ensure(tx, &seed.account, now)?.id;
                if let Some(credential) = &seed.credential {
                    credentials::set(tx, &vault, &id, credential, status, now)?;
                }
            }
            Ok(Ok(()))
        })
        .await
    }
}
