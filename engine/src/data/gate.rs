//! The gate: a bearer token becomes a grant, or a refusal that says why.

use std::sync::Arc;

use http::{HeaderMap, header};

use super::{DataPlane, refusal::Refusal};
use crate::{
    settings::Connection,
    signing::{AccessLevel, Claims, TokenError, TokenType},
    store::{MappingRecord, Tools},
};

/// Which server a request is for, as its path says.
pub(super) enum Address {
    Config(String),
    Connection(String),
}

/// What one request may do: whose it is and which tools are in reach.
#[derive(Debug)]
pub(super) struct Grant {
    /// The user.
    pub(super) identifier: String,
    /// The connections in reach, in the config's order.
    pub(super) scope: Vec<Mapping>,
    /// Only tools annotated as read-only.
    pub(super) read_only: bool,
    /// The accounts that were the user's when the token was minted.
    pub(super) account_ids: Vec<String>,
}

/// One connection in reach and which of its tools.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) connection: Arc<Connection>,
    pub(super) tools: Tools,
}

impl DataPlane {
    /// Token first, then the server: a stranger cannot learn which URLs exist.
    pub(super) async fn admit_request(
        &self,
        address: &Address,
        headers: &HeaderMap,
    ) -> Result<Grant, Refusal> {
        let url = match address {
            Address::Config(uuid) => self.engine.server_url(uuid),
            Address::Connection(name) => self.engine.connection_url(name),
        };
        let claims = self.claims(&url, headers)?;
        let scope = match address {
            Address::Config(uuid) => self.config_scope(uuid, &claims).await?,
            Address::Connection(name) => vec![self.connection_mapping(name, &claims)?],
        };
        Ok(Grant {
            identifier: claims.sub,
            scope,
            read_only: claims.access_level == Some(AccessLevel::ReadOnly),
            account_ids: claims.ca_ids.unwrap_or_default(),
        })
    }

    fn claims(&self, url: &str, headers: &HeaderMap) -> Result<Claims, Refusal> {
        let metadata = self.metadata_url(url);
        let invalid = |reason, message| Refusal::token_invalid(&metadata, reason, message);
        let token = bearer(headers).ok_or_else(|| Refusal::token_missing(&metadata))?;
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

    async fn config_scope(&self, uuid: &str, claims: &Claims) -> Result<Vec<Mapping>, Refusal> {
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
            Refusal::gone(
                "mcp_config_deleted",
                "this Virtual MCP server has been deleted",
            )
        })?;
        if claims.mcp_cfg.as_deref() != Some(config.id.as_str()) {
            return Err(Refusal::gone(
                "mcp_config_deleted",
                "this Virtual MCP server has been replaced",
            ));
        }
        Ok(config
            .mappings
            .into_iter()
            .filter_map(|mapping| self.mapping(mapping))
            .collect())
    }

    /// A connection that has left the settings since is out of reach.
    fn mapping(&self, mapping: MappingRecord) -> Option<Mapping> {
        let connection = self.engine.connection(&mapping.connection_name)?;
        Some(Mapping {
            connection: Arc::clone(connection),
            tools: mapping.tools,
        })
    }

    fn connection_mapping(&self, name: &str, claims: &Claims) -> Result<Mapping, Refusal> {
        let gone = || Refusal::gone("connection_not_found", "this connection does not exist");
        let connection = self.engine.connection(name).ok_or_else(gone)?;
        let id = self.engine.connection_id(&connection.name);
        if id.is_none() || claims.conn_id.as_deref() != id {
            return Err(gone());
        }
        Ok(Mapping {
            connection: Arc::clone(connection),
            tools: Tools::All,
        })
    }

    /// Where RFC 9728 puts the document about `url`.
    fn metadata_url(&self, url: &str) -> String {
        let base = self.engine.issuer();
        let path = url.strip_prefix(base).unwrap_or_default();
        format!("{base}/.well-known/oauth-protected-resource{path}")
    }
}

/// The one bearer token of a request. Tokens in the query are never looked at.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next()?, values.next());
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (more.is_none() && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bearer_header_counts() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(bearer(&headers(&["Bearer a.b.c"])), Some("a.b.c"));
        assert_eq!(bearer(&headers(&["bearer a.b.c"])), Some("a.b.c"));
        for bad in [
            &[][..],
            &["Basic x"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a", "Bearer b"],
        ] {
            assert_eq!(bearer(&headers(bad)), None, "{bad:?}");
        }
    }
}
