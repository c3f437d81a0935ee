"""What a client can do, blocking: `client.actions`."""

from __future__ import annotations

from scalekit_vmcp._accounts import ActionAccounts
from scalekit_vmcp._configs import ActionConfigs
from scalekit_vmcp._instances import ActionInstances
from scalekit_vmcp._mcp import ActionMcp
from scalekit_vmcp._tools import ActionTools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scalekit_vmcp._bridge import NativeClient


class ActionClient(ActionAccounts, ActionTools, ActionConfigs, ActionInstances):
    """The actions of a blocking client: accounts, tools and, in `mcp`, Virtual MCP servers.

    The vendor's methods of configs and instances stand here too.
    """

    def __init__(self, native: NativeClient) -> None:
        super().__init__(native)
        self._mcp = ActionMcp(native)

    @property
    def mcp(self) -> ActionMcp:
        """Virtual MCP servers: configs, accounts, session tokens, sessions and instances."""
        return self._mcp
