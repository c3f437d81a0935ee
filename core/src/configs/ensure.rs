//! `ensure_config`: the config as it should be, whatever is there.

use std::collections::HashSet;

use serde::Deserialize;

use super::{NewConfig, UpdateConfig, find};
use crate::{
    Call, Client, Config, ConnectionToolMapping, EnsuredConfig, Error, ErrorKind, Outcome, Result,
    Tools,
    operations::{Exchange, Operation},
};

/// How often somebody else may create or delete the config between two of our requests.
const ROUNDS: usize = 3;

impl Client {
    /// Makes a config be as given: creates it, changes it, or leaves it alone. Meant for the start
    /// of a program that declares its agent roles.
    ///
    /// The config is found by its exact name. Description and mappings are compared by meaning (the
    /// order of connections and tools does not matter) and only what differs is sent; what is not
    /// given is left as it is. Callers that race for one name end with one config and no error; if
    /// they want different things, the last one wins.
    ///
    /// The answer says what was done, which tools the agents gained and lost, and whether they can
    /// now do more than before.
    ///
    /// # Errors
    /// Those of [`create_config`](Self::create_config) and [`update_config`](Self::update_config).
    /// `cannot_clear` when the config has a description or mappings and none are wanted: the API
    /// cannot remove them, and nothing is changed.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig, Outcome};
    ///
    /// let client = Client::from_env()?;
    /// let role = NewConfig::new("docs-ensure").connection("gmail", ["gmail_fetch_mails"]);
    /// let ensured = client.ensure_config(role.clone()).await?;
    /// assert_eq!(ensured.outcome, Outcome::Created);
    ///
    /// let again = client.ensure_config(role.all_tools_of("googlecalendar")).await?;
    /// assert_eq!(again.outcome, Outcome::Updated);
    /// if again.widened {
    ///     println!("agents can now do more: {:?}", again.tools_added);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn ensure_config(&self, config: NewConfig) -> Call<EnsureConfig> {
        self.start(EnsureConfig(config))
    }
}

/// See [`Client::ensure_config`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct EnsureConfig(NewConfig);

impl Operation for EnsureConfig {
    type Response = EnsuredConfig;
    const NAME: &'static str = "ensure_config";

    async fn perform(&self, client: &Client) -> Result<EnsuredConfig> {
        // Checks every rule before anything is sent.
        self.0.request()?;
        let client = client.for_one_call();
        client.as_one_call(self.settle(&client)).await
    }
}

impl EnsureConfig {
    async fn settle(&self, client: &Client) -> Result<EnsuredConfig> {
        let wanted = &self.0;
        let name = wanted.name.as_deref().unwrap_or_default();
        // What came of creating it, if that did not simply work.
        let mut refused: Option<Error> = None;
        for _ in 0..ROUNDS {
            match (find(client, name).await?, refused.take()) {
                (Some(config), refused) => match self.adjust(client, config).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    // What created it is our own request, whose answer was lost.
                    Ok(Adjusted::Nothing(config)) if refused.is_some_and(|why| why.is_lost()) => {
                        return Ok(EnsuredConfig::created(config));
                    }
                    adjusted => return adjusted.map(Into::into),
                },
                // It was refused for another reason than that the name is taken.
                (None, Some(refused)) => return Err(refused),
                (None, None) => match client.exchange(wanted).await {
                    Err(error) if may_exist(&error) => refused = Some(error),
                    created => return created.map(EnsuredConfig::created),
                },
            }
        }
        Err(refused.unwrap_or_else(|| {
            Error::new(
                ErrorKind::Conflict,
                "conflict",
                format!("config `{name}` was created and deleted by others all the time"),
            )
        }))
    }

    /// Changes what differs.
    async fn adjust(&self, client: &Client, config: Config) -> Result<Adjusted> {
        let wanted = &self.0;
        let description = wanted
            .description
            .as_deref()
            .filter(|text| *text != config.description.as_deref().unwrap_or_default());
        let now = &config.connection_tool_mappings;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let mappings = wanted.connection_tool_mappings.as_ref().filter(|mappings| {
            added = gained(now, mappings);
            removed = gained(mappings, now);
            // A connection named twice is for the server to judge.
            !added.is_empty() || !removed.is_empty() || names_one_twice(mappings)
        });
        if description.is_none() && mappings.is_none() {
            return Ok(Adjusted::Nothing(config));
        }
        // Refuses to clear what the API cannot clear, before anything is sent.
        let update = UpdateConfig {
            config_id: Some(config.id),
            description: description.map(str::to_owned),
            connection_tool_mappings: mappings.cloned(),
        };
        Ok(Adjusted::Changed(EnsuredConfig {
            config: client.exchange(&update).await?,
            outcome: Outcome::Updated,
            widened: !added.is_empty(),
            tools_added: added,
            tools_removed: removed,
        }))
    }
}

/// What became of a config that was there already.
enum Adjusted {
    Nothing(Config),
    Changed(EnsuredConfig),
}

impl From<Adjusted> for EnsuredConfig {
    fn from(adjusted: Adjusted) -> Self {
        match adjusted {
            Adjusted::Nothing(config) => Self::unchanged(config),
            Adjusted::Changed(ensured) => ensured,
        }
    }
}

impl EnsuredConfig {
    fn created(config: Config) -> Self {
        Self {
            outcome: Outcome::Created,
            tools_added: gained(&[], &config.connection_tool_mappings),
            tools_removed: Vec::new(),
            widened: !config.connection_tool_mappings.is_empty(),
            config,
        }
    }

    fn unchanged(config: Config) -> Self {
        Self {
            outcome: Outcome::Unchanged,
            tools_added: Vec::new(),
            tools_removed: Vec::new(),
            widened: false,
            config,
        }
    }
}

/// Whether a create that ended so may mean that the config is there.
fn may_exist(error: &Error) -> bool {
    // A duplicate name is answered with 409 or 400 (docs/assumptions.md 1).
    matches!(error.status(), Some(400 | 409)) || error.is_lost()
}

fn names_one_twice(mappings: &[ConnectionToolMapping]) -> bool {
    let mut seen = HashSet::new();
    !mappings
        .iter()
        .all(|mapping| seen.insert(&mapping.connection_name))
}

/// What `after` shows and `before` does not.
fn gained(
    before: &[ConnectionToolMapping],
    after: &[ConnectionToolMapping],
) -> Vec<ConnectionToolMapping> {
    after
        .iter()
        .filter_map(|mapping| {
            let old = before
                .iter()
                .find(|old| old.connection_name == mapping.connection_name)
                .map(|old| &old.tools);
            let tools = match (old, &mapping.tools) {
                (Some(Tools::All), _) => return None,
                (None, tools) => tools.clone(),
                (Some(Tools::Only(_)), Tools::All) => Tools::All,
                (Some(Tools::Only(old)), Tools::Only(new)) => {
                    let more: Vec<String> = new
                        .iter()
                        .filter(|tool| !old.contains(tool))
                        .cloned()
                        .collect();
                    if more.is_empty() {
                        return None;
                    }
                    Tools::Only(more)
                }
            };
            Some(ConnectionToolMapping {
                tools,
                ..ConnectionToolMapping::all(&mapping.connection_name)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
