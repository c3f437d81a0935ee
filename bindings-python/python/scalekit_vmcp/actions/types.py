"""All types of the actions, at the place where the vendor has them."""

from scalekit_vmcp._generated import (
    CreateMcpSessionTokenResponse,
    ListMcpConfigsResponse,
    McpConfig,
    McpConfigConnectionToolMapping,
    McpConnectionAuthState,
)
from scalekit_vmcp._responses import (
    CreateMcpConfigResponse,
    DeleteMcpConfigResponse,
    ListMcpConnectedAccountsResponse,
    UpdateMcpConfigResponse,
)

__all__ = [
    "CreateMcpConfigResponse",
    "CreateMcpSessionTokenResponse",
    "DeleteMcpConfigResponse",
    "ListMcpConfigsResponse",
    "ListMcpConnectedAccountsResponse",
    "McpConfig",
    "McpConfigConnectionToolMapping",
    "McpConnectionAuthState",
    "UpdateMcpConfigResponse",
]
