"""Virtual MCP servers for agent developers (unofficial client of Scalekit AgentKit).

A *config* is one MCP endpoint per agent role: a named list of connections and the tools each may
show. A *session* is one agent run on it with one user's credentials: a URL and a bearer token that
stays valid until the run ends.

    from datetime import timedelta
    from scalekit_vmcp import AsyncScalekitClient, McpConfigConnectionToolMapping

    async with AsyncScalekitClient.from_env() as client:
        created = await client.actions.mcp.create_config(
            name="email-calendar-agent",
            connection_tool_mappings=[
                McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"]),
                McpConfigConnectionToolMapping(connection_name="googlecalendar"),
            ],
        )
        session = await client.actions.mcp.open_session(
            created.config, identifier="user_123", expiry=timedelta(hours=1)
        )
        url, headers = session.url, await session.headers()

`ScalekitClient` is the same, blocking. `LocalEngine` is a server for tests and for one's own machine.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scalekit_vmcp._async_client import AsyncScalekitClient
    from scalekit_vmcp._client import ScalekitClient
    from scalekit_vmcp._generated import (
        AccountChange,
        ConnectedAccount,
        EnsuredConfig,
        McpConfig,
        McpConfigConnectionToolMapping,
        McpConnectionAuthState,
        McpInstance,
        ScopedTool,
        SessionReport,
        SessionWarning,
        Tool,
        ToolReport,
    )
    from scalekit_vmcp._model import ALL_TOOLS
    from scalekit_vmcp._session import AsyncSession, Session
    from scalekit_vmcp._wait import AccountWait, AsyncAccountWait
    from scalekit_vmcp.common.exceptions import (
        ScalekitAuthorizationRequiredException,
        ScalekitException,
    )
    from scalekit_vmcp.engine import LocalEngine

__all__ = [
    "ALL_TOOLS",
    "AccountChange",
    "AccountWait",
    "AsyncAccountWait",
    "AsyncScalekitClient",
    "AsyncSession",
    "ConnectedAccount",
    "EnsuredConfig",
    "LocalEngine",
    "McpConfig",
    "McpConfigConnectionToolMapping",
    "McpConnectionAuthState",
    "McpInstance",
    "ScalekitAuthorizationRequiredException",
    "ScalekitClient",
    "ScalekitException",
    "ScopedTool",
    "Session",
    "SessionReport",
    "SessionWarning",
    "Tool",
    "ToolReport",
]


_HOMES = {
    "ALL_TOOLS": "_model",
    "AccountWait": "_wait",
    "AsyncAccountWait": "_wait",
    "AsyncScalekitClient": "_async_client",
    "AsyncSession": "_session",
    "LocalEngine": "engine",
    "ScalekitAuthorizationRequiredException": "common.exceptions",
    "ScalekitClient": "_client",
    "ScalekitException": "common.exceptions",
    "Session": "_session",
}
"""Where what is public stands; the rest are models, in `_generated`."""


def __getattr__(name: str) -> Any:
    """Imports on first use: pytest loads this package in every project, for its plugin."""
    # `importlib` would cost more than what it imports here.
    if name in ("actions", "common"):  # parts of the package that may be used without importing them
        __import__(f"{__name__}.actions")
    elif name in __all__:
        home = __import__(f"{__name__}.{_HOMES.get(name, '_generated')}", fromlist=[name])
        globals()[name] = getattr(home, name)
    else:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
