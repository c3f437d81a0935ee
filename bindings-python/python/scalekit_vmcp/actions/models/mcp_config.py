"""The types of configs, at the place where the vendor has them."""

from scalekit_vmcp._generated import (
    ListMcpConfigsResponse,
    McpConfig,
    McpConfigConnectionToolMapping,
)
from scalekit_vmcp._responses import (
    CreateMcpConfigResponse,
    DeleteMcpConfigResponse,
    UpdateMcpConfigResponse,
)

__all__ = [
    "CreateMcpConfigResponse",
    "DeleteMcpConfigResponse",
    "ListMcpConfigsResponse",
    "McpConfig",
    "McpConfigConnectionToolMapping",
    "UpdateMcpConfigResponse",
]
