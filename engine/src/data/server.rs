//! A Virtual MCP server: lists and calls the admitted tools of one grant.

use std::sync::Arc;

use rmcp::{
    ErrorData, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Extensions,
        Implementation, ListToolsResult, MetaObject, PaginatedRequestParams, RequestMetaObject,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::{RequestContext, RoleServer},
};
use serde_json::{Value, json};

use super::{
    admission::{admitted, in_scope},
    catalogue::{Catalogues, Listing},
    gate::{Grant, Mapping},
};
use crate::{
    accounts::AccountView,
    store::{AccountStatus, Tools},
    upstream::UpstreamError,
};

/// Where a listing says, for programs, which connections could not be asked.
const UNAVAILABLE: &str = "scalekit-vmcp/unavailable";

/// Where a tool result says, for programs, that the user must authorize a connection.
const AUTHORIZATION_REQUIRED: &str = "scalekit-vmcp/authorization_required";

#[derive(Clone)]
pub(super) struct VirtualServer {
    catalogues: Arc<Catalogues>,
}

impl VirtualServer {
    pub(super) fn new(catalogues: Arc<Catalogues>) -> Self {
        Self { catalogues }
    }

    /// A connection that cannot be asked does not take the others down, and never vanishes
    /// without a word.
    async fn list(&self, grant: &Grant) -> Result<ListToolsResult, ErrorData> {
        let listings = self.catalogues.listings(grant, grant.scope.iter()).await;
        let tools: Vec<Tool> = admitted(grant, &listings)
            .into_iter()
            .map(|(_, _, tool)| tool.clone())
            .collect();
        let unavailable: Vec<Value> = listings
            .iter()
            .filter_map(|(mapping, listing)| {
                let reason = listing.failure.as_ref()?.to_string();
                Some(json!({ "connection_name": mapping.connection.name, "reason": reason }))
            })
            .collect();
        if unavailable.is_empty() {
            return Ok(ListToolsResult::with_all_items(tools));
        }
        if tools.is_empty() {
            let reasons: Vec<String> = failures(&listings).map(ToString::to_string).collect();
            let data = json!({ UNAVAILABLE: unavailable });
            return Err(ErrorData::internal_error(reasons.join("; "), Some(data)));
        }
        let mut result = ListToolsResult::with_all_items(tools);
        let meta = result.meta.get_or_insert_default();
        meta.0.insert(UNAVAILABLE.to_owned(), unavailable.into());
        Ok(result)
    }

    async fn call(
        &self,
        grant: &Grant,
        request: CallToolRequestParams,
    ) -> Result<CallToolResult, ErrorData> {
        let candidates = grant
            .scope
            .iter()
            .filter(|mapping| in_scope(mapping, &request.name));
        let listings = self.catalogues.listings(grant, candidates).await;
        let found = admitted(grant, &listings)
            .into_iter()
            .find(|(_, _, tool)| tool.name == request.name);
        // A hidden tool is answered exactly like one that does not exist.
        let Some((mapping, listing, _)) = found else {
            // A tool that the config names, of a connection that could never be asked.
            let named = listings
                .iter()
                .filter(|(mapping, listing)| {
                    matches!(mapping.tools, Tools::Only(_)) && listing.as_ref().is_empty()
                })
                .find_map(|(_, listing)| listing.failure.as_ref());
            if let Some(error) = named {
                return Ok(failed(error));
            }
            return Err(ErrorData::invalid_params(
                format!("Unknown tool: {}", request.name),
                None,
            ));
        };
        match usable(listing) {
            Ok(account) => {
                match self
                    .catalogues
                    .call(grant, &mapping.connection, account, request)
                    .await
                {
                    Ok(result) => Ok(result),
                    Err(UpstreamError::Refused { error, .. }) => Err(error),
                    Err(UpstreamError::CredentialRefused { .. }) => {
                        self.catalogues.expire(grant, mapping, account).await;
                        Ok(needs_authorization(mapping, Some(AccountStatus::Expired)))
                    }
                    Err(error) => Ok(failed(&error)),
                }
            }
            Err(status) => Ok(needs_authorization(mapping, status)),
        }
    }
}

fn failures<'a>(listings: &'a [(&Mapping, Listing)]) -> impl Iterator<Item = &'a UpstreamError> {
    listings
        .iter()
        .filter_map(|(_, listing)| listing.failure.as_ref())
}

fn usable(listing: &Listing) -> Result<&AccountView, Option<AccountStatus>> {
    match &listing.account {
        Some(account) if account.status == AccountStatus::Active => Ok(account),
        other => Err(other.as_ref().map(|account| account.status)),
    }
}

/// A tool result, not an error: the one form that every client shows whole.
fn needs_authorization(mapping: &Mapping, status: Option<AccountStatus>) -> CallToolResult {
    let connection = &mapping.connection.name;
    let status = status.map_or("NOT_CONNECTED", AccountStatus::as_str);
    let text = format!(
        "The connection `{connection}` needs the user's authorization (its status is {status}). \
         Ask the user to authorize `{connection}` again, then call this tool once more."
    );
    let mut meta = MetaObject::new();
    meta.0.insert(
        AUTHORIZATION_REQUIRED.to_owned(),
        json!({ "connection_name": connection, "status": status }),
    );
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = Some(meta);
    result
}

fn failed(error: &UpstreamError) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(error.to_string())])
}

fn grant(extensions: &Extensions) -> Result<Arc<Grant>, ErrorData> {
    extensions
        .get::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<Arc<Grant>>())
        .map(Arc::clone)
        .ok_or_else(|| ErrorData::internal_error("the request came past the gate", None))
}

/// Passes on what belongs to the caller's trace; the rest is between this hop and its client.
fn forwarded(request: CallToolRequestParams, meta: &RequestMetaObject) -> CallToolRequestParams {
    let mut forwarded = CallToolRequestParams::new(request.name);
    forwarded.arguments = request.arguments;
    let trace: MetaObject = MetaObject(
        meta.0
            .0
            .iter()
            .filter(|(key, _)| matches!(key.as_str(), "traceparent" | "tracestate" | "baggage"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    );
    if !trace.0.is_empty() {
        forwarded.meta = Some(RequestMetaObject(trace));
    }
    forwarded
}

impl ServerHandler for VirtualServer {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info.server_info = Implementation::new("scalekit-vmcp-engine", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let grant = grant(&context.extensions)?;
        self.list(&grant).await
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let grant = grant(&context.extensions)?;
        let request = forwarded(request, &context.meta);
        // The library cancels this token when the client gives up or closes its stream.
        tokio::select! {
            result = self.call(&grant, request) => result.map(CallToolResponse::from),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
        }
    }
}
