"""What a client can do: `client.actions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalekit_vmcp._async_mcp import AsyncActionMcp
from scalekit_vmcp._mcp import ActionMcp

if TYPE_CHECKING:
    from scalekit_vmcp._bridge import NativeClient


class ActionClient:
    """The actions of a blocking client."""

    def __init__(self, native: NativeClient) -> None:
        self._mcp = ActionMcp(native)

    @property
    def mcp(self) -> ActionMcp:
        """Virtual MCP servers: configs, accounts, session tokens and sessions."""
        return self._mcp


class AsyncActionClient:
    """The actions of a client for asyncio."""

    def __init__(self, native: NativeClient) -> None:
        self._mcp = AsyncActionMcp(native)

    @property
    def mcp(self) -> AsyncActionMcp:
        """Virtual MCP servers: configs, accounts, session tokens and sessions."""
        return self._mcp
