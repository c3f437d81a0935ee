"""The vendor's envelopes around what the API answers."""

from __future__ import annotations

from scalekit_vmcp._generated import ConnectedAccount, McpConfig, McpConnectionAuthState, McpInstance
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


class _OneInstance(Model):
    __slots__ = __match_args__ = ("instance",)

    instance: McpInstance

    def __init__(self, *, instance: McpInstance) -> None:
        self.instance = instance


class EnsureMcpInstanceResponse(_OneInstance):
    """The answer of `ensure_instance`.

    Attributes:
        instance: The instance, old or new.
    """

    __slots__ = ()


class UpdateMcpInstanceResponse(_OneInstance):
    """The answer of `update_instance`.

    Attributes:
        instance: The instance as it is now.
    """

    __slots__ = ()


class GetMcpInstanceResponse(_OneInstance):
    """The answer of `get_instance`.

    Attributes:
        instance: The instance.
    """

    __slots__ = ()


class DeleteMcpInstanceResponse(Model):
    """The answer of `delete_instance`; it says nothing."""

    __slots__ = ()


McpInstanceConnectionAuthState = McpConnectionAuthState
"""How a user stands with a connection of an instance: the same as with one of a config."""


class GetMcpInstanceAuthStateResponse(Model):
    """The answer of `get_instance_auth_state`.

    Attributes:
        connections: One state for each connection of the instance.
    """

    __slots__ = __match_args__ = ("connections",)

    connections: list[McpConnectionAuthState]

    def __init__(self, *, connections: list[McpConnectionAuthState]) -> None:
        self.connections = connections


class _OneAccount(Model):
    __slots__ = __match_args__ = ("connected_account",)

    connected_account: ConnectedAccount

    def __init__(self, *, connected_account: ConnectedAccount) -> None:
        self.connected_account = connected_account


class CreateConnectedAccountResponse(_OneAccount):
    """The answer of `create_connected_account` and of `get_or_create_connected_account`.

    Attributes:
        connected_account: The account, without credentials.
    """

    __slots__ = ()


class UpdateConnectedAccountResponse(_OneAccount):
    """The answer of `update_connected_account`.

    Attributes:
        connected_account: The account as it is now.
    """

    __slots__ = ()


class GetConnectedAccountResponse(_OneAccount):
    """The answer of `get_connected_account`.

    Attributes:
        connected_account: The account with its credentials.
    """

    __slots__ = ()


class GetConnectedAccountDetailsResponse(_OneAccount):
    """The answer of `get_connected_account_details`.

    Attributes:
        connected_account: The account without its credentials.
    """

    __slots__ = ()


class DeleteConnectedAccountResponse(Model):
    """The answer of `delete_connected_account`; it says nothing."""

    __slots__ = ()
