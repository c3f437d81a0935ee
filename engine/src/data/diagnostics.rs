//! Why a user sees what they see: told from what was seen last, no upstream is asked.

use std::{collections::BTreeMap, sync::Arc};

use rmcp::model::Tool;

use super::{
    DataPlane,
    admission::{admit, clashes},
    gate::{Grant, Mapping},
};
use crate::{
    local::diagnostics::{DiagnosedError, Diagnosis, DiagnosticsFilter, LeftOutTool},
    store::{AccountDetails, AccountFilter, ConfigRecord, StoreError},
};

/// Nobody reads more at once.
const MOST: u32 = 1000;

impl DataPlane {
    /// The accounts that match, by connection and user. `None` if there is no such config.
    pub(crate) async fn diagnostics(
        &self,
        filter: DiagnosticsFilter,
    ) -> Result<Option<Vec<Diagnosis>>, StoreError> {
        let store = self.engine.store();
        let config = match &filter.config_id {
            None => None,
            Some(id) => match store.config(id).await? {
                None => return Ok(None),
                config => config,
            },
        };
        let connection_ids = config.as_ref().map(|config| {
            let mappings = config.mappings.iter();
            mappings
                .map(|mapping| mapping.connection_id.clone())
                .collect()
        });
        let accounts = AccountFilter {
            connection_ids,
            connection_names: filter.connection_name.clone().map(|name| vec![name]),
            identifier: filter.identifier,
            search: None,
        };
        let mut found = store.list_accounts(accounts, MOST, None).await?.items;
        found.sort_by(|one, other| {
            let key = |details: &AccountDetails| {
                (
                    details.connection_name.clone(),
                    details.account.identifier.clone(),
                )
            };
            key(one).cmp(&key(other))
        });
        let mut diagnoses: Vec<_> = found.iter().map(|details| self.diagnose(details)).collect();
        if let Some(config) = config {
            self.add_clashes(config, &mut diagnoses);
        }
        Ok(Some(diagnoses))
    }

    fn diagnose(&self, details: &AccountDetails) -> Diagnosis {
        let (account, connection) = (&details.account, &details.connection_name);
        let seen = self.catalogues.seen(&account.id);
        let left_out = seen.listing.iter().flat_map(|listing| &*listing.left_out);
        Diagnosis {
            connection_name: connection.clone(),
            identifier: account.identifier.clone(),
            connected_account_id: account.id.clone(),
            account_status: account.status.into(),
            protocol_version: self
                .engine
                .upstreams()
                .protocol_version(connection, &account.id),
            tool_count: seen.listing.as_ref().map(|listing| listing.tools.len()),
            left_out: left_out
                .map(|left_out| LeftOutTool {
                    tool: left_out.tool.clone(),
                    reason: left_out.reason.to_owned(),
                    message: left_out.message.clone(),
                })
                .collect(),
            last_error: seen.error.map(|error| DiagnosedError {
                at: error.at.into(),
                message: error.message,
            }),
            retry_at: self
                .engine
                .upstreams()
                .retry_at(connection, &account.id)
                .map(Into::into),
        }
    }

    /// Adds, for each user, the tools of a config that two of its connections bring.
    fn add_clashes(&self, config: ConfigRecord, diagnoses: &mut [Diagnosis]) {
        let scope: Vec<Mapping> = config
            .mappings
            .into_iter()
            .filter_map(|mapping| {
                Some(Mapping {
                    connection: Arc::clone(self.engine.connection(&mapping.connection_name)?),
                    tools: mapping.tools,
                    account: None,
                })
            })
            .collect();
        let grant = Grant {
            config_id: None,
            identifier: String::new(),
            scope: Vec::new(),
            read_only: false,
        };
        let mut users: BTreeMap<String, Vec<&mut Diagnosis>> = BTreeMap::new();
        for diagnosis in diagnoses {
            let user = users.entry(diagnosis.identifier.clone()).or_default();
            user.push(diagnosis);
        }
        for mut accounts in users.into_values() {
            let listings: Vec<(&Mapping, Arc<[Tool]>)> = scope
                .iter()
                .filter_map(|mapping| {
                    let account = accounts
                        .iter()
                        .find(|account| account.connection_name == mapping.connection.name)?;
                    let listing = self
                        .catalogues
                        .seen(&account.connected_account_id)
                        .listing?;
                    Some((mapping, listing.tools))
                })
                .collect();
            let clashing = clashes(&grant, &listings);
            for (mapping, tools) in &listings {
                let account = accounts
                    .iter_mut()
                    .find(|account| account.connection_name == mapping.connection.name);
                let Some(account) = account else { continue };
                let out = tools.iter().filter(|tool| {
                    admit(&grant, mapping, tool) && clashing.contains(&tool.name.as_ref())
                });
                account.left_out.extend(out.map(|tool| LeftOutTool {
                    tool: tool.name.to_string(),
                    reason: "name_of_two_connections".to_owned(),
                    message: format!(
                        "another connection of the config also has a tool `{}`; show it from one of them, or give it another name with `rename` or `prefix`",
                        tool.name
                    ),
                }));
            }
        }
    }
}
