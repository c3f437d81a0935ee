//! A real MCP server over HTTP, of both eras, that tells each caller what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use rmcp::{
    ErrorData, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::{RequestContext, RoleServer},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde_json::{Value, json};

/// The names of its tools, in its order; a test may change them.
#[derive(Clone, Default)]
pub(crate) struct Teller(Arc<Mutex<Vec<String>>>);

impl Teller {
    pub(crate) fn new(tools: &[&str]) -> Self {
        let tools = tools.iter().map(|name| (*name).to_owned()).collect();
        Self(Arc::new(Mutex::new(tools)))
    }

    /// Serves it; returns the `upstream` line of a connection.
    pub(crate) async fn serve(&self) -> String {
        let teller = self.clone();
        let service = StreamableHttpService::new(
            move || Ok(teller.clone()),
            Arc::new(NeverSessionManager::default()),
            StreamableHttpServerConfig::default()
                .with_legacy_session_mode(false)
                .with_json_response(true),
        );
        let router = Router::new().route_service("/mcp", service);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("upstream = {{ url = \"http://{address}/mcp\" }}\n")
    }
}

/// What it tells.
pub(crate) fn told(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("not what a teller tells: {text}"))
}

impl ServerHandler for Teller {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.0.lock().unwrap();
        let tools = tools
            .iter()
            .map(|name| Tool::new(name.clone(), "", Arc::default()));
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let told = json!({ "tool": request.name, "meta": context.meta.0.0 });
        Ok(CallToolResult::success(vec![ContentBlock::text(told.to_string())]).into())
    }
}
