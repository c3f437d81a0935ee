//! An upstream that does what a test tells it to, and tells the test what it sees.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use rmcp::{
    ErrorData, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock,
        DiscoverRequestMethod, DiscoverResult, InputRequiredResult, ListToolsResult,
        PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities, ServerConfig,
        SubscriptionFilter, Tool,
    },
    service::{NotificationContext, Peer, RequestContext, RoleServer, SubscriptionContext},
    transport::streamable_http_server::{
        StreamableHttpService,
        session::{local::LocalSessionManager, never::NeverSessionManager},
    },
};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// Nobody waits for ever; it is no measure of anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the upstream saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A call of `wait` began.
    Begun,
    /// It was cancelled.
    Cancelled,
    /// It was let go and has been answered.
    Done,
    /// Somebody listens for changes of the tools.
    Listening,
}

/// How the upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Modern,
    /// With sessions and their `GET` stream.
    Legacy,
}

/// A server with the tool `wait`, which runs until it is let go or cancelled, `asks`, which wants more
/// input, and others.
#[derive(Clone)]
struct Slow {
    speaks: Speaks,
    seen: mpsc::UnboundedSender<Seen>,
    let_go: watch::Receiver<u64>,
    tools: watch::Receiver<Vec<String>>,
    /// The sessions of a legacy server.
    peers: Arc<Mutex<Vec<Peer<RoleServer>>>>,
}

impl ServerHandler for Slow {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        info
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        match self.speaks {
            Speaks::Modern => Ok(DiscoverResult::from_server_info(
                self.supported_protocol_versions().into_owned(),
                self.get_info(),
            )),
            // What a server says that has never heard of it.
            Speaks::Legacy => Err(ErrorData::method_not_found::<DiscoverRequestMethod>()),
        }
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.peers.lock().unwrap().push(context.peer);
        let _ = self.seen.send(Seen::Listening);
    }

    fn accepted_subscription_filter(&self, _: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut tools = self.tools.clone();
        tools.mark_unchanged();
        let _ = self.seen.send(Seen::Listening);
        loop {
            tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                changed = tools.changed() => match changed {
                    Ok(()) => { let _ = subscription.sink().notify_tool_list_changed().await; }
                    Err(_) => return Ok(()),
                },
            }
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let names = self.tools.borrow().clone();
        let schema = json!({ "type": "object" }).as_object().cloned();
        let schema = Arc::new(schema.unwrap_or_default());
        let tools = names
            .into_iter()
            .map(|name| Tool::new(name, "Waits.", Arc::clone(&schema)));
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "asks" {
            let asks = InputRequiredResult::from_request_state("secret state");
            return Ok(CallToolResponse::InputRequired(asks));
        }
        let mut let_go = self.let_go.clone();
        let_go.mark_unchanged();
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, 1.0);
            let _ = context.peer.notify_progress(progress).await;
        }
        let _ = self.seen.send(Seen::Begun);
        tokio::select! {
            _ = let_go.changed() => {}
            () = context.ct.cancelled() => {
                let _ = self.seen.send(Seen::Cancelled);
                return Err(ErrorData::internal_error("cancelled", None));
            }
        }
        let _ = self.seen.send(Seen::Done);
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
    }
}

/// The upstream, from the test's side.
pub(crate) struct SlowUpstream {
    url: String,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    let_go: watch::Sender<u64>,
    tools: watch::Sender<Vec<String>>,
    peers: Arc<Mutex<Vec<Peer<RoleServer>>>>,
}

impl SlowUpstream {
    pub(crate) async fn start(speaks: Speaks) -> Self {
        let (seen_by, seen) = mpsc::unbounded_channel();
        let let_go = watch::Sender::new(0);
        let tools = watch::Sender::new(vec!["wait".to_owned(), "other".to_owned()]);
        let peers = Arc::default();
        let slow = Slow {
            speaks,
            seen: seen_by,
            let_go: let_go.subscribe(),
            tools: tools.subscribe(),
            peers: Arc::clone(&peers),
        };
        let config = rmcp::transport::StreamableHttpServerConfig::default();
        let router = match speaks {
            Speaks::Modern => Router::new().route_service(
                "/mcp",
                StreamableHttpService::new(
                    move || Ok(slow.clone()),
                    Arc::new(NeverSessionManager::default()),
                    config
                        .with_legacy_session_mode(false)
                        .with_json_response(true),
                ),
            ),
            Speaks::Legacy => Router::new().route_service(
                "/mcp",
                StreamableHttpService::new(
                    move || Ok(slow.clone()),
                    Arc::new(LocalSessionManager::default()),
                    config,
                ),
            ),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            seen,
            let_go,
            tools,
            peers,
        }
    }

    /// A connection to it that needs a key.
    pub(crate) fn connection(&self, name: &str) -> String {
        let url = &self.url;
        format!("[connections.{name}]\nupstream = {{ url = \"{url}\" }}\nauth = \"api_key\"\n")
    }

    /// The next of these to be seen; what else is seen meanwhile does not matter.
    pub(crate) async fn sees(&mut self, wanted: Seen) {
        let seeing = async { while self.seen.recv().await.unwrap() != wanted {} };
        let seen = timeout(PATIENCE, seeing).await;
        seen.unwrap_or_else(|_| panic!("the upstream has not seen {wanted:?}"));
    }

    /// Lets the calls under way end.
    pub(crate) fn let_go(&self) {
        self.let_go.send_modify(|count| *count += 1);
    }

    /// Has other tools from now on, and says so.
    pub(crate) async fn has(&self, tools: &[&str]) {
        self.tools
            .send_replace(tools.iter().map(|&name| name.to_owned()).collect());
        let peers = self.peers.lock().unwrap().clone();
        for peer in peers {
            let _ = peer.notify_tool_list_changed().await;
        }
    }
}
