"""The vendor's envelopes around what the API answers."""

from __future__ import annotations

from scalekit_vmcp._generated import McpConfig, McpConnectionAuthState
from scalekit_vmcp._model import Model


class CreateMcpConfigResponse(Model):
    """The answer of `create_config`.

    Attributes:
        config: The new config.
    """

    __slots__ = __match_args__ = ("config",)

    config: McpConfig

    def __init__(self, *, config: McpConfig) -> None:
        self.config = config


class UpdateMcpConfigResponse(Model):
    """The answer of `update_config`.

    Attributes:
        config: The config as it is now.
    """

    __slots__ = __match_args__ = ("config",)

    config: McpConfig

    def __init__(self, *, config: McpConfig) -> None:
        self.config = config


class DeleteMcpConfigResponse(Model):
    """The answer of `delete_config`; it says nothing."""

    __slots__ = ()


class ListMcpConnectedAccountsResponse(Model):
    """The answer of `list_mcp_connected_accounts`.

    Attributes:
        connected_accounts: One state for each connection of the config.
    """

    __slots__ = __match_args__ = ("connected_accounts",)

    connected_accounts: list[McpConnectionAuthState]

    def __init__(self, *, connected_accounts: list[McpConnectionAuthState]) -> None:
        self.connected_accounts = connected_accounts
