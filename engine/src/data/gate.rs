//! The gate: a bearer token becomes a grant, or a refusal that says why.

use std::sync::Arc;

use http::HeaderMap;

use super::{DataPlane, refusal::Refusal};
use crate::{
    accounts::AccountView,
    bearer,
    settings::Connection,
    signing::{AccessLevel, Claims, TokenError, TokenType},
    store::{AccountStatus, MappingRecord, Tools},
};

/// Which server a request is for, as its path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// By the UUID in the URL.
    Config(String),
    Connection(String),
}

/// What one request may do: whose it is and which tools are in reach.
#[derive(Debug)]
pub(super) struct Grant {
    /// The config whose server this is; none for a connection's own.
    pub(super) config_id: Option<String>,
    /// The user.
    pub(super) identifier: String,
    /// The connections in reach, in the config's order.
    pub(super) scope: Vec<Mapping>,
    /// Only tools annotated as read-only.
    pub(super) read_only: bool,
}

impl Grant {
    /// The user's accounts that it reaches.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &AccountView> {
        let accounts = self.scope.iter().map(|mapping| mapping.account.as_ref());
        accounts.flatten()
    }

    /// Whether a listing shows the same tools for this and for `other`, as far as they decide it.
    pub(super) fn shows_the_same(&self, other: &Grant) -> bool {
        let shown = |grant: &Grant| {
            let mappings = grant.scope.iter().map(|mapping| {
                let account = mapping.account.as_ref();
                (
                    mapping.connection.name.clone(),
                    mapping.tools.clone(),
                    account.map(|account| (account.id.clone(), account.status)),
                )
            });
            mappings.collect::<Vec<_>>()
        };
        shown(self) == shown(other)
    }
}

/// One connection in reach and which of its tools.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) connection: Arc<Connection>,
    pub(super) tools: Tools,
    /// The user's account, as of this request.
    pub(super) account: Option<AccountView>,
}

impl DataPlane {
    /// What a token allows at this server right now. The token is checked before, so that a stranger
    /// cannot learn which URLs exist.
    pub(super) async fn grant(&self, address: &Address, claims: &Claims) -> Result<Grant, Refusal> {
        let targets = match address {
            Address::Config(uuid) => self.config_targets(uuid, claims).await?,
            Address::Connection(name) => vec![self.connection_target(name, claims)?],
        };
        let connections: Vec<&Connection> = targets
            .iter()
            .map(|(connection, _)| &**connection)
            .collect();
        let accounts = self.engine.accounts();
        let accounts = accounts.for_calls(&connections, &claims.sub).await;
        let accounts = accounts.map_err(|error| {
            tracing::error!(%error, "cannot read accounts");
            Refusal::internal()
        })?;
        let mapping = |((connection, tools), account)| Mapping {
            connection,
            tools,
            account,
        };
        let scope = targets.into_iter().zip(accounts).map(mapping).collect();
        Ok(Grant {
            config_id: claims.mcp_cfg.clone(),
            identifier: claims.sub.clone(),
            scope,
            read_only: claims.access_level == Some(AccessLevel::ReadOnly),
        })
    }

    /// Refuses a token that is older than a connection of the user: a new one will hold that
    /// account, and a session mints one by itself.
    pub(super) fn check_current(
        &self,
        address: &Address,
        claims: &Claims,
        grant: &Grant,
    ) -> Result<(), Refusal> {
        let minted_for = claims.ca_ids.as_deref().unwrap_or_default();
        let outdated = grant.scope.iter().any(|mapping| match &mapping.account {
            Some(account) => {
                account.status == AccountStatus::Active && !minted_for.contains(&account.id)
            }
            None => !mapping.connection.auth.needs_credential(),
        });
        if outdated {
            return Err(Refusal::token_invalid(
                &self.metadata_url(&self.url(address)),
                "token_outdated",
                "the user has gained a connection since the session token was minted: mint a new one",
            ));
        }
        Ok(())
    }

    pub(super) fn url(&self, address: &Address) -> String {
        match address {
            Address::Config(uuid) => self.engine.server_url(uuid),
            Address::Connection(name) => self.engine.connection_url(name),
        }
    }

    /// What the token of a request says, if it is one for this server.
    pub(super) fn claims(&self, address: &Address, headers: &HeaderMap) -> Result<Claims, Refusal> {
        let url = self.url(address);
        let metadata = self.metadata_url(&url);
        let invalid = |reason, message| Refusal::token_invalid(&metadata, reason, message);
        let token = bearer::only_token(headers).ok_or_else(|| Refusal::token_missing(&metadata))?;
        let claims = self
            .engine
            .signer()
            .verify(token)
            .map_err(|error| match error {
                TokenError::Expired => self.token_expired(address),
                TokenError::Malformed | TokenError::BadSignature => invalid(
                    "token_invalid",
                    "this is not a session token of this environment",
                ),
            })?;
        if claims.token_type != TokenType::McpSession {
            return Err(invalid(
                "token_invalid",
                "this is an access token of the API, not a session token",
            ));
        }
        if claims.aud != url || claims.iss != self.engine.issuer() {
            return Err(invalid(
                "wrong_audience",
                "the session token is for another MCP server",
            ));
        }
        if headers.get_all("mcp-protocol-version").iter().count() > 1 {
            return Err(Refusal::duplicate_version());
        }
        Ok(claims)
    }

    pub(super) fn token_expired(&self, address: &Address) -> Refusal {
        Refusal::token_invalid(
            &self.metadata_url(&self.url(address)),
            "token_expired",
            "the session token has expired: mint a new one",
        )
    }

    async fn config_targets(
        &self,
        uuid: &str,
        claims: &Claims,
    ) -> Result<Vec<(Arc<Connection>, Tools)>, Refusal> {
        let config = self
            .engine
            .config_by_server_uuid(uuid)
            .await
            .map_err(|error| {
                tracing::error!(%error, "cannot read a config");
                Refusal::internal()
            })?;
        // The token was minted for this URL, so a config that is not there has been deleted.
        let config = config.ok_or_else(|| {
            Refusal::not_found(
                "mcp_config_deleted",
                "this Virtual MCP server has been deleted",
            )
        })?;
        if claims.mcp_cfg.as_deref() != Some(config.id.as_str()) {
            return Err(Refusal::not_found(
                "mcp_config_deleted",
                "this Virtual MCP server has been replaced",
            ));
        }
        // A connection that has left the settings since is out of reach.
        let reachable = |mapping: MappingRecord| {
            let connection = self.engine.connection(&mapping.connection_name)?;
            Some((Arc::clone(connection), mapping.tools))
        };
        Ok(config.mappings.into_iter().filter_map(reachable).collect())
    }

    fn connection_target(
        &self,
        name: &str,
        claims: &Claims,
    ) -> Result<(Arc<Connection>, Tools), Refusal> {
        let gone = || Refusal::not_found("connection_not_found", "this connection does not exist");
        let connection = self.engine.connection(name).ok_or_else(gone)?;
        let id = self.engine.connection_id(&connection.name);
        if id.is_none() || claims.conn_id.as_deref() != id {
            return Err(gone());
        }
        Ok((Arc::clone(connection), Tools::All))
    }

    /// Where RFC 9728 puts the document about `url`.
    fn metadata_url(&self, url: &str) -> String {
        let base = self.engine.issuer();
        let path = url.strip_prefix(base).unwrap_or_default();
        format!("{base}/.well-known/oauth-protected-resource{path}")
    }
}
