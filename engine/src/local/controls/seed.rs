//! Configs and accounts that a test begins with.

use std::{collections::HashSet, fmt};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use crate::{
    accounts::{KeyProblem, credential, credential_for, new_account},
    control::seed::{SeededMapping, checked_config, longest_identifier},
    engine::Engine,
    store,
};

/// Where an account is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountStatus {
    /// May be used.
    Active,
    /// Its credential is not good any more.
    Expired,
    /// Waits for its user to authorize it.
    PendingAuth,
    /// Waits for the application to say who its user is.
    PendingVerification,
    /// Somebody took its credential away.
    Disconnected,
}

impl From<AccountStatus> for store::AccountStatus {
    fn from(status: AccountStatus) -> Self {
        match status {
            AccountStatus::Active => Self::Active,
            AccountStatus::Expired => Self::Expired,
            AccountStatus::PendingAuth => Self::PendingAuth,
            AccountStatus::PendingVerification => Self::PendingVerification,
            AccountStatus::Disconnected => Self::Disconnected,
        }
    }
}

impl From<store::AccountStatus> for AccountStatus {
    fn from(status: store::AccountStatus) -> Self {
        match status {
            store::AccountStatus::Active => Self::Active,
            store::AccountStatus::Expired => Self::Expired,
            store::AccountStatus::PendingAuth => Self::PendingAuth,
            store::AccountStatus::PendingVerification => Self::PendingVerification,
            store::AccountStatus::Disconnected => Self::Disconnected,
        }
    }
}

/// Configs and accounts to store at once, all of them or none.
///
/// ```
/// use scalekit_vmcp_engine::controls::{Seed, SeedAccount, SeedConfig};
///
/// let seed = Seed::new()
///     .config(SeedConfig::new("agent").connection("gmail", ["gmail_read"]).all_tools_of("calendar"))
///     .account(SeedAccount::new("gmail", "user_1").credential("a-key"));
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    configs: Vec<SeedConfig>,
    accounts: Vec<SeedAccount>,
}

impl Seed {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this config too.
    #[must_use]
    pub fn config(mut self, config: SeedConfig) -> Self {
        self.configs.push(config);
        self
    }

    /// With this account too.
    #[must_use]
    pub fn account(mut self, account: SeedAccount) -> Self {
        self.accounts.push(account);
        self
    }
}

/// A config to store. The rules are those of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedConfig {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    connection_tool_mappings: Vec<SeedMapping>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedMapping {
    connection_name: String,
    /// All of them if there is no list.
    #[serde(default)]
    tools: Option<Vec<String>>,
}

impl SeedConfig {
    /// A config of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            connection_tool_mappings: Vec::new(),
        }
    }

    /// With this description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// With these tools of a connection.
    #[must_use]
    pub fn connection<T: Into<String>>(
        mut self,
        name: impl Into<String>,
        tools: impl IntoIterator<Item = T>,
    ) -> Self {
        self.connection_tool_mappings.push(SeedMapping {
            connection_name: name.into(),
            tools: Some(tools.into_iter().map(Into::into).collect()),
        });
        self
    }

    /// With all tools of a connection.
    #[must_use]
    pub fn all_tools_of(mut self, name: impl Into<String>) -> Self {
        self.connection_tool_mappings.push(SeedMapping {
            connection_name: name.into(),
            tools: None,
        });
        self
    }
}

/// An account to store: of a user on a connection.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAccount {
    connection_name: String,
    identifier: String,
    /// Without one: `ACTIVE` with a credential, else what a new account has.
    #[serde(default)]
    status: Option<AccountStatus>,
    #[serde(default)]
    credential: Option<SecretText>,
}

/// A credential as it is sent to us.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl SeedAccount {
    /// The account of this user on this connection. Its status is `ACTIVE` with a credential and
    /// where none is needed, else `PENDING_AUTH`.
    pub fn new(connection_name: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self {
            connection_name: connection_name.into(),
            identifier: identifier.into(),
            status: None,
            credential: None,
        }
    }

    /// With this status.
    #[must_use]
    pub fn status(mut self, status: AccountStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// With this credential, an API key.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into().into());
        self
    }
}

impl fmt::Debug for SeedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedAccount")
            .field("connection_name", &self.connection_name)
            .field("identifier", &self.identifier)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Seed {
    /// Stores it, if all of it can be stored.
    pub(super) async fn store(self, engine: &Engine) -> Result<(), ControlError> {
        let mut configs = Vec::new();
        let mut names = HashSet::new();
        for (index, config) in self.configs.into_iter().enumerate() {
            let place = format!("configs[{index}]");
            if !names.insert(config.name.clone()) {
                return Err(twice(format!("{place}.name"), &config.name));
            }
            configs.push(checked(engine, &place, config).await?);
        }
        let mut accounts = Vec::new();
        let mut users = HashSet::new();
        for (index, account) in self.accounts.into_iter().enumerate() {
            let place = format!("accounts[{index}]");
            let key = (account.connection_name.clone(), account.identifier.clone());
            let identifier = account.identifier.clone();
            accounts.push(account.checked(engine, &place)?);
            if !users.insert(key) {
                return Err(twice(format!("{place}.identifier"), &identifier));
            }
        }
        let now = engine.clock().now();
        match engine.store().seed(configs, accounts, now).await? {
            Ok(()) => Ok(()),
            Err(store::Clash::Config(index)) => Err(ControlError::invalid(
                format!("configs[{index}].name"),
                format!("`configs[{index}].name`: there is a config of this name already"),
            )),
            Err(store::Clash::Account(index)) => Err(ControlError::invalid(
                format!("accounts[{index}].identifier"),
                format!(
                    "`accounts[{index}].identifier`: this user has an account on this connection already"
                ),
            )),
        }
    }
}

fn twice(place: String, value: &str) -> ControlError {
    let message = format!("`{place}`: `{}` comes twice", value.escape_debug());
    ControlError::invalid(place, message)
}

async fn checked(
    engine: &Engine,
    place: &str,
    config: SeedConfig,
) -> Result<store::NewConfig, ControlError> {
    for (index, mapping) in config.connection_tool_mappings.iter().enumerate() {
        if mapping.tools.as_ref().is_some_and(Vec::is_empty) {
            let field = format!("{place}.connection_tool_mappings[{index}].tools");
            let message = format!("`{field}` is empty; leave it out to show every tool");
            return Err(ControlError::invalid(field, message));
        }
    }
    let mappings = config
        .connection_tool_mappings
        .into_iter()
        .map(|mapping| SeededMapping {
            connection_name: mapping.connection_name,
            tools: mapping.tools,
        })
        .collect();
    checked_config(engine, config.name, config.description, mappings)
        .await?
        .map_err(|problems| {
            let sentences: Vec<String> = problems
                .iter()
                .map(|(field, rule)| format!("`{place}.{field}` {rule}"))
                .collect();
            let field = problems
                .first()
                .map(|(field, _)| format!("{place}.{field}"));
            ControlError::invalid(field.unwrap_or_default(), sentences.join("; "))
        })
}

impl SeedAccount {
    fn checked(self, engine: &Engine, place: &str) -> Result<store::SeedAccount, ControlError> {
        let wrong = |field: &str, rule: String| {
            let field = format!("{place}.{field}");
            let message = format!("`{field}` {rule}");
            ControlError::invalid(field, message)
        };
        let entry = super::steer::connection(engine, &self.connection_name)
            .map_err(|message| wrong("connection_name", message))?;
        longest_identifier(&self.identifier).map_err(|rule| wrong("identifier", rule))?;
        let needed = entry.connection.auth.needs_credential();
        let key = match &self.credential {
            None => None,
            Some(_) if !needed => {
                let rule = "is not needed by this connection; leave it out";
                return Err(wrong("credential", rule.to_owned()));
            }
            Some(SecretText(text)) => Some(
                credential(text.expose_secret())
                    .map_err(|problem| wrong("credential", key_rule(problem).to_owned()))?,
            ),
        };
        let mut account = new_account(entry, &self.identifier);
        if key.is_some() {
            account.status = store::AccountStatus::Active;
        }
        if let Some(status) = self.status {
            if status == AccountStatus::Active && needed && key.is_none() {
                let rule = "cannot be `ACTIVE` without a `credential`, which this connection needs";
                return Err(wrong("status", rule.to_owned()));
            }
            account.status = status.into();
        }
        Ok(store::SeedAccount {
            account,
            credential: key.map(|key| credential_for(&entry.connection.auth, key)),
        })
    }
}

/// What a credential is not.
pub(super) fn key_rule(problem: KeyProblem) -> &'static str {
    match problem {
        KeyProblem::Empty => "is empty",
        KeyProblem::TooLong => "has more than 4096 characters",
        KeyProblem::NotOneLine => "is not one line of text",
    }
}
