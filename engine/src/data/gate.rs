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
pub(super) enum Address {
    /// By the UUID in the URL.
    Config(String),
    Connection(String),
}

/// What one request may do: whose it is and which tools are in reach.
#[derive(Debug)]
pub(super) struct Grant {
    /// The `x-request-id` of the answer.
    pub(super) request_id: String,
    /// The config whose server this is; none for a connection's own.
    pub(super) config_id: Option<String>,
    /// The user.
    pub(super) identifier: String,
    /// The connections in reach, in the config's order.
    pub(super) scope: Vec<Mapping>,
    /// Only tools annotated as read-only.
    pub(super) read_only: bool,
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
    /// Token first, then the server: a stranger cannot learn which URLs exist.
    pub(super) async fn admit_request(
        &self,
        address: &Address,
        headers: &HeaderMap,
    ) -> Result<Grant, Refusal> {
        let url = self.url(address);
        let claims = self.claims(&url, headers)?;
        if headers.get_all("mcp-protocol-version").iter().count() > 1 {
            return Err(Refusal::duplicate_version());
        }
        let targets = match address {
            Address::Config(uuid) => self.config_targets(uuid, &claims).await?,
            Address::Connection(name) => vec![self.connection_target(name, &claims)?],
        };
        let minted_for = claims.ca_ids.unwrap_or_default();
        let mut scope = Vec::with_capacity(targets.len());
        for (connection, tools) in targets {
            let account = self.account(&connection, &claims.sub).await?;
            let usable = match &account {
                Some(account) => account.status == AccountStatus::Active,
                None => !connection.auth.needs_credential(),
            };
            let known = account
                .as_ref()
                .is_some_and(|account| minted_for.contains(&account.id));
            if usable && !known {
                // A new token will hold this account, and a session mints one by itself.
                return Err(Refusal::token_invalid(
                    &self.metadata_url(&url),
                    "token_outdated",
                    "the user has gained a connection since the session token was minted: mint a new one",
                ));
            }
            scope.push(Mapping {
                connection,
                tools,
                account,
            });
        }
        Ok(Grant {
            request_id: self.engine.request_ids().next(),
            config_id: claims.mcp_cfg,
            identifier: claims.sub,
            scope,
            read_only: claims.access_level == Some(AccessLevel::ReadOnly),
        })
    }

    pub(super) fn url(&self, address: &Address) -> String {
        match address {
            Address::Config(uuid) => self.engine.server_url(uuid),
            Address::Connection(name) => self.engine.connection_url(name),
        }
    }

    async fn account(
        &self,
        connection: &Connection,
        identifier: &str,
    ) -> Result<Option<AccountView>, Refusal> {
        let found = self
            .engine
            .accounts()
            .for_call(connection, identifier)
            .await;
        found.map_err(|error| {
            tracing::error!(connection = connection.name, %error, "cannot read an account");
            Refusal::internal()
        })
    }

    fn claims(&self, url: &str, headers: &HeaderMap) -> Result<Claims, Refusal> {
        let metadata = self.metadata_url(url);
        let invalid = |reason, message| Refusal::token_invalid(&metadata, reason, message);
        let token = bearer::only_token(headers).ok_or_else(|| Refusal::token_missing(&metadata))?;
        let claims = self
            .engine
            .signer()
            .verify(token)
            .map_err(|error| match error {
                TokenError::Expired => invalid(
                    "token_expired",
                    "the session token has expired: mint a new one",
                ),
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
        Ok(claims)
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
