"""What a client can do, for asyncio: `client.actions`."""

from __future__ import annotations

from scalekit_vmcp._async_accounts import AsyncActionAccounts
from scalekit_vmcp._async_configs import AsyncActionConfigs
from scalekit_vmcp._async_instances import AsyncActionInstances
from scalekit_vmcp._async_mcp import AsyncActionMcp
from scalekit_vmcp._async_tools import AsyncActionTools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scalekit_vmcp._bridge import NativeClient


class AsyncActionClient(AsyncActionAccounts, AsyncActionTools, AsyncActionConfigs, AsyncActionInstances):
    """The actions of a client for asyncio: accounts, tools and, in `mcp`, Virtual MCP servers.

    The vendor's methods of configs and instances stand here too.
    """

    def __init__(self, native: NativeClient) -> None:
        super().__init__(native)
        self._mcp = AsyncActionMcp(native)

    @property
    def mcp(self) -> AsyncActionMcp:
        """Virtual MCP servers: configs, accounts, session tokens, sessions and instances."""
        return self._mcp
