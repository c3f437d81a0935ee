//! A Virtual MCP server: lists and calls the admitted tools of one grant.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use http::request::Parts;
use rmcp::{
    ErrorData, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
        CustomResult, ErrorCode, Implementation, ListToolsResult, MetaObject,
        PaginatedRequestParams, ProgressNotificationParam, ProgressToken, RequestMetaObject,
        ResultType, ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
    },
    service::{Peer, RequestContext, RoleServer, SubscriptionContext},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    admission::{admitted, find},
    catalogue::{Catalogues, Failure, Listing, candidates},
    gate::{Grant, Mapping},
    leases::{Call, Terms},
    record::{CallRecord, Refused},
    refusal::Refusal,
    tenancy::Ending,
};
use crate::{
    accounts::AccountView,
    local::journal::Outcome,
    store::{AccountStatus, Tools},
    upstream::{Progress, UpstreamError},
};

/// Where a listing says, for programs, which connections could not be asked.
const UNAVAILABLE: &str = "scalekit-vmcp/unavailable";

/// Where a listing says which tools it leaves out because two connections bring their name.
const LEFT_OUT: &str = "scalekit-vmcp/left_out";

/// Where a tool result says, for programs, that the user must authorize a connection.
const AUTHORIZATION_REQUIRED: &str = "scalekit-vmcp/authorization_required";

/// How much progress may wait for a client that reads slowly.
const NEWS: usize = 64;

/// Made for each request, with what its token allows.
#[derive(Clone)]
pub(super) struct VirtualServer {
    catalogues: Arc<Catalogues>,
    grant: Arc<Grant>,
    terms: Arc<Terms>,
    /// The `x-request-id` of the answer.
    request_id: String,
    /// The listings that were made to check the headers of the call: it needs no others.
    learned: Arc<Mutex<Option<Vec<Listing>>>>,
}

impl VirtualServer {
    pub(super) fn new(
        catalogues: Arc<Catalogues>,
        grant: Arc<Grant>,
        terms: Arc<Terms>,
        request_id: String,
        learned: Option<Vec<Listing>>,
    ) -> Self {
        Self {
            catalogues,
            grant,
            terms,
            request_id,
            learned: Arc::new(Mutex::new(learned)),
        }
    }

    /// A connection that cannot be asked does not take the others down, and never vanishes
    /// without a word.
    async fn list(&self) -> Result<ListToolsResult, ErrorData> {
        let grant = &*self.grant;
        let listings = self.catalogues.listings(grant, grant.scope.iter()).await;
        let (tools, clashes) = admitted(grant, &listings);
        let tools: Vec<Tool> = tools.into_iter().cloned().collect();
        let reasons: Vec<(&str, String)> = listings
            .iter()
            .filter_map(|(mapping, listing)| {
                Some((
                    mapping.connection.name.as_str(),
                    unavailable(mapping, listing)?,
                ))
            })
            .collect();
        if reasons.is_empty() && clashes.is_empty() {
            return Ok(ListToolsResult::with_all_items(tools));
        }
        let details: Vec<Value> = reasons
            .iter()
            .map(|(connection, reason)| json!({ "connection_name": connection, "reason": reason }))
            .collect();
        if tools.is_empty() && clashes.is_empty() {
            let texts: Vec<String> = reasons.into_iter().map(|(_, reason)| reason).collect();
            let data = json!({ UNAVAILABLE: details });
            return Err(ErrorData::internal_error(texts.join("; "), Some(data)));
        }
        let mut result = ListToolsResult::with_all_items(tools);
        let meta = result.meta.get_or_insert_default();
        if !details.is_empty() {
            meta.0.insert(UNAVAILABLE.to_owned(), details.into());
        }
        if !clashes.is_empty() {
            meta.0.insert(LEFT_OUT.to_owned(), clashes.into());
        }
        Ok(result)
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        progress: Option<Progress>,
        record: &mut CallRecord<'_>,
    ) -> Result<CallToolResult, ErrorData> {
        let grant = &*self.grant;
        let candidates = candidates(grant, &request.name);
        let learned = self
            .learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let listings = if let Some(learned) = learned {
            candidates.zip(learned).collect()
        } else {
            let listings = self.catalogues.listings(grant, candidates);
            record.upstream(listings).await
        };
        let found = find(grant, &listings, &request.name);
        let Some((mapping, listing, _)) = found else {
            return unlisted(&listings, &request.name, record);
        };
        record.of_connection(mapping, &request.name);
        let Some(account) = usable(mapping, listing) else {
            record.refused(
                Refused::AuthorizationRequired,
                Outcome::AuthorizationRequired,
            );
            return Ok(needs_authorization(mapping, listing.status));
        };
        self.terms.calls(Call {
            connection: mapping.connection.name.clone(),
            account_id: account.id.clone(),
            tool: request.name.clone().into_owned(),
        });
        record.allowed();
        let calling = self
            .catalogues
            .call(grant, mapping, account, &self.terms, request, progress);
        match record.upstream(calling).await {
            Ok(mut result) => {
                // A legacy upstream does not say it; modern clients insist, and legacy ones are
                // spared it by the MCP library.
                result.result_type.get_or_insert(ResultType::COMPLETE);
                record.ended(match result.is_error {
                    Some(true) => Outcome::ToolError,
                    _ => Outcome::Ok,
                });
                Ok(result)
            }
            Err(Failure::Expired) => {
                record.ended(Outcome::AuthorizationRequired);
                Ok(needs_authorization(mapping, Some(AccountStatus::Expired)))
            }
            Err(Failure::Upstream(UpstreamError::Refused { error, .. })) => {
                record.ended(Outcome::Refused);
                Err(error)
            }
            Err(Failure::Upstream(error)) => {
                record.ended(Outcome::UpstreamFailed);
                Ok(failed(&error))
            }
        }
    }
}

/// A tool that is not listed does not exist, and a hidden one is answered exactly so. But where a
/// connection could not be asked at all, and the config names the tool, the reason helps.
fn unlisted(
    listings: &[(&Mapping, Listing)],
    name: &str,
    record: &mut CallRecord<'_>,
) -> Result<CallToolResult, ErrorData> {
    for (mapping, listing) in listings {
        if matches!(mapping.tools, Tools::Only(_)) && listing.as_ref().is_empty() {
            if let Some(error) = &listing.failure {
                record.of_connection(mapping, name);
                record.refused(Refused::UpstreamUnavailable, Outcome::UpstreamFailed);
                return Ok(failed(error));
            }
            if usable(mapping, listing).is_none() {
                record.of_connection(mapping, name);
                record.refused(
                    Refused::AuthorizationRequired,
                    Outcome::AuthorizationRequired,
                );
                return Ok(needs_authorization(mapping, listing.status));
            }
        }
    }
    record.refused(Refused::UnknownTool, Outcome::Refused);
    Err(ErrorData::invalid_params(
        format!("Unknown tool: {name}"),
        None,
    ))
}

/// The account to call with, if it is active.
fn usable<'a>(mapping: &'a Mapping, listing: &Listing) -> Option<&'a AccountView> {
    let active = listing.status == Some(AccountStatus::Active);
    mapping.account.as_ref().filter(|_| active)
}

/// How a call under way ends, if this grant does not admit it: as the next call would. One whose credential the
/// upstream has refused is on its way to say so itself.
pub(super) fn ended(
    catalogues: &Catalogues,
    grant: &Grant,
    call: &Call,
    refused: bool,
) -> Option<Ending> {
    let removed = || Some(Ending::Refused(Refusal::tool_removed(&call.tool)));
    let mut scope = grant.scope.iter();
    let Some(mapping) = scope.find(|mapping| mapping.connection.name == call.connection) else {
        return removed();
    };
    let status = mapping.account.as_ref().map(|account| account.status);
    let same = mapping
        .account
        .as_ref()
        .filter(|account| account.id == call.account_id);
    if same.is_some_and(|account| refused && account.status == AccountStatus::Expired) {
        return None;
    }
    if same.is_none_or(|account| account.status != AccountStatus::Active) {
        // The account that it was made with is no more, even if there is another by now.
        let status = status.filter(|status| *status != AccountStatus::Active);
        let mut result = needs_authorization(mapping, status);
        result.result_type = Some(ResultType::COMPLETE);
        return Some(Ending::Answered(Box::new(result)));
    }
    match catalogues.known(grant, &call.tool) {
        Some(_) => None,
        None => removed(),
    }
}

/// Why a connection has no tools to show, if that is so.
fn unavailable(mapping: &Mapping, listing: &Listing) -> Option<String> {
    if let Some(error) = &listing.failure {
        return Some(error.to_string());
    }
    let waiting = listing.as_ref().is_empty() && usable(mapping, listing).is_none();
    waiting.then(|| authorization_text(mapping, listing.status))
}

/// A tool result, not an error: the one form that every client shows whole.
fn needs_authorization(mapping: &Mapping, status: Option<AccountStatus>) -> CallToolResult {
    let connection = &mapping.connection.name;
    let text = authorization_text(mapping, status);
    let status = status_text(status);
    let mut meta = MetaObject::new();
    meta.0.insert(
        AUTHORIZATION_REQUIRED.to_owned(),
        json!({ "connection_name": connection, "status": status }),
    );
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = Some(meta);
    result
}

fn authorization_text(mapping: &Mapping, status: Option<AccountStatus>) -> String {
    let (connection, status) = (&mapping.connection.name, status_text(status));
    format!(
        "The connection `{connection}` needs the user's authorization (its status is {status}). \
         Ask the user to authorize `{connection}`, then try again."
    )
}

fn status_text(status: Option<AccountStatus>) -> &'static str {
    status.map_or("NOT_CONNECTED", AccountStatus::as_str)
}

fn failed(error: &UpstreamError) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(error.to_string())])
}

/// Gives its client what an upstream tells of a call: under the client's token, before the answer.
struct Forward<'a> {
    token: Option<ProgressToken>,
    news: mpsc::Receiver<ProgressNotificationParam>,
    peer: &'a Peer<RoleServer>,
}

impl<'a> Forward<'a> {
    /// And where to put the news; nowhere if the client did not ask for any.
    fn new(context: &'a RequestContext<RoleServer>) -> (Self, Option<Progress>) {
        let token = context.meta.get_progress_token();
        let (progress, news) = mpsc::channel(NEWS);
        let wanted = token.is_some().then_some(progress);
        let peer = &context.peer;
        (Self { token, news, peer }, wanted)
    }

    async fn during<T>(mut self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        let result = loop {
            tokio::select! {
                biased;
                Some(news) = self.news.recv() => self.tell(news).await,
                result = &mut call => break result,
            }
        };
        while let Ok(news) = self.news.try_recv() {
            self.tell(news).await;
        }
        result
    }

    async fn tell(&self, mut news: ProgressNotificationParam) {
        if let Some(token) = &self.token {
            news.progress_token = token.clone();
            // A client that is gone needs no news; the call is cancelled by who sees it go.
            let _ = self.peer.notify_progress(news).await;
        }
    }
}

/// What a caller's trace is known by, in `_meta` or in a header.
const TRACE: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// Passes on what belongs to the caller's trace; the rest is between this hop and its client. What
/// the client's HTTP library knows of a trace is in headers.
fn forwarded(
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> CallToolRequestParams {
    let mut forwarded = CallToolRequestParams::new(request.name);
    forwarded.arguments = request.arguments;
    let mut trace = MetaObject::new();
    let meta = &context.meta.0.0;
    let headers = context
        .extensions
        .get::<Parts>()
        .map(|parts| &parts.headers);
    // One trace is of one place: a state without its parent means nothing.
    let in_meta = meta.contains_key("traceparent");
    for key in TRACE {
        let value = match headers.and_then(|headers| headers.get(key)) {
            Some(value) if !in_meta => value.to_str().ok().map(Value::from),
            _ => None,
        };
        if let Some(value) = value.or_else(|| meta.get(key).cloned()) {
            trace.0.insert(key.to_owned(), value);
        }
    }
    if !trace.0.is_empty() {
        forwarded.meta = Some(RequestMetaObject(trace));
    }
    forwarded
}

impl ServerHandler for VirtualServer {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        info.server_info = Implementation::new("scalekit-vmcp-engine", env!("CARGO_PKG_VERSION"));
        info
    }

    /// Asked for the headers that repeat arguments (`x-mcp-header`), which must match.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.catalogues.known(&self.grant, name)
    }

    /// What the library cannot read as one of the protocol's requests: a method that is not there, or
    /// parameters that are none of its.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if matches!(&*request.method, "tools/list" | "tools/call") {
            let message = format!("the parameters of `{}` are not valid", request.method);
            return Err(ErrorData::invalid_params(message, None));
        }
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            request.method,
            None,
        ))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let journal = self.catalogues.engine().journal();
        let mut entry = journal.mcp("tools/list", &self.grant.identifier, None);
        entry.of_request(&self.request_id);
        let listed = self.list().await;
        entry.ended(match &listed {
            Ok(_) => Outcome::Ok,
            Err(_) => Outcome::UpstreamFailed,
        });
        listed
    }

    fn accepted_subscription_filter(&self, _: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    /// Until the client closes the stream, or the grant ends.
    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut news = self.terms.listen();
        loop {
            tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                changed = news.changed() => {
                    let wanted = subscription.accepted().tools_list_changed == Some(true);
                    if changed.is_ok() && wanted {
                        // A client that is gone is seen to go above.
                        let _ = subscription.sink().notify_tool_list_changed().await;
                    }
                }
            }
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let request = forwarded(request, &context);
        let engine = self.catalogues.engine();
        let arguments = request.arguments.as_ref();
        let mut record = CallRecord::begin(
            engine,
            &self.grant,
            &self.request_id,
            &request.name,
            arguments,
        );
        let (forward, progress) = Forward::new(&context);
        // The library cancels this token when the client gives up or closes its stream.
        tokio::select! {
            result = forward.during(self.call(request, progress, &mut record)) => result.map(CallToolResponse::from),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
        }
    }
}
